"""From levels to parameters: sees a `Problem`, never a drug."""

from individose.inference.arviz import to_arviz
from individose.inference.averaging import Averaged, average
from individose.inference.estimate import Estimate
from individose.inference.fit import Fit
from individose.inference.individual.estimator import MAP, METHODS, NUTS, SIR, AbstractIndividualEstimator, Prior
from individose.inference.individual.sampling import Sampling
from individose.inference.problem import Likelihood, Problem, loss

__all__ = [
    "MAP",
    "METHODS",
    "NUTS",
    "SIR",
    "AbstractIndividualEstimator",
    "Averaged",
    "Estimate",
    "Fit",
    "Likelihood",
    "Prior",
    "Problem",
    "Sampling",
    "average",
    "loss",
    "to_arviz",
]
