"""Absorption by a Weibull law: of a dose, 1 - exp(-(t / Td)^shape) has reached the circulation t h later.

Td in h: 63 % are absorbed by then. A shape of 1 is first order with ka = 1 / Td; below 1 it is fast at first, with a rate
that is infinite at the dose, hence given to the engine as an amount and not as a rate. Doses add up, each by its own time.
Source: Langenbucher, J Pharm Pharmacol 24 (1972) 979; Piotrovskii, J Pharmacokinet Biopharm 15 (1987) 681.
"""

from __future__ import annotations

import jax.numpy as jnp

from individose.kinetics.ode.model import REMEMBERED, Amounts, Moment, OdeSystem, Scalar
from individose.kinetics.ode.systems.disposition import Disposition, described
from individose.kinetics.system import Parameters


def absorbed(p: Parameters, now: Moment) -> Scalar:
    """mg of all remembered doses that have been absorbed."""
    total = jnp.zeros_like(now.since_start_h)
    for amount, age in now.doses:
        begun = age > 0.0
        share = jnp.where(begun, age, 1.0) / p["Td"]  # no logarithm of 0, nor its derivative
        total = total + amount * jnp.where(begun, -jnp.expm1(-(share ** p["shape"])), 0.0)
    return total


def weibull_absorption(pk: Disposition, *, doses: int = REMEMBERED) -> OdeSystem:
    """**Arguments:** `pk` without chains; `doses` that may be under way at the same time."""

    def rhs(p: Parameters, x: Amounts, now: Moment) -> Amounts:
        return (jnp.zeros_like(x[0]), *pk.rhs(p, x[1:], now))

    def delivered(p: Parameters, now: Moment) -> Amounts:
        so_far = absorbed(p, now)
        return (-so_far, *pk.entering(p, so_far))

    return OdeSystem(
        name=f"{described(pk)}, weibull",
        compartments=("gut", *pk.names),
        parameters=(*pk.parameters, "Td", "shape"),
        dosed="gut",
        rhs=rhs,
        outputs=pk.outputs(1),
        clock=pk.law.clock,
        doses=doses,
        delivered=delivered,
        undelivered=lambda p, age: jnp.exp(-((jnp.maximum(age, 1e-300) / p["Td"]) ** p["shape"])),
        losses=("", *pk.losses),
        responses=pk.law.states,
        initial=pk.untreated(1),
    )
