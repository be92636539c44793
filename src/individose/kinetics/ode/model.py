"""What a system of differential equations is to the engine: a right-hand side, and what it needs to be told.

A system of one's own is a module under `systems` that makes one `OdeSystem`, and a line in `register`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from individose.base import CardError
from individose.kinetics.system import Entry, Parameters, Scalar, State

Amounts = State
"""One scalar for each compartment, mg unless the compartment is a response."""


class RememberedDose(NamedTuple):
    """A dose (mg) into a compartment that delivers by a law of time since dose, and its age (h); 0 mg when unused."""

    amount: Scalar
    age: Scalar


class Moment(NamedTuple):
    """Where on the clock a right-hand side is evaluated.

    - `since_start_h`: since the first drug of the history (or after a reset); 0 for systems that need no clock.
    - `doses`: the latest remembered doses, newest first; empty for systems that remember none.
    """

    since_start_h: Scalar
    doses: tuple[RememberedDose, ...]


REMEMBERED = 16
"""Doses that may be under way at the same time, where each is remembered; still older ones deliver no more."""

FORGOTTEN = 1e-6
"""Fraction of a dose that may be lost when it is no longer remembered."""

Rhs = Callable[[Parameters, Amounts, Moment], Amounts]
"""(parameters, amounts, moment) -> rate of change of each compartment, per h. Inputs are added by the engine."""

Output = Callable[[Parameters, Amounts], Scalar]
"""What can be observed: a concentration in mg/L, or a response in its own unit."""


@dataclass(frozen=True)
class OdeSystem:
    """A system given by its right-hand side.

    **Arguments:**

    - `name`, `compartments`, `parameters`, `losses`: as in `kinetics.System`.
    - `dosed` is where a plain dose goes, unless there are several `entries`.
    - `rhs`: rates of change; smooth, finite at zero amounts.
    - `outputs`: what can be observed, by name; the first is what a level measures unless something else is said.
    - `responses`: the compartments that hold no drug (a cell count, a receptor): their error is weighed each by itself.
    - `initial`: state of an untreated patient; None is empty.
    - `clock`: whether `rhs` reads `since_start_h`.
    - `doses`: how many doses `rhs` or `delivered` remember (those into `dosed`); older ones deliver no more.
    - `delivered`: amount that the remembered doses have brought to each compartment so far, negative where it was taken
      from; for laws whose rate is infinite at the dose. The engine adds its growth to what `rhs` integrates.
    - `undelivered`: (parameters, age in h) -> fraction of a remembered dose still to come; a dose that is no longer
      remembered while more than `FORGOTTEN` of it is makes the solve fail.
    - `stiff`: whether an implicit method is needed.
    """

    name: str
    compartments: tuple[str, ...]
    parameters: tuple[str, ...]
    dosed: str
    rhs: Rhs
    outputs: Mapping[str, Output] = field(hash=False)
    responses: tuple[str, ...] = ()
    initial: Callable[[Parameters], Amounts] | None = None
    clock: bool = False
    doses: int = 0
    delivered: Callable[[Parameters, Moment], Amounts] | None = None
    stiff: bool = False
    undelivered: Callable[[Parameters, Scalar], Scalar] | None = None
    entries: tuple[Entry, ...] = ()
    losses: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        unknown = {self.dosed, *self.responses} - set(self.compartments)
        if unknown or not self.outputs or len(set(self.compartments)) != len(self.compartments):
            raise CardError(
                f"the system {self.name} has compartments {', '.join(self.compartments)}, refers to "
                f"{', '.join(sorted(unknown)) or 'no other'} and gives {len(self.outputs)} outputs",
                "names are different from each other, every one referred to exists, and there is an output",
                "kinetics/ode/model.py",
                "Correct the system's module.",
            )

    @property
    def size(self) -> int:
        return len(self.compartments)

    @property
    def entered(self) -> tuple[Entry, ...]:
        """Where a plain dose goes."""
        return self.entries or (Entry(self.compartments.index(self.dosed)),)

    @property
    def drug(self) -> tuple[bool, ...]:
        """Whether each compartment holds drug."""
        return tuple(name not in self.responses for name in self.compartments)
