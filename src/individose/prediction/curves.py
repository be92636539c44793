"""Levels of several histories as a function of parameters: a card's, or those of a system that is given by itself.

Unlike a `Relation`, whose parameters are moved by random effects around typical values, a curve takes the parameters
themselves: what a generative model infers. It knows nothing of priors.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial, reduce
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from individose.base import InputError
from individose.drugs import Card
from individose.events import Subject
from individose.kinetics import System, arrange
from individose.prediction.bind import bind
from individose.prediction.relation import Data, Relation
from individose.prediction.timeline import Sizes, history, larger, sizes, walk

Values = Mapping[str, Any]


def as_they_are(p: Values) -> Values:
    """The parameters are those of the system, in canonical units."""
    return p


@dataclass(frozen=True)
class Curve:
    """Parameters to levels under one design (a row of `Designs.data`).

    **Arguments:** `named` turns the parameters that are inferred (any names, any units) into those of the system (h, mg, L):
    a dose scale d into V = 1 / d, a rate per day into one per hour; `per_mg_L` turns mg/L into the unit of the levels.
    `relative` are parameters of a card that multiply its typical value, which may depend on covariates; all others
    take its place.
    """

    relation: Relation
    named: Callable[[Values], Values] = as_they_are
    per_mg_L: float = 1.0
    relative: tuple[str, ...] = ()

    def __call__(self, p: Values, design: Data) -> Float[Array, " samples"]:
        given = self.named(p)
        typical: Any = jnp.asarray(design.typical)
        columns = []
        for j, name in enumerate(self.relation.parameters):
            own = typical[:, j]
            if name in given:
                own = own * given[name] if name in self.relative else jnp.full_like(own, 1.0) * given[name]
            columns.append(own)
        moved = design._replace(typical=jnp.stack(columns, axis=1))
        return jnp.asarray(self.relation.predict(jnp.zeros(0), moved)) * self.per_mg_L


class Designs(NamedTuple):
    """Histories as arrays with a leading axis, and how many levels each has (the rest of its samples is padding)."""

    data: Data
    counts: tuple[int, ...]


def of_system(system: System, names: Sequence[str], subjects: Sequence[Subject]) -> tuple[Relation, Designs]:
    """The relation and designs of a system without a card; every parameter must be given to the curve.

    **Raises:** `InputError` where a history cannot be followed, or no subject is given.
    """
    lines = [walk(subject, system) for subject in _some(subjects)]
    moving = [name for name in names if name.rstrip("0123456789") in ("lag", "duration", "rate")]
    unknown = dict.fromkeys(moving, (0.0, math.inf))  # as many earlier doses as can be followed
    to = reduce(larger, (sizes(line, system, unknown) for line in lines))
    worn = any(line.worn for line in lines)
    relation = Relation(system, tuple(names), (), "sd2 = a2 + b2 f2", infused=to[4], slots=to[5], worn=worn)
    rows = []
    for line in lines:
        past = history(line, system, to)
        schedule = None if relation.moves else arrange(np, past, None, infused=to[4], steady=to[5])
        nothing = np.zeros(to[2])
        rows.append(
            Data(
                schedule,
                past if relation.moves else None,
                np.full((to[3], len(names)), np.nan),
                nothing,
                nothing.astype(np.int32),
                np.float64(0.0),
                np.float64(0.0),
                np.zeros((0, 0)),
            )
        )
    return relation, _stacked(rows, [len(line.levels) for line in lines])


def of_card(card: Card, subjects: Sequence[Subject], *, extrapolate: bool = False) -> tuple[Relation, Designs]:
    """The relation and designs of a card: parameters that a curve is not given keep the card's typical values.

    **Raises:** as `prediction.bind`.
    """
    bound = [bind(card, subject, extrapolate=extrapolate) for subject in _some(subjects)]
    to: Sizes = reduce(larger, (one.sizes for one in bound))
    worn = any(one.relation.worn for one in bound)
    relation = replace(bound[0].relation, effects=(), between=(), occasions=0, infused=to[4], slots=to[5], worn=worn)
    same = [replace(one, relation=replace(one.relation, worn=worn)) for one in bound]
    nothing: Any = None
    rows = [one.data(to)._replace(precision=np.zeros((0, 0)), occasion=nothing, shapes=nothing) for one in same]
    return relation, _stacked(rows, [len(one.line.levels) for one in bound])


def _some(subjects: Sequence[Subject]) -> Sequence[Subject]:
    if not subjects:
        raise InputError("no history was given", "one or more", "a curve belongs to a history", "Give the doses.")
    return subjects


def _stacked(rows: Sequence[Data], counts: Sequence[int]) -> Designs:
    return Designs(jax.tree.map(lambda *parts: np.stack([np.asarray(x) for x in parts]), *rows), tuple(counts))


@partial(jax.jit, static_argnums=0)
def drawn(curve: Curve, draws: Values, design: Data) -> Float[Array, "draws samples"]:
    """One curve for each draw of the parameters (each (draws,))."""
    return jax.vmap(lambda p: curve(p, design))(dict(draws))
