"""The explicit method, for all systems that are not stiff.

    k_i = f(x + h sum_j A[i][j] k_j),   x(h) = x + h sum_i B[i] k_i

High order, because levels are wanted to eight digits. Source: see `tableau`.
"""

from __future__ import annotations

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np

from individose.kinetics.ode.method import Field, Method, Tolerance
from individose.kinetics.ode.model import Amounts, Scalar
from individose.kinetics.ode.tableau import E3, E5, A, B, C

STAGES = len(A)


def _row(weights: Mapping[int, float]) -> list[float]:
    return [weights.get(j, 0.0) for j in range(STAGES)]


_A, _B, _E5, _E3 = np.array([_row(row) for row in A]), np.array(_row(B)), np.array(_row(E5)), np.array(_row(E3))


def step(field: Field, x: Amounts, t: Scalar, h: Scalar, tolerance: Tolerance) -> tuple[Amounts, Scalar]:
    """One step of twelve evaluations, written as a loop: the right-hand side is compiled once. See `method.Step`."""
    start = jnp.stack(x)

    def stage(slopes: jax.Array, now: tuple[jax.Array, ...]) -> tuple[jax.Array, None]:
        weights, place, mine = now
        there = start + h * (slopes @ weights)
        slope = jnp.stack(field(tuple(there[i] for i in range(len(x))), t + place * h))
        return slopes + slope[:, None] * mine, None  # the column was 0

    rows = (jnp.asarray(_A), jnp.asarray(C), jnp.eye(STAGES))
    slopes, _ = jax.lax.scan(stage, jnp.zeros((len(x), STAGES)), rows)
    new = start + h * (slopes @ _B)
    after = tuple(new[i] for i in range(len(x)))
    fifth, third = (tuple(jax.lax.stop_gradient(slopes) @ e) for e in (_E5, _E3))
    return after, _error(*jax.lax.stop_gradient((x, after, h)), fifth, third, tolerance)


DOUBT = 0.02
"""Share of the squared third-order error (relative to the state) that the error is taken to be at least."""


def _error(x: Amounts, new: Amounts, h: Scalar, fifth: Amounts, third: Amounts, tolerance: Tolerance) -> Scalar:
    """The fifth-order estimate made smaller by its ratio to the third: together they behave as one of order 8.

    The fifth vanishes by chance for some steps that are far too long (dx/dt = -k x at k h = 5.65, where the solution is off
    by a quarter). The square of the third, which for good steps is smaller than the rest, does not let such a step pass.
    """
    large, larger = jnp.zeros_like(h), jnp.zeros_like(h)
    for allowed, a, b in zip(tolerance.allowed(x, new), fifth, third, strict=True):
        large = large + (h * a / allowed) ** 2
        larger = larger + (h * b / allowed) ** 2
    combined = large / jnp.sqrt(len(x) * (large + 0.01 * larger) + 1e-280)
    return jnp.maximum(combined, DOUBT * tolerance.relative * larger / len(x))


METHOD = Method("Dormand-Prince 8(5,3)", order=8, step=step)
