"""What a single dose's curve comes to, for many sets of effects at once: peak, its time, time of half the peak, area.

Peak and times are read off a grid that holds the ends of all infusions and is fine after the last of them, the time of half
the peak by a straight line between logarithms; the area is exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from individose.events import Subject, expand_doses
from individose.inference import Likelihood, Problem
from individose.inference.individual.estimator import stack

FIGURES = ("peak", "half", "tpeak", "auc")
"""Greatest level (mg/L), time after the dose at which half of it is passed downwards (h), its time (h), area (mg.h/L)."""

TIMES = 32
"""Points of the grid."""


def grid(patient: Subject, horizon_h: float) -> np.ndarray:
    """Times (h) from the first dose to `horizon_h` after it: the end of each infusion, then ever longer steps."""
    doses = expand_doses(patient)
    start = doses[0].time_h
    ends = sorted({d.time_h + d.duration_h - start for d in doses if d.time_h + d.duration_h - start < horizon_h})
    first = ends[0] if ends else 0.0
    before = np.linspace(0.0, first, 5)[1:-1] if first > 0 else np.empty(0)
    known = np.array([*before, *ends, horizon_h])
    room = TIMES - len(known)
    after = first + np.geomspace(0.005 * (horizon_h - first), horizon_h - first, room + 1)[:-1]
    return start + np.sort(np.concatenate([known, after]))[:TIMES]


def courses(problems: Sequence[Problem], horizon_h: float) -> tuple[Any, np.ndarray, Any]:
    """Stacked data of the grid, its times since the dose (patients, times), and data of the horizon."""
    starts = [expand_doses(p.context.subject)[0].time_h for p in problems]
    times = [grid(p.context.subject, horizon_h) for p in problems]
    along = stack([p.at(list(t)) for p, t in zip(problems, times, strict=True)], len(problems))
    end = stack([p.at([start + horizon_h]) for p, start in zip(problems, starts, strict=True)], len(problems))
    return along, np.stack(times) - np.array(starts)[:, None], end


@partial(jax.jit, static_argnums=0)
def read_off(
    likelihood: Likelihood, etas: Any, along: Any, times: Any, end: Any
) -> Float[Array, "patients points figures"]:
    """`FIGURES` of effects (patients, points, n)."""

    def one(mine: Any) -> Any:
        points, data, at, last = mine
        levels = jax.vmap(lambda eta: likelihood.predict(eta, data))(points)[:, : at.shape[0]]
        area = jax.vmap(lambda eta: likelihood.area(eta, last)[0])(points)
        return jax.vmap(lambda y, a: jnp.stack([*_shape(y, at), a]))(levels, area)

    return jax.lax.map(one, (etas, along, times, end))


def _shape(levels: Any, times: Any) -> tuple[Any, Any, Any]:
    """Peak, time of half of it, and its own time."""
    number = jnp.arange(len(levels))

    def at(k: Any, row: Any) -> Any:
        """`row[k]` as a sum: many curves at once are looked up side by side."""
        return jnp.sum(jnp.where(number == k, row, 0.0))

    peak = jnp.max(levels)
    place = jnp.min(jnp.where(levels == peak, number, len(levels)))
    k = jnp.min(jnp.where((number > place) & (levels <= 0.5 * peak), number, len(levels)))
    found, k = k < len(levels), jnp.clip(k, 1, len(levels) - 1)
    high, low = (jnp.log(jnp.maximum(at(j, levels) / peak, 1e-30)) for j in (k - 1, k))
    share = (high - jnp.log(0.5)) / jnp.maximum(high - low, 1e-30)
    before, after = at(k - 1, times), at(k, times)
    half = before + share * (after - before)
    return peak, jnp.where(found, half, times[-1]), at(place, times)


def measured(patient: Subject, horizon_h: float) -> np.ndarray:
    """`FIGURES` of the levels as measured: the greatest, its time, half of it on straight lines, and trapezoids from 0 at
    the dose, the last one cut at the horizon."""
    start = expand_doses(patient)[0].time_h
    rows = sorted((e.time_h - start, e.value_mg_L) for e in patient.levels if e.measured and e.censoring == "none")
    t, y = (np.array(x) for x in zip(*rows, strict=True))
    within = t <= horizon_h
    place = int(np.argmax(np.where(within, y, -np.inf)))
    peak = y[place]
    half = float("nan")
    for k in range(place, len(t) - 1):
        if y[k] >= 0.5 * peak > y[k + 1]:
            half = t[k] + (y[k] - 0.5 * peak) / (y[k] - y[k + 1]) * (t[k + 1] - t[k])
            break
    ts, ys = np.append(0.0, t[within]), np.append(0.0, y[within])
    if ts[-1] < horizon_h and within.sum() < len(t):
        ts, ys = np.append(ts, horizon_h), np.append(ys, np.interp(horizon_h, t, y))
    return np.array([peak, half, t[place], np.trapezoid(ys, ts)])
