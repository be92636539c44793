"""Cluster Newton and Cluster Gauss-Newton: all points are solved for, one plane is fitted to them, and it tells each
its step.

Each point has a target of its own (a perturbed level). With the plane y = A z + b, fitted by least squares to all points,

    Cluster Newton         dz = A' (A A')^-1 (target - A z - b)           the shortest step, by the plane's own value
    Cluster Gauss-Newton   z' = z0 + G (target - F(z) + A (z - z0)),  G = (A' W A + I)^-1 A' W

where W holds the levels' 1 / SD^2 and z0 is a draw from the prior, kept as rows of its own. With F linear the second gives
draws from the exact posterior (randomised maximum likelihood); the first forgets where it came from, and lands on the
manifold of all parameters that explain the levels. A step is halved while it leaves the domain; one that makes a
point worse is not taken, and the next is half as long. What could not be solved stays out of the plane.

References: Aoki, Hayami, De Sterck & Konagaya (2014), SIAM J Sci Comput 36:B14-B44 (Cluster Newton); Aoki, Hayami, Toshimoto
& Sugiyama (2020), Optim Eng 23:169-199 (Cluster Gauss-Newton); Oliver, He & Reynolds (1996) for perturbed targets and priors.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Bool, Float

from individose.inference.cluster.space import Space, effects, inside
from individose.inference.problem import Likelihood
from individose.kinetics.schedule import Array

HALVINGS = 20
"""How often a step that leaves the domain is halved."""

RIDGE = 1e-10
"""Share of the trace that keeps a normal matrix regular."""


class Moving(NamedTuple):
    """How a cluster moves. `iterations` by the plane, then `broyden` by slopes of each point's own; `prior`: with prior rows
    (Gauss-Newton) or without (Newton); `cautious`: steps that make a point worse are not taken; `raw`: see `space`;
    `longest`: of a step, in z (0: no limit)."""

    iterations: int = 10
    broyden: int = 0
    prior: bool = True
    cautious: bool = True
    raw: bool = False
    longest: float = 2.0


class Cluster(NamedTuple):
    """Where a cluster starts: `z` (points, n), `target` (points, samples), and the samples' `sd` and `used`."""

    z: Float[Array, "points effects"]
    target: Float[Array, "points samples"]
    sd: Float[Array, " samples"]
    used: Bool[Array, " samples"]


class Moved(NamedTuple):
    """Where it arrived: `eta` and `z` (points, n), `levels` (points, samples), whether each point was solved, the root
    mean square of its distances from its target in SDs, the last plane's slope in z (samples, n), and the levels of
    every point at the start."""

    eta: Float[Array, "points effects"]
    z: Float[Array, "points effects"]
    levels: Float[Array, "points samples"]
    solved: Bool[Array, " points"]
    missed: Float[Array, " points"]
    slope: Float[Array, "samples effects"]
    first: Float[Array, "points samples"]


class _Now(NamedTuple):
    z: Any
    levels: Any
    solved: Any
    cost: Any
    shorter: Any


