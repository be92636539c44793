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
from individose.kinetics.compiled import soon
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

    def onward(chosen: Any, damping: Any) -> Any:
        _, gradient, matrix, _ = chosen
        whole = matrix + (jnp.eye(n) if how.prior else 0.0)
        size = jnp.maximum(jnp.diag(whole), 1e-12 * jnp.trace(whole) + 1e-300) if how.scaled else jnp.ones(n)
        dz = -jnp.linalg.solve(whole + damping * jnp.diag(size), gradient)
        return jnp.where(jnp.isfinite(dz), dz, 0.0)

    def step(s: _Search) -> _Search:
        """Judges the step before it, and chooses the next: so the model is there once, which halves the program."""
        start = s.count < 0
        trial = expand(s.z + s.dz)
        cost = s.here[0]
        finite = jnp.isfinite(trial[0]) & jnp.all(jnp.isfinite(trial[2])) & inside(space, s.z + s.dz)
        better = start | (finite & (trial[0] <= cost))
        small = (jnp.max(jnp.abs(s.dz)) <= how.tolerance * (1.0 + jnp.max(jnp.abs(s.z)))) | (
            better & (cost - trial[0] <= how.tolerance * (1e-300 + cost))
        )
        here = jax.tree.map(lambda a, b: jnp.where(better, a, b), trial, s.here)
        damping = jnp.where(start, s.damping, jnp.where(better, s.damping * 0.1, s.damping * 10.0))
        return _Search(
            jnp.where(better, s.z + s.dz, s.z),
            onward(here, damping),
            here,
            damping,
            s.count + 1,
            jnp.where(start, ~jnp.isfinite(trial[0]), small),
            jnp.where(better, 0, s.refused + 1),
        )

    def going(s: _Search) -> Any:
        return ~s.done & (s.count < how.steps) & (s.refused < 25)

    samples = aim.level.shape[0]
    unseen = (jnp.asarray(jnp.inf), jnp.zeros(n), jnp.eye(n), jnp.zeros(samples))
    nought, no = jnp.asarray(0), jnp.asarray(False)
    begun = _Search(jnp.asarray(z), jnp.zeros(n), unseen, jnp.asarray(1e-2), nought - 1, no, nought)
    end = jax.lax.while_loop(going, step, begun)
    cost, _, matrix, levels = end.here
    return Settled(
        end.z, effects(space, end.z, how.raw), levels, cost, matrix, end.count, end.done & jnp.isfinite(cost)
    )


class _Search(NamedTuple):
    """Where it stands and what was found `here` (sum of squares, gradient, matrix, levels); the step to be tried next;
    `count` is -1 before the start itself was looked at."""

    z: Any
    dz: Any
    here: Any
    damping: Any
    count: Any
    done: Any
    refused: Any


@partial(soon, static=(0, 1))
def settled(likelihood: Likelihood, how: Damping, data: Any, space: Space, aim: Aim, z: Any) -> Settled:
    """`settle`, compiled for one patient."""
    return settle(likelihood, how, data, space, aim, z)


@partial(jax.jit, static_argnums=(0, 1))
def settled_ward(likelihood: Likelihood, how: Damping, data: Any, space: Space, aim: Aim, z: Any) -> Settled:
    """`settle` for many patients; every array has a leading axis."""
    together = 64 if likelihood.together else None
    return jax.lax.map(lambda one: settle(likelihood, how, *one), (data, space, aim, z), batch_size=together)
