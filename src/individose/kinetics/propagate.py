"""From a schedule to concentrations: amounts are carried from anchor to anchor, then out to every sample at once.

Written for one patient; a ward, a cloud of draws or a virtual population is one more axis by `vmap`. The first phase
is sequential in the anchors, the second is parallel in the samples, so a dense curve costs no more steps.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from individose.kinetics.schedule import Schedule, SteadyDoses
from individose.kinetics.steady import trough_amounts
from individose.kinetics.system import Parameters, State, System

SegmentParameters = Parameters
"""Parameters with a leading axis: one value for each segment, or a single one that serves all."""

Index = Int[Array, ""]
Scalar = Float[Array, ""]


def _of(p: SegmentParameters, segment: Index) -> Parameters:
    return {name: values[0] if values.shape[0] == 1 else values[segment] for name, values in p.items()}


def _rates(schedule: Schedule, segment: Index) -> Any:
    return None if schedule.rate_mg_h is None else jnp.asarray(schedule.rate_mg_h)[segment]


def anchor_states(system: System, p: SegmentParameters, schedule: Schedule) -> Float[Array, "anchors compartments"]:
    """Amounts (mg) right after each anchor."""

    def step(carried: State, at: tuple[Index, Schedule]) -> tuple[State, State]:
        k, anchor = at
        before = jnp.maximum(k - 1, 0)
        mine = _of(p, before)
        state = system.advance(mine, carried, _rates(schedule, before), jnp.asarray(anchor.span_h)) * anchor.keep
        if anchor.steady is not None:
            state = _at_steady_state(system, mine, anchor.into, anchor.steady, state)
        state = state + anchor.amount_mg * jax.nn.one_hot(anchor.into, system.size, dtype=state.dtype)
        return state, state

    anchors = schedule.span_h.shape[0]
    nothing = jnp.zeros(system.size)
    each = schedule._replace(rate_mg_h=None, segment=None, since_h=None, sampled=None)  # pyright: ignore[reportArgumentType]
    return jax.lax.scan(step, nothing, (jnp.arange(anchors), each))[1]


def _at_steady_state(system: System, p: Parameters, into: Any, steady: SteadyDoses, state: State) -> State:
    interval = jnp.where(steady.kind > 0, steady.interval_h, 1.0)
    trough = trough_amounts(system, p, into, jnp.asarray(steady.amount_mg), jnp.asarray(steady.duration_h), interval)
    return jnp.where(steady.kind == 1, trough, jnp.where(steady.kind == 2, state + trough, state))


def concentrations(system: System, p: SegmentParameters, schedule: Schedule) -> Float[Array, " samples"]:
    """Concentration (mg/L) at every sample; padding gives a harmless finite number."""
    states = anchor_states(system, p, schedule)

    def sample(segment: Index, since: Scalar) -> Scalar:
        mine = _of(p, segment)
        return system.observe(mine, system.advance(mine, states[segment], _rates(schedule, segment), since))

    return jax.vmap(sample)(jnp.asarray(schedule.segment), jnp.asarray(schedule.since_h))


def areas(system: System, p: SegmentParameters, schedule: Schedule) -> Float[Array, " samples"]:
    """Area under the concentration (mg.h/L) from the first anchor to every sample, in closed form."""
    states = anchor_states(system, p, schedule)

    def piece(segment: Index, span: Scalar) -> Scalar:
        mine = _of(p, segment)
        return system.area(mine, states[segment], _rates(schedule, segment), span)

    def sample(segment: Index, since: Scalar) -> Scalar:
        return before[segment] + piece(segment, since)

    spans = jnp.append(jnp.asarray(schedule.span_h)[1:], 0.0)
    complete = jnp.cumsum(jax.vmap(piece)(jnp.arange(len(spans)), spans))
    before = jnp.concatenate([jnp.zeros(1), complete[:-1]])
    return jax.vmap(sample)(jnp.asarray(schedule.segment), jnp.asarray(schedule.since_h))
