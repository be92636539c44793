"""A system over one segment: its right-hand side with the inputs that run, the clock, and integrals on the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from individose.kinetics.ode import dormand_prince
from individose.kinetics.ode.integrate import integrate
from individose.kinetics.ode.memory import Memory, Whole, awake, later, moment, running
from individose.kinetics.ode.method import Field, Method, Tolerance
from individose.kinetics.ode.model import Amounts, OdeSystem, Scalar
from individose.kinetics.ode.rosenbrock import march
from individose.kinetics.ode.settings import Reason, Settings
from individose.kinetics.system import Parameters

Integrand = Callable[[Amounts, Scalar], Scalar]
"""(state, hours since the start of the segment) -> what is integrated as one more state."""


class Segment(NamedTuple):
    """A segment ready to be solved.

    - `start`: what is integrated: the compartments, then the integrals (from 0).
    - `field`: its rate of change. `tolerance`: the error allowed.
    - `state`: (what was integrated, time) -> the compartments.
    - `memory`, `pace`: of the system at the start, and whether its clock runs (1 or 0).
    """

    start: Amounts
    field: Field
    tolerance: Tolerance
    state: Callable[[Amounts, Scalar], Amounts]
    memory: Memory
    pace: Any


class Travelled(NamedTuple):
    """The end of a segment: state, integrals over it, the step to go on with, and how it went."""

    whole: Whole
    integrals: Amounts
    h: Scalar
    reason: Any
    steps: Any


def method_of(ode: OdeSystem) -> Method:
    """The implicit method for a stiff system (it needs diffrax), the explicit one for any other."""
    if not ode.stiff:
        return dormand_prince.METHOD
    from individose.kinetics.ode import kvaerno  # diffrax takes a second to import: only when it is used

    return kvaerno.METHOD


def prepared(
    ode: OdeSystem,
    p: Parameters,
    whole: Whole,
    rates: Amounts | None,
    span: Scalar,
    settings: Settings,
    integrands: tuple[Integrand, ...] = (),
) -> Segment:
    """**Arguments:** `whole` as some engine left it; `rates` in mg/h by compartment, or None."""
    x, memory = awake(ode, p, whole)
    pace = running(ode, Whole(x, memory), rates) if ode.clock else 0.0
    delivered = ode.delivered
    before = () if delivered is None else delivered(p, moment(ode, memory, pace, jnp.zeros_like(span)))

    def state(z: Amounts, t: Scalar) -> Amounts:
        compartments = z[: ode.size]
        if delivered is None:
            return compartments
        by_now = delivered(p, moment(ode, memory, pace, t))
        return tuple(a + (b - c) for a, b, c in zip(compartments, by_now, before, strict=True))

    def field(z: Amounts, t: Scalar) -> Amounts:
        at = state(z, t)
        slopes = ode.rhs(p, at, moment(ode, memory, pace, t))
        if rates is not None:
            slopes = tuple(a + b for a, b in zip(slopes, rates, strict=True))
        return (*slopes, *(f(at, t) for f in integrands))

    nothing = jnp.zeros_like(span)
    # integrals follow the steps of what they are integrals of: one that starts at 0 has no scale of its own
    allowed = _least(ode, x, rates, span, settings) + (jnp.full_like(span, jnp.inf),) * len(integrands)
    return Segment(x + (nothing,) * len(integrands), field, Tolerance(settings.rtol, allowed), state, memory, pace)


def _least(ode: OdeSystem, x: Amounts, rates: Amounts | None, span: Scalar, settings: Settings) -> Amounts:
    """Absolute tolerance: a share of all drug of the segment, or of a response's own value."""
    x, rates, span = jax.lax.stop_gradient((x, rates, span))
    drug = jnp.zeros_like(span)
    for i, here in enumerate(ode.drug):
        drug = drug + jnp.abs(x[i]) if here else drug
        drug = drug + rates[i] * span if here and rates is not None else drug
    return tuple(settings.atol * (drug if here else jnp.abs(x[i])) for i, here in enumerate(ode.drug))


def travel(
    ode: OdeSystem,
    p: Parameters,
    whole: Whole,
    rates: Amounts | None,
    span: Scalar,
    settings: Settings,
    *,
    integrands: tuple[Integrand, ...] = (),
    h: Scalar | None = None,
    reason: Any = Reason.SOLVED,
) -> Travelled:
    """The state `span` h later; see `integrate` for `h` and `reason`."""
    one = prepared(ode, p, whole, rates, span, settings, integrands)
    if settings.march and marches(ode):
        return _marched(ode, one, span, settings, reason)
    end = integrate(method_of(ode), one.field, one.start, span, one.tolerance, settings, h, reason)
    here = jnp.where(end.reason == Reason.SOLVED, span, end.done * span)
    x = one.state(end.x, here)
    memory = later(ode, one.memory, x, one.pace, here)
    return Travelled(Whole(x, memory), end.x[ode.size :], end.h, end.reason, end.steps)


def marches(ode: OdeSystem) -> bool:
    """Whether a system may be marched through: its rates depend on nothing but amounts."""
    return not (ode.clock or ode.doses)


def _marched(ode: OdeSystem, one: Segment, span: Scalar, settings: Settings, reason: Any) -> Travelled:
    # many points that share a schedule pass over an empty stretch at no cost
    end = jax.lax.cond(span > 0.0, lambda x: march(one.field, x, span, settings.march), lambda x: x, one.start)
    finite = jnp.asarray(True)
    for value in end:
        finite = finite & jnp.isfinite(jax.lax.stop_gradient(value))
    why = jnp.where(finite, jnp.asarray(reason, jnp.int32), jnp.int32(Reason.NOT_FINITE))
    x = tuple(jnp.where(finite, after, before) for after, before in zip(end, one.start, strict=True))
    return Travelled(Whole(x[: ode.size], one.memory), x[ode.size :], span, why, jnp.int32(settings.march))
