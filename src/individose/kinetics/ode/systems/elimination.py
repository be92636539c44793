"""How drug leaves the central compartment: linear, saturable, both, or less and less as the days go by.

A law gets what a linear clearance would eliminate (mg/h, 0 where none is given) and gives what is eliminated:

    linear                      CL C
    michaelis_menten            CL C + Vmax C / (Km + C)              CL may be left out
    inhibited                   f(t) CL C
    michaelis_menten_inhibited  CL C + f(t) Vmax C / (Km + C)         CL may be left out

with the time t since the first drug of the history and

    exponential   f(t) = 1 - inhibition (1 - exp(-kinh t))
    hyperbolic    f(t) = 1 - inhibition (t - 1) / ((t - 1) + (T50 - 1)) for t > 1 h, 1 before

Both end at 1 - inhibition. The second is the form of voriconazole's Vmax (Friberg et al., Antimicrob Agents Chemother 56
(2012) 3032). It depends on time alone, not on exposure: a patient who stops the drug does not recover in this model.
Vmax in mg/h, Km in mg/L: Michaelis & Menten 1913, as used for phenytoin by Ludden et al. 1977. Limits:
docs/theory/ode-michaelis-menten.md, ode-auto-inhibition.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import jax.numpy as jnp

from individose.kinetics.ode.model import Moment, Scalar
from individose.kinetics.system import Parameters

Rate = Callable[[Parameters, Scalar, Scalar, Moment], Scalar]
"""(parameters, concentration in mg/L, mg/h of a linear clearance, moment) -> mg/h eliminated."""


@dataclass(frozen=True)
class Law:
    """**Arguments:** `parameters` that it reads beside those of the disposition; whether it needs the `clock`."""

    name: str
    rate: Rate
    parameters: tuple[str, ...] = ()
    clock: bool = False


def _linear(p: Parameters, c: Scalar, linear: Scalar, now: Moment) -> Scalar:
    return linear


def saturable(p: Parameters, c: Scalar) -> Scalar:
    """Vmax C / (Km + C), mg/h."""
    return p["Vmax"] * c / (p["Km"] + c)


def _michaelis_menten(p: Parameters, c: Scalar, linear: Scalar, now: Moment) -> Scalar:
    return linear + saturable(p, c)


def exponential(p: Parameters, t: Scalar) -> Scalar:
    """Falls at the rate kinh (1/h) to 1 - inhibition."""
    return 1.0 - p["inhibition"] * -jnp.expm1(-p["kinh"] * t)


def hyperbolic(p: Parameters, t: Scalar) -> Scalar:
    """Half of the inhibition is there at T50 (h, > 1)."""
    since = jnp.maximum(t - 1.0, 0.0)
    return 1.0 - p["inhibition"] * since / (since + (p["T50"] - 1.0))


def _inhibited(factor: Callable[[Parameters, Scalar], Scalar], own: str, *, saturated: bool) -> Law:
    def rate(p: Parameters, c: Scalar, linear: Scalar, now: Moment) -> Scalar:
        left = factor(p, now.since_start_h)
        return linear + left * saturable(p, c) if saturated else left * linear

    names = ("Vmax", "Km") if saturated else ()
    word = "michaelis_menten_inhibited" if saturated else "inhibited"
    return Law(f"{word} ({factor.__name__})", rate, (*names, "inhibition", own), clock=True)


LAWS: dict[str, tuple[Law, ...]] = {
    "linear": (Law("linear", _linear),),
    "michaelis_menten": (Law("michaelis_menten", _michaelis_menten, ("Vmax", "Km")),),
    "inhibited": (_inhibited(exponential, "kinh", saturated=False), _inhibited(hyperbolic, "T50", saturated=False)),
    "michaelis_menten_inhibited": (
        _inhibited(exponential, "kinh", saturated=True),
        _inhibited(hyperbolic, "T50", saturated=True),
    ),
}
"""Word of a card to the laws it may mean, told apart by their parameters."""
