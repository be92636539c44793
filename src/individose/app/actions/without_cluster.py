"""What a cluster is compared with: the mode, a weighing of the archive's own curves, and covariates alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from individose.app.actions.held_out import Everyone, stack_all
from individose.events import Reading
from individose.inference import Archive, Problem
from individose.inference.cluster.aim import aim
from individose.inference.cluster.damped import Damping, settled_ward
from individose.inference.cluster.space import Space
from individose.inference.fit import predict_draws


def posterior_mode(archives: Sequence[Archive], problems: Sequence[Problem]) -> np.ndarray:
    """Most probable effects (patients, n) with the archive's normal population as prior."""
    n = len(archives[0].effects)
    spaces = [
        Space(a.mean, np.linalg.cholesky(a.covariance), np.full(n, -np.inf), np.full(n, np.inf)) for a in archives
    ]
    aims = [jax.device_get(aim(p.likelihood, p.data)) for p in problems]
    likelihood = problems[0].likelihood.rough
    data = stack_all([p.data for p in problems])
    start = np.zeros((len(problems), n))
    return np.asarray(
        settled_ward(likelihood, Damping(prior=True), data, stack_all(spaces), stack_all(aims), start).eta
    )


def filled(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Effects of archives of several sizes as one array, filled up with the last of each."""
    most = max(len(one) for one in rows)
    return np.stack([np.vstack([one, np.repeat(one[-1:], most - len(one), axis=0)]) for one in rows])


def bayes(curves: np.ndarray, archives: Sequence[Archive], problems: Sequence[Problem]) -> np.ndarray:
    """Medians of the archived patients' figures (patients, 4), weighed by how likely the levels are under each.

    **Arguments:** `curves` (patients, archived, 4): figures of the archived under the new patient's doses.
    """
    found: list[np.ndarray] = []
    for mine, archive, problem in zip(curves, archives, problems, strict=True):
        levels = np.asarray(predict_draws(problem.likelihood, archive.etas, problem.data))
        level, sd, used = (np.asarray(x) for x in jax.device_get(aim(problem.likelihood, problem.data)))
        log_weight = -0.5 * np.sum(np.where(used, (levels - level) / sd, 0.0) ** 2, axis=1)
        weight = np.exp(log_weight - log_weight.max())
        found.append(np.array([_median(mine[: len(weight), k], weight) for k in range(mine.shape[1])]))
    return np.stack(found)


def _median(values: np.ndarray, weight: np.ndarray) -> float:
    order = np.argsort(values)
    share = np.cumsum(weight[order]) / weight.sum()
    return float(values[order][np.searchsorted(share, 0.5)])


RIDGE = 1.0
"""Of the slopes, in patients: covariates that say little then say nothing."""


def covariate_model(of: Everyone, archives: Sequence[Archive]) -> np.ndarray:
    """Effects (patients, n) from covariates alone: a line in their logarithms, fitted to the archived patients by ridge."""
    table = _covariates(of)
    found: list[np.ndarray] = []
    places = {p.id: k for k, p in enumerate(of.problems)}
    for j, archive in enumerate(archives):
        rows = [places[id] for id in archive.ids]
        middle, scale = table[rows].mean(axis=0), np.maximum(table[rows].std(axis=0), 1e-12)
        x = (table - middle) / scale
        matrix = x[rows].T @ x[rows] + RIDGE * np.eye(x.shape[1])
        slopes = np.linalg.solve(matrix, x[rows].T @ (archive.etas - archive.mean))
        found.append(archive.mean + x[j] @ slopes)
    return np.stack(found)


def _covariates(of: Everyone) -> np.ndarray:
    """Logarithms of the continuous covariates that the card names (patients, covariates); one column of zeros if none."""
    columns: list[list[float]] = []
    card: Any = of.problems[0].context.card
    for use in card.covariates:
        values = [_first(p.context.subject, use.name) for p in of.problems]
        if all(isinstance(v, int | float) and not isinstance(v, bool) and v > 0 for v in values):
            columns.append([float(np.log(v)) for v in values])
    return np.array(columns).T if columns else np.zeros((of.count, 1))


def _first(subject: Any, name: str) -> Any:
    found = [e.values[name] for e in subject.events if isinstance(e, Reading) and name in e.values]
    return found[0] if found else None
