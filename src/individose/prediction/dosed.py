"""Equations that read the dose or the time: what is known at each dose becomes a reading there, like a covariate.

`dose` is the amount of the latest dose record (mg), `time` the hours from the first dose (since the last reset) to the
latest one. Both hold from their dose until the next: the bioavailability of a dose is that of its own amount and time,
exactly, and everything else is constant between two doses. With carry = "linear" `time` runs on between the doses and is
followed by pieces (see `slopes`).
"""

from __future__ import annotations

from dataclasses import replace

from individose.base import InputError
from individose.drugs import CovariateUse
from individose.events import Dose, Event, Reading, Reset, Subject, expand_events


def with_doses_read(subject: Subject, uses: tuple[CovariateUse, ...]) -> Subject:
    """The subject with its doses written out and, before each, a reading of what the card wants to know of it.

    **Raises:** `InputError` for a subject without a dose.
    """
    if not uses:
        return subject
    wanted = {use.name for use in uses}
    found: list[Event] = []
    first_h: float | None = None
    for event in expand_events(subject.events):
        if isinstance(event, Reset):
            first_h = None
        if isinstance(event, Dose) and event.amount_mg > 0:
            first_h = event.time_h if first_h is None else first_h
            known = {"dose": event.amount_mg, "time": event.time_h - first_h}
            found.append(Reading(event.time_h, {name: x for name, x in known.items() if name in wanted}))
        found.append(event)
    if not any(isinstance(event, Reading) and wanted & set(event.values) for event in found):
        raise InputError(
            "no dose is given",
            "at least one dose (mg) in the history",
            f"equations of the card read {' and '.join(sorted(wanted))}",
            "Enter the dose that was given, or the one that is planned.",
        )
    if any(use.carry == "linear" for use in uses) and first_h is not None:
        found.append(Reading(found[-1].time_h, {"time": found[-1].time_h - first_h}))
    return replace(subject, events=tuple(found))
