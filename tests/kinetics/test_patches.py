"""A chain with a release of its own: esters and patches, by the equations of the seed page, by an ODE, by 400 patches."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, permutations

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
from individose.kinetics.steady import area_over_interval, trough_amounts
from kinetics.engine import areas, showing_amounts, solve
from tolerances import EXACT, IDENTITY, ODE

CHAIN = compose("one_compartment", ("chain",), ("k", "V", "k1", "k2"), stages=2)
RATES = {"k1": 0.19, "k2": 1.1, "k": 0.47, "V": 1.0}
"""k1 out of the depot or patch, k2 out of the second stage, k3 = k of elimination; V = 1, so that levels are amounts."""

rate, log_rate = st.floats(0.01, 10.0), st.floats(-2.0, 1.0)


def record(doses, times):
    """What is wanted at the time of a dose is wanted after it, as the seed page's H(0) = 1 has it."""
    levels = [Level(float(t), float("nan"), measured=False) for t in times]
    return Subject("a", tuple(sorted((*doses, *levels), key=lambda e: (e.time_h, isinstance(e, Level)))))


def k_matrix(p):
    return np.array([[-p["k1"], 0, 0], [p["k1"], -p["k2"], 0], [0, p["k2"], -p["k"]]])


def by_matrix(p, events, t):
    """Amounts at t by matrix exponentials; events are (time, function of the amounts)."""
    state, now = np.zeros(3), 0.0
    for time, act in sorted(events, key=lambda e: e[0]):
        if time > t:
            break
        state, now = act(expm(k_matrix(p) * (time - now)) @ state), time
    return expm(k_matrix(p) * (t - now)) @ state


def one_patch(p, amount, worn, t):
    """Amounts of one patch put on at 0 and taken off at `worn`: its depot is emptied there."""
    if t < 0:
        return np.zeros(3)
    on = expm(k_matrix(p) * min(t, worn)) @ np.array([amount, 0.0, 0.0])
    return on if t < worn else expm(k_matrix(p) * (t - worn)) @ (on * [0.0, 1.0, 1.0])


def single(t, d, k1, k2, k3):
    """The printed single-dose curve."""
    return (d * k1 * k2 * (t >= 0)) * (
        np.exp(-k1 * t) / ((k1 - k2) * (k1 - k3))
        - np.exp(-k2 * t) / ((k1 - k2) * (k2 - k3))
        + np.exp(-k3 * t) / ((k1 - k3) * (k2 - k3))
    )


def printed_steady(t, d, k1, k2, k3, T):
    """The printed curve at steady state."""
    s = t - T * np.floor(t / T)
    return (d * k1 * k2) * (
        np.exp(-k1 * s) / ((1 - np.exp(-k1 * T)) * (k1 - k2) * (k1 - k3))
        - np.exp(-k2 * s) / ((1 - np.exp(-k2 * T)) * (k1 - k2) * (k2 - k3))
        + np.exp(-k3 * s) / ((1 - np.exp(-k3 * T)) * (k1 - k3) * (k2 - k3))
    )


def skin(d, k1, k2, worn):
    """The printed amount in the second stage when the patch comes off."""
    return d * k1 / (k1 - k2) * (np.exp(-k2 * worn) - np.exp(-k1 * worn))


def printed_patch(t, d, k1, k2, k3, worn):
    """The printed curve of a single patch."""
    off = t - worn
    later = skin(d, k1, k2, worn) * k2 / (k2 - k3) * (np.exp(-k3 * off) - np.exp(-k2 * off))
    return np.where(t < worn, single(t, d, k1, k2, k3), later + single(worn, d, k1, k2, k3) * np.exp(-k3 * off))


def printed_patch_steady(t, d, k1, k2, k3, T, worn):
    """The printed steady state of patches, whatever the order of T and the time worn."""
    here, off = T * np.floor(t / T), T * np.floor((t - worn) / T)

    def part(k, denominator):
        return (np.exp(-k * (t - here)) - np.exp(-k * (t - off))) / ((1 - np.exp(-k * T)) * denominator)

    worn_now = part(k1, (k1 - k2) * (k1 - k3)) - part(k2, (k1 - k2) * (k2 - k3)) + part(k3, (k1 - k3) * (k2 - k3))
    gone = np.exp(-k3 * (t - worn - off)) / (1 - np.exp(-k3 * T))
    slower = np.exp(-k2 * (t - worn - off)) / (1 - np.exp(-k2 * T))
    after = skin(d, k1, k2, worn) * k2 / (k2 - k3) * (gone - slower) + single(worn, d, k1, k2, k3) * gone
    return d * k1 * k2 * worn_now + after


