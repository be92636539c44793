"""From a schedule to concentrations: amounts are carried from anchor to anchor, then out to every sample at once.

Written for one patient; a ward, a cloud of draws or a virtual population is one more axis by `vmap`. The first phase
is sequential in the anchors, the second is parallel in the samples, so a dense curve costs no more steps.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from individose.kinetics.prefix import prefix_states
from individose.kinetics.schedule import Schedule, SteadyDoses
from individose.kinetics.steady import amounts_at_phase
from individose.kinetics.system import Outputs, Parameters, Prepared, Rates, State, System

PieceParameters = Parameters
"""Parameters with a leading axis: one value for each piece of time in which they are constant, or one for all."""

Index = Int[Array, ""]
Scalar = Float[Array, ""]


def prepare(system: System, p: PieceParameters) -> Prepared:
    """What the system works out once for every piece, with the same leading axis."""
    return jax.vmap(system.prepare)(dict(p))


def _of(prepared: Prepared, piece: Index) -> Prepared:
    def row(values: Array) -> Array:
        return values[0] if values.shape[0] == 1 else values[piece]

    return jax.tree.map(row, prepared)


def _varies(prepared: Prepared) -> bool:
    return any(x.shape[0] > 1 for x in jax.tree.leaves(prepared))


def _rates(schedule: Schedule, segment: Index, size: int) -> Rates:
    if schedule.rate_mg_h is None:
        return None
    row = jnp.asarray(schedule.rate_mg_h)[segment]
    return tuple(row[i] for i in range(size))


def anchor_states(system: System, prepared: Prepared, schedule: Schedule, *, at_once: bool = False) -> State:
    """Amounts (mg) right after each anchor: for each compartment an array (anchors,); `at_once` chooses the road (see
    `prefix`), which makes no difference to the amounts."""
    size = system.size
    rates = jnp.zeros((len(schedule.span_h), 0)) if schedule.rate_mg_h is None else jnp.asarray(schedule.rate_mg_h)
    before = jnp.concatenate([rates[:1], rates[:-1]])
    piece = jnp.asarray(schedule.piece)
    piece_before = jnp.concatenate([piece[:1], piece[:-1]])
    columns = [jnp.asarray(x) for x in (schedule.span_h, schedule.keep, schedule.amount_mg, schedule.into)]
    started = _steady_amounts(system, prepared, schedule)
    if at_once and system.joins:
        mine = jax.vmap(lambda row: _of(prepared, row))(piece_before) if _varies(prepared) else prepared
        return prefix_states(system, mine, schedule, before if before.shape[1] else None, started)

    def step(carried: State, anchor: Any) -> tuple[State, State]:
        (span, keep, amount, into), rate, mine, start = anchor
        running = None if schedule.rate_mg_h is None else tuple(rate[i] for i in range(size))
        state = system.advance(_of(prepared, mine), carried, running, span)
        state = tuple(x * keep[i] for i, x in enumerate(state))
        if start is not None:
            kind, amounts = start
            state = tuple(jnp.where(kind == 1, amounts[i], x + amounts[i]) for i, x in enumerate(state))
        state = tuple(x + jnp.where(into == i, amount, 0.0) for i, x in enumerate(state))
        return state, state

    nothing = tuple(jnp.zeros(()) for _ in range(size))
    return jax.lax.scan(step, nothing, (columns, before, piece_before, started))[1]


def _steady_amounts(system: System, prepared: Prepared, schedule: Schedule) -> Any:
    """(kind, amounts) for each anchor: what a steady-state dose puts in the place of, or beside, what is there."""
    if schedule.steady is None:
        return None

    def one(dose: SteadyDoses) -> State:
        wanted = jnp.asarray(dose.kind > 0)
        interval = jnp.where(wanted, dose.interval_h, 1.0)
        phase = jnp.where(wanted, dose.phase_h, 1.0)
        amount = jnp.asarray(dose.amount_mg)
        duration = None if schedule.rate_mg_h is None else jnp.asarray(dose.duration_h)
        q = _of(prepared, jnp.asarray(dose.piece))
        found = amounts_at_phase(system, q, dose.into, amount, duration, interval, phase)
        return tuple(jnp.where(wanted, x, 0.0) for x in found)

    steady = SteadyDoses(*(jnp.asarray(x) for x in schedule.steady))
    amounts = jax.vmap(one)(steady)
    anchors = len(schedule.span_h)
    kind = jnp.zeros(anchors, dtype=steady.kind.dtype).at[steady.anchor].max(steady.kind)
    return kind, tuple(jnp.zeros(anchors).at[steady.anchor].add(x) for x in amounts)


def concentrations(
    system: System, p: PieceParameters, schedule: Schedule, *, at_once: bool = False
) -> Float[Array, " samples"]:
    """Concentration (mg/L) at every sample; padding gives a harmless finite number. `at_once`: see `anchor_states`."""
    if system.whole is not None:
        return system.whole.levels(p, schedule)
    prepared = prepare(system, p)
    states = anchor_states(system, prepared, schedule, at_once=at_once)

    def sample(segment: Index, since: Scalar, output: Index, seen: Index | None) -> Scalar:
        mine = _of(prepared, jnp.asarray(schedule.piece)[segment])
        state = tuple(x[segment] for x in states)
        rates = _rates(schedule, segment, system.size)
        then = mine if seen is None else _of(prepared, seen)
        return _chosen(system.observe(then, system.advance(mine, state, rates, since)), output)

    segment, since, output = (jnp.asarray(x) for x in (schedule.segment, schedule.since_h, schedule.output))
    return jax.vmap(sample)(segment, since, output, None if schedule.seen is None else jnp.asarray(schedule.seen))


def areas(system: System, p: PieceParameters, schedule: Schedule) -> Float[Array, " samples"]:
    """Area under the concentration (mg.h/L) from the first anchor to every sample, in closed form (or as one more state)."""
    if system.whole is not None:
        return system.whole.areas(p, schedule)
    prepared = prepare(system, p)
    states = anchor_states(system, prepared, schedule)
    pieces = jnp.asarray(schedule.piece)

    def piece(segment: Index, span: Scalar) -> Outputs:
        mine = _of(prepared, pieces[segment])
        return system.area(mine, tuple(x[segment] for x in states), _rates(schedule, segment, system.size), span)

    def sample(segment: Index, since: Scalar, output: Index) -> Scalar:
        here = piece(segment, since)
        return _chosen(tuple(b[segment] + x for b, x in zip(before, here, strict=True)), output)

    spans = jnp.append(jnp.asarray(schedule.span_h)[1:], 0.0)
    complete = jax.vmap(piece)(jnp.arange(len(spans)), spans)
    before = tuple(jnp.concatenate([jnp.zeros(1), jnp.cumsum(x)[:-1]]) for x in complete)
    return jax.vmap(sample)(*(jnp.asarray(x) for x in (schedule.segment, schedule.since_h, schedule.output)))


def _chosen(outputs: Outputs, output: Index) -> Scalar:
    found = outputs[0]
    for i, other in enumerate(outputs[1:], start=1):
        found = jnp.where(output == i, other, found)
    return found
