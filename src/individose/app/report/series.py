"""Doses that repeat, told as one line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from individose.app.report.notation import given
from individose.events import Dose

EVEN = 1e-6
"""Gaps that differ by less (relative) are equal."""

ABOUT = 0.15
"""Gaps within this of their median (relative) still read as one regimen, told with 'about' and every time."""


@dataclass(frozen=True)
class Series:
    """Alike doses in the order given; `gap_h` is 0 for a single dose."""

    doses: tuple[Dose, ...]
    gap_h: float = 0.0
    even: bool = True

    @property
    def text(self) -> str:
        """As in '3.5 mg every 12 h × 9'."""
        first = self.doses[0]
        if first.rate_mg_h:
            return f"{given(first.rate_mg_h)} mg/h, constant, until this time"
        if first.steady_state:
            return f"{_amount(first)} every {given(first.interval_h)} h, at steady state"
        if len(self.doses) == 1:
            return _amount(first)
        about = "" if self.even else "about "
        return f"{_amount(first)} {about}every {given(self.gap_h)} h × {len(self.doses)}"

    @property
    def times(self) -> str:
        """First and last time (h) of an even series; every time of one that is not."""
        times = [given(d.time_h) for d in self.doses]
        if len(times) > 2 and self.even:
            return f"{times[0]} to {times[-1]}"
        return ", ".join(times)


def fold(doses: Sequence[Dose]) -> tuple[Series, ...]:
    """Runs of three or more doses that are alike and nearly evenly spaced become one series; the others stay alone."""
    found: list[Series] = []
    start = 0
    while start < len(doses):
        end = _run_end(doses, start)
        run = tuple(doses[start:end])
        found.extend([_series(run)] if len(run) >= 3 else [Series((d,)) for d in run])
        start = end
    return tuple(found)


def _run_end(doses: Sequence[Dose], start: int) -> int:
    """Where the longest run of alike, nearly even doses from `start` ends (exclusive)."""
    end = start + 1
    gaps: list[float] = []
    while end < len(doses) and _kind(doses[end]) == _kind(doses[start]) and not doses[start].steady_state:
        gaps.append(doses[end].time_h - doses[end - 1].time_h)
        middle = median(gaps)
        if min(gaps) <= 0.0 or max(abs(g - middle) for g in gaps) > ABOUT * middle:
            break
        end += 1
    return end


def _kind(dose: Dose) -> tuple[object, ...]:
    how = (dose.duration_h, dose.removed_after_h, dose.into, dose.modelled, dose.rate_mg_h)
    return (dose.amount_mg, *how, dose.steady_state)


def _series(run: tuple[Dose, ...]) -> Series:
    gaps = [b.time_h - a.time_h for a, b in pairwise(run)]
    return Series(run, float(f"{median(gaps):.6g}"), max(gaps) - min(gaps) <= EVEN * max(gaps))


def _amount(dose: Dose) -> str:
    over = f" over {given(dose.duration_h)} h" if dose.duration_h else ""
    over += f" worn {given(dose.removed_after_h)} h" if dose.removed_after_h else ""
    modelled = {"no": "", "rate": " (rate by the model)", "duration": " (duration by the model)"}[dose.modelled]
    return f"{given(dose.amount_mg)} mg{over}{modelled}"
