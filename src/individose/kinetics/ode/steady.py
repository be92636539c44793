"""Steady state of a nonlinear system: a root of the map over one dosing interval, found by Newton's method.

With P(x) the amounts one interval after a dose was put on top of the trough x, the steady state solves P(x) = x. Each
iteration has P and its exact Jacobian from one solve of the variational equations. A step that leaves the positive
amounts, or that follows one that did not help, is replaced by P(x) itself: simply giving another dose. Where more drug
comes in than can be eliminated there is no root, and a `Reason` says so.

The derivative of the root by the parameters comes from two further iterations after convergence: each one makes one more
order of it exact.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from individose.kinetics.ode.adapter import under_outputs
from individose.kinetics.ode.memory import Memory, Whole, awake, empty, put_together, taken_apart
from individose.kinetics.ode.model import Amounts, OdeSystem, Scalar
from individose.kinetics.ode.segment import travel
from individose.kinetics.ode.settings import DEFAULT, Reason, Settings
from individose.kinetics.system import Parameters, State

LONG_AGO_H = 1e9
"""Where the clock of a steady state stands: all that fades with time has faded."""

WARM_UP, POLISH, MOST = 3, 2, 60
"""Intervals simulated first (or the doses remembered, if more); iterations after convergence; iterations in all."""

SETTLED = 1e-3
"""Newton's step at a root is small; towards a root at infinity (input just what can be eliminated) it doubles x."""

FAR = 1e4
"""Amounts above so many doses are taken as a sign that there is no steady state."""


class Steady(NamedTuple):
    """A state of the engine (see `memory`), and whether it is one: a `Reason`."""

    state: State
    reason: Any


class Regimen(NamedTuple):
    """One dose repeated for ever: mg, h of infusion (0 a bolus), h between doses, position of the compartment."""

    into: Any
    amount_mg: Scalar
    duration_h: Scalar
    interval_h: Scalar


def trough_amounts(
    ode: OdeSystem,
    p: Parameters,
    into: Any,
    amount_mg: Scalar,
    duration_h: Scalar,
    interval_h: Scalar,
    settings: Settings = DEFAULT,
) -> Steady:
    """State just before a dose at steady state. An infusion may outlast the interval, and several then run at once."""
    regimen = Regimen(into, *(jnp.asarray(x, float) for x in (amount_mg, duration_h, interval_h)))
    return _root(ode, p, regimen, settings)


def constant_infusion(
    ode: OdeSystem, p: Parameters, into: Any, rate_mg_h: Scalar, settings: Settings = DEFAULT
) -> Steady:
    """State under an infusion that has run for ever: the fixed point over any time, here a day."""
    day = jnp.asarray(24.0)
    return _root(ode, p, Regimen(into, rate_mg_h * day, day, day), settings)


def amounts_at_phase(
    ode: OdeSystem,
    p: Parameters,
    into: Any,
    amount_mg: Scalar,
    duration_h: Scalar,
    interval_h: Scalar,
    phase_h: Scalar,
    settings: Settings = DEFAULT,
) -> Steady:
    """State at steady state, `phase_h` (in (0, interval]) after the last dose arrived; without a next dose."""
    trough = trough_amounts(ode, p, into, amount_mg, duration_h, interval_h, settings)
    regimen = Regimen(into, *(jnp.asarray(x, float) for x in (amount_mg, duration_h, interval_h)))
    whole = taken_apart(ode, trough.state)
    end, _, reason = _through(ode, p, whole, regimen, jnp.asarray(phase_h), settings, trough.reason)
    return Steady(put_together(end), reason)


def area_over_interval(
    ode: OdeSystem,
    p: Parameters,
    into: Any,
    amount_mg: Scalar,
    duration_h: Scalar,
    interval_h: Scalar,
    settings: Settings = DEFAULT,
) -> tuple[Amounts, Any]:
    """Area under each output over one interval at steady state (mg.h/L for a concentration), and the `Reason`."""
    trough = trough_amounts(ode, p, into, amount_mg, duration_h, interval_h, settings)
    regimen = Regimen(into, *(jnp.asarray(x, float) for x in (amount_mg, duration_h, interval_h)))
    whole = taken_apart(ode, trough.state)
    _, areas, reason = _through(ode, p, whole, regimen, regimen.interval_h, settings, trough.reason, areas=True)
    return areas, reason


def _through(
    ode: OdeSystem,
    p: Parameters,
    whole: Whole,
    regimen: Regimen,
    until: Scalar,
    settings: Settings,
    reason: Any,
    *,
    areas: bool = False,
) -> tuple[Whole, Amounts, Any]:
    """From just before a dose to `until` h after it: a bolus, or one infusion more at first and one less later."""
    into, amount, duration, interval = regimen
    infused = duration > 0.0
    rate = jnp.where(infused, amount / jnp.where(infused, duration, 1.0), 0.0)
    always = jnp.floor(duration / interval)
    overlap = duration - always * interval
    bolus = jnp.where(infused, 0.0, amount)
    whole = whole._replace(x=tuple(x + jnp.where(into == i, bolus, 0.0) for i, x in enumerate(whole.x)))
    first = jnp.minimum(overlap, until)
    integrands = under_outputs(ode, p) if areas else ()

    def stretch(carried: Any, now: Any) -> tuple[Any, None]:
        (before, done, why), (running, span) = carried, now
        rates = tuple(jnp.where(into == i, running * rate, 0.0) for i in range(ode.size))
        end = travel(ode, p, before, rates, span, settings, integrands=integrands, reason=why)
        return (end.whole, tuple(a + b for a, b in zip(done, end.integrals, strict=True)), end.reason), None

    start = (whole, (jnp.zeros_like(until),) * len(integrands), jnp.asarray(reason, jnp.int32))
    (end, done, reason), _ = jax.lax.scan(
        stretch, start, (jnp.stack([always + 1.0, always]), jnp.stack([first, until - first]))
    )
    return end, done, reason


