"""Where a level stands among those that a distribution of patients would have.

For draws eta_k of the effects the probability of a lower level is the mean of P(Y < y | eta_k), and each of these is known
without drawing: Phi of the distance in residual SDs (Student's t where the error is). So only the effects are drawn, by a
Latin hypercube (McKay, Beckman & Conover 1979, Technometrics 21:239-245), and a few hundred tell the tails too.
"""

from __future__ import annotations

from functools import lru_cache, partial
from statistics import NormalDist
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from individose.inference.problem import Likelihood

POINTS, FEW_POINTS = 256, 64
"""Draws behind a percentile, and where each steps through differential equations or the levels are many."""

MANY_LEVELS = 32

SIDE_BY_SIDE = 16
"""Rows of draws predicted at once."""


def points_for(likelihood: Likelihood, levels: int) -> int:
    return POINTS if likelihood.together and levels <= MANY_LEVELS else FEW_POINTS


@lru_cache(maxsize=32)
def normal_points(count: int, effects: int) -> Float[np.ndarray, "draws effects"]:
    """Standard normal points; always the same, and each effect takes every quantile once."""
    quantiles = np.array([NormalDist().inv_cdf((k + 0.5) / count) for k in range(count)])
    generator = np.random.default_rng(0)
    return np.stack([generator.permutation(quantiles) for _ in range(effects)], axis=1)


@partial(jax.jit, static_argnums=0)
def fractions(
    likelihood: Likelihood,
    centre: Float[Array, "rows effects"],
    root: Float[Array, "rows effects effects"],
    points: Float[Array, "draws effects"],
    data: Any,
    freedom: Any = None,
) -> Float[Array, "rows samples"]:
    """For each row the probability of a level below the one observed, at every sample.

    **Arguments:** effects are `centre + root @ point`; `data` with a leading axis of rows, every sample measured; `freedom`
    (rows, or rows by samples) are degrees of freedom of Student's t, None for a normal residual error.
    """

    def one(row: Any) -> Any:
        middle, spread, here, nu = row

        def below(point: Any) -> Any:
            z = likelihood.standardised(likelihood.predict(middle + spread @ point, here), here)
            return _normal(z) if nu is None else _student(z, nu)

        found = jax.vmap(below)(points) if likelihood.together else jax.lax.map(below, points)
        return jnp.nanmean(found, axis=0)

    together = SIDE_BY_SIDE if likelihood.together else None
    return jax.lax.map(one, (centre, root, data, freedom), batch_size=together)


def _normal(z: Any) -> Any:
    return jax.scipy.special.ndtr(z)


def _student(z: Any, nu: Any) -> Any:
    tail = 0.5 * jax.scipy.special.betainc(0.5 * nu, 0.5, nu / (nu + z**2))
    return jnp.where(z < 0, tail, 1.0 - tail)


@partial(jax.jit, static_argnums=0)
def looked(likelihood: Likelihood, etas: Float[Array, "rows effects"], data: Any, window: Any) -> tuple[Any, Any, Any]:
    """What the effects of each row lead to.

    **Arguments:** `window` are the arrays of the same rows, sampled at the two ends of a window of exposure.

    **Returns:** distance of each level from its prediction in residual SDs (rows, samples), area of the window (rows,), and
    the level at its end (rows,).
    """

    def one(row: Any) -> Any:
        eta, here, ends = row
        area = likelihood.area(eta, ends)
        z = likelihood.standardised(likelihood.predict(eta, here), here)
        return z, area[1] - area[0], likelihood.predict(eta, ends)[1]

    return jax.lax.map(one, (etas, data, window), batch_size=256 if likelihood.together else None)
