"""The same history with levels drawn at other times: for asking what a wrong sampling time would change.

A level that moves crosses whatever lies between: a dose, a reading, a reset. So its new place is found in the record of
events, not on the clock alone, and the history is bound again with all new places in it at once, as times at which a
prediction is wanted. What follows for one of them is then a choice among the samples of those arrays.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from individose.events import Dose, Event, Level, Reset, expand_events
from individose.prediction.bind import Bound, bind
from individose.prediction.relation import NOTHING, Data
from individose.prediction.timeline import Sizes


@dataclass(frozen=True)
class Places:
    """A bound history with more sampling times in it than it has levels.

    `levels` is the row of each level of the history, in record order, `moved` that of each move (None where the move is
    impossible: no dose would lie before the level), `window` those of the start and the end asked for.
    """

    bound: Bound
    levels: tuple[int, ...]
    moved: tuple[int | None, ...]
    window: tuple[int, int] | None


def following(bound: Bound, beyond_h: float) -> tuple[Event, ...]:
    """The events of a history, every dose written out, to `beyond_h` hours after the last record."""
    events = bound.subject.events
    last_h = events[-1].time_h if events else 0.0
    return expand_events(events, last_h + beyond_h)


def places(
    bound: Bound, events: Sequence[Event], moves: Sequence[tuple[int, float]], window: tuple[int, float] | None = None
) -> Places:
    """The history with a sample for every move beside its own levels.

    A sample that moves to the very time of another record stays on the side it came from: a trough 15 min before a dose
    that was drawn 15 min later is still a trough.

    **Arguments:** `events` as `following` gives them; `moves` are (position of the level in `events`, hours later; negative:
    earlier); `window` is (position of an event at which a window of exposure starts, its length in h).
    """
    analyte = bound.relation.system.outputs[0]
    inserted: dict[int, list[Level]] = defaultdict(list)
    asked: list[Level | None] = []
    for origin, hours in moves:
        level = events[origin]
        assert isinstance(level, Level)
        copy = replace(level, time_h=level.time_h + hours, value_mg_L=math.nan, measured=False, censoring="none")
        place = _place(events, origin, copy.time_h)
        possible = _dosed(events, place) or not _dosed(events, origin)
        asked.append(copy if possible else None)
        if possible:
            inserted[place].append(copy)
    ends: list[Level] = []
    if window is not None:
        origin, hours = window
        start_h = events[origin].time_h
        ends = [Level(t, math.nan, analyte=analyte, measured=False) for t in (start_h, start_h + hours)]
        for one in ends:
            inserted[_place(events, origin, one.time_h)].append(one)
    merged: list[Event] = []
    for place in range(len(events) + 1):
        merged += sorted(inserted.get(place, ()), key=lambda e: e.time_h)
        merged += events[place : place + 1]
    subject = replace(bound.subject, events=tuple(merged))
    again = bind(bound.card, subject, extrapolate=True, censoring=bound.censoring, prior_weight=bound.prior_weight)
    row = {id(level): i for i, level in enumerate(again.line.levels)}
    return Places(
        again,
        tuple(row[id(e)] for e in events if isinstance(e, Level)),
        tuple(None if copy is None else row[id(copy)] for copy in asked),
        (row[id(ends[0])], row[id(ends[1])]) if ends else None,
    )


def _place(events: Sequence[Event], origin: int, time_h: float) -> int:
    """Before which event a sample of event `origin` stands when it is taken at `time_h`, within its run of the clock."""
    if time_h >= events[origin].time_h:
        for place in range(origin + 1, len(events)):
            event = events[place]
            if event.time_h >= time_h or (isinstance(event, Reset) and event.restarts):
                return place
        return len(events)
    for place in range(origin - 1, -1, -1):
        event = events[place]
        if event.time_h <= time_h or (isinstance(event, Reset) and event.restarts):
            return place + 1
    return 0


def _dosed(events: Sequence[Event], place: int) -> bool:
    """Whether a dose lies before `place`, with no reset after it."""
    for event in reversed(events[:place]):
        if isinstance(event, Dose):
            return True
        if isinstance(event, Reset):
            return False
    return False


def wanted(given: Data, rows: Sequence[int], samples: int) -> Data:
    """The arrays with the samples of `rows` only, in this order, filled up to `samples`; nothing is measured in the rest.

    **Arguments:** `given` are arrays of `Places.bound`.
    """
    chosen = np.array([*rows, *[rows[0] if rows else 0] * (samples - len(rows))])
    real = np.arange(samples) < len(rows)
    count = len(given.observed)

    def pick(x: Any) -> Any:
        return x[chosen] if x is not None and np.shape(x)[:1] == (count,) else x

    by_sample = ("observed", "measured", "additive", "proportional", "exponent", "nu", "convention")
    found = given._replace(**{name: pick(getattr(given, name)) for name in by_sample})
    found = found._replace(
        observed=np.where(real, found.observed, 1.0), measured=np.where(real, found.measured, NOTHING)
    )
    if given.schedule is not None:
        at = given.schedule
        picked = {name: pick(getattr(at, name)) for name in ("segment", "since_h", "output", "seen")}
        return found._replace(schedule=at._replace(**picked, sampled=real))
    assert given.history is not None
    at = given.history.samples
    picked = {name: pick(getattr(at, name)) for name in ("time_h", "order", "output", "seen")}
    return found._replace(history=given.history._replace(samples=at._replace(**picked, sampled=real)))


def arrays(found: Places, to: Sizes) -> Data:
    """The arrays of all samples, the other sizes being those of `to`."""
    doses, marks, _, pieces, infused, slots = to
    own = found.bound.sizes
    return found.bound.data((doses, marks, own[2], pieces, infused, slots))
