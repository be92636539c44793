"""From random effects to levels: the part of a model that is compiled, shared by all cards of one structure.

Numbers of a card (typical values, variances, residual error) are data, not code, so that two drugs with the same
structure share a compiled program.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from individose.drugs import evaluate, names
from individose.kinetics import Doses, History, Inputs, Parameters, Schedule, System, areas, arrange, concentrations
from individose.kinetics.schedule import Array
from individose.prediction import residual
from individose.prediction.derived import JAX, Derived


class Data(NamedTuple):
    """One patient under one card, as arrays.

    - `schedule`: what happens when; None where the parameters move events, and then `history` is there instead.
    - `typical`: typical parameters by piece of time (one row serves all when nothing changes), columns as
      `Relation.parameters`, then `Relation.parts`.
    - `observed`: levels in mg/L, 1 where nothing was measured.
    - `measured`: 0 nothing, 1 a level, 2 below the limit given, 3 above it.
    - `additive`, `proportional`: residual error, SD in mg/L and SD as a fraction (on the log scale the SD there); one for
      each sample where analytes differ, and so for the next three.
    - `exponent` of a power model, `nu` degrees of freedom of Student's t: None where there is none.
    - `convention`: for each sample which of a relation's conventions holds; None where there is one.
    - `shapes`: Box and Cox's shape of each effect, by subject and by occasion; None where no effect has one.
    - `precision`: inverse of the covariance of the effects.
    - `occasion`: which occasion (from 0) each piece of time belongs to; None where no effect varies by occasion.
    """

    schedule: Schedule | None
    history: History | None
    typical: Float[Array, "pieces columns"]
    observed: Float[Array, " samples"]
    measured: Int[Array, " samples"]
    additive: Array | np.float64
    proportional: Array | np.float64
    precision: Float[Array, "effects effects"]
    occasion: Int[Array, " pieces"] | None = None
    exponent: Array | np.float64 | None = None
    nu: Array | np.float64 | None = None
    convention: Int[Array, " samples"] | None = None
    shapes: Float[Array, " effects"] | None = None

    @property
    def sampled(self) -> Array:
        """Which samples are wanted and no padding."""
        if self.schedule is not None:
            return self.schedule.sampled
        assert self.history is not None
        return self.history.samples.sampled


NOTHING, LEVEL, BELOW, ABOVE = 0, 1, 2, 3
"""What `Data.measured` says of a sample."""

Eta = Float[Array, " effects"]


@dataclass(frozen=True)
class Relation:
    """The structure of a bound model; its methods are pure and compiled once for each padded size.

    **Arguments:** `parameters` are the columns of `Data.typical`; `effects[i]` is (column, transform) of eta i, by subject;
    `between` are those that are drawn anew at each of `occasions` occasions, whose etas follow occasion by occasion;
    `residual` is the convention of the residual error, as a card writes it, and `others` are those that further analytes
    have; `guarded` are the names of the parameters with a normal effect that are never below 0; `derived` are parameters
    that are built on others, of these and of `parts` (see `prediction.derived`); `infused` and `slots` say what a history
    that is arranged by the parameters may hold (see `kinetics.arrange`), `worn` and `censored` whether anything is taken off
    again or lies beyond a limit: what is not there is not compiled; `at_once` is the road of the solve (`kinetics.prefix`).
    """

    system: System
    parameters: tuple[str, ...]
    effects: tuple[tuple[int, str], ...]
    residual: str
    infused: bool = False
    slots: int = 0
    worn: bool = False
    censored: bool = False
    between: tuple[tuple[int, str], ...] = ()
    occasions: int = 0
    others: tuple[str, ...] = ()
    guarded: tuple[str, ...] = ()
    derived: tuple[Derived, ...] = ()
    parts: tuple[str, ...] = ()
    at_once: bool = False

    @property
    def moves(self) -> bool:
        """Whether parameters say anything of the doses (F, lag, duration, rate, a removal), so that they move events."""
        return self.worn or any(name in self.parameters for name in self.system.optional)

    @property
    def together(self) -> bool:
        """Whether many patients are solved faster side by side: closed forms and marches, which all take the same steps."""
        return self.system.together

    @property
    def rough(self) -> Relation:
        """The same over a faster solver, right to about 1e-4; itself where the levels are in closed form."""
        return replace(self, system=self.system.rough)

    @property
    def closed(self) -> bool:
        """Whether the levels are in closed form."""
        return self.system.whole is None

    @property
    def near(self) -> Relation:
        """The same over a faster solver, nearly right (see `System.near`); itself where the levels are in closed form."""
        return replace(self, system=self.system.near)

    @property
    def backward(self) -> Relation | None:
        """The same over the road whose gradient is faster backward; None where there is none."""
        return replace(self, at_once=True) if self.system.joins else None

    @property
    def cornered(self) -> bool:
        """Whether an effect moves the beginning or the end of an input, so that the objective may have corners."""
        moved = {self.parameters[column] for column, _ in (*self.effects, *self.between)}
        for one in self.derived:
            if moved & set(names(one.expr)):
                moved.add(self.parameters[one.column])
        return bool({name.rstrip("0123456789") for name in moved} & {"lag", "duration", "rate"})

    @property
    def relative(self) -> tuple[bool, ...]:
        """Which of the patient's own effects act on a logarithm or a logit."""
        return tuple(transform != "normal" for _, transform in self.effects)

    @property
    def by_subject(self) -> int:
        """How many of the effects are the patient's own."""
        return len(self.effects)

    def individual(self, eta: Eta, data: Data) -> Parameters:
        """Individual parameters by piece: the typical value moved by eta, by the transform of each effect (`moved`).

        An effect by occasion enters like one by subject, with the eta of the occasion that the piece belongs to. A
        parameter that is built on others is computed of their individual values, and then moved by effects of its own. What
        is guarded stays above 0.
        """
        values = self._moved(eta, data)
        for name in self.guarded:
            values[name] = _kept(values[name], self._typical(name, data))
        return values

    def room(self, eta: Eta, data: Data) -> Float[Array, " guarded"]:
        """How far above 0 each guarded parameter lies at least, as a fraction of its typical value."""
        values = self._moved(eta, data)
        return jnp.stack([jnp.min(values[name] / self._typical(name, data)) for name in self.guarded])

    def _typical(self, name: str, data: Data) -> Any:
        return jnp.asarray(data.typical)[:, self.parameters.index(name)]

    def _moved(self, eta: Eta, data: Data) -> dict[str, Any]:
        values = {name: jnp.asarray(data.typical)[:, j] for j, name in enumerate((*self.parameters, *self.parts))}
        acting = [(one, eta[i]) for i, one in enumerate(self.effects)]
        if self.between:
            assert data.occasion is not None
            by_occasion = eta[len(self.effects) :].reshape(self.occasions, len(self.between))[data.occasion]
            acting += [(one, by_occasion[:, i]) for i, one in enumerate(self.between)]
        later = {one.column: one.expr for one in self.derived}

        def move(wanted: int | None) -> None:
            for i, ((column, transform), shift) in enumerate(acting):
                if column == wanted or (wanted is None and column not in later):
                    name, shape = self.parameters[column], None if data.shapes is None else data.shapes[i]
                    values[name] = moved(transform, values[name], shift, shape)

        move(None)
        for column, expr in later.items():
            values[self.parameters[column]] = evaluate(expr, values, JAX)
            move(column)
        return {name: values[name] for name in self.parameters}

    def predict(self, eta: Eta, data: Data) -> Float[Array, " samples"]:
        """Concentration at every sample, mg/L."""
        p = self.individual(eta, data)
        return concentrations(self.system, p, self.schedule(p, data), at_once=self.at_once)

    def area(self, eta: Eta, data: Data) -> Float[Array, " samples"]:
        """Area under the curve from the start of the history to every sample, mg.h/L."""
        p = self.individual(eta, data)
        return areas(self.system, p, self.schedule(p, data))

    def schedule(self, p: Parameters, data: Data) -> Schedule:
        """The schedule as it is, or as the parameters arrange the history."""
        if data.history is None:
            assert data.schedule is not None
            return data.schedule
        history = jax.tree.map(jnp.asarray, data.history)
        delayed = self.worn or any(name.startswith("lag") for name in self.parameters)
        return arrange(jnp, history, self._inputs(p, history), infused=self.infused, steady=self.slots, delayed=delayed)

    def _inputs(self, p: Parameters, history: History) -> Inputs:
        """F, lag, duration and rate of each dose: by compartment number, or of the compartments of a plain dose.

        A bioavailability is that of the record at which the dose arrives (NONMEM), everything else that of its own.
        """
        doses, marks = history.doses, history.marks
        plain = {entry.compartment for entry in self.system.entries}

        def value(name: str, default: float, piece: Any) -> Any:
            found = jnp.full(doses.time_h.shape, default)
            for c in range(self.system.size):
                own = f"{name}{c + 1}"
                used = own if own in self.parameters else name if name in self.parameters and c in plain else None
                if used is not None:
                    row = p[used]
                    found = jnp.where(doses.into == c, row[0] if len(row) == 1 else row[piece], found)
            return found

        lag = value("lag", 0.0, doses.piece)
        arrived = doses.time_h + lag
        earlier = marks.time_h[None, :] < arrived[:, None]
        late = jnp.max(jnp.where(earlier, marks.piece[None, :], 0), axis=1)
        piece = jnp.where(lag > 0, jnp.maximum(late, doses.piece), doses.piece)
        return Inputs(
            value("F", 1.0, piece),
            lag,
            value("duration", 0.0, doses.piece),
            value("rate", 0.0, doses.piece),
            self._leaving(p, doses),
        )

    def _leaving(self, p: Parameters, doses: Doses) -> Any:
        """The rate at which each dose leaves its compartment, where that is a single one."""
        found = jnp.zeros(doses.time_h.shape)
        for c, name in enumerate(self.system.losses):
            if name:
                row = p[name]
                found = jnp.where(doses.into == c, row[0] if len(row) == 1 else row[doses.piece], found)
        return found

    def variance(self, f: Float[Array, " samples"], data: Data) -> Float[Array, " samples"]:
        """Residual variance at prediction f, (mg/L)^2 (of ln y for a log-additive error), never quite zero; under Student's t
        the square of its scale."""
        return self._chosen(lambda convention: residual.placed(convention, f, _error(data)).v, data)

    def terms(self, f: Float[Array, " samples"], data: Data) -> Float[Array, " samples"]:
        """Minus log density of each level at prediction f, without the constant log(2 pi)/2; 0 where nothing was measured.

        For a log-additive error it is the density of ln y (NONMEM fits the logarithms). A level known only to lie below or
        above a limit contributes the probability of that (M3; Beal 2001, J Pharmacokinet Pharmacodyn 28:481-504).
        """

        def one(convention: str) -> Any:
            at, z = self._distance(convention, f, data)
            exact = residual.exact(z, at.v, data.nu)
            if not self.censored:
                return exact
            return jnp.where(data.measured == LEVEL, exact, residual.beyond(_signed(z, data), data.nu))

        return jnp.where(data.measured == NOTHING, 0.0, self._chosen(one, data))

    def standardised(self, f: Float[Array, " samples"], data: Data) -> Float[Array, " samples"]:
        """Distance of each level from prediction f in residual SDs; beyond a limit, only on its wrong side."""
        z = self._chosen(lambda convention: self._distance(convention, f, data)[1], data)
        beyond = jnp.where(data.measured == BELOW, jnp.minimum(z, 0.0), jnp.maximum(z, 0.0))
        return jnp.where(data.measured == NOTHING, 0.0, jnp.where(data.measured == LEVEL, z, beyond))

    def log_jacobian(self, data: Data) -> Float[Array, ""]:
        """Log of the derivative of what is compared (the level, or its logarithm) by the level, summed over the levels: added
        to their log density, it makes models of different scales comparable."""

        def one(convention: str) -> Any:
            logarithmic = convention == residual.LOGARITHMIC
            return -jnp.log(data.observed) if logarithmic else jnp.zeros_like(data.observed)

        return jnp.sum(jnp.where(data.measured == LEVEL, self._chosen(one, data), 0.0))

    def information(self, f: Float[Array, " samples"], data: Data) -> Float[Array, " samples"]:
        """Expected second derivative of `terms` in f, never negative: 1/v + (dv/df)^2 / (2 v^2) for a normal error.

        For a level beyond a limit the second derivative at constant v (see `residual`).
        """

        def one(convention: str) -> Any:
            at, z = self._distance(convention, f, data)
            exact = residual.information(at, data.nu)
            if not self.censored:
                return exact
            beyond = residual.beyond_information(_signed(z, data), at, data.nu)
            return jnp.where(data.measured == LEVEL, exact, beyond)

        return jnp.where(data.measured == NOTHING, 0.0, self._chosen(one, data))

    def measured(
        self, f: Float[Array, " samples"], z: Float[Array, " samples"], data: Data
    ) -> Float[Array, " samples"]:
        """The levels, mg/L, that lie `z` residual SDs from prediction f."""

        def one(convention: str) -> Any:
            at = residual.placed(convention, f, _error(data))
            level = at.centre + z * jnp.sqrt(at.v)
            return jnp.exp(level) if convention == residual.LOGARITHMIC else level

        return self._chosen(one, data)

    def _distance(self, convention: str, f: Any, data: Data) -> tuple[residual.Placed, Any]:
        at = residual.placed(convention, f, _error(data))
        return at, (residual.scale(convention, data.observed) - at.centre) / jnp.sqrt(at.v)

    def _chosen(self, by_convention: Callable[[str], Any], data: Data) -> Any:
        """The value under each sample's own convention."""
        found = by_convention(self.residual)
        for i, other in enumerate(self.others, start=1):
            found = jnp.where(data.convention == i, by_convention(other), found)
        return found


