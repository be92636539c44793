"""The JSON case read into a subject: times become hours, units canonical, and what was understood is noted."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from individose.app.actions.occasions import begun
from individose.app.schemas.case import CaseDocument, CovariateEntry, DoseEntry, LevelEntry, TargetEntry
from individose.app.schemas.clock import Clock, clock
from individose.app.schemas.faults import parse, shown, validate
from individose.base import IndividoseError, InputError, UnitError
from individose.base.units import convert
from individose.drugs import Target, covariate
from individose.drugs import card as load_card
from individose.events import Dose, Level, Number, Reading, Subject, subject

Source = str | os.PathLike[str]

SAME_TIME_H = 1e-9
"""Two times closer than this (h) are one: they may have been computed from a start and an interval."""

METRIC_UNITS = {"trough": "mg/L", "average": "mg/L", "auc": "mg.h/L", "auc24": "mg.h/L"}
"""Canonical unit of each target metric of the format."""


@dataclass(frozen=True)
class Case:
    """One patient, and what the document says of the drug, the card's id and the target (None where it says nothing)."""

    subject: Subject
    card: str | None = None
    drug: str | None = None
    target: Target | None = None
    note: str = ""


def read_case(source: Source) -> Subject:
    """The patient of a JSON case; see `read_case_file`, which keeps what the document says of card and target."""
    return read_case_file(source).subject


def read_case_file(source: Source, card: str | None = None) -> Case:
    """A JSON case (format `case/1`).

    **Arguments:** `source` is a path, or the JSON text itself; `card` is the card to be used, if it is not the
    document's: it gives the molar mass for molar units.

    **Raises:** `InputError` with the path in the document (`doses[2].amount`); `UnitError` for a unit that is unknown
    or cannot be converted.
    """
    text, what = _text(source)
    document = validate(CaseDocument, parse(text, what), "case/1")
    drug = _drug(document)
    molar_mass = _molar_mass(document, card)
    hours = clock(dict(_times(document)), document.time_unit)
    doses = [d for i, one in enumerate(document.doses) for d in _doses(one, f"doses[{i}]", document, hours, molar_mass)]
    levels = [_level(one, f"levels[{i}]", hours, molar_mass) for i, one in enumerate(document.levels)]
    first = min(d.time_h for d in doses)
    for i, one in enumerate(levels):
        _require_dose(one, document.levels[i], f"levels[{i}]", first, any(d.steady_state for d in doses))
    doses, levels, notes = _meet(doses, levels)
    start = min(e.time_h for e in (*doses, *levels))
    found = subject(document.id, doses=doses, levels=levels, covariates=_readings(document, hours, start))
    found = replace(begun(found, _occasions(document, hours, start)), notes=(*hours.notes, *notes))
    target = _target(document.target, molar_mass) if document.target else None
    return Case(found, document.card, drug, target, document.note or "")


def _text(source: Source) -> tuple[str, str]:
    """The text, and what to call it in errors."""
    if isinstance(source, str) and (source.lstrip()[:1] in ("{", "[") or not source.strip() or "\n" in source):
        return source.removeprefix("\ufeff"), "the case"
    try:
        return Path(source).read_text(encoding="utf-8-sig"), f"the case {Path(source).name}"
    except UnicodeDecodeError as error:
        raise InputError(
            f"the case {source} is not UTF-8 text (byte {error.start})",
            "JSON is UTF-8",
            "RFC 8259",
            "Save it as UTF-8.",
        ) from None
    except OSError as error:
        raise InputError(
            f"the case {source} cannot be read: {error.strerror or error}",
            "a path of a JSON file",
            remedy="Check the path.",
        ) from None


def _drug(document: CaseDocument) -> str | None:
    of_card = document.card.partition("/")[0] if document.card else None
    if document.drug and of_card and document.drug != of_card:
        raise InputError(
            f'drug is "{document.drug}" and card is "{document.card}"',
            "a card of the drug that was given",
            "a card's id begins with its drug",
            "Correct one of them.",
        )
    return document.drug or of_card


def _molar_mass(document: CaseDocument, card: str | None) -> float | None:
    """The drug's molar mass (g/mol), looked up only where a unit needs it."""
    target = (document.target,) if document.target else ()
    molar = any("mol" in one.unit for one in (*document.doses, *document.levels, *target))
    named = card or document.card or document.drug
    return load_card(named).molar_mass_g_mol if molar and named else None


def _times(document: CaseDocument) -> Iterator[tuple[str, float | str]]:
    for name in ("doses", "levels", "covariates"):
        for i, one in enumerate(getattr(document, name)):
            if one.time is not None:
                yield f"{name}[{i}].time", one.time
    for i, time in enumerate(document.occasions):
        yield f"occasions[{i}]", time


