"""Do intervals hold as often as they say? Conformal calibration of a cluster's quantiles, one patient left out at a time.

The score of a patient is how far outside of the interval his true figure lies, in widths of the interval (negative
inside); widening all intervals by the (1 + 1/n) quantile of the scores makes them hold for a new patient of the same
kind as often as they say, whatever the model (Romano, Patterson & Candes 2019, NeurIPS; scaled by the width). Among
the same n patients the calibrated share is a matter of ranks, and shows nothing of the model: only patients who gave
no score can test it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Bands:
    """By figure: share of patients whose truth lies in the interval, as the cluster has it and as calibrated, and by how many
    widths calibration moves its ends (one number from all patients; coverage uses that of the others)."""

    level: float
    plain: tuple[float, ...]
    calibrated: tuple[float, ...]
    factor: tuple[float, ...]
    low: np.ndarray
    high: np.ndarray
    """Calibrated ends (patients, figures)."""


def bands(points: np.ndarray, truth: np.ndarray, level: float) -> Bands:
    """**Arguments:** figures of clusters (patients, points, figures), and the truth (patients, figures)."""
    low, high = ends(points, level)
    width = np.maximum(high - low, 1e-9)
    true = np.log(truth)
    score = scores(points, truth, level)
    n = len(truth)
    own = np.array([[quantile(np.delete(score[:, k], j), level) for k in range(score.shape[1])] for j in range(n)])
    near = 1e-9
    plain = ((true >= low - near) & (true <= high + near)).mean(axis=0)
    down, up = low - own * width, high + own * width
    held = ((true >= down - near) & (true <= up + near)).mean(axis=0)
    whole = tuple(quantile(score[:, k], level) for k in range(score.shape[1]))
    return Bands(level, tuple(map(float, plain)), tuple(map(float, held)), whole, np.exp(down), np.exp(up))


def ends(points: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Logarithms of the ends (patients, figures) of each cluster's own intervals; what was not solved counts nothing."""
    usable = np.where(np.isfinite(points).all(axis=2, keepdims=True), points, np.nan)
    low, high = np.nanquantile(np.log(np.maximum(usable, 1e-30)), [0.5 - level / 2, 0.5 + level / 2], axis=1)
    return low, high


def scores(points: np.ndarray, truth: np.ndarray, level: float) -> np.ndarray:
    """How far outside of his interval each patient's truth lies, in its widths (patients, figures); negative inside."""
    low, high = ends(points, level)
    true = np.log(truth)
    return np.maximum(low - true, true - high) / np.maximum(high - low, 1e-9)


def quantile(scores: np.ndarray, level: float) -> float:
    """The smallest score that covers `level` of n + 1; the largest where there are too few for that."""
    n = len(scores)
    return float(np.sort(scores)[min(math.ceil((n + 1) * level), n) - 1])
