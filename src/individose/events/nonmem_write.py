"""Subjects written as a NONMEM-style table that reads back as the same subjects."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TextIO

from individose.base.errors import InputError
from individose.events.nonmem_cells import MISSING
from individose.events.records import Dose, Event, Level, Number, Reading, Reset, Subject

Cells = dict[str, str]

ALWAYS = ("ID", "TIME", "EVID", "AMT")
WHEN_USED = ("RATE", "DUR", "WEAR", "CMT", "SS", "II", "ADDL")
LAST = ("DV", "MDV")
WHEN_MEASURED = ("CENS", "DVID")


def write_nonmem(subjects: Iterable[Subject], target: str | os.PathLike[str] | TextIO) -> None:
    """Write `subjects` to a path or an open text file (open it with `newline=""`), in canonical units: h, mg, mg/L.

    Each event is a row, with the covariates last read before it; a reading without an event of its time becomes a row
    with EVID 2. An infusion has RATE, for other programs, and DUR, which `read_nonmem` prefers: an amount divided by
    RATE need not give the duration back to the last digit. A patch has WEAR, the hours until it is taken off with what it
    still holds: NONMEM has no such column, and in another program a model must read it. What a subject read from a table
    holds is kept exactly, its notes aside.

    **Raises:** `InputError` for two subjects with one id, and for an id or a label that would read as missing.
    """
    rows: list[Cells] = []
    covariates: dict[str, None] = {}
    ids: set[str] = set()
    for subject in subjects:
        if subject.id in ids:
            error = InputError("two subjects have one id", "an id is one patient's", remedy="Rename one of them.")
            raise error.about(subject.id)
        ids.add(subject.id)
        labels = {value for reading in subject.readings for value in reading.values.values() if isinstance(value, str)}
        for text in (subject.id, *labels):
            _check_text(text)
        covariates |= {name: None for reading in subject.readings for name in reading.values}
        rows += [{"ID": subject.id, **row} for row in _rows(subject.events)]
    used = {column for row in rows for column in row}
    header = [
        *ALWAYS,
        *(column for column in WHEN_USED if column in used),
        *LAST,
        *(column for column in WHEN_MEASURED if column in used),
        *covariates,
    ]
    if isinstance(target, str | os.PathLike):
        with Path(target).open("w", encoding="utf-8", newline="") as file:
            _write(header, rows, file)
    else:
        _write(header, rows, target)


def _check_text(text: str) -> None:
    if text in MISSING or text != " ".join(text.split()) or text.startswith("#"):
        raise InputError(
            f"{text!r} stands for an id or a label",
            "a table's text is not blank, does not begin with # and has single blanks at most",
            "it would be read as missing, as a remark, or as other text",
            "Rename it.",
        )


def _write(header: list[str], rows: list[Cells], file: TextIO) -> None:
    writer = csv.DictWriter(file, header, restval=".", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def _rows(events: tuple[Event, ...]) -> Iterator[Cells]:
    """A row for each event; a reset, its reading and the dose of the same time are one row with EVID 4."""
    values: Mapping[str, Number] = {}
    at = 0
    while at < len(events):
        event = events[at]
        at += 1
        row: Cells = {}
        if isinstance(event, Reset):
            row = {"EVID": "3", "MDV": "1"}
            following = events[at] if at < len(events) else None
            if isinstance(following, Reading) and following.time_h == event.time_h:
                values = {**values, **following.values}
                at += 1
                following = events[at] if at < len(events) else None
            if isinstance(following, Dose) and following.time_h == event.time_h:
                row = _dose(following, "4")
                at += 1
        elif isinstance(event, Reading):
            values = {**values, **event.values}
            following = events[at] if at < len(events) else None
            if isinstance(following, Dose | Level | Reading) and following.time_h == event.time_h:
                continue
            row = {"EVID": "2", "MDV": "1"}
        elif isinstance(event, Dose):
            row = _dose(event, "1")
        else:
            row = _level(event)
        yield {"TIME": _text(event.time_h), "AMT": "0", **row, **{name: _text(value) for name, value in values.items()}}


def _dose(dose: Dose, evid: str) -> Cells:
    row = {"EVID": evid, "AMT": _text(dose.amount_mg), "MDV": "1"}
    if dose.modelled != "no":
        row["RATE"] = "-1" if dose.modelled == "rate" else "-2"
    elif dose.rate_mg_h:
        row["RATE"] = _text(dose.rate_mg_h)
    elif dose.duration_h:
        row["DUR"] = _text(dose.duration_h)
        if dose.keeps == "rate":
            row["RATE"] = _text(dose.amount_mg / dose.duration_h)
    if dose.removed_after_h:
        row["WEAR"] = _text(dose.removed_after_h)
    if dose.into is not None:
        row["CMT"] = _compartment(dose.into)
    if dose.steady_state:
        row["SS"] = str(dose.steady_state)
    if dose.interval_h:
        row["II"] = _text(dose.interval_h)
    if dose.additional:
        row["ADDL"] = str(dose.additional)
    return row


def _level(level: Level) -> Cells:
    row = {"EVID": "0", "DV": _text(level.value_mg_L), "MDV": "0"} if level.measured else {"EVID": "2", "MDV": "1"}
    if level.measured and level.censoring != "none":
        row["CENS"] = "1" if level.censoring == "below" else "-1"
    if level.compartment is not None:
        row["CMT"] = _compartment(level.compartment)
    if level.analyte is not None:
        row["DVID"] = level.analyte
    return row


def _compartment(name: str) -> str:
    number = name.removeprefix("cmt")
    return number if name.startswith("cmt") and number.isdigit() else name


def _text(value: Number) -> str:
    """The shortest text that reads back as the same number; a label as it is."""
    if isinstance(value, str):
        return value
    return "." if math.isnan(value) else repr(float(value)).removesuffix(".0")
