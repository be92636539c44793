"""Levenberg-Marquardt for one point: least squares of the levels, with or without rows of a prior.

Plain, it minimises sum ((level - f) / SD)^2 from one start, in the coordinates of `space`; with prior rows, that plus
z' z: the most probable point under a normal prior of that centre and root. Damping is by the diagonal (scaled) or by
the identity.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Float

from individose.inference.cluster.aim import Aim
from individose.inference.cluster.space import Space, effects, inside
from individose.inference.problem import Likelihood
from individose.kinetics.schedule import Array


class Damping(NamedTuple):
    """`steps` at most; `tolerance` of a step relative to the point, and of the sum of squares, under which it ends; `prior`:
    with prior rows; `scaled`: damped by the diagonal; `raw`: see `space`."""

    steps: int = 100
    tolerance: float = 1e-9
    prior: bool = False
    scaled: bool = True
    raw: bool = False


class Settled(NamedTuple):
    """Where it ended: `z`, `eta`, levels, sum of squares (with prior rows where there are any), J' J of the levels in
    z, steps taken, and whether it arrived."""

    z: Float[Array, " effects"]
    eta: Float[Array, " effects"]
    levels: Float[Array, " samples"]
    cost: Float[Array, ""]
    matrix: Float[Array, "effects effects"]
    steps: Any
    arrived: Any


def settle(likelihood: Likelihood, how: Damping, data: Any, space: Space, aim: Aim, z: Any) -> Settled:
    """The point that a search from `z` (n,) ends at."""
    n = z.shape[0]

    def rows(at: Any) -> tuple[Any, Any]:
        levels = likelihood.predict(effects(space, at, how.raw), data)
        missed = jnp.where(aim.used, (aim.level - levels) / aim.sd, 0.0)
        return missed, (missed, levels)

    def expand(at: Any) -> tuple[Any, Any, Any, Any]:
        slope, (missed, levels) = jax.jacfwd(rows, has_aux=True)(at)
        rho = 1.0 if how.prior else 0.0
        return jnp.sum(missed**2) + rho * at @ at, slope.T @ missed + rho * at, slope.T @ slope, levels

    def step(s: Any) -> Any:
        at, (cost, gradient, matrix, levels), damping, count, _, refused = s
        whole = matrix + (jnp.eye(n) if how.prior else 0.0)
        size = jnp.maximum(jnp.diag(whole), 1e-12 * jnp.trace(whole) + 1e-300) if how.scaled else jnp.ones(n)
        dz = -jnp.linalg.solve(whole + damping * jnp.diag(size), gradient)
        dz = jnp.where(jnp.isfinite(dz), dz, 0.0)
        trial = expand(at + dz)
        finite = jnp.isfinite(trial[0]) & jnp.all(jnp.isfinite(trial[2])) & inside(space, at + dz)
        better = finite & (trial[0] <= cost)
        small = (jnp.max(jnp.abs(dz)) <= how.tolerance * (1.0 + jnp.max(jnp.abs(at)))) | (
            better & (cost - trial[0] <= how.tolerance * (1e-300 + cost))
        )
        chosen = jax.tree.map(lambda a, b: jnp.where(better, a, b), trial, (cost, gradient, matrix, levels))
        refused = jnp.where(better, 0, refused + 1)
        return (
            jnp.where(better, at + dz, at),
            chosen,
            jnp.where(better, damping * 0.1, damping * 10.0),
            count + 1,
            small,
            refused,
        )

    def going(s: Any) -> Any:
        return ~s[4] & (s[3] < how.steps) & (s[5] < 25)

    first = expand(z)
    begun = (z, first, jnp.asarray(1e-2), jnp.asarray(0), ~jnp.isfinite(first[0]), jnp.asarray(0))
    at, (cost, _, matrix, levels), _, count, small, _ = jax.lax.while_loop(going, step, begun)
    return Settled(at, effects(space, at, how.raw), levels, cost, matrix, count, small & jnp.isfinite(cost))


@partial(jax.jit, static_argnums=(0, 1))
def settled(likelihood: Likelihood, how: Damping, data: Any, space: Space, aim: Aim, z: Any) -> Settled:
    """`settle`, compiled for one patient."""
    return settle(likelihood, how, data, space, aim, z)


@partial(jax.jit, static_argnums=(0, 1))
def settled_ward(likelihood: Likelihood, how: Damping, data: Any, space: Space, aim: Aim, z: Any) -> Settled:
    """`settle` for many patients; every array has a leading axis."""
    together = 64 if likelihood.together else None
    return jax.lax.map(lambda one: settle(likelihood, how, *one), (data, space, aim, z), batch_size=together)
