"""From a subject's events to the arrays of a schedule.

Doses with ADDL are written out, infusions get an end, and the whole is walked once in order. Each covariate change
starts a new segment, so that every record's covariates hold on the interval that ends at that record (NONMEM's
rule) or begins there, as the card says.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from individose.base import InputError
from individose.drugs import CovariateUse
from individose.events import Dose, Level, Reading, Reset, Subject, expand_events
from individose.kinetics import Schedule, SteadyDoses, System, padded


class Item(NamedTuple):
    """One thing on the line: `episode` counts clock restarts, `order` is the place in the record."""

    episode: int
    time_h: float
    order: float
    what: Dose | Level | Reading | Reset | tuple[int, float]
    """A tuple is a change of input rate: (compartment, mg/h)."""


@dataclass(frozen=True)
class Timeline:
    """A walked history, not yet padded.

    `begins[k]` counts the readings made up to the start of segment k, and `ends[k]` is the position of the reading
    that closes it (the count of all readings when none does); `samples` are the levels in record order, measured or not.
    """

    span_h: list[float]
    keep: list[float]
    amount_mg: list[float]
    into: list[int]
    rates: list[tuple[float, ...]]
    steady: list[tuple[int, float, float, float]]
    segment: list[int]
    since_h: list[float]
    samples: list[Level]
    readings: list[Reading]
    begins: list[int]
    ends: list[int]

    @property
    def infused(self) -> bool:
        return any(any(rates) for rates in self.rates)

    @property
    def steadied(self) -> bool:
        return any(kind for kind, *_ in self.steady)


def walk(subject: Subject, system: System, covariates: tuple[CovariateUse, ...] = ()) -> Timeline:
    """The timeline of a subject in a system; a change of one of `covariates` starts a new segment: before the
    record's own event where the value runs forward from there, after it where the value belongs to the time before.

    **Raises:** `InputError` for a dose into a compartment that the system lacks, or one that no kernel of this
    version carries out (modelled rate or duration, steady state of an infusion longer than its interval).
    """
    items = _items(subject, system)
    line = Timeline([0.0], [1.0], [0.0], [0], [(0.0,) * system.size], [(0, 0.0, 0.0, 0.0)], [], [], [], [], [0], [])
    changes = _changing(subject.readings, tuple(use.name for use in covariates))
    forward = any(use.carry != "backward" for use in covariates)
    backward = any(use.carry == "backward" for use in covariates)
    anchor_h = items[0].time_h if items else 0.0
    episode, count, pending = 0, 0, False

    def begin(time_h: float, keep: float, amount: float, into: int, rates, steady=(0, 0.0, 0.0, 0.0)) -> None:
        nonlocal anchor_h, pending
        pending = False
        closed_here = count > 0 and line.readings[-1].time_h == time_h
        line.ends.append(count - 1 if closed_here else count)
        line.span_h.append(time_h - anchor_h)
        line.keep.append(keep)
        line.amount_mg.append(amount)
        line.into.append(into)
        line.rates.append(tuple(rates))
        line.steady.append(steady)
        line.begins.append(count)
        anchor_h = time_h

    for item in items:
        rates = list(line.rates[-1])
        if pending and (
            item.episode != episode or item.time_h > line.readings[-1].time_h or isinstance(item.what, Reading)
        ):
            begin(line.readings[-1].time_h, 1.0, 0.0, 0, rates)
        if item.episode != episode:
            episode, anchor_h = item.episode, item.time_h
        match item.what:
            case Level() as level:
                line.segment.append(len(line.span_h) - 1)
                line.since_h.append(item.time_h - anchor_h)
                line.samples.append(level)
            case Reading() as reading:
                line.readings.append(reading)
                count += 1
                if changes[count - 1]:
                    if forward:
                        begin(item.time_h, 1.0, 0.0, 0, rates)
                    pending = backward
            case Reset():
                begin(item.time_h, 0.0, 0.0, 0, (0.0,) * system.size)
            case Dose() as dose:
                into = _compartment(dose, system)
                steady = (dose.steady_state, dose.interval_h, dose.amount_mg, dose.duration_h)
                if dose.duration_h > 0:
                    rates[into] += dose.amount_mg / dose.duration_h
                    begin(item.time_h, 1.0, 0.0, into, rates, steady)
                else:
                    begin(item.time_h, 1.0, dose.amount_mg, into, rates, steady)
            case (into, change):
                rates[into] += change
                if abs(rates[into]) < 1e-12 * abs(change):
                    rates[into] = 0.0
                begin(item.time_h, 1.0, 0.0, 0, rates)
    line.ends.append(count)
    return line


def _items(subject: Subject, system: System) -> list[Item]:
    """Everything that happens, in order; additional doses and the ends of infusions put where their time says."""
    items: list[Item] = []
    episode, infused = 0, False
    for order, event in enumerate(expand_events(subject.events)):
        if isinstance(event, Reset) and event.restarts:
            episode += 1
        items.append(Item(episode, event.time_h, float(order), event))
        if isinstance(event, Dose):
            _refuse_unknown(event)
            if event.duration_h > 0:
                infused = True
                change = (_compartment(event, system), -event.amount_mg / event.duration_h)
                items.append(Item(episode, event.time_h + event.duration_h, -1.0, change))
    if infused:
        items = _stop_at_resets(sorted(items, key=lambda item: item[:3]))
    return items


def _stop_at_resets(items: list[Item]) -> list[Item]:
    """Without the ends of infusions that a reset has already cut short."""
    kept: list[Item] = []
    open_ends: list[tuple[int, float]] = []
    for item in items:
        if isinstance(item.what, Dose) and item.what.duration_h > 0:
            open_ends.append((item.episode, item.time_h + item.what.duration_h))
        elif isinstance(item.what, Reset):
            open_ends = []
        elif isinstance(item.what, tuple):
            if (item.episode, item.time_h) not in open_ends:
                continue
            open_ends.remove((item.episode, item.time_h))
        kept.append(item)
    return kept


def _refuse_unknown(dose: Dose) -> None:
    if dose.modelled != "no":
        raise InputError(
            f"the dose of {dose.amount_mg:g} mg at {dose.time_h:g} h has a {dose.modelled} given by the model",
            "this version takes a stated duration or rate",
            "no card gives a modelled one yet",
            "State the duration of the infusion.",
        )
    if dose.rate_mg_h:
        raise InputError(
            f"the dose at {dose.time_h:g} h is a constant infusion of {dose.rate_mg_h:g} mg/h at steady state",
            "this version takes an amount over a duration",
            remedy="Write the infusion with its amount and duration, begun early enough.",
        )
    if dose.steady_state and dose.duration_h > dose.interval_h:
        raise InputError(
            f"the steady-state dose at {dose.time_h:g} h is infused over {dose.duration_h:g} h every {dose.interval_h:g} h",
            "a steady-state infusion must end within its interval",
            remedy="Write the infusions out one by one.",
        )


def _compartment(dose: Dose, system: System) -> int:
    index = system.index(dose.into)
    if index is None:
        raise InputError(
            f"a dose goes into compartment '{dose.into}'",
            f"the model has {', '.join(f'{i + 1} ({c})' for i, c in enumerate(system.compartments))}",
            f"its system is {system.name}",
            "Correct CMT, or leave it out to use the card's own.",
        )
    return index


def _changing(readings: tuple[Reading, ...], covariates: tuple[str, ...]) -> list[bool]:
    """For each reading, whether one of the covariates differs from its value in the reading before or after."""
    changes = [False] * len(readings)
    for name in covariates:
        found = [(i, reading.values[name]) for i, reading in enumerate(readings) if name in reading.values]
        for (i, first), (j, second) in pairwise(found):
            if first != second:
                changes[i] = changes[j] = True
    return changes


def schedule(line: Timeline, system: System, *, anchors: int, samples: int, infused: bool, steadied: bool) -> Schedule:
    """The padded arrays of a timeline (numpy, float64); `infused` and `steadied` as the whole ward needs them."""
    more_anchors, more_samples = anchors - len(line.span_h), samples - len(line.segment)
    last = len(line.span_h) - 1

    def floats(values: list[float], more: int, fill: float = 0.0):
        return np.array(values + [fill] * more, dtype=np.float64)

    def whole(values: list[int], more: int, fill: int = 0):
        return np.array(values + [fill] * more, dtype=np.int32)

    rates = steady = None
    if infused:
        rates = np.array(line.rates + [(0.0,) * system.size] * more_anchors, dtype=np.float64)
    if steadied:
        kinds, intervals, amounts, durations = zip(*line.steady, strict=True)
        steady = SteadyDoses(
            whole(list(kinds), more_anchors),
            floats(list(intervals), more_anchors),
            floats(list(amounts), more_anchors),
            floats(list(durations), more_anchors),
        )
    return Schedule(
        floats(line.span_h, more_anchors),
        floats(line.keep, more_anchors, 1.0),
        floats(line.amount_mg, more_anchors),
        whole(line.into, more_anchors),
        rates,
        whole(line.segment, more_samples, last),
        floats(line.since_h, more_samples),
        np.array([True] * len(line.segment) + [False] * more_samples),
        steady,
    )


Sizes = tuple[int, int, int, bool, bool]
"""(anchors, samples, parameter segments, infused, steadied): patients of equal sizes share a compiled program."""


def sizes(line: Timeline, segments: int) -> Sizes:
    """The padded sizes of a timeline."""
    anchors = padded(len(line.span_h))
    return anchors, padded(len(line.segment)), 1 if segments == 1 else anchors, line.infused, line.steadied
