"""What a compartment system is to the rest of the program: named compartments and pure functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from jaxtyping import Array, Float

Parameters = Mapping[str, Float[Array, ""]]
"""One value for each parameter name, canonical units (h, mg, L)."""

State = Float[Array, " compartments"]
"""Amounts in mg."""

Advance = Callable[[Parameters, State, "State | None", Float[Array, ""]], State]
"""(parameters, amounts, input rates in mg/h or None when nothing runs, time in h) -> amounts after that time."""

Area = Callable[[Parameters, State, "State | None", Float[Array, ""]], Float[Array, ""]]
"""Like `Advance`, but gives the integral of the concentration over that time, mg.h/L."""

Observe = Callable[[Parameters, State], Float[Array, ""]]
"""(parameters, amounts) -> concentration in mg/L."""


@dataclass(frozen=True)
class System:
    """A compartment system, solved exactly between events.

    **Arguments:**

    - `name`: what it is composed of, as a card writes it.
    - `compartments`: their names in NONMEM's numbering (the first is CMT 1).
    - `parameters`: the names that `advance`, `area` and `observe` read.
    - `dosed`: the compartment that a dose enters when nothing else is said.
    - `advance`, `area`, `observe`: see their types above; differentiable in every parameter, state and time.
    """

    name: str
    compartments: tuple[str, ...]
    parameters: tuple[str, ...]
    dosed: str
    advance: Advance
    area: Area
    observe: Observe

    @property
    def size(self) -> int:
        return len(self.compartments)

    def index(self, compartment: str | None) -> int | None:
        """Position of a compartment given by name or by NONMEM number (`"cmt2"`); None when there is none such."""
        if compartment is None:
            return self.compartments.index(self.dosed)
        if compartment in self.compartments:
            return self.compartments.index(compartment)
        number = compartment.removeprefix("cmt")
        return int(number) - 1 if number.isdigit() and 1 <= int(number) <= self.size else None
