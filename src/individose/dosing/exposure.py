"""Exposure at steady state, exactly, for the estimate and for every draw around it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import jax
import numpy as np
from scipy.optimize import root_scalar

from individose.base import InputError
from individose.dosing.regimen import Regimen
from individose.events import Dose, Level, Subject
from individose.inference import Estimate, Fit
from individose.inference.estimate import estimated, require_solved
from individose.inference.exposure import check, course_draws
from individose.inference.fit import individuals
from individose.inference.predictions import individual_draws
from individose.kinetics import System, arrange, padded, steady_exposure
from individose.prediction import Bound
from individose.prediction.relation import Data
from individose.prediction.timeline import history, sizes, walk

METRICS = {"trough": "mg/L", "average": "mg/L", "auc": "mg.h/L", "auc24": "mg.h/L"}
"""Metric to unit: level just before a dose, time average, area over one interval, area over 24 h."""


@partial(jax.jit, static_argnums=0)
def _steady(system: System, p, amount_mg, duration_h, interval_h):
    """(trough, area over an interval), each (draws, regimens): draws are the first axis of p, regimens that of amount."""
    over_regimens = jax.vmap(partial(steady_exposure, system), in_axes=(None, 0, 0, 0))
    return jax.vmap(over_regimens, in_axes=(0, None, None, None))(p, amount_mg, duration_h, interval_h)


@partial(jax.jit, static_argnums=0)
def _steady_ward(system: System, p, amount_mg, duration_h, interval_h):
    """(trough, area over an interval), each (patients, draws), every patient under a regimen of their own."""

    def patient(p, amount, duration, interval):
        trough, area = _steady(system, p, amount[None], duration[None], interval[None])
        return trough[:, 0], area[:, 0]

    return jax.vmap(patient)(p, amount_mg, duration_h, interval_h)


def steady_draws(fit: Fit, regimens: Sequence[Regimen], etas: np.ndarray) -> dict[str, np.ndarray]:
    """Every metric for every draw of the effects (rows) and every regimen (columns).

    **Raises:** `InputError` when the problem knows no card.
    """
    if len({r.amount_mg for r in regimens}) > 1 and _reads_dose(fit):
        each = [steady_draws(fit, [one], etas) for one in regimens]
        return {name: np.concatenate([one[name] for one in each], axis=1) for name in each[0]}
    count = padded(len(regimens))
    filled = [*regimens, *[regimens[-1]] * (count - len(regimens))]
    system = _system(fit)
    p = individual_draws(fit.problem.likelihood, etas, _now(fit, regimens[0].amount_mg))
    trough, area = (np.asarray(x)[:, : len(regimens)] for x in _steady(system, p, *_columns(filled)))
    return _metrics(trough, area, _columns(regimens)[2])


def steady_state(
    fit: Fit, regimen: Regimen, level: float = 0.9, *, peaks: bool = False, threshold_mg_L: float | None = None
) -> dict[str, Estimate]:
    """Exposure once the regimen has gone on for ever, at the patient's latest covariates, each with its interval.

    With `peaks`, or a threshold, also those of `COURSE` (a program of its own, compiled when it is asked for): `peak`,
    `minimum` and `tpeak` (h after a dose), and with a threshold `above` (h of each interval) and `fraction_above`.

    **Raises:** `InputError` for a threshold that is not above 0.
    """
    etas = np.vstack([fit.eta, fit.sample()])
    found = steady_draws(fit, [regimen], etas)
    shown = {name: estimated(found[name][:, 0], unit, level) for name, unit in METRICS.items()}
    if peaks or threshold_mg_L is not None:
        more = _course(fit, regimen, etas, threshold_mg_L)
        shown |= {name: estimated(values, COURSE[name], level) for name, values in more.items()}
    return shown


COURSE = {"peak": "mg/L", "tpeak": "h", "minimum": "mg/L", "above": "h", "fraction_above": "1"}
"""What is read off the course between two doses, to unit."""


def _course(fit: Fit, regimen: Regimen, etas: np.ndarray, threshold_mg_L: float | None) -> dict[str, np.ndarray]:
    """Those of `COURSE` (draws,): exposure between two doses of a history that starts at steady state."""
    bound = _bound(fit)
    relation = bound.relation
    system = relation.system
    check("above" if threshold_mg_L is not None else "peak", 0.0, regimen.interval_h, threshold_mg_L)
    dose = Dose(0.0, regimen.amount_mg, regimen.duration_h, interval_h=regimen.interval_h, steady_state=1)
    ends = (Level(t, float("nan"), system.outputs[0], measured=False) for t in (0.0, regimen.interval_h))
    line = walk(Subject("at steady state", (dose, *ends)), system)
    to = sizes(line, system, bound.ranges)
    *_, infused, slots = to
    relation = replace(relation, infused=infused, slots=slots, worn=False, censored=False)
    past = history(line, system, to)
    schedule = None if relation.moves else arrange(np, past, None, infused=infused, steady=slots)
    data = _now(fit, regimen.amount_mg)._replace(schedule=schedule, history=past if relation.moves else None)
    seen = course_draws(relation, etas, data, threshold_mg_L)
    found = {"peak": seen.peak, "tpeak": seen.peak_h, "minimum": seen.least}
    if threshold_mg_L is not None:
        found |= {"above": seen.above_h, "fraction_above": seen.above_h / seen.span_h}
    return {name: np.asarray(values) for name, values in found.items()}


def steady_states(fits: Sequence[Fit], regimens: Sequence[Regimen], level: float = 0.9) -> list[dict[str, Estimate]]:
    """`steady_state` of many patients of one model, each under a regimen of their own, in one compiled call."""
    system = _system(fits[0])
    own = [replace(f.problem, now=_now(f, r.amount_mg)) for f, r in zip(fits, regimens, strict=True)]
    asked = [replace(f, problem=problem) for f, problem in zip(fits, own, strict=True)]
    p = individuals(asked, [np.vstack([fit.eta, fit.sample()]) for fit in fits])
    trough, area = (np.asarray(x) for x in _steady_ward(system, p, *_columns(regimens)))
    found = _metrics(trough, area, _columns(regimens)[2][:, None])
    return [{name: estimated(found[name][i], unit, level) for name, unit in METRICS.items()} for i in range(len(fits))]


def _columns(regimens: Sequence[Regimen]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Amounts, durations, intervals."""
    rows = [(r.amount_mg, r.duration_h, r.interval_h) for r in regimens]
    amount, duration, interval = np.array(rows, dtype=np.float64).T
    return amount, duration, interval


