"""What must hold for any patient's history before a model is asked about it, and the single doses it stands for."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable
from dataclasses import replace

from individose.base.errors import InputError
from individose.events.records import Dose, Event, Level, Reading, Reset, Subject

SAME_TIME_H = 1e-9
"""Two times closer than this (h) are one: an additional dose is placed at start + k * interval, which rounds."""


def check_history(subject: Subject, *, baseline: bool = False) -> None:
    """Refuse a history that no model can explain.

    **Arguments:** `baseline` True says that the model holds an endogenous baseline, so that a level may come before
    any dose.

    **Raises:** `InputError` naming the patient, for: a level measured before any dose (in record order, and again after
    each `Reset`; a level known only to lie below a limit is allowed there), a number that is not finite, an amount that
    is not positive, a steady state or additional doses without an interval, a time before the previous one without a
    `Reset` that restarts it.
    """
    try:
        _check_times(subject.events)
        for event in subject.events:
            _check_numbers(event)
        if not baseline:
            _check_dosed(subject.events)
    except InputError as error:
        raise error.about(subject.id) from None


def expand_events(events: Iterable[Event], horizon_h: float | None = None) -> tuple[Event, ...]:
    """The same history with every additional dose (NONMEM ADDL, II) as a dose of its own, in its place.

    NONMEM's rules: an additional dose stands before every record of the same time; it is never a steady-state dose; a
    `Reset` and a dose that sets a steady state (`steady_state` = 1) cancel those still to come.

    **Arguments:** `horizon_h`: time (h, on the clock of the last episode) up to which doses are given after the last
    record; None stops with the last record.
    """
    placed: list[Event] = []
    pending: list[tuple[float, int, int, Dose]] = []

    def give_until(limit_h: float) -> None:
        while pending and pending[0][0] <= limit_h + SAME_TIME_H:
            time_h, order, left, dose = heapq.heappop(pending)
            time_h = limit_h if abs(time_h - limit_h) <= SAME_TIME_H else time_h
            placed.append(replace(dose, time_h=time_h, additional=0, interval_h=0.0, steady_state=0))
            _schedule(pending, dose, order, left - 1)

    for order, event in enumerate(events):
        if isinstance(event, Reset):
            if not event.restarts:
                give_until(event.time_h - 2.0 * SAME_TIME_H)
            pending.clear()
        else:
            give_until(event.time_h)
        if isinstance(event, Dose):
            if event.steady_state == 1:
                pending.clear()
            if event.additional or (event.interval_h and not event.steady_state):
                interval_h = event.interval_h if event.steady_state else 0.0
                placed.append(replace(event, additional=0, interval_h=interval_h))
            else:
                placed.append(event)
            _schedule(pending, event, order, event.additional)
        else:
            placed.append(event)
    if horizon_h is not None:
        give_until(horizon_h)
    return tuple(placed)


def expand_doses(subject: Subject, horizon_h: float | None = None) -> tuple[Dose, ...]:
    """Every single dose of `subject`, in the order given; see `expand_events`, whose other records are left out."""
    return tuple(event for event in expand_events(subject.events, horizon_h) if isinstance(event, Dose))


def _schedule(pending: list[tuple[float, int, int, Dose]], first: Dose, order: int, left: int) -> None:
    """Put the next of the `left` additional doses of `first` on the heap; its time is counted from the first dose."""
    if left > 0:
        number = first.additional - left + 1
        heapq.heappush(pending, (first.time_h + number * first.interval_h, order, left, first))


def _check_times(events: Iterable[Event]) -> None:
    previous_h = -math.inf
    for event in events:
        if not math.isfinite(event.time_h):
            raise InputError(
                f"a {_noun(event)} has the time {event.time_h} h",
                "a time is a finite number of hours",
                remedy="Correct it.",
            )
        restarted = isinstance(event, Reset) and event.restarts
        if event.time_h < previous_h and not restarted:
            raise InputError(
                f"a {_noun(event)} at {event.time_h:g} h follows a record at {previous_h:g} h",
                "records are in order of time",
                "only a reset may start the time again",
                "Put the records in order of time, or mark a new period with a reset (EVID 3 or 4 in a table).",
            )
        previous_h = event.time_h


def _check_dosed(events: Iterable[Event]) -> None:
    dosed, period = False, "of the history"
    for event in events:
        if isinstance(event, Reset):
            dosed, period = False, f"after the reset at {event.time_h:g} h"
        elif isinstance(event, Dose):
            dosed = True
        elif isinstance(event, Level) and event.measured and event.censoring != "below" and not dosed:
            raise InputError(
                f"a level of {event.value_mg_L:g} mg/L at {event.time_h:g} h comes before any dose {period}",
                "a measured level needs a dose before it, in the order of the records",
                "without an endogenous baseline the model's level is zero until the first dose",
                "Enter the earlier doses (or a dose at steady state, SS=1), or leave the level out (MDV=1 in a table).",
            )


def _check_numbers(event: Event) -> None:
    match event:
        case Dose():
            _check_dose(event)
        case Level(measured=True) if not (math.isfinite(event.value_mg_L) and event.value_mg_L >= 0.0):
            raise InputError(
                f"the level at {event.time_h:g} h is {event.value_mg_L:g} mg/L",
                "a measured level is a finite number, 0 or more",
                "it is a concentration",
                "Correct it; below the limit of quantification, give the limit and censoring='below'.",
            )
        case Reading():
            for name, value in event.values.items():
                if not isinstance(value, str) and not math.isfinite(value):
                    raise InputError(
                        f"{name} at {event.time_h:g} h is {value}",
                        "a covariate is a finite number or a label",
                        remedy="Correct it, or leave it out of this reading.",
                    )
        case _:
            pass


def _check_dose(dose: Dose) -> None:
    constant = dose.rate_mg_h > 0.0 and dose.steady_state > 0 and dose.amount_mg == 0.0
    at = f"the dose at {dose.time_h:g} h"
    if not math.isfinite(dose.amount_mg) or (dose.amount_mg <= 0.0 and not constant):
        raise InputError(
            f"{at} has an amount of {dose.amount_mg:g} mg",
            "an amount is a finite number above 0",
            "a dose that was not given is no dose",
            "Correct the amount or remove the dose; a constant infusion at steady state has a rate_mg_h and no amount.",
        )
    others = (dose.duration_h, dose.interval_h, dose.rate_mg_h)
    if dose.additional < 0 or not all(math.isfinite(value) and value >= 0.0 for value in others):
        raise InputError(
            f"{at} has a duration of {dose.duration_h:g} h, an interval of {dose.interval_h:g} h, "
            f"a rate of {dose.rate_mg_h:g} mg/h and {dose.additional} additional doses",
            "none of them may be negative or infinite",
            remedy="Correct this dose.",
        )
    worn = dose.removed_after_h
    given_at_once = dose.duration_h == 0.0 and dose.modelled == "no" and not constant
    if not (math.isfinite(worn) and worn >= 0.0) or (worn > 0.0 and not given_at_once):
        raise InputError(
            f"{at} is taken off again after {worn:g} h" + ("" if given_at_once else ", and infused"),
            "a finite time, 0 or more, of a dose that is there at once (a patch)",
            "what is left of an input that is still running is not known",
            "Correct removed_after_h (WEAR in a table, worn in a case), or leave out the duration or rate.",
        )
    if dose.rate_mg_h > 0.0 and not constant:
        raise InputError(
            f"{at} has a rate of {dose.rate_mg_h:g} mg/h and an amount of {dose.amount_mg:g} mg",
            "rate_mg_h belongs to a constant infusion at steady state, whose amount is 0",
            "an infusion with an end has an amount and a duration",
            "Give amount_mg and duration_h = amount / rate.",
        )
    if dose.interval_h == 0.0 and (dose.additional > 0 or (dose.steady_state and not constant)):
        raise InputError(
            f"{at} is repeated ({'steady state' if dose.steady_state else f'{dose.additional} additional doses'}) "
            "with an interval of 0 h",
            "a repeated dose needs the time between two doses",
            "steady state and additional doses follow from it",
            "Give interval_h (II in a table).",
        )


def _noun(event: Event) -> str:
    return {Dose: "dose", Level: "level", Reading: "reading of covariates", Reset: "reset"}[type(event)]
