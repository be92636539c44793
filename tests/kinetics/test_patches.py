"""A chain with a release of its own: esters and patches, by matrix exponentials and by the reference program's curves.

The published equations of these curves are held in `test_estradiol_equations.py`.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

import reference_data
from individose.events import Dose, Level, Subject
from individose.kinetics import compose
from kinetics.engine import areas, showing_amounts, solve
from tolerances import EXACT, IDENTITY, ODE

CHAIN = compose("one_compartment", ("chain",), ("k", "V", "k1", "k2"), stages=2)
RATES = {"k1": 0.19, "k2": 1.1, "k": 0.47, "V": 1.0}
"""k1 out of the depot or patch, k2 out of the second stage, k3 = k of elimination; V = 1, so that levels are amounts."""

rate = st.floats(0.01, 10.0)


def record(doses, times):
    """What is wanted at the time of a dose is wanted after it, as the seed page's H(0) = 1 has it."""
    levels = [Level(float(t), float("nan"), measured=False) for t in times]
    return Subject("a", tuple(sorted((*doses, *levels), key=lambda e: (e.time_h, isinstance(e, Level)))))


def k_matrix(p):
    return np.array([[-p["k1"], 0, 0], [p["k1"], -p["k2"], 0], [0, p["k2"], -p["k"]]])


def one_patch(p, amount, worn, t):
    """Amounts of one patch put on at 0 and taken off at `worn`: its depot is emptied there."""
    if t < 0:
        return np.zeros(3)
    on = expm(k_matrix(p) * min(t, worn)) @ np.array([amount, 0.0, 0.0])
    return on if t < worn else expm(k_matrix(p) * (t - worn)) @ (on * [0.0, 1.0, 1.0])


def curve(p, d, t):
    """The kernel's single-dose curve at the times `t`."""
    q = CHAIN.prepare({name: jnp.asarray(p[name]) for name in CHAIN.parameters})
    start = (jnp.asarray(float(d)), jnp.asarray(0.0), jnp.asarray(0.0))
    return np.asarray(jax.vmap(lambda s: CHAIN.observe(q, CHAIN.advance(q, start, None, s))[0])(jnp.asarray(t)))


T = np.array([0.0, 0.1, 1.0, 2.5, 4.0, 7.5, 12.0, 30.0])


def test_several_esters_at_once():
    """Two chains with the same elimination: each depot by its own rates."""
    p = {"k": 0.47, "V": 1.0, "ka1": 0.19, "ka2": 1.3, "F1": 1.0, "F2": 1.0}
    system = compose("one_compartment", ("first_order", "first_order"), p)
    found = solve(system, p, record([Dose(0.0, 5.0, into="depot1"), Dose(2.0, 3.0, into="depot2")], T))

    def oral(t, d, ka, k):
        return (t >= 0) * d * ka / (ka - k) * (np.exp(-k * t) - np.exp(-ka * t))

    np.testing.assert_allclose(found, oral(T, 5.0, 0.19, 0.47) + oral(T - 2, 3.0, 1.3, 0.47), rtol=IDENTITY)


def _of(subject, analyte):
    events = (replace(e, analyte=analyte) if isinstance(e, Level) else e for e in subject.events)
    return replace(subject, events=tuple(events))


@settings(max_examples=40)
@given(st.tuples(rate, rate, rate))
def test_six_equal_curves(ks):
    """The rates in any order, with the dose scaled by the ratio of the elimination's rates: one curve."""
    first = curve(dict(zip(("k1", "k2", "k"), ks, strict=True)) | {"V": 1.0}, 5.0, T)
    for order in permutations(range(3)):
        k1, k2, k3 = (ks[i] for i in order)
        scaled = 5.0 * ks[0] * ks[1] / (k1 * k2)
        other = curve({"k1": k1, "k2": k2, "k": k3, "V": 1.0}, scaled, T)
        np.testing.assert_allclose(other, first, rtol=EXACT)


# Patches.


def test_single_patch():
    times = np.array([0.0, 1.0, 3.0, 3.5, 3.6, 5.0, 8.0, 20.0])
    found = solve(CHAIN, RATES, record([Dose(0.0, 100.0, removed_after_h=3.5)], times))
    np.testing.assert_allclose(found, [one_patch(RATES, 100.0, 3.5, t)[2] for t in times], rtol=IDENTITY, atol=1e-12)


def test_a_patch_holds_nothing_after_it_came_off():
    system = showing_amounts(CHAIN)
    times = [1.0, 3.0, 3.4999, 3.5001, 5.0, 8.0, 20.0, 40.0]
    events = record([Dose(0.0, 100.0, removed_after_h=3.5)], times)
    patch = solve(system, RATES, _of(events, "stage1"))
    np.testing.assert_allclose(patch[:3], 100.0 * np.exp(-RATES["k1"] * np.array(times[:3])), rtol=IDENTITY)
    np.testing.assert_allclose(patch[3:], 0.0, atol=100.0 * EXACT)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.floats(0.0, 10.0), st.floats(1.0, 100.0), st.floats(0.5, 12.0)), min_size=4, max_size=4))
