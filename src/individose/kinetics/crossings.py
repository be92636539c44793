"""When the output of a linear system is above a level: its crossings lie between the points at which it turns."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from individose.kinetics.extremes import Curve, Segment, curve, motion
from individose.kinetics.system import Prepared, State, System

Scalar = Float[Array, ""]


class Stretch(NamedTuple):
    """Time (h) that the output spends above a level in a segment, and when (h since the segment's start) the last such time
    ends; the begin of the segment when there is none."""

    above_h: Scalar
    last_h: Scalar


def time_above(seen: Curve, threshold: Scalar) -> Stretch:
    """Time above `threshold` (mg/L) of a curve that was searched for it.

    A piece is monotone, so it crosses once when its ends lie on either side, and never otherwise.
    """
    left, right = seen.times_h[:-1], seen.times_h[1:]
    before, after = seen.levels[:-1] - threshold, seen.levels[1:] - threshold
    crosses = seen.crossings_h < right
    falls = crosses & (after <= 0.0)
    entirely = jnp.where(before + after > 0.0, right - left, 0.0)
    partly = jnp.where(falls, seen.crossings_h - left, right - seen.crossings_h)
    above = jnp.where(crosses, partly, entirely)
    ends = jnp.where(above > 0.0, jnp.where(falls, seen.crossings_h, right), left[0])
    return Stretch(jnp.sum(above), jnp.max(ends))


NEVER_MORE = 745.0
"""exp(-745) is the last that float64 tells from 0."""


def time_to_fall(system: System, q: Prepared, amounts: State, threshold: Scalar, output: Any = 0) -> Scalar:
    """Time (h) after which the output stays below `threshold` (mg/L, > 0) when nothing more is given.

    0 when it never comes above; infinite where nothing is eliminated.
    """
    m = motion(system, q, output)
    slowest = jax.lax.stop_gradient(m.spectrum[-1])
    end = NEVER_MORE / jnp.where(slowest > 0.0, slowest, 1.0)
    segment = Segment(m, jnp.stack(amounts), None, jnp.zeros(()), end)
    fall = time_above(curve(system, q, segment, threshold), threshold).last_h
    return jnp.where(slowest > 0.0, fall, jnp.inf)
