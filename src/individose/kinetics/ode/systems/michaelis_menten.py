"""Saturable elimination, alone or beside a linear clearance: `disposition` with E = Vmax C / (Km + C) [+ CL C].

Vmax in mg/h, Km in mg/L. Source: Michaelis & Menten 1913 as used for phenytoin by Ludden et al. 1977. Limits:
docs/theory/ode-michaelis-menten.md.
"""

from __future__ import annotations

from individose.kinetics.ode.model import OdeSystem
from individose.kinetics.ode.systems.disposition import described, disposition


def michaelis_menten(compartments: int = 1, *, depot: bool = False, linear: bool = False) -> OdeSystem:
    """**Arguments:** 1 or 2 compartments; a first-order `depot` or none; `linear` adds CL in parallel."""
    elimination = "parallel" if linear else "michaelis_menten"
    pk = disposition(compartments, depot=depot, elimination=elimination)
    return OdeSystem(
        name=described(pk, elimination),
        compartments=pk.names,
        parameters=pk.parameters,
        dosed=pk.dosed,
        rhs=pk.rhs,
        outputs={"concentration": pk.concentration},
    )


def first_order_elimination(compartments: int = 1, *, depot: bool = False) -> OdeSystem:
    """The linear system as differential equations: what the closed forms are compared with."""
    pk = disposition(compartments, depot=depot, elimination="linear")
    return OdeSystem(
        name=described(pk, "linear"),
        compartments=pk.names,
        parameters=pk.parameters,
        dosed=pk.dosed,
        rhs=pk.rhs,
        outputs={"concentration": pk.concentration},
    )
