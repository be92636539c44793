"""Exposure metrics of a patient's history for many draws of the effects, each exact for its draw."""

from __future__ import annotations

import math
from functools import partial
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np

from individose.base import InputError
from individose.inference.problem import Likelihood
from individose.kinetics import Parameters, Schedule, System
from individose.kinetics.exposure import Exposure, exposure, window_moments

METRICS = {
    "auc": "mg.h/L",
    "average": "mg/L",
    "peak": "mg/L",
    "tpeak": "h",
    "minimum": "mg/L",
    "tminimum": "h",
    "above": "h",
    "fraction_above": "1",
    "until_below": "h",
    "aumc": "mg.h2/L",
}
"""What `Fit.exposure` knows, with UCUM units."""

WITH_THRESHOLD = ("above", "fraction_above", "until_below")


def check(metric: str, start_h: float, end_h: float, threshold: float | None) -> None:
    """Refuses what no exposure can be given for.

    **Raises:** `InputError`.
    """
    if metric not in METRICS or not (end_h > start_h and math.isfinite(end_h - start_h)):
        raise InputError(
            f"exposure '{metric}' from {start_h:g} to {end_h:g} h was asked for",
            f"an interval that runs forward, and one of the metrics {', '.join(METRICS)}",
            "exposure over a stated interval",
            "At steady state of a regimen, ask individose.steady_state(fit, regimen).",
        )
    if metric in WITH_THRESHOLD and not (threshold is not None and 0.0 < threshold < math.inf):
        raise InputError(
            f"exposure '{metric}' was asked for with the threshold {threshold}",
            "a threshold above 0 mg/L",
            "time above a level needs that level",
            f'Give it, as in fit.exposure("{metric}", {start_h:g}, {end_h:g}, threshold=10.0).',
        )


@runtime_checkable
class Course(Protocol):
    """What a likelihood of a compartment system has beside what estimators read."""

    @property
    def system(self) -> System: ...

    def individual(self, eta: Any, data: Any) -> Parameters: ...

    def schedule(self, p: Parameters, data: Any) -> Schedule: ...


def metric_draws(
    likelihood: Likelihood, etas: np.ndarray, data: Any, metric: str, start_h: float, threshold: float | None = None
) -> np.ndarray:
    """One metric (draws,) between the two sampling times of `data`, in the unit of `METRICS`; `auc` and `average` have a
    road of their own (`fit.area_draws`).

    Times of peak and trough are on the clock of the doses.
    """
    if metric == "aumc":
        return np.asarray(_moments(_course(likelihood, metric), etas, data))
    seen = course_draws(_course(likelihood, metric), etas, data, threshold if metric in WITH_THRESHOLD else None)
    values: Any
    match metric:
        case "peak":
            values = seen.peak
        case "tpeak":
            values = start_h + seen.peak_h
        case "minimum":
            values = seen.least
        case "tminimum":
            values = start_h + seen.least_h
        case "above":
            values = seen.above_h
        case "fraction_above":
            values = seen.above_h / seen.span_h
        case _:
            values = seen.last_above_h
    return np.asarray(values)


def course_draws(course: Course, etas: Any, data: Any, threshold: float | None) -> Exposure:
    """What is read off the course for every draw (draws,); `threshold` (mg/L) is None where none is asked about."""
    # one compartment needs no search without a threshold; all others share one program, with one out of reach
    none = None if course.system.size == 1 else np.float64(np.inf)
    return _exposures(course, etas, data, none if threshold is None else np.float64(threshold))


def _course(likelihood: Likelihood, metric: str) -> Course:
    if isinstance(likelihood, Course):
        return likelihood
    raise InputError(
        f"exposure '{metric}' was asked of {type(likelihood).__name__}",
        "auc or average; all other metrics need a compartment system",
        "extremes and crossings are those of its course",
        "Ask for auc or average.",
    )


@partial(jax.jit, static_argnums=0)
def _exposures(course: Any, etas: Any, data: Any, threshold: Any) -> Exposure:
    def one(eta: Any) -> Exposure:
        p = course.individual(eta, data)
        return exposure(course.system, p, course.schedule(p, data), threshold)

    # draw after draw: half the warm speed of `vmap`, but a quarter less to compile
    return jax.lax.map(one, jnp.asarray(etas))


@partial(jax.jit, static_argnums=0)
def _moments(course: Any, etas: Any, data: Any) -> Any:
    def one(eta: Any) -> Any:
        p = course.individual(eta, data)
        return window_moments(course.system, p, course.schedule(p, data)).moment

    return jax.vmap(one)(jnp.asarray(etas))
