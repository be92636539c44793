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
    """Exponents of three compartments, fastest first, and their distances (>= 0) from the slower and the faster return
    rate: `scale` times `low` and `high`, which do not both vanish when the return rates meet."""

    exponents: tuple[Scalar, Scalar, Scalar]
    scale: tuple[Scalar, Scalar, Scalar]
    low: tuple[Scalar, Scalar, Scalar]
    high: tuple[Scalar, Scalar, Scalar]


def _solved(micro: Micro) -> tuple[_Three, Scalar, Scalar, Scalar]:
    """The exponents with their distances, none by a subtraction that cancels; and which return rate is the slower.

    With low <= high the return rates and P their products with k1j, the exponents are the roots of the secular equation
    E - l - P_low/(low - l) - P_high/(high - l) = 0. The outer two are solved for their distance from the nearest return
    rate; then (l_1 - low)(l_2 - low)(low - l_3) = P_low (high - low), the same at the other rate, and
    l_1 l_2 l_3 = k10 k21 k31 give all the rest by products (as in LAPACK's dlaed4, Li 1993).
    """
    (k12, k21), (k13, k31) = micro.exchange
    ordered = k21 <= k31
    low, high = jnp.minimum(k21, k31), jnp.maximum(k21, k31)
    near = jnp.where(ordered, k12 * k21, k13 * k31)
    far = jnp.where(ordered, k13 * k31, k12 * k21)
    gap = high - low
    total = micro.k10 + k12 + k13
    above = _secular_root(high - total, far, near, gap)
    below = jnp.minimum(_secular_root(total - low, near, far, gap), low)
    first = high + above
    # shares of the gap on either side of the middle exponent; they stay defined where the gap closes
    to_low, to_high = near * above * (gap + below), far * (gap + above) * below
    nothing = to_low + to_high <= 0
    share_low = jnp.where(nothing, 0.5, to_low / _nonzero(to_low + to_high))
    share_high = jnp.where(nothing, 0.5, to_high / _nonzero(to_low + to_high))
    middle = low + gap * share_low
    slow = micro.k10 * k21 * k31 / _nonzero(first * middle)
    three = _Three(
        (first, middle, slow),
        (jnp.ones(()), gap, jnp.ones(())),
        (gap + above, share_low, below),
        (above, share_high, gap + below),
    )
    return three, jnp.where(ordered, 1.0, 0.0), near, far


def _nonzero(x: Scalar) -> Scalar:
    return jnp.where(x > 0, x, 1.0)


ITERATIONS = 14
"""Steps of the secular equation; the last two carry its derivatives."""


def _secular_root(b: Scalar, p: Scalar, q: Scalar, gap: Scalar) -> Scalar:
    """The positive root of x + b - p/x - q/(gap + x) = 0, for p, q, gap >= 0.

    Each step puts a tangent for the last term and solves the quadratic that remains, so that it converges like Newton's
    method and a step from the root has no first derivative: two steps on a stopped value carry derivatives of first
    and second order exactly.
    """

    def quadratic(a: Scalar, c: Scalar, product: Scalar) -> Scalar:
        """Positive root of a x^2 + c x - product = 0."""
        root = jnp.sqrt(jnp.maximum(c * c + 4.0 * a * product, TINY))
        return jnp.where(c > 0, 2.0 * product / (jnp.abs(c) + root), (root + jnp.abs(c)) / (2.0 * a))

    def step(x: Scalar) -> Scalar:
        share = 1.0 / jnp.maximum(gap + x, TINY)
        value = q * share
        slope = value * share
        return quadratic(1.0 + slope, b - value - slope * x, p)

    stop = jax.lax.stop_gradient
    one = jnp.asarray(1.0, dtype=jnp.result_type(b))
    x = stop(quadratic(one, b, p + q))
    for _ in range(ITERATIONS - 2):
        x = stop(step(x))
    return step(step(x))


TINY = 1e-280
"""Keeps a root and a division finite where a compartment exchanges nothing."""


def _roots(micro: Micro) -> tuple[Scalar, Scalar, Scalar]:
    return _solved(micro)[0].exponents


def _three(micro: Micro) -> Responses:
    (k12, k21), (k13, k31) = micro.exchange
    solved, ordered, near, far = _solved(micro)
    nodes = solved.exponents
    sides = zip(solved.scale, solved.low, solved.high, strict=True)
    weights = [_weights(scale, low, high, near, far) for scale, low, high in sides]
    central = tuple(Term(w[0], (node,)) for w, node in zip(weights, nodes, strict=True))
    slower = tuple(Term(w[1], (node,)) for w, node in zip(weights, nodes, strict=True))
    faster = tuple(Term(w[2], (node,)) for w, node in zip(weights, nodes, strict=True))

    def chosen(first: Response, second: Response) -> Response:
        pairs = zip(first, second, strict=True)
        return tuple(Term(jnp.where(ordered > 0, a.weight, b.weight), a.nodes) for a, b in pairs)

    below = solved.low[2], solved.high[2]
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


def _weights(scale: Scalar, low: Scalar, high: Scalar, near: Scalar, far: Scalar) -> tuple[Scalar, Scalar, Scalar]:
    """Squares of the eigenvector's components (central, slower, faster return): the weights of D(l) in i->i.

    (1, sqrt(P_low)/d_low, sqrt(P_high)/d_high) normalised, with the distances d = scale (low, high) multiplied in so
    that none divides.
    """
    v0, v1, v2 = (scale * low * high) ** 2, near * high**2, far * low**2
    norm = _nonzero(v0 + v1 + v2)
    return v0 / norm, v1 / norm, v2 / norm