def _doses(one: DoseEntry, place: str, document: CaseDocument, hours: Clock, molar_mass: float | None) -> list[Dose]:
    """Every dose of an entry, written out, so that a level at the time of any of them can be put before it."""
    amount = _converted(one.amount, one.unit, "mg", f"{place}.amount", molar_mass)
    duration = _span(one.duration, one.duration_unit, one.duration_h, f"{place}.duration", document) or 0.0
    every = _span(one.every, one.every_unit, one.every_h, f"{place}.every", document)
    worn = _span(one.worn, one.worn_unit, one.worn_h, f"{place}.worn", document) or 0.0
    if worn and duration:
        raise InputError(
            f"{place} is worn for {worn:g} h and takes {duration:g} h",
            "one of them",
            "a patch holds its dose when it is put on; an infusion is not taken off",
            "Leave one of them out.",
        )
    repeated = one.steady_state or one.count is not None
    if repeated and every is None:
        raise InputError(
            f"{place}.every is missing and {'steady_state is true' if one.steady_state else f'count is {one.count}'}",
            "a repeated dose needs the time between two doses",
            "case/1",
            'Add "every" with its unit, or "every_h".',
        )
    if every is not None and not repeated:
        raise InputError(
            f"{place}.every is given and count is missing",
            "how many doses there were, or that a steady state had been reached",
            "case/1",
            'Add "count" (the first dose included), or "steady_state": true.',
        )
    start = hours.hours[f"{place}.time"]
    if every is not None and duration > every:
        raise InputError(
            f"{place} takes {duration:g} h and is repeated every {every:g} h",
            "a dose ends before the next begins",
            "case/1",
            "Correct the duration or the interval.",
        )
    first = Dose(start, amount, duration, one.into, removed_after_h=worn)
    plain = [replace(first, time_h=start + i * (every or 0.0)) for i in range(one.count or 1)]
    if not one.steady_state:
        return plain
    return [replace(plain[0], interval_h=every or 0.0, steady_state=1), *plain[1:]]


def _span(
    value: float | None, unit: str | None, in_hours: float | None, place: str, document: CaseDocument
) -> float | None:
    """A length of time in h, given in a unit or in hours."""
    if value is None:
        if unit is not None:
            raise InputError(f'{place}_unit is "{unit}" and {place} is missing', "both or neither", "case/1", "Add it.")
        return in_hours
    if in_hours is not None:
        raise InputError(
            f"{place} is {value:g} and {place}_h is {in_hours:g}", "one of them", "case/1", "Leave one of them out."
        )
    if unit is None and document.time_unit is None:
        raise InputError(
            f"{place} is {value:g} and {place}_unit is missing",
            "a length of time needs a unit, as in min",
            "case/1; the document has no time_unit either",
            f'Add "{place.rpartition(".")[2]}_unit".',
        )
    return _converted(value, unit or document.time_unit or "h", "h", place, None)


def _level(one: LevelEntry, place: str, hours: Clock, molar_mass: float | None) -> Level:
    if one.below_limit and one.above_limit:
        raise InputError(
            f"{place} has below_limit and above_limit",
            "one of them",
            "a level lies on one side of a limit",
            "Correct it.",
        )
    value = _converted(one.value, one.unit, "mg/L", f"{place}.value", molar_mass)
    censoring = "below" if one.below_limit else "above" if one.above_limit else "none"
    return Level(hours.hours[f"{place}.time"], value, one.analyte, censoring)


def _require_dose(level: Level, written: LevelEntry, place: str, first_h: float, steady: bool) -> None:
    """Refuses a level drawn before any dose, or at the very time of the first unless that is at steady state."""
    same = abs(level.time_h - first_h) <= SAME_TIME_H
    if level.time_h > first_h + SAME_TIME_H or level.censoring == "below" or (same and steady):
        return
    how = "is that of the first dose, and it was drawn before it" if same else "comes before the first dose"
    raise InputError(
        f"{place}.time is {shown(written.time)}, which {how}",
        "a measured level needs a dose before it",
        "the model's level is zero until the first dose",
        "Enter the earlier doses (or steady_state), correct the time, or leave the level out.",
    )


def _meet(doses: list[Dose], levels: list[Level]) -> tuple[list[Dose], list[Level], list[str]]:
    """Levels drawn at the time of a dose put before it, and a note for each.

    A steady state begins one interval before its first dose where a level was drawn at that dose, so that this level
    is the trough of the steady state.
    """
    notes: list[str] = []
    moved: list[Level] = []
    for level in sorted(levels, key=lambda one: one.time_h):
        at = next((d for d in doses if abs(d.time_h - level.time_h) <= SAME_TIME_H), None)
        if at is not None:
            level = replace(level, time_h=at.time_h)
            notes.append(
                f"The level at {at.time_h:g} h was taken as drawn just before the dose of that time (a trough)."
            )
            if at.steady_state:
                doses = [*_one_before(at), *(d for d in doses if d is not at)]
        moved.append(level)
    return doses, moved, notes


