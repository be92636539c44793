"""Which regimen of a product brings one person's level where it is wanted, within a limit on the peak.

At steady state the level is what the body makes by itself and what the product gives, which is proportional to the dose: one
exact computation for each interval and each draw answers for every amount.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from individose.base import InputError, Notice
from individose.dosing.advice import IN_DOUBT, REACHED, doubted, percent, reason_against
from individose.dosing.candidates import AIMS, rounded
from individose.drugs import Card
from individose.drugs.together import ENDOGENOUS
from individose.events import Dose, Level, Subject
from individose.inference import Estimate, Fit
from individose.inference.estimate import estimated
from individose.inference.exposure import course_draws
from individose.inference.fit import area_draws, individual_draws, predict_draws
from individose.prediction import Bound, bind

HOPELESS = 0.01
"""Regimens that are less likely than this to reach what is wanted are not named, unless none is better."""

METRICS = {"average": "mg/L", "trough": "mg/L", "peak": "mg/L", "minimum": "mg/L"}
"""At steady state: the mean, the level at a dose, the highest and the lowest level."""


@dataclass(frozen=True)
class Wanted:
    """`metric` between `low` and `high` (mg/L), and a peak of at most `peak_limit`."""

    metric: str
    low: float
    high: float
    peak_limit: float = math.inf

    def __post_init__(self) -> None:
        if self.metric not in METRICS or not 0.0 <= self.low < self.high or not self.peak_limit > self.low:
            raise InputError(
                f"a {self.metric} of {self.low:g} to {self.high:g} mg/L with peaks of at most {self.peak_limit:g} is wanted",
                f"one of {', '.join(METRICS)}, low below high, and a limit of the peak above both",
                "exposure at steady state",
                "Correct what is wanted.",
            )


@dataclass(frozen=True)
class ProductRegimen:
    """`amount_mg` of a product every `interval_h`, a patch worn `worn_h`."""

    product: str
    amount_mg: float
    interval_h: float
    worn_h: float = 0.0


@dataclass(frozen=True)
class Option:
    """One regimen as it would act in this person: exposures at steady state, `probability` that all that is wanted holds,
    `below` and `above` that the metric misses on that side, `over` that the peak exceeds its limit."""

    regimen: ProductRegimen
    exposure: Mapping[str, Estimate]
    probability: float
    below: float
    above: float
    over: float
    exact_mg: float


@dataclass(frozen=True)
class Options:
    """Regimens from best to worst, whether the first reaches what is wanted (more likely than not), and a sentence."""

    wanted: Wanted
    found: tuple[Option, ...]
    reached: bool
    sentence: str
    notices: tuple[Notice, ...] = ()


def options(
    fit: Fit,
    product: str,
    wanted: Wanted,
    *,
    intervals_h: Sequence[float] = (),
    step_mg: float | None = None,
    level: float = 0.9,
    draws: int = 1000,
) -> Options:
    """Regimens of a product for a person, ranked by the probability that they reach what is wanted at steady state.

    **Arguments:** `fit` of a plan whose cards hold the product; `intervals_h` and `step_mg` of the amounts are those of the
    product's card unless given.

    **Raises:** `InputError` for a product that the fit does not hold, or a card that says nothing of its dosing.
    """
    bound: Bound = fit.problem.context
    card = _card(bound, product)
    against = reason_against(fit)
    if against:
        said = f"No regimen is proposed: {against}"
        return Options(wanted, (), False, said, (Notice("no-advice", said, "warning"),))
    dosing, kind = card.dosing, card.product
    assert kind is not None
    if dosing is None and not (intervals_h and step_mg):
        raise InputError(
            f"{card.id} does not say how it is dosed",
            "intervals and a step of the amount",
            "regimens are searched over these",
            "Give both.",
        )
    step = step_mg or (dosing.step_mg if dosing else 0.0)
    etas = np.vstack([fit.eta, fit.sample(draws, seed=1)])
    own = _endogenous(fit, etas)
    rows: dict[tuple[float, float], Option] = {}
    for interval in intervals_h or (dosing.intervals_h if dosing else ()):
        worn = min(kind.worn_h, interval) if kind.form == "patch" else 0.0
        per_mg = _per_mg(bound, card, product, interval, worn, etas)
        for share in AIMS:
            aim = wanted.low + share * (wanted.high - wanted.low)
            exact = (aim - own[0]) / per_mg[wanted.metric][0]
            for amount in rounded(float(exact), step) if exact > 0 else ():
                regimen = ProductRegimen(product, amount, interval, worn)
                values = {name: own + amount * per_mg[name] for name in METRICS}
                rows.setdefault((amount, interval), _option(regimen, values, wanted, level, float(exact)))
    ranked = tuple(sorted(rows.values(), key=lambda one: (-round(one.probability, 2), -one.regimen.interval_h)))
    ranked = tuple(one for i, one in enumerate(ranked) if i == 0 or one.probability >= HOPELESS)
    return _said(wanted, ranked)


def options_in_doubt(found: Options, findings: Sequence[Notice]) -> Options:
    """Regimens that say themselves when a level that they rest on is probably wrong; as they are where none is."""
    if not doubted(findings) or not found.found:
        return found
    return replace(found, sentence=f"{found.sentence} {IN_DOUBT.sentence}", notices=(*found.notices, IN_DOUBT))


def _card(bound: Bound, product: str) -> Card:
    parts = dict(bound.card.parts)
    if product not in parts or parts[product].product is None:
        raise InputError(
            f"a regimen of {product} is wanted",
            f"the fit holds {', '.join(name for name, part in parts.items() if part.product) or 'no product'}",
            "a regimen is proposed of what the person's parameters are known for",
            "Fit the person with this product among the others.",
        )
    return parts[product]


def _endogenous(fit: Fit, etas: np.ndarray) -> np.ndarray:
    """What the body makes by itself, mg/L (draws,)."""
    volume = individual_draws(fit.problem.likelihood, etas, fit.problem.now).get(f"V@{ENDOGENOUS}")
    return np.zeros(len(etas)) if volume is None else 1.0 / np.asarray(volume)


def _per_mg(
    bound: Bound, card: Card, product: str, interval_h: float, worn_h: float, etas: np.ndarray
) -> dict[str, np.ndarray]:
    """What 1 mg every interval gives at steady state: each of `METRICS` (draws,), mg/L; of the product's part alone."""
    dose = Dose(0.0, 1.0, interval_h=interval_h, steady_state=1, removed_after_h=worn_h)
    ends = [Level(t, float("nan"), measured=False) for t in (0.0, interval_h)]
    alone = bind(card, Subject(bound.subject.id, (dose, *ends)))
    own = etas[:, [bound.effects.index(f"{name}@{product}") for name in alone.effects]]
    relation, data = alone.relation, alone.data()
    seen = course_draws(relation, own, data, None)
    area = np.asarray(area_draws(relation, own, data))
    levels = np.asarray(predict_draws(relation, own, data))
    found = {"average": (area[:, 1] - area[:, 0]) / interval_h, "trough": levels[:, 0]}
    return found | {"peak": np.asarray(seen.peak), "minimum": np.asarray(seen.least)}


