"""Exact steady state of a linear system under one dose repeated for ever.

With E the solution operator over one interval and b what one dose leaves after it, the amounts just before a dose
solve x = E x + b: the geometric series of superposition, summed. E is had by advancing unit amounts, so the same
lines serve every linear system.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from individose.kinetics.system import Parameters, State, System

Scalar = Float[Array, ""]


def after_one_dose(
    system: System, p: Parameters, start: State, into: Int[Array, ""], amount_mg: Scalar, duration_h: Scalar, t: Scalar
) -> State:
    """Amounts at `t` h after a dose begins on top of `start`: a bolus if `duration_h` is 0, otherwise an infusion."""
    unit = jax.nn.one_hot(into, system.size, dtype=start.dtype)
    bolus = duration_h <= 0.0
    rate = jnp.where(bolus, 0.0, amount_mg / jnp.where(bolus, 1.0, duration_h))
    running = jnp.minimum(t, duration_h)
    state = system.advance(p, start + jnp.where(bolus, amount_mg, 0.0) * unit, rate * unit, running)
    return system.advance(p, state, None, t - running)


def trough_amounts(
    system: System, p: Parameters, into: Int[Array, ""], amount_mg: Scalar, duration_h: Scalar, interval_h: Scalar
) -> State:
    """Amounts just before a dose at steady state; `duration_h` at most `interval_h`.

    Infinite (not NaN) where nothing is eliminated.
    """
    nothing = jnp.zeros(system.size, dtype=interval_h.dtype)
    over = jax.vmap(lambda start: system.advance(p, start, None, interval_h), out_axes=1)(jnp.eye(system.size))
    left = after_one_dose(system, p, nothing, into, amount_mg, duration_h, interval_h)
    return _solve(jnp.eye(system.size) - over, left)


def _solve(matrix: Float[Array, "n n"], vector: Float[Array, " n"]) -> Float[Array, " n"]:
    """Elimination without pivoting, written out so that a ward is not a loop over LAPACK calls.

    I - E is an M-matrix (E holds the fractions of each compartment found again in each other one), for which
    elimination needs no pivoting and every step subtracts a non-positive product (Berman & Plemmons 1994, ch. 6).
    """
    n = len(vector)
    rows = [[matrix[i, j] for j in range(n)] + [vector[i]] for i in range(n)]
    for k in range(n):
        for i in range(k + 1, n):
            share = rows[i][k] / rows[k][k]
            rows[i] = [x - share * y for x, y in zip(rows[i], rows[k], strict=True)]
    found: list[Array] = [vector[0]] * n
    for i in reversed(range(n)):
        known = sum((rows[i][j] * found[j] for j in range(i + 1, n)), start=jnp.zeros(()))
        found[i] = (rows[i][n] - known) / rows[i][i]
    return jnp.stack(found)


def area_over_interval(
    system: System, p: Parameters, into: Int[Array, ""], amount_mg: Scalar, duration_h: Scalar, interval_h: Scalar
) -> Scalar:
    """Area under the concentration over one interval at steady state, mg.h/L."""
    trough = trough_amounts(system, p, into, amount_mg, duration_h, interval_h)
    unit = jax.nn.one_hot(into, system.size, dtype=trough.dtype)
    bolus = duration_h <= 0.0
    rate = jnp.where(bolus, 0.0, amount_mg / jnp.where(bolus, 1.0, duration_h)) * unit
    start = trough + jnp.where(bolus, amount_mg, 0.0) * unit
    during = system.area(p, start, rate, duration_h)
    after = system.area(p, system.advance(p, start, rate, duration_h), None, interval_h - duration_h)
    return during + after
