"""From a subject's events to the arrays of a history: doses, marks and samples on one line of time.

Doses with ADDL are written out and the whole is walked once in order. Each change of a covariate that the card reads
starts a new *piece* of time with parameters of its own, so that every record's covariates hold on the interval that ends
at that record (NONMEM's rule) or begins there, as the card says. A covariate that runs linearly is followed by pieces
of its own (see `slopes`). A clock that restarts goes on along the same line.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from individose.base import InputError
from individose.drugs import CovariateUse
from individose.events import Dose, Event, Level, Reading, Reset, Subject, expand_events
from individose.kinetics import Doses, Entry, History, Marks, Samples, System, padded
from individose.kinetics.arrange import GIVEN, MODELLED_DURATION, MODELLED_RATE, RATE_GIVEN, REMOVAL
from individose.prediction.reach import Ranges, reach
from individose.prediction.slopes import Course, Slopes, slopes

FIRST = -1e9
"""Order of the mark that begins the line, before every record of its time."""

OCCASION = "occasion"
"""The reading that says which occasion a record belongs to (OCC of a table)."""

LONG_AFTER_H = 1e15
"""No reset follows."""


class DoseRow(NamedTuple):
    """One dose into one compartment; see `kinetics.arrange.Doses`."""

    time_h: float
    order: float
    cut_h: float
    amount_mg: float
    duration_h: float
    how: int
    into: int
    kind: int
    interval_h: float
    piece: int


class MarkRow(NamedTuple):
    """A change of parameters (`piece` from there on), or a reset (`keeps` 0)."""

    time_h: float
    order: float
    piece: int
    keeps: float


class SampleRow(NamedTuple):
    """A wanted level; `seen` is the row of the parameters of its own time."""

    time_h: float
    order: float
    output: int
    seen: int


@dataclass
class Timeline:
    """A walked history, not yet padded; `samples` belong to `levels`, in record order.

    Row k of the parameters is a piece of time or, where a covariate runs linearly, a moment within a piece at which a dose or
    a sample takes place; the last row is the last piece, with the latest covariates. `begins[k]` counts the readings made up
    to the start of the piece, and `ends[k]` is the position of the reading that closes it (the count of all readings when
    none does). `moments_h[k]` is when a linear covariate is taken: at the middle of a piece (the start of the last, which is
    constant), at the record's own time. `linear` says whether the card has one, `read_h` when each reading was made,
    `restarts_h` when the clock restarted (all on the line).
    """

    doses: list[DoseRow] = field(default_factory=list)
    marks: list[MarkRow] = field(default_factory=list)
    samples: list[SampleRow] = field(default_factory=list)
    levels: list[Level] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    begins: list[int] = field(default_factory=lambda: [0])
    ends: list[int] = field(default_factory=list)
    moments_h: list[float] = field(default_factory=lambda: [0.0])
    linear: bool = False
    read_h: list[float] = field(default_factory=list)
    restarts_h: list[float] = field(default_factory=list)

    @property
    def infused(self) -> bool:
        modelled = (MODELLED_DURATION, MODELLED_RATE)
        return any((d.duration_h > 0 and d.how != REMOVAL) or d.how in modelled for d in self.doses)

    @property
    def worn(self) -> bool:
        """Whether anything is taken off again."""
        return any(dose.how == REMOVAL for dose in self.doses)


def walk(subject: Subject, system: System, covariates: tuple[CovariateUse, ...] = ()) -> Timeline:
    """The timeline of a subject in a system; a change of one of `covariates` starts a new piece: before the record's own
    event where the value runs forward from there, after it where the value belongs to the time before. Where one runs
    linearly and changes, pieces follow it.

    **Raises:** `InputError` for a dose into a compartment that the system lacks, or a level of an analyte that it lacks.
    """
    placed, restarts_h = _placed(expand_events(subject.events))
    running, steps = (tuple(use for use in covariates if (use.carry == "linear") is wanted) for wanted in (True, False))
    line = Timeline(linear=bool(running), restarts_h=restarts_h)
    slope = _slopes(placed, running, restarts_h)
    changes = _changing(subject.readings, tuple(use.name for use in steps))
    forward, backward = (any(use.carry == carry for use in steps) for carry in ("forward", "backward"))
    piece, begun_h, previous_h, pending, count, broken = 0, 0.0, 0.0, False, 0, 0

    def turn(time_h: float, order: float) -> None:
        """Ends the piece, and with it the moments within it, and begins the next."""
        nonlocal piece, begun_h
        closed_here = count > 0 and line.read_h[-1] == time_h
        line.ends += [count - 1 if closed_here else count] * (len(line.begins) - len(line.ends))
        line.moments_h[piece] = 0.5 * (begun_h + time_h)
        piece, begun_h = len(line.begins), time_h
        line.begins.append(count)
        line.moments_h.append(time_h)
        line.marks.append(MarkRow(time_h, order, piece, 1.0))

    def own(time_h: float) -> int:
        """The row of a record's own time: that of the piece, unless a covariate is running."""
        if not slope.runs_at(time_h):
            return piece
        last = len(line.begins) - 1
        if last == piece or line.moments_h[last] != time_h:
            line.begins.append(line.begins[piece])
            line.moments_h.append(time_h)
        return len(line.begins) - 1

    for order, (time_h, event) in enumerate(placed):
        if not line.marks:
            begun_h = line.moments_h[0] = time_h
            line.marks.append(MarkRow(time_h, FIRST, 0, 1.0))
        restarts = isinstance(event, Reset) and event.restarts
        if pending and (restarts or time_h > previous_h or isinstance(event, Reading)):
            turn(previous_h, order - 0.5)
            pending = False
        while broken < len(slope.breaks_h) and slope.breaks_h[broken] <= time_h:
            if order > 0:
                turn(slope.breaks_h[broken], order - 0.4)
            broken += 1
        match event:
            case Level():
                line.samples.append(SampleRow(time_h, float(order), _output(event, system), own(time_h)))
                line.levels.append(event)
            case Reading():
                line.readings.append(event)
                line.read_h.append(time_h)
                count += 1
                if changes[count - 1]:
                    previous_h = time_h
                    if forward:
                        turn(time_h, float(order))
                    pending = backward
            case Reset():
                line.marks.append(MarkRow(time_h, float(order), piece, 0.0))
            case Dose():
                line.doses.extend(_rows(event, system, time_h, float(order), own(time_h)))
    line.ends += [count] * (len(line.begins) - len(line.ends))
    line.moments_h[piece] = begun_h
    line.doses = _cut(line)
    return line