def test_patches_of_any_overlap_add_up(patches):
    times = np.array([0.3, 1.0, 2.5, 4.0, 7.5, 12.0, 18.0, 30.0])
    found = solve(CHAIN, RATES, record([Dose(t, d, removed_after_h=w) for t, d, w in patches], times))
    wanted = [sum(one_patch(RATES, d, w, s - t)[2] for t, d, w in patches) for s in times]
    np.testing.assert_allclose(found, wanted, rtol=IDENTITY, atol=IDENTITY)
    assert np.all(found >= -EXACT * 400.0)


PERIOD = 3.5


@pytest.mark.parametrize("worn", [2.0, 3.5, 8.25], ids=["W < T", "W = T", "W > T"])
def test_patches_at_steady_state(worn):
    """By 50 patches one after another, after which exp(-31) of the first is left."""
    times = np.array([0.2, 1.0, 1.9, 2.1, 3.4, 3.6, 9.0, 10.4])
    patch = Dose(0.0, 100.0, interval_h=PERIOD, additional=9, steady_state=1, removed_after_h=worn)
    found = solve(CHAIN, RATES, record([patch], times))
    one = np.array([[one_patch(RATES, 100.0, worn, t + PERIOD * n)[2] for n in range(-3, 47)] for t in times])
    np.testing.assert_allclose(found, one.sum(axis=1), rtol=IDENTITY)


@pytest.mark.parametrize("worn", [2.0, 3.5, 8.25], ids=["W < T", "W = T", "W > T"])
def test_area_of_a_patch(worn):
    """d (1 - exp(-k1 W)) / k3: of one patch for ever, and so of one period at steady state."""
    found = areas(CHAIN, RATES, record([Dose(0.0, 100.0, removed_after_h=worn)], [100.0, 400.0]))
    whole = 100.0 * (1.0 - np.exp(-RATES["k1"] * worn)) / RATES["k"]
    np.testing.assert_allclose(found[1], whole, rtol=IDENTITY)
    patch = Dose(0.0, 100.0, interval_h=PERIOD, additional=60, steady_state=1, removed_after_h=worn)
    start, end = areas(CHAIN, RATES, record([patch], [9.1, 9.1 + 14 * PERIOD]))
    np.testing.assert_allclose((end - start) / 14, whole, rtol=IDENTITY)


def test_a_patch_on_an_equal_chain():
    """All three rates equal, where the printed equations divide by zero: (k t)^2 exp(-k t) / 2 until it comes off."""
    p = {"k1": 0.4, "k2": 0.4, "k": 0.4, "V": 1.0}
    times = np.array([0.0, 0.5, 1.0, 2.0, 3.4, 3.6, 9.0, 30.0])
    found = solve(CHAIN, p, record([Dose(0.0, 100.0, removed_after_h=3.5)], times))
    x = 0.4 * times
    np.testing.assert_allclose(found[:5], (50.0 * x**2 * np.exp(-x))[:5], rtol=EXACT)
    kept = 100.0 * np.exp(-1.4)
    y = np.maximum(x - 1.4, 0.0)
    np.testing.assert_allclose(
        found[5:], (50.0 * x**2 * np.exp(-x) - 0.5 * kept * y**2 * np.exp(-y))[5:], rtol=IDENTITY
    )


# The reference program's curves.


def _curves():
    table = {}
    for row in reference_data.rows("estradiol/curves.csv"):
        table.setdefault(row["curve_id"], []).append(row)
    points = {r["model"]: r for r in reference_data.rows("estradiol/parameters.csv") if r["set"] == "PKParameters"}
    return table, points


PERIODS = {"EB im": 3.0, "EV im": 7.0, "EEn im": 10.0, "EC im": 7.0, "patch tw": 3.5}


@pytest.mark.reference
@pytest.mark.parametrize("kind", ["single", "rep10", "ss"])
@pytest.mark.parametrize("model", PERIODS)
def test_curves_of_the_reference_program(model, kind):
    table, points = _curves()
    rows, point = table[f"{kind}_{model.replace(' ', '_')}"], points[model]
    p = {"k1": float(point["k1_per_day"]), "k2": float(point["k2_per_day"]), "k": float(point["k3_per_day"])}
    patch = model == "patch tw"
    amount = float(point["d"]) * (100.0 if patch else 5.0)
    again = {"single": {}, "rep10": {"additional": 9}, "ss": {"additional": 40, "steady_state": 1}}[kind]
    every = {} if kind == "single" else {"interval_h": PERIODS[model]}
    dose = Dose(0.0, amount, removed_after_h=3.5 if patch else 0.0, **every, **again)
    times = np.array([float(r["t_day"]) for r in rows])
    assert times.min() >= 0.0
    found = solve(CHAIN, p | {"V": 1.0}, record([dose], times))
    wanted = np.array([float(r["e2_pg_ml"]) for r in rows])
    np.testing.assert_allclose(found, wanted, rtol=1e-1 * ODE, atol=1e-1 * ODE * wanted.max())
