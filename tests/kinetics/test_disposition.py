"""Responses of one, two and three compartments, and their derivatives, against matrix exponentials of 50 digits."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from individose.kinetics import compose
from individose.kinetics.linear.disposition import Micro, exponents, phases, responses
from individose.kinetics.linear.passage import Part, passages
from individose.kinetics.linear.responses import at
from kinetics.matrices import matrix, mp
from tolerances import EXACT

DERIVATIVE = 1e3 * EXACT
"""First derivatives against 50 digits, relative to the largest change that any rate makes."""

SMALLEST = 1e-280


def micro(rates):
    return Micro(rates[0], tuple((rates[i], rates[i + 1]) for i in range(1, len(rates), 2)))


def table(rates, t):
    """Responses from each compartment to each, as an array (from, to)."""
    found = responses(micro(rates))
    size = len(rates) // 2 + 1
    if size == 1:
        return jnp.reshape(at(found[0, 0], t), (1, 1))
    parts = [Part((), 0, ((0, (response[0].crossed[0].word,)),)) for response in found.values()]
    return jnp.reshape(jnp.stack(passages(parts, [phases(micro(rates))], [], t)), (size, size))


values = jax.jit(jax.vmap(table))
slopes = jax.jit(jax.vmap(jax.jacfwd(table, argnums=(0, 1))))


def expected(rates, t):
    """exp(K t) transposed, in 100 digits: what is left of `from` in `to`."""
    arrows = [(0, None, rates[0])]
    for i in range(1, len(rates), 2):
        arrows += [(0, (i + 1) // 2, rates[i]), ((i + 1) // 2, 0, rates[i + 1])]
    return mp.expm(matrix(arrows, mp) * t).T


def flat(m):
    return [m[i, j] for i in range(m.rows) for j in range(m.cols)]


def drawn(exchanges, count):
    """Rates over five orders of magnitude, times from a hundredth to ten half-lives of the middle ones."""
    random = np.random.default_rng(exchanges)
    rates = 10.0 ** random.uniform(-3.0, 2.0, (count, 1 + 2 * exchanges))
    return [(row, float(t)) for row, t in zip(rates, 10.0 ** random.uniform(-2.0, 2.0, count), strict=True)]


TIED = [
    (0.3, 0.2, 0.1),  # seed 3's rates
    (0.1, 0.2, 0.3),  # k10 + k12 = k21
    (0.1, 0.2, 0.3 * (1 + 1e-9)),
    (0.3, 0.2, 0.3),
    (0.3, 1e-12, 0.3),
    (0.3, 0.0, 0.7),
    (0.3, 0.2, 0.0),
    (0.0, 0.2, 0.1),
    (0.3, 0.2, 0.1, 0.5, 0.1),  # k21 = k31
    (0.3, 0.2, 0.1, 0.5, 0.1 * (1 + 1e-15)),
    (0.3, 0.2, 0.1, 0.5, 0.1 * (1 + 1e-12)),
    (0.3, 0.2, 0.1, 0.5, 0.1 * (1 - 1e-7)),
    (0.3, 0.2, 0.7, 0.2, 0.7),  # and equal to k10 + k12 + k13
    (0.3, 0.2, 0.7 * (1 - 1e-9), 0.2, 0.7),
    (0.3, 0.0, 0.7, 0.2, 0.1),
    (0.3, 0.2, 0.7, 0.0, 0.1),
    (0.3, 0.0, 0.7, 0.0, 0.1),
    (0.3, 1e-13, 0.7, 1e-14, 0.1),
    (0.0, 0.2, 0.7, 0.4, 0.1),
    (1e-3, 50.0, 1e-5, 1e-4, 80.0),
]
"""Rates that meet or vanish."""


def cases(exchanges):
    times = (1e-3, 1.0, 20.0, 300.0)
    return drawn(exchanges, 40) + [(np.array(r), t) for r in TIED if len(r) == 1 + 2 * exchanges for t in times]


@pytest.mark.parametrize("exchanges", [0, 1, 2])
def test_responses(exchanges):
    found = cases(exchanges)
    got = np.asarray(values(jnp.array([rates for rates, _ in found]), jnp.array([t for _, t in found])))
    with mp.workdps(100):
        for (rates, t), row in zip(found, got, strict=True):
            wanted = [float(x) for x in flat(expected(rates, mp.mpf(t)))]
            np.testing.assert_allclose(row.ravel(), wanted, rtol=EXACT, atol=SMALLEST, err_msg=f"{rates}, {t}")
            assert np.all(row >= 0.0)


@pytest.mark.parametrize("exchanges", [1, 2])
def test_first_derivatives(exchanges):
    """Central differences with a step of 1e-30 in 100 digits."""
    found = [(rates, t) for rates, t in cases(exchanges) if t < 100.0][::3]
    by_rate, by_time = slopes(jnp.array([rates for rates, _ in found]), jnp.array([t for _, t in found]))
    with mp.workdps(100):
        step = mp.mpf("1e-30")
        for (rates, t), rate_row, time_row in zip(found, by_rate, by_time, strict=True):
            exact = [mp.mpf(float(r)) for r in rates]
            wanted = []
            for i in range(len(rates)):
                moved = [[r + sign * step * (j == i) for j, r in enumerate(exact)] for sign in (1, -1)]
                up, down = (expected(m, mp.mpf(t)) for m in moved)
                wanted.append([float(x / (2 * step)) for x in flat(up - down)])
            up, down = (expected(exact, mp.mpf(t) + sign * step) for sign in (1, -1))
            # changes for a rate or the time that doubles, so that they have one unit
            wanted = np.array([*wanted, [float(x / (2 * step)) for x in flat(up - down)]])
            got = np.array([*np.moveaxis(np.reshape(rate_row, (-1, len(rates))), 1, 0), np.ravel(time_row)])
            scale = np.append(rates, t)[:, None]
            size = np.max(np.abs(wanted * scale), axis=0)
            # a rate of 0 changes nothing by doubling: its derivatives are compared with the largest of them
            largest = np.max(np.abs(wanted), axis=1, keepdims=True)
            allowed = DERIVATIVE * np.where(scale > 0, size / np.where(scale > 0, scale, 1.0), largest)
            assert np.all(np.isfinite(got)), (rates, t)
            assert np.all(np.abs(got - wanted) <= allowed + 1e-200), (
                rates,
                t,
                np.abs(got - wanted) / (allowed + 1e-200),
            )


def test_exponents_and_rates_interlace():
    """l_1 >= max(k21, k31) >= l_2 >= min(k21, k31) >= l_3, their product is k10 k21 k31, their sum that of all rates."""
    found = [rates for rates, _ in cases(2)]
    roots = jax.vmap(lambda r: jnp.stack(exponents(micro(r))))(jnp.array(found))
    for rates, (fast, middle, slow) in zip(np.array(found), np.asarray(roots), strict=True):
        low, high = sorted((rates[2], rates[4]))
        assert fast >= high >= middle * (1 - EXACT)
        assert middle >= low * (1 - EXACT)
        assert low * (1 + EXACT) >= slow
        np.testing.assert_allclose(fast * middle * slow, rates[0] * rates[2] * rates[4], rtol=EXACT)
        np.testing.assert_allclose(fast + middle + slow, rates.sum(), rtol=EXACT)


def test_where_nothing_is_exchanged_the_others_do_not_matter():
    """Two compartments are three of which one is shut off, and one is two of which one is shut off."""
    two = np.asarray(table(jnp.array([0.3, 0.2, 0.1]), jnp.asarray(3.0)))
    three = np.asarray(table(jnp.array([0.3, 0.2, 0.1, 0.0, 5.0]), jnp.asarray(3.0)))
    np.testing.assert_allclose(three[:2, :2], two, rtol=EXACT)
    one = np.asarray(table(jnp.array([0.3, 0.0, 0.1]), jnp.asarray(3.0)))
    np.testing.assert_allclose(one[0], [np.exp(-0.9), 0.0], rtol=EXACT)


def test_the_published_example_of_two_compartments():
    """k01 0.3, k12 0.2, k21 0.1, k10 0.3, one unit into the depot, every 0.1 h up to 24 h: amounts to 1e-12.

    Here k01 and k10 are equal, and k12 + k10 - k21 and the depot's rate lie between the exponents.
    """
    p = {"k10": 0.3, "V1": 1.0, "k12": 0.2, "k21": 0.1, "ka": 0.3}
    system = compose("two_compartment", ("first_order",), p)
    q = system.prepare({name: jnp.asarray(x) for name, x in p.items()})
    times = np.arange(241) / 10
    start = tuple(jnp.asarray(x) for x in (1.0, 0.0, 0.0))
    got = jax.vmap(lambda t: jnp.stack(system.advance(q, start, None, t)))(jnp.asarray(times))
    arrows = [(0, 1, 0.3), (1, None, 0.3), (1, 2, 0.2), (2, 1, 0.1)]
    wanted = [[float(x) for x in mp.expm(matrix(arrows, mp) * mp.mpf(t))[:, 0]] for t in times]
    np.testing.assert_allclose(got, wanted, rtol=EXACT)
