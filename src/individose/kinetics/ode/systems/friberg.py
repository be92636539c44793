"""Myelosuppression: cells that divide, mature through three stages and circulate, with a feedback from the circulation.

    dProl/dt = ktr Prol (1 - slope C) (Circ0 / Circ)^feedback - ktr Prol,   ktr = 4 / MMT
    dT1/dt   = ktr (Prol - T1),  dT2/dt = ktr (T1 - T2),  dT3/dt = ktr (T2 - T3)
    dCirc/dt = ktr (T3 - Circ);  all start at Circ0

Circ0 in 10^9/L, MMT (mean maturation time) in h, feedback without unit, slope in L/mg.
Source: Friberg et al., J Clin Oncol 20 (2002) 4713, whose MTT and gamma these are.
"""

from __future__ import annotations

from individose.kinetics.ode.model import Amounts, OdeSystem, Scalar
from individose.kinetics.ode.systems.effect import Effect, driven
from individose.kinetics.system import Parameters

CELLS = ("proliferating", "maturing1", "maturing2", "maturing3", "circulating")


def friberg(drug: OdeSystem) -> OdeSystem:
    """**Arguments:** the system whose concentration drives it."""
    return driven(drug, Effect("friberg", CELLS, ("Circ0", "MMT", "feedback", "slope"), _rhs, _initial, CELLS[-1:]))


def _rhs(p: Parameters, c: Scalar, x: Amounts) -> Amounts:
    prol, first, second, third, circ = x
    ktr = 4.0 / p["MMT"]
    feedback = (p["Circ0"] / circ) ** p["feedback"]
    return (
        ktr * prol * ((1.0 - p["slope"] * c) * feedback - 1.0),
        ktr * (prol - first),
        ktr * (first - second),
        ktr * (second - third),
        ktr * (third - circ),
    )


def _initial(p: Parameters) -> Amounts:
    return (p["Circ0"],) * len(CELLS)
