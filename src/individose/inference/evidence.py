"""Log of the marginal likelihood of a patient's levels under a model: what models are weighed by.

It is the model's, whatever the method. At a mode by Laplace's approximation (Tierney & Kadane 1986, J Am Stat Assoc
81:82-86); otherwise by importance sampling around the estimate (Geweke 1989, Econometrica 57:1317-1339).
"""

from __future__ import annotations

import math

import numpy as np

from individose.inference.individual import sir
from individose.inference.individual.sampling import seed_of
from individose.inference.problem import Problem

FEW = 1024
"""Proposals where each steps through differential equations."""


def at_mode(problem: Problem, covariance: np.ndarray, objective: float) -> float:
    """Laplace's approximation: log p(y) = log p(y | eta) + log p(eta) + (d / 2) log 2 pi - log |H| / 2 at the mode.

    **Arguments:** `covariance` is the inverse of H; `objective` twice the minus log posterior.
    """
    if not _measured(problem):
        return 0.0
    prior = np.linalg.slogdet(np.asarray(problem.data.precision))[1]
    posterior = np.linalg.slogdet(covariance)[1]
    return 0.5 * float(prior + posterior - objective) + _scale(problem)


def by_importance(problem: Problem, eta: np.ndarray, covariance: np.ndarray, known: float | None = None) -> float:
    """The mean weight of draws around an estimate.

    **Arguments:** `known` is that of draws which were taken already, as `Sampling.log_marginal`.
    """
    if not _measured(problem):
        return 0.0
    if known is None:
        few = sir.Settings() if problem.likelihood.together else sir.Settings(proposals=FEW, wanted=FEW / 4)
        spread = covariance
        if not (np.isfinite(spread).all() and np.linalg.eigvalsh(spread)[0] > 0.0):
            spread = np.linalg.inv(np.asarray(problem.data.precision))
        known = sir.sample(problem.likelihood, problem.data, eta, spread, seed_of(problem, few.seed), few).log_marginal
    return known + _scale(problem)


def _measured(problem: Problem) -> bool:
    """Whether there is a level at all; that nothing was seen where nothing was measured is certain."""
    return bool(np.asarray(problem.data.measured).any())


def _scale(problem: Problem) -> float:
    """What densities of levels have and `terms` lack; each measured level has a density, what is censored a probability."""
    levels = int(np.count_nonzero(np.asarray(problem.data.measured) == 1))
    return float(problem.likelihood.log_jacobian(problem.data)) - 0.5 * levels * math.log(2.0 * math.pi)
