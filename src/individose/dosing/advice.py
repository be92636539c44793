"""Ranked regimens for a target, with the probability of reaching it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from individose.base import InputError, Notice, Outcome
from individose.dosing.candidates import Chosen, candidates, with_exact
from individose.dosing.exposure import METRICS, steady_draws
from individose.dosing.regimen import Regimen
from individose.drugs import Target
from individose.inference import Estimate, Fit
from individose.inference.estimate import estimated, require_solved

REACHED = 0.5
"""A candidate reaches the target when more than half of the posterior lies within it."""


@dataclass(frozen=True)
class Candidate:
    """One regimen as it would act in this patient.

    `probability` that the target metric lies within the target, `below` and `above` that it misses on that side (from
    draws of the posterior: standard error sqrt(p (1 - p) / draws)); `exact_mg` is the amount that would meet the best
    value of the target exactly, of which `regimen` carries the dispensable rounding.
    """

    regimen: Regimen
    exposure: dict[str, Estimate]
    probability: float
    below: float
    above: float
    exact_mg: float
    rounding: str


@dataclass(frozen=True)
class Advice:
    """Candidates from best to worst, and what must be said about them."""

    target: Target
    candidates: tuple[Candidate, ...]
    reached: bool
    sentence: str
    draws: int
    notices: tuple[Notice, ...] = ()

    @property
    def best(self) -> Candidate | None:
        return self.candidates[0] if self.candidates else None


def advise(
    fit: Fit, target: Target, regimens: Sequence[Regimen] | None = None, *, level: float = 0.9, draws: int | None = None
) -> Advice:
    """Regimens ranked by the probability that they reach the target at steady state in this patient.

    **Arguments:** `regimens` to compare; by default those that the card's dosing section allows (`candidates`). `draws`
    behind the probabilities, 4,000 unless said (400 of a model without closed form).

    **Raises:** `InputError` for a target metric that is not one of `METRICS`, or when the card has no dosing section
    and no regimens are given.
    """
    if target.metric not in METRICS:
        raise InputError(
            f"the target is on '{target.metric}'",
            f"one of {', '.join(METRICS)}",
            "exposure at steady state",
            "Choose another target.",
        )
    against = reason_against(fit)
    if against:
        said = f"No dose is advised: {against}"
        return Advice(target, (), False, said, 0, (Notice("no-advice", said, "warning"),))
    chosen = candidates(fit, target) if regimens is None else with_exact(fit, target, regimens)
    if not chosen:
        return ranked(chosen, {}, target, level)
    draws = 2 * fit.enough if draws is None else draws
    etas = np.vstack([fit.eta, fit.sample(draws, seed=1)])
    return ranked(chosen, steady_draws(fit, [c.regimen for c in chosen], etas), target, level)


def attainment(fit: Fit, target: Target, regimens: Sequence[Regimen]) -> tuple[float, ...]:
    """Probability, for each regimen, that the target metric lies within the target at steady state, from draws.

    Under another model of the same drug it may be another one altogether: that is what it is for.
    """
    etas = np.vstack([fit.eta, fit.sample(2 * fit.enough, seed=1)])
    return within(steady_draws(fit, regimens, etas)[target.metric][1:], target)


def within(values: np.ndarray, target: Target) -> tuple[float, ...]:
    """The share of each regimen's draws (draws, regimens) that lies within the target.

    **Raises:** `NumericalError` where one could not be computed.
    """
    require_solved(values)
    return tuple(float(x) for x in ((values >= target.low) & (values <= target.high)).mean(axis=0))


def ranked(chosen: Sequence[Chosen], found: Mapping[str, np.ndarray], target: Target, level: float) -> Advice:
    """Advice on chosen regimens, from every metric of each (1 + draws, regimens), the estimate first."""
    if not chosen:
        said = "No regimen is within the limits of the card's dosing section."
        return Advice(target, (), False, said, 0, (Notice("no-candidate", said, "warning"),))
    rows = sorted((_candidate(found, i, c, target, level) for i, c in enumerate(chosen)), key=_rank(target))
    best = rows[0]
    reached = best.probability > REACHED
    draws = len(found[target.metric]) - 1
    return Advice(
        target, tuple(rows), reached, _sentence(best, target, reached), draws, _notices(reached, best, target)
    )


def reason_against(fit: Fit) -> str:
    """Why no dose may rest on this fit; empty where one may."""
    if fit.status.outcome in (Outcome.FAILED, Outcome.BOUND):
        return f"the estimate of this patient is {fit.status.code}. {fit.status.sentence}"
    missed = [notice.sentence for notice in fit.notices if notice.code == "level-missed"]
    return f"the fit does not explain {len(missed)} of the levels. {missed[0]}" if missed else ""


DOUBTS = ("level-contradicts", "level-unusual", "mistimed-trough")
"""Findings about a single level that a dose then rests on."""

IN_DOUBT = Notice(
    "advice-in-doubt",
    "A level that it rests on is in doubt (see the warnings): settle that before this dose is given.",
    "warning",
)


def in_doubt(advice: Advice, findings: Sequence[Notice]) -> Advice:
    """Advice that says itself when one of the levels it rests on is probably wrong; as it is where none is."""
    if not doubted(findings) or not advice.candidates:
        return advice
    return replace(
        advice,
        sentence=f"{advice.sentence} {IN_DOUBT.sentence}",
        notices=(*advice.notices, IN_DOUBT),
    )


def doubted(findings: Sequence[Notice]) -> bool:
    """Whether one of the levels is probably wrong."""
    return any(notice.code in DOUBTS and notice.grade == "warning" for notice in findings)


def _candidate(found: Mapping[str, np.ndarray], i: int, chosen: Chosen, target: Target, level: float) -> Candidate:
    values = found[target.metric][1:, i]
    below, above = float(np.mean(values < target.low)), float(np.mean(values > target.high))
    exposure = {name: estimated(found[name][:, i], unit, level) for name, unit in METRICS.items()}
    return Candidate(chosen.regimen, exposure, 1.0 - below - above, below, above, chosen.exact_mg, chosen.rounding)


def _rank(target: Target):
    """Most probable first; between equals (to 1 %) the one nearest to the best value, then the fewest doses a day."""

    def key(c: Candidate):
        miss = abs(np.log(c.exposure[target.metric].value / best_value(target)))
        return (-round(c.probability, 2), round(float(miss), 3), -c.regimen.interval_h)

    return key


def best_value(target: Target) -> float:
    """What to aim at: the target's own best value, or the middle of its range."""
    return target.best if target.best is not None else 0.5 * (target.low + target.high)


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"


def percent(probability: float) -> str:
    """A probability for people; one drawn from a sample is never shown as certain."""
    if probability <= 0.005:
        return "< 1 %"
    return "> 99 %" if probability >= 0.995 else f"{100.0 * probability:.0f} %"


def _sentence(best: Candidate, target: Target, reached: bool) -> str:
    aim = f"{target.metric} of {target.low:g}-{target.high:g} {target.unit}"
    if reached:
        return f"{best.regimen} reaches {_article(aim)} {aim} with a probability of {percent(best.probability)}."
    side = "above" if best.above > best.below else "below"
    return (
        f"No candidate reaches {_article(aim)} {aim} with a probability over {percent(REACHED)}; the nearest, "
        f"{best.regimen}, does with {percent(best.probability)} and is {side} it with {percent(max(best.above, best.below))}."
    )


def _notices(reached: bool, best: Candidate, target: Target) -> tuple[Notice, ...]:
    if reached:
        return ()
    return (Notice("target-not-reached", _sentence(best, target, reached), "warning"),)