def curve(p, d, t):
    """The kernel's single-dose curve at the times `t`."""
    q = CHAIN.prepare({name: jnp.asarray(p[name]) for name in CHAIN.parameters})
    start = (jnp.asarray(float(d)), jnp.asarray(0.0), jnp.asarray(0.0))
    return np.asarray(jax.vmap(lambda s: CHAIN.observe(q, CHAIN.advance(q, start, None, s))[0])(jnp.asarray(t)))


KS = (RATES["k1"], RATES["k2"], RATES["k"])
T = np.array([0.0, 0.1, 1.0, 2.5, 4.0, 7.5, 12.0, 30.0])

# The seed page, equation by equation.


def test_single_dose():
    np.testing.assert_allclose(curve(RATES, 5.0, T), single(T, 5.0, *KS), rtol=IDENTITY, atol=1e-14)
    assert curve(RATES, 5.0, T)[0] == 0.0


def test_many_doses():
    given_at = [(0.0, 5.0), (2.0, 3.0), (7.0, 8.0)]
    found = solve(CHAIN, RATES, record([Dose(t, d) for t, d in given_at], T))
    np.testing.assert_allclose(found, sum(single(T - t, d, *KS) for t, d in given_at), rtol=IDENTITY, atol=1e-13)


def test_several_esters_at_once():
    """Two chains with the same elimination: each depot by its own rates."""
    p = {"k": 0.47, "V": 1.0, "ka1": 0.19, "ka2": 1.3, "F1": 1.0, "F2": 1.0}
    system = compose("one_compartment", ("first_order", "first_order"), p)
    found = solve(system, p, record([Dose(0.0, 5.0, into="depot1"), Dose(2.0, 3.0, into="depot2")], T))

    def oral(t, d, ka, k):
        return (t >= 0) * d * ka / (ka - k) * (np.exp(-k * t) - np.exp(-ka * t))

    np.testing.assert_allclose(found, oral(T, 5.0, 0.19, 0.47) + oral(T - 2, 3.0, 1.3, 0.47), rtol=IDENTITY)


def test_pulses_into_any_stage():
    """The appendix's solution, with every time counted from its own pulse (as printed it is right at time 0 only)."""
    k1, k2, k3 = KS
    doses = [Dose(1.0, 4.0, into="stage1"), Dose(2.5, 2.0, into="stage2"), Dose(4.0, 1.0, into="central")]
    found = {
        name: solve(showing_amounts(CHAIN), RATES, _of(record(doses, T), name))
        for name in ("stage1", "stage2", "central")
    }
    a, b, c = T - 1.0, T - 2.5, T - 4.0
    depot = 4.0 * (a >= 0) * np.exp(-k1 * a)
    middle = (a >= 0) * 4.0 * k1 / (k1 - k2) * (np.exp(-k2 * a) - np.exp(-k1 * a)) + 2.0 * (b >= 0) * np.exp(-k2 * b)
    last = single(a, 4.0, k1, k2, k3) + 2.0 * (b >= 0) * k2 / (k2 - k3) * (np.exp(-k3 * b) - np.exp(-k2 * b))
    for name, wanted in (("stage1", depot), ("stage2", middle), ("central", last + (c >= 0) * np.exp(-k3 * c))):
        np.testing.assert_allclose(found[name], wanted, rtol=IDENTITY, atol=1e-14)


def _of(subject, analyte):
    events = (replace(e, analyte=analyte) if isinstance(e, Level) else e for e in subject.events)
    return replace(subject, events=tuple(events))


