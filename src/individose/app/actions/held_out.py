"""What a leave-one-out evaluation rests on: for every patient, the archive of all others and what little is known of him.

Nothing of the patient who is left out enters but doses, covariates and the samples named: the population of the others is
fitted anew for each, with his weight at 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np

from individose.app.actions.archive import stacked
from individose.base import InputError
from individose.inference import Archive, Problem
from individose.inference.cluster.aim import Aim
from individose.inference.cluster.archive import Population, populations
from individose.inference.cluster.damped import Damping, settled_ward
from individose.inference.cluster.space import Space
from individose.inference.individual.estimator import stack
from individose.inference.problem import Likelihood

WEAK = 3.0
"""SD, in logarithms, of the prior that keeps the full fits finite where data say nothing. It moves no peak, and the area of
some patients by a tenth or two: least squares in mg/L leave their tail open."""


@dataclass(frozen=True, eq=False)
class Everyone:
    """All patients with all that was measured. `data` and `aims` have a leading axis of patients."""

    problems: tuple[Problem, ...]
    data: Any
    aims: Aim
    prior: np.ndarray

    @property
    def likelihood(self) -> Likelihood:
        return self.problems[0].likelihood.rough

    @property
    def count(self) -> int:
        return len(self.problems)


def everyone(problems: Sequence[Problem]) -> Everyone:
    """Problems of one size, stacked."""
    data, aims = stacked(problems)
    return Everyone(tuple(problems), data, aims, np.linalg.inv(np.asarray(problems[0].data.precision)))


def others(of: Everyone, known: np.ndarray | None = None) -> Population:
    """For each patient the population of the others; every array has one more leading axis.

    **Arguments:** `known` (patients, patients) says who is in whose archive; None is everybody but oneself.
    """
    weights = 1.0 - np.eye(of.count) if known is None else np.asarray(known, dtype=float)
    if np.any(np.diag(weights) > 0):
        raise InputError("a patient is in his own archive", "an archive of others", "nothing of him may be known there")
    distinct, place = np.unique(weights, axis=0, return_inverse=True)  # patients of one archive have one population
    found = jax.device_get(populations(of.likelihood, of.data, of.aims, of.prior, distinct))
    return jax.tree.map(lambda x: np.asarray(x)[place.reshape(-1)], found)


def archives(of: Everyone, found: Population, known: np.ndarray | None = None) -> list[Archive]:
    """The archive for each patient."""
    weights = 1.0 - np.eye(of.count) if known is None else np.asarray(known)
    card, effects = of.problems[0].model, of.problems[0].effects
    made: list[Archive] = []
    for j in range(of.count):
        rows = np.flatnonzero(weights[j] > 0)
        ids = tuple(of.problems[i].id for i in rows)
        made.append(Archive(card, effects, ids, np.asarray(found.etas)[j, rows], of.prior, np.asarray(found.within)[j]))
    return made


def full_fits(of: Everyone, centre: np.ndarray, weak: float = WEAK) -> np.ndarray:
    """Effects (patients, n) of each patient's own full fit: least squares in mg/L, every level alike, with a prior of SD
    `weak` about `centre`."""
    n, q = len(centre), of.count
    aims = of.aims._replace(sd=np.ones_like(of.aims.sd))
    space = Space(centre, weak * np.eye(n), np.full(n, -np.inf), np.full(n, np.inf))
    spaces = jax.tree.map(lambda x: np.broadcast_to(x, (q, *np.shape(x))), space)
    how = Damping(steps=200, prior=True)
    return np.asarray(settled_ward(of.likelihood, how, of.data, spaces, aims, np.zeros((q, n))).eta)


def loose_fits(of: Everyone, most: float = 100.0) -> np.ndarray:
    """Effects (patients, n) by least squares alone, as in the paper's archive: what no level tells ends anywhere, and is cut
    off at `most`-fold from typical."""
    nothing = np.zeros(of.problems[0].n_effects)
    return np.clip(full_fits(of, nothing, LOOSE), -np.log(most), np.log(most))


LOOSE = 1e3
"""SD, in logarithms, of a prior that is none."""


def sparse(problem: Problem, sample_h: Sequence[float]) -> Problem:
    """The problem with only the measured samples nearest to the times wanted (h after the first dose), each once."""
    patient = problem.context.subject
    start = patient.doses[0].time_h
    rows = [(e.time_h, e.value_mg_L) for e in patient.levels if e.measured and e.censoring == "none"]
    picked: list[tuple[float, float]] = []
    for wanted in sample_h:
        left = [row for row in rows if row not in picked]
        picked.append(min(left, key=lambda row: abs(row[0] - start - wanted)))
    picked.sort()
    data = problem.at([t for t, _ in picked])
    measured, observed = np.array(data.measured), np.array(data.observed)
    measured[: len(picked)], observed[: len(picked)] = 1, [y for _, y in picked]
    said = tuple(f"{y:.4g} mg/L at {t:.4g} h" for t, y in picked)
    return replace(problem, data=data._replace(measured=measured, observed=observed), samples=said)


def stack_all(parts: Sequence[Any]) -> Any:
    """Many records of arrays with one leading axis."""
    return stack(list(parts), len(parts))
