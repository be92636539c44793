"""The posterior of one patient by sampling-importance-resampling around the mode.

Draws come from a mixture of a t distribution around the mode and of the population. The second part keeps every weight
below the largest likelihood over its share, so that no tail of the posterior is missed with infinite variance. Each draw
is weighted by posterior over proposal; where the weights are worth too few draws, the t takes the place and spread of
the weighted draws (or becomes wider, where those are too few to tell) and all is drawn again. What is returned is drawn
from the weighted draws by systematic resampling. Only the model is compiled; the rest is plain arithmetic of arrays.

References: Rubin (1988), Bayesian Statistics 3:395-402; Hesterberg (1995), Technometrics 37:185-194 (the mixture); Kong,
Liu & Wong (1994), JASA 89:278-288 (the effective size); Geweke (1989), Econometrica 57:1317-1339 (the error of a
weighted mean); Cappé, Guillin, Marin & Robert (2004), JCGS 13:907-929 (rounds).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from individose.inference.problem import Likelihood, impossible


class Settings(NamedTuple):
    """`proposals` of a round, `draws` returned; rounds end when the weights are worth `wanted` draws, at `rounds` at the
    latest; `freedom`: degrees of freedom of the t, at least (even); `inflation` of its spread; `share` of the draws that
    come from the population; `seed`."""

    proposals: int = 16384
    draws: int = 4000
    wanted: float = 4000.0
    rounds: int = 6
    freedom: int = 6
    inflation: float = 1.1
    share: float = 0.1
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Sampled:
    """For one patient: `draws` (draws, effects) from the posterior, `mean` and `covariance` of all weighted draws, how many
    independent draws they are `worth` (effects,) for the mean of each effect, log of the mean weight (the marginal
    likelihood), and rounds taken."""

    draws: np.ndarray
    mean: np.ndarray
    covariance: np.ndarray
    worth: np.ndarray
    log_marginal: float
    rounds: int


@dataclass(frozen=True, eq=False)
class _Proposal:
    """A t around `centre` (effects,) with lower triangular `root`, mixed with the population's normal of root `prior`."""

    centre: np.ndarray
    root: np.ndarray
    prior: np.ndarray
    freedom: int
    share: float

    def draw(self, count: int, generator: np.random.Generator) -> np.ndarray:
        """(count, effects), the population's first."""
        of_population = round(self.share * count)
        normal = generator.standard_normal((count, len(self.centre)))
        stretch = np.sqrt(self.freedom / generator.chisquare(self.freedom, count))
        around = self.centre + (normal * stretch[:, None]) @ self.root.T
        around[:of_population] = normal[:of_population] @ self.prior.T
        return around

    def log_density(self, etas: np.ndarray) -> np.ndarray:
        """(draws,) of the mixture."""
        around = math.log1p(-self.share) + _log_t(etas - self.centre, self.root, self.freedom)
        return np.logaddexp(around, math.log(self.share) + _log_normal(etas, self.prior))


def sample(
    likelihood: Likelihood, data: Any, centre: np.ndarray, covariance: np.ndarray, seed: int, settings: Settings
) -> Sampled:
    """Draws from the posterior of one patient.

    **Arguments:** `centre` (effects,) and `covariance` (effects, effects) of the first proposal: the mode and its
    normal approximation. **Returns:** `Sampled`; where no draw has a finite weight, `worth` is 0 and the draws are the
    population's.
    """
    generator = np.random.default_rng(int(seed))
    n, count = len(centre), settings.proposals
    prior = np.linalg.cholesky(np.linalg.inv(np.asarray(data.precision)))
    # more effects need lighter tails: those of a t hold most of the draws in many dimensions
    freedom = max(settings.freedom, 2 * n)
    share = max(1, round(settings.share * count)) / count
    proposal = _Proposal(centre, settings.inflation * np.linalg.cholesky(covariance), prior, freedom, share)
    best = (-1.0, np.zeros((1, n)), np.zeros(1))
    taken = 0
    while taken < settings.rounds and best[0] < settings.wanted:
        etas = proposal.draw(count, generator)
        terms = np.asarray(minus_log_likelihoods(likelihood, etas, data))
        log_weight = _log_normal(etas, prior) - terms - proposal.log_density(etas)
        log_weight = np.where(np.isfinite(log_weight), log_weight, -np.inf)
        effective = effective_size(log_weight)
        taken += 1
        if effective > best[0]:
            best = (effective, etas, log_weight)
        proposal = _next(proposal, etas, log_weight, effective, settings)
    effective, etas, log_weight = best
    if effective == 0.0:
        return Sampled(etas[: settings.draws], np.zeros(n), prior @ prior.T, np.zeros(n), -math.inf, taken)
    weight = normalised(log_weight)
    mean, spread = _moments(etas, weight)
    top = float(log_weight.max())
    marginal = top + math.log(np.exp(log_weight - top).mean())
    worth = np.minimum(_worth(etas, weight), effective)
    return Sampled(_resample(etas, weight, generator, settings.draws), mean, spread, worth, marginal, taken)


