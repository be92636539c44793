"""Priors as numpyro distributions, and several of them in a given order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from numpyro.distributions import constraints, transforms

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
    """Independent positive quantities, given that they rise from first to last, and a scale after them if there is one.

    The density is the product of the given ones (times a constant: one over the probability of the order). Draws are those
    of the given ones in the wanted order, the others rejected. No order but this one exists for a sampler (`Rising`).

    **Arguments:** `each` of the rates, lowest first; `scale`: of what the response of their chain is multiplied by, or
    None; `last`: the place among `each` of the rate that ends the chain.
    """

    pytree_data_fields = ("each",)
    pytree_aux_fields = ("scaled", "last")

    def __init__(
        self, each: Sequence[dist.Distribution], scale: dist.Distribution | None = None, last: int = 0
    ) -> None:
        self.each = (*each, scale) if scale is not None else tuple(each)
        self.scaled, self.last = scale is not None, last
        super().__init__(batch_shape=(), event_shape=(len(self.each),))

    @property
    def support(self) -> Any:
        return Rising(self.scaled, self.last)

    def log_prob(self, value: Any, intermediates: Any = None) -> Any:
        return sum(one.log_prob(value[..., i]) for i, one in enumerate(self.each))

    def sample(self, key: Any, sample_shape: tuple[int, ...] = ()) -> Any:
        found = jax.vmap(self._one)(jax.random.split(key, math.prod(sample_shape)))
        return found.reshape((*sample_shape, len(self.each)))

    def _one(self, key: Any) -> Any:
        rates = len(self.each) - self.scaled

        def draw(key: Any) -> Any:
            keys = jax.random.split(key, len(self.each) + 1)
            return keys[0], jnp.stack([one.sample(k) for one, k in zip(self.each, keys[1:], strict=True)])

        def falls(state: Any) -> Any:
            return jnp.any(jnp.diff(state[1][:rates]) <= 0.0)

        return jax.lax.while_loop(falls, lambda state: draw(state[0]), draw(key))[1]


class Rising(constraints.Constraint):
    """Positive, and rising but for a scale at the end."""

    event_dim = 1

    def __init__(self, scaled: bool, last: int) -> None:
        self.scaled, self.last = scaled, last

    def __call__(self, x: Any) -> Any:
        rates = x[..., :-1] if self.scaled else x
        return jnp.all(x > 0.0, axis=-1) & jnp.all(jnp.diff(rates, axis=-1) > 0.0, axis=-1)

    def feasible_like(self, prototype: Any) -> Any:
        return jnp.broadcast_to(jnp.arange(1.0, prototype.shape[-1] + 1.0), prototype.shape)

    def tree_flatten(self) -> Any:
        return (), ((), {"scaled": self.scaled, "last": self.last})

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Rising) and (self.scaled, self.last) == (other.scaled, other.last)

    def __hash__(self) -> int:
        return hash((self.scaled, self.last))


class ByDelays(transforms.Transform):
    """Any numbers to rising rates k_1 < .. < k_n: what levels tell are delays, not rates.

    y = (logit(k_1 / k_2), log(1/k_2 + .. + 1/k_n), log(k_3 / k_2 - 1), .., log(k_n / k_(n-1) - 1), log(scale / k_last)).

    Of two fast steps, levels give the sum of their delays and the area under the curve sharply, and how the delay is shared
    hardly at all: in these coordinates that is a straight ridge, in the rates and the scale a bent one.
    """

    codomain: Any = constraints.real_vector  # each of a `Rising`; see `_to_rising`
    domain: Any = constraints.real_vector

    def __init__(self, scaled: bool, last: int) -> None:
        self.scaled, self.last = scaled, last

    def __call__(self, x: Any) -> Any:
        y = x[..., :-1] if self.scaled else x
        above = jnp.cumsum(jax.nn.softplus(y[..., 2:]), axis=-1)
        above = jnp.concatenate([jnp.zeros_like(y[..., :1]), above], axis=-1)
        second = jnp.log(jnp.sum(jnp.exp(-above), axis=-1, keepdims=True)) - y[..., 1:2]
        log = jnp.concatenate([second + jax.nn.log_sigmoid(y[..., :1]), second + above], axis=-1)
        if self.scaled:
            log = jnp.concatenate([log, x[..., -1:] + log[..., self.last : self.last + 1]], axis=-1)
        return jnp.exp(log)

    def _inverse(self, y: Any) -> Any:
        k = y[..., :-1] if self.scaled else y
        first = jnp.log(k[..., :1]) - jnp.log(k[..., 1:2] - k[..., :1])
        delay = jnp.log(jnp.sum(1.0 / k[..., 1:], axis=-1, keepdims=True))
        found = [first, delay, jnp.log(k[..., 2:] / k[..., 1:-1] - 1.0)]
        if self.scaled:
            found.append(jnp.log(y[..., -1:] / k[..., self.last : self.last + 1]))
        return jnp.concatenate(found, axis=-1)

    def log_abs_det_jacobian(self, x: Any, y: Any, intermediates: Any = None) -> Any:
        steps = x[..., 2:-1] if self.scaled else x[..., 2:]
        shares = jax.nn.log_sigmoid(-x[..., 0]) + jnp.sum(jax.nn.log_sigmoid(steps), axis=-1)
        return jnp.sum(jnp.log(y), axis=-1) + shares

    def tree_flatten(self) -> Any:
        return (), ((), {"scaled": self.scaled, "last": self.last})

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, ByDelays) and (self.scaled, self.last) == (other.scaled, other.last)

    def __hash__(self) -> int:
        return hash((self.scaled, self.last))


@transforms.biject_to.register(Rising)
def _to_rising(constraint: Rising) -> ByDelays:
    return ByDelays(constraint.scaled, constraint.last)
