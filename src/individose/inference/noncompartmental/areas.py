"""Areas under a curve and under its first moment: trapezoids, linear or logarithmic, over any interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from individose.inference.noncompartmental.curve import ORIGINS, Curve
from individose.inference.noncompartmental.quantities import NOTHING, Missing
from individose.inference.noncompartmental.rules import Method
from individose.inference.noncompartmental.terminal import Terminal

SERIES_BELOW = 1e-2
"""Below this, (1 - (1 + x) exp(-x)) / x^2 loses digits, and six terms of its series are exact to 2e-16."""


@dataclass(frozen=True)
class Area:
    """Area under the curve (mg.h/L) and under its first moment (mg.h2/L); times count from the dose."""

    auc: float
    aumc: float


def partial_area(
    points: Curve | None, method: Method, start_h: float, end_h: float, terminal: Terminal | Missing | None = None
) -> Area | Missing:
    """Area from `start_h` to `end_h`; Phoenix' rules at ends that are no sample.

    Within the samples an end is interpolated by the rule of the interval that it lies in. After the last one the
    terminal line gives the level (it is 0 after a level below the limit that ends the curve).
    """
    if points is None:
        return NOTHING
    t, c = points.time_h, points.concentration_mg_L
    if start_h < t[0]:
        return Missing(f"{ORIGINS[points.origin]} The area from {start_h:g} h has no beginning.")
    curved = logarithmic(t, c, method)
    if end_h > t[-1] and c[-1] > 0.0:
        if not isinstance(terminal, Terminal):
            reason = terminal.sentence if isinstance(terminal, Missing) else "No terminal slope was given."
            return Missing(f"The levels end at {t[-1]:g} h, before {end_h:g} h. {reason}")
        if start_h > t[-1]:
            t, c = np.array([start_h]), np.array([terminal.at(start_h)])
            curved = np.zeros(0, dtype=bool)
        beyond = terminal.at(end_h)
        # the interval after the peak is logarithmic where any is; only lin-up-log-down asks whether it falls
        rule = method != "linear" and beyond > 0.0 and (method == "linlog" or beyond < c[-1])
        t, c, curved = np.append(t, end_h), np.append(c, beyond), np.append(curved, rule and beyond != c[-1])
    first, last = np.clip(t[:-1], start_h, end_h), np.clip(t[1:], start_h, end_h)
    inside = last > first
    if not inside.any():
        return Area(0.0, 0.0)
    t1, c1, t2, c2, curved = (x[inside] for x in (t[:-1], c[:-1], t[1:], c[1:], curved))
    first, last = first[inside], last[inside]
    auc, aumc = trapezoids(
        first, between(first, t1, c1, t2, c2, curved), last, between(last, t1, c1, t2, c2, curved), curved
    )
    return Area(float(auc.sum()), float(aumc.sum()))


def logarithmic(t: np.ndarray, c: np.ndarray, method: Method) -> np.ndarray:
    """(m - 1,) which intervals between points (m,) are logarithmic: never one with a level of 0 or two equal levels."""
    possible = (c[:-1] > 0.0) & (c[1:] > 0.0) & (c[:-1] != c[1:])
    if method == "linear":
        return np.zeros_like(possible)
    if method == "lin-up-log-down":
        return possible & (c[1:] < c[:-1])
    return possible & (t[:-1] >= t[np.argmax(c)])


def between(
    at: np.ndarray, t1: np.ndarray, c1: np.ndarray, t2: np.ndarray, c2: np.ndarray, curved: np.ndarray
) -> np.ndarray:
    """The level at times `at` within intervals, on a straight line of C or (`curved`) of ln C; exact at the ends."""
    share = (at - t1) / (t2 - t1)
    straight = c1 + share * (c2 - c1)
    base, ratio = np.where(curved, c1, 1.0), np.where(curved, c2, 1.0) / np.where(curved, c1, 1.0)
    found = np.where(curved, base * ratio**share, straight)
    return np.where(at == t1, c1, np.where(at == t2, c2, found))


def trapezoids(
    t1: np.ndarray, c1: np.ndarray, t2: np.ndarray, c2: np.ndarray, curved: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Areas and first-moment areas of intervals.

    Linear: dt (c1 + c2) / 2 and dt (t1 c1 + t2 c2) / 2. Logarithmic, with k = ln(c1 / c2) / dt: (c1 - c2) / k and
    (t1 c1 - t2 c2) / k + (c1 - c2) / k^2, written so that nearly equal levels lose no digits.
    """
    dt = t2 - t1
    safe_1, safe_2 = np.where(curved, c1, 1.0), np.where(curved, c2, 1.0)
    x = np.log(safe_1 / safe_2)
    near = np.abs(x) < SERIES_BELOW
    wide = np.where(near, 1.0, x)
    log_auc = dt * safe_1 * np.where(x == 0.0, 1.0, -np.expm1(-x) / np.where(x == 0.0, 1.0, x))
    log_rest = np.where(near, _moment_series(x), (-np.expm1(-wide) - wide * np.exp(-wide)) / wide**2)
    log_aumc = t1 * log_auc + dt**2 * safe_1 * log_rest
    auc = np.where(curved, log_auc, dt * (c1 + c2) / 2.0)
    return auc, np.where(curved, log_aumc, dt * (t1 * c1 + t2 * c2) / 2.0)


def _moment_series(x: np.ndarray) -> np.ndarray:
    """(1 - (1 + x) exp(-x)) / x^2 near 0: the mean of u exp(-x u) over u from 0 to 1."""
    return 1 / 2 - x * (1 / 3 - x * (1 / 8 - x * (1 / 30 - x * (1 / 144 - x * (1 / 840 - x / 5760)))))
