"""What an estimator sees: a loss over a few effects, never a drug."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from individose.base import Notice

Eta = Float[Array, " effects"]


class Likelihood(Protocol):
    """Pure functions of the effects and one patient's arrays; hashable, and equal ones share compiled programs."""

    @property
    def together(self) -> bool:
        """Whether many patients are solved faster side by side than one after the other."""
        ...

    @property
    def by_subject(self) -> int:
        """How many of the effects, the first ones, are the patient's own; the others belong to occasions."""
        ...

    @property
    def cornered(self) -> bool:
        """Whether an effect moves the beginning or the end of an input, so that the objective may have corners."""
        ...

    @property
    def rough(self) -> Likelihood:
        """The same, where it can be had faster and right to about 1e-4 (for clusters of points); itself where it cannot."""
        ...

    @property
    def closed(self) -> bool:
        """Whether levels are in closed form, so that a derivative may be taken backward."""
        ...

    @property
    def near(self) -> Likelihood:
        """The same, where it can be had faster and nearly right (for draws to be weighted); itself where it cannot."""
        ...

    @property
    def backward(self) -> Likelihood | None:
        """The same with a gradient that is faster backward than forward; None where that cannot be had."""
        ...

    @property
    def relative(self) -> tuple[bool, ...]:
        """Which of the patient's own effects act on a logarithm or a logit, so that their SD is a matter of factors."""
        ...

    @property
    def guarded(self) -> tuple[str, ...]:
        """Parameters that some effects would bring below 0, where they cannot be."""
        ...

    def room(self, eta: Any, data: Any) -> Any:
        """How far above 0 each guarded parameter lies, as a fraction of its typical value."""
        ...

    def predict(self, eta: Any, data: Any) -> Any:
        """Levels at the samples of `data`, mg/L."""
        ...

    def area(self, eta: Any, data: Any) -> Any:
        """Area under the curve up to each sample, mg.h/L."""
        ...

    def individual(self, eta: Any, data: Any) -> Any:
        """Individual parameters by name, by segment."""
        ...

    def terms(self, f: Any, data: Any) -> Any:
        """Minus log density of each level at prediction f."""
        ...

    def standardised(self, f: Any, data: Any) -> Any:
        """(level - f) / SD of each measured level; 0 for all others."""
        ...

    def log_jacobian(self, data: Any) -> Any:
        """What the log density of the levels lacks where `terms` are those of a transform of them."""
        ...

    def information(self, f: Any, data: Any) -> Any:
        """Expected second derivative of `terms` in f, never negative."""
        ...


@dataclass(frozen=True)
class Problem:
    """One patient's estimation problem.

    **Arguments:**

    - `id`, `model`: who and by which model, for people to read.
    - `likelihood`: the pure functions; `data`: the arrays they take, with the fields `precision` and `measured`.
    - `effects`: names of the random effects (those of the parameters they act on; CL:occ1 acts at one occasion); one
      without a name only fills up the arrays.
    - `samples`: what each sample is, for people ("24.6 mg/L at 63.5 h").
    - `units`: UCUM unit of each parameter.
    - `now`: what `individual` needs of `data` to give the parameters at the latest covariates.
    - `at`: other sampling times (h), and an analyte or None for the first, to data like `data`, for predictions.
    - `prior_weight`: by how much the published precision of the effects was multiplied to give that of `data`.
    - `notices`: what is already known and must travel with any result.
    """

    id: str
    model: str
    likelihood: Likelihood
    data: Any
    effects: tuple[str, ...]
    now: Any
    at: Callable[..., Any]
    samples: tuple[str, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)
    prior_weight: float = 1.0
    notices: tuple[Notice, ...] = ()
    context: Any = field(default=None, compare=False)
    """The bound model, for the rooms that know drugs (dosing, app); estimators do not read it."""

    @property
    def n_effects(self) -> int:
        return len(self.effects)


def loss(likelihood: Likelihood, eta: Eta, data: Any) -> Float[Array, ""]:
    """Minus log posterior of the effects: sum of `terms` plus eta' precision eta / 2 (constants left out).

    Twice this plus log det(omega) is NONMEM's individual objective at given effects. Where a parameter would be below 0 that
    cannot be, it rises steeply.
    """
    prior = 0.5 * eta @ (data.precision @ eta)
    found = likelihood.terms(likelihood.predict(eta, data), data).sum() + prior
    if not likelihood.guarded:
        return found
    return found + WALL * jnp.maximum(-likelihood.room(eta, data), 0.0).sum()


WALL = 1e3
"""Slope of the objective below 0, by the typical value of a guarded parameter: a descent comes back to 0 and not further."""


def impossible(likelihood: Likelihood, eta: Eta, data: Any) -> Bool[Array, ""]:
    """Whether these effects bring a guarded parameter below 0: the posterior has nothing there."""
    if not likelihood.guarded:
        return jnp.asarray(False)
    return jnp.any(likelihood.room(eta, data) <= 0.0)