def move(likelihood: Likelihood, how: Moving, data: Any, space: Space, start: Cluster) -> Moved:
    """A cluster of one patient, moved."""

    def seen(z: Any) -> tuple[Any, Any]:
        found = jax.vmap(lambda eta: likelihood.predict(eta, data))(effects(space, z, how.raw))
        found = jnp.where(start.used, found, 0.0)
        solved = jnp.all(jnp.isfinite(found), axis=1)
        return jnp.where(solved[:, None], found, 0.0), solved

    def cost(z: Any, levels: Any, solved: Any) -> Any:
        far = jnp.sum(((start.target - levels) / start.sd) ** 2 * start.used, axis=1)
        from_prior = jnp.sum((z - start.z) ** 2, axis=1) if how.prior else 0.0
        return jnp.where(solved, far + from_prior, jnp.inf)

    def taken(now: _Now, dz: Any) -> tuple[_Now, Any]:
        """The step of every point, as far as the domain lets it and where it helps."""
        dz = _limited(how, dz) * 0.5 ** now.shorter[:, None]
        dz = _within(space, now.z, dz)
        z = now.z + dz
        levels, solved = seen(z)
        worth = cost(z, levels, solved)
        better = (solved & (worth <= now.cost)) if how.cautious else solved
        keep = better[:, None]
        following = _Now(
            jnp.where(keep, z, now.z),
            jnp.where(keep, levels, now.levels),
            now.solved | better,
            jnp.where(better, worth, now.cost),
            jnp.where(better, jnp.maximum(now.shorter - 1.0, 0.0), now.shorter + 1.0) if how.cautious else now.shorter,
        )
        return following, (dz, levels, solved)

    def by_plane(now: _Now, _: Any) -> tuple[_Now, Any]:
        slope, middle, level = plane(now.z, now.levels, now.solved)
        gain = _gain(slope, start, how.prior)
        if how.prior:
            wanted = start.z + (start.target - now.levels + (now.z - start.z) @ slope.T) @ gain.T
            dz = wanted - now.z
            # what was not solved has no level of its own
            dz = jnp.where(now.solved[:, None], dz, 0.5 * (middle - now.z))
        else:
            dz = (start.target - (now.z - middle) @ slope.T - level) @ gain.T
        return taken(now, dz)[0], None

    def by_own(carried: Any, _: Any) -> tuple[Any, Any]:
        now, slopes = carried
        gains = jax.vmap(lambda one: _gain(one, start, False))(slopes)
        asked = jnp.einsum("pnm,pm->pn", gains, start.target - now.levels)
        following, (dz, levels, solved) = taken(now, jnp.where(now.solved[:, None], asked, 0.0))
        rest = levels - now.levels - jnp.einsum("pmn,pn->pm", slopes, dz)
        size = jnp.sum(dz**2, axis=1)[:, None, None]
        learnt = rest[:, :, None] * dz[:, None, :] / jnp.maximum(size, 1e-300)
        usable = (solved & now.solved)[:, None, None] & (size > 1e-280)
        return (following, slopes + jnp.where(usable, learnt, 0.0)), None

    levels, solved = seen(start.z)
    now = _Now(start.z, levels, solved, cost(start.z, levels, solved), jnp.zeros(len(start.z)))
    now = jax.lax.scan(by_plane, now, None, length=how.iterations)[0]
    slope = plane(now.z, now.levels, now.solved)[0]
    if how.broyden:
        own = jnp.broadcast_to(slope, (len(start.z), *slope.shape))
        now = now._replace(shorter=jnp.zeros(len(start.z)))
        (now, _), _ = jax.lax.scan(by_own, (now, own), None, length=how.broyden)
    away = (start.target - now.levels) / start.sd * start.used
    missed = jnp.sqrt(jnp.sum(away**2, axis=1) / jnp.maximum(jnp.sum(start.used), 1))
    return Moved(effects(space, now.z, how.raw), now.z, now.levels, now.solved, missed, slope, levels)


def plane(z: Any, levels: Any, solved: Any) -> tuple[Any, Any, Any]:
    """Slope (samples, n), and the middle of the points with its level: least squares over those that were solved."""
    weight = solved / jnp.maximum(jnp.sum(solved), 1)
    middle, level = weight @ z, weight @ levels
    out, up = (z - middle) * solved[:, None], (levels - level) * solved[:, None]
    matrix = out.T @ out
    n = matrix.shape[0]
    regular = matrix + (RIDGE * jnp.trace(matrix) / n + 1e-300) * jnp.eye(n)
    return jnp.linalg.solve(regular, out.T @ up).T, middle, level


def _gain(slope: Any, start: Cluster, prior: bool) -> Any:
    """(n, samples): what a distance in levels is worth in z."""
    weighted = slope.T * (start.used / start.sd**2)
    matrix = weighted @ slope
    n = matrix.shape[0]
    rho = 1.0 if prior else RIDGE * jnp.trace(matrix) + 1e-300
    return jnp.linalg.solve(matrix + rho * jnp.eye(n), weighted)


def _limited(how: Moving, dz: Any) -> Any:
    if not how.longest:
        return dz
    length = jnp.linalg.norm(dz, axis=1, keepdims=True)
    return dz * jnp.minimum(1.0, how.longest / jnp.maximum(length, 1e-300))


def _within(space: Space, z: Any, dz: Any) -> Any:
    """The steps, halved while they leave the domain; none at all where that does not help."""

    dz = jnp.where(jnp.isfinite(dz), dz, 0.0)

    def fits(share: Any) -> Any:
        return inside(space, z + share[:, None] * dz)

    def halve(now: Any) -> Any:
        share, count, well = now
        share = jnp.where(well, share, 0.5 * share)
        return share, count + 1, fits(share)

    whole = jnp.ones(len(z))
    begun = (whole, jnp.asarray(0), fits(whole))
    share, _, well = jax.lax.while_loop(lambda now: (now[1] < HALVINGS) & ~jnp.all(now[2]), halve, begun)
    return jnp.where(well[:, None], share[:, None] * dz, 0.0)


@partial(jax.jit, static_argnums=(0, 1))
def moved(likelihood: Likelihood, how: Moving, data: Any, space: Space, start: Cluster) -> Moved:
    """`move`, compiled for one patient."""
    return move(likelihood, how, data, space, start)


@partial(jax.jit, static_argnums=(0, 1))
def moved_ward(likelihood: Likelihood, how: Moving, data: Any, space: Space, start: Cluster) -> Moved:
    """`move` for many patients, one cluster after the other: each has points enough to keep a core busy."""
    return jax.lax.map(lambda one: move(likelihood, how, *one), (data, space, start))
