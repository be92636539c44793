"""Where a drug goes once it is in the body: one or two compartments, a depot or none, an elimination of any form.

    dA_d/dt = -ka A_d
    dA_1/dt = ka A_d - E(C) - Q C + Q A_2/V2,   C = A_1/V1
    dA_2/dt = Q C - Q A_2/V2

The pharmacokinetic half of most systems here. With one compartment the volume is V and the last line is absent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from individose.kinetics.ode.model import Amounts, Moment, Scalar
from individose.kinetics.system import Parameters

Elimination = Callable[[Parameters, Scalar, Moment], Scalar]
"""(parameters, concentration in mg/L, moment) -> mg/h eliminated."""


def linear(p: Parameters, c: Scalar, _: Moment) -> Scalar:
    """CL C"""
    return p["CL"] * c


def saturable(p: Parameters, c: Scalar, _: Moment) -> Scalar:
    """Vmax C / (Km + C)"""
    return p["Vmax"] * c / (p["Km"] + c)


def parallel(p: Parameters, c: Scalar, now: Moment) -> Scalar:
    """CL C + Vmax C / (Km + C)"""
    return linear(p, c, now) + saturable(p, c, now)


ELIMINATIONS: dict[str, tuple[Elimination, tuple[str, ...]]] = {
    "linear": (linear, ("CL",)),
    "michaelis_menten": (saturable, ("Vmax", "Km")),
    "parallel": (parallel, ("Vmax", "Km", "CL")),
}
"""Name to the law and its parameters."""


@dataclass(frozen=True)
class Disposition:
    """**Arguments:** `compartments` are 1 or 2; `elimination` and the names it reads; whether there is a `depot`."""

    compartments: int
    depot: bool
    elimination: Elimination
    eliminated_by: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return ("depot",) * self.depot + ("central", "peripheral")[: self.compartments]

    @property
    def volume(self) -> str:
        return "V" if self.compartments == 1 else "V1"

    @property
    def parameters(self) -> tuple[str, ...]:
        distribution = ("V",) if self.compartments == 1 else ("V1", "Q", "V2")
        return self.eliminated_by + distribution + ("ka",) * self.depot

    @property
    def dosed(self) -> str:
        return self.names[0]

    def concentration(self, p: Parameters, x: Amounts) -> Scalar:
        """Central amount over its volume, mg/L; `x` begins with this disposition's compartments."""
        return x[int(self.depot)] / p[self.volume]

    def rhs(self, p: Parameters, x: Amounts, now: Moment) -> Amounts:
        """Rates of change of this disposition's compartments, which come first in `x`."""
        c = self.concentration(p, x)
        slopes = [-self.elimination(p, c, now)]
        if self.compartments == 2:
            outward = p["Q"] * c - p["Q"] / p["V2"] * x[int(self.depot) + 1]
            slopes = [slopes[0] - outward, outward]
        if self.depot:
            absorbed = p["ka"] * x[0]
            slopes = [-absorbed, slopes[0] + absorbed, *slopes[1:]]
        return tuple(slopes)


def disposition(compartments: int = 1, *, depot: bool = False, elimination: str = "linear") -> Disposition:
    """**Arguments:** 1 or 2 compartments; `elimination` is a name of `ELIMINATIONS`."""
    law, names = ELIMINATIONS[elimination]
    return Disposition(compartments, depot, law, names)


def described(pk: Disposition, elimination: str) -> str:
    """How a system of this disposition is called."""
    words = ["two_compartment" if pk.compartments == 2 else "one_compartment", elimination]
    return ", ".join([*words, "first_order" if pk.depot else "intravenous"])
