"""What is still to come after the last event, without end: area, first moment and the time until the level stays low.

A stretch is solved after another, each as long as all before it, until the drug left in all compartments is a billionth of
what there was. What then remains under the curve is that of an exponential at the present rate of decline, and must be a ten
millionth of the area at most; otherwise the level has no end that could be told (a response that goes back to its baseline),
and a `Reason` says so.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from individose.kinetics.ode.course import course
from individose.kinetics.ode.exposure import areas, exposure, read_off
from individose.kinetics.ode.memory import Whole, later, taken_apart
from individose.kinetics.ode.model import OdeSystem, Output, Scalar
from individose.kinetics.ode.propagate import PieceParameters, states_at_anchors
from individose.kinetics.ode.segment import method_of, prepared, travel
from individose.kinetics.ode.settings import DEFAULT, Reason, Settings
from individose.kinetics.schedule import Schedule
from individose.kinetics.system import Parameters

LEFT, REST = 1e-9, 1e-7
"""Share of the drug that may be left at the end, and of the area that may lie behind it."""

FIRST_H, MOST = 1.0, 200
"""The first stretch, and how many there may be."""


class Endless(NamedTuple):
    """From a time on without end: `area` (mg.h/L), `moment` (mg.h2/L, time counted from there), `until_h` (end of the last
    time above the threshold, 0 if there is none), and a `Reason`."""

    area: Scalar
    moment: Scalar
    until_h: Scalar
    reason: Any


def endless(
    ode: OdeSystem,
    p: PieceParameters,
    schedule: Schedule,
    start_h: Scalar,
    threshold: Scalar | None,
    settings: Settings = DEFAULT,
) -> Endless:
    """From `start_h` (h since the first anchor) on, of the first output, when nothing more is given."""
    anchors = states_at_anchors(ode, p, schedule, settings)
    last_h = jnp.sum(jnp.asarray(schedule.span_h))
    areas_only = threshold is None
    start = jnp.minimum(start_h, last_h)
    head = exposure(ode, p, schedule, start, last_h, threshold, settings, anchors=anchors, areas_only=areas_only)
    mine = {name: x[0] if x.shape[0] == 1 else x[jnp.asarray(schedule.piece)[-1]] for name, x in p.items()}
    left = taken_apart(ode, tuple(x[-1] for x in anchors.state))
    skip = jnp.maximum(start_h - last_h, 0.0)
    entry = travel(ode, mine, left, None, skip, settings, reason=head.reason)
    tail = after(ode, mine, entry.whole, threshold, settings, entry.reason)
    since = jnp.maximum(last_h - start_h, 0.0)
    until = jnp.where(tail.until_h > 0.0, since + tail.until_h, head.last_above_h)
    return Endless(head.area + tail.area, head.moment + tail.moment + since * tail.area, until, tail.reason)


class _Stretches(NamedTuple):
    whole: Whole
    elapsed: Scalar
    found: Endless
    most: Scalar
    done: Any
    count: Any


def after(
    ode: OdeSystem, p: Parameters, whole: Whole, threshold: Scalar | None, settings: Settings, reason: Any
) -> Endless:
    """The same from a state on, into which nothing more comes."""
    observed: Output = next(iter(ode.outputs.values()))
    method = method_of(ode)

    def further(now: _Stretches) -> _Stretches:
        span = jax.lax.stop_gradient(jnp.maximum(now.elapsed, FIRST_H))
        integrands = (lambda x, _: observed(p, x), lambda x, t: t * observed(p, x))
        one = prepared(ode, p, now.whole, None, span, settings, integrands)
        steps = course(method, one, span, settings, now.found.reason, partial=True)
        if threshold is None:
            seen = areas(ode, steps)
        else:
            seen = read_off(ode, method, one, steps, lambda z: observed(p, z), threshold)
        gone = steps.end.done * span
        at = steps.end.x
        level, slope = jax.jvp(
            lambda z, t: observed(p, one.state(z, t)), (at, gone), (one.field(at, gone), jnp.ones(()))
        )
        x = one.state(at, gone)
        elapsed = now.elapsed + gone
        area = now.found.area + seen.area
        moment = now.found.moment + seen.moment + now.elapsed * seen.area
        until = jnp.where(seen.last_above_h > 0.0, now.elapsed + seen.last_above_h, now.found.until_h)
        drug = jnp.sum(jnp.stack([jnp.abs(value) for here, value in zip(ode.drug, x, strict=True) if here]))
        falls = (level > 0.0) & (slope < 0.0)
        scale = jnp.where(falls, -level / jnp.where(falls, slope, 1.0), elapsed)
        rest = jnp.where(falls, level * scale, 0.0)
        low = jnp.bool_(True) if threshold is None else level < threshold
        done = (drug <= LEFT * now.most) & (jnp.abs(level) * scale <= REST * area) & low
        found = Endless(
            area + jnp.where(done, rest, 0.0),
            moment + jnp.where(done, rest * (elapsed + scale), 0.0),
            until,
            jnp.where(
                (seen.reason == Reason.SOLVED) & ~done & (now.count + 1 >= MOST), Reason.NO_END, seen.reason
            ).astype(jnp.int32),
        )
        there = Whole(x, later(ode, one.memory, x, one.pace, gone))
        return _Stretches(there, elapsed, found, jnp.maximum(now.most, drug), done, now.count + 1)

    zero = jnp.zeros(())
    most = jnp.sum(jnp.stack([jnp.abs(value) for here, value in zip(ode.drug, whole.x, strict=True) if here]))
    first = _Stretches(
        whole, zero, Endless(zero, zero, zero, jnp.asarray(reason, jnp.int32)), most, jnp.bool_(False), jnp.int32(0)
    )
    going = lambda now: ~now.done & (now.found.reason == Reason.SOLVED)  # noqa: E731
    return jax.lax.while_loop(going, further, first).found
