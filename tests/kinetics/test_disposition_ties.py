"""Dispositions whose rates meet or vanish, in all combinations: values, first and second derivatives by every rate.

The other side is integer arithmetic of 126 digits (`fixed_point`), itself held against mpmath. A derivative is allowed an
error relative to itself, so that a rate which is tiny or 0 cannot hide it.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinetics.fixed_point import fixed, floats, propagators
from kinetics.matrices import matrix, mp
from kinetics.test_disposition import flat, slopes, table, values
from tolerances import EXACT, IDENTITY

FIRST = 1e3 * EXACT
"""First derivatives against many digits, relative to the derivative and 1e-9 of the value times the time."""

APART = (0.0, 1e-15, 1e-12, 1e-9, 1e-6, 1e-3, 1e-1)
R = 0.3
SMALLEST = 1e-90
"""What is smaller, fixed places do not have."""


def enumerated(exchanges):
    """{0, r, r (1 + eps)} for every rate, for every eps."""
    levels = [(0.0, R, R * (1.0 + eps)) for eps in APART]
    return sorted({rates for three in levels for rates in product(three, repeat=1 + 2 * exchanges)})


def differing(rates, t):
    """Where our values and first derivatives differ from the exact ones by more than is allowed."""
    exact = [[fixed(x) for x in row] for row in rates]
    wanted, wanted_slopes = (floats(x) for x in propagators(exact, t))
    got = np.asarray(values(jnp.array(rates), jnp.full(len(rates), t)))
    got_slopes = np.moveaxis(np.asarray(slopes(jnp.array(rates), jnp.full(len(rates), t))[0]), -1, 1)
    bad = ~((np.abs(got - wanted) <= EXACT * wanted) & (got >= 0.0)).all(axis=(1, 2))
    allowed = FIRST * (np.abs(wanted_slopes) + 1e-9 * t * wanted[:, None])
    bad_slopes = ~(np.abs(got_slopes - wanted_slopes) <= allowed).all(axis=(1, 2, 3))
    return [row for row, wrong in zip(rates, bad | bad_slopes, strict=True) if wrong]


def test_the_other_side_is_right():
    """Values against mpmath's exponential, derivatives against its differences with a step of 1e-30."""
    for rates in ((0.3, 0.2, 0.7), (0.3, 0.2, 0.1, 0.5, 0.1)):
        value, slope = (floats(x) for x in propagators([[fixed(x) for x in rates]], 2.75))
        with mp.workdps(90):
            for i in range(-1, len(rates)):
                step = mp.mpf("1e-30") if i >= 0 else 0
                ends = []
                for sign in (1, -1):
                    k10, *exchange = (mp.mpf(x) + sign * step * (i == j) for j, x in enumerate(rates))
                    arrows = [(0, None, k10)]
                    for place in range(0, len(exchange), 2):
                        other = place // 2 + 1
                        arrows += [(0, other, exchange[place]), (other, 0, exchange[place + 1])]
                    ends.append(mp.expm(matrix(arrows, mp) * mp.mpf(2.75)).T)
                got = value[0] if i < 0 else slope[0, i]
                wanted = flat(ends[0]) if i < 0 else flat((ends[0] - ends[1]) / (2 * step))
                np.testing.assert_allclose(got.ravel(), [float(x) for x in wanted], rtol=EXACT, atol=1e-25)


def test_every_tie_of_two_compartments():
    assert differing(enumerated(1), 2.0) == []


def test_ties_of_three_compartments():
    """Every ninth, and all with rates of 0 and r alone."""
    every = enumerated(2)
    assert differing(sorted({*every[::9], *product((0.0, R), repeat=5)}), 2.0) == []


@pytest.mark.slow
@pytest.mark.parametrize("t", [2.0, 0.01, 40.0])
def test_every_tie_of_three_compartments(t):
    every = enumerated(2)
    assert len(every) == 2**5 + 6 * (3**5 - 2**5)
    assert differing(every, t) == []


bends = jax.jit(jax.vmap(jax.jacfwd(jax.jacrev(table))))


@pytest.mark.parametrize("exchanges", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_second_derivatives(exchanges):
    """Against differences of exact first derivatives with a step of 1e-36, relative to the largest of a response."""
    every = enumerated(exchanges)[:: 3 if exchanges == 1 else 23]
    got = np.asarray(bends(jnp.array(every), jnp.full(len(every), 2.0)))
    step = fixed(Fraction(1, 10**36))
    for i in range(1 + 2 * exchanges):
        ends = []
        for sign in (1, -1):
            moved = [[fixed(x) + sign * step * (i == j) for j, x in enumerate(row)] for row in every]
            ends.append(propagators(moved, 2.0)[1])
        wanted = np.vectorize(lambda d: float(Fraction(d, 2 * step)), otypes=[float])(ends[0] - ends[1])
        wanted = np.moveaxis(wanted, 1, -1)  # cases, from, to, rate
        error = np.abs(got[..., i] - wanted)
        assert np.all(error <= IDENTITY * np.max(np.abs(wanted), axis=-1, keepdims=True) + 1e-20), i


@st.composite
def spread(draw, exchanges):
    """Rates over eight orders of magnitude, each new, or one of the others, or within 1e-15 to 0.1 of it, or 0."""
    rates = [10.0 ** draw(st.floats(-8.0, 0.0))]
    for _ in range(2 * exchanges):
        kind = draw(st.sampled_from(["new", "same", "near", "none"]))
        other = draw(st.sampled_from(rates))
        near = other * (1.0 + 10.0 ** draw(st.floats(-15.0, -1.0)))
        rates.append({"new": 10.0 ** draw(st.floats(-8.0, 0.0)), "same": other, "near": near, "none": 0.0}[kind])
    order = draw(st.permutations(rates))
    return tuple(order), 10.0 ** draw(st.floats(-2.0, 4.0))


@pytest.mark.parametrize("exchanges", [1, 2])
def test_wide_spreads(exchanges):
    """Values relative to themselves; derivatives also to a millionth of what the value over the rate is."""

    @settings(max_examples=60)
    @given(spread(exchanges))
    def check(drawn):
        rates, t = drawn
        wanted, wanted_slopes = (floats(x)[0] for x in propagators([[fixed(x) for x in rates]], t, halvings=24))
        rows, times = jnp.array([rates]), jnp.array([t])
        got, got_slopes = np.asarray(values(rows, times))[0], np.moveaxis(np.asarray(slopes(rows, times)[0])[0], -1, 0)
        np.testing.assert_allclose(got, wanted, rtol=EXACT, atol=SMALLEST)
        assert np.all(got >= 0.0)
        for rate, mine, exact in zip(rates, got_slopes, wanted_slopes, strict=True):
            size = np.maximum(np.abs(exact), 1e-6 * wanted * (min(t, 1.0 / rate) if rate else t))
            assert np.all(np.abs(mine - exact) <= FIRST * size + SMALLEST), (rates, t, mine, exact)

    check()
