"""What passes through two or three compartments, as polynomials over the exponents: the alphabet of `passage`.

With K the matrix of a disposition, a **word** (u, v, d) is the response of compartment v to what u puts in, differentiated d
times by the time. u is a compartment (0, 1, 2), or 3 for one unit more in compartment 1 and one less in 0, or 4 for one more
in 2 and one less in 0. A derivative by a rate is two words in a row, the transforms multiplied:

    d(u, v)/dk10 = -(u, 0)(0, v)    d(u, v)/dk12 = (u, 0)(3, v)    d(u, v)/dk21 = -(u, 1)(3, v)    and k13, k31 with 2 and 4

so that all derivatives of all orders are products of words. Each word is c_1 D(l_1) + c_2 D(l_1, l_2) + c_3 D(l_1, l_2, l_3)
(Newton's form of its numerator at the exponents), with coefficients that are continuous where exponents meet, and >= 0 for
d = 0 and u < 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp

from individose.kinetics.linear.modes import Three, Two, nonzero

Coefficient = Any
"""A scalar array, or a number known beforehand: 0 costs nothing."""

Word = tuple[int, int, int]
"""(source, compartment, derivatives by the time)."""

Product = tuple[Coefficient, tuple[Word, ...]]
"""Words in a row, times a coefficient."""


class Phases(NamedTuple):
    """A disposition of two or three compartments.

    - `rates`: k10, k12, k21 (k13, k31), per h, by which responses are differentiated
    - `shift`: per h; responses are multiplied by exp(-shift t) (0, but for moments of time)
    - `solved`: exponents and distances, whose own derivatives are not used
    """

    rates: tuple[Any, ...]
    shift: Any
    solved: Two | Three


def nodes(phases: Phases) -> tuple[Any, ...]:
    """The exponents, fastest first, with the shift."""
    solved = phases.solved
    found = (solved.fast, solved.slow) if isinstance(solved, Two) else solved.exponents
    return tuple(exponent + phases.shift for exponent in found)


def coefficients(phases: Phases, word: Word) -> Sequence[Coefficient]:
    """c_1, c_2, .. of a word."""
    source, target, slopes = word
    if slopes == 0:
        solved, rates = phases.solved, phases.rates
        return _two(rates, solved, source, target) if isinstance(solved, Two) else _three(rates, solved, source, target)
    # s D(.., l_j) = D(..) - l_j D(.., l_j), and what is left of the first term is a jump at 0
    below = coefficients(phases, (source, target, slopes - 1))
    at = nodes(phases)
    jump = begin(phases, word)
    return [jump, *((below[k + 1] if k + 1 < len(at) else 0) - at[k] * below[k] for k in range(1, len(at)))]


def residues(phases: Phases, word: Word) -> Sequence[Coefficient] | None:
    """Shares of the single exponents, where a word has them without a tie's harm: one exponential each is cheaper."""
    solved = phases.solved
    if not isinstance(solved, Two) or word not in ((0, 0, 0), (1, 1, 0)):
        return None
    whole = solved.above + solved.below
    first = jnp.where(whole > 0, solved.above / nonzero(whole), 1.0)
    rest = jnp.where(whole > 0, solved.below / nonzero(whole), 0.0)
    return (first, rest) if word[0] == 0 else (rest, first)


def begin(phases: Phases, word: Word) -> Coefficient:
    """The value of a word at time 0: (K - shift)^d from the source, at the target."""
    source, target, slopes = word
    held: list[Coefficient] = [0] * _size(phases)
    for compartment, amount in {3: ((1, 1), (0, -1)), 4: ((2, 1), (0, -1))}.get(source, ((source, 1),)):
        held[compartment] = amount
    for _ in range(slopes):
        held = _changed(phases, held)
    return held[target]


def _changed(phases: Phases, held: Sequence[Coefficient]) -> list[Coefficient]:
    """(K - shift) x."""
    k10, *exchange = phases.rates
    found = [-(k10 + phases.shift) * held[0], *(-phases.shift * x for x in held[1:])]
    for i, (out, back) in enumerate(zip(exchange[::2], exchange[1::2], strict=True), start=1):
        net = out * held[0] - back * held[i]
        found[0], found[i] = found[0] - net, found[i] + net
    return found


