"""Which of the findings deserve a sentence, and how grave each is.

Rarity: a level's tail probability is held against 1 in 20 (note), 1 in 100 (caution), 1 in 1000 (warning) after it is
multiplied by the number of levels, so that a patient with many levels is not accused more often than one with few. Size: a
change of exposure by 20 % is what two products may differ by and still count as the same (the limits of bioequivalence,
0.80 to 1.25); half of it is worth a note. One topic has one sentence, about its worst level.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import NormalDist

from individose.base import Notice
from individose.base.outcomes import Grade
from individose.inference.diagnostics.records import Change, Diagnostics, OneLevel, graded
from individose.inference.diagnostics.refits import MINUTES
from individose.inference.fit import Fit

RARE: tuple[tuple[float, Grade], ...] = ((0.001, "warning"), (0.01, "caution"), (0.05, "note"))
"""Tail probabilities, over all levels of a patient, and their grade."""

UNUSUAL: tuple[tuple[float, Grade], ...] = ((0.001, "caution"), (0.01, "note"))
"""The same for effects: an unusual patient is no error, so the grades are milder."""

SIZEABLE, NOTABLE = 0.2, 0.1
"""Relative changes of exposure: a caution, and a note."""

AMPLIFIED = 0.15
"""Change of exposure from an assay error of 10 % that is worth a note: half as much again as the error."""

DECISIVE, TELLING = 2.0, 1.0
"""Posterior SDs by which leaving out one level moves an effect: out of its 95 % interval, and out of one SD."""

PROBABLE: tuple[tuple[float, Grade], ...] = ((400.0, "warning"), (20.0, "caution"))
"""Odds for a post-dose level. Where one trough in twenty is mistimed, 20 make it as likely as not, 400 make it 95 %."""

FITS = 2.0
"""Residual SDs within which a level put after its dose counts as explained there."""

SAID_LITTLE = 0.1
"""Narrowing under which an estimate is mostly the population's: nine tenths of its spread remain."""

MISSED = 4.0
"""Residual SDs beyond which the fit itself warns of a level (`level-missed`)."""


def judged(made: Diagnostics, fit: Fit, solved: bool) -> Diagnostics:
    """The diagnostics with their notices. `solved` says whether the search on the unchanged record found an optimum."""
    notices: list[Notice] = []
    explained: set[str] = set()
    for level in made.levels:
        grade = _post_dose_grade(level)
        if grade is not None:
            notices.append(_mistimed(level, grade))
            explained.add(level.sample)
    notices += made.domain
    if explained:
        # the fit believed a wrong time: what it says of the other levels is no finding
        notices += _unusual([x for x in made.levels if x.sample not in explained], len(made.levels))
        return replace(made, notices=graded(notices))
    notices += _influence(made.levels) if solved else _cures(made.levels)
    accused = _contradicting(made.levels)
    if accused is not None:
        notices.append(accused[1])
    notices += _unusual([x for x in made.levels if accused is None or x is not accused[0]], len(made.levels))
    notices += _timing(made.levels)
    notices += _assay(made.assay)
    if fit.status.code in ("converged", "flat", "multi-modal") and fit.method != "prior":
        notices += _effects(made, fit)
    return replace(made, notices=graded(notices))


def tail(level: OneLevel, probability: float) -> float:
    """How probable a level at least as far out is: on either side, or on the one side a limit tells of."""
    if level.censoring == "below":
        return probability
    return 1.0 - probability if level.censoring == "above" else 2.0 * min(probability, 1.0 - probability)


def _grade(value: float, steps: Sequence[tuple[float, Grade]], *, above: bool = False) -> Grade | None:
    return next((g for limit, g in steps if (value >= limit if above else value < limit)), None)


def _post_dose_grade(level: OneLevel) -> Grade | None:
    found = level.post_dose
    if found is None or not abs(found.residual) <= FITS:
        return None
    return _grade(found.odds, PROBABLE, above=True)


def _mistimed(level: OneLevel, grade: Grade) -> Notice:
    found = level.post_dose
    assert found is not None
    odds = "more than 1000" if found.odds > 1000.0 else f"{found.odds:.0f}"
    before = f"{60.0 * found.before_h:.0f} min before" if found.before_h > 0.0 else "just before"
    return Notice(
        "mistimed-trough",
        f"The level of {level.sample} was recorded {before} a dose and does not fit as a trough. Drawn about "
        f"{found.after_h:g} h after that dose it would fit: the levels are then {odds} times as probable. Ask for its time.",
        grade,
    )


def _cures(levels: Sequence[OneLevel]) -> list[Notice]:
    cure = [level.sample for level in levels if level.without is not None and level.without.ok]
    if not cure or len(levels) < 2:
        return []
    return [
        Notice(
            "influence",
            f"Without the level of {' or of '.join(cure)} the search finds an optimum. Check that level.",
            "warning",
        )
    ]


def _influence(levels: Sequence[OneLevel]) -> list[Notice]:
    """Of the level that moves exposure most; a patient's only level decides by itself, and that is no finding."""
    found = [(level, level.without) for level in levels if level.without is not None and level.without.ok]
    found = [(level, change) for level, change in found if change.exposure >= SIZEABLE and change.shift >= TELLING]
    if not found or len(levels) < 2:
        return []
    level, change = max(found, key=lambda pair: pair[1].exposure)
    grade = "caution" if change.shift >= DECISIVE else "note"
    return [
        Notice("influence", f"Without the level of {level.sample} {_moved(change)}: the result rests on it.", grade)
    ]


