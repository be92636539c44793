"""From levels to parameters: sees a `Problem`, never a drug."""

from individose.inference.arviz import to_arviz
from individose.inference.averaging import Averaged, average
from individose.inference.cluster.archive import Archive
from individose.inference.cluster.estimators import CCN, CGN, CN, LM
from individose.inference.estimate import Estimate
from individose.inference.fit import Fit
from individose.inference.individual.abstract import AbstractIndividualEstimator
from individose.inference.individual.estimator import MAP, NUTS, SIR, Prior
from individose.inference.individual.register import METHODS
from individose.inference.individual.sampling import Sampling
from individose.inference.problem import Likelihood, Problem, loss

__all__ = [
    "CCN",
    "CGN",
    "CN",
    "LM",
    "MAP",
    "METHODS",
    "NUTS",
    "SIR",
    "AbstractIndividualEstimator",
    "Archive",
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
