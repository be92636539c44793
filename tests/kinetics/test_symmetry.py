"""All images of a chain's parameters give one curve, and one of them is the one whose rates stand in a wanted order."""

from __future__ import annotations

from itertools import permutations

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from individose.kinetics import compose
from individose.kinetics.linear.divided import decay_divided
from individose.kinetics.symmetry import TRIANGLE, image, images, invariants, orders, relabelled
from tolerances import EXACT, IDENTITY

T = np.array([0.05, 0.3, 1.0, 2.5, 7.5, 20.0])
WORN = 3.5
CHAIN = compose("one_compartment", ("chain",), ("k", "V", "k1", "k2"), stages=2)
rate = st.floats(0.02, 12.0)
triple = st.tuples(rate, rate, rate).filter(lambda k: min(abs(k[0] - k[1]), abs(k[0] - k[2]), abs(k[1] - k[2])) > 1e-3)


@jax.jit
def curves(scale, rates):
    """Engine's levels of a unit dose: (images, times)."""

    def one(d, k):
        q = CHAIN.prepare({"k1": k[0], "k2": k[1], "k": k[2], "V": 1.0 / d})
        start = (jnp.ones(()), jnp.zeros(()), jnp.zeros(()))
        return jax.vmap(lambda t: CHAIN.observe(q, CHAIN.advance(q, start, None, t))[0])(jnp.asarray(T))

    return jax.vmap(one)(scale, rates)


def printed(t, d, k1, k2, k3):
    """The page's closed form in 50 digits."""
    with mpmath.workdps(50):
        d, k1, k2, k3, t = (mpmath.mpf(float(x)) for x in (d, k1, k2, k3, t))
        return float(
            d * k1 * k2
            * (
                mpmath.exp(-k1 * t) / ((k1 - k2) * (k1 - k3))
                - mpmath.exp(-k2 * t) / ((k1 - k2) * (k2 - k3))
                + mpmath.exp(-k3 * t) / ((k1 - k3) * (k2 - k3))
            )
        )  # fmt: skip


@settings(max_examples=40)
@given(triple)
def test_all_six_images_give_the_closed_form(ks):
    scale, rates = images(478.0, np.array(ks))
    assert rates.shape == (6, 3)
    assert len({tuple(k) for k in np.asarray(rates)}) == 6
    wanted = [printed(t, 478.0, *ks) for t in T]
    for curve in np.asarray(curves(scale, rates)):
        np.testing.assert_allclose(curve, wanted, rtol=EXACT)


def test_the_images_are_those_of_the_page():
    d, k1, k2, k3 = 478.0, 0.236, 4.85, 1.24
    wanted = {
        "id": (d, k1, k2, k3),
        "T1": (d, k2, k1, k3),
        "T2": (d * k1 / k3, k3, k2, k1),
        "T3": (d * k1 / k3, k2, k3, k1),
        "T4": (d * k2 / k3, k3, k1, k2),
        "T5": (d * k2 / k3, k1, k3, k2),
    }
    for (name, order), one, rates in zip(TRIANGLE.items(), *images(d, np.array([k1, k2, k3])), strict=True):
        np.testing.assert_allclose((one, *rates), wanted[name], rtol=EXACT)
        scale, moved = image(d, np.array([k1, k2, k3]), order)
        np.testing.assert_allclose((scale, *moved), wanted[name], rtol=EXACT)
    assert set(TRIANGLE.values()) == set(orders(3)) == set(permutations(range(3)))


def test_equal_rates_have_images_too():
    scale, rates = images(2.0, np.array([0.4, 0.4, 0.9]))
    found = np.asarray(curves(scale, rates))
    np.testing.assert_allclose(found, np.broadcast_to(found[0], found.shape), rtol=EXACT)


@pytest.mark.parametrize("stages", [2, 4])
def test_chains_of_other_lengths(stages):
    rates = np.random.default_rng(2).uniform(0.1, 3.0, stages)
    scale, all_ = images(3.0, rates)
    assert len(all_) == len(orders(stages))
    shown = [d * np.prod(k[:-1]) * decay_divided(list(k), 1.7) for d, k in zip(scale, np.asarray(all_), strict=True)]
    np.testing.assert_allclose(shown, shown[0], rtol=EXACT)


def patch(d, k, t):
    """A patch: the dose, and what is left of it taken off."""
    early = d * k[0] * k[1] * np.array([decay_divided(list(k), x) for x in t])
    off = np.maximum(t - WORN, 0.0)
    gone = d * k[0] * k[1] * np.exp(-k[0] * WORN) * np.array([decay_divided(list(k), x) for x in off])
    return early - np.where(t > WORN, gone, 0.0)


def test_a_patch_keeps_only_the_exchange_of_the_later_rates():
    k = np.array([0.283, 5.592, 4.3])
    t = np.array([0.5, 2.0, 3.4, 3.7, 4.5])
    wanted = patch(16.792, k, t)
    scale, rates = images(16.792, k, removed=True)
    assert [tuple(x) for x in np.asarray(rates)] == [(0.283, 5.592, 4.3), (0.283, 4.3, 5.592)]
    for d, own in zip(scale, np.asarray(rates), strict=True):
        np.testing.assert_allclose(patch(d, own, t), wanted, rtol=IDENTITY)
    for d, own in zip(*(np.asarray(x) for x in images(16.792, k)), strict=True):
        while_worn = t < WORN
        np.testing.assert_allclose(patch(d, own, t)[while_worn], wanted[while_worn], rtol=IDENTITY)
        same_after = np.allclose(patch(d, own, t)[~while_worn], wanted[~while_worn], rtol=IDENTITY)
        assert same_after == (own[0] == k[0])


@settings(max_examples=40)
@given(triple, st.permutations(range(3)))
def test_relabelling_finds_the_image_in_a_wanted_order(ks, order):
    scale, rates = images(1.0, np.array(ks))
    told, moved = relabelled(scale, rates, order)
    assert np.all(np.diff(np.asarray(moved)[:, list(order)], axis=1) > 0)
    np.testing.assert_allclose(told, np.broadcast_to(told[0], 6), rtol=EXACT)
    np.testing.assert_allclose(moved, np.broadcast_to(moved[0], (6, 3)), rtol=EXACT)
    np.testing.assert_allclose(curves(told[:1], moved[:1])[0], curves(scale[:1], rates[:1])[0], rtol=1e1 * EXACT)


def test_relabelling_a_patch_leaves_its_first_rate():
    told, moved = relabelled(2.0, np.array([5.0, 3.0, 1.0]), (0, 1, 2), removed=True)
    np.testing.assert_allclose(moved, [5.0, 1.0, 3.0])
    np.testing.assert_allclose(told, 2.0 * 3.0 / 1.0)


@given(triple)
def test_invariants_are_shared_by_all_images(ks):
    for removed in (False, True):
        found = invariants(*images(7.0, np.array(ks), removed=removed), removed=removed)
        assert set(found) == {"area", "rate1", "rate2", "rate3"}
        for values in found.values():
            np.testing.assert_allclose(values, np.broadcast_to(values[0], values.shape), rtol=EXACT)
    np.testing.assert_allclose(invariants(7.0, np.array(ks))["area"], 7.0 / ks[2], rtol=EXACT)
