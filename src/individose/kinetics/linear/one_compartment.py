"""One compartment with first-order elimination, with or without a first-order depot in front of it.

With k = CL/V and D(r1, .., rm; t) the divided difference of exp(-r t) (see `divided`), amounts a, rates R into
each compartment, and the integral of the central amount:

    depot(t)   = a_d D(ka) + R_d D(ka, 0)
    central(t) = a_c D(k) + ka a_d D(ka, k) + R_c D(k, 0) + ka R_d D(ka, k, 0)
    ∫central   = a_c D(k, 0) + ka a_d D(ka, k, 0) + R_c D(k, 0, 0) + ka R_d D(ka, k, 0, 0)

Every term is smooth in k and ka through k = 0 and ka = k, with exact derivatives.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from individose.kinetics.linear.divided import decay_divided
from individose.kinetics.system import Parameters, State, System

Scalar = Float[Array, ""]


def _decay(t: Scalar, *rates: Scalar | float) -> Scalar:
    return decay_divided(rates, t)


def _concentration(p: Parameters, amounts: State) -> Scalar:
    return amounts[-1] / p["V"]


def _advance_central(p: Parameters, amounts: State, rates: State | None, t: Scalar) -> State:
    k = p["CL"] / p["V"]
    central = amounts[0] * jnp.exp(-k * t)
    if rates is not None:
        central = central + rates[0] * _decay(t, k, 0.0)
    return central[None]


def _area_central(p: Parameters, amounts: State, rates: State | None, t: Scalar) -> Scalar:
    k = p["CL"] / p["V"]
    area = amounts[0] * _decay(t, k, 0.0)
    if rates is not None:
        area = area + rates[0] * _decay(t, k, 0.0, 0.0)
    return area / p["V"]


def _advance_depot(p: Parameters, amounts: State, rates: State | None, t: Scalar) -> State:
    k, ka = p["CL"] / p["V"], p["ka"]
    depot = amounts[0] * jnp.exp(-ka * t)
    central = amounts[1] * jnp.exp(-k * t) + amounts[0] * ka * _decay(t, ka, k)
    if rates is not None:
        depot = depot + rates[0] * _decay(t, ka, 0.0)
        central = central + rates[1] * _decay(t, k, 0.0) + rates[0] * ka * _decay(t, ka, k, 0.0)
    return jnp.stack([depot, central])


def _area_depot(p: Parameters, amounts: State, rates: State | None, t: Scalar) -> Scalar:
    k, ka = p["CL"] / p["V"], p["ka"]
    area = amounts[1] * _decay(t, k, 0.0) + amounts[0] * ka * _decay(t, ka, k, 0.0)
    if rates is not None:
        area = area + rates[1] * _decay(t, k, 0.0, 0.0) + rates[0] * ka * _decay(t, ka, k, 0.0, 0.0)
    return area / p["V"]


INTRAVENOUS = System(
    name="one_compartment, intravenous",
    compartments=("central",),
    parameters=("CL", "V"),
    dosed="central",
    advance=_advance_central,
    area=_area_central,
    observe=_concentration,
)

FIRST_ORDER = System(
    name="one_compartment, first_order",
    compartments=("depot", "central"),
    parameters=("CL", "V", "ka"),
    dosed="depot",
    advance=_advance_depot,
    area=_area_depot,
    observe=_concentration,
)
