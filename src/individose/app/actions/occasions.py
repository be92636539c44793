"""Occasions of a regimen: periods of dosing, each with random effects of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from individose.base import InputError
from individose.drugs import Card
from individose.events import Event, Level, Reading, Reset, Subject
from individose.prediction.timeline import OCCASION


def with_occasions(patient: Subject, starts_h: Sequence[float], card: Card) -> Subject:
    """The patient with a new occasion from each of `starts_h` (h, ascending) on; a dose at such a time belongs to it.

    A record's occasion holds on the interval that ends there (NONMEM's rule), so each start has two readings: the
    occasion that ends, and the one that begins.

    **Raises:** `InputError` for a card without variability between occasions, times that do not ascend, a patient whose
    record names occasions or whose clock restarts.
    """
    starts = [float(t) for t in starts_h]
    if not any(effect.level == "occasion" for effect in card.effects):
        raise InputError(
            f"occasions begin at {', '.join(f'{t:g}' for t in starts)} h, and {card.id} does not vary between occasions",
            "a card with an effect of the level 'occasion'",
            "the card's [variability]",
            "Leave the occasions out, or use a card that has such an effect.",
        )
    if not np.isfinite(starts).all() or any(b <= a for a, b in pairwise(starts)):
        raise InputError(
            f"occasions begin at {', '.join(f'{t:g}' for t in starts)} h", "times in h, each later than the one before"
        )
    if any(OCCASION in one.values for one in patient.readings) or any(
        isinstance(e, Reset) and e.restarts for e in patient.events
    ):
        raise InputError(
            f"occasions were given for patient {patient.id}, whose record names occasions or restarts its clock",
            "occasions from one source, on one clock",
            remedy="Write the occasions into the record's OCC.",
        )
    return begun(patient, starts)


def begun(patient: Subject, starts_h: Sequence[float]) -> Subject:
    """The patient with readings of the occasion; see `with_occasions`, which checks what is asked.

    What was read or drawn at the time at which an occasion begins belongs to the one before: a level there is its trough.
    """
    events: list[Event] = list(patient.events)
    for number, start in enumerate(starts_h, start=1):
        place = next((i for i, e in enumerate(events) if e.time_h >= start - SAME_TIME_H), len(events))
        # what else was read at this time comes first: a covariate missing from a reading is carried across it
        while place < len(events) and isinstance(events[place], Reading | Level) and _same(events[place], start):
            place += 1
        time_h = events[place].time_h if place < len(events) and _same(events[place], start) else start
        events[place:place] = [Reading(time_h, {OCCASION: number}), Reading(time_h, {OCCASION: number + 1})]
    return replace(patient, events=tuple(events))


SAME_TIME_H = 1e-9
"""Two times closer than this (h) are one."""


def _same(event: Event, time_h: float) -> bool:
    return abs(event.time_h - time_h) <= SAME_TIME_H
