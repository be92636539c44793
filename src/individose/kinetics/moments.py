"""Areas and first moments of the output of a linear system, without end and over a window.

With every exponent r raised by s, the kernel gives exp(-s t) D(r; t): the area then is the Laplace transform of the output
over the window, and minus its derivative in s is the area under t C(t). All terms of that derivative have one sign, so
nothing cancels. An input that runs for the whole window T, with response h to its amount per hour, has the area of (T - t) h
and the first moment of (T^2 - t^2) h / 2 = (T - t) (T + t) h / 2: again an area and a derivative, both positive.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from individose.kinetics.extremes import motion, rate_constants
from individose.kinetics.linear.composition import Prepared as LinearPrepared
from individose.kinetics.system import Prepared, State, System

Scalar = Float[Array, ""]


class Moments(NamedTuple):
    """`area` (mg.h/L) and first `moment` (mg.h2/L) of the output, one of each for every output."""

    area: Float[Array, " outputs"]
    moment: Float[Array, " outputs"]

    @property
    def mean_time_h(self) -> Float[Array, " outputs"]:
        """Moment over area: after a bolus into the central compartment the mean residence time (MRT)."""
        return self.moment / self.area


LONG = 80.0
"""exp(-80) is lost beside 1 in float64, with any power of its exponent that a chain brings."""


def moments_to_infinity(system: System, q: Prepared, amounts: State) -> Moments:
    """Area and first moment of what `amounts` (mg) still give, in closed form; infinite where nothing is eliminated."""
    slowest = jax.lax.stop_gradient(jnp.min(rate_constants(system, q)))
    eliminated = slowest > 0.0
    found = moments(system, q, amounts, LONG * 2.0 / jnp.where(eliminated, slowest, 1.0))
    return Moments(*(jnp.where(eliminated, x, jnp.inf) for x in found))


def moments(system: System, q: Prepared, amounts: State, span_h: Scalar, rates: State | None = None) -> Moments:
    """Area and first moment over `span_h` from the time of `amounts` (mg), with inputs (mg/h) that run all the while."""
    nothing = tuple(jnp.zeros(()) for _ in amounts)

    def tilted(given: State, running: State | None) -> tuple[Array, Array]:
        zero = jnp.zeros(())
        return jax.jvp(lambda s: jnp.stack(system.area(_raised(q, s), given, running, span_h)), (zero,), (zero + 1.0,))

    area, slope = tilted(amounts, None)
    if rates is None:
        return Moments(area, -slope)
    run, run_slope = tilted(nothing, rates)
    return Moments(area + run, -slope + 0.5 * (span_h * run - run_slope))


def _raised(q: Prepared, s: Scalar) -> Prepared:
    assert isinstance(q, LinearPrepared)
    return q._replace(
        nodes=tuple(node + s for node in q.nodes), phases=tuple(p._replace(shift=p.shift + s) for p in q.phases)
    )


def steady_volume(system: System, q: Prepared) -> Scalar:
    """Volume of distribution at steady state (L): the amount in the disposition over the level, when a rate runs for ever.

    Meant for a parent drug without metabolite; absorption stages hold nothing, since the rate enters the central one.
    """
    m = motion(system, q)
    centre = jnp.argmax(m.row)
    held = jnp.linalg.solve(-m.matrix, jnp.where(jnp.arange(system.size) == centre, 1.0, 0.0))
    return jnp.sum(held) / (m.row @ held)