def _error(data: Data) -> residual.Error:
    return residual.Error(data.additive, data.proportional, data.exponent, data.nu)


def _signed(z: Any, data: Data) -> Any:
    return jnp.where(data.measured == ABOVE, -z, z)


FLOOR = 1e-9
"""Fraction of its typical value at which a guarded parameter stays: nearly 0, and its logarithm is finite."""

SLACK = 1e-6
"""Below the floor by so little, a value still has the slope that it has above: an optimum there is known to rounding."""


def _kept(value: Any, typical: Any) -> Any:
    """The value, and at least `FLOOR` of the typical one."""
    floor = FLOOR * typical
    near = value > floor - SLACK * jnp.abs(typical)
    return jnp.where(near, value + jax.lax.stop_gradient(jnp.maximum(value, floor) - value), floor)


def moved(transform: str, typical: Any, eta: Any, shape: Any = None) -> Any:
    """An individual value: typical times exp(eta) (log-normal), plus eta (normal), eta added to its logit (logit-normal), or
    times exp((exp(shape eta) - 1) / shape) (box-cox; Petersson et al. 2009, Pharm Res 26:2174-2185)."""
    if transform == "normal":
        return typical + eta
    if transform == "logit-normal":
        return jax.nn.sigmoid(jnp.log(typical) - jnp.log1p(-typical) + eta)
    return typical * jnp.exp(jnp.expm1(shape * eta) / shape if transform == "box-cox" else eta)
