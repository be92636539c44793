"""Impulse responses as products of transforms, and how they compose.

The response of compartment j to a unit amount put into compartment i is c >= 0 times a product of transforms: single stages
1/(s + n), and the words of dispositions of several compartments (see `words`). Putting one block behind another multiplies
their transforms, which joins their factors: D(a; .) * D(b; .) = D(a, b; .). An infusion and an area are one more node of 0
each. Since every term is non-negative, no sum cancels, and amounts are exact to the rounding of the terms.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from individose.kinetics.linear.divided import decay_divided
from individose.kinetics.linear.passage import Part, passages
from individose.kinetics.linear.words import Phases, Word

Scalar = Float[Array, ""] | float


class Crossing(NamedTuple):
    """A disposition of several compartments, and the way through it."""

    phases: Phases
    word: Word


class Term(NamedTuple):
    """`weight` times D(`nodes`), through the dispositions `crossed`."""

    weight: Scalar
    nodes: tuple[Scalar, ...]
    crossed: tuple[Crossing, ...] = ()


Response = tuple[Term, ...]
"""A sum of terms; empty where nothing ever arrives."""

Responses = Mapping[tuple[int, int], Response]
"""(from compartment, to compartment) to response."""


def at(response: Response, t: Scalar, zeros: int = 0) -> Float[Array, ""]:
    """The response at time `t`, integrated `zeros` times over time (1: to a constant input, or its area)."""
    values = [term.weight * _transformed(term, t, zeros) for term in response]
    return sum(values[1:], start=values[0]) if values else jnp.zeros(())


def _transformed(term: Term, t: Scalar, zeros: int) -> Float[Array, ""]:
    if not term.crossed:
        return decay_divided((*term.nodes, *([0.0] * zeros)), t)
    through = tuple((place, (crossing.word,)) for place, crossing in enumerate(term.crossed))
    part = Part(tuple(range(len(term.nodes))), zeros, through)
    stages = [jnp.asarray(node) for node in term.nodes]
    return passages([part], [crossing.phases for crossing in term.crossed], stages, jnp.asarray(t))[0]


def behind(first: Response, rate: Scalar, second: Response) -> Response:
    """The response through two blocks, where the first loses `rate` per h of its last compartment into the second."""
    return tuple(
        Term(a.weight * rate * b.weight, (*a.nodes, *b.nodes), (*a.crossed, *b.crossed)) for a in first for b in second
    )