def _size(phases: Phases) -> int:
    return (len(phases.rates) + 1) // 2


def _two(rates: tuple[Any, ...], solved: Two, source: int, target: int) -> Sequence[Coefficient]:
    k10, k12, k21 = rates
    fast, slow, above, below = solved
    match source, target:
        case 0, 0:
            return 1, below
        case 1, 1:
            return 1, above
        case 0, 1:
            return 0, k12
        case 1, 0:
            return 0, k21
        case 3, 0:  # -s over both poles
            return -1, slow
        case _:  # s + k10, and k10 - l_2 = k10 (l_1 - k21) / l_1
            return 1, k10 * above / nonzero(fast)


def _three(rates: tuple[Any, ...], solved: Three, source: int, target: int) -> Sequence[Coefficient]:
    """In a numerator s^2 + a s + b, c_2 = a - l_2 - l_3, and c_3 is its value at -l_3."""
    k10, k12, k21, k13, k31 = rates
    if (source, target) in ((1, 2), (2, 1)):
        return 0, 0, k21 * k13 if source == 1 else k31 * k12
    if (source in (2, 4) or target == 2) and (source, target) != (3, 2):  # the same with the peripheral ones exchanged
        other = {0: 0, 1: 2, 2: 1, 3: 4, 4: 3}
        return _three((k10, k13, k31, k12, k21), _exchanged(solved), other[source], other[target])
    first, middle, slow = solved.exponents
    match source, target:
        case 0, 0:  # (s + k21)(s + k31)
            return 1, solved.pull[0] + solved.pull[1], solved.under[0] * solved.under[1]
        case 1, 1:  # (s + E)(s + k31) - k13 k31
            return 1, solved.over[0], solved.rest[0]
        case 0, 1:  # k12 (s + k31)
            return 0, k12, k12 * solved.under[1]
        case 1, 0:
            return 0, k21, k21 * solved.under[1]
        case 3, 0:  # -s (s + k31)
            return -1, slow + solved.middle[1], slow * solved.under[1]
        case 3, 1:  # (s + k10 + k13)(s + k31) - k13 k31
            more = solved.over[0] * (k10 + k13 + solved.pull[1]) / nonzero(first)
            return 1, more, k10 * k31 * solved.rest[0] / nonzero(first * middle)
        case _:  # (3, 2): -s k13
            return 0, -k13, k13 * slow


def _exchanged(solved: Three) -> Three:
    over, middle, under, pull, rest = ((second, first) for first, second in solved[1:])
    return Three(solved.exponents, over, middle, under, pull, rest)


def varied(phases: Phases, word: Word, by: int) -> list[Product]:
    """The derivative of a word by a rate, by its place in `phases.rates`; by the shift where that is one too many."""
    source, target, slopes = word
    if by == len(phases.rates):
        found: list[Product] = [(-1, ((source, w, 0), (w, target, 0))) for w in range(_size(phases))]
    elif by == 0:
        found = [(-1, ((source, 0, 0), (0, target, 0)))]
    else:
        exchange = (by + 1) // 2
        through = 0 if by % 2 else exchange
        found = [(1 if by % 2 else -1, ((source, through, 0), (2 + exchange, target, 0)))]
    for _ in range(slopes):
        found = [(a * b, words) for a, one in found for b, words in sloped(phases, one)]
    return found


def sloped(phases: Phases, words: tuple[Word, ...]) -> list[Product]:
    """The derivative of words in a row by the time, but for a jump at 0."""
    (source, target, slopes), *others = words
    rest = tuple(others)
    found: list[Product] = [(1, ((source, target, slopes + 1), *rest))]
    jump = begin(phases, words[0]) if rest else 0
    return found if isinstance(jump, int) and jump == 0 else [*found, (jump, rest)]
