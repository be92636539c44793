"""What a compartment system is to the rest of the program: named compartments and pure functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from jaxtyping import Array, Float

Scalar = Float[Array, ""]

Parameters = Mapping[str, Scalar]
"""One value for each parameter name, canonical units (h, mg, L)."""

State = tuple[Scalar, ...]
"""Amounts in mg, one scalar for each compartment: separate scalars stay in vector registers, a stacked array does not."""

Rates = State | None
"""Inputs in mg/h by compartment, or None when nothing runs anywhere."""

Prepared = Any
"""What `prepare` works out once for a set of parameters, whatever the number of events."""

Advance = Callable[[Prepared, State, Rates, Scalar], State]
"""(prepared, amounts, input rates, time in h) -> amounts after that time."""

Outputs = tuple[Scalar, ...]
"""One scalar for each observed analyte."""


@dataclass(frozen=True)
class Entry:
    """Where a plain dose goes: a compartment, and whether at once or over a time that the model gives."""

    compartment: int
    modelled: Literal["no", "duration", "rate"] = "no"


@dataclass(frozen=True)
class Whole:
    """How a system is solved that has no closed form: a whole history in one pass, and its steady state as a root.

    - `levels`, `areas`: (parameters by piece, schedule) -> one value for each sample, as `kinetics.concentrations`.
    - `course`: (parameters by piece, schedule, threshold or None) -> what `kinetics.exposure` reads off between the first
      two samples, with `area` and first `moment`.
    - `endless`: (parameters by piece, schedule, threshold or None) -> area, first moment and time until below from the
      first sample on, when nothing more is given.
    - `steady_amounts`: (parameters, compartment, mg, duration h, interval h, phase h) -> state.
    - `steady_areas`: (parameters, compartment, mg, duration h, interval h) -> area over one interval, by output.
    - `marched`: number of steps -> the same system in so many of fixed lengths, where it can be solved so; `marching` says
      that this is it.

    A steady state is infinite where more comes in than can be eliminated. What cannot be solved is NaN throughout, so that
    no number is taken for a level.
    """

    levels: Callable[..., Array]
    areas: Callable[..., Array]
    course: Callable[..., Any]
    endless: Callable[..., tuple[Array, Array, Array]]
    steady_amounts: Callable[..., State]
    steady_areas: Callable[..., Outputs]
    marched: Callable[[int], System] | None = None
    marching: bool = False


ROUGH, NEAR = 8, 16
"""Steps of a march between two events."""


@dataclass(frozen=True)
class System:
    """A compartment system, solved between events.

    **Arguments:**

    - `name`: what it is composed of, as a card writes it.
    - `compartments`: their names in NONMEM's numbering (the first is CMT 1).
    - `parameters`: the names that `prepare` reads; `optional` may be given too: F, lag, duration and rate, for the plain
      dose or by compartment number (`F1`, `lag2`), as NONMEM's F1, ALAG2, D1, R1.
    - `entries`: where a dose goes that names no compartment; several share it (a dual absorption), each by its own F.
    - `outputs`: names of what is observed; `analytes` of a level are these.
    - `prepare`, `advance`, `area`, `observe`: pure and differentiable in parameters, amounts and time; `area` is the
      integral of `observe` over the time.
    - `losses`: for each compartment the parameter that is the only rate at which it empties (a depot, a patch), or "".
    - `whole`: None for a linear system, where superposition holds and everything is in closed form.
    - `hidden`: how many of the last entries of the state are no compartments but what the system remembers.
    - `boluses_only`: compartments that take nothing but doses given at once, each remembered by itself.
    """

    name: str
    compartments: tuple[str, ...]
    parameters: tuple[str, ...]
    entries: tuple[Entry, ...]
    outputs: tuple[str, ...]
    prepare: Callable[[Parameters], Prepared]
    advance: Advance
    area: Callable[[Prepared, State, Rates, Scalar], Outputs]
    observe: Callable[[Prepared, State], Outputs]
    losses: tuple[str, ...] = ()
    whole: Whole | None = None
    hidden: int = 0
    boluses_only: tuple[int, ...] = ()

    @property
    def size(self) -> int:
        """Length of the state."""
        return len(self.compartments)

    @property
    def visible(self) -> tuple[str, ...]:
        """The compartments that a dose or a level may name."""
        return self.compartments[: self.size - self.hidden]

    @property
    def linear(self) -> bool:
        """Whether superposition holds."""
        return self.whole is None

    @property
    def together(self) -> bool:
        """Whether many parameter points are solved faster side by side: all take the same steps."""
        return self.whole is None or self.whole.marching

    @property
    def joins(self) -> bool:
        """Whether `prefix` pays: it is in closed form and has few compartments, whose third power the work grows with."""
        return self.linear and self.size <= 6

    @property
    def rough(self) -> System:
        """The same, faster and right to about 1e-4: for clusters of points; itself where it is in closed form."""
        return self._marched(ROUGH)

    @property
    def near(self) -> System:
        """The same, faster: right to about 1e-5 of the highest level where events follow each other within some half-lives,
        less where they are far apart. For draws to be weighted, and first steps; itself where it is in closed form."""
        return self._marched(NEAR)

    def _marched(self, steps: int) -> System:
        return self if self.whole is None or self.whole.marched is None else self.whole.marched(steps)

    @property
    def optional(self) -> tuple[str, ...]:
        """Parameters of the input that may be given beside those of the system."""
        numbers = ("", *(str(i + 1) for i in range(len(self.visible))))
        return tuple(f"{name}{number}" for name in ("F", "lag", "duration", "rate") for number in numbers)

    def index(self, compartment: str) -> int | None:
        """Position of a compartment given by name or by NONMEM number (`"cmt2"`); None when there is none such."""
        if compartment in self.visible:
            return self.visible.index(compartment)
        number = compartment.removeprefix("cmt")
        return int(number) - 1 if number.isdigit() and 1 <= int(number) <= len(self.visible) else None
