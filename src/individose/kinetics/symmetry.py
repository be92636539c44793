"""The symmetry of a chain of which only the last stage is seen: its rates in any order, the dose scaled, give one curve.

A dose d into stage 1 of a chain with rates k_1, .., k_n shows d k_1 .. k_(n-1) D(k_1, .., k_n; t) in stage n. D is
symmetric (`linear.divided`), so that the rates may change places if d k_1 .. k_(n-1), which is d / k_n times the
product of all rates, stays: d becomes d k_l / k_n where k_l is the rate that comes last. These are the n! elements of
the symmetric group; for three stages that is D3, the group of the triangle. A patch that is taken off at W takes
d exp(-k_1 W) with it, which the first rate alone decides: there the others change places, and that one stays.

Written for one set of parameters; more are leading axes (`...`). Derivation: docs/theory/generative.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

Order = tuple[int, ...]
"""Positions, from 0: the rate at place i of an image is that at place order[i] of the original."""

TRIANGLE: dict[str, Order] = {
    "id": (0, 1, 2),
    "T1": (1, 0, 2),
    "T2": (2, 1, 0),
    "T3": (1, 2, 0),
    "T4": (2, 0, 1),
    "T5": (0, 2, 1),
}
"""The six elements for three stages, under the names of estrannaise.js' page; T3 = T1 T2, T4 = T2 T1, T5 = T1 T2 T1."""


def orders(stages: int, *, removed: bool = False) -> tuple[Order, ...]:
    """All orders of the rates that leave the curve as it is; `removed` where the dose is taken off again."""
    if removed:
        return tuple((0, *(i + 1 for i in rest)) for rest in permutations(range(stages - 1)))
    return tuple(permutations(range(stages)))


def image(
    scale: ArrayLike, rates: Float[ArrayLike, "... stages"], order: Sequence[int]
) -> tuple[Float[Array, ...], Float[Array, "... stages"]]:
    """The scale (of the dose) and rates that give the same curve, with the rates in another order."""
    rates = jnp.asarray(rates)
    moved = rates[..., jnp.asarray(order)]
    return jnp.asarray(scale) * moved[..., -1] / rates[..., -1], moved


def images(
    scale: ArrayLike, rates: Float[ArrayLike, "... stages"], *, removed: bool = False
) -> tuple[Float[Array, "... images"], Float[Array, "... images stages"]]:
    """All images; for three stages in the order of `TRIANGLE` (of which a patch has `id` and `T5`)."""
    stages = jnp.shape(rates)[-1]
    all_orders = tuple(TRIANGLE.values()) if stages == 3 and not removed else orders(stages, removed=removed)
    found = [image(scale, rates, order) for order in all_orders]
    return jnp.stack([s for s, _ in found], axis=-1), jnp.stack([k for _, k in found], axis=-2)


def relabelled(
    scale: ArrayLike, rates: Float[ArrayLike, "... stages"], slowest_first: Sequence[int], *, removed: bool = False
) -> tuple[Float[Array, ...], Float[Array, "... stages"]]:
    """The one image whose rates rise in a wanted order.

    **Arguments:** `slowest_first`: positions from the slowest to the fastest rate, as (0, 2, 1) for k1 < k3 < k2. With
    `removed` the first rate stays where it is, and the others rise in the order that is left.
    """
    rates = jnp.asarray(rates)
    kept = [i for i in slowest_first if not (removed and i == 0)]
    rising = jnp.sort(rates[..., jnp.asarray(sorted(kept))], axis=-1)
    moved = rates.at[..., jnp.asarray(kept)].set(rising)
    return jnp.asarray(scale) * moved[..., -1] / rates[..., -1], moved


def invariants(
    scale: ArrayLike, rates: Float[ArrayLike, "... stages"], *, removed: bool = False
) -> dict[str, Float[Array, ...]]:
    """What all images share, and what together fixes the curve.

    **Returns:** `area` (scale / last rate: the area under the curve of a dose that is not taken off), and the rates from
    slowest to fastest as `rate1`, `rate2`, ..; with `removed` the first rate is `rate1` whatever its size.
    """
    rates = jnp.asarray(rates)
    first = rates[..., :1] if removed else rates[..., :0]
    rising = jnp.concatenate([first, jnp.sort(rates[..., first.shape[-1] :], axis=-1)], axis=-1)
    named = {f"rate{i + 1}": rising[..., i] for i in range(rates.shape[-1])}
    return {"area": jnp.asarray(scale) / rates[..., -1], **named}
