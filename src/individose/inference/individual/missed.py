"""Levels that a fit does not explain."""

from __future__ import annotations

import numpy as np

from individose.base import Notice
from individose.inference.problem import Problem

MISSED = 4.0
"""Residual SDs beyond which a level counts as missed by the fit (1 level in 16,000 by chance)."""


def missed(problem: Problem, misfit: np.ndarray) -> tuple[Notice, ...]:
    """A warning for every level that the fit does not explain."""

    def far(i: int) -> str:
        if not np.isfinite(misfit[i]):
            return "is infinitely far from"
        return f"lies {abs(misfit[i]):.3g} residual SDs {'above' if misfit[i] > 0 else 'below'}"

    return tuple(
        Notice(
            "level-missed",
            f"The level of {problem.samples[i]} {far(i)} what this fit predicts: the model does not explain it. Check the "
            "doses, the sampling time and the units.",
            "warning",
        )
        for i in np.flatnonzero(~(np.abs(misfit) <= MISSED)).tolist()
        if i < len(problem.samples)
    )
