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


def slopes(number, stages=0):
    """dK/d(rate): a chain of stages, then k10, k12, k21 (k13, k31) of the disposition that it empties into."""
    size = stages + (number - stages) // 2 + 1
    found = np.zeros((number, size, size), dtype=object)
    for i in range(stages):
        found[i, i, i], found[i, i + 1, i] = -1, 1
    found[stages, stages, stages] = -1
    for i in range(1, size - stages):
        out, back = found[stages + 2 * i - 1], found[stages + 2 * i]
        out[stages, stages], out[stages + i, stages] = -1, 1
        back[stages + i, stages + i], back[stages, stages + i] = -1, 1
    return found


def propagators(rates, t, halvings=6, terms=44, stages=0):
    """exp(K t) transposed (cases, from, to) and its derivatives (cases, rate, from, to), as integers.

    **Arguments:** `rates` an array of integers (cases, rates), see `slopes`; `t` a float.
    """
    rates = np.asarray(rates, dtype=object)
    changes = slopes(rates.shape[1], stages)
    step = fixed(Fraction(t) / 2**halvings)
    k = (np.tensordot(rates, changes, axes=1) * step) >> PLACES
    dk = np.broadcast_to(changes * step, (len(rates), *changes.shape))
    term = np.broadcast_to(np.eye(k.shape[-1], dtype=int).astype(object) * ONE, k.shape)
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
