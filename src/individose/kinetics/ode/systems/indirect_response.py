"""A response that turns over, and a drug that acts on its making or its loss.

    dR/dt = Kin m - Kout l R,   R(0) = Kin / Kout

    type 1   m = 1 - Imax C / (IC50 + C)   making inhibited
    type 2   l = 1 - Imax C / (IC50 + C)   loss inhibited
    type 3   m = 1 + Smax C / (SC50 + C)   making stimulated
    type 4   l = 1 + Smax C / (SC50 + C)   loss stimulated

Kin in units of the response per h, Kout in 1/h, IC50 and SC50 in mg/L. Source: Dayneka, Garg & Jusko, J Pharmacokinet
Biopharm 21 (1993) 457.
"""

from __future__ import annotations

from typing import Literal

import jax.numpy as jnp

from individose.kinetics.ode.model import Amounts, Moment, OdeSystem
from individose.kinetics.ode.systems.disposition import described, disposition
from individose.kinetics.system import Parameters


def indirect_response(
    kind: Literal[1, 2, 3, 4], *, compartments: int = 1, depot: bool = False, elimination: str = "linear"
) -> OdeSystem:
    """**Arguments:** `kind` of the response; the rest is of the drug, see `disposition`."""
    pk = disposition(compartments, depot=depot, elimination=elimination)
    most, half, sign = ("Imax", "IC50", -1.0) if kind in (1, 2) else ("Smax", "SC50", 1.0)

    def rhs(p: Parameters, x: Amounts, now: Moment) -> Amounts:
        c = pk.concentration(p, x)
        effect = 1.0 + sign * p[most] * c / (p[half] + c)
        made, lost = p["Kin"], p["Kout"] * x[-1]
        change = made * effect - lost if kind in (1, 3) else made - lost * effect
        return (*pk.rhs(p, x[:-1], now), change)

    def initial(p: Parameters) -> Amounts:
        base = p["Kin"] / p["Kout"]
        return (*(jnp.zeros_like(base),) * len(pk.names), base)

    return OdeSystem(
        name=f"{described(pk, elimination)}, indirect_response type {kind}",
        compartments=(*pk.names, "response"),
        parameters=(*pk.parameters, "Kin", "Kout", most, half),
        dosed=pk.dosed,
        rhs=rhs,
        outputs={"concentration": pk.concentration, "response": lambda p, x: x[-1]},
        responses=("response",),
        initial=initial,
    )
