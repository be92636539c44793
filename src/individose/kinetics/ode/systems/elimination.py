"""How drug leaves the central compartment: linear, saturable, both, each of them less or more as treatment goes on.

A law gets what a linear clearance would eliminate (mg/h, 0 where none is given) and gives what is eliminated:

    linear                       CL C
    michaelis_menten             CL C + Vmax C / (Km + C)              CL may be left out
    inhibited, induced           f CL C
    michaelis_menten_inhibited,
    michaelis_menten_induced     CL C + f Vmax C / (Km + C)            CL may be left out

with the factor f, told apart by its parameters (see `factor`). Vmax in mg/h, Km in mg/L: Michaelis & Menten 1913, as used for
phenytoin by Ludden et al. 1977. Limits: docs/theory/ode-michaelis-menten.md, ode-auto-inhibition.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from individose.kinetics.ode.model import Amounts, Moment, Scalar
from individose.kinetics.ode.systems.factor import INDUCED, INHIBITED, Change, Factor
from individose.kinetics.system import Parameters

Rate = Callable[[Parameters, Scalar, Scalar, Amounts, Moment], Scalar]
"""(parameters, concentration in mg/L, mg/h of a linear clearance, the law's own states, moment) -> mg/h eliminated."""


@dataclass(frozen=True)
class Law:
    """**Arguments:** `parameters` that it reads beside those of the disposition; whether it needs the `clock`; its own
    `states`, where they start without drug, and how they `change`."""

    name: str
    rate: Rate
    parameters: tuple[str, ...] = ()
    clock: bool = False
    states: tuple[str, ...] = ()
    start: tuple[float, ...] = ()
    change: Change | None = None


def _linear(p: Parameters, c: Scalar, linear: Scalar, own: Amounts, now: Moment) -> Scalar:
    return linear


def saturable(p: Parameters, c: Scalar) -> Scalar:
    """Vmax C / (Km + C), mg/h."""
    return p["Vmax"] * c / (p["Km"] + c)


def _michaelis_menten(p: Parameters, c: Scalar, linear: Scalar, own: Amounts, now: Moment) -> Scalar:
    return linear + saturable(p, c)


def _scaled(word: str, factor: Factor, *, saturated: bool) -> Law:
    def rate(p: Parameters, c: Scalar, linear: Scalar, own: Amounts, now: Moment) -> Scalar:
        left = factor.value(p, own, now.since_start_h)
        return linear + left * saturable(p, c) if saturated else left * linear

    names = ("Vmax", "Km") if saturated else ()
    return Law(
        f"{word} ({factor.name})",
        rate,
        (*names, *factor.parameters),
        factor.clock,
        factor.states,
        factor.start,
        factor.change,
    )


LAWS: dict[str, tuple[Law, ...]] = {
    "linear": (Law("linear", _linear),),
    "michaelis_menten": (Law("michaelis_menten", _michaelis_menten, ("Vmax", "Km")),),
    **{
        ("michaelis_menten_" if saturated else "") + word: tuple(
            _scaled(("michaelis_menten_" if saturated else "") + word, factor, saturated=saturated)
            for factor in factors
        )
        for word, factors in (("inhibited", INHIBITED), ("induced", INDUCED))
        for saturated in (False, True)
    },
}
"""Word of a card to the laws it may mean, told apart by their parameters."""
