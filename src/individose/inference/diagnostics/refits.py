"""The same patient fitted again with something of the record changed.

A level is left out by masking it, scaled by scaling what was observed, moved by arrays in which it is drawn at another time
(which whoever knows the events has to supply). All rows have one shape, so that asking about another patient compiles
nothing. Each fit is asked under the population that it rested on: that of a cluster's archive, or the card's.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from individose.inference.cluster.again import METHODS as CLUSTERS
from individose.inference.cluster.again import again
from individose.inference.fit import Fit
from individose.inference.individual.estimator import MAP
from individose.inference.problem import Likelihood, Problem

MINUTES = 15.0
"""How far a sampling time is moved: what a busy ward rounds to."""

ASSAY = 0.1
"""How far all levels are moved together: a calibration off by a tenth, inside the 15 % that guidelines on bioanalytical
methods allow (ICH M10, 2022)."""

AFTER_H = (0.5, 1.0, 1.5, 2.0)
"""Hours after the end of a dose's input at which a supposed trough may have been drawn in truth."""

BEFORE_H = 1.0
"""How long before a dose a level may be recorded and still be meant as its trough."""

FEW = 64
"""Searches that are done one by one, with the program that the fit itself ran: compiling a batch takes seconds."""


@dataclass(frozen=True)
class Asked:
    """One patient, with the arrays that the questions need; those of a ward have equal shapes.

    - `fit` is what is diagnosed; `data` its history, sampled at its levels.
    - `earlier`, `later`: by sample, the history with that level 15 min earlier or later, where that is possible.
    - `post_dose`: by sample recorded just before a dose, the time before the dose (h), and by time after it (h) the
      history with the level there.
    - `window`: the history sampled at start and end of the window of exposure; `window_h`: these times, None without doses.
    - `samples`: by sample that was measured its time (h), the level, its censoring.
    - `freedom`: degrees of freedom of the residual error, None for a normal one.
    """

    fit: Fit
    data: Any
    window: Any
    samples: Mapping[int, tuple[float, float, str]]
    earlier: Mapping[int, Any] = field(default_factory=dict)
    later: Mapping[int, Any] = field(default_factory=dict)
    post_dose: Mapping[int, tuple[float, Mapping[float, Any]]] = field(default_factory=dict)
    window_h: tuple[float, float] | None = None
    freedom: Any = None

    @property
    def problem(self) -> Problem:
        return self.fit.problem


Question = tuple[str, int, float]
"""What is asked, of which sample (-1: of all), by how much."""

AS_IT_IS: Question = ("as it is", -1, 0.0)


def questions(asked: Asked) -> Iterator[tuple[Question, Any]]:
    """Every question with the arrays that answer it, the unchanged record first; none where nothing was measured or used."""
    if not asked.samples or asked.fit.method == "prior":
        return
    data = asked.data
    yield AS_IT_IS, data
    measured, observed = np.asarray(data.measured), np.asarray(data.observed)
    for i in asked.samples:
        here = np.arange(len(measured)) == i
        yield (
            ("without", i, 0.0),
            data._replace(measured=np.where(here, 0, measured), observed=np.where(here, 1.0, observed)),
        )
        if i in asked.earlier:
            yield ("time", i, -MINUTES), asked.earlier[i]
        if i in asked.later:
            yield ("time", i, MINUTES), asked.later[i]
        for hours, moved in asked.post_dose.get(i, (0.0, {}))[1].items():
            yield ("post-dose", i, hours), moved
    for share in (-ASSAY, ASSAY):
        scaled = np.where(measured == 1, observed * (1.0 + share), observed)
        yield ("assay", -1, share), data._replace(observed=scaled)


def refit(likelihood: Likelihood, problems: Sequence[Problem]) -> list[Fit]:
    """The most probable effects of every problem: side by side in one call where that is faster, else one by one."""
    if len(problems) <= FEW or not likelihood.together:
        return [MAP().fit(one) for one in problems]
    return MAP().fit_ward(problems)


def answers(asked: Sequence[Asked]) -> list[dict[Question, Fit]]:
    """The fit that answers each question of each patient, all patients in one call."""
    kept = [list(questions(one)) for one in asked]
    of_clusters = [one.fit.method in CLUSTERS for one in asked]
    likelihood = asked[0].problem.likelihood
    problems = [
        replace(one.problem, data=data, samples=())
        for one, mine, cluster in zip(asked, kept, of_clusters, strict=True)
        if not cluster
        for _, data in mine
    ]
    fits = iter(refit(likelihood, problems) if problems else ())
    found: list[dict[Question, Fit]] = []
    for one, mine, cluster in zip(asked, kept, of_clusters, strict=True):
        own = iter(again(one.fit, [data for _, data in mine])) if cluster else fits
        found.append({question: next(own) for question, _ in mine})
    return found


def evidence(fit: Fit) -> float:
    """Log of the marginal likelihood by Laplace's approximation, up to what all fits of one patient share."""
    if fit.objective is None or not fit.status.ok:
        return -math.inf
    sign, spread = np.linalg.slogdet(fit.covariance)
    return -0.5 * fit.objective + 0.5 * float(spread) if sign > 0 else -math.inf
