"""What a figure of levels over time shows, before it is drawn anywhere."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from individose.app.actions.estimate import CaseResult, LevelRow
from individose.app.report.notation import given
from individose.app.report.sentences import curve_line
from individose.app.report.sheets import censoring
from individose.events import Dose

HEADROOM = 2.5
"""An interval or a target higher than this many times the curve and the levels is cut off, to keep the curve legible."""


@dataclass(frozen=True)
class Band:
    """A target range of levels (mg/L) and its name."""

    low: float
    high: float
    label: str


@dataclass(frozen=True)
class Point:
    """A measured level with its two predictions; `bound` is how it was censored (`none`, `below`, `above`)."""

    row: LevelRow
    bound: str


@dataclass(frozen=True)
class Picture:
    """Curves (mg/L) over time (h), measured levels, doses and target; `top` is the highest level that must be seen.

    `individual`, `low` and `high` are empty when the fit failed: then only the typical patient is drawn. Levels are in
    `unit`; `own` and `other` say whose the two curves are; `labels` name the doses, whose amounts do if there are none.
    """

    time_h: Sequence[float]
    typical: Sequence[float]
    individual: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]
    points: tuple[Point, ...]
    doses: tuple[Dose, ...]
    target: Band | None
    start_h: float
    end_h: float
    top: float
    interval: str
    unit: str = "mg/L"
    own: str = "this patient"
    other: str = "typical patient"
    labels: tuple[str, ...] = ()


def picture(result: CaseResult) -> Picture | None:
    """The picture of a result, or None where it has no curve (`curve_line` says why)."""
    if curve_line(result) or result.curve is None:
        return None
    curve, ok = result.curve, result.fit.status.ok
    points = tuple(Point(row, bound) for row, bound in zip(result.levels, censoring(result), strict=True))
    doses = result.doses
    target = _target(result)
    drawn = [*curve.typical, *(curve.individual if ok else ()), *(p.row.observed for p in points)]
    times = [*curve.time_h, *(p.row.time_h for p in points), *(d.time_h for d in doses)]
    return Picture(
        time_h=curve.time_h.tolist(),
        typical=curve.typical.tolist(),
        individual=curve.individual.tolist() if ok else (),
        low=curve.low.tolist() if ok else (),
        high=curve.high.tolist() if ok else (),
        points=points,
        doses=doses,
        target=target,
        start_h=min(t for t in times if math.isfinite(t)),
        end_h=max(t for t in times if math.isfinite(t)),
        top=_top(drawn, curve.high.tolist() if ok else (), target),
        interval=f"{100 * next(iter(result.parameters.values())).level:.3g} % interval"
        if result.parameters
        else "interval",
    )


def _target(result: CaseResult) -> Band | None:
    target = result.target
    if target is None or target.unit != "mg/L":
        return None
    return Band(target.low, target.high, f"target {target.metric} {given(target.low)} to {given(target.high)}")


def _top(drawn: Sequence[float], high: Sequence[float], target: Band | None) -> float:
    """The highest thing drawn, with room for the interval and the target as far as they are not out of proportion."""
    base = max((x for x in drawn if math.isfinite(x) and x > 0), default=target.high if target else 1.0)
    wanted = [base, *(min(x, HEADROOM * base) for x in high if math.isfinite(x))]
    if target:
        wanted += [min(target.high, HEADROOM * base), target.low]
    return 1.04 * max(wanted)
