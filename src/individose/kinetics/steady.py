"""Exact steady state of a linear system under one dose repeated for ever.

With E the solution operator over one interval and b what one dose leaves after it, the amounts just before a dose
solve x = E x + b: the geometric series of superposition, summed. E is had by advancing unit amounts, so the same
lines serve every linear system.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from individose.base import InputError
from individose.kinetics.system import Entry, Outputs, Parameters, Prepared, State, System

Scalar = Float[Array, ""]


def unit(system: System, into: Any, amount: Scalar) -> State:
    """`amount` in one compartment, nothing in the others."""
    return tuple(jnp.where(into == i, amount, 0.0) for i in range(system.size))


def plus(first: State, second: State) -> State:
    """Amounts added."""
    return tuple(a + b for a, b in zip(first, second, strict=True))


def after_one_dose(
    system: System, q: Prepared, start: State, into: Any, amount_mg: Scalar, duration_h: Scalar, t: Scalar
) -> State:
    """Amounts at `t` h after a dose begins on top of `start`: a bolus if `duration_h` is 0, otherwise an infusion."""
    bolus = duration_h <= 0.0
    rate = jnp.where(bolus, 0.0, amount_mg / jnp.where(bolus, 1.0, duration_h))
    running = jnp.minimum(t, duration_h)
    begun = plus(start, unit(system, into, jnp.where(bolus, amount_mg, 0.0)))
    state = system.advance(q, begun, unit(system, into, rate), running)
    return system.advance(q, state, None, t - running)


def repeated(system: System, q: Prepared, left: State, interval_h: Scalar) -> State:
    """The sum of `left` carried over 0, 1, 2, .. intervals: (I - E)^-1 left. Infinite where nothing is eliminated."""
    return _summed(_over(system, q, interval_h, [])[0], left)


def _over(
    system: System, q: Prepared, interval_h: Scalar, others: Sequence[tuple[State, Scalar]]
) -> tuple[list[State], list[State]]:
    """What becomes of 1 mg in each compartment over an interval, and of other amounts after times of their own."""
    size = system.size
    rows = [(tuple(jnp.eye(size)[i]), interval_h) for i in range(size)] + list(others)
    starts = tuple(jnp.stack([start[i] for start, _ in rows]) for i in range(size))
    after = jax.vmap(lambda start, t: system.advance(q, start, None, t))(starts, jnp.stack([t for _, t in rows]))
    found = [tuple(x[k] for x in after) for k in range(len(rows))]
    return found[:size], found[size:]


def _summed(over: list[State], left: State) -> State:
    size = len(left)
    return _solve([[(1.0 if i == j else 0.0) - over[j][i] for j in range(size)] for i in range(size)], left)


def trough_amounts(
    system: System, q: Prepared, into: Any, amount_mg: Scalar, duration_h: Scalar, interval_h: Scalar
) -> State:
    """Amounts just before a dose at steady state; `duration_h` at most `interval_h`."""
    nothing = tuple(jnp.zeros(()) for _ in range(system.size))
    left = after_one_dose(system, q, nothing, into, amount_mg, duration_h, interval_h)
    return repeated(system, q, left, interval_h)


def amounts_at_phase(
    system: System,
    q: Prepared,
    into: Any,
    amount_mg: Scalar,
    duration_h: Scalar | None,
    interval_h: Scalar,
    phase_h: Scalar,
) -> State:
    """Amounts at steady state, `phase_h` (in (0, interval]) after the last dose arrived; without a next dose.

    An infusion may outlast any number m of intervals: then m of them always run, and one more for the time by which each
    outlasts the m-th. `duration_h` None says that nothing is infused. A system without closed form finds the root by itself.
    """
    if system.whole is not None:
        duration = jnp.zeros(()) if duration_h is None else duration_h
        return system.whole.steady_amounts(q, into, amount_mg, duration, interval_h, phase_h)
    if duration_h is None:
        given = unit(system, into, amount_mg)
        over, (left,) = _over(system, q, interval_h, [(given, interval_h)])
        return system.advance(q, plus(_summed(over, left), given), None, phase_h)
    bolus = duration_h <= 0.0
    given = unit(system, into, jnp.where(bolus, amount_mg, 0.0))
    rate = jnp.where(bolus, 0.0, amount_mg / jnp.where(bolus, 1.0, duration_h))
    always = jnp.where(bolus, 0.0, jnp.floor(duration_h / interval_h))
    overlap = jnp.where(bolus, 0.0, duration_h - always * interval_h)
    # four infusions from nothing: the one more for its time, up to the end and up to the phase, and those that always run
    begun = jnp.minimum(overlap, phase_h)
    nothing = tuple(jnp.zeros(()) for _ in range(system.size))
    rates = jnp.stack([rate, rate, always * rate, always * rate])
    times = jnp.stack([overlap, begun, interval_h, phase_h])
    run = jax.vmap(lambda r, t: system.advance(q, nothing, unit(system, into, r), t))(rates, times)
    ended, now, through, here = (tuple(x[k] for x in run) for k in range(4))
    ends = [(given, interval_h), (ended, interval_h - overlap), (now, phase_h - begun)]
    over, (from_bolus, from_one, now) = _over(system, q, interval_h, ends)
    trough = _summed(over, plus(plus(from_bolus, from_one), through))
    return plus(plus(system.advance(q, plus(trough, given), None, phase_h), now), here)


def area_over_interval(
    system: System, q: Prepared, into: Any, amount_mg: Scalar, duration_h: Scalar, interval_h: Scalar
) -> Outputs:
    """Area under each output over one interval at steady state, mg.h/L; `duration_h` at most `interval_h`."""
    if system.whole is not None:
        return system.whole.steady_areas(q, into, amount_mg, duration_h, interval_h)
    trough = trough_amounts(system, q, into, amount_mg, duration_h, interval_h)
    bolus = duration_h <= 0.0
    rate = unit(system, into, jnp.where(bolus, 0.0, amount_mg / jnp.where(bolus, 1.0, duration_h)))
    start = plus(trough, unit(system, into, jnp.where(bolus, amount_mg, 0.0)))
    during = system.area(q, start, rate, duration_h)
    after = system.area(q, system.advance(q, start, rate, duration_h), None, interval_h - duration_h)
    return plus(during, after)


def steady_exposure(
    system: System, p: Parameters, amount_mg: Scalar, duration_h: Scalar, interval_h: Scalar
) -> tuple[Scalar, Scalar]:
    """Trough (mg/L) and area over one interval (mg.h/L) of the first output under a plain dose repeated for ever.

    The dose goes where the system's entries say, with the bioavailability, lag and modelled duration or rate among `p`.
    The area is that of one dose to infinity, whatever its lag and duration.
    """
    q = system.prepare(p)
    if not system.linear:
        return _steady_exposure_as_one(system, p, q, amount_mg, duration_h, interval_h)
    trough, area = jnp.zeros(()), jnp.zeros(())
    for entry in system.entries:
        share, lag, duration = _entering(p, entry, amount_mg, duration_h)
        phase = interval_h - jnp.mod(lag, interval_h)
        given = amount_mg * share
        into = entry.compartment
        amounts = amounts_at_phase(system, q, into, given, duration, interval_h, phase)
        trough = trough + system.observe(q, amounts)[0]
        area = area + area_over_interval(system, q, into, given, jnp.zeros(()), interval_h)[0]
    return trough, area


def _steady_exposure_as_one(
    system: System, p: Parameters, q: Prepared, amount_mg: Scalar, duration_h: Scalar, interval_h: Scalar
) -> tuple[Scalar, Scalar]:
    """Of a system without superposition, whose dose comes in by a single way."""
    entry, *others = system.entries
    if others:
        raise InputError(
            f"a steady state is asked of {system.name}, whose dose is split over {len(system.entries)} ways",
            "a dose that enters a nonlinear system by one way",
            "without superposition its parts cannot be added up",
            "Simulate many doses instead.",
        )
    share, lag, duration = _entering(p, entry, amount_mg, duration_h)
    phase = interval_h - jnp.mod(lag, interval_h)
    into, given = entry.compartment, amount_mg * share
    amounts = amounts_at_phase(system, q, into, given, duration, interval_h, phase)
    area = area_over_interval(system, q, into, given, duration, interval_h)
    return system.observe(q, amounts)[0], area[0]


def _entering(p: Parameters, entry: Entry, amount_mg: Scalar, duration_h: Scalar) -> tuple[Scalar, Scalar, Scalar]:
    """Fraction that arrives, lag and duration of a plain dose through one entry."""

    def said(name: str, default: float) -> Scalar:
        own = f"{name}{entry.compartment + 1}"
        return p[own] if own in p else p[name] if name in p else jnp.asarray(default)

    share = said("F", 1.0)
    modelled = {"no": duration_h, "duration": said("duration", 0.0), "rate": amount_mg * share / said("rate", 1.0)}
    return share, said("lag", 0.0), jnp.where(duration_h > 0, duration_h, modelled[entry.modelled])


def _solve(matrix: list[list[Any]], vector: State) -> State:
    """Elimination without pivoting, written out so that a ward is not a loop over LAPACK calls.

    I - E is an M-matrix (E holds the fractions of each compartment found again in each other one), for which
    elimination needs no pivoting and every step subtracts a non-positive product (Berman & Plemmons 1994, ch. 6).
    """
    n = len(vector)
    rows = [[*matrix[i], vector[i]] for i in range(n)]
    for k in range(n):
        for i in range(k + 1, n):
            share = _quotient(rows[i][k], rows[k][k])
            rows[i] = [x - share * y for x, y in zip(rows[i], rows[k], strict=True)]
    found: list[Scalar] = [vector[0]] * n
    for i in reversed(range(n)):
        known = sum((rows[i][j] * found[j] for j in range(i + 1, n)), start=jnp.zeros(()))
        found[i] = _quotient(rows[i][n] - known, rows[i][i])
    return tuple(found)


def _quotient(x: Any, y: Any) -> Any:
    """x / y; 0 where both are: nothing was put where nothing is eliminated, so that nothing gathers there."""
    nothing = (x == 0.0) & (y == 0.0)
    return jnp.where(nothing, 0.0, x / jnp.where(nothing, 1.0, y))
