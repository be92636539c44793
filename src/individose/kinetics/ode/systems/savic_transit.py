"""Absorption through a chain of transit compartments whose number n need not be an integer.

    input(t) = dose ktr (ktr t)^n exp(-ktr t) / Gamma(n + 1),   ktr = (n + 1) / MTT,   t since that dose

written in logarithms, so that a large n does not overflow. Every remembered dose has its own input and they add up, which
is what the chain of compartments would do: a new dose does not wipe out what is left of the last one (as it does where
programs keep only the time of the latest dose). What is not yet delivered is the amount in `transit`.
Source: Savic et al., J Pharmacokinet Pharmacodyn 34 (2007) 711.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.scipy.special import gammaincc, gammaln

from individose.kinetics.ode.model import REMEMBERED, Amounts, Moment, OdeSystem, Scalar
from individose.kinetics.ode.systems.disposition import Disposition, described
from individose.kinetics.system import Parameters


def delivery(p: Parameters, now: Moment) -> Scalar:
    """mg/h that reach the absorption site, from all remembered doses."""
    n = p["n"]
    ktr = (n + 1.0) / p["MTT"]
    norm = jnp.log(ktr) - gammaln(n + 1.0)
    total = jnp.zeros_like(n)
    for amount, age in now.doses:
        begun = (age > 0.0) & (amount > 0.0)
        passed = ktr * jnp.where(begun, age, 1.0)  # no logarithm of 0, nor its derivative
        density = jnp.exp(norm + n * jnp.log(passed) - passed)
        total = total + amount * jnp.where(begun, density, jnp.where(n == 0.0, ktr, 0.0))
    return total


def savic_transit(pk: Disposition, *, doses: int = REMEMBERED) -> OdeSystem:
    """**Arguments:** `pk` with first-order absorption behind the chain (a depot), or without, straight into the central
    compartment; `doses` that may be under way at the same time."""

    def rhs(p: Parameters, x: Amounts, now: Moment) -> Amounts:
        arriving = delivery(p, now)
        slopes = pk.rhs(p, x[1:], now)
        if pk.stages:
            return (-arriving, slopes[0] + arriving, *slopes[1:])
        return (-arriving, *(a + b for a, b in zip(slopes, pk.entering(p, arriving), strict=True)))

    return OdeSystem(
        name=f"{described(pk)}, savic_transit",
        compartments=("transit", *pk.names),
        parameters=(*pk.parameters, "MTT", "n"),
        dosed="transit",
        rhs=rhs,
        outputs=pk.outputs(1),
        clock=pk.law.clock,
        doses=doses,
        undelivered=lambda p, age: gammaincc(*jax.lax.stop_gradient((p["n"] + 1.0, (p["n"] + 1.0) * age / p["MTT"]))),
        losses=("", *pk.losses),
        responses=pk.law.states,
        initial=pk.untreated(1),
    )
