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

from individose.kinetics import compose
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
def spread(draw, number):
    """Rates over eight orders of magnitude, each new, or one of the others, or 1e-15 to 0.1 beside it, or 0; and a time."""
    rates = [10.0 ** draw(st.floats(-8.0, 0.0))]
    for _ in range(number - 1):
        kind = draw(st.sampled_from(["new", "same", "near", "none"]))
        other = draw(st.sampled_from(rates))
        near = other * (1.0 + 10.0 ** draw(st.floats(-15.0, -1.0)))
        rates.append({"new": 10.0 ** draw(st.floats(-8.0, 0.0)), "same": other, "near": near, "none": 0.0}[kind])
    return tuple(draw(st.permutations(rates))), 10.0 ** draw(st.floats(-2.0, 4.0))


def agree(rates, t, got, got_slopes, wanted, wanted_slopes):
    """Values relative to themselves; derivatives also to a millionth of what the value over the rate is."""
    np.testing.assert_allclose(got, wanted, rtol=EXACT, atol=SMALLEST)
    assert np.all(got >= 0.0)
    for rate, mine, exact in zip(rates, got_slopes, wanted_slopes, strict=True):
        size = np.maximum(np.abs(exact), 1e-6 * wanted * (min(t, 1.0 / rate) if rate else t))
        assert np.all(np.abs(mine - exact) <= FIRST * size + SMALLEST), (rates, t, mine, exact)


@pytest.mark.parametrize("exchanges", [1, 2])
def test_wide_spreads(exchanges):
    @settings(max_examples=60)
    @given(spread(1 + 2 * exchanges))
    def check(drawn):
        rates, t = drawn
        wanted, wanted_slopes = (floats(x)[0] for x in propagators([[fixed(x) for x in rates]], t, halvings=24))
        rows, times = jnp.array([rates]), jnp.array([t])
        got, got_slopes = np.asarray(values(rows, times))[0], np.moveaxis(np.asarray(slopes(rows, times)[0])[0], -1, 0)
        agree(rates, t, got, got_slopes, wanted, wanted_slopes)

    check()


NAMES = ("k10", "k12", "k21", "k13", "k31")
SHAPES = {(6, 0): "one_compartment", (3, 1): "two_compartment", (2, 2): "three_compartment"}
"""(stages of a chain, exchanges) to a disposition: six and seven rates."""


@pytest.mark.parametrize(
    "shape", [pytest.param(s, marks=[] if s == (3, 1) else [pytest.mark.slow]) for s in SHAPES], ids=str
)
def test_six_and_seven_rates(shape):
    """A chain into a disposition: all amounts after a unit in the first stage, and their derivatives by every rate."""
    stages, exchanges = shape
    names = (*(f"k{i + 1}" for i in range(stages)), *NAMES[: 1 + 2 * exchanges])
    if exchanges == 0:
        names = (*names[:-1], "k")
    volume = "V1" if exchanges else "V"
    system = compose(SHAPES[shape], ("chain",), (*names, volume), stages=stages)

    def amounts(rates, t):
        q = system.prepare({name: rates[i] for i, name in enumerate(names)} | {volume: jnp.ones(())})
        return jnp.stack(system.advance(q, tuple(jnp.asarray(float(i == 0)) for i in range(system.size)), None, t))

    both = jax.jit(lambda rates, t: (amounts(rates, t), jax.jacfwd(amounts)(rates, t)))

    @settings(max_examples=15)
    @given(spread(len(names)))
    def check(drawn):
        rates, t = drawn
        exact = propagators([[fixed(x) for x in rates]], t, halvings=24, stages=stages)
        wanted, wanted_slopes = floats(exact[0][:, 0])[0], floats(exact[1][:, :, 0])[0]
        got, got_slopes = (np.asarray(x) for x in both(jnp.array(rates), jnp.asarray(t)))
        agree(rates, t, got, got_slopes.T, wanted, wanted_slopes)

    check()
