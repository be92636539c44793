"""Model (c), "emix": every study has parameters of its own, drawn around those of the population."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist

from individose.base import InputError
from individose.inference.generative.distributions import distribution
from individose.inference.generative.model import AbstractGenerative, Symmetry, checked, drawn, levels, sampled, scatter
from individose.inference.generative.observations import Observations
from individose.inference.generative.prior import Prior


@dataclass(frozen=True)
class Hierarchical(AbstractGenerative):
    """x_i ~ Normal(b_s + curve(t_i; theta_j), sigma_j) for a level i of series s of study j, where
    log theta_j ~ Normal(log theta, omega).

    **Arguments:** `parameters`: priors of the population's medians theta; `spread`: for those that differ across studies the
    prior of omega, the SD of their logarithm; `sigma`: prior of the scatter within a study, and `sigma_spread` of the SD of
    its logarithm across studies (None: one for all); `baseline` for each series (None: there is none); `order` holds for the
    population's medians. `sites`: "offset" samples (log theta_j - log theta) / omega, better for few levels; "value" samples
    log theta_j itself, better for many.
    """

    parameters: Mapping[str, Prior]
    spread: Mapping[str, Prior]
    sigma: Prior | None = None
    sigma_spread: Prior | None = None
    baseline: Prior | None = None
    sites: Literal["offset", "value"] = "offset"
    order: tuple[str, ...] = ()
    symmetry: Symmetry | None = None

    def __post_init__(self) -> None:
        checked(self.parameters, self.order, self.symmetry, "Hierarchical")
        strange = [name for name in self.spread if name not in self.parameters]
        if strange:
            raise InputError(
                f"Hierarchical is told the spread of {', '.join(strange)}",
                f"names among {', '.join(self.parameters)}",
                "what differs across studies has a median",
                "Give it a prior among `parameters` too.",
            )

    @property
    def priors(self) -> Mapping[str, Prior]:
        own = {f"spread of {name}": prior for name, prior in self.spread.items()}
        others = {"sigma": self.sigma, "spread of sigma": self.sigma_spread, "baseline": self.baseline}
        return {**self.parameters, **own, **{name: prior for name, prior in others.items() if prior is not None}}

    def program(self, seen: Observations, values: Any) -> None:
        median = sampled(self.parameters, self.order, self.symmetry)
        p = {}
        for name, middle in median.items():
            if name in self.spread:
                p[name] = self._by_study(name, middle, self.spread[name], seen.n_studies)
            else:
                p[name] = jnp.broadcast_to(middle, seen.n_studies)
        middle = seen.level_curves_by_study(p)
        if self.baseline is not None:
            with numpyro.plate("series", seen.n_series):
                middle = middle + drawn("baseline", distribution(self.baseline))[seen.series]
        levels(middle, self._scatter(seen), values)

    def _by_study(self, name: str, middle: Any, spread: Prior, studies: int) -> Any:
        omega = drawn(f"spread_{name}", distribution(spread))
        with numpyro.plate("studies", studies):
            if self.sites == "offset":
                log = jnp.log(middle) + omega * drawn(f"offset_{name}", dist.Normal(0.0, 1.0))
            else:
                log = drawn(f"log_{name}_by_study", dist.Normal(jnp.log(middle), omega))
        return numpyro.deterministic(f"{name}_by_study", jnp.exp(log))

    def _scatter(self, seen: Observations) -> Any:
        sd = scatter(self.sigma, seen)
        if self.sigma_spread is None or seen.sd is not None:
            return sd
        own = self._by_study("sigma", sd, self.sigma_spread, seen.n_studies)
        return own[seen.study[seen.series]]
