"""The amounts after all anchors at once: what happens between two anchors is an affine map, and maps can be joined.

From one anchor to the next a linear system makes M a + v of the amounts a. Joining neighbours, then neighbours of these,
takes log2(anchors) rounds (Blelloch 1990, "Prefix sums and their applications", CMU-CS-90-190) where going from anchor to
anchor takes one step each. It costs more arithmetic and less waiting: a gradient that is taken backward through it is about
twice as fast for a few chains of one patient; forward, and for many patients side by side, it is slower
(`benchmarks.roads`). Nothing is subtracted, so the amounts are as exact as those of the other road.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from individose.kinetics.schedule import Schedule
from individose.kinetics.system import Prepared, Scalar, State, System

Matrix = Float[Array, "*anchors compartments compartments"]
Vector = Float[Array, "*anchors compartments"]


def prefix_states(
    system: System, before: Prepared, schedule: Schedule, rates: Array | None, started: Any
) -> tuple[Array, ...]:
    """Amounts (mg) right after each anchor: for each compartment an array (anchors,).

    **Arguments:** `before` holds what is prepared for the stretch that ends at each anchor, with a leading axis of anchors,
    or one of length 1 for all; `rates` (anchors, compartments) run in that stretch; `started` is (kind, amounts) of doses at
    steady state, as in `propagate`.
    """
    size = system.size
    shared = all(x.shape[0] == 1 for x in jax.tree.leaves(before))
    if shared:
        before = jax.tree.map(lambda x: x[0], before)

    def way(q: Prepared, span: Scalar, rate: Array | None) -> tuple[Matrix, Vector]:
        units = jax.vmap(lambda unit: jnp.stack(system.advance(q, tuple(unit), None, span)))(jnp.eye(size))
        if rate is None:
            return units.T, jnp.zeros(size)
        nothing: State = tuple(jnp.zeros(()) for _ in range(size))
        return units.T, jnp.stack(system.advance(q, nothing, tuple(rate), span))

    spans, keep = jnp.asarray(schedule.span_h), jnp.asarray(schedule.keep)
    axes = (None if shared else 0, 0, None if rates is None else 0)
    moved, forced = jax.vmap(way, in_axes=axes)(before, spans, rates)
    moved, forced = moved * keep[:, :, None], forced * keep
    if started is not None:
        kind, amounts = started
        anew = (kind == 1)[:, None]
        moved = jnp.where(anew[:, :, None], 0.0, moved)
        forced = jnp.where(anew, 0.0, forced) + jnp.stack(amounts, axis=1)
    into = jnp.asarray(schedule.into)[:, None] == jnp.arange(size)
    given = jnp.where(into, jnp.asarray(schedule.amount_mg)[:, None], 0.0)
    _, states = jax.lax.associative_scan(_joined, (moved, forced + given))
    return tuple(states[:, i] for i in range(size))


def _joined(first: tuple[Matrix, Vector], then: tuple[Matrix, Vector]) -> tuple[Matrix, Vector]:
    """One map after another; sums of products written out, which is faster than a product of small matrices."""
    (a, u), (b, v) = first, then
    return (b[..., :, :, None] * a[..., None, :, :]).sum(-2), (b * u[..., None, :]).sum(-1) + v
