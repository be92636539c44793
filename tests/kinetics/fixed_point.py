"""exp(K t) of many dispositions at once, and its derivatives by every rate, in integers of 420 binary places.

Whatever is not 0 in a disposition whose rates are 0 or about r is of the size of powers of r t, so that fixed places are as
good as floating ones. Nothing here uses the library.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

PLACES = 420
ONE = 1 << PLACES


def fixed(x):
    """A float or a fraction as an integer of `PLACES` places; exact for floats above 1e-90."""
    return int(Fraction(x) * ONE)


def _times(a, b):
    return np.matmul(a, b) >> PLACES


def _matrices(rates):
    """(cases, to, from), and its derivatives (cases, rate, to, from)."""
    count, number = rates.shape
    size = number // 2 + 1
    slopes = np.zeros((number, size, size), dtype=object)
    slopes[0, 0, 0] = -1
    for i in range(1, size):
        slopes[2 * i - 1, 0, 0], slopes[2 * i - 1, i, 0] = -1, 1
        slopes[2 * i, i, i], slopes[2 * i, 0, i] = -1, 1
    k = np.tensordot(rates, slopes, axes=1)
    return k, np.broadcast_to(slopes * ONE, (count, *slopes.shape))


def propagators(rates, t, halvings=6, terms=44):
    """exp(K t) transposed (cases, from, to) and its derivatives (cases, rate, from, to), as integers.

    **Arguments:** `rates` an array of integers (cases, rates); `t` a power of two or another exact float.
    """
    rates = np.asarray(rates, dtype=object)
    k, dk = _matrices(rates)
    step = fixed(Fraction(t) / 2**halvings)
    k, dk = (k * step) >> PLACES, (dk * step) >> PLACES
    size = k.shape[-1]
    term = np.broadcast_to(np.eye(size, dtype=int).astype(object) * ONE, k.shape)
    d_term = np.zeros_like(dk)
    value, slope = term, d_term
    for n in range(1, terms):
        d_term = (_times(dk, term[:, None]) + _times(k[:, None], d_term)) // n
        term = _times(k, term) // n
        value, slope = value + term, slope + d_term
    for _ in range(halvings):
        slope = _times(slope, value[:, None]) + _times(value[:, None], slope)
        value = _times(value, value)
    return np.swapaxes(value, -1, -2), np.swapaxes(slope, -1, -2)


def floats(x):
    """Integers as floats; what is only the rounding of the last places is 0."""
    small = 1 << (PLACES // 4)
    return np.vectorize(lambda v: 0.0 if abs(v) < small else float(Fraction(v, ONE)), otypes=[float])(x)
