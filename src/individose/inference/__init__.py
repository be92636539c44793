"""From levels to parameters: sees a `Problem`, never a drug."""

from individose.inference.estimate import Estimate
from individose.inference.fit import Fit
from individose.inference.individual.estimator import MAP, METHODS, AbstractIndividualEstimator, Prior
from individose.inference.problem import Likelihood, Problem, loss

__all__ = [
    "MAP",
    "METHODS",
    "AbstractIndividualEstimator",
    "Estimate",
    "Fit",
    "Likelihood",
    "Prior",
    "Problem",
    "loss",
]
