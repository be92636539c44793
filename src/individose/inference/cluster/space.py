"""The coordinates in which a cluster moves: effects, or multiples of the typical value, in units of their own spread.

A point is eta = u in log space (`raw` False), or eta = log(1 + u) in the space of the parameters themselves, where u is the
distance from the typical value in typical values (for log-normal effects); u = centre + root z.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Float

from individose.kinetics.schedule import Array


class Space(NamedTuple):
    """`centre` (n,) and `root` (n, n): where z is 0, and what a step of one in z is; `low`, `high` (n,): the domain of u."""

    centre: Float[Array, " effects"]
    root: Float[Array, "effects effects"]
    low: Float[Array, " effects"]
    high: Float[Array, " effects"]


LEAST = 1e-9
"""The smallest parameter, in typical values."""


def coordinates(space: Space, z: Any) -> Any:
    """u of points (.., n)."""
    return space.centre + z @ space.root.T


def effects(space: Space, z: Any, raw: bool) -> Any:
    """eta of points (.., n)."""
    u = coordinates(space, z)
    return jnp.log(jnp.maximum(1.0 + u, LEAST)) if raw else u


def inside(space: Space, z: Any) -> Any:
    """Whether points (.., n) lie in the domain."""
    u = coordinates(space, z)
    return jnp.all((u >= space.low) & (u <= space.high), axis=-1)