def _one_before(dose: Dose) -> tuple[Dose, Dose]:
    """A dose at steady state as the one before it at steady state, and itself."""
    return replace(dose, time_h=dose.time_h - dose.interval_h), replace(dose, steady_state=0, interval_h=0.0)


def _occasions(document: CaseDocument, hours: Clock, start_h: float) -> list[float]:
    """When each further occasion begins, h: after the first record, and ascending."""
    last_h = start_h
    found: list[float] = []
    for i, written in enumerate(document.occasions):
        time_h = hours.hours[f"occasions[{i}]"]
        if time_h <= last_h + SAME_TIME_H:
            raise InputError(
                f"occasions[{i}] is {_time(written)}, which is not after "
                + ("the first dose or level" if i == 0 else f"occasions[{i - 1}] ({_time(document.occasions[i - 1])})"),
                "times that ascend, each of which begins a further occasion",
                "the first occasion begins with the record",
                "Correct the order, or leave it out.",
            )
        found.append(time_h)
        last_h = time_h
    return found


def _time(written: float | str) -> str:
    return shown(written) if isinstance(written, str) else f"{written:g}"


def _readings(document: CaseDocument, hours: Clock, start_h: float) -> list[Reading]:
    """Readings in order of time; those of one time are one reading, and those without time hold from `start_h` on."""
    at: dict[float, dict[str, Number]] = defaultdict(dict)
    for i, one in enumerate(document.covariates):
        place = f"covariates[{i}]"
        name, value = _covariate(one, place)
        time_h = hours.hours.get(f"{place}.time", start_h)
        if name in at[time_h]:
            raise InputError(
                f"{place} gives {name} a second time at {time_h:g} h",
                "one value for each covariate and time",
                "one of the two would be lost",
                "Leave one out, or give their times.",
            )
        at[time_h][name] = value
    return [Reading(time_h, at[time_h]) for time_h in sorted(at)]


def _covariate(one: CovariateEntry, place: str) -> tuple[str, Number]:
    """The registered name, and the value in the register's unit (a label as it is registered)."""
    try:
        entry = covariate(one.name)
        if isinstance(one.value, bool | str):
            if one.unit is not None and entry.kind != "continuous":
                raise InputError(
                    f'unit is "{one.unit}"', f"{entry.name} has no unit", "the register of covariates", "Leave it out."
                )
            entry.check(one.value)
            label = entry.label(one.value) if isinstance(one.value, str) else None
            return entry.name, label if label is not None else float(one.value)
        if one.unit is None and entry.unit != "1":
            raise InputError(
                f"unit is missing and value is {shown(one.value)}",
                f"{entry.name} has a unit, such as {entry.unit}",
                "the register of covariates; individose never guesses a unit",
                f'Add "unit": "{entry.unit}", if that is what it is in.',
            )
        if entry.unit == "Cel" and one.unit != "Cel":  # degrees differ by an offset too
            raise UnitError(
                f'unit is "{one.unit}"', f"{entry.name} is read in Cel", "the register", "Convert the value."
            )
        value = convert(one.value, one.unit or "1", entry.unit, entry.name, entry.molar_mass_g_mol)
        entry.check(value)
    except InputError as error:
        raise _at(place, error) from None
    return entry.name, value


def _target(one: TargetEntry, molar_mass: float | None) -> Target:
    unit = METRIC_UNITS[one.metric]
    low, high = (_converted(getattr(one, end), one.unit, unit, f"target.{end}", molar_mass) for end in ("low", "high"))
    best = _converted(one.best, one.unit, unit, "target.best", molar_mass) if one.best is not None else None
    if not low < high or (best is not None and not low <= best <= high):
        raise InputError(
            f"target is {one.low:g} to {one.high:g} {one.unit}"
            + (f", best {one.best:g}" if one.best is not None else ""),
            "low is below high, and best between them",
            "a range runs upwards",
            "Correct it.",
        )
    return Target(one.metric, low, high, unit, "stated in the case", best)


def _converted(value: float, unit: str, wanted: str, place: str, molar_mass: float | None) -> float:
    try:
        return convert(value, unit, wanted, place, molar_mass)
    except UnitError as error:
        raise error if error.arrived.startswith(place) else _at(place, error) from None


def _at(place: str, error: IndividoseError) -> InputError:
    """The same error, beginning with the path in the document."""
    kind = type(error) if isinstance(error, InputError) else InputError
    return kind(f"{place}: {error.arrived}", error.allowed, error.because, error.remedy)
