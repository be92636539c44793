"""Mammillary dispositions of one, two and three compartments: impulse responses among their compartments.

With E = k10 + k12 + k13 and the exponents l_1 > l_2 > l_3, the response in Laplace's s is a rational function whose
numerator is written so that all its terms are non-negative, using that the exponents and the return rates interlace,
l_1 >= max(k21, k31) >= l_2 >= min(k21, k31) >= l_3 (Cauchy). Compartment 0 is the central one, from which drug leaves.

    one:    0->0  D(k10)
    two:    0->0  (l_1 - k21)/(l_1 - l_2) D(l_1) + (k21 - l_2)/(l_1 - l_2) D(l_2),   1->1 the same with weights exchanged
            0->1  k12 D(l_1, l_2),   1->0  k21 D(l_1, l_2)
    three:  i->i  sum of v_ij^2 D(l_j), v the eigenvectors of the symmetrised system
            0->1  k12 [D(l_1, l_2) + (k31 - l_3) D(l_1, l_2, l_3)], and so on;   1->2  k21 k13 D(l_1, l_2, l_3)
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from individose.kinetics.linear.responses import Response, Responses, Term

Scalar = Float[Array, ""]


class Micro(NamedTuple):
    """Rate constants per h: elimination from the central compartment, and to and from each peripheral one."""

    k10: Scalar
    exchange: tuple[tuple[Scalar, Scalar], ...] = ()
    """(k12, k21), (k13, k31)."""


def responses(micro: Micro) -> Responses:
    """Impulse responses among the compartments (0 central, then the peripheral ones)."""
    match len(micro.exchange):
        case 0:
            return {(0, 0): (Term(1.0, (micro.k10,)),)}
        case 1:
            return _two(micro)
        case _:
            return _three(micro)


def exponents(micro: Micro) -> tuple[Scalar, ...]:
    """The rates of the exponential phases, fastest first."""
    match len(micro.exchange):
        case 0:
            return (micro.k10,)
        case 1:
            fast, _, slow, _ = _split(micro)
            return fast, slow
        case _:
            return _roots(micro)


def _split(micro: Micro) -> tuple[Scalar, Scalar, Scalar, Scalar]:
    """(l_1, l_1 - k21, l_2, k21 - l_2) of two compartments, none by a subtraction that cancels.

    (l_1 - k21)(k21 - l_2) = k12 k21 and l_1 - l_2 = sqrt((k10 + k12 - k21)^2 + 4 k12 k21).
    """
    ((k12, k21),) = micro.exchange
    excess = micro.k10 + k12 - k21
    product = k12 * k21
    apart = jnp.sqrt(excess**2 + 4.0 * product)
    larger = 0.5 * (apart + jnp.abs(excess))
    smaller = product / jnp.where(larger > 0, larger, 1.0)
    above = jnp.where(excess >= 0, larger, smaller)
    below = jnp.where(excess >= 0, smaller, larger)
    fast = k21 + above
    return fast, above, micro.k10 * k21 / jnp.where(fast > 0, fast, 1.0), below


def _two(micro: Micro) -> Responses:
    """l_1 l_2 = k10 k21, so the slow exponent needs no subtraction either."""
    ((k12, k21),) = micro.exchange
    fast, above, slow, below = _split(micro)
    apart = jnp.where(above + below > 0, above + below, 1.0)
    # where nothing is exchanged and both rates are equal, the weights are 1 and 0 in either order
    share = jnp.where(above + below > 0, above / apart, 1.0)
    rest = jnp.where(above + below > 0, below / apart, 0.0)
    return {
        (0, 0): (Term(share, (fast,)), Term(rest, (slow,))),
        (0, 1): (Term(k12, (fast, slow)),),
        (1, 0): (Term(k21, (fast, slow)),),
        (1, 1): (Term(rest, (fast,)), Term(share, (slow,))),
    }


class _Three(NamedTuple):
    """Exponents of three compartments, fastest first, each with its weights (central, slower, faster return rate); and the
    distances (>= 0) of the slowest from the slower and the faster return rate."""

    exponents: tuple[Scalar, Scalar, Scalar]
    weights: tuple[tuple[Scalar, Scalar, Scalar], ...]
    below: tuple[Scalar, Scalar]


def _solved(micro: Micro) -> tuple[_Three, Scalar]:
    """The exponents and weights, none by a subtraction that cancels; and which return rate is the slower.

    With low <= high the return rates and P their products with k1j, the exponents are the roots of the secular equation
    E - l - P_low/(low - l) - P_high/(high - l) = 0. The outer two are solved for their distance from the nearest return
    rate; then (l_1 - low)(l_2 - low)(low - l_3) = P_low (high - low), the same at the other rate, and
    l_1 l_2 l_3 = k10 k21 k31 give all the rest by products (as in LAPACK's dlaed4, Li 1993). The weights are the squares
    of the eigenvectors (1, sqrt(P_low)/d_low, sqrt(P_high)/d_high), normalised, with d the distances from the return
    rates: written with P/d, which stays finite where nothing is exchanged, they need no division.
    """
    (k12, k21), (k13, k31) = micro.exchange
    ordered = k21 <= k31
    # chosen, not min and max, whose derivatives are halved at a tie
    low, high = jnp.where(ordered, k21, k31), jnp.where(ordered, k31, k21)
    near = jnp.where(ordered, k12 * k21, k13 * k31)
    far = jnp.where(ordered, k13 * k31, k12 * k21)
    gap = high - low
    total = micro.k10 + k12 + k13
    above, far_above = _secular_root(high - total, far, near, gap)
    below, near_below = _secular_root(total - low, near, far, gap)
    below = jnp.minimum(below, low)
    over, under = gap + above, gap + below
    to_low, to_high = near_below * under, far_above * over
    middle = low + gap * jnp.where(to_low + to_high > 0, to_low / _nonzero(to_low + to_high), 0.5)
    first = high + above
    slow = micro.k10 * k21 * k31 / _nonzero(first * middle)
    central, slower, faster = jnp.eye(3)
    weights = (
        _normal((over**2 * above, near * above, far_above * over**2), faster),
        _normal(
            (gap**2 * near_below * far_above, below * far_above * over**2, above * near_below * under**2),
            jnp.where(above > 0, faster, jnp.where(below > 0, slower, central)),
        ),
        _normal((below * under**2, near_below * under**2, far * below), slower),
    )
    return _Three((first, middle, slow), weights, (below, under)), jnp.where(ordered, 1.0, 0.0)


def _normal(v: tuple[Scalar, Scalar, Scalar], otherwise: Scalar) -> tuple[Scalar, Scalar, Scalar]:
    """Shares of the whole; `otherwise` where rates meet that exchange nothing."""
    whole = v[0] + v[1] + v[2]
    return tuple(jnp.where(whole > 0, x / _nonzero(whole), otherwise[i]) for i, x in enumerate(v))  # pyright: ignore[reportReturnType]


def _nonzero(x: Scalar) -> Scalar:
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


def _roots(micro: Micro) -> tuple[Scalar, Scalar, Scalar]:
    return _solved(micro)[0].exponents


def _three(micro: Micro) -> Responses:
    (k12, k21), (k13, k31) = micro.exchange
    solved, ordered = _solved(micro)
    nodes, weights = solved.exponents, solved.weights
    central = tuple(Term(w[0], (node,)) for w, node in zip(weights, nodes, strict=True))
    slower = tuple(Term(w[1], (node,)) for w, node in zip(weights, nodes, strict=True))
    faster = tuple(Term(w[2], (node,)) for w, node in zip(weights, nodes, strict=True))

    def chosen(first: Response, second: Response) -> Response:
        pairs = zip(first, second, strict=True)
        return tuple(Term(jnp.where(ordered > 0, a.weight, b.weight), a.nodes) for a, b in pairs)

    below = solved.below
    above21 = jnp.where(ordered > 0, below[0], below[1])
    above31 = jnp.where(ordered > 0, below[1], below[0])
    return {
        (0, 0): central,
        (1, 1): chosen(slower, faster),
        (2, 2): chosen(faster, slower),
        (0, 1): _ratio(k12, above31, nodes),
        (1, 0): _ratio(k21, above31, nodes),
        (0, 2): _ratio(k13, above21, nodes),
        (2, 0): _ratio(k31, above21, nodes),
        (1, 2): (Term(k21 * k13, nodes),),
        (2, 1): (Term(k31 * k12, nodes),),
    }


def _ratio(gain: Scalar, above: Scalar, nodes: tuple[Scalar, Scalar, Scalar]) -> Response:
    """gain (s + zero) / prod(s + l): (s + zero) = (s + l_3) + (zero - l_3), of which the last, `above`, is >= 0."""
    fast, middle, _ = nodes
    return Term(gain, (fast, middle)), Term(gain * above, nodes)
