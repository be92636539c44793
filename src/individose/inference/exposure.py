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
from individose.kinetics.crossings import time_to_fall
from individose.kinetics.exposure import Exposure, exposure, window_moments
from individose.kinetics.moments import moments_to_infinity
from individose.kinetics.propagate import anchor_states, prepare

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

ALIASES = {"cmax": "peak", "tmax": "tpeak", "cmin": "minimum", "tmin": "tminimum"}
"""The field's names for some of them."""


def named(metric: str) -> str:
    """The name under which a metric is known here: `Cmax` and `cmax` are the peak."""
    return ALIASES.get(metric.lower(), metric)


WITH_THRESHOLD = ("above", "fraction_above", "until_below")


def check(metric: str, start_h: float, end_h: float, threshold: float | None) -> None:
    """Refuses what no exposure can be given for.

    **Raises:** `InputError`.
    """
    if metric not in METRICS or not (end_h > start_h and math.isfinite(start_h)):
        raise InputError(
            f"exposure '{metric}' from {start_h:g} to {end_h:g} h was asked for",
            f"an interval that runs forward, and one of the metrics {', '.join((*METRICS, *ALIASES))}",
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


def read(metric: str, seen: Exposure, start_h: float) -> np.ndarray:
    """One metric (draws,) of what was read off the courses, in the unit of `METRICS`; times of peak and trough on the clock
    of the doses."""
    values: dict[str, Any] = {
        "peak": seen.peak,
        "tpeak": start_h + seen.peak_h,
        "minimum": seen.least,
        "tminimum": start_h + seen.least_h,
        "above": seen.above_h,
        "fraction_above": seen.above_h / seen.span_h,
        "until_below": seen.last_above_h,
    }
    return np.asarray(values[metric])


def moment_draws(likelihood: Likelihood, etas: Any, data: Any) -> np.ndarray:
    """First moment (draws,) between the two sampling times of `data`."""
    return np.asarray(_moments(course_of(likelihood, "aumc"), etas, data))


ENDLESS = ("auc", "aumc", "until_below")
"""Metrics that may be asked for without end."""


def endless_draws(likelihood: Likelihood, etas: Any, data: Any, metric: str, threshold: float | None) -> np.ndarray:
    """One of `ENDLESS` (draws,) from the first sampling time of `data` on, when nothing more is given: in closed form, or
    solved until what is left is a stated share (see `kinetics.ode.endless`); NaN where there is no end to be told.

    **Raises:** `InputError` for another metric.
    """
    course = course_of(likelihood, metric)
    if metric not in ENDLESS:
        raise InputError(
            f"exposure '{metric}' without end was asked of {course.system.name}",
            f"one of {', '.join(ENDLESS)}",
            "these have a value however long the last dose is followed",
            "Give an end in h.",
        )
    area, moment, until = _endless(course, etas, data, None if threshold is None else np.float64(threshold))
    return np.asarray({"auc": area, "aumc": moment}.get(metric, until))


def course_draws(course: Course, etas: Any, data: Any, threshold: float | None) -> Exposure:
    """What is read off the course for every draw (draws,); `threshold` (mg/L) is None where none is asked about."""
    # one compartment needs no search without a threshold; all others share one program, with one out of reach
    none = None if course.system.size == 1 else np.float64(np.inf)
    return _exposures(course, etas, data, none if threshold is None else np.float64(threshold))


def course_of(likelihood: Likelihood, metric: str) -> Course:
    """The likelihood, which must be that of a compartment system."""
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

    # draw after draw: half the warm speed of `vmap`, but a quarter less to compile; and what a draw does not need of a
    # solver's course is not computed
    return jax.lax.map(one, jnp.asarray(etas))


@partial(jax.jit, static_argnums=0)
def _moments(course: Any, etas: Any, data: Any) -> Any:
    def one(eta: Any) -> Any:
        p = course.individual(eta, data)
        return window_moments(course.system, p, course.schedule(p, data)).moment

    return jax.vmap(one)(jnp.asarray(etas))


@partial(jax.jit, static_argnums=0)
def _endless(course: Any, etas: Any, data: Any, threshold: Any) -> tuple[Any, Any, Any]:
    """Area, first moment and time until the level stays below the threshold, from the first sampling time on."""
    system = course.system

    def one(eta: Any) -> tuple[Any, Any, Any]:
        p = course.individual(eta, data)
        whole = course.schedule(p, data)
        if system.whole is not None:
            return system.whole.endless(p, whole, threshold)
        last = len(whole.span_h) - 1
        segment, since = jnp.asarray(whole.segment)[0], jnp.asarray(whole.since_h)[0]
        # from the last anchor on nothing comes in any more; a window that begins later begins there
        rest = jnp.where(segment == last, since, 0.0)
        output = jnp.asarray(whole.output)[0]
        to_last = whole._replace(
            segment=jnp.stack([segment, jnp.asarray(last, segment.dtype)]),
            since_h=jnp.stack([since, rest]),
            output=jnp.stack([output, output]),
            sampled=jnp.ones(2, dtype=bool),
            seen=None,
        )
        prepared = prepare(system, p)
        q = jax.tree.map(lambda x: x[0] if x.shape[0] == 1 else x[jnp.asarray(whole.piece)[last]], prepared)
        at_last = tuple(x[last] for x in anchor_states(system, prepared, whole))
        left = system.advance(q, at_last, None, rest)
        tail = moments_to_infinity(system, q, left)
        here = window_moments(system, p, to_last)
        span = (
            jnp.cumsum(jnp.asarray(whole.span_h))[last] + rest - jnp.cumsum(jnp.asarray(whole.span_h))[segment] - since
        )
        area = here.area + tail.area[output]
        moment = here.moment + tail.moment[output] + span * tail.area[output]
        if threshold is None:
            return area, moment, area
        seen = exposure(system, p, to_last, threshold)
        fall = time_to_fall(system, q, left, threshold, output)
        level = jnp.stack(system.observe(q, left))[output]
        return area, moment, jnp.where((fall > 0.0) | (level > threshold), span + fall, seen.last_above_h)

    # a solver's stretches go side by side where only areas are wanted, as in `_exposures` where crossings are searched
    side_by_side = not system.linear and threshold is None
    return (jax.vmap(one) if side_by_side else lambda every: jax.lax.map(one, every))(jnp.asarray(etas))
