"""A cluster's fit asked again with another record: the most probable effects, by the search that has first derivatives only.

What stands behind a fit is told by many such searches. They are held to the population that the cluster rested on (an
archive's, or the card's) and to the same misfit, share one small program, and leave out what the cluster left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import jax
import numpy as np

from individose.base import Outcome, Status
from individose.inference.cluster.aim import aim
from individose.inference.cluster.damped import Damping, settled
from individose.inference.cluster.space import Space
from individose.inference.fit import Fit

METHODS = ("lm", "cn", "cgn", "ccn")
"""Fits that are asked again so."""


def again(fit: Fit, records: Sequence[Any]) -> list[Fit]:
    """The fit for each of other `records` of the patient, arrays like the problem's data."""
    n = len(fit.eta)
    likelihood = fit.problem.likelihood.rough
    root = np.linalg.cholesky(fit.prior)
    space = Space(fit.centre, root, np.full(n, -np.inf), np.full(n, np.inf))
    misfit = 0.0 if fit.ground is None else fit.ground.misfit
    found: list[Fit] = []
    for data in records:
        aimed = jax.device_get(aim(likelihood, data))
        aimed = aimed._replace(sd=np.hypot(aimed.sd, misfit * np.abs(aimed.level)))
        one = jax.device_get(settled(likelihood, HOW, data, space, aimed, np.zeros(n)))
        usable = bool(one.arrived) and bool(np.all(np.isfinite(one.eta)) and np.all(np.isfinite(one.matrix)))
        covariance = root @ np.linalg.inv(one.matrix + np.eye(n)) @ root.T if usable else fit.prior
        found.append(
            replace(
                fit,
                problem=replace(fit.problem, data=data, samples=()),
                eta=np.asarray(one.eta) if usable else fit.centre,
                covariance=covariance,
                status=Status(Outcome.CONVERGED if usable else Outcome.FAILED),
                objective=float(one.cost) if usable else None,
                draws=None,
                notices=(),
                sampling=None,
            )
        )
    return found


HOW = Damping(prior=True)
