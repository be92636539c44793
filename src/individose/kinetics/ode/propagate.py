"""From a schedule to levels in one pass: every stretch of time is solved once, and the step is carried along.

Gives what `kinetics.propagate` gives for the same system in the closed forms' interface, which solves every sample
from its anchor; and it gives the reason of a failure, where that can only give NaN.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from individose.kinetics.ode.adapter import under_outputs
from individose.kinetics.ode.memory import empty, put_together, taken_apart
from individose.kinetics.ode.model import Amounts, OdeSystem
from individose.kinetics.ode.records import Records, merged
from individose.kinetics.ode.segment import travel
from individose.kinetics.ode.settings import DEFAULT, Reason, Settings
from individose.kinetics.ode.steady import Steady, amounts_at_phase
from individose.kinetics.schedule import Schedule
from individose.kinetics.system import Parameters, State

PieceParameters = Parameters
"""Parameters with a leading axis: one value for each piece of time in which they are constant, or one for all."""


FIRST_STEP_H = 0.01
"""The first step tried; later ones follow from the error, across all events."""


class Levels(NamedTuple):
    """**Fields:** `levels` in mg/L (or the unit of the response) and `areas` from the first anchor (None unless asked
    for) at every sample; `reason`, a `Reason` of the whole; `steps` attempted.

    After a failure the values stay where the solve stopped: finite, and not to be used.
    """

    levels: Float[Array, " samples"]
    areas: Float[Array, " samples"] | None
    reason: Any
    steps: Any


def solve(
    ode: OdeSystem,
    p: PieceParameters,
    schedule: Schedule,
    settings: Settings = DEFAULT,
    *,
    areas: bool = False,
) -> Levels:
    """What is observed at every sample of one patient's schedule.

    **Arguments:** `p` with rows as in `kinetics.concentrations`; `schedule` made for `adapter.as_system(ode)`, whose
    state is longer than the compartments where something is remembered.
    """
    records = merged(schedule)
    last = jnp.max(jnp.where(jnp.asarray(schedule.sampled), records.place, 0), initial=0)
    followed = jnp.arange(len(records.span_h)) <= last  # what comes after the last sample is not asked for
    records = records._replace(span_h=jnp.where(followed, records.span_h, 0.0))
    settings = _shared_out(settings, len(schedule.span_h) + len(schedule.segment))
    walked = _walk(ode, p, records, _steady(ode, p, schedule, records, settings), settings, areas=areas)
    levels = _wanted(walked.seen, records)
    return Levels(levels, _wanted(walked.gone, records) if areas else None, walked.reason, walked.steps)


MANY, FEWEST = 12, 3
"""From so many stretches on a curve is dense, and a march needs few steps between two of its points."""


def _shared_out(settings: Settings, stretches: int) -> Settings:
    """The steps of a march over each stretch of time: a third, at least `FEWEST`, where the stretches are short."""
    dense = settings.march and stretches >= MANY
    return replace(settings, march=max(FEWEST, settings.march // 3)) if dense else settings


def states_at_anchors(ode: OdeSystem, p: PieceParameters, schedule: Schedule, settings: Settings = DEFAULT) -> Steady:
    """The state right after each anchor (a leading axis), and the `Reason` of the whole."""
    nothing = jnp.zeros(0)
    none = nothing.astype(int)
    bare = schedule._replace(segment=none, since_h=nothing, output=none, sampled=nothing.astype(bool))
    records = merged(bare)
    walked = _walk(ode, p, records, _steady(ode, p, bare, records, settings), settings, states=True)
    return Steady(walked.states, walked.reason)


class _Walked(NamedTuple):
    seen: Amounts
    gone: Amounts
    states: State
    reason: Any
    steps: Any


def _walk(
    ode: OdeSystem,
    p: PieceParameters,
    records: Records,
    steady: tuple[Any, Any],
    settings: Settings,
    *,
    areas: bool = False,
    states: bool = False,
) -> _Walked:
    """Outputs and areas just before, and the state right after, what happens at each record."""
    started, troubled = steady

    def stretch(carried: Any, record: Any) -> tuple[Any, Any]:
        state, h, reason, steps, gone = carried
        line, start = record
        mine, then = (
            {name: x[0] if x.shape[0] == 1 else x[row] for name, x in p.items()} for row in (line.piece, line.seen)
        )
        rates = None if line.rate_mg_h is None else tuple(line.rate_mg_h[i] for i in range(ode.size))
        integrands = under_outputs(ode, mine) if areas else ()
        whole = taken_apart(ode, state)
        end = travel(ode, mine, whole, rates, line.span_h, settings, integrands=integrands, h=h, reason=reason)
        gone = tuple(a + b for a, b in zip(gone, end.integrals, strict=True))
        seen = tuple(output(then, end.whole.x) for output in ode.outputs.values())
        state = _at_anchor(put_together(end.whole), line, start)
        return (state, end.h, end.reason, steps + end.steps, gone), (seen, gone, state if states else ())

    zero = jnp.zeros(())
    gone = (zero,) * (len(ode.outputs) if areas else 0)
    first = (put_together(empty(ode, zero)), jnp.asarray(FIRST_STEP_H), troubled, jnp.int32(0), gone)
    lines = records._replace(place=None, output=None)  # pyright: ignore[reportArgumentType]
    (_, _, reason, steps, _), (seen, gone, after) = jax.lax.scan(stretch, first, (lines, started))
    return _Walked(seen, gone, after, reason, steps)


def _at_anchor(state: State, line: Records, start: Any) -> State:
    """The state right after what happens at a record; unchanged at a sample."""
    state = tuple(x * line.keep[i] for i, x in enumerate(state))
    if start is not None:
        kind, amounts = start
        state = tuple(
            jnp.where(kind == 1, b, jnp.where(kind == 2, a + b, a)) for a, b in zip(state, amounts, strict=True)
        )
    return tuple(x + jnp.where(line.into == i, line.amount_mg, 0.0) for i, x in enumerate(state))


def _wanted(values: Amounts, records: Records) -> Float[Array, " samples"]:
    found = values[0][records.place]
    for i, other in enumerate(values[1:], start=1):
        found = jnp.where(records.output == i, other[records.place], found)
    return found


def _steady(
    ode: OdeSystem, p: PieceParameters, schedule: Schedule, records: Records, settings: Settings
) -> tuple[Any, Any]:
    """(kind, amounts) for each record: what a steady-state dose puts in the place of, or beside, what is there."""
    if schedule.steady is None:
        return None, jnp.int32(Reason.SOLVED)

    def one(dose: Any) -> tuple[State, Any]:
        wanted = dose.kind > 0
        interval = jnp.where(wanted, dose.interval_h, 1.0)
        phase = jnp.where(wanted, dose.phase_h, 1.0)
        mine = {name: x[0] if x.shape[0] == 1 else x[dose.piece] for name, x in p.items()}
        amount = jnp.where(wanted, dose.amount_mg, 0.0)
        found = amounts_at_phase(ode, mine, dose.into, amount, dose.duration_h, interval, phase, settings)
        return found.state, jnp.where(wanted, found.reason, Reason.SOLVED)

    steady = jax.tree.map(jnp.asarray, schedule.steady)
    states, reasons = jax.vmap(one)(steady)
    here = (steady.anchor[None, :] == records.anchor[:, None]) & (steady.kind > 0)[None, :]
    kind = jnp.max(jnp.where(here, steady.kind[None, :], 0), axis=1)
    amounts = tuple(jnp.sum(jnp.where(here, x[None, :], 0.0), axis=1) for x in states)
    return (kind, amounts), jnp.max(reasons).astype(jnp.int32)
