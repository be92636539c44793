"""Impulse responses as sums of divided differences, and how they compose.

The response of compartment j to a unit amount put into compartment i is a sum of terms c D(n_1, .., n_m; t) with c >= 0 and
nodes n >= 0 (see `divided`). Putting one block behind another multiplies their Laplace transforms, which joins the
nodes: D(a; .) * D(b; .) = D(a, b; .). An infusion and an area are one more node of 0 each. Since every term is
non-negative, no sum cancels, and amounts are exact to the rounding of the terms.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from individose.kinetics.linear.divided import decay_divided

Scalar = Float[Array, ""] | float


class Term(NamedTuple):
    """`weight` times D(`nodes`)."""

    weight: Scalar
    nodes: tuple[Scalar, ...]


Response = tuple[Term, ...]
"""A sum of terms; empty where nothing ever arrives."""

Responses = Mapping[tuple[int, int], Response]
"""(from compartment, to compartment) to response."""


def at(response: Response, t: Scalar, zeros: int = 0) -> Float[Array, ""]:
    """The response at time `t`, integrated `zeros` times over time (1: to a constant input, or its area)."""
    values = [term.weight * decay_divided((*term.nodes, *([0.0] * zeros)), t) for term in response]
    return sum(values[1:], start=values[0]) if values else jnp.zeros(())


def behind(first: Response, rate: Scalar, second: Response) -> Response:
    """The response through two blocks, where the first loses `rate` per h of its last compartment into the second."""
    return tuple(Term(a.weight * rate * b.weight, (*a.nodes, *b.nodes)) for a in first for b in second)
