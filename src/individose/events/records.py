"""What happened to one patient, in the order in which it was recorded.

Canonical units: hours, mg, mg/h, mg/L. The order of the events matters where two share a time (a level recorded
before the dose of the same time is a trough) and after a `Reset`, where time may start again.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, cast

Number = float | str
"""A covariate's value: a number in the unit of the register, or a category's label."""


@dataclass(frozen=True)
class Dose:
    """An amount given at `time_h`.

    **Arguments:**

    - `amount_mg`: > 0.
    - `duration_h`: length of a zero-order input; 0 is a bolus (or a depot's whole amount at once).
    - `into`: name of the compartment, or None for the one that the card's input names. A table's compartment number n
      arrives as `cmt<n>`; the binding to a card resolves it.
    - `interval_h`, `additional`: `additional` further doses, each `interval_h` after the last (NONMEM II, ADDL).
    - `steady_state`: 0 none, 1 start from the steady state of this dose, 2 add it to what is there (NONMEM SS).
    - `modelled`: the card gives the duration or the rate of the input (NONMEM RATE -2, -1) instead of `duration_h`.
    - `removed_after_h`: > 0 for a patch that is taken off after this time, with what it still holds.
    - `keeps`: what a bioavailability leaves alone when it changes the amount (NONMEM's RATE > 0 keeps the rate).
    - `rate_mg_h`: > 0 only for a constant infusion that has run for ever and stops at `time_h` (NONMEM SS = 1 or 2,
      RATE > 0, AMT = 0); then `amount_mg`, `duration_h` and `interval_h` are 0.
    """

    time_h: float
    amount_mg: float
    duration_h: float = 0.0
    into: str | None = None
    interval_h: float = 0.0
    additional: int = 0
    steady_state: Literal[0, 1, 2] = 0
    modelled: Literal["no", "rate", "duration"] = "no"
    rate_mg_h: float = 0.0
    keeps: Literal["duration", "rate"] = "duration"
    removed_after_h: float = 0.0


@dataclass(frozen=True)
class Level:
    """A measured concentration (`value_mg_L`) at `time_h`.

    `censoring` says that the true value lies `below` or `above` the limit given as value; `analyte` is None for the
    card's only one; `measured` False marks a time at which a prediction is wanted and nothing was measured (its value
    is `math.nan`). `compartment` is where a table says it was measured, named as in `Dose.into`.
    """

    time_h: float
    value_mg_L: float
    analyte: str | None = None
    censoring: Literal["none", "below", "above"] = "none"
    measured: bool = True
    compartment: str | None = None


@dataclass(frozen=True)
class Reading:
    """Covariates as they were found at `time_h`; names and units are the register's."""

    time_h: float
    values: Mapping[str, Number]


@dataclass(frozen=True)
class Reset:
    """All compartments emptied (NONMEM EVID 3, or 4 with the dose that follows); `restarts` lets time start again."""

    time_h: float
    restarts: bool = False


Event = Dose | Level | Reading | Reset


@dataclass(frozen=True)
class Subject:
    """One patient: `id`, the events in record order, and `notes` on how the record was understood (units, defaults)."""

    id: str
    events: tuple[Event, ...]
    notes: tuple[str, ...] = field(default=())

    @property
    def doses(self) -> tuple[Dose, ...]:
        return tuple(e for e in self.events if isinstance(e, Dose))

    @property
    def levels(self) -> tuple[Level, ...]:
        """Measured levels only."""
        return tuple(e for e in self.events if isinstance(e, Level) and e.measured)

    @property
    def readings(self) -> tuple[Reading, ...]:
        return tuple(e for e in self.events if isinstance(e, Reading))

    def until(self, count: int) -> Subject:
        """The history in which only the first `count` levels were measured; the later ones are times without a value.

        Doses stay: they are known when they are given, and none after a time can change a prediction at that time.
        """
        events: list[Event] = []
        seen = 0
        for event in self.events:
            if isinstance(event, Level) and event.measured:
                seen += 1
                if seen > count:
                    event = replace(event, value_mg_L=math.nan, measured=False, censoring="none")
            events.append(event)
        return replace(self, events=tuple(events))


def subject(
    id: str,
    *,
    doses: Iterable[Dose],
    levels: Iterable[Level] = (),
    covariates: Mapping[str, Number] | Iterable[Reading] = (),
) -> Subject:
    """A subject from separate lists, put in order of time.

    At one time a covariate comes before a level and a level before a dose: a level at the time of a dose is a trough.
    """
    doses, levels = tuple(doses), tuple(levels)
    first = min((e.time_h for e in (*doses, *levels)), default=0.0)
    if isinstance(covariates, Mapping):
        covariates = [Reading(first, dict(cast(Mapping[str, Number], covariates)))]
    events: list[Event] = [*covariates, *levels, *doses]
    rank: dict[type[Event], int] = {Reading: 0, Level: 1, Dose: 2}
    return Subject(id, tuple(sorted(events, key=lambda e: (e.time_h, rank[type(e)]))))
