"""Generative models of compartment systems: priors as data, three models, their posteriors, and what they are held against.

Needs numpyro (the extra `generative`). Theory: docs/theory/generative.md.
"""

try:
    import numpyro as _numpyro  # noqa: F401
except ImportError as _error:
    from individose.base import InputError as _InputError

    raise _InputError(
        "numpyro is not installed",
        "the package numpyro",
        "an optional part of individose",
        "Install individose[generative].",
    ) from _error

from individose.inference.generative.calibration import Calibration, calibrate
from individose.inference.generative.comparison import LeftOut, leave_one_study_out, pointwise, to_arviz
from individose.inference.generative.gaussian import Gaussian
from individose.inference.generative.hierarchical import Hierarchical
from individose.inference.generative.model import AbstractGenerative, Symmetry
from individose.inference.generative.observations import Observations
from individose.inference.generative.outliers import SeriesWeight, weights
from individose.inference.generative.posterior import Chains, Posterior, sample
from individose.inference.generative.predictive import Check, posterior_check, prior_check
from individose.inference.generative.prior import (
    Prior,
    beta,
    gamma,
    half_normal,
    inverse_gamma,
    log_normal,
    near_reference,
)
from individose.inference.generative.weighted import Weighted

__all__ = [
    "AbstractGenerative",
    "Calibration",
    "Chains",
    "Check",
    "Gaussian",
    "Hierarchical",
    "LeftOut",
    "Observations",
    "Posterior",
    "Prior",
    "SeriesWeight",
    "Symmetry",
    "Weighted",
    "beta",
    "calibrate",
    "gamma",
    "half_normal",
    "inverse_gamma",
    "leave_one_study_out",
    "log_normal",
    "near_reference",
    "pointwise",
    "posterior_check",
    "prior_check",
    "sample",
    "to_arviz",
    "weights",
]
