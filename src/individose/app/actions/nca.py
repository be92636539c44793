"""Non-compartmental analysis of patients' own levels: which dose a level belongs to, and the parameters of each profile.

A profile is what was measured after one dose and up to the next. The analysis itself is in
`individose.inference.noncompartmental`, numpy alone; it is imported when called, because its room starts JAX.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from individose.base import InputError, Notice
from individose.events import Dose, Level, Reset, Subject, check_history, expand_events

if TYPE_CHECKING:
    from individose.inference.noncompartmental import Analysis, Profile, Route, Rules

GivenRoute = Literal["oral", "iv", "infusion"]
ROUTES: tuple[GivenRoute, ...] = ("oral", "iv", "infusion")
"""As a user says it; a dose `iv` without a duration is a bolus."""

SAME_TIME_H = 1e-9
"""Two times closer than this (h) are one."""

FEWEST = 3
"""Quantified levels after a dose from which on it is analysed beside others."""


@dataclass(frozen=True)
class DoseProfile:
    """What was measured after dose `number` (from 1, in the order given) of a patient, at `time_h` on their clock."""

    number: int
    time_h: float
    profile: Profile
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True)
class PatientAnalysis:
    """The analysis of one profile, and what to know of how the levels were understood."""

    id: str
    number: int
    time_h: float
    analysis: Analysis
    notices: tuple[Notice, ...]


@dataclass(frozen=True)
class RefusedPatient:
    """A patient whose record gives no profile, and why."""

    id: str
    error: InputError


@dataclass(frozen=True)
class NcaResult:
    """Every profile in the order of the patients, the rules they were analysed by, and who was refused."""

    rules: Rules
    profiles: tuple[PatientAnalysis, ...]
    refused: tuple[RefusedPatient, ...]


def nca(
    patients: Iterable[Subject],
    rules: Rules | None = None,
    *,
    route: GivenRoute | None = None,
    tau_h: float | None = None,
    progress: Callable[[int], None] | None = None,
) -> NcaResult:
    """Analyses every profile of every patient; one patient who is refused never stops the others.

    **Arguments:** as `profiles`; `progress` is called with the number of patients just done.
    """
    from individose.inference.noncompartmental import Rules, analyse

    rules = rules or Rules()
    found: list[PatientAnalysis] = []
    refused: list[RefusedPatient] = []
    for patient in patients:
        try:
            for one in profiles(patient, route=route, tau_h=tau_h):
                analysis = analyse(one.profile, rules)
                notices = (*one.notices, *analysis.notices)
                found.append(PatientAnalysis(patient.id, one.number, one.time_h, analysis, notices))
        except InputError as error:
            refused.append(RefusedPatient(patient.id, error))
        if progress is not None:
            progress(1)
    return NcaResult(rules, tuple(found), tuple(refused))


def profiles(
    patient: Subject, *, route: GivenRoute | None = None, tau_h: float | None = None
) -> tuple[DoseProfile, ...]:
    """The profiles of a patient: of every dose with three quantified levels before the next, or of that with most.

    **Arguments:**

    - `route`: None takes a dose with a duration as an infusion and refuses one without, which may be a bolus or oral.
    - `tau_h`: the levels are at steady state with this interval (h). It does not concern the first of several doses.
      None takes steady state and interval from the record (SS, II) and from doses that go on in the same rhythm.

    **Raises:** `InputError` for a record that gives no profile: no dose or no level after one, two analytes, two doses or
    two levels at one time, a duration that only a model knows, a steady state that is added or has run for ever.
    """
    check_history(patient, baseline=True)
    _check_levels(patient.levels)
    spans = _spans(patient, bolus=route == "iv")
    counts = [sum(_quantified(level) and level.time_h > span.dose.time_h for level in span.after) for span in spans]
    if not any(counts):
        raise InputError(
            f"{len(spans)} doses and {len(patient.levels)} levels were recorded, and no quantified level after a dose",
            "at least one",
            "parameters are read off the levels after a dose",
            "Check the times, and that doses and levels are of one patient.",
        )
    chosen = [k for k, n in enumerate(counts) if n >= FEWEST] or [counts.index(max(counts))]
    steady = _steady(spans, tau_h)
    return tuple(_profile(spans[k], _route(spans[k].dose, route), steady[k], len(spans)) for k in chosen)


@dataclass(frozen=True)
class _Span:
    """A dose (number from 1), its levels up to the next, those at its time recorded before it, the dose before it."""

    number: int
    dose: Dose
    after: tuple[Level, ...]
    at_dose: tuple[Level, ...]
    previous: Dose | None


def _spans(patient: Subject, bolus: bool) -> list[_Span]:
    """Every dose with its levels. A level at the time of the next dose ends a span, and begins the next one."""
    spans: list[_Span] = []
    before: list[Level] = []
    previous: Dose | None = None
    for event in expand_events(patient.events):
        if isinstance(event, Reset):
            before, previous = [], None
        elif isinstance(event, Dose):
            if previous is not None and abs(event.time_h - previous.time_h) < SAME_TIME_H:
                raise InputError(
                    f"two doses are given at {event.time_h:g} h",
                    "one dose at a time",
                    "a profile has one amount and one route",
                    "Add them up if they were given by the same route.",
                )
            same = tuple(level for level in before if abs(level.time_h - event.time_h) < SAME_TIME_H)
            spans.append(_Span(len(spans) + 1, event, (), same, previous))
            before, previous = [], event
        elif isinstance(event, Level) and event.measured:
            before.append(event)
            if previous is not None:
                spans[-1] = replace(spans[-1], after=(*spans[-1].after, event))
    return [_closed(span, spans[k + 1] if k + 1 < len(spans) else None, bolus) for k, span in enumerate(spans)]


def _closed(span: _Span, following: _Span | None, bolus: bool) -> _Span:
    """The span with a level at the time of the next dose that is recorded after that dose, as ADDL has it.

    After a bolus such a level is already the next one's.
    """
    if following is None or following.previous is not span.dose or (bolus and following.dose.duration_h == 0.0):
        return span
    late = [level for level in following.after if abs(level.time_h - following.dose.time_h) < SAME_TIME_H]
    if following.at_dose or not late:
        return span
    return replace(span, after=(*span.after, *late))


def _steady(spans: Sequence[_Span], tau_h: float | None) -> list[float | None]:
    """The dosing interval (h) of each dose that is at steady state."""
    found: list[float | None] = []
    for span in spans:
        dose, previous = span.dose, span.previous
        if dose.steady_state == 1 and not dose.rate_mg_h:
            if tau_h is not None and abs(dose.interval_h - tau_h) > SAME_TIME_H:
                raise InputError(
                    f"the interval is given as {tau_h:g} h, and the dose at {dose.time_h:g} h has II {dose.interval_h:g} h",
                    "one interval",
                    "exposure at steady state is that of one interval",
                    "Leave --tau out, or correct II.",
                )
            found.append(dose.interval_h)
        elif tau_h is not None and (previous is not None or len(spans) == 1):
            found.append(tau_h)
        elif previous is not None and found[-1] is not None and _goes_on(dose, previous, found[-1]):
            found.append(found[-1])
        else:
            found.append(None)
    return found


def _goes_on(dose: Dose, previous: Dose, tau_h: float) -> bool:
    same = (dose.amount_mg, dose.duration_h) == (previous.amount_mg, previous.duration_h)
    return same and abs(dose.time_h - previous.time_h - tau_h) < 1e-6 * tau_h


def _route(dose: Dose, route: GivenRoute | None) -> Route:
    at = f"the dose at {dose.time_h:g} h"
    if dose.steady_state == 2 or dose.rate_mg_h > 0.0:
        raise InputError(
            f"{at} is {'a constant infusion' if dose.rate_mg_h else 'added to a steady state (SS 2)'}",
            "a single dose, or one of a regular regimen at steady state",
            "a profile after anything else has no dose of its own",
            "Leave this patient to a model (estimate).",
        )
    if dose.modelled != "no" and route != "oral":
        raise InputError(
            f"{at} has a {dose.modelled} that a model gives (RATE -1 or -2)",
            "a duration in numbers",
            "there is no model here",
            "Give RATE or DUR, or say --route oral if it was not given into a vein.",
        )
    if route == "oral":
        return "extravascular"
    if dose.duration_h > 0.0:
        return "infusion"
    if route == "iv":
        return "bolus"
    if route == "infusion":
        raise InputError(
            f"{at} has no duration",
            "an infusion has one",
            "MRT is less half of it",
            "Give RATE or DUR, or say --route iv.",
        )
    raise InputError(
        f"{at} has no duration and no route was given",
        f"one of {', '.join(ROUTES)}",
        "a table does not tell a bolus from an oral dose, and their parameters differ",
        "Say --route.",
    )


def _profile(span: _Span, route: Route, tau_h: float | None, doses: int) -> DoseProfile:
    from individose.inference.noncompartmental import Profile

    dose = span.dose
    bolus = route == "bolus"
    levels = span.after if bolus else (*span.at_dose, *span.after)
    since = [level.time_h - dose.time_h for level in levels]
    troughs = [0.0 if level.censoring == "below" else level.value_mg_L for level in span.at_dose]
    notices: list[Notice] = []
    if tau_h is not None:
        notices.append(Notice("steady-state", f"The levels were taken as at steady state, every {tau_h:g} h.", "note"))
    elif span.previous is not None:
        said = "Earlier doses contribute to these levels, and no steady state was stated."
        notices.append(Notice("carry-over", said))
    if route == "extravascular" and dose.duration_h > 0.0:
        said = f"The duration of {dose.duration_h:g} h was not used: the route was given as oral."
        notices.append(Notice("duration-unused", said, "note"))
    if doses > 1:
        notices.append(Notice("dose", f"These are the levels after dose {span.number} of {doses}.", "note"))
    profile = Profile(
        time_h=np.array([0.0 if abs(t) < SAME_TIME_H else t for t in since]),
        concentration_mg_L=np.array([level.value_mg_L for level in levels]),
        quantified=np.array([_quantified(level) for level in levels]),
        dose_mg=dose.amount_mg,
        route=route,
        duration_h=dose.duration_h if route == "infusion" else 0.0,
        tau_h=tau_h,
        predose_mg_L=troughs[0] if bolus and troughs else None,
        carry_over=span.previous is not None and tau_h is None,
    )
    return DoseProfile(span.number, dose.time_h, profile, tuple(notices))


def _quantified(level: Level) -> bool:
    return level.censoring == "none" and level.value_mg_L > 0.0


def _check_levels(levels: Sequence[Level]) -> None:
    kinds = list(dict.fromkeys((level.analyte, level.compartment) for level in levels))
    if len(kinds) > 1:
        names = " and ".join(" ".join(part for part in kind if part) or "unnamed" for kind in kinds[:2])
        raise InputError(
            f"levels of {names} are recorded",
            "levels of one analyte, measured in one place",
            "a profile is one curve",
            "Keep one of them in the table (DVID, CMT).",
        )
    above = [level for level in levels if level.censoring == "above"]
    if above:
        raise InputError(
            f"the level at {above[0].time_h:g} h is only known to lie above {above[0].value_mg_L:g} mg/L",
            "quantified levels, or levels below a limit",
            "an area needs the height of the curve",
            "Enter the diluted measurement, or leave the level out (MDV 1).",
        )