def _contradicting(levels: Sequence[OneLevel]) -> tuple[OneLevel, Notice] | None:
    """The level that the patient's others foretell least, where that is rare; the fit itself names those it misses widely."""
    known = [x for x in levels if x.among_others == x.among_others and abs(x.individual) <= MISSED]
    if len(levels) < 2 or not known:
        return None
    worst = min(known, key=lambda x: tail(x, x.among_others))
    grade = _grade(len(levels) * tail(worst, worst.among_others), RARE)
    if grade is None:
        return None
    text = f"{_standing(worst, worst.among_others, others=True)}: they contradict it."
    return worst, Notice("level-contradicts", text, grade)


def _unusual(levels: Sequence[OneLevel], count: int) -> list[Notice]:
    """The level that fewest patients would have, where that is rare."""
    known = [x for x in levels if x.percentile == x.percentile]
    worst = min(known, key=lambda x: tail(x, x.percentile), default=None)
    grade = _grade(count * tail(worst, worst.percentile), RARE) if worst is not None else None
    if worst is None or grade is None:
        return []
    text = f"{_standing(worst, worst.percentile, others=False)} (same covariates and doses)."
    return [Notice("level-unusual", text, grade)]


def _standing(level: OneLevel, probability: float, others: bool) -> str:
    """Where a level stands among what the patient's other levels foretell, or among those of other patients."""
    if level.censoring != "none":
        among = "by what this patient's other levels foretell" if others else "in patients like this one"
        side = "below" if level.censoring == "below" else "above"
        return f"A level {side} the limit of {level.sample} has a probability of {_share(tail(level, probability))} {among}"
    side, share = ("above", probability) if probability > 0.5 else ("below", 1.0 - probability)
    among = "what this patient's other levels foretell" if others else "the levels of patients like this one"
    return f"The level of {level.sample} is {side} {_share(share)} of {among}"


def _share(probability: float) -> str:
    if probability > 0.9999:
        return "more than 99.99 %"
    if probability < 0.0001:
        return "less than 0.01 %"
    digits = 2 if min(probability, 1.0 - probability) < 0.001 else 1
    return f"{100.0 * probability:.{digits}f} %"


def _timing(levels: Sequence[OneLevel]) -> list[Notice]:
    """The most telling shift. One that takes a trough across its dose is left to the question of a post-dose level."""
    tried = [
        (change, level, word)
        for level in levels
        for change, word in ((level.earlier, "earlier"), (level.later, "later"))
        if change is not None and change.ok and change.exposure >= NOTABLE and not (word == "later" and _crosses(level))
    ]
    if not tried:
        return []
    change, level, word = max(tried, key=lambda one: one[0].exposure)
    grade = "caution" if change.exposure >= SIZEABLE else "note"
    text = f"Had the level of {level.sample} been drawn 15 min {word}, {_moved(change)}"
    return [Notice("sampling-time", f"{text}: make sure of its time.", grade)]


def _crosses(level: OneLevel) -> bool:
    return level.post_dose is not None and 60.0 * level.post_dose.before_h <= MINUTES


def _assay(assay: tuple[Change, Change] | None) -> list[Notice]:
    if assay is None:
        return []
    change = max(assay, key=lambda one: one.exposure)
    if not (change.ok and change.exposure >= AMPLIFIED):
        return []
    grade = "caution" if change.exposure >= SIZEABLE else "note"
    text = f"An assay that reads 10 % too {'low' if change is assay[1] else 'high'} matters here: put right"
    return [Notice("assay-error", f"{text}, {_moved(change)}.", grade)]


def _effects(made: Diagnostics, fit: Fit) -> list[Notice]:
    notices: list[Notice] = []
    own = [effect for effect in made.effects if ":occ" not in effect.name]
    worst = max(own, key=lambda e: abs(e.standardised), default=None)
    if worst is not None:
        chance = 2.0 * NormalDist().cdf(-abs(worst.standardised)) * len(own)
        grade = _grade(chance, UNUSUAL)
        if grade is not None:
            side = "above" if worst.standardised > 0 else "below"
            text = f"{worst.name} lies {abs(worst.standardised):.1f} SDs {side} that of the typical patient"
            notices.append(
                Notice("effect-unusual", f"{text}: this patient is unlike most whom the model describes.", grade)
            )
    vague = [e.name for e in own if e.narrowing < SAID_LITTLE]
    if vague and made.levels and fit.status.code != "flat":
        says = f"The levels say little of {' and '.join(vague)}"
        notices.append(Notice("little-said", f"{says}: the estimate is mostly the population's.", "note"))
    return notices


def _moved(change: Change) -> str:
    """What happens to exposure, in words: the larger of the two first."""
    named = [(change.auc, "the AUC"), (change.trough, "the trough")]
    known = sorted(((x, name) for x, name in named if x == x), key=lambda one: -abs(one[0]))
    said = [f"{name} would be {100.0 * abs(x):.0f} % {'higher' if x > 0 else 'lower'}" for x, name in known[:1]]
    if len(known) > 1 and abs(known[1][0]) >= NOTABLE:
        x, name = known[1]
        said.append(f"{name} {100.0 * abs(x):.0f} % {'higher' if x > 0 else 'lower'}")
    return " and ".join(said)
