"""Anchors and samples of a schedule in one line, in the order of time, so that a solve passes each only once."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from individose.kinetics.schedule import Schedule


class Records(NamedTuple):
    """What happens on the way and at the end of each stretch between two records.

    - `span_h`: time from the record before. `piece`: row of the parameters that hold on the way.
    - `rate_mg_h`: input on the way, by compartment; None when nothing runs anywhere.
    - `keep`, `amount_mg`, `into`: as in `Schedule`, at an anchor; 1, 0 and 0 at a sample.
    - `anchor`: the anchor's number, -1 for a sample.
    - `seen`: row of the parameters that observe at a sample (a covariate that runs linearly has its own value there).
    - `place`, `output`: for each sample of the schedule its record, and the output that it wants.
    """

    span_h: Float[Array, " records"]
    piece: Int[Array, " records"]
    rate_mg_h: Float[Array, "records compartments"] | None
    keep: Float[Array, "records compartments"]
    amount_mg: Float[Array, " records"]
    into: Int[Array, " records"]
    anchor: Int[Array, " records"]
    seen: Int[Array, " records"]
    place: Int[Array, " samples"]
    output: Int[Array, " samples"]


def merged(schedule: Schedule) -> Records:
    """One line of records. A sample comes after the anchor of its segment, whatever the time between them.

    A sample of the last segment may lie behind padding, whose span is 0: the padding then takes place later, unseen.
    """
    anchors, samples = len(schedule.span_h), len(schedule.segment)
    segment = jnp.concatenate([jnp.arange(anchors), jnp.asarray(schedule.segment)])
    since = jnp.concatenate([jnp.zeros(anchors), jnp.asarray(schedule.since_h)])
    kind = jnp.concatenate([jnp.zeros(anchors), jnp.ones(samples)])
    order = jnp.lexsort((since, kind, segment))
    is_anchor = order < anchors
    which = jnp.where(is_anchor, order, 0)
    segment, since = segment[order], since[order]
    behind = jnp.concatenate([jnp.zeros(1), since[:-1]])
    spans = jnp.where(is_anchor, jnp.asarray(schedule.span_h)[which], since) - behind
    way = jnp.where(is_anchor, jnp.maximum(segment - 1, 0), segment)
    keep = jnp.where(is_anchor[:, None], jnp.asarray(schedule.keep)[which], 1.0)
    piece = jnp.asarray(schedule.piece)[way]
    seen = piece
    if schedule.seen is not None:
        seen = jnp.where(is_anchor, piece, jnp.asarray(schedule.seen)[jnp.where(is_anchor, 0, order - anchors)])
    return Records(
        span_h=jnp.maximum(spans, 0.0),
        piece=piece,
        rate_mg_h=None if schedule.rate_mg_h is None else jnp.asarray(schedule.rate_mg_h)[way],
        keep=keep,
        amount_mg=jnp.where(is_anchor, jnp.asarray(schedule.amount_mg)[which], 0.0),
        into=jnp.asarray(schedule.into)[which],
        anchor=jnp.where(is_anchor, which, -1),
        seen=seen,
        place=jnp.argsort(order)[anchors:],
        output=jnp.asarray(schedule.output),
    )
