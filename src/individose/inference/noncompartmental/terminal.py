"""The terminal slope: a line through the logarithms of the last levels, and which levels those are."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from individose.inference.noncompartmental.profile import Profile
from individose.inference.noncompartmental.quantities import Missing
from individose.inference.noncompartmental.rules import FEWEST

TIE = 1e-4
"""Regressions whose adjusted R2 is this close to the best are as good; the one with most levels is taken (Phoenix)."""


@dataclass(frozen=True)
class Terminal:
    """ln C = `intercept` - `lambda_z` t over `points` levels from `start_h` to `end_h`."""

    lambda_z: float
    intercept: float
    points: int
    start_h: float
    end_h: float
    r2: float
    r2_adjusted: float

    @property
    def half_life_h(self) -> float:
        return math.log(2.0) / self.lambda_z

    def at(self, t_h: float) -> float:
        """The level (mg/L) that the line predicts at `t_h` h after the dose."""
        return math.exp(self.intercept - self.lambda_z * t_h)


def terminal_phase(profile: Profile, choice: int | tuple[float, float] | None = None) -> Terminal | Missing:
    """The terminal slope of a profile, or why it has none.

    **Arguments:** `choice` as `Rules.terminal`. By itself the best adjusted R2 is sought among the last 3, 4, ... levels
    after the peak, and after the end of an infusion; the peak itself may belong to them only after a bolus.
    """
    if choice is None:
        return _best(*_after_peak(profile))
    t, c = profile.time_h[profile.quantified], profile.concentration_mg_L[profile.quantified]
    if isinstance(choice, tuple):
        chosen = (t >= choice[0]) & (t <= choice[1])
        if chosen.sum() < FEWEST:
            found = f"there are {chosen.sum()} from {choice[0]:g} h to {choice[1]:g} h"
            return Missing(f"The terminal slope needs {FEWEST} quantified levels or more; {found}.")
    else:
        chosen = np.arange(len(t)) >= len(t) - choice
        if choice > len(t):
            return Missing(f"The terminal slope was to come from {choice} levels; {len(t)} are quantified.")
    line = _line(t[chosen], c[chosen])
    return line or Missing("The levels chosen for the terminal slope do not fall with time.")


def _after_peak(profile: Profile) -> tuple[np.ndarray, np.ndarray]:
    """Times and levels that the best line is sought among."""
    t, c = profile.time_h, profile.concentration_mg_L
    peak = profile.peak
    if peak is None:
        return t[:0], c[:0]
    usable = (t >= t[peak]) if profile.route == "bolus" else (t > t[peak])
    usable &= profile.quantified & (t >= profile.duration_h)
    return t[usable], c[usable]


def _best(t: np.ndarray, c: np.ndarray) -> Terminal | Missing:
    if len(t) < FEWEST:
        return Missing(
            f"The terminal slope needs {FEWEST} quantified levels or more after the peak; there are {len(t)}."
        )
    lines = [line for n in range(FEWEST, len(t) + 1) if (line := _line(t[-n:], c[-n:])) is not None]
    if not lines:
        return Missing("No line through the last levels after the peak falls with time.")
    best = max(line.r2_adjusted for line in lines)
    return max((line for line in lines if line.r2_adjusted > best - TIE), key=lambda line: line.points)


def _line(t: np.ndarray, c: np.ndarray) -> Terminal | None:
    """Least squares of ln c on t; None unless it falls."""
    y, n = np.log(c), len(t)
    dt, dy = t - t.mean(), y - y.mean()
    slope = float(dt @ dy / (dt @ dt))
    spread = float(dy @ dy)
    if not slope < 0.0 or spread == 0.0:
        return None
    r2 = min(float((dt @ dy) ** 2 / ((dt @ dt) * spread)), 1.0)
    return Terminal(
        lambda_z=-slope,
        intercept=float(y.mean() - slope * t.mean()),
        points=n,
        start_h=float(t[0]),
        end_h=float(t[-1]),
        r2=r2,
        r2_adjusted=1.0 - (1.0 - r2) * (n - 1) / (n - 2),
    )
