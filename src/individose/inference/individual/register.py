"""Individual methods by the name that a user gives."""

from __future__ import annotations

from individose.inference.cluster.estimators import CCN, CGN, CN, LM
from individose.inference.individual.abstract import AbstractIndividualEstimator
from individose.inference.individual.estimator import MAP, NUTS, SIR, Prior

METHODS: dict[str, AbstractIndividualEstimator] = {
    "map": MAP(),
    "prior": Prior(),
    "sir": SIR(),
    "nuts": NUTS(),
    "lm": LM(),
    "cn": CN(),
    "cgn": CGN(),
    "ccn": CCN(),
}
"""Each with its default settings."""
