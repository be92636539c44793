"""The times of a document as hours: numbers in one unit, or date-times counted from the first of them.

Date-times with an offset are points on one line, so that a change to summer time moves nothing. Without offset they
are what one clock on the wall showed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from individose.base import InputError
from individose.base.units import convert

WITH_HOUR = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}")
"""A date-time as the format wants it begins like this; a date alone is no time."""

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Clock:
    """Hours by path of the document (`doses[0].time`), and how they were counted."""

    hours: Mapping[str, float]
    notes: tuple[str, ...] = ()


def clock(times: Mapping[str, float | str], unit: str | None) -> Clock:
    """Every time of a document in h.

    **Arguments:** `times` by path; `unit` is the document's time unit (UCUM), which numbers need. Date-times are counted
    from the earliest of `times`.

    **Raises:** `InputError` for numbers without unit, text that is no date-time, or a mixture of the kinds.
    """
    read = {place: _read(place, time) for place, time in times.items()}
    kinds: dict[str, str] = {}
    for place, time in read.items():
        kinds.setdefault(_kind(time), place)
    if len(kinds) > 1:
        (kind, place), (other, there) = list(kinds.items())[:2]
        raise InputError(
            f"{place} is {kind} ({times[place]}) and {there} {other} ({times[there]})",
            "all times of a document are of one kind",
            "the time between them could only be guessed",
            "Write all as numbers, all as date-times without offset, or all as date-times with offset.",
        )
    points = {place: time for place, time in read.items() if isinstance(time, datetime)}
    if points:
        start = min(points.values())
        said = [f"Times are hours from {start.isoformat(timespec='minutes')}."]
        if start.tzinfo is None:
            said.append(
                "The date-times have no offset from UTC: no change to or from summer time was taken into account."
            )
        return Clock({place: (time - start) / HOUR for place, time in points.items()}, tuple(said))
    numbers = {place: time for place, time in read.items() if isinstance(time, float)}
    if unit is None:
        place = next(iter(numbers))
        raise InputError(
            f"{place} is {times[place]} and time_unit is missing",
            "times that are numbers need a time_unit, as in h",
            "a number of hours and a number of days look alike",
            'Add "time_unit": "h" to the document, or write date-times.',
        )
    return Clock({place: convert(time, unit, "h", "time_unit") for place, time in numbers.items()})


def _read(place: str, time: float | str) -> float | datetime:
    if not isinstance(time, str):
        return float(time)
    try:
        if not WITH_HOUR.match(time):
            raise ValueError
        found = datetime.fromisoformat(time)
    except ValueError:
        raise InputError(
            f'{place} is "{time}"',
            "a date-time with its hour, as in 2024-05-01T08:30 or 2024-05-01T08:30+02:00, or a number",
            "ISO 8601; other orders of day and month cannot be told apart",
            "Write it in this form.",
        ) from None
    return found


def _kind(time: float | datetime) -> str:
    if isinstance(time, datetime):
        return "a date-time without offset" if time.tzinfo is None else "a date-time with offset"
    return "a number"