def _metrics(trough: np.ndarray, area: np.ndarray, interval: np.ndarray) -> dict[str, np.ndarray]:
    return {"trough": trough, "average": area / interval, "auc": area, "auc24": area * 24.0 / interval}


def exact_dose(fit: Fit, metric: str, wanted: float, interval_h: float, duration_h: float = 0.0) -> float:
    """The amount (mg) every `interval_h` whose steady-state `metric` equals `wanted` at the individual parameters.

    Exposure of a linear system is proportional to the dose, so this is `wanted` over the exposure from 1 mg; for the
    average it is wanted x CL x interval. Of a nonlinear one it rises with the dose, and the amount is a root.
    """
    if metric not in METRICS or not wanted > 0:
        raise InputError(
            f"a dose was asked for {metric} = {wanted:g}",
            f"a value above 0 of one of {', '.join(METRICS)}",
            "exposure at steady state",
            "Correct the target.",
        )

    def reached(amount_mg: float) -> float:
        found = steady_draws(fit, [Regimen(amount_mg, interval_h, duration_h)], fit.eta[None])
        return float(require_solved(found[metric])[0, 0])

    proportional = _system(fit).linear and not _reads_dose(fit)
    return wanted / reached(1.0) if proportional else _root(reached, wanted)


LARGEST_MG = 1e9
"""No dose is looked for above it."""


def _root(reached: Callable[[float], float], wanted: float) -> float:
    """The amount at which a rising exposure is `wanted`; above some amount it may be infinite."""
    low = high = wanted / max(reached(1.0), 1e-300)
    while reached(low) > wanted:
        low *= 0.5
    while reached(high) < wanted:
        high *= 2.0
        if high > LARGEST_MG:
            raise InputError(
                f"a dose was asked for an exposure of {wanted:g}",
                f"an exposure that {LARGEST_MG:g} mg reach",
                "the model's exposure does not rise that far with the dose",
                "Ask for a lower target.",
            )
    if low == high:
        return low
    found = root_scalar(
        lambda log: _above(reached(math.exp(log)), wanted), bracket=(math.log(low), math.log(high)), xtol=1e-10
    )
    return math.exp(found.root)


def _above(reached: float, wanted: float) -> float:
    return min(math.log(max(reached, 1e-300) / wanted), 1.0)


def _system(fit: Fit) -> System:
    return _bound(fit).relation.system


def _now(fit: Fit, dose_mg: float) -> Data:
    """The patient's typical parameters under a dose (they read it in some models)."""
    return _bound(fit).now(dose_mg) if _reads_dose(fit) else fit.problem.now


def _reads_dose(fit: Fit) -> bool:
    return any(use.name == "dose" for use in _bound(fit).card.dosed)


def _bound(fit: Fit) -> Bound:
    bound = fit.problem.context
    if bound is None:
        raise InputError(
            "exposure at steady state was asked of a problem without a card",
            "a fit made by individose.fit(card, patient)",
            "only a bound card knows its compartments",
            "Fit the patient under a card.",
        )
    return bound
