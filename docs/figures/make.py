"""Every figure of the documentation, drawn by the report's own code.

python -m docs.figures.make       writes them beside this file
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import individose as ido
from docs.figures import cluster
from docs.figures.cluster_time import cluster_time
from docs.figures.gallery import ROUTES, picture
from docs.figures.growth import growth
from docs.figures.patients import PATIENTS, newborns
from docs.figures.rooms import rooms
from docs.figures.scatter import Panel, scatter
from individose.app.actions.hormone import curve, fit_person
from individose.app.actions.hormone_plans import read_plan
from individose.app.report import level_figure
from individose.app.report.figure import drawn as figure
from individose.app.report.hormone import hormone_picture
from individose.events import Level, Subject

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def newborn() -> str:
    """The README's figure: the patient of examples/newborn.json."""
    result = ido.estimate(ido.card("phenobarbital/grasela1985"), ido.read_case(ROOT / "examples" / "newborn.json"))
    return level_figure(result, name="newborn")


def card_figure(card_id: str, patients: list[Subject]) -> str:
    """Levels of real patients against the typical patient's and their own predictions."""
    measured, typical, own = [], [], []
    for fit in ido.fit_ward(ido.card(card_id), patients).fits:
        measured += [level.value_mg_L for level in fit.problem.context.subject.levels]
        typical += fit.typical_fitted().tolist()
        own += fit.fitted().tolist()
    panels = [Panel("typical patient", typical, measured), Panel("this patient (MAP)", own, measured)]
    return scatter(slug(card_id), f"Measured and predicted levels under {card_id}", panels)


def forecasts() -> str:
    """The figure of the evaluation: each level against what was predicted before it was known."""
    found = ido.evaluate(ido.card("phenobarbital/grasela1985"), newborns(), resamples=1).forecasts
    later = [f for f in found if f.number > 1]
    measured = [f.observed for f in later]
    panels = [
        Panel("from covariates alone", [f.prior for f in later], measured),
        Panel("with the earlier levels", [f.posterior or f.prior for f in later], measured),
    ]
    return scatter("forecasts", "The newborns' levels after the first, and what was predicted before them", panels)


def hormone() -> dict[str, str]:
    """Estradiol: a change from injections to patches, and what two blood tests do to the band."""
    change = read_plan("EV 5 mg every 7 d x4; patch-tw 100 ug/d every 3.5 d from 28 d x4")
    mean = curve(change.plan)
    tests = [Level(24.0 * 63, 180e-6), Level(24.0 * 66, 300e-6)]
    same = read_plan("EV 5 mg every 7 d x10").plan
    drawn = {
        "hormone-change.svg": figure(hormone_picture(mean, "pg/mL"), "Estradiol level over time", name="hormone-change")
    }
    for name, found in (
        ("unknown", curve(same, basis="person")),
        ("person", curve(same, fitted=fit_person(same, tests))),
    ):
        seen = hormone_picture(found, "pg/mL", tests)
        drawn[f"hormone-{name}.svg"] = figure(
            replace(seen, top=950.0), "Estradiol of one person", name=f"hormone-{name}"
        )
    return drawn


def slug(card_id: str) -> str:
    """A card's id as the name of a file."""
    return card_id.replace("/", "-")


def figures() -> dict[str, str]:
    """Every figure by the name of its file."""
    drawn = {"newborn.svg": newborn(), "rooms.svg": rooms(), "forecasts.svg": forecasts()}
    for name, cost in (("growth", growth()), ("cluster-time", cluster_time())):
        if cost is not None:
            drawn[f"{name}.svg"] = cost
    drawn |= cluster.figures()
    drawn |= {f"gallery/{name}.svg": picture(name) for name in ROUTES}
    drawn |= hormone()
    return drawn | {f"{slug(card)}.svg": card_figure(card, read()) for card, (_, read) in PATIENTS.items()}


if __name__ == "__main__":
    for file, text in figures().items():
        (HERE / file).parent.mkdir(exist_ok=True)
        (HERE / file).write_text(text + "\n", encoding="utf-8")
