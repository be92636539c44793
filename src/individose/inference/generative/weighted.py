"""Model (b): one curve for all, but every series has a weight and a baseline of its own.

A study's levels may all lie a third too high: another assay, another patch, other people. That is no scatter around the
curve, and a model that takes it for that finds bands that are too wide and a curve pulled about. Some series are wrong
altogether (a dose misprinted); a mixture for the weights lets the model find them without being told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist

from individose.inference.generative.distributions import distribution
from individose.inference.generative.model import AbstractGenerative, Symmetry, checked, drawn, levels, sampled, scatter
from individose.inference.generative.observations import Observations
from individose.inference.generative.prior import Prior, beta, log_normal

SPREAD = log_normal(0.1, 0.5, unit="1", why="arms of trials differ by 5 to 20 per cent")
STRANGE = beta(1.0, 9.0, why="one series in ten is not what it says")


@dataclass(frozen=True)
class Weighted(AbstractGenerative):
    """x_i ~ Normal(b_s + w_s curve(t_i), sigma) for a level i of series s.

    log w_s ~ (1 - strange) Normal(0, spread) + strange Normal(0, astray): most series differ by a little, a few by anything.

    **Arguments:** as `Gaussian`, and `baseline`: prior of each b_s, inferred and never subtracted; `spread`: SD of the
    logarithm of the weights; `strange`: share of series that are not what they say; `astray`: SD of the logarithm of
    their weights (1: mostly between a third and three times).
    """

    parameters: Mapping[str, Prior]
    baseline: Prior
    sigma: Prior | None = None
    spread: Prior = SPREAD
    strange: Prior = STRANGE
    astray: float = 1.0
    order: tuple[str, ...] = ()
    symmetry: Symmetry | None = None

    def __post_init__(self) -> None:
        checked(self.parameters, self.order, self.symmetry, "Weighted")

    @property
    def priors(self) -> Mapping[str, Prior]:
        own = {"baseline": self.baseline, "spread": self.spread, "strange": self.strange}
        return {**self.parameters, **own, **({"sigma": self.sigma} if self.sigma else {})}

    def program(self, seen: Observations, values: Any) -> None:
        p = sampled(self.parameters, self.order, self.symmetry)
        spread = drawn("spread", distribution(self.spread))
        strange = drawn("strange", distribution(self.strange))
        with numpyro.plate("series", seen.n_series):
            log_weight = drawn("log_weight", self.weights(spread, strange))
            baseline = drawn("baseline", distribution(self.baseline))
        weight: Any = numpyro.deterministic("weight", jnp.exp(log_weight))
        middle = baseline[seen.series] + weight[seen.series] * seen.level_curves(p)
        levels(middle, scatter(self.sigma, seen), values)

    def weights(self, spread: Any, strange: Any) -> dist.Distribution:
        """Of the logarithm of a weight: the mixture, its indicator summed over."""
        shares = dist.Categorical(probs=jnp.stack([1.0 - strange, strange]))
        widths = jnp.stack([spread, jnp.maximum(spread, self.astray)])
        return dist.MixtureSameFamily(shares, dist.Normal(jnp.zeros(2), widths))

    def astray_given(self, log_weight: Any, spread: Any, strange: Any) -> Any:
        """The probability that a series is a strange one, given its weight: (.., series)."""
        spread, strange = jnp.asarray(spread)[..., None], jnp.asarray(strange)[..., None]
        wide = dist.Normal(0.0, jnp.maximum(spread, self.astray)).log_prob(log_weight) + jnp.log(strange)
        narrow = dist.Normal(0.0, spread).log_prob(log_weight) + jnp.log1p(-strange)
        return jnp.exp(wide - jnp.logaddexp(wide, narrow))
