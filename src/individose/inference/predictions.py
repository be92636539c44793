"""What many effects lead to, compiled: levels, areas and parameters of one patient by draws, or of a ward."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from individose.inference.problem import Likelihood, impossible


@partial(jax.jit, static_argnums=0)
def predict(likelihood: Likelihood, eta: Any, data: Any) -> Any:
    """Levels at the samples of `data`, compiled."""
    return likelihood.predict(eta, data)


@partial(jax.jit, static_argnums=0)
def predict_draws(likelihood: Likelihood, etas: Any, data: Any) -> Any:
    """Levels (draws, samples) for many draws of the effects of one patient."""
    return jax.vmap(lambda eta: likelihood.predict(eta, data))(etas)


@partial(jax.jit, static_argnums=0)
def impossible_draws(likelihood: Likelihood, etas: Any, data: Any) -> Any:
    """Which of many draws of the effects bring a parameter below 0 that cannot be."""
    return jax.vmap(lambda eta: impossible(likelihood, eta, data))(jnp.asarray(etas))


@partial(jax.jit, static_argnums=0)
def area_draws(likelihood: Likelihood, etas: Any, data: Any) -> Any:
    """Areas (draws, samples) for many draws of the effects of one patient."""
    return jax.vmap(lambda eta: likelihood.area(eta, data))(etas)


@partial(jax.jit, static_argnums=0)
def individual_draws(likelihood: Likelihood, etas: Any, data: Any) -> Any:
    """Individual parameters at the latest covariates, by name, for many draws of the effects of one patient."""
    return jax.vmap(lambda eta: {k: v[-1] for k, v in likelihood.individual(eta, data).items()})(jnp.asarray(etas))


@partial(jax.jit, static_argnums=0)
def individual_ward(likelihood: Likelihood, etas: Any, data: Any) -> Any:
    """Like `individual_draws`, with a leading axis of patients."""
    return jax.vmap(lambda e, d: individual_draws(likelihood, e, d))(jnp.asarray(etas), data)


@partial(jax.jit, static_argnums=0)
def predict_pairs(likelihood: Likelihood, etas: Any, data: Any) -> Any:
    """Levels (patients, 2, samples) for two sets of effects of every patient."""
    return jax.vmap(lambda e, d: predict_draws(likelihood, e, d))(jnp.asarray(etas), data)