def _placed(events: Sequence[Event]) -> tuple[list[tuple[float, Event]], list[float]]:
    """Every event with its time on a line that never goes back, and the times there at which the clock restarted."""
    placed: list[tuple[float, Event]] = []
    restarts_h: list[float] = []
    offset_h, latest_h = 0.0, events[0].time_h if events else 0.0
    for event in events:
        if isinstance(event, Reset) and event.restarts:
            offset_h = latest_h + 1.0 - event.time_h
            restarts_h.append(event.time_h + offset_h)
        time_h = event.time_h + offset_h
        placed.append((time_h, event))
        latest_h = max(latest_h, time_h + (event.duration_h if isinstance(event, Dose) else 0.0))
    return placed, restarts_h


def _slopes(
    placed: Sequence[tuple[float, Event]], running: Sequence[CovariateUse], restarts_h: Sequence[float]
) -> Slopes:
    """Where the covariates that run linearly change; a value that is no number is left to the register to refuse."""
    courses: list[Course] = []
    for use in running:
        known = [(time, e.values[use.name]) for time, e in placed if isinstance(e, Reading) and use.name in e.values]
        courses.append(
            Course([time for time, _ in known], [math.nan if isinstance(v, str) else float(v) for _, v in known])
        )
    return slopes(courses, restarts_h)


def by_occasion(line: Timeline) -> list[int]:
    """The occasion of each piece, from 0 in the order in which the occasions come; one that returns keeps its number.

    By NONMEM's rule a record's occasion holds on the interval that ends at the record, as its other covariates do.
    Where no reading names an occasion, everything is one.
    """
    known = [(i, reading.values[OCCASION]) for i, reading in enumerate(line.readings) if OCCASION in reading.values]
    if not known:
        return [0] * len(line.ends)
    named = [next((v for i, v in known if i >= end), known[-1][1]) for end in line.ends]
    place = {name: i for i, name in enumerate(dict.fromkeys(named))}
    return [place[name] for name in named]


def _rows(dose: Dose, system: System, time_h: float, order: float, piece: int) -> list[DoseRow]:
    """One row for the named compartment, or one for each entry of the system."""
    entries = system.entries if dose.into is None else (Entry(_compartment(dose, system)),)
    rows: list[DoseRow] = []
    for entry in entries:
        modelled = dose.modelled if dose.modelled != "no" else entry.modelled
        amount, duration, interval = dose.amount_mg, dose.duration_h, dose.interval_h
        how = RATE_GIVEN if dose.keeps == "rate" else GIVEN
        if modelled != "no" and duration <= 0:
            how = MODELLED_DURATION if modelled == "duration" else MODELLED_RATE
        cut = LONG_AFTER_H
        if dose.rate_mg_h > 0 and amount <= 0:
            # a constant infusion at steady state ends at its record: as much every hour as it gives in an hour
            amount, duration, interval, cut = dose.rate_mg_h, 1.0, 1.0, time_h
        # one dose sets the steady state once: what else it consists of is added to that
        kind = 2 if rows and dose.steady_state else dose.steady_state
        row = DoseRow(time_h, order, cut, amount, duration, how, entry.compartment, kind, interval, piece)
        rows.append(row)
        if dose.removed_after_h > 0:
            rows.append(row._replace(how=REMOVAL, duration_h=dose.removed_after_h, kind=2 if kind else 0))
    return rows


