"""What stands behind a fit: asked here, where the events are known, and answered by the inference room.

Whether a level was drawn just before a dose, and where it lies when it is drawn 15 min later, is a matter of events, of
which inference knows nothing. So this module writes those histories as arrays and hands them over.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

import jax
import numpy as np

from individose.base import InputError
from individose.dosing import current_regimen
from individose.events import Dose, Event, Level, Reset
from individose.inference import Fit
from individose.inference.diagnostics import (
    AFTER_H,
    BEFORE_H,
    MINUTES,
    Asked,
    Diagnostics,
    WardDiagnostics,
    diagnose_together,
    of_ward,
)
from individose.prediction import Bound, Data, larger
from individose.prediction.shifted import Places, arrays, following, places, wanted

DAY_H = 24.0
"""Window of exposure after the last dose where the doses show no regimen."""

TOGETHER = 512
"""Patients of a ward diagnosed in one call."""

Move = tuple[int, float]
"""Position of a level among the events, and how many hours later it is drawn."""


def diagnose(fit: Fit) -> Diagnostics:
    """What stands behind one patient's fit; computed when it is asked for, so that a fit costs no more.

    **Raises:** `InputError` for a fit that is not of a card and a patient.
    """
    return diagnose_ward([fit]).patients[0]


def diagnose_ward(fits: Sequence[Fit], *, progress: Callable[[int], None] | None = None) -> WardDiagnostics:
    """The same for many fits, in a few compiled calls, with the shrinkage of the ward.

    **Arguments:** `progress` is called with the number of patients just done.
    """
    groups: dict[object, list[int]] = defaultdict(list)
    for i, fit in enumerate(fits):
        groups[fit.problem.likelihood, fit.problem.model].append(i)
    found: dict[int, Diagnostics] = {}
    for members in groups.values():
        for start in range(0, len(members), TOGETHER):
            some = members[start : start + TOGETHER]
            for i, one in zip(some, diagnose_together(_asked([fits[i] for i in some])), strict=True):
                found[i] = one
            if progress is not None:
                progress(len(some))
    return of_ward([found[i] for i in range(len(fits))], fits)


@dataclass(frozen=True)
class _Plan:
    """What is to be asked about one patient: which sample moves, how (`what` and hours), and where from and to."""

    fit: Fit
    bound: Bound
    measured: dict[int, Level]
    moves: list[tuple[int, str, float, Move]]
    before_h: dict[int, float]
    window: tuple[int, float] | None
    window_h: tuple[float, float] | None
    found: Places


def _asked(fits: Sequence[Fit]) -> list[Asked]:
    """The questions about patients of one likelihood, with arrays of one size."""
    plans = [_plan(fit) for fit in fits]
    size = reduce(larger, (plan.found.bound.sizes for plan in plans))
    samples = max(plan.bound.sizes[2] for plan in plans)
    return [_with_arrays(plan, size, samples) for plan in plans]


def _plan(fit: Fit) -> _Plan:
    bound = fit.problem.context
    if not isinstance(bound, Bound):
        raise InputError(
            f"diagnostics were asked of a fit of {fit.problem.model}",
            "a fit of a card to a patient, as individose.fit gives it",
            "whether a level was drawn before a dose is read from the patient's events",
        )
    events = following(bound, BEFORE_H + max(AFTER_H))
    positions = [i for i, e in enumerate(events) if isinstance(e, Level)]
    used = np.asarray(fit.problem.data.measured)
    measured = {k: e for k, e in enumerate(bound.line.levels) if used[k]}
    moves: list[tuple[int, str, float, Move]] = []
    before_h: dict[int, float] = {}
    for k in measured:
        at = positions[k]
        moves += [(k, "time", minutes, (at, minutes / 60.0)) for minutes in (-MINUTES, MINUTES)]
        dose = _next_dose(events, at)
        if dose is not None:
            before_h[k] = dose.time_h - events[at].time_h
            end_h = before_h[k] + dose.duration_h
            moves += [(k, "post-dose", hours, (at, end_h + hours)) for hours in AFTER_H]
    window, window_h = _window(bound, events)
    asked = places(bound, events, [move for *_, move in moves], window)
    return _Plan(fit, bound, measured, moves, before_h, window, window_h, asked)


def _next_dose(events: Sequence[Event], level: int) -> Dose | None:
    """The dose given within `BEFORE_H` after a level, where another came before the level; None where there is none."""
    if not any(isinstance(e, Dose) for e in events[:level]):
        return None
    for event in events[level + 1 :]:
        if event.time_h > events[level].time_h + BEFORE_H or isinstance(event, Reset):
            return None
        if isinstance(event, Dose) and event.steady_state != 1:
            return event
    return None


def _window(bound: Bound, events: Sequence[Event]) -> tuple[tuple[int, float] | None, tuple[float, float] | None]:
    """The dosing interval after the last dose that was given by the last record: its event and length; start and end."""
    end_h = bound.subject.events[-1].time_h if bound.subject.events else 0.0
    given = [i for i, e in enumerate(events) if isinstance(e, Dose) and e.time_h <= end_h]
    if not given:
        return None, None
    regimen = current_regimen(bound.subject)
    length_h = regimen.interval_h if regimen is not None else DAY_H
    start_h = events[given[-1]].time_h
    return (given[-1], length_h), (start_h, start_h + length_h)


def _with_arrays(plan: _Plan, size: tuple[int, int, int, int, bool, int], samples: int) -> Asked:
    """The questions as arrays: what is measured is what the fit used."""
    given, rows, own = arrays(plan.found, size), plan.found.levels, plan.fit.problem.data
    more = samples - len(rows)
    measured = np.concatenate([np.asarray(own.measured)[: len(rows)], np.zeros(more)]).astype(np.int32)
    observed = np.concatenate([np.asarray(own.observed)[: len(rows)], np.ones(more)])

    def sampled(at: Sequence[int]) -> Data:
        data = wanted(given, at, samples)
        return data._replace(measured=measured, observed=observed, precision=own.precision)

    moved: dict[str, dict[int, dict[float, Data]]] = {"time": defaultdict(dict), "post-dose": defaultdict(dict)}
    for (k, what, amount, _), row in zip(plan.moves, plan.found.moved, strict=True):
        if row is not None:
            moved[what][k][amount] = sampled([row if i == k else one for i, one in enumerate(rows)])
    data = sampled(rows)
    return Asked(
        fit=plan.fit,
        data=data,
        window=wanted(given, plan.found.window or (0, 0), 2),
        samples={k: (e.time_h, e.value_mg_L, e.censoring) for k, e in plan.measured.items()},
        earlier={k: v[-MINUTES] for k, v in moved["time"].items() if -MINUTES in v},
        later={k: v[MINUTES] for k, v in moved["time"].items() if MINUTES in v},
        post_dose={k: (plan.before_h[k], v) for k, v in moved["post-dose"].items()},
        window_h=plan.window_h,
        freedom=jax.tree.map(np.asarray, data.nu),
    )