def _root(ode: OdeSystem, p: Parameters, regimen: Regimen, settings: Settings) -> Steady:
    start = awake(ode, p, empty(ode, regimen.amount_mg))
    memory = start.memory
    if ode.clock:
        memory = memory._replace(clock=(jnp.full_like(regimen.amount_mg, LONG_AGO_H),))

    def once_more(now: tuple[Whole, Any], _turn: None) -> tuple[tuple[Whole, Any], None]:
        end, *_, why = _through(ode, p, now[0], regimen, regimen.interval_h, settings, now[1])
        return (end, why), None

    first = (Whole(start.x, memory), jnp.int32(Reason.SOLVED))
    (whole, reason), _ = jax.lax.scan(once_more, first, None, length=max(WARM_UP, ode.doses + 1))
    free = [i for i, name in enumerate(ode.compartments) if not (ode.doses and name == ode.dosed)]
    given = jnp.where(regimen.amount_mg > 0.0, regimen.amount_mg, 1.0)
    scale = jnp.stack([given if ode.drug[i] else jnp.abs(whole.x[i]) + 1e-12 for i in free])
    scale = jax.lax.stop_gradient(scale)
    memory = whole.memory

    def over_interval(x: Float[Array, " free"]) -> tuple[Float[Array, " free"], Any]:
        filled = list(whole.x)
        for place, i in enumerate(free):
            filled[i] = x[place]
        now = Whole(tuple(filled), memory)
        end, _, why = _through(ode, p, now, regimen, regimen.interval_h, settings, Reason.SOLVED)
        return jnp.stack([end.x[i] for i in free]), why

    found = _newton(over_interval, jnp.stack([whole.x[i] for i in free]), scale, settings)
    filled = list(whole.x)
    for place, i in enumerate(free):
        filled[i] = found.x[place]
    reason = jnp.where(reason == Reason.SOLVED, found.reason, reason)
    return Steady(put_together(Whole(tuple(filled), _rested(memory))), reason.astype(jnp.int32))


def _rested(memory: Memory) -> Memory:
    clock = tuple(jnp.full_like(c, LONG_AGO_H) for c in memory.clock)
    return memory._replace(clock=clock)


class _Search(NamedTuple):
    x: Any
    residual: Any
    newton: Any
    done: Any
    iteration: Any
    reason: Any


def _newton(over_interval: Any, x: Any, scale: Any, settings: Settings) -> _Search:
    """Newton with the physical iteration as its net. **Arguments:** `over_interval(x)` gives P(x) and a `Reason`."""
    close = 10.0 * settings.rtol

    def both(x: Any) -> Any:
        after, why = over_interval(x)
        return after, (after, why)

    def better(now: _Search) -> _Search:
        slope, (after, why) = jax.jacfwd(both, has_aux=True)(now.x)
        gap = after - now.x
        residual = jax.lax.stop_gradient(jnp.max(jnp.abs(gap) / (scale + jnp.abs(now.x))))
        step = jnp.linalg.solve(jnp.eye(len(gap)) - slope, gap)
        there = now.x + step
        near = jax.lax.stop_gradient(jnp.max(jnp.abs(step) / (scale + jnp.abs(now.x)))) <= SETTLED
        near = near & (residual <= close)
        sound = jnp.all(jnp.isfinite(there)) & jnp.all(there >= -1e-9 * scale) & jnp.all(there <= FAR * scale)
        helps = ~now.newton | (residual <= 0.7 * now.residual) | near
        newton = sound & helps
        following = jnp.where(newton, there, after)
        done = jnp.where(near, now.done + 1, 0)
        lost = ~jnp.all(jnp.isfinite(following)) | jnp.any(following > FAR * scale)
        last = now.iteration + 1 >= MOST
        reason = jnp.where(why != Reason.SOLVED, why, jnp.where(lost | last, Reason.NO_STEADY_STATE, Reason.SOLVED))
        reason = jnp.where(done > POLISH, Reason.SOLVED, reason).astype(jnp.int32)
        kept = jnp.where(lost, now.x, following)
        return _Search(kept, residual, newton, done, now.iteration + 1, reason)

    def wanted(now: _Search) -> Any:
        return (now.done <= POLISH) & (now.reason == Reason.SOLVED)

    start = _Search(x, jnp.asarray(jnp.inf), jnp.bool_(False), jnp.int32(0), jnp.int32(0), jnp.int32(Reason.SOLVED))
    return jax.lax.while_loop(wanted, better, start)
