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

from individose.kinetics.ode.model import Amounts, OdeSystem, Scalar
from individose.kinetics.ode.systems.effect import Effect, driven
from individose.kinetics.system import Parameters


def indirect_response(kind: Literal[1, 2, 3, 4], drug: OdeSystem) -> OdeSystem:
    """**Arguments:** `kind` of the response; the system whose concentration drives it."""
    most, half, sign = ("Imax", "IC50", -1.0) if kind in (1, 2) else ("Smax", "SC50", 1.0)

    def rhs(p: Parameters, c: Scalar, x: Amounts) -> Amounts:
        effect = 1.0 + sign * p[most] * c / (p[half] + c)
        made, lost = p["Kin"], p["Kout"] * x[0]
        return (made * effect - lost,) if kind in (1, 3) else (made - lost * effect,)

    def initial(p: Parameters) -> Amounts:
        return (p["Kin"] / p["Kout"],)

    response = Effect(
        f"indirect_response {kind}", ("response",), ("Kin", "Kout", most, half), rhs, initial, ("response",)
    )
    return driven(drug, response)
