"""The whole course of a segment: the steps that the solver took, and the state anywhere inside a step.

Inside a step the state is had by a shorter step of the same method from the same start: as exact as the solve itself,
where an interpolating polynomial would be less.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from individose.kinetics.ode.integrate import Progress, attempt, begin, going
from individose.kinetics.ode.method import Method
from individose.kinetics.ode.model import Amounts, Scalar
from individose.kinetics.ode.segment import Segment
from individose.kinetics.ode.settings import Reason, Settings

NODES = 64
"""Steps that are kept; a segment that needs more ends with MAX_STEPS."""


class Course(NamedTuple):
    """Steps in the order of time; unused ones at the end have length 0.

    - `x`: what is integrated at the start of each step, an array (steps,) for each; `start_h`, `length_h` of each.
    - `end`: where the solve ended.
    """

    x: tuple[Float[Array, " steps"], ...]
    start_h: Float[Array, " steps"]
    length_h: Float[Array, " steps"]
    end: Progress


class Seen(NamedTuple):
    """An output, its rate of change, and the rate of change of that."""

    value: Scalar
    slope: Scalar
    bend: Scalar


def course(
    method: Method,
    one: Segment,
    span: Scalar,
    settings: Settings,
    reason: Any,
    nodes: int = NODES,
    *,
    partial: bool = False,
) -> Course:
    """All steps over `span` h; `partial`: no failure if all steps that are kept were taken before (see `end.done`)."""

    def keep(now: Any) -> Any:
        progress, count, starts, widths, kept = now
        after = attempt(method, one.field, span, one.tolerance, settings, progress)
        starts = starts.at[count].set(progress.done)
        widths = widths.at[count].set(after.done - progress.done)
        kept = tuple(row.at[count].set(x) for row, x in zip(kept, progress.x, strict=True))
        count = count + (after.done > progress.done)
        full = (count >= nodes) & (after.done < 1.0)
        stopped = (
            after.reason
            if partial
            else jnp.where(full & (after.reason == Reason.SOLVED), Reason.MAX_STEPS, after.reason)
        )
        return after._replace(reason=stopped.astype(jnp.int32)), count, starts, widths, kept

    start = begin(one.field, one.start, span, one.tolerance, None, reason)
    rows = jnp.zeros(nodes, span.dtype)
    first = (start, jnp.int32(0), rows, rows, tuple(jnp.full(nodes, x) for x in one.start))
    end, count, starts, widths, kept = jax.lax.while_loop(lambda now: going(now[0]) & (now[1] < nodes), keep, first)
    used = jnp.arange(nodes) < count
    widths = jnp.where(used, widths, 0.0)
    return Course(kept, jnp.where(used, starts, 1.0) * span, widths * span, end)


def inside(
    method: Method, one: Segment, output: Callable[[Amounts], Scalar], x: Amounts, start: Scalar, h: Scalar
) -> Callable[[Scalar], Seen]:
    """The output and its derivatives by time, as functions of the fraction of a step."""

    def flow(f: Callable[[Amounts, Scalar], Scalar]) -> Callable[[Amounts, Scalar], Scalar]:
        return lambda z, t: jax.jvp(f, (z, t), (one.field(z, t), jnp.ones_like(t)))[1]

    def value(z: Amounts, t: Scalar) -> Scalar:
        return output(one.state(z, t))

    def at(fraction: Scalar) -> Seen:
        there, _ = method.step(one.field, x, start, fraction * h, one.tolerance)
        t = start + fraction * h
        return Seen(value(there, t), flow(value)(there, t), flow(flow(value))(there, t))

    return at


def root(
    f: Callable[[Scalar], Scalar], low: Scalar, f_low: Scalar, high: Scalar, f_high: Scalar, steps: int = 14
) -> Scalar:
    """Where f changes its sign between `low` and `high`, by regula falsi with halved ends (Illinois).

    The mid-point where it does not change it. No derivative passes: `refined` adds it, and the last digits.
    """
    start = jax.lax.stop_gradient((low, f_low, high, f_high))
    changes = start[1] * start[3] < 0.0

    def narrower(_: Any, now: Any) -> Any:
        a, fa, b, fb = now
        wide = fb - fa
        c = jnp.where(wide == 0.0, 0.5 * (a + b), (a * fb - b * fa) / jnp.where(wide == 0.0, 1.0, wide))
        fc = jax.lax.stop_gradient(f(c))
        other = fc * fb < 0.0
        return jnp.where(other, b, a), jnp.where(other, fb, 0.5 * fa), c, fc

    *_, found, _ = jax.lax.fori_loop(0, steps, narrower, start)
    sound = changes & (found >= low) & (found <= high)
    return jnp.where(sound, found, 0.5 * (start[0] + start[2]))


def refined(t: Scalar, value: Scalar, slope: Scalar) -> Scalar:
    """One Newton step at a root that is already found: it changes the time by nothing, and gives it its derivative."""
    return t - value / jnp.where(slope == 0.0, 1.0, slope)
