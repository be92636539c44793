"""NONMEM-style tables read into subjects, one broken patient never stopping the others."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, cast

from individose.base.errors import InputError
from individose.drugs import registers
from individose.events.nonmem_cells import MISSING, number, refused
from individose.events.nonmem_columns import Layout, lay_out
from individose.events.nonmem_covariates import Register
from individose.events.nonmem_rows import broken_row, dose, event_id, level
from individose.events.nonmem_text import Cells, Row, Source, read_sheet
from individose.events.records import Event, Number, Reading, Reset, Subject


@dataclass(frozen=True)
class Refusal:
    """A patient who could not be read: the first line that is wrong, and why (the error names the patient)."""

    id: str
    line: int
    error: InputError


@dataclass(frozen=True)
class Table:
    """What a table gave: the subjects in its order, the patients refused, and how its columns were understood."""

    subjects: tuple[Subject, ...]
    refused: tuple[Refusal, ...]
    notes: tuple[str, ...]


def scan_nonmem(
    source: Source,
    *,
    units: Mapping[str, str] | None = None,
    columns: Mapping[str, str] | None = None,
    ignore: Collection[str] = (),
    codes: Mapping[str, Mapping[str, str]] | None = None,
    molar_mass_g_mol: float | None = None,
    censored_below: Literal[1, -1] = 1,
    register: Register | None = None,
) -> Table:
    """Every patient of a NONMEM-style table who can be read, and a `Refusal` for every other one.

    The columns are ID TIME AMT DV and, as needed, RATE DUR WEAR EVID CMT SS II ADDL MDV CENS LLOQ DVID OCC and covariates by
    name or alias, in any case and order. A row's covariates become a `Reading` just before the row's own event (just
    after it where the event is a reset): by NONMEM's rule they apply to the interval that ends at the row.

    **Arguments:**

    - `source`: a path or an open text file; cells end at a comma, semicolon, tab or blank; `.`, NA, nothing: missing.
    - `units`: UCUM code by column, as in `{"TIME": "min", "AMT": "ug"}`. By default h, mg, mg/L and the register's;
      RATE is in AMT per TIME, II, DUR and WEAR are as TIME, LLOQ is as DV. The notes say what was assumed.
    - `columns`: the meaning of columns with other names, as in `{"BW": "weight"}`.
    - `ignore`: columns to leave out.
    - `codes`: labels by code by column, as in `{"SEX": {"0": "female", "1": "male"}}`; none is guessed.
    - `molar_mass_g_mol`: g/mol, for amounts or levels given in mol.
    - `censored_below`: the value of CENS that marks a level below its limit (Monolix and nlmixr2 write 1); its opposite
      marks one above.
    - `register`: the covariates known, by canonical name; the register of `individose.drugs` by default.

    **Raises:** `InputError` for a table that cannot be read at all: empty, no header, a column unknown or missing.
    """
    sheet = read_sheet(source)
    layout = lay_out(
        sheet.header,
        registers.covariates() if register is None else register,
        units=units or {},
        columns=columns or {},
        ignore=ignore,
        codes=codes or {},
        molar_mass_g_mol=molar_mass_g_mol,
        censored_below=censored_below,
    )
    read: dict[str, Subject | Refusal] = {}
    for id, rows in _blocks(sheet.rows, layout):
        read[id] = _patient(id, rows, layout) if id not in read else _second_block(id, rows[0][0])
    comments = (f"{sheet.commented} rows were commented out.",) if sheet.commented else ()
    return Table(
        tuple(one for one in read.values() if isinstance(one, Subject)),
        tuple(one for one in read.values() if isinstance(one, Refusal)),
        layout.notes + comments,
    )


def read_nonmem(
    source: Source,
    *,
    units: Mapping[str, str] | None = None,
    columns: Mapping[str, str] | None = None,
    ignore: Collection[str] = (),
    codes: Mapping[str, Mapping[str, str]] | None = None,
    molar_mass_g_mol: float | None = None,
    censored_below: Literal[1, -1] = 1,
    register: Register | None = None,
) -> list[Subject]:
    """The patients of a NONMEM-style table, all of them; arguments as in `scan_nonmem`.

    **Raises:** `InputError` as `scan_nonmem`, and for the first patient who cannot be read.
    """
    table = scan_nonmem(
        source,
        units=units,
        columns=columns,
        ignore=ignore,
        codes=codes,
        molar_mass_g_mol=molar_mass_g_mol,
        censored_below=censored_below,
        register=register,
    )
    if table.refused:
        raise table.refused[0].error
    return list(table.subjects)


def _blocks(rows: tuple[Row, ...], layout: Layout) -> Iterator[tuple[str, list[Row]]]:
    """Runs of rows with one ID. A row whose ID is missing stays with the patient above it, who is then refused."""
    at = layout.where["ID"]
    current, block = "", list[Row]()
    for row in rows:
        cells = row[1]
        found = cells[at] if at < len(cells) and cells[at] not in MISSING else current
        if found != current and block:
            yield current, block
            block = []
        current = found
        block.append(row)
    if block:
        yield current, block


def _patient(id: str, rows: list[Row], layout: Layout) -> Subject | Refusal:
    line = rows[0][0]
    events: list[Event] = []
    readings: list[int] = []
    try:
        values: Mapping[str, Number] = {}
        seen: Cells = ("",) * len(layout.covariates)
        previous_h = float("-inf")
        for line, cells in rows:
            error = broken_row(cells, layout, line)
            if error is not None:
                raise error
            if cells[layout.where["ID"]] in MISSING:
                raise refused(
                    line,
                    "the ID is missing",
                    "each row names its patient",
                    "a row without one is nobody's",
                    "Enter it.",
                )
            evid = event_id(cells, layout, line)
            time_h = _time(cells, layout, line, previous_h, evid)
            if evid >= 3:
                events.append(Reset(time_h, restarts=time_h < previous_h))
            previous_h = time_h
            if layout.covariates:
                found = tuple([cells[column.position] for column in layout.covariates])
                if found != seen:
                    values, seen = _covariates(values, seen, found, layout, line), found
                readings.append(len(events))
                events.append(Reading(time_h, values))
            if evid in (1, 4):
                events.append(dose(cells, layout, line, time_h))
            elif evid in (0, 2):
                events.append(level(cells, layout, line, time_h, observation=evid == 0))
    except InputError as error:
        return Refusal(id, line, cast(InputError, error.about(id)))
    return Subject(id, *_filled(events, readings, layout.notes))


def _time(cells: Cells, layout: Layout, line: int, previous_h: float, evid: int) -> float:
    time = number(cells[layout.where["TIME"]], "TIME", line)
    if time is None:
        raise refused(line, "TIME is missing", "each row has a time", "an event happens at a time", "Enter it.")
    time_h = time * layout.factors["TIME"]
    if time_h < previous_h and evid < 3:
        raise refused(
            line,
            f"TIME is {time_h:g} h after {previous_h:g} h, on a row with EVID {evid},",
            "time does not go backwards",
            "only a reset (EVID 3 or 4) may start it again",
            "Put the rows in order of time, or mark a new period with EVID 3 or 4.",
        )
    return time_h


def _covariates(
    before: Mapping[str, Number], seen: Cells, cells: Cells, layout: Layout, line: int
) -> Mapping[str, Number]:
    """The values of a row, those missing carried from the row before, whose cells are `seen`."""
    values = dict(before)
    for column, old, cell in zip(layout.covariates, seen, cells, strict=True):
        if cell != old and cell not in MISSING:
            values[column.entry.name] = column.value(cell, line)
    return values


def _filled(
    events: list[Event], readings: list[int], notes: tuple[str, ...]
) -> tuple[tuple[Event, ...], tuple[str, ...]]:
    """The events with every reading complete: a covariate missing in the first rows takes the first value found.

    A patient without any covariate has no readings.
    """
    found: dict[str, Number] = {}
    late: dict[str, float] = {}
    complete = 0
    for at in readings:
        reading = cast(Reading, events[at])
        if len(reading.values) > complete:
            late |= {name: reading.time_h for name in reading.values if name not in found and at != readings[0]}
            found |= {name: value for name, value in reading.values.items() if name not in found}
            complete = len(reading.values)
    if not found:
        empty = set(readings)
        return tuple(event for at, event in enumerate(events) if at not in empty), notes
    for at in readings if late else ():
        reading = cast(Reading, events[at])
        if len(reading.values) == len(found):
            break
        events[at] = Reading(reading.time_h, {**found, **reading.values})
    said = tuple(
        f"{name} is first known at {time_h:g} h; the rows before take that value." for name, time_h in late.items()
    )
    return tuple(events), notes + said


def _second_block(id: str, line: int) -> Refusal:
    error = refused(
        line,
        "the patient's rows begin again after another patient's",
        "a patient's rows stand together",
        "two blocks may be two patients with one ID, or one history cut in two",
        "Sort the rows by patient, or give each patient an ID of their own.",
    )
    return Refusal(id, line, cast(InputError, error.about(id)))
