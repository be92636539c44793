"""The timeline of one patient as arrays: a solve goes from anchor to anchor and never crosses an event.

An *anchor* is a time at which something changes: a dose, the end of an infusion, a covariate, a reset. The
*segment* k runs from anchor k to the next one, under constant parameters and constant input rates. A *sample* lies
within one segment. Times are differences throughout, so that a clock that restarts is no special case. Padding
has zero span, zero amount and a mask, so that patients of one size share one compiled program.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Bool, Float, Int

Array = jax.Array | np.ndarray
"""Made by numpy on the host, read by JAX."""


class SteadyDoses(NamedTuple):
    """Doses that start from their own steady state (NONMEM SS); one entry for each anchor, zero where there is none."""

    kind: Int[Array, " anchors"]
    """0 none, 1 replaces what is there, 2 adds to it."""
    interval_h: Float[Array, " anchors"]
    amount_mg: Float[Array, " anchors"]
    duration_h: Float[Array, " anchors"]


class Schedule(NamedTuple):
    """One patient's events and sampling times.

    **Arguments:**

    - `span_h`: time from the anchor before (0 for the first).
    - `keep`: 1, or 0 where everything is emptied first.
    - `amount_mg`, `into`: bolus given at the anchor, and the position of its compartment.
    - `rate_mg_h`: input running in the segment that the anchor starts, by compartment; None when no patient has any.
    - `segment`, `since_h`: for each sample its segment, and the time since the segment's anchor.
    - `sampled`: False for padding.
    - `steady`: None when no dose is at steady state.
    """

    span_h: Float[Array, " anchors"]
    keep: Float[Array, " anchors"]
    amount_mg: Float[Array, " anchors"]
    into: Int[Array, " anchors"]
    rate_mg_h: Float[Array, "anchors compartments"] | None
    segment: Int[Array, " samples"]
    since_h: Float[Array, " samples"]
    sampled: Bool[Array, " samples"]
    steady: SteadyDoses | None = None


SIZES = (1, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192)
"""Lengths to which anchors and samples are padded."""


def padded(count: int) -> int:
    """The smallest length of `SIZES` that holds `count` (doubling beyond the last)."""
    for size in SIZES:
        if count <= size:
            return size
    size = SIZES[-1]
    while size < count:
        size *= 2
    return size
