"""Priors as numpyro distributions, and several of them in a given order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from numpyro.distributions import constraints

from individose.inference.generative.prior import Prior


def distribution(prior: Prior) -> dist.Distribution:
    """The prior in its own unit."""
    a, b = prior.numbers[0], prior.numbers[-1]
    match prior.family:
        case "gamma":
            return dist.Gamma(a, b)
        case "inverse_gamma":
            return dist.InverseGamma(a, b)
        case "half_normal":
            return dist.HalfNormal(a)
        case "log_normal":
            return dist.LogNormal(jnp.log(a), b)
        case "beta":
            return dist.Beta(a, b)


class Ascending(dist.Distribution):
    """Independent positive quantities, given that they rise from first to last: (quantities,).

    Sampled through their lowest value and the steps upwards, all on the log scale, so that no order but this one exists for
    the sampler. The density is the product of the given ones (times a constant: one over the probability of the order).
    Draws are those of the given ones in the wanted order, the others rejected.
    """

    support: Any = constraints.positive_ordered_vector  # pyright: ignore
    pytree_data_fields = ("each",)

    def __init__(self, each: Sequence[dist.Distribution]) -> None:
        self.each = tuple(each)
        super().__init__(batch_shape=(), event_shape=(len(self.each),))

    def log_prob(self, value: Any, intermediates: Any = None) -> Any:
        return sum(one.log_prob(value[..., i]) for i, one in enumerate(self.each))

    def sample(self, key: Any, sample_shape: tuple[int, ...] = ()) -> Any:
        count = 1
        for n in sample_shape:
            count *= n
        found = jax.vmap(self._one)(jax.random.split(key, count))
        return found.reshape((*sample_shape, len(self.each)))

    def _one(self, key: Any) -> Any:
        def draw(key: Any) -> Any:
            keys = jax.random.split(key, len(self.each) + 1)
            return keys[0], jnp.stack([one.sample(k) for one, k in zip(self.each, keys[1:], strict=True)])

        def falls(state: Any) -> Any:
            return jnp.any(jnp.diff(state[1]) <= 0.0)

        return jax.lax.while_loop(falls, lambda state: draw(state[0]), draw(key))[1]
