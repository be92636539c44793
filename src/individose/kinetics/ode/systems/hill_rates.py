"""Three compartments whose transfer slows down as the drug itself lowers cardiac output (propofol).

    a_ij(c) = A_ij / (1 + (c / C50_ij)^alpha_ij),   c = A_1 / V1
    dA_1/dt = -(a_11 + a_21 + a_31) A_1 + a_12 A_2 + a_13 A_3 + u
    dA_2/dt = a_21 A_1 - a_12 A_2,   dA_3/dt = a_31 A_1 - a_13 A_3

The paper's a_ij goes from j to i; here it is named as the field does: k10 = A_11, k12 = A_21, k21 = A_12, k13 = A_31,
k31 = A_13, each with its C50 (mg/L; infinite switches the effect off) and alpha. Its Q0 is 1: it cannot be told from A_ij.
Source: Yang et al., Sci Rep 9 (2019) 14143, eqs. 1, 5, 6, which leave C50 and alpha open.
"""

from __future__ import annotations

import jax.numpy as jnp

from individose.kinetics.ode.model import Amounts, Moment, OdeSystem, Scalar
from individose.kinetics.system import Parameters

TRANSFERS = ("10", "12", "21", "13", "31")


def slowed(c: Scalar, half: Scalar, steepness: Scalar) -> Scalar:
    """1 / (1 + (c / C50)^alpha); 1 where there is no drug."""
    there = c > 0.0
    share = jnp.where(there, c, 1.0) / half  # the power's derivative at 0 is not finite for alpha < 1
    return jnp.where(there, 1.0 / (1.0 + share**steepness), 1.0)


def _rhs(p: Parameters, x: Amounts, _: Moment) -> Amounts:
    c = x[0] / p["V1"]
    k = {name: p[f"k{name}"] * slowed(c, p[f"C50_{name}"], p[f"alpha_{name}"]) for name in TRANSFERS}
    to_second = k["12"] * x[0] - k["21"] * x[1]
    to_third = k["13"] * x[0] - k["31"] * x[2]
    return (-k["10"] * x[0] - to_second - to_third, to_second, to_third)


HILL_RATES = OdeSystem(
    name="three_compartment, transfer slowed by concentration",
    compartments=("central", "peripheral", "peripheral2"),
    parameters=("V1", *(f"{word}{name}" for word in ("k", "C50_", "alpha_") for name in TRANSFERS)),
    dosed="central",
    rhs=_rhs,
    outputs={"concentration": lambda p, x: x[0] / p["V1"]},
)
