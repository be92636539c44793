"""A stiff method of fixed steps: the same number for all, so that a cluster of parameter points runs side by side.

RODAS (Hairer & Wanner, Solving Ordinary Differential Equations II, 2nd ed., IV.7): six stages, order 4, L-stable, so that no
step is too long for it to stay bounded, where a Runge-Kutta of fixed step explodes. Each step needs one Jacobian and one
factorisation, written out. The steps of a stretch grow by a constant ratio: what changes fast does so after an event.

It has no error control: `Settings.march` says how many steps, a caller who needs more digits leaves that out.
"""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import Any

import jax
import jax.numpy as jnp

from individose.kinetics.ode.method import Field
from individose.kinetics.ode.model import Amounts, Scalar

GAMMA = 0.25
STAGES = (
    (),
    (1.544,),
    (0.9466785280815826, 0.2557011698983284),
    (3.314825187068521, 2.896124015972201, 0.9986419139977817),
    (1.221224509226641, 6.019134481288629, 12.53708332932087, -0.6878860361058950),
)
COUPLING = (
    (),
    (-5.6688,),
    (-2.430093356833875, -0.2063599157091915),
    (-0.1073529058151375, -9.594562251023355, -20.47028614809616),
    (7.496443313967647, -10.24680431464352, -33.99990352819905, 11.70890893206160),
    (8.083246795921522, -7.981132988064893, -31.52159432874371, 16.31930543123136, -6.058818238834054),
)
"""Coefficients of the stages, and those that couple them; the last two stages start from sums of all before."""

SPREAD = 12.0
"""Ratio of the last step of a stretch to the first."""


def march(field: Field, x: Amounts, span: Scalar, steps: int) -> Amounts:
    """State after `span` h in `steps` steps; `field` must not depend on the time."""
    growth = SPREAD ** (1.0 / max(steps - 1, 1))
    whole = sum(growth**k for k in range(steps))

    def one(now: tuple[Amounts, Scalar], _: None) -> tuple[tuple[Amounts, Scalar], None]:
        state, h = now
        return (step(field, state, h), h * growth), None

    return jax.lax.scan(one, (x, span / whole), None, length=steps)[0][0]


def step(field: Field, x: Amounts, h: Scalar) -> Amounts:
    """State after one step of `h` h; a step of 0 leaves it."""
    moving = h > 0.0
    per_h = 1.0 / jnp.where(moving, h, 1.0)
    nothing = jnp.zeros_like(h)

    def slopes(state: Amounts) -> Amounts:
        return field(state, nothing)

    lower = _factorised(_jacobian(slopes, x), per_h / GAMMA)
    found: list[Amounts] = []
    at = x
    for k, coupling in enumerate(COUPLING):
        at = _plus(x, STAGES[k], found) if k < len(STAGES) else _plus(at, (1.0,), found[-1:])
        right = slopes(at)
        pulled = tuple(c * per_h for c in coupling)
        found.append(_solved(lower, _plus(right, pulled, found)))
    end = _plus(at, (1.0,), found[-1:])
    return tuple(jnp.where(moving, after, before) for after, before in zip(end, x, strict=True))


def _plus(x: Amounts, weights: tuple[Any, ...], parts: list[Amounts]) -> Amounts:
    return tuple(
        reduce(add, (w * part[i] for w, part in zip(weights, parts, strict=True)), value) for i, value in enumerate(x)
    )


def _jacobian(slopes: Any, x: Amounts) -> list[list[Scalar]]:
    """Rows of the derivative of the slopes, one forward pass for each compartment."""
    columns: list[Amounts] = []
    for i in range(len(x)):
        along = tuple(jnp.ones_like(v) if i == j else jnp.zeros_like(v) for j, v in enumerate(x))
        columns.append(jax.jvp(slopes, (x,), (along,))[1])
    return [[columns[j][i] for j in range(len(x))] for i in range(len(x))]


def _factorised(rows: list[list[Scalar]], diagonal: Scalar) -> list[list[Scalar]]:
    """L and U of `diagonal` - J in one table; no pivots are sought: what leaves a compartment outweighs what it gains."""
    n = len(rows)
    table = [[(diagonal if i == j else 0.0) - rows[i][j] for j in range(n)] for i in range(n)]
    for k in range(n):
        for i in range(k + 1, n):
            table[i][k] = table[i][k] / table[k][k]
            for j in range(k + 1, n):
                table[i][j] = table[i][j] - table[i][k] * table[k][j]
    return table


def _solved(table: list[list[Scalar]], right: Amounts) -> Amounts:
    n = len(table)
    forward: list[Scalar] = []
    for i in range(n):
        forward.append(right[i] - sum((table[i][j] * forward[j] for j in range(i)), start=jnp.zeros_like(right[i])))
    back: list[Scalar] = [jnp.zeros_like(right[0])] * n
    for i in reversed(range(n)):
        known = sum((table[i][j] * back[j] for j in range(i + 1, n)), start=jnp.zeros_like(right[i]))
        back[i] = (forward[i] - known) / table[i][i]
    return tuple(back)