def _cut(line: Timeline) -> list[DoseRow]:
    """Doses that end, at the latest, at the next reset or the next dose that sets a steady state."""
    resets = [(m.time_h, m.order) for m in line.marks if m.keeps == 0.0]
    resets += [(d.time_h, d.order) for d in line.doses if d.kind == 1]
    if not resets:
        return line.doses
    resets.sort()

    def cut(dose: DoseRow) -> float:
        after = (time for time, order in resets if (time, order) > (dose.time_h, dose.order))
        return min(dose.cut_h, next(after, LONG_AFTER_H))

    return [dose._replace(cut_h=cut(dose)) for dose in line.doses]


def _compartment(dose: Dose, system: System) -> int:
    index = system.index(dose.into or "")
    if index is None:
        raise InputError(
            f"a dose goes into compartment '{dose.into}'",
            f"the model has {', '.join(f'{i + 1} ({c})' for i, c in enumerate(system.compartments))}",
            f"its system is {system.name}",
            "Correct CMT, or leave it out to use the card's own.",
        )
    return index


def _output(level: Level, system: System) -> int:
    """Position of the analyte: by name, or by the compartment that was measured; the only one where there is one."""
    if len(system.outputs) == 1:
        return 0
    for word in (level.analyte, level.compartment):
        place = system.index(word) if word is not None else None
        name = word if place is None else system.compartments[place]
        if name in system.outputs:
            return system.outputs.index(name)
    said = f"analyte '{level.analyte}'" if level.analyte else "no analyte"
    raise InputError(
        f"the level at {level.time_h:g} h names {said}",
        f"the model predicts {', '.join(system.outputs)}",
        f"its system is {system.name}",
        "Say which was measured.",
    )


def _changing(readings: tuple[Reading, ...], covariates: tuple[str, ...]) -> list[bool]:
    """For each reading, whether one of the covariates differs from its value in the reading before or after."""
    changes = [False] * len(readings)
    for name in covariates:
        found = [(i, reading.values[name]) for i, reading in enumerate(readings) if name in reading.values]
        for (i, first), (j, second) in pairwise(found):
            if first != second:
                changes[i] = changes[j] = True
    return changes


Sizes = tuple[int, int, int, int, bool, int]
"""(doses, marks, samples, pieces, infused, slots of steady states): patients of equal sizes share a compiled program."""


def sizes(line: Timeline, system: System, ranges: Ranges) -> Sizes:
    """The padded sizes of a timeline, whose doses may be as late and run as long as `ranges` says (see `reach`)."""
    pieces = 1 if len(line.begins) == 1 else padded(len(line.begins))
    doses, marks, samples = (padded(len(rows)) for rows in (line.doses, line.marks, line.samples))
    return doses, marks, samples, pieces, line.infused, reach(line.doses, system, ranges)


def larger(one: Sizes, other: Sizes) -> Sizes:
    """The sizes that hold patients of either."""
    doses, marks, samples, pieces = (max(a, b) for a, b in zip(one[:4], other[:4], strict=True))
    return doses, marks, samples, pieces, one[4] or other[4], max(one[5], other[5])


def history(line: Timeline, system: System, to: Sizes) -> History:
    """The padded arrays of a timeline (numpy, float64). Padding comes at the end of the line and does nothing there."""
    doses, marks, samples, *_ = to
    end = max((row.time_h for rows in (line.doses, line.marks, line.samples) for row in rows), default=0.0)
    last = len(line.begins) - 1
    nothing = DoseRow(end, -FIRST, LONG_AFTER_H, 0.0, 0.0, GIVEN, 0, 0, 0.0, last)
    given = _columns([*line.doses, *[nothing] * (doses - len(line.doses))], "ffffFiiifi")
    keeps = np.array([m.keeps for m in line.marks] + [1.0] * (marks - len(line.marks)))
    marked = [*line.marks, *[MarkRow(end, -FIRST, last, 1.0)] * (marks - len(line.marks))]
    at = [*line.samples, *[SampleRow(end, -FIRST, 0, last)] * (samples - len(line.samples))]
    sampled = np.array([True] * len(line.samples) + [False] * (samples - len(line.samples)))
    mark_time, mark_order, mark_piece = _columns([m[:3] for m in marked], "ffi")
    wanted_time, wanted_order, output, seen = _columns(at, "ffii")
    return History(
        Doses(*given),
        Marks(mark_time, mark_order, mark_piece, np.repeat(keeps[:, None], system.size, axis=1)),
        Samples(wanted_time, wanted_order, output, sampled, seen if line.linear else None),
    )


def _columns(rows: list, kinds: str) -> list[np.ndarray]:
    return [
        np.array(column, dtype=np.int32 if kind == "i" else np.float64)
        for column, kind in zip(zip(*rows, strict=True), kinds, strict=True)
    ]