def _option(
    regimen: ProductRegimen, values: Mapping[str, np.ndarray], wanted: Wanted, level: float, exact: float
) -> Option:
    drawn, peak = values[wanted.metric][1:], values["peak"][1:]
    below, above, over = drawn < wanted.low, drawn > wanted.high, peak > wanted.peak_limit
    return Option(
        regimen,
        {name: estimated(x, METRICS[name], level) for name, x in values.items()},
        float(np.mean(~below & ~above & ~over)),
        float(np.mean(below)),
        float(np.mean(above)),
        float(np.mean(over)),
        exact,
    )


def _said(wanted: Wanted, ranked: tuple[Option, ...]) -> Options:
    if not ranked:
        said = "What the body makes by itself already exceeds what is wanted: no dose of this product brings it there."
        return Options(wanted, (), False, said, (Notice("no-candidate", said, "warning"),))
    best = ranked[0]
    reached = best.probability > REACHED
    if reached:
        said = f"The first reaches what is wanted with a probability of {percent(best.probability)}."
        return Options(wanted, ranked, True, said)
    said = (
        f"No regimen reaches what is wanted with a probability over {percent(REACHED)}; the first does with "
        f"{percent(best.probability)} (below {percent(best.below)}, above {percent(best.above)}, "
        f"peak over its limit {percent(best.over)})."
    )
    return Options(wanted, ranked, False, said, (Notice("target-not-reached", said, "warning"),))