SIDE_BY_SIDE, STEPPING = 2048, 64
"""Draws predicted at once: few enough to stay in the processor's cache, and fewer where all take the steps of the slowest."""


@partial(jax.jit, static_argnums=0)
def minus_log_likelihoods(likelihood: Likelihood, etas: Any, data: Any) -> Float[Array, " draws"]:
    """Minus log density of all levels for each of many draws (draws, effects) of one patient; infinite for what cannot be."""
    together = SIDE_BY_SIDE if likelihood.together else STEPPING

    def one(eta: Any) -> Any:
        found = likelihood.terms(likelihood.predict(eta, data), data).sum()
        return jnp.where(impossible(likelihood, eta, data), jnp.inf, found) if likelihood.guarded else found

    return jax.lax.map(one, etas, batch_size=together)


def _log_normal(x: np.ndarray, root: np.ndarray) -> np.ndarray:
    z = np.linalg.solve(root, x.T)
    return -0.5 * (z**2).sum(axis=0) - np.log(np.diag(root)).sum() - 0.5 * len(root) * math.log(2 * math.pi)


def _log_t(x: np.ndarray, root: np.ndarray, freedom: int) -> np.ndarray:
    n = len(root)
    z = np.linalg.solve(root, x.T)
    constant = math.lgamma((freedom + n) / 2) - math.lgamma(freedom / 2) - 0.5 * n * math.log(freedom * math.pi)
    return constant - np.log(np.diag(root)).sum() - 0.5 * (freedom + n) * np.log1p((z**2).sum(axis=0) / freedom)


def normalised(log_weight: np.ndarray) -> np.ndarray:
    weight = np.exp(log_weight - log_weight.max())
    return weight / weight.sum()


def effective_size(log_weight: np.ndarray) -> float:
    """Kish's (sum w)^2 / sum w^2; 0 where no weight is above 0."""
    if not np.any(np.isfinite(log_weight)):
        return 0.0
    return float(1.0 / (normalised(log_weight) ** 2).sum())


def _worth(etas: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Independent draws (effects,) whose mean would have the variance of the weighted one (Geweke 1989, theorem 2).

    Fewer than the weights alone say where the largest lie far out: of a posterior much wider than its normal approximation.
    """
    mean, spread = _moments(etas, weight)
    variance = (weight**2) @ (etas - mean) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.nan_to_num(np.diag(spread) / variance, nan=0.0, posinf=np.inf)


def _moments(etas: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    mean = weight @ etas
    away = etas - mean
    return mean, away.T @ (weight[:, None] * away)


def _next(last: _Proposal, etas: np.ndarray, log_weight: np.ndarray, effective: float, settings: Settings) -> _Proposal:
    """The proposal after a round: of the weighted draws, or a wider one where these are too few to tell."""
    if effective > 10.0 * (len(last.centre) + 1):
        mean, covariance = _moments(etas, normalised(log_weight))
        try:
            root = settings.inflation * np.linalg.cholesky(covariance)
        except np.linalg.LinAlgError:  # the draws lie in a plane
            root = 1.5 * last.root
        return _Proposal(mean, root, last.prior, last.freedom, last.share)
    return _Proposal(last.centre, 1.5 * last.root, last.prior, last.freedom, last.share)


def _resample(etas: np.ndarray, weight: np.ndarray, generator: np.random.Generator, count: int) -> np.ndarray:
    """Systematic resampling, shuffled: each draw comes as often as its weight says, give or take one."""
    return etas[generator.permutation(systematic(weight, generator, count))]


def systematic(weight: np.ndarray, generator: np.random.Generator, count: int) -> np.ndarray:
    """(count,) places, in order, each as often as its weight says, give or take one; weights sum to 1."""
    at = (generator.random() + np.arange(count)) / count
    return np.minimum(np.searchsorted(np.cumsum(weight), at), len(weight) - 1)
