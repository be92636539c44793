"""One segment between two events, solved in adaptive steps.

The steps are fractions of the span, chosen from the error and then held constant under differentiation: the
derivative is that of the method itself, which solves the variational equations with the same steps. A failure is
a `Reason`; the state is then the last good one, so that nothing here is ever NaN.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from individose.kinetics.ode.method import Field, Method, Tolerance
from individose.kinetics.ode.model import Amounts, Scalar
from individose.kinetics.ode.settings import Reason, Settings

SAFETY, SHRINK, GROW = 0.9, 0.2, 8.0
"""The next step is at most so much of what the error would allow, and between these times the last one."""


FINEST = 1e-15
"""Relative tolerance below which an error is rounding, and a solve would succeed by chance."""


class Progress(NamedTuple):
    """Where a solve stands.

    - `x`: the state; `done`: fraction of the span; `h`: length (h) of the step to try next.
    - `steps`: attempted so far; `reason`: a `Reason`, anything but SOLVED ends the solve.
    """

    x: Amounts
    done: Scalar
    h: Scalar
    steps: Any
    reason: Any


def integrate(
    method: Method,
    field: Field,
    x: Amounts,
    span: Scalar,
    tolerance: Tolerance,
    settings: Settings,
    h: Scalar | None,
    reason: Any,
) -> Progress:
    """State after `span` h. **Arguments:** `h` is the length of the first step, None to have it chosen; `reason` of an
    earlier failure makes this a no-op."""
    start = begin(field, x, span, tolerance, h, reason)
    return jax.lax.while_loop(going, lambda now: attempt(method, field, span, tolerance, settings, now), start)


def begin(field: Field, x: Amounts, span: Scalar, tolerance: Tolerance, h: Scalar | None, reason: Any) -> Progress:
    """The start of a segment; a span of 0 is done at once."""
    chosen = _first_step(field, x, span, tolerance) if h is None else h
    done = jnp.where(span > 0.0, 0.0, 1.0)
    why = jnp.asarray(reason, jnp.int32)
    if tolerance.relative < FINEST:
        why = jnp.where(why == Reason.SOLVED, jnp.int32(Reason.STEP_TOO_SMALL), why)
    return Progress(x, *jax.lax.stop_gradient((done, chosen)), jnp.int32(0), why)


def going(now: Progress) -> Any:
    """Whether there is anything left to do."""
    return (now.done < 1.0) & (now.reason == Reason.SOLVED)


def length(now: Progress, span: Scalar) -> tuple[Scalar, Any]:
    """The fraction of the span that the next attempt covers, and whether it is the last one."""
    # the derivative of a span that is itself a parameter (a lag) is shared by all steps: hence fractions
    wanted = now.h / jax.lax.stop_gradient(jnp.where(span > 0.0, span, 1.0))
    left = 1.0 - now.done
    last = wanted >= left
    # two halves rather than a long step and a sliver
    return jnp.where(last, left, jnp.minimum(wanted, 0.5 * left)), last


def attempt(
    method: Method, field: Field, span: Scalar, tolerance: Tolerance, settings: Settings, now: Progress
) -> Progress:
    """One step, kept or thrown away."""
    fraction, last = length(now, span)
    new, error = method.step(field, now.x, now.done * span, fraction * span, tolerance)
    error = jax.lax.stop_gradient(error)
    finite = jnp.isfinite(error)
    for value in new:
        finite = finite & jnp.isfinite(jax.lax.stop_gradient(value))
    kept = finite & (error <= 1.0)
    factor = jnp.clip(SAFETY / _root(jnp.maximum(error, 1e-12), method.order), SHRINK, GROW)
    factor = jnp.where(finite, jnp.where(kept, factor, jnp.minimum(factor, 1.0)), SHRINK)
    tried = jax.lax.stop_gradient(fraction * span)
    # a step cut short by the end of the segment says little: what was wanted before it may be tried again
    h = jnp.where(kept & (factor >= GROW), jnp.maximum(now.h, GROW * tried), factor * tried)
    done = jnp.where(kept, jnp.where(last, 1.0, now.done + fraction), now.done)
    x = tuple(jnp.where(kept, after, before) for after, before in zip(new, now.x, strict=True))
    steps = now.steps + 1
    stuck = ~kept & (fraction < 1e-14)
    reason = jnp.where(
        done >= 1.0,
        Reason.SOLVED,
        jnp.where(
            stuck,
            jnp.where(finite, Reason.STEP_TOO_SMALL, Reason.NOT_FINITE),
            jnp.where(steps >= settings.max_steps, Reason.MAX_STEPS, Reason.SOLVED),
        ),
    )
    return Progress(x, done, h, steps, reason.astype(jnp.int32))


def _root(error: Scalar, order: int) -> Scalar:
    if order == 8:  # a power of a float is slow in a compiled loop, square roots are not
        return jnp.sqrt(jnp.sqrt(jnp.sqrt(error)))
    return error ** (1.0 / order)


def _first_step(field: Field, x: Amounts, span: Scalar, tolerance: Tolerance) -> Scalar:
    """A hundredth of the time in which the state would change by itself (Hairer I, II.4, its first guess)."""
    x, span = jax.lax.stop_gradient((x, span))
    slope = jax.lax.stop_gradient(field(x, jnp.zeros_like(span)))
    allowed = tolerance.allowed(x, x)
    size, pace = jnp.zeros_like(span), jnp.zeros_like(span)
    for value, change, weight, least in zip(x, slope, allowed, tolerance.absolute, strict=True):
        size = jnp.maximum(size, jnp.abs(value) / weight)
        says = (value != 0.0) | (least > 0.0)  # a response that starts at 0 has no size yet
        pace = jnp.maximum(pace, jnp.where(says, jnp.abs(change) / weight, 0.0))
    guess = 0.01 * size / jnp.where(pace > 0.0, pace, 1.0)
    usable = jnp.isfinite(guess) & (guess > 0.0)
    return jnp.minimum(span, jnp.where(usable, guess, 0.01 * span))
