"""What a clinician reads off a course: areas, peak and trough with their times, time above a level, time until below it.

No grid: extremes are roots of the output's derivative and crossings are roots of its distance to the level, inside the
solver's own steps. A quarter of a step is taken to have one extremum at most. First derivatives by the parameters are
exact, of times as well.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from individose.kinetics.ode.course import Course, Seen, course, inside, refined, root
from individose.kinetics.ode.memory import Whole, taken_apart
from individose.kinetics.ode.method import Method
from individose.kinetics.ode.model import Amounts, OdeSystem, Scalar
from individose.kinetics.ode.propagate import PieceParameters, states_at_anchors
from individose.kinetics.ode.segment import Segment, method_of, prepared, travel
from individose.kinetics.ode.settings import DEFAULT, Reason, Settings
from individose.kinetics.ode.steady import Regimen, Steady, trough_amounts
from individose.kinetics.schedule import Schedule
from individose.kinetics.system import Parameters

QUARTERS = 4


class Exposure(NamedTuple):
    """Over a window; times in h since its start.

    - `area` (mg.h/L) and `moment` (mg.h2/L, time counted from the start of the window).
    - `peak`, `peak_h`, `least`, `least_h`: greatest and smallest value (mg/L), and the first time of each.
    - `above_h`: time spent above the threshold (0 where none is asked about); `last_above_h`: end of the
      last stretch above it (0 if there is none, the window's length if it is not yet over).
    - `reason`: a `Reason`.
    """

    area: Scalar
    moment: Scalar
    peak: Scalar
    peak_h: Scalar
    least: Scalar
    least_h: Scalar
    above_h: Scalar
    last_above_h: Scalar
    reason: Any


NOTHING: Any = Exposure(0.0, 0.0, -math.inf, 0.0, math.inf, 0.0, 0.0, 0.0, Reason.SOLVED)  # pyright: ignore[reportArgumentType]
"""Over a window without length."""


def segment_exposure(
    ode: OdeSystem,
    p: Parameters,
    whole: Whole,
    rates: Amounts | None,
    span: Scalar,
    threshold: Scalar | None,
    settings: Settings = DEFAULT,
    *,
    output: str | None = None,
    reason: Any = Reason.SOLVED,
    areas_only: bool = False,
) -> Exposure:
    """Exposure over one segment of `span` h that begins in `whole`."""
    observed = ode.outputs[output] if output else next(iter(ode.outputs.values()))
    method = method_of(ode)
    integrands = (lambda x, _: observed(p, x), lambda x, t: t * observed(p, x))
    one = prepared(ode, p, whole, rates, span, settings, integrands)
    steps = course(method, one, span, settings, reason)
    if areas_only:
        return areas(ode, steps)
    return read_off(ode, method, one, steps, lambda z: observed(p, z), threshold)


def read_off(
    ode: OdeSystem,
    method: Method,
    one: Segment,
    steps: Course,
    seen_of: Callable[[Amounts], Scalar],
    threshold: Scalar | None,
) -> Exposure:
    """Exposure over the steps of a segment, whose last two integrals are those of the output and of time times it."""

    def at_ends(x: Amounts, start: Scalar, h: Scalar) -> Seen:
        at = inside(method, one, seen_of, x, start, h)
        return jax.vmap(at)(jnp.arange(QUARTERS + 1) / QUARTERS)

    ends = jax.vmap(at_ends)(steps.x, steps.start_h, steps.length_h)
    lows = jnp.tile(jnp.arange(QUARTERS) / QUARTERS, len(steps.length_h))
    x, start, h = jax.tree.map(lambda row: jnp.repeat(row, QUARTERS), (steps.x, steps.start_h, steps.length_h))
    first, last = (jax.tree.map(lambda row, k=k: row[:, k : k + QUARTERS].ravel(), ends) for k in (0, 1))
    quarters = _Quarters(x, start, h, lows, first, last)

    def searched(one_of_them: _Quarters) -> _Found:
        x, start, h, low, first, last = one_of_them
        at, high = inside(method, one, seen_of, x, start, h), low + 1.0 / QUARTERS
        middle = root(lambda s: at(s).slope, low, first.slope, high, last.slope)
        between = at(middle)
        values, times = _extremes((first, between, last), (low, middle, high), start, h)
        if threshold is None:
            return _Found(values, times, *(jnp.zeros_like(start),) * 2)
        before = _above(at, low, first, middle, between, start, h, threshold)
        after = _above(at, middle, between, high, last, start, h, threshold)
        return _Found(values, times, before[0] + after[0], jnp.maximum(before[1], after[1]))

    found = _searched(quarters, searched, threshold)
    values, times, above, last_above = found
    used = jnp.broadcast_to(h[:, None] > 0.0, values.shape)
    peak, peak_h = _first(jnp.where(used, values, -jnp.inf), times)
    least, least_h = _first(jnp.where(used, -values, -jnp.inf), times)
    moved = jnp.any(used)
    return Exposure(
        area=steps.end.x[ode.size],
        moment=steps.end.x[ode.size + 1],
        peak=peak,
        peak_h=jnp.where(moved, peak_h, 0.0),
        least=-least,
        least_h=jnp.where(moved, least_h, 0.0),
        above_h=jnp.sum(jnp.where(h > 0.0, above, 0.0)),
        last_above_h=jnp.max(jnp.where(h > 0.0, last_above, 0.0)),
        reason=steps.end.reason,
    )


def areas(ode: OdeSystem, steps: Course) -> Exposure:
    """Area and first moment over the steps of a segment; nothing is said of the rest."""
    area, moment = steps.end.x[ode.size : ode.size + 2]
    return NOTHING._replace(area=area, moment=moment, reason=steps.end.reason)


class _Quarters(NamedTuple):
    """Quarters of steps: the state at the start of the step, when that is, its length, where in it the quarter begins, and
    what is seen at both ends of the quarter."""

    x: tuple[Any, ...]
    start: Any
    h: Any
    low: Any
    first: Seen
    last: Seen


class _Found(NamedTuple):
    """Of each quarter: values and times of its ends and of what lies between, time above the threshold, last time there."""

    values: Any
    times: Any
    above_h: Any
    last_h: Any


BATCH = 16
"""Quarters that are searched side by side."""


def _searched(quarters: _Quarters, search: Callable[[_Quarters], _Found], threshold: Scalar | None) -> _Found:
    """What every quarter shows; only those are searched between whose ends something turns or crosses, the others are told
    by their ends."""
    first, last = jax.lax.stop_gradient((quarters.first, quarters.last))
    # a slope that vanishes at one end alone may turn inside
    wanted = (first.slope * last.slope < 0.0) | ((first.slope == 0.0) != (last.slope == 0.0))
    low_h = quarters.start + quarters.low * quarters.h
    high_h = quarters.start + (quarters.low + 1.0 / QUARTERS) * quarters.h
    above = until = jnp.zeros_like(low_h)
    if threshold is not None:
        wanted = wanted | ((first.value >= threshold) != (last.value >= threshold))
        throughout = (first.value >= threshold) & (last.value >= threshold)
        above, until = jnp.where(throughout, high_h - low_h, 0.0), jnp.where(throughout, high_h, 0.0)
    values = jnp.stack([quarters.first.value, quarters.first.value, quarters.last.value], axis=1)
    told = _Found(values, jnp.stack([low_h, low_h, high_h], axis=1), above, until)
    count = jnp.sum(wanted)
    places = jnp.argsort(~wanted).reshape(-1, BATCH)

    def batch(found: _Found, at: tuple[Any, Any]) -> tuple[_Found, None]:
        before, some = at

        def go(found: _Found) -> _Found:
            these = jax.vmap(search)(jax.tree.map(lambda row: row[some], quarters))

            def put(old: Any, new: Any) -> Any:
                chosen = wanted[some].reshape(-1, *[1] * (new.ndim - 1))
                return old.at[some].set(jnp.where(chosen, new, old[some]))

            return jax.tree.map(put, found, these)

        return jax.lax.cond(before < count, go, lambda found: found, found), None

    return jax.lax.scan(batch, told, (jnp.arange(len(places)) * BATCH, places))[0]


def _extremes(
    seen: tuple[Seen, Seen, Seen], places: tuple[Scalar, ...], start: Scalar, h: Scalar
) -> tuple[Scalar, Scalar]:
    """Values and times at both ends of a quarter and at the extremum between (or the mid-point)."""
    first, between, last = seen
    turns = jax.lax.stop_gradient(first.slope * last.slope < 0.0)
    when = [start + place * h for place in places]
    when[1] = jnp.where(turns, refined(when[1], between.slope, jnp.where(turns, between.bend, 1.0)), when[1])
    return jnp.stack([one.value for one in seen]), jnp.stack(when)


def _above(
    at: Any, low: Scalar, first: Seen, high: Scalar, second: Seen, start: Scalar, h: Scalar, threshold: Scalar
) -> tuple[Scalar, Scalar]:
    """Time above the threshold between two places where the output is monotone, and the last time there (0 if never)."""
    was, ends = first.value - threshold, second.value - threshold
    place = root(lambda s: at(s).value - threshold, low, was, high, ends)
    there = at(place)
    crossing = refined(start + place * h, there.value - threshold, there.slope)
    since = jnp.where(was < 0.0, crossing, start + low * h)
    until = jnp.where(ends < 0.0, crossing, start + high * h)
    above = (was >= 0.0) | (ends >= 0.0)
    return jnp.where(above, until - since, 0.0), jnp.where(above, until, 0.0)


def _first(values: Any, times: Any) -> tuple[Scalar, Scalar]:
    best = jnp.argmax(jax.lax.stop_gradient(values))
    return values.ravel()[best], times.ravel()[best]


def exposure(
    ode: OdeSystem,
    p: PieceParameters,
    schedule: Schedule,
    start_h: Scalar,
    end_h: Scalar,
    threshold: Scalar | None,
    settings: Settings = DEFAULT,
    *,
    output: str | None = None,
    anchors: Steady | None = None,
    areas_only: bool = False,
) -> Exposure:
    """Exposure from `start_h` to `end_h` of a schedule, both in h since its first anchor; `anchors` where they are known.

    `areas_only` says that nothing but area and moment is wanted: the rest then means nothing.
    """
    anchors = anchors or states_at_anchors(ode, p, schedule, settings)
    spans = jnp.asarray(schedule.span_h)
    begins = jnp.cumsum(spans)
    lasts = jnp.append(spans[1:], jnp.inf)
    skipped = jnp.clip(start_h - begins, 0.0, lasts)
    until = jnp.clip(end_h - begins, 0.0, lasts)
    pieces = jnp.asarray(schedule.piece)
    rates = None if schedule.rate_mg_h is None else jnp.asarray(schedule.rate_mg_h)

    def one(state: Amounts, rate: Any, piece: Any, skip: Scalar, stop: Scalar) -> Exposure:
        mine = {name: x[0] if x.shape[0] == 1 else x[piece] for name, x in p.items()}
        running = None if rate is None else tuple(rate[i] for i in range(ode.size))
        skip = jnp.minimum(skip, stop)
        whole = taken_apart(ode, state)
        entry = travel(ode, mine, whole, running, skip, settings, reason=anchors.reason)
        return segment_exposure(
            ode, mine, entry.whole, running, stop - skip, threshold, settings,
            output=output, reason=entry.reason, areas_only=areas_only,
        )  # fmt: skip

    nothing = jax.tree.map(lambda x: jnp.asarray(x, spans.dtype), NOTHING)
    nothing = nothing._replace(reason=jnp.asarray(anchors.reason))

    def where_asked(asked: Any) -> Exposure:
        return jax.lax.cond(asked[-1] > asked[-2], lambda now: one(*now), lambda _: nothing, asked)

    # the segments of a long history before the window cost nothing: its own are followed one after the other
    each = jax.lax.map(where_asked, (anchors.state, rates, pieces, skipped, until))
    return joined(each, jnp.maximum(begins, start_h) - start_h)


def steady_exposure(
    ode: OdeSystem,
    p: Parameters,
    into: Any,
    amount_mg: Scalar,
    duration_h: Scalar,
    interval_h: Scalar,
    threshold: Scalar | None,
    settings: Settings = DEFAULT,
    *,
    output: str | None = None,
) -> Exposure:
    """Exposure over one interval at steady state, from the start of a dose; an infusion ends within the interval."""
    regimen = Regimen(into, *(jnp.asarray(x, float) for x in (amount_mg, duration_h, interval_h)))
    trough = trough_amounts(ode, p, *regimen, settings)
    infused = regimen.duration_h > 0.0
    bolus = jnp.where(infused, 0.0, regimen.amount_mg)
    rate = jnp.where(infused, regimen.amount_mg / jnp.where(infused, regimen.duration_h, 1.0), 0.0)
    whole = taken_apart(ode, trough.state)
    whole = whole._replace(x=tuple(x + jnp.where(into == i, bolus, 0.0) for i, x in enumerate(whole.x)))
    spans = jnp.stack([regimen.duration_h, regimen.interval_h - regimen.duration_h])

    def stretch(carried: Any, now: Any) -> tuple[Any, Exposure]:
        (before, why), (share, span) = carried, now
        rates = tuple(jnp.where(into == i, share * rate, 0.0) for i in range(ode.size))
        seen = segment_exposure(ode, p, before, rates, span, threshold, settings, output=output, reason=why)
        end = travel(ode, p, before, rates, span, settings, reason=why)
        return (end.whole, end.reason), seen

    _, each = jax.lax.scan(stretch, (whole, trough.reason), (jnp.array([1.0, 0.0]), spans))
    return joined(each, jnp.stack([jnp.zeros_like(regimen.duration_h), regimen.duration_h]))


def joined(each: Exposure, begins: Any) -> Exposure:
    """Exposures of consecutive segments (a leading axis), that begin at `begins`, as one."""
    peak, least = jnp.argmax(jax.lax.stop_gradient(each.peak)), jnp.argmin(jax.lax.stop_gradient(each.least))
    last = jnp.where(each.last_above_h > 0.0, begins + each.last_above_h, 0.0)
    return Exposure(
        area=jnp.sum(each.area),
        moment=jnp.sum(each.moment + begins * each.area),
        peak=each.peak[peak],
        peak_h=(begins + each.peak_h)[peak],
        least=each.least[least],
        least_h=(begins + each.least_h)[least],
        above_h=jnp.sum(each.above_h),
        last_above_h=jnp.max(last),
        reason=jnp.max(each.reason),
    )
