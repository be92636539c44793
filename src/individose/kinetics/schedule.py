"""The timeline of one patient as arrays: a solve goes from anchor to anchor and never crosses an event.

An *anchor* is a time at which something changes: a dose, the end of an infusion, a covariate, a reset. The *segment* k
runs from anchor k to the next one, under constant parameters and constant input rates. A *sample* lies within one
segment. Times are differences throughout, so that a clock that restarts is no special case. Padding has zero span and zero
amount, so that patients of one size share one compiled program.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Bool, Float, Int

Array = jax.Array | np.ndarray
"""Made by numpy on the host, or by JAX where times depend on parameters; read by JAX."""


class SteadyDoses(NamedTuple):
    """Doses that start from their own steady state (NONMEM SS), one entry for each.

    `anchor` is where the amounts are set or added (`kind` 1 or 2; 0 is padding), `phase_h` the time then gone since the
    last of the earlier doses arrived (the interval where nothing lags), `piece` the parameters' row.
    """

    anchor: Int[Array, " doses"]
    kind: Int[Array, " doses"]
    into: Int[Array, " doses"]
    amount_mg: Float[Array, " doses"]
    duration_h: Float[Array, " doses"]
    interval_h: Float[Array, " doses"]
    phase_h: Float[Array, " doses"]
    piece: Int[Array, " doses"]


class Schedule(NamedTuple):
    """One patient's events and sampling times.

    **Arguments:**

    - `span_h`: time from the anchor before (0 for the first).
    - `keep`: 1, or 0 for each compartment that is emptied first.
    - `amount_mg`, `into`: bolus given at the anchor, and the position of its compartment.
    - `rate_mg_h`: input running in the segment that the anchor starts, by compartment; None when no patient has any.
    - `piece`: row of the parameters that hold in the segment that the anchor starts.
    - `segment`, `since_h`: for each sample its segment, and the time since the segment's anchor.
    - `output`: position of the analyte that a sample measures.
    - `sampled`: False for padding.
    - `steady`: None when no dose is at steady state.
    - `seen`: row of the parameters that observe at each sample; None where it is that of the segment.
    """

    span_h: Float[Array, " anchors"]
    keep: Float[Array, "anchors compartments"]
    amount_mg: Float[Array, " anchors"]
    into: Int[Array, " anchors"]
    rate_mg_h: Float[Array, "anchors compartments"] | None
    piece: Int[Array, " anchors"]
    segment: Int[Array, " samples"]
    since_h: Float[Array, " samples"]
    output: Int[Array, " samples"]
    sampled: Bool[Array, " samples"]
    steady: SteadyDoses | None = None
    seen: Int[Array, " samples"] | None = None


SIZES = (1, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192)
"""Lengths to which doses, marks and samples are padded."""


def padded(count: int) -> int:
    """The smallest length of `SIZES` that holds `count` (doubling beyond the last)."""
    for size in SIZES:
        if count <= size:
            return size
    size = SIZES[-1]
    while size < count:
        size *= 2
    return size
