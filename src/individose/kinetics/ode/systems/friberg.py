"""Myelosuppression: cells that divide, mature through three stages and circulate, with a feedback from the circulation.

    dProl/dt = ktr Prol (1 - slope C) (Circ0 / Circ)^gamma - ktr Prol,   ktr = 4 / MTT
    dT1/dt   = ktr (Prol - T1),  dT2/dt = ktr (T1 - T2),  dT3/dt = ktr (T2 - T3)
    dCirc/dt = ktr (T3 - Circ);  all start at Circ0

Circ0 in 10^9/L, MTT in h, slope in L/mg. Source: Friberg et al., J Clin Oncol 20 (2002) 4713.
"""

from __future__ import annotations

import jax.numpy as jnp

from individose.kinetics.ode.model import Amounts, Moment, OdeSystem
from individose.kinetics.ode.systems.disposition import described, disposition
from individose.kinetics.system import Parameters

CELLS = ("proliferating", "maturing1", "maturing2", "maturing3", "circulating")


def friberg(*, compartments: int = 1, depot: bool = False, elimination: str = "linear") -> OdeSystem:
    """**Arguments:** of the drug that drives it, see `disposition`."""
    pk = disposition(compartments, depot=depot, elimination=elimination)
    drug = len(pk.names)

    def rhs(p: Parameters, x: Amounts, now: Moment) -> Amounts:
        prol, first, second, third, circ = x[drug:]
        ktr = 4.0 / p["MTT"]
        killed = p["slope"] * pk.concentration(p, x)
        feedback = (p["Circ0"] / circ) ** p["gamma"]
        return (
            *pk.rhs(p, x[:drug], now),
            ktr * prol * ((1.0 - killed) * feedback - 1.0),
            ktr * (prol - first),
            ktr * (first - second),
            ktr * (second - third),
            ktr * (third - circ),
        )

    def initial(p: Parameters) -> Amounts:
        return (*(jnp.zeros_like(p["Circ0"]),) * drug, *(p["Circ0"],) * len(CELLS))

    return OdeSystem(
        name=f"{described(pk, elimination)}, friberg",
        compartments=(*pk.names, *CELLS),
        parameters=(*pk.parameters, "Circ0", "MTT", "gamma", "slope"),
        dosed=pk.dosed,
        rhs=rhs,
        outputs={"concentration": pk.concentration, "circulating": lambda p, x: x[-1]},
        responses=CELLS,
        initial=initial,
    )
