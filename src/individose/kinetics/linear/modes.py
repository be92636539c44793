"""The exponential phases of two and three compartments: exponents, and their distances from the return rates.

Everything here is a number of full relative precision, none the result of a subtraction that cancels; none is meant to be
differentiated, for exponents that meet have no derivatives (`passage` gives those of the responses instead).

With E = k10 + k12 + k13 the exponents l_1 >= l_2 >= l_3 interlace with the return rates (Cauchy):
l_1 >= max(k21, k31) >= l_2 >= min(k21, k31) >= l_3.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Scalar = Float[Array, ""]

Exchange = tuple[tuple[Scalar, Scalar], ...]
"""(k12, k21), (k13, k31)."""


class Two(NamedTuple):
    """Exponents, `above` = l_1 - k21 = E - l_2 >= 0, and `below` = k21 - l_2 = l_1 - E >= 0."""

    fast: Scalar
    slow: Scalar
    above: Scalar
    below: Scalar


class Three(NamedTuple):
    """Exponents, fastest first; for each return rate (k21, k31) r:

    - `over`: l_1 - r >= 0; `middle`: l_2 - r; `under`: r - l_3 >= 0
    - `pull`: k12 k21 / (l_1 - k21) and k13 k31 / (l_1 - k31), whose sum is l_1 - E; finite where l_1 = r
    - `rest`: the determinant of the others at l_3, of which k12 k21 (k31 - l_3) / (k21 - l_3) is that at k21
    """

    exponents: tuple[Scalar, Scalar, Scalar]
    over: tuple[Scalar, Scalar]
    middle: tuple[Scalar, Scalar]
    under: tuple[Scalar, Scalar]
    pull: tuple[Scalar, Scalar]
    rest: tuple[Scalar, Scalar]


def two(k10: Scalar, exchange: Exchange) -> Two:
    """(l_1 - k21)(k21 - l_2) = k12 k21, l_1 - l_2 = sqrt((k10 + k12 - k21)^2 + 4 k12 k21) and l_1 l_2 = k10 k21."""
    ((k12, k21),) = exchange
    excess = k10 + k12 - k21
    product = k12 * k21
    apart = jnp.sqrt(excess**2 + 4.0 * product)
    larger = 0.5 * (apart + jnp.abs(excess))
    smaller = product / nonzero(larger)
    above = jnp.where(excess >= 0, larger, smaller)
    below = jnp.where(excess >= 0, smaller, larger)
    fast = k21 + above
    return Two(fast, k10 * k21 / nonzero(fast), above, below)


def three(k10: Scalar, exchange: Exchange) -> Three:
    """With low <= high the return rates and P their products with k1j, the exponents are the roots of

        E - l - P_low/(low - l) - P_high/(high - l) = 0

    The outer two are solved for their distance from the nearest return rate; then
    (l_1 - low)(l_2 - low)(low - l_3) = P_low (high - low), the same at the other rate, and l_1 l_2 l_3 = k10 k21 k31 give
    all the rest by products (as in LAPACK's dlaed4, Li 1993).
    """
    (k12, k21), (k13, k31) = exchange
    ordered = k21 <= k31

    def chosen(first: Scalar, second: Scalar) -> tuple[Scalar, Scalar]:
        return jnp.where(ordered, first, second), jnp.where(ordered, second, first)

    # chosen, not min and max, whose derivatives are halved at a tie
    low, high = chosen(k21, k31)
    near, far = chosen(k12 * k21, k13 * k31)
    gap = high - low
    total = k10 + k12 + k13
    above, far_above = _secular_root(high - total, far, near, gap)
    below, near_below = _secular_root(total - low, near, far, gap)
    below = jnp.minimum(below, low)
    over, under = gap + above, gap + below
    to_low, to_high = near_below * under, far_above * over
    whole = nonzero(to_low + to_high)
    from_low, from_high = gap * (to_low / whole), gap * (to_high / whole)
    first, middle = high + above, low + from_low
    slow = k10 * k21 * k31 / nonzero(first * middle)
    return Three(
        (first, middle, slow),
        chosen(over, above),
        chosen(from_low, -from_high),
        chosen(below, under),
        chosen(near / nonzero(over), far_above),
        chosen(to_low, far * below / nonzero(under)),
    )


def nonzero(x: Scalar) -> Scalar:
    """A divisor that is 1 where it would be 0."""
    return jnp.where(x > 0, x, 1.0)


ITERATIONS = 14
"""Steps of the secular equation; the last two carry its derivatives."""


def _secular_root(b: Scalar, p: Scalar, q: Scalar, gap: Scalar) -> tuple[Scalar, Scalar]:
    """The root x >= 0 of x + b - p/x - q/(gap + x) = 0, for p, q, gap >= 0, and p/x (finite where p = 0 makes x = 0).

    Each step puts a tangent for the last term and solves the quadratic that remains, so that it converges like Newton's
    method and a step from the root has no first derivative: two steps on a stopped value carry derivatives of first
    and second order exactly.
    """

    def quadratic(a: Scalar, c: Scalar, product: Scalar) -> tuple[Scalar, Scalar]:
        """Positive root x of a x^2 + c x - product = 0, and product / x = a x + c."""
        larger = 0.5 * (jnp.sqrt(jnp.maximum(c * c + 4.0 * a * product, TINY)) + jnp.abs(c))
        return jnp.where(c > 0, product / larger, larger / a), jnp.where(c > 0, larger, a * product / larger)

    def step(x: Scalar) -> tuple[Scalar, Scalar]:
        share = 1.0 / jnp.maximum(gap + x, TINY)
        value = q * share
        slope = value * share
        return quadratic(1.0 + slope, b - value - slope * x, p)

    stop = jax.lax.stop_gradient
    one = jnp.asarray(1.0, dtype=jnp.result_type(b))
    x = stop(quadratic(one, b, p + q)[0])
    for _ in range(ITERATIONS - 2):
        x = stop(step(x)[0])
    return step(step(x)[0])


TINY = 1e-280
"""Keeps a root and a division finite where a compartment exchanges nothing."""
