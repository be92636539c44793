"""A drug that slows its own elimination as the days go by: Vmax or CL falls with the time since the first dose.

    exponential   factor(t) = 1 - inhibition (1 - exp(-kinh t))
    hyperbolic    factor(t) = 1 - inhibition (t - 1) / ((t - 1) + (T50 - 1)) for t > 1 h, 1 before

Both end at 1 - inhibition. The second is the form of voriconazole's Vmax. It depends on time alone, not on exposure: a
patient who stops the drug does not recover in this model. Source: Friberg et al., Antimicrob Agents Chemother 56 (2012)
3032 (hyperbolic).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import jax.numpy as jnp

from individose.kinetics.ode.model import Moment, OdeSystem, Scalar
from individose.kinetics.ode.systems.disposition import Disposition, described, linear, saturable
from individose.kinetics.system import Parameters


def exponential(p: Parameters, t: Scalar) -> Scalar:
    """Falls at the rate kinh (1/h) to 1 - inhibition."""
    return 1.0 - p["inhibition"] * -jnp.expm1(-p["kinh"] * t)


def hyperbolic(p: Parameters, t: Scalar) -> Scalar:
    """Half of the inhibition is there at T50 (h, > 1)."""
    since = jnp.maximum(t - 1.0, 0.0)
    return 1.0 - p["inhibition"] * since / (since + (p["T50"] - 1.0))


LAWS: dict[str, tuple[Callable[[Parameters, Scalar], Scalar], str]] = {
    "exponential": (exponential, "kinh"),
    "hyperbolic": (hyperbolic, "T50"),
}


def auto_inhibition(
    of: Literal["Vmax", "CL"] = "Vmax", *, law: str = "exponential", compartments: int = 1, depot: bool = False
) -> OdeSystem:
    """**Arguments:** `of` Vmax (with a constant CL in parallel) or CL alone; `law` is a name of `LAWS`."""
    factor, own = LAWS[law]

    def elimination(p: Parameters, c: Scalar, now: Moment) -> Scalar:
        left = factor(p, now.since_start_h)
        return linear(p, c, now) + left * saturable(p, c, now) if of == "Vmax" else left * linear(p, c, now)

    names = ("Vmax", "Km", "CL") if of == "Vmax" else ("CL",)
    pk = Disposition(compartments, depot, elimination, (*names, "inhibition", own))
    return OdeSystem(
        name=described(pk, f"{of} inhibited with time ({law})"),
        compartments=pk.names,
        parameters=pk.parameters,
        dosed=pk.dosed,
        rhs=pk.rhs,
        outputs={"concentration": pk.concentration},
        clock=True,
    )
