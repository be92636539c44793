"""Covariates that run linearly between their readings: when they change, and the pieces of time that follow them.

The closed forms need constant parameters, so a stretch over which a covariate changes is cut into pieces, and each piece
takes the covariate of its mid-time: the exponential midpoint rule, of second order in the length of a piece (Blanes et al.
2009, Phys Rep 470:151-238). The line is level before the first reading and after the last, and is not drawn across a
clock that restarts, since how long that took is not known.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

CHANGE = 0.005
"""How much a covariate may change over one piece, relative to its smaller end; what that costs: docs/theory/events.md."""

MOST = 64
"""Pieces of one stretch, whatever the change."""


class Course(NamedTuple):
    """Readings of one covariate in the order of the record; `time_h` on the line. Of two at one time, the later counts
    from that time on."""

    time_h: Sequence[float]
    value: Sequence[float]


class Slopes(NamedTuple):
    """Where covariates run.

    - `begin_h`, `end_h`: stretches over which any of them changes, in order.
    - `breaks_h`: times at which a piece has to begin.
    """

    begin_h: tuple[float, ...] = ()
    end_h: tuple[float, ...] = ()
    breaks_h: tuple[float, ...] = ()

    def runs_at(self, time_h: float) -> bool:
        """Whether any covariate is changing just after a time."""
        place = bisect_right(self.begin_h, time_h) - 1
        return place >= 0 and time_h < self.end_h[place]


def slopes(courses: Sequence[Course], restarts_h: Sequence[float], change: float = CHANGE) -> Slopes:
    """The stretches over which covariates change, cut into pieces of at most `change` each; none where nothing changes."""
    if all(len(set(course.value)) < 2 for course in courses):
        return Slopes()
    begins, ends, breaks = list[float](), list[float](), set(restarts_h)
    for run in range(len(restarts_h) + 1):
        here = [_of_run(course, restarts_h, run) for course in courses]
        knots = sorted({time for course in here for time in _knots(course)})
        breaks.update(knots)
        for begin, end in pairwise(knots):
            pieces = max(_pieces(_after(course, begin), _before(course, end), change) for course in here)
            if pieces:
                begins.append(begin)
                ends.append(end)
                breaks.update(begin + (end - begin) * (i / pieces) for i in range(1, pieces))
    return Slopes(tuple(begins), tuple(ends), tuple(sorted(breaks)))


def along(course: Course, restarts_h: Sequence[float], at_h: Sequence[float]) -> Float[np.ndarray, " times"]:
    """The covariate at times of the line. A run of the clock without a reading goes on with the last one before it."""
    known, value, at = np.array(course.time_h), np.array(course.value), np.array(at_h)
    of_known, of_at = (np.searchsorted(np.array(restarts_h), x, side="right") for x in (known, at))
    found = np.empty(len(at))
    for run in np.unique(of_at):
        mine, before = of_known == run, value[of_known < run]
        if mine.any():
            found[of_at == run] = np.interp(at[of_at == run], known[mine], value[mine])
        else:
            found[of_at == run] = before[-1] if len(before) else value[0]
    return found


def _of_run(course: Course, restarts_h: Sequence[float], run: int) -> Course:
    low = restarts_h[run - 1] if run else -math.inf
    high = restarts_h[run] if run < len(restarts_h) else math.inf
    first, last = (bisect_left(course.time_h, time) for time in (low, high))
    return Course(course.time_h[first:last], course.value[first:last])


def _knots(course: Course) -> set[float]:
    """Times of the readings that differ from the one before or after."""
    pairs = pairwise(zip(course.time_h, course.value, strict=True))
    return {time for (t, a), (u, b) in pairs if a != b for time in (t, u)}


def _after(course: Course, time_h: float) -> float:
    return _between(course, bisect_right(course.time_h, time_h), time_h)


def _before(course: Course, time_h: float) -> float:
    return _between(course, bisect_left(course.time_h, time_h), time_h)


def _between(course: Course, place: int, time_h: float) -> float:
    """The value at a time between the readings `place` - 1 and `place`; 0 for a covariate without any."""
    times, values = course
    if not values:
        return 0.0
    if place in (0, len(times)):
        return values[0 if place == 0 else -1]
    share = (time_h - times[place - 1]) / (times[place] - times[place - 1])
    return values[place - 1] + share * (values[place] - values[place - 1])


def _pieces(first: float, last: float, change: float) -> int:
    if first == last:
        return 0
    smaller = min(abs(first), abs(last))
    relative = abs(last - first) / smaller if smaller > 0 else math.inf
    if math.isnan(relative):  # no number: the register says so when the value is read
        return 1
    return math.ceil(min(max(relative / change, 1.0), float(MOST)))
