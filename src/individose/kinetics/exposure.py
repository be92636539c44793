"""What is read off a course between two times: peak and trough with their times, time above a level, areas.

The two times are the first two samples of a schedule. The window runs from just after what happens at its start to just
before what happens at its end, so that a dose at the end does not count and the trough before it does. Nothing is taken
on a grid (see `extremes`, `crossings`, `moments`). All are functions of the parameters with exact first derivatives.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from individose.kinetics.crossings import Stretch, time_above
from individose.kinetics.extremes import Motion, Segment, apart, carried, curve, motion
from individose.kinetics.moments import Moments, moments
from individose.kinetics.propagate import PieceParameters, anchor_states, prepare
from individose.kinetics.schedule import Schedule
from individose.kinetics.system import Prepared, System

Scalar = Float[Array, ""]


class Exposure(NamedTuple):
    """Over a window; times in h since its start.

    - `span_h`: the window's length.
    - `peak`, `peak_h`, `least`, `least_h`: greatest and smallest level (mg/L), with the first time of each.
    - `above_h`: time spent above the threshold; `last_above_h`: the end of the last such time, 0 when there is none (the
      window's length when it is not over then). Both 0 when no threshold is asked about.
    """

    span_h: Scalar
    peak: Scalar
    peak_h: Scalar
    least: Scalar
    least_h: Scalar
    above_h: Scalar
    last_above_h: Scalar


class _Windows(NamedTuple):
    """For each segment the part that the window covers (h since the anchor), and the window's time gone before it."""

    begin: Float[Array, " anchors"]
    end: Float[Array, " anchors"]
    elapsed: Float[Array, " anchors"]


def exposure(
    system: System, p: PieceParameters, schedule: Schedule, threshold: Scalar | float | None = None
) -> Exposure:
    """Exposure between the first two samples of `schedule`, of the first one's output; `threshold` in mg/L.

    A schedule whose dose starts from its own steady state gives that of a regimen, over one interval or any other window.
    """
    if system.whole is not None:
        seen = system.whole.course(p, schedule, threshold)
        extremes = (seen.peak, seen.peak_h, seen.least, seen.least_h)
        return Exposure(_window_h(schedule), *extremes, seen.above_h, seen.last_above_h)
    prepared = prepare(system, p)
    windows = _windows(schedule)
    output = jnp.asarray(schedule.output)[0]
    motions = jax.vmap(lambda q: motion(system, q, output))(prepared)
    states = jnp.stack(anchor_states(system, prepared, schedule), axis=1)
    limit = None if threshold is None else jnp.asarray(threshold, dtype=float)

    def one(k: Int[Array, ""]) -> tuple[Array, Array, Stretch]:
        q, seen = _of((prepared, motions), jnp.asarray(schedule.piece)[k])
        rates = None if schedule.rate_mg_h is None else jnp.asarray(schedule.rate_mg_h)[k]
        found = curve(system, q, Segment(seen, states[k], rates, windows.begin[k], windows.end[k]), limit)
        stretch = Stretch(jnp.zeros(()), jnp.zeros(())) if limit is None else time_above(found, limit)
        since = windows.elapsed[k] - windows.begin[k]
        return found.levels, found.times_h + since, Stretch(stretch.above_h, stretch.last_h + since)

    values, times, stretch = jax.vmap(one)(jnp.arange(len(schedule.span_h)))
    covered = windows.end > windows.begin
    inside = jnp.broadcast_to(covered[:, None], values.shape).ravel()
    level, at = values.ravel(), times.ravel()
    highest = jnp.argmax(jax.lax.stop_gradient(jnp.where(inside, level, -jnp.inf)))
    lowest = jnp.argmin(jax.lax.stop_gradient(jnp.where(inside, level, jnp.inf)))
    return Exposure(
        span_h=jnp.sum(windows.end - windows.begin),
        peak=level[highest],
        peak_h=at[highest],
        least=level[lowest],
        least_h=at[lowest],
        above_h=jnp.sum(jnp.where(covered, stretch.above_h, 0.0)),
        last_above_h=jnp.max(jnp.where(covered & (stretch.above_h > 0.0), stretch.last_h, 0.0)),
    )


def window_moments(system: System, p: PieceParameters, schedule: Schedule) -> Moments:
    """Area and first moment of the level between the first two samples, of the first one's output; time is counted
    from the first."""
    if system.whole is not None:
        seen = system.whole.course(p, schedule, None)
        return Moments(seen.area, seen.moment)
    prepared = prepare(system, p)
    windows = _windows(schedule)
    output = jnp.asarray(schedule.output)[0]
    states = jnp.stack(anchor_states(system, prepared, schedule), axis=1)

    def one(k: Int[Array, ""]) -> Moments:
        q = _of(prepared, jnp.asarray(schedule.piece)[k])
        rates = None if schedule.rate_mg_h is None else jnp.asarray(schedule.rate_mg_h)[k]
        start = carried(system, q, states[k], rates, windows.begin[k])
        span = windows.end[k] - windows.begin[k]
        found = moments(system, q, apart(start), span, None if rates is None else apart(rates))
        area = found.area[output]
        return Moments(area, windows.elapsed[k] * area + found.moment[output])

    each = jax.vmap(one)(jnp.arange(len(schedule.span_h)))
    covered = windows.end > windows.begin
    return Moments(*(jnp.sum(jnp.where(covered, x, 0.0)) for x in each))


def _window_h(schedule: Schedule) -> Scalar:
    """Time between the first two samples."""
    begins = jnp.cumsum(jnp.asarray(schedule.span_h))
    at = begins[jnp.asarray(schedule.segment)[:2]] + jnp.asarray(schedule.since_h)[:2]
    return at[1] - at[0]


def _windows(schedule: Schedule) -> _Windows:
    segment, since = jnp.asarray(schedule.segment), jnp.asarray(schedule.since_h)
    here = jnp.arange(len(schedule.span_h))
    spans = jnp.append(jnp.asarray(schedule.span_h)[1:], 0.0)
    begin = jnp.where(here == segment[0], since[0], 0.0)
    end = jnp.where(here == segment[1], since[1], spans)
    covered = (here >= segment[0]) & (here <= segment[1]) & (end > begin)
    begin, end = jnp.where(covered, begin, 0.0), jnp.where(covered, end, 0.0)
    lengths = end - begin
    return _Windows(begin, end, jnp.concatenate([jnp.zeros(1), jnp.cumsum(lengths)[:-1]]))


def _of(prepared: Prepared | tuple[Prepared, Motion], piece: Int[Array, ""]) -> Any:
    return jax.tree.map(lambda values: values[0] if values.shape[0] == 1 else values[piece], prepared)
