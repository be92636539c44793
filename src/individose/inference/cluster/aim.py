"""What a cluster is moved towards: the measured levels of a patient with their residual SD."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Bool, Float

from individose.inference.problem import Likelihood
from individose.kinetics.schedule import Array

MEASURED = 1
"""What `data.measured` says of a level that was quantified; all others are left out."""


class Aim(NamedTuple):
    """`level` (mg/L) and residual `sd` (mg/L) of each sample; `used` is False for what was not measured, or only known to lie
    beyond a limit."""

    level: Float[Array, " samples"]
    sd: Float[Array, " samples"]
    used: Bool[Array, " samples"]


@partial(jax.jit, static_argnums=0)
def aim(likelihood: Likelihood, data: Any) -> Aim:
    """The aim of one patient. The SD is that at the level measured: what one mg/L of distance counts there."""
    level = jnp.asarray(data.observed)
    exact = data._replace(measured=jnp.full(level.shape, MEASURED, dtype=jnp.asarray(data.measured).dtype))
    _, counts = jax.jvp(lambda f: likelihood.standardised(f, exact), (level,), (jnp.ones_like(level),))
    sd = 1.0 / jnp.maximum(jnp.abs(counts), 1e-300)
    used = (jnp.asarray(data.measured) == MEASURED) & jnp.isfinite(sd) & (sd > 0.0)
    return Aim(jnp.where(used, level, 0.0), jnp.where(used, sd, 1.0), used)
