"""Mammillary dispositions of one, two and three compartments: impulse responses among their compartments.

Compartment 0 is the central one, from which drug leaves. With the exponents l_1 >= l_2 >= l_3, the response of one
compartment is D(k10); those of two and three are sums of D(l_1), D(l_1, l_2), D(l_1, l_2, l_3) with non-negative weights:

    two:    0->0  D(l_1) + (k21 - l_2) D(l_1, l_2)        0->1  k12 D(l_1, l_2)
            1->1  D(l_1) + (l_1 - k21) D(l_1, l_2)        1->0  k21 D(l_1, l_2)
    three:  0->0  D(l_1) + (l_1 - E) D(l_1, l_2) + (k21 - l_3)(k31 - l_3) D(l_1, l_2, l_3), E = k10 + k12 + k13
            0->1  k12 [D(l_1, l_2) + (k31 - l_3) D(l_1, l_2, l_3)], and so on;   1->2  k21 k13 D(l_1, l_2, l_3)

`words` has them all, `passage` evaluates and differentiates them.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from individose.kinetics.linear.modes import nonzero, three, two
from individose.kinetics.linear.responses import Crossing, Responses, Term
from individose.kinetics.linear.words import Phases

Scalar = Float[Array, ""]


class Micro(NamedTuple):
    """Rate constants per h: elimination from the central compartment, and to and from each peripheral one."""

    k10: Scalar
    exchange: tuple[tuple[Scalar, Scalar], ...] = ()
    """(k12, k21), (k13, k31)."""


def phases(micro: Micro) -> Phases:
    """Two or three compartments, solved."""
    solved = (two if len(micro.exchange) == 1 else three)(micro.k10, micro.exchange)
    rates = (micro.k10, *(rate for pair in micro.exchange for rate in pair))
    return Phases(rates, jnp.zeros(()), solved)


def responses(micro: Micro) -> Responses:
    """Impulse responses among the compartments (0 central, then the peripheral ones)."""
    if not micro.exchange:
        return {(0, 0): (Term(1.0, (micro.k10,)),)}
    solved, size = phases(micro), len(micro.exchange) + 1
    return {(i, j): (Term(1.0, (), (Crossing(solved, (i, j, 0)),)),) for i in range(size) for j in range(size)}


def exponents(micro: Micro) -> tuple[Scalar, ...]:
    """The rates of the exponential phases, fastest first; not differentiable where they meet."""
    match len(micro.exchange):
        case 0:
            return (micro.k10,)
        case 1:
            solved = two(micro.k10, micro.exchange)
            return solved.fast, solved.slow
        case _:
            return three(micro.k10, micro.exchange).exponents


def shares(micro: Micro) -> tuple[Scalar, ...]:
    """Of a unit bolus into the central compartment, the shares of the exponential phases: they add up to 1.

    Where phases meet, only the sum of their shares means anything.
    """
    match len(micro.exchange):
        case 0:
            return (jnp.ones(()),)
        case 1:
            solved = two(micro.k10, micro.exchange)
            apart = nonzero(solved.above + solved.below)
            first = jnp.where(solved.above + solved.below > 0, solved.above / apart, 1.0)
            return first, jnp.where(solved.above + solved.below > 0, solved.below / apart, 0.0)
        case _:
            return _three_shares(micro)


def _three_shares(micro: Micro) -> tuple[Scalar, ...]:
    """1 / (1 + P_21 / (k21 - l)^2 + P_31 / (k31 - l)^2) at each exponent, with P the products k1j kj1."""
    solved = three(micro.k10, micro.exchange)
    (over21, over31), (under21, under31) = solved.over, solved.under
    (pull21, pull31), (rest21, rest31) = solved.pull, solved.rest
    within21, within31 = (jnp.abs(x) for x in solved.middle)

    def share(own: Scalar, *others: Scalar) -> Scalar:
        whole = own + others[0] + others[1]
        return jnp.where(whole > 0, own / nonzero(whole), 0.0)

    return (
        share(over21 * over31, pull21 * over31, pull31 * over21),
        share(within21 * within31 * (within21 + within31), over21 * under21 * within31, over31 * under31 * within21),
        share(under21 * under31, rest21, rest31),
    )
