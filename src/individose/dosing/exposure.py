"""Exposure at steady state, exactly, for the estimate and for every draw around it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import jax
import numpy as np

from individose.base import InputError
from individose.dosing.regimen import Regimen
from individose.inference import Estimate, Fit
from individose.inference.fit import individual_draws, individuals
from individose.kinetics import System, padded, steady_exposure

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
    count = padded(len(regimens))
    filled = [*regimens, *[regimens[-1]] * (count - len(regimens))]
    system = _system(fit)
    p = individual_draws(fit.problem.likelihood, etas, fit.problem.now)
    trough, area = (np.asarray(x)[:, : len(regimens)] for x in _steady(system, p, *_columns(filled)))
    return _metrics(trough, area, _columns(regimens)[2])


def steady_state(fit: Fit, regimen: Regimen, level: float = 0.9) -> dict[str, Estimate]:
    """Exposure once the regimen has gone on for ever, at the patient's latest covariates, each with its interval."""
    found = steady_draws(fit, [regimen], np.vstack([fit.eta, fit.sample()]))
    return {name: estimate(found[name][:, 0], unit, level) for name, unit in METRICS.items()}


def steady_states(fits: Sequence[Fit], regimens: Sequence[Regimen], level: float = 0.9) -> list[dict[str, Estimate]]:
    """`steady_state` of many patients of one model, each under a regimen of their own, in one compiled call."""
    system = _system(fits[0])
    etas = np.stack([np.vstack([fit.eta, fit.sample()]) for fit in fits])
    p = individuals(fits, etas)
    trough, area = (np.asarray(x) for x in _steady_ward(system, p, *_columns(regimens)))
    found = _metrics(trough, area, _columns(regimens)[2][:, None])
    tail = [0.5 - level / 2, 0.5 + level / 2]
    ends = {name: np.quantile(values[:, 1:], tail, axis=1) for name, values in found.items()}
    return [
        {
            name: Estimate(float(found[name][i, 0]), float(ends[name][0, i]), float(ends[name][1, i]), unit, level)
            for name, unit in METRICS.items()
        }
        for i in range(len(fits))
    ]


def _columns(regimens: Sequence[Regimen]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Amounts, durations, intervals."""
    rows = [(r.amount_mg, r.duration_h, r.interval_h) for r in regimens]
    amount, duration, interval = np.array(rows, dtype=np.float64).T
    return amount, duration, interval


def _metrics(trough: np.ndarray, area: np.ndarray, interval: np.ndarray) -> dict[str, np.ndarray]:
    return {"trough": trough, "average": area / interval, "auc": area, "auc24": area * 24.0 / interval}


def estimate(values: np.ndarray, unit: str, level: float) -> Estimate:
    """The first value with the interval of the others."""
    low, high = np.quantile(values[1:], [0.5 - level / 2, 0.5 + level / 2])
    return Estimate(float(values[0]), float(low), float(high), unit, level)


def exact_dose(fit: Fit, metric: str, wanted: float, interval_h: float, duration_h: float = 0.0) -> float:
    """The amount (mg) every `interval_h` whose steady-state `metric` equals `wanted` at the individual parameters.

    Exposure of a linear system is proportional to the dose, so this is `wanted` over the exposure from 1 mg; for the
    average it is wanted x CL x interval.
    """
    if metric not in METRICS or not wanted > 0:
        raise InputError(
            f"a dose was asked for {metric} = {wanted:g}",
            f"a value above 0 of one of {', '.join(METRICS)}",
            "exposure at steady state",
            "Correct the target.",
        )
    one = steady_draws(fit, [Regimen(1.0, interval_h, duration_h)], fit.eta[None])
    return wanted / float(one[metric][0, 0])


def _system(fit: Fit) -> System:
    bound = fit.problem.context
    if bound is None:
        raise InputError(
            "exposure at steady state was asked of a problem without a card",
            "a fit made by individose.fit(card, patient)",
            "only a bound card knows its compartments",
            "Fit the patient under a card.",
        )
    return bound.relation.system
