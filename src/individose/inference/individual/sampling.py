"""How draws from a posterior came about, as data: what a reader needs to judge them."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from individose.inference.individual.chains import bulk_size, rhat
from individose.inference.problem import Problem


@dataclass(frozen=True)
class Sampling:
    """What stands behind `Fit.draws`. Effects without a name only fill up arrays, and are left out.

    **Arguments:**

    - `chains`: into how many equal parts the draws fall, one after the other.
    - `effective`: by effect, how many independent draws they are worth.
    - `rhat`: by effect, 1 where the chains agree; empty where there is but one.
    - `statistics`: (chains, draws) by name: `diverging`, `n_steps`, `acceptance_rate`, `lp` (log posterior, constants
      left out).
    - `rounds`, `proposals`: of importance sampling, how often a proposal was tried and how many draws it had.
    - `log_marginal`: log of the probability of the levels under the model, without the log(2 pi)/2 of each measured one;
      None where the method does not give it.
    """

    chains: int
    effective: Mapping[str, float]
    rhat: Mapping[str, float] = field(default_factory=dict)
    statistics: Mapping[str, np.ndarray] = field(default_factory=dict)
    rounds: int = 0
    proposals: int = 0
    log_marginal: float | None = None

    @property
    def least_effective(self) -> float:
        """Of the effect with the fewest; 0 where it cannot be said."""
        return min((x if np.isfinite(x) else 0.0 for x in self.effective.values()), default=0.0)

    @property
    def worst_rhat(self) -> float:
        """The largest; 1 where there is one chain, infinite where it cannot be said."""
        return max((x if np.isfinite(x) else float("inf") for x in self.rhat.values()), default=1.0)

    @property
    def divergences(self) -> int:
        """How many draws ended in a trajectory that left the posterior's surface."""
        return int(np.sum(self.statistics["diverging"])) if "diverging" in self.statistics else 0


def of_chains(problem: Problem, draws: np.ndarray, statistics: Mapping[str, np.ndarray]) -> Sampling:
    """The sampling of (chains, draws, effects), with R-hat and bulk size of every named effect."""
    named = {name: draws[:, :, i] for i, name in enumerate(problem.effects) if name}
    return Sampling(
        chains=len(draws),
        effective={name: bulk_size(x) for name, x in named.items()},
        rhat={name: rhat(x) for name, x in named.items()},
        statistics=statistics,
    )


def seed_of(problem: Problem, seed: int) -> int:
    """A patient's own seed: the same wherever the patient stands in a ward, another one for another patient."""
    text = repr((problem.model, problem.id, problem.samples, seed))
    return zlib.crc32(text.encode())
