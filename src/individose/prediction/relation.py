"""From random effects to levels: the part of a model that is compiled, shared by all cards of one structure.

Numbers of a card (typical values, variances, residual error) are data, not code, so that two drugs with the same
structure share a compiled program.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from individose.kinetics import Parameters, Schedule, System, areas, concentrations
from individose.kinetics.schedule import Array


class Data(NamedTuple):
    """One patient under one card, as arrays.

    - `typical`: typical parameters by segment (one row serves all when nothing changes), columns as `Relation.parameters`.
    - `observed`: levels in mg/L, 1 where `measured` is False.
    - `additive`, `proportional`: residual error, SD in mg/L and SD as a fraction.
    - `precision`: inverse of the covariance of the effects.
    """

    schedule: Schedule
    typical: Float[Array, "segments parameters"]
    observed: Float[Array, " samples"]
    measured: Bool[Array, " samples"]
    additive: Float[Array, ""] | np.float64
    proportional: Float[Array, ""] | np.float64
    precision: Float[Array, "effects effects"]


Eta = Float[Array, " effects"]


@dataclass(frozen=True)
class Relation:
    """The structure of a bound model; its methods are pure and compiled once for each padded size.

    **Arguments:** `parameters` are the columns of `Data.typical`; `effects[i]` is (column, transform) of eta i;
    `residual` is the convention of the residual SD, as a card writes it.
    """

    system: System
    parameters: tuple[str, ...]
    effects: tuple[tuple[int, str], ...]
    residual: str

    def individual(self, eta: Eta, data: Data) -> Parameters:
        """Individual parameters by segment: typical value times exp(eta) (log-normal) or plus eta (normal)."""
        values = {name: jnp.asarray(data.typical)[:, j] for j, name in enumerate(self.parameters)}
        for i, (column, transform) in enumerate(self.effects):
            name = self.parameters[column]
            values[name] = values[name] * jnp.exp(eta[i]) if transform == "log-normal" else values[name] + eta[i]
        return values

    def predict(self, eta: Eta, data: Data) -> Float[Array, " samples"]:
        """Concentration at every sample, mg/L."""
        return concentrations(self.system, self.individual(eta, data), data.schedule)

    def area(self, eta: Eta, data: Data) -> Float[Array, " samples"]:
        """Area under the curve from the start of the history to every sample, mg.h/L."""
        return areas(self.system, self.individual(eta, data), data.schedule)

    def variance(self, f: Float[Array, " samples"], data: Data) -> Float[Array, " samples"]:
        """Residual variance at prediction f, (mg/L)^2; never quite zero, so that a level at f = 0 has a finite density."""
        a, b = data.additive, data.proportional
        spread = (a + b * f) ** 2 if self.residual == "sd = a + b f" else a**2 + (b * f) ** 2
        return jnp.maximum(spread, 1e-12)

    def terms(self, f: Float[Array, " samples"], data: Data) -> Float[Array, " samples"]:
        """Minus log density of each level at prediction f, without the constant log(2 pi)/2; 0 where nothing was measured."""
        v = self.variance(f, data)
        return jnp.where(data.measured, 0.5 * ((data.observed - f) ** 2 / v + jnp.log(v)), 0.0)

    def information(self, f: Float[Array, " samples"], data: Data) -> Float[Array, " samples"]:
        """Expected second derivative of `terms` in f: 1/v + (dv/df)^2 / (2 v^2), never negative."""
        a, b = data.additive, data.proportional
        v = self.variance(f, data)
        slope = 2 * b * (a + b * f) if self.residual == "sd = a + b f" else 2 * b**2 * f
        return jnp.where(data.measured, 1.0 / v + 0.5 * (slope / v) ** 2, 0.0)
