"""From data to places along an axis, with ticks that people would choose."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
HOUR_STEPS = (0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 12.0, 24.0, 48.0, 72.0)
DAY_STEPS = (1.0, 2.0, 3.0, 7.0, 14.0, 28.0)
DAYS_FROM_H = 240.0
"""A span longer than this (h) is drawn in days."""


@dataclass(frozen=True)
class Scale:
    """A straight map from `low`..`high` (data) to `start`..`end` (places), with the `step` between ticks."""

    low: float
    high: float
    start: float
    end: float
    step: float

    def place(self, value: float) -> float:
        """The place of a value; values outside of the axis get places outside of it."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    @property
    def ticks(self) -> tuple[float, ...]:
        """Multiples of the step within the axis."""
        first = math.ceil(self.low / self.step - 1e-9)
        last = math.floor(self.high / self.step + 1e-9)
        return tuple(round(i * self.step, 12) + 0.0 for i in range(first, last + 1))


def level_scale(top: float, start: float, end: float, count: int = 5) -> Scale:
    """An axis from 0 to the first tick at or above `top` (> 0), with about `count` steps."""
    step = nice_step(top / count)
    return Scale(0.0, step * math.ceil(top / step - 1e-9), start, end, step)


def time_scale(low_h: float, high_h: float, start: float, end: float, count: int = 10) -> tuple[Scale, str, float]:
    """An axis that spans `low_h`..`high_h`, its unit (`h` or `d`) and the hours in it, with at most `count` steps."""
    if not high_h > low_h:
        high_h = low_h + 1.0
    span = high_h - low_h
    unit, hours, steps = ("d", 24.0, DAY_STEPS) if span > DAYS_FROM_H else ("h", 1.0, HOUR_STEPS)
    wanted = span / hours / count
    step = next((s for s in steps if s >= wanted), None) or nice_step(wanted)
    return Scale(low_h / hours, high_h / hours, start, end, step), unit, hours


def nice_step(wanted: float) -> float:
    """The smallest of 1, 2, 2.5, 5 times a power of ten that is not below `wanted` (> 0)."""
    power = 10.0 ** math.floor(math.log10(wanted))
    return next(s * power for s in STEPS if s * power >= wanted * (1 - 1e-9))


def tick_texts(scale: Scale) -> tuple[str, ...]:
    """The ticks' labels, all with the decimals that the step needs."""
    decimals = next((d for d in range(8) if abs(round(scale.step, d) - scale.step) < 1e-9 * scale.step), 8)
    return tuple(f"{t:.{decimals}f}".replace("-", "−") for t in scale.ticks)


def finite_runs(xs: Sequence[float], ys: Sequence[float]) -> list[list[tuple[float, float]]]:
    """A curve as its unbroken pieces: a point that is not finite ends one."""
    runs: list[list[tuple[float, float]]] = [[]]
    for x, y in zip(xs, ys, strict=True):
        if math.isfinite(x) and math.isfinite(y):
            runs[-1].append((float(x), float(y)))
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]
