"""What a state must remember beside amounts, so that the same state can be carried by any engine from event to event.

The state of a system is its compartments, then

    begun            1 once the untreated state was put in (systems with `initial`)
    clock            h since the first drug came in (systems with `clock`)
    known            what was in the `dosed` compartment at the end of the last segment,  | systems that
    amount 1..K      the K latest doses, newest first, mg                                 | remember
    age 1..K         and their ages, h                                                    | doses

An empty state is all zero, and a reset makes it so again: what is missing is put in at the start of the next segment. A
dose is noticed as the growth of its compartment between two segments, whoever added it.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp

from individose.kinetics.ode.model import FORGOTTEN, Amounts, Moment, OdeSystem, RememberedDose, Scalar
from individose.kinetics.system import Parameters, State


class Memory(NamedTuple):
    """Empty tuples for what a system does not remember."""

    begun: Amounts
    clock: Amounts
    known: Amounts
    doses: tuple[RememberedDose, ...]


class Whole(NamedTuple):
    """A state, taken apart."""

    x: Amounts
    memory: Memory


def names(ode: OdeSystem) -> tuple[str, ...]:
    """The compartments and what is remembered, in the order of the state."""
    kept = ode.compartments
    kept += ("begun",) if ode.initial else ()
    kept += ("clock",) if ode.clock else ()
    if ode.doses:
        each = range(1, ode.doses + 1)
        kept += ("known", *(f"amount {k}" for k in each), *(f"age {k}" for k in each))
    return kept


def taken_apart(ode: OdeSystem, state: State) -> Whole:
    """**Arguments:** `state` as long as `names`."""
    at = ode.size
    begun, at = state[at : at + bool(ode.initial)], at + bool(ode.initial)
    clock, at = state[at : at + ode.clock], at + ode.clock
    known, at = state[at : at + bool(ode.doses)], at + bool(ode.doses)
    pairs = zip(state[at : at + ode.doses], state[at + ode.doses :], strict=True)
    return Whole(state[: ode.size], Memory(begun, clock, known, tuple(RememberedDose(*pair) for pair in pairs)))


def put_together(whole: Whole) -> State:
    """The inverse of `taken_apart`."""
    memory = whole.memory
    amounts, ages = (d.amount for d in memory.doses), (d.age for d in memory.doses)
    return (*whole.x, *memory.begun, *memory.clock, *memory.known, *amounts, *ages)


def empty(ode: OdeSystem, like: Scalar) -> Whole:
    """Nothing in the body, nothing remembered; `like` gives the dtype."""
    nothing = jnp.zeros_like(like)
    memory = Memory(
        (nothing,) if ode.initial else (),
        (nothing,) if ode.clock else (),
        (nothing,) if ode.doses else (),
        tuple(RememberedDose(nothing, nothing) for _ in range(ode.doses)),
    )
    return Whole((nothing,) * ode.size, memory)


def awake(ode: OdeSystem, p: Parameters, whole: Whole) -> Whole:
    """The state at the start of a segment: untreated values put in, and a dose that has just come remembered."""
    x, memory = whole
    if ode.initial is not None:
        missing = 1.0 - memory.begun[0]
        x = tuple(a + missing * b for a, b in zip(x, ode.initial(p), strict=True))
        memory = memory._replace(begun=(jnp.ones_like(missing),))
    if ode.doses:
        dosed = x[ode.compartments.index(ode.dosed)]
        arrived = dosed - memory.known[0]
        new = arrived > 0.0
        if ode.undelivered is not None:
            oldest = memory.doses[-1]
            lost = new & (oldest.amount > 0.0) & (ode.undelivered(p, oldest.age) > FORGOTTEN)
            x = tuple(jnp.where(lost, jnp.nan, value) for value in x)  # a failure, and no level that is too low
            dosed = x[ode.compartments.index(ode.dosed)]
        shifted = (RememberedDose(arrived, jnp.zeros_like(arrived)), *memory.doses[:-1])
        doses = tuple(
            RememberedDose(jnp.where(new, a.amount, b.amount), jnp.where(new, a.age, b.age))
            for a, b in zip(shifted, memory.doses, strict=True)
        )
        memory = memory._replace(known=(dosed,), doses=doses)
    return Whole(x, memory)


def running(ode: OdeSystem, whole: Whole, rates: Amounts | None) -> Scalar:
    """1 when the clock runs in the coming segment (drug has come in), otherwise 0."""
    drug = whole.memory.clock[0]
    for here, amount in zip(ode.drug, whole.x, strict=True):
        drug = drug + jnp.abs(amount) if here else drug
    for rate in rates or ():
        drug = drug + rate
    return jnp.where(drug > 0.0, 1.0, 0.0)


def moment(ode: OdeSystem, memory: Memory, pace: Scalar | float, t: Scalar) -> Moment:
    """The clock and the doses `t` h into a segment."""
    start = memory.clock[0] + pace * t if ode.clock else jnp.zeros_like(t)
    return Moment(start, tuple(RememberedDose(d.amount, d.age + t) for d in memory.doses))


def later(ode: OdeSystem, memory: Memory, x: Amounts, pace: Scalar | float, t: Scalar) -> Memory:
    """The memory at the end of a segment of `t` h that ended in `x`."""
    at = moment(ode, memory, pace, t)
    known = (x[ode.compartments.index(ode.dosed)],) if ode.doses else ()
    return Memory(memory.begun, (at.since_start_h,) if ode.clock else (), known, at.doses)
