"""Which archived patients resemble a new one, and the region that they span."""

from __future__ import annotations

from typing import Any, Literal

import jax
import numpy as np

from individose.inference.cluster.aim import Aim
from individose.inference.cluster.archive import Archive
from individose.inference.fit import predict_draws
from individose.inference.problem import Problem

Similar = Literal["all", "nearest", "threshold"]
By = Literal["parameters", "responses"]

LEAST = 2
"""Patients chosen at least, however far away they are: a box needs two."""


def distances(points: np.ndarray, centre: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Euclidean distances (q,) of points (q, n) from a centre (n,), each coordinate times its scale."""
    return np.linalg.norm((points - centre) * scale, axis=1)


def response_distances(problem: Problem, archive: Archive, aim: Aim) -> np.ndarray:
    """How far each archived patient's levels, under the new patient's doses and at his samples, lie from those measured:
    root mean square in residual SDs (q,)."""
    levels = np.asarray(predict_draws(problem.likelihood, archive.etas, problem.data))
    level, sd, used = (np.asarray(x) for x in jax.device_get(aim))
    away = np.where(used, (levels - level) / sd, 0.0)
    return np.sqrt((away**2).sum(axis=1) / max(int(used.sum()), 1))


def chosen(away: np.ndarray, similar: Similar, nearest: int, threshold: float) -> np.ndarray:
    """Places of the patients taken, the nearest first."""
    order = np.argsort(away, kind="stable")
    if similar == "all":
        return order
    count = nearest if similar == "nearest" else int(np.count_nonzero(away <= threshold))
    return order[: min(max(count, LEAST), len(order))]


def box(points: Any) -> tuple[np.ndarray, np.ndarray]:
    """The ends of the smallest box around points (q, n); a side of no length gets a small one."""
    low, high = np.min(points, axis=0), np.max(points, axis=0)
    thin = high - low < NARROW
    return np.where(thin, low - NARROW, low), np.where(thin, high + NARROW, high)


NARROW = 1e-3
"""Half the length that a side of a box gets which has none."""
