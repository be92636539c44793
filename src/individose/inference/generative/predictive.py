"""What a model expects to see, before and after it has seen anything; and how what was seen compares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import jax
import numpy as np
from numpyro.infer import Predictive

from individose.inference.generative.model import AbstractGenerative
from individose.inference.generative.observations import Observations
from individose.inference.generative.posterior import Posterior

STATISTICS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "mean": lambda x: x.mean(axis=-1),
    "sd": lambda x: x.std(axis=-1),
    "lowest": lambda x: x.min(axis=-1),
    "highest": lambda x: x.max(axis=-1),
}
"""What the levels of a series are summarised by: (.., levels) -> (..)."""


@dataclass(frozen=True, eq=False)
class Check:
    """Replicated levels beside those that were seen.

    **Arguments:** `replicated` (draws, levels); `curves` without scatter, of the same shape.
    """

    seen: Observations
    replicated: np.ndarray
    curves: np.ndarray

    def coverage(self, share: float = 0.9) -> float:
        """The share of levels inside their central interval of that share."""
        low, high = np.quantile(self.replicated, [0.5 - share / 2, 0.5 + share / 2], axis=0)
        return float(np.mean((self.seen.value >= low) & (self.seen.value <= high)))

    def tails(self) -> dict[str, np.ndarray]:
        """For each statistic and series the share of replicates at or below what was seen: near 0 or 1 where it misses."""
        found = {name: np.full(self.seen.n_series, np.nan) for name in STATISTICS}
        for series in np.unique(self.seen.series):
            mine = self.seen.series == series
            for name, statistic in STATISTICS.items():
                found[name][series] = np.mean(
                    statistic(self.replicated[:, mine]) <= statistic(self.seen.value[None, mine])
                )
        return found


def prior_check(model: AbstractGenerative, seen: Observations, draws: int = 1000, seed: int = 0) -> Check:
    """Levels that the priors expect at the times and doses of `seen`, whose values are not looked at."""
    found = Predictive(model.program, num_samples=draws)(jax.random.key(seed), seen, None)
    return Check(seen, np.asarray(found["level"]), np.asarray(found["curve"]))


def posterior_check(posterior: Posterior, seed: int = 0) -> Check:
    """Levels that the posterior expects where levels were seen, in the same series and studies."""
    flat = {name: posterior.flat(name) for name in posterior.draws if name != "curve"}
    found = Predictive(posterior.model.program, posterior_samples=flat)(jax.random.key(seed), posterior.seen, None)
    return Check(posterior.seen, np.asarray(found["level"]), np.asarray(found["curve"]))