def test_steady_state():
    """The printed curve at steady state, its period, its trough (= the value at 0), area d / k3 and average d / (k3 T)."""
    period, d = 3.0, 5.0
    repeated = Dose(0.0, d, interval_h=period, additional=9, steady_state=1)
    times = np.array([0.0, 0.4, 1.5, 2.9, 3.0, 3.4, 4.5, 27.4])
    found = solve(CHAIN, RATES, record([repeated], times))
    np.testing.assert_allclose(found, printed_steady(times, d, *KS, period), rtol=IDENTITY)
    np.testing.assert_allclose([found[5], found[6], found[7]], [found[1], found[2], found[1]], rtol=IDENTITY)
    q = CHAIN.prepare({name: jnp.asarray(RATES[name]) for name in CHAIN.parameters})
    regimen = [jnp.asarray(x) for x in (d, 0.0, period)]
    trough = CHAIN.observe(q, trough_amounts(CHAIN, q, jnp.int32(0), *regimen))[0]
    np.testing.assert_allclose(trough, printed_steady(0.0, d, *KS, period), rtol=IDENTITY)
    area = area_over_interval(CHAIN, q, jnp.int32(0), *regimen)[0]
    np.testing.assert_allclose(area, d / RATES["k"], rtol=IDENTITY)


@settings(max_examples=40)
@given(log_rate, log_rate, log_rate, st.floats(0.01, 20.0))
def test_at_steady_state_the_curve_still_falls_when_a_dose_is_given(a, b, c, period):
    """The slope at 0 is never positive, and -d k1 k2 T / 12 for a short period."""
    k1, k2, k3 = 10.0**a, 10.0**b, 10.0**c
    p = {"k1": k1, "k2": k2, "k": k3, "V": 1.0}
    q = CHAIN.prepare({name: jnp.asarray(p[name]) for name in CHAIN.parameters})

    def slope(period):
        regimen = [jnp.asarray(x) for x in (1.0, 0.0, period)]
        _, stage, central = trough_amounts(CHAIN, q, jnp.int32(0), *regimen)
        return float(k2 * stage - k3 * central), float(k3 * central)

    found, flow = slope(period)
    assert found <= IDENTITY * flow
    brief = 1e-3 / max(k1, k2, k3)
    found, flow = slope(brief)
    np.testing.assert_allclose(found, -k1 * k2 * brief / 12.0, rtol=1e-3 + 1e3 * EXACT * flow / (k1 * k2 * brief))


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


def test_laplace_transforms():
    """The transform of the curve is d k1 k2 / ((s + k1)(s + k2)(s + k3)): by Gauss and Legendre's rule on the kernel."""
    nodes, weights = np.polynomial.legendre.leggauss(30)
    edges = np.concatenate([np.linspace(0.0, 20.0, 11), np.geomspace(25.0, 160.0, 12)])
    t = np.concatenate([0.5 * (a + b) + 0.5 * (b - a) * nodes for a, b in pairwise(edges)])
    w = np.concatenate([0.5 * (b - a) * weights for a, b in pairwise(edges)])
    k1, k2, k3 = KS
    for s in (0.1, 0.5, 3.0):
        found = np.sum(w * np.exp(-s * t) * curve(RATES, 5.0, t))
        np.testing.assert_allclose(found, 5.0 * k1 * k2 / ((s + k1) * (s + k2) * (s + k3)), rtol=IDENTITY)


# Patches.


def test_single_patch():
    times = np.array([0.0, 1.0, 3.0, 3.5, 3.6, 5.0, 8.0, 20.0])
    found = solve(CHAIN, RATES, record([Dose(0.0, 100.0, removed_after_h=3.5)], times))
    np.testing.assert_allclose(found, printed_patch(times, 100.0, *KS, 3.5), rtol=IDENTITY, atol=1e-12)
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
    """By the printed equation, and by 400 patches one after another."""
    times = np.array([0.2, 1.0, 1.9, 2.1, 3.4, 3.6, 9.0, 10.4])
    patch = Dose(0.0, 100.0, interval_h=PERIOD, additional=9, steady_state=1, removed_after_h=worn)
    found = solve(CHAIN, RATES, record([patch], times))
    one = np.array([[one_patch(RATES, 100.0, worn, t + PERIOD * n)[2] for n in range(-3, 397)] for t in times])
    np.testing.assert_allclose(found, one.sum(axis=1), rtol=IDENTITY)
    np.testing.assert_allclose(found, printed_patch_steady(times, 100.0, *KS, PERIOD, worn), rtol=IDENTITY)


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


@pytest.mark.reference
def test_every_equation_called_right_is_held_here():
    """The list of equations has not grown beyond what the tests above cover."""
    rows = reference_data.rows("estradiol/equation_check.csv")
    right = [row["equation"] for row in rows if row["verdict"] == "RIGHT"]
    assert len(right) == 30
