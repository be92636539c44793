"""Exposure of linear systems against closed forms, 50 digits, adaptive quadrature, dense scans refined by scipy, and laws."""

from functools import partial
from itertools import pairwise

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad, solve_ivp
from scipy.optimize import brentq, minimize_scalar

from individose.base import InputError
from individose.events import Dose, Level, Subject
from individose.inference.exposure import check
from individose.kinetics import compose
from individose.kinetics.crossings import time_to_fall
from individose.kinetics.exposure import exposure, window_moments
from individose.kinetics.extremes import Segment, curve, half_lives, motion, rate_constants
from individose.kinetics.moments import moments_to_infinity, steady_volume
from kinetics.engine import bound
from tolerances import EXACT, GRADIENT, IDENTITY, ODE

IV = compose("one_compartment", ("bolus",))
ORAL = compose("one_compartment", ("first_order",))
TWO_ORAL = compose("two_compartment", ("first_order",))
TRANSIT = compose("one_compartment", ("transit",), ("CL", "V", "ktr"), stages=2)
THREE = compose("three_compartment", ("bolus",))
METABOLITE = compose(
    "two_compartment", ("bolus",), ("CL", "V1", "Q", "V2", "CLm", "Vm", "fm"), metabolite="one_compartment"
)

P = {
    IV: {"CL": 3.0, "V": 20.0},
    ORAL: {"CL": 3.0, "V": 20.0, "ka": 1.1},
    TWO_ORAL: {"CL": 3.0, "V1": 20.0, "Q": 5.0, "V2": 50.0, "ka": 1.2},
    TRANSIT: {"CL": 3.0, "V": 20.0, "ktr": 2.0},
    THREE: {"CL": 3.0, "V1": 20.0, "Q2": 5.0, "V2": 50.0, "Q3": 0.7, "V3": 90.0},
    METABOLITE: {"CL": 3.0, "V1": 20.0, "Q": 5.0, "V2": 50.0, "CLm": 1.0, "Vm": 8.0, "fm": 0.4},
}
NAMED = pytest.mark.parametrize("system", list(P), ids=lambda s: s.name)


def arrays(p):
    return {name: jnp.asarray(value) for name, value in p.items()}


def history(doses, start, end):
    """Doses, and the two times of a window: both come after doses of their own time."""
    times = [Level(float(t), float("nan"), analyte="central", measured=False) for t in (start, end)]
    return Subject("window", tuple(sorted([*doses, *times], key=lambda e: (e.time_h, isinstance(e, Level)))))


@partial(jax.jit, static_argnums=0)
def _exposure(relation, data, threshold):
    p = relation.individual(np.zeros(0), data)
    return exposure(relation.system, p, relation.schedule(p, data), threshold)


@partial(jax.jit, static_argnums=0)
def _moment(relation, data):
    p = relation.individual(np.zeros(0), data)
    return window_moments(relation.system, p, relation.schedule(p, data))


def exposed(system, p, doses, start, end, threshold=0.0):
    relation, data, _ = bound(system, p, history(doses, start, end))
    return {k: float(v) for k, v in _exposure(relation, data, threshold)._asdict().items()}


def moment(system, p, doses, start, end):
    """(area, first moment) of a window."""
    relation, data, _ = bound(system, p, history(doses, start, end))
    return tuple(float(x) for x in _moment(relation, data))


def written_out(doses):
    return [
        Dose(d.time_h + k * d.interval_h, d.amount_mg, d.duration_h, d.into)
        for d in doses
        for k in range(d.additional + 1)
    ]


class Independent:
    """A course by the eigenvectors of a matrix written down by hand, one dose at a time."""

    def __init__(self, matrix, volume, centre, into, doses):
        values, vectors = np.linalg.eig(np.array(matrix, dtype=float))
        self.rates, self.shares = -values, vectors[centre] * np.linalg.inv(vectors)[:, into] / volume
        self.doses = [(d.time_h, d.amount_mg, d.duration_h) for d in written_out(doses)]
        self.edges = sorted({t for time, _, duration in self.doses for t in (time, time + duration)})

    def __call__(self, t, before=False):
        total = 0.0
        for time, amount, duration in self.doses:
            if t < time or (before and t == time):
                continue
            left = np.exp(-self.rates * (t - time))
            if duration > 0:
                run = min(t - time, duration)
                left = np.expm1(self.rates * run) / self.rates / duration * left
            total += amount * self.shares @ left
        return total

    def window(self, start, end, threshold):
        """Peak, its time, least, time above: 100 points a piece, each local extreme and crossing refined."""
        edges = [start, *[e for e in self.edges if start < e < end], end]
        found, above = [], 0.0
        for a, b in pairwise(edges):
            grid = np.linspace(a, b, 101)
            values = np.array([self(t, before=t == b) for t in grid])
            found += [(values[0], a), (values[-1], b)]
            for i in range(1, 100):
                for sign in (1, -1):
                    if sign * values[i] > max(sign * values[i - 1], sign * values[i + 1]):
                        got = minimize_scalar(
                            lambda t, sign=sign: -sign * self(t),
                            bounds=(grid[i - 1], grid[i + 1]),
                            method="bounded",
                            options={"xatol": 1e-10},
                        )
                        found.append((self(got.x), got.x))
            for i in range(100):
                first, last = values[i] - threshold, values[i + 1] - threshold
                if first * last < 0:
                    root = brentq(lambda t: self(t) - threshold, grid[i], np.nextafter(grid[i + 1], 0), xtol=1e-13)
                    above += root - grid[i] if first > 0 else grid[i + 1] - root
                elif first + last > 0:
                    above += grid[i + 1] - grid[i]
        (peak, when), (least, _) = max(found), min(found)
        return peak, when, least, above


def two_oral(p):
    k10, k12, k21 = p["CL"] / p["V1"], p["Q"] / p["V1"], p["Q"] / p["V2"]
    return [[-p["ka"], 0, 0], [p["ka"], -k10 - k12, k21], [0, k12, -k21]]


HISTORIES = {
    "after one dose": ([Dose(0.0, 100.0)], 0.0, 24.0),
    "within many": ([Dose(0.0, 100.0, interval_h=8.0, additional=5)], 13.0, 37.5),
    "infusions": ([Dose(0.0, 100.0, 3.0, "central", 12.0, 2)], 1.0, 36.0),
    "between": ([Dose(0.0, 100.0, interval_h=12.0, additional=2)], 14.0, 15.5),
}


@pytest.mark.parametrize("name", HISTORIES)
def test_two_compartments_equal_a_dense_scan_refined(name):
    doses, start, end = HISTORIES[name]
    p = P[TWO_ORAL]
    into = 1 if doses[0].into else 0
    other = Independent(two_oral(p), p["V1"], 1, into, doses)
    peak, when, least, _ = other.window(start, end, 0.0)
    threshold = 0.6 * peak + 0.4 * least
    above = other.window(start, end, threshold)[3]
    found = exposed(TWO_ORAL, p, doses, start, end, threshold)
    np.testing.assert_allclose([found["peak"], found["least"]], [peak, least], rtol=IDENTITY, atol=IDENTITY * peak)
    # a minimiser finds a time to the square root of its precision only
    np.testing.assert_allclose(start + found["peak_h"], when, rtol=GRADIENT)
    np.testing.assert_allclose(found["above_h"], above, rtol=IDENTITY)
    assert found["span_h"] == pytest.approx(end - start, rel=EXACT)


@NAMED
def test_areas_and_moments_equal_an_ode_solver(system):
    doses = [Dose(0.0, 100.0, interval_h=8.0, additional=2), Dose(4.0, 60.0, 3.0, "central")]
    start, end = 3.0, 19.0
    q = system.prepare(arrays(P[system]))
    m = motion(system, q)
    a, row = np.asarray(m.matrix), np.asarray(m.row)
    n, centre = system.size, system.index("central")
    state, edges = np.zeros(n + 2), sorted({0.0, 4.0, 7.0, 8.0, 16.0, start, end})
    for left, right in pairwise(edges):
        if left in (0.0, 8.0, 16.0):
            state[system.entries[0].compartment] += 100.0
        rate = np.zeros(n)
        rate[centre] = 20.0 if 4.0 <= left < 7.0 else 0.0

        def slope(t, x, rate=rate, left=left):
            level = row @ x[:n] if left >= start else 0.0
            return np.concatenate([a @ x[:n] + rate, [level, (t - start) * level]])

        state = solve_ivp(slope, (left, right), state, rtol=1e-12, atol=1e-13, method="DOP853").y[:, -1]
    np.testing.assert_allclose(moment(system, P[system], doses, start, end), state[n:], rtol=ODE)


@pytest.mark.parametrize("ka", [1.1, 0.15, 0.15 * (1 + 1e-9), 0.15 * (1 - 1e-13), 30.0, 0.01])
def test_peak_of_one_oral_dose(ka):
    p = {**P[ORAL], "ka": ka}
    k = p["CL"] / p["V"]
    apart = ka / k - 1
    # log(ka/k)/(ka - k), and 1/k where rates meet
    tmax = 1 / k if apart == 0 else np.log1p(apart) / (apart * k)
    found = exposed(ORAL, p, [Dose(0.0, 100.0)], 0.0, 1000.0)
    np.testing.assert_allclose(found["peak_h"], tmax, rtol=1e3 * EXACT)
    np.testing.assert_allclose(found["peak"], 100.0 / p["V"] * np.exp(-k * tmax), rtol=EXACT)
    assert found["least"] == 0.0


def test_peak_is_found_in_a_window_that_outlasts_float64():
    found = exposed(ORAL, P[ORAL], [Dose(0.0, 100.0)], 0.0, 1e6, 1.0)
    near = exposed(ORAL, P[ORAL], [Dose(0.0, 100.0)], 0.0, 100.0, 1.0)
    for name in ("peak", "peak_h", "above_h", "last_above_h"):
        np.testing.assert_allclose(found[name], near[name], rtol=IDENTITY)


@partial(jax.jit, static_argnums=0)
def _chain(system, rates, k, end):
    """(turning points, levels) after 1 mg in the first stage of chains: rates (cases, stages), k and end (cases,)."""

    def one(rates, k, end):
        p = {"CL": k, "V": jnp.ones(())} | {f"k{i + 1}": rates[i] for i in range(len(rates))}
        q = system.prepare(p)
        start = jnp.eye(system.size)[0]
        found = curve(system, q, Segment(motion(system, q), start, None, jnp.zeros(()), end), jnp.asarray(jnp.inf))
        return found.times_h, found.levels

    return jax.vmap(one)(rates, k, end)


def slope_of_chain(rates, k):
    """d/dt of the amount behind a chain, in 50 digits."""
    n = len(rates)
    a = mp.zeros(n + 1)
    for i, rate in enumerate([*rates, k]):
        a[i, i] = -mp.mpf(float(rate))
        if i < n:
            a[i + 1, i] = mp.mpf(float(rate))
    return lambda t: (a * mp.expm(a * t))[n, 0]


@pytest.mark.parametrize("stages", [1, 2, 3, 4, *(pytest.param(n, marks=pytest.mark.slow) for n in (5, 6))])
def test_a_chain_has_one_peak_wherever_its_rates_lie(stages):
    names = ("CL", "V", *(f"k{i + 1}" for i in range(stages)))
    system = compose("one_compartment", ("chain",), names, stages=stages)
    k, steps = 0.37, np.arange(stages)
    equal = np.full(stages, k)
    cases = [(equal, k), (equal, k * 1e-8), (equal, k * 1e8)]
    cases += [(k * (1 + gap * steps), k * (1 - gap)) for gap in (1e-15, 1e-12, -1e-12, 1e-7, -1e-7, 0.1)]
    cases += [(k * 10.0 ** (-8 * order / max(stages - 1, 1)), 0.5 * k) for order in (steps, steps[::-1])]
    ends = [40.0 / min([*rates, last]) for rates, last in cases]
    times, levels = (
        np.asarray(x) for x in _chain(system, *(np.array(x) for x in zip(*cases, strict=True)), np.array(ends))
    )
    for (rates, last), end, at, level in zip(cases, ends, times, levels, strict=True):
        inside = at[1:-1][at[1:-1] < end]
        assert len(inside) == 1
        assert level.argmax() == 1
        with mp.workdps(50):
            g, t = slope_of_chain(rates, last), mp.mpf(float(inside[0]))
            # one Newton step in 50 digits: how far the true root is
            h = t * mp.mpf(10) ** -12
            away = float(abs(g(t) / ((g(t + h) - g(t - h)) / (2 * h)) / t))
        # with rates eight orders apart the slope cancels to its eighth digit
        assert away < (IDENTITY if max([*rates, last]) < 1e3 * min([*rates, last]) else ODE)
    # n equal stages before an equal rate: t^n e^(-kt), whose mode is n/k
    np.testing.assert_allclose(times[0, 1], stages / k, rtol=IDENTITY)


def test_erlang_in_the_words_of_a_card():
    system, p = (
        compose("one_compartment", ("transit",), ("CL", "V", "ktr", "ka"), stages=1),
        {"CL": 2.0, "V": 20.0, "ktr": 0.1, "ka": 0.1},
    )
    found = exposed(system, p, [Dose(0.0, 100.0)], 0.0, 300.0)
    np.testing.assert_allclose(found["peak_h"], 2 / 0.1, rtol=IDENTITY)
    np.testing.assert_allclose(found["peak"], 5.0 * 2**2 * np.exp(-2) / 2, rtol=EXACT)


def precise(matrix, start):
    """(amounts, slopes) at t in 50 digits, of dx/dt = matrix x."""
    a, x = mp.matrix(matrix), mp.matrix(start)
    return lambda t: mp.expm(a * t) * x, lambda t: a * (mp.expm(a * t) * x)


def test_two_compartments_oral_in_50_digits():
    p = P[TWO_ORAL]
    with mp.workdps(50):
        exact = {name: mp.mpf(value) for name, value in p.items()}
        amounts, slopes = precise(two_oral(exact), [100, 0, 0])
        when = mp.findroot(lambda t: slopes(t)[1], mp.mpf("1.5"))
        peak = amounts(when)[1] / exact["V1"]
        fall = mp.findroot(lambda t: amounts(t)[1] / exact["V1"] - mp.mpf(0.5), mp.mpf(12))
    found = exposed(TWO_ORAL, p, [Dose(0.0, 100.0)], 0.0, 200.0, 0.5)
    np.testing.assert_allclose(found["peak_h"], float(when), rtol=1e2 * EXACT)
    np.testing.assert_allclose(found["peak"], float(peak), rtol=EXACT)
    np.testing.assert_allclose(found["last_above_h"], float(fall), rtol=1e2 * EXACT)


def test_three_compartments_in_50_digits():
    p = P[THREE]
    with mp.workdps(50):
        v1, q2, v2, q3, v3 = (mp.mpf(p[name]) for name in ("V1", "Q2", "V2", "Q3", "V3"))
        k10 = mp.mpf(p["CL"]) / v1
        rows = [[-k10 - q2 / v1 - q3 / v1, q2 / v2, q3 / v3], [q2 / v1, -q2 / v2, 0], [q3 / v1, 0, -q3 / v3]]
        # the drug starts outside: the level rises, then falls; 0.2 mg/L is crossed on the way up and on the way down
        amounts, slopes = precise(rows, [0, 100, 0])
        when = mp.findroot(lambda t: slopes(t)[0], mp.mpf(6))
        peak = amounts(when)[0] / v1
        up, down = (mp.findroot(lambda t: amounts(t)[0] / v1 - mp.mpf(0.2), mp.mpf(g)) for g in (0.5, 50))
    found = exposed(THREE, p, [Dose(0.0, 100.0, into="peripheral")], 0.0, 200.0, 0.2)
    np.testing.assert_allclose(found["peak_h"], float(when), rtol=1e2 * EXACT)
    np.testing.assert_allclose(found["peak"], float(peak), rtol=EXACT)
    np.testing.assert_allclose(
        [found["above_h"], found["last_above_h"]], [float(down - up), float(down)], rtol=1e2 * EXACT
    )


def test_area_equals_quadrature_of_the_curve():
    doses = [Dose(0.0, 100.0, interval_h=8.0, additional=5)]
    course = Independent(two_oral(P[TWO_ORAL]), P[TWO_ORAL]["V1"], 1, 0, doses)
    edges = [13.0, 16.0, 24.0, 32.0, 37.5]
    area = sum(quad(course, a, b, epsrel=1e-13)[0] for a, b in pairwise(edges))
    first = sum(quad(lambda t: (t - 13.0) * course(t), a, b, epsrel=1e-13)[0] for a, b in pairwise(edges))
    np.testing.assert_allclose(moment(TWO_ORAL, P[TWO_ORAL], doses, 13.0, 37.5), [area, first], rtol=IDENTITY)


def test_one_compartment_bolus_is_above_for_as_long_as_it_takes_to_fall():
    k = 0.15
    for threshold in (4.9, 2.0, 0.3):
        found = exposed(IV, P[IV], [Dose(0.0, 100.0)], 0.0, 24.0, threshold)
        expected = min(24.0, np.log(5.0 / threshold) / k)
        np.testing.assert_allclose([found["above_h"], found["last_above_h"]], expected, rtol=IDENTITY)


def test_peak_of_an_infusion_is_at_its_end():
    for duration in (0.5, 3.0, 500.0):
        found = exposed(IV, P[IV], [Dose(0.0, 100.0, duration)], 0.0, duration + 20.0)
        np.testing.assert_allclose(found["peak"], 100.0 / duration / 3.0 * -np.expm1(-0.15 * duration), rtol=EXACT)
        # 75 time constants into the plateau all times are the same level
        assert found["peak_h"] == duration or duration == 500.0


def test_lag_shifts_the_peak_of_steady_state():
    doses = [Dose(0.0, 100.0, interval_h=8.0, steady_state=1)]
    plain = exposed(ORAL, P[ORAL], doses, 0.0, 8.0, 4.0)
    late = exposed(ORAL, {**P[ORAL], "lag": 1.5}, doses, 0.0, 8.0, 4.0)
    for name in ("peak", "least", "above_h"):
        np.testing.assert_allclose(late[name], plain[name], rtol=IDENTITY)
    np.testing.assert_allclose(late["peak_h"], plain["peak_h"] + 1.5, rtol=IDENTITY)


@NAMED
def test_a_threshold_out_of_reach_is_never_or_always_passed(system):
    doses = [Dose(0.0, 100.0, interval_h=8.0, additional=4)]
    seen = exposed(system, P[system], doses, 9.0, 30.0)
    over = exposed(system, P[system], doses, 9.0, 30.0, seen["peak"] * 1.000001)
    under = exposed(system, P[system], doses, 9.0, 30.0, seen["least"] * 0.999999)
    assert over["above_h"] == 0.0
    assert over["last_above_h"] == 0.0
    assert under["above_h"] == pytest.approx(21.0, rel=EXACT)
    assert under["last_above_h"] == pytest.approx(21.0, rel=EXACT)
    assert 0.0 < exposed(system, P[system], doses, 9.0, 30.0, seen["peak"] * 0.999)["above_h"] < 21.0


def test_a_dose_at_the_end_does_not_count_and_one_at_the_start_does():
    doses = [Dose(0.0, 100.0, interval_h=12.0, additional=2)]
    k = 0.15
    found = exposed(IV, P[IV], doses, 12.0, 24.0)
    left = 1 + np.exp(-12 * k)
    np.testing.assert_allclose(found["peak"], 5.0 * left, rtol=EXACT)
    np.testing.assert_allclose(found["least"], 5.0 * left * np.exp(-12 * k), rtol=EXACT)
    assert (found["peak_h"], found["least_h"]) == (0.0, 12.0)


def test_steady_state_of_an_oral_dose():
    p, tau = P[ORAL], 8.0
    k, ka = p["CL"] / p["V"], p["ka"]
    doses = [Dose(0.0, 100.0, interval_h=tau, steady_state=1, additional=1)]
    found = exposed(ORAL, p, doses, 0.0, tau)
    # Gibaldi & Perrier 1982, eq. 3.36
    tmax = np.log(ka * (1 - np.exp(-k * tau)) / (k * (1 - np.exp(-ka * tau)))) / (ka - k)
    np.testing.assert_allclose(found["peak_h"], tmax, rtol=IDENTITY)
    np.testing.assert_allclose(moment(ORAL, p, doses, 0.0, tau)[0], 100.0 / p["CL"], rtol=IDENTITY)


numbers = st.floats(0.05, 20.0)


@settings(max_examples=15)
@given(scale=st.floats(0.01, 100.0), shift=st.floats(0.0, 50.0), ka=numbers, CL=numbers, Q=numbers)
def test_laws_of_dose_and_time(scale, shift, ka, CL, Q):
    p = {**P[TWO_ORAL], "ka": ka, "CL": CL, "Q": Q}
    one = exposed(TWO_ORAL, p, [Dose(0.0, 100.0), Dose(7.0, 50.0)], 0.0, 20.0, 1.0)
    more = [Dose(shift, 100.0 * scale), Dose(7.0 + shift, 50.0 * scale)]
    other = exposed(TWO_ORAL, p, more, shift, 20.0 + shift, scale)
    for name in ("peak", "least"):
        np.testing.assert_allclose(other[name], scale * one[name], rtol=IDENTITY, atol=IDENTITY * scale)
    for name in ("peak_h", "above_h", "last_above_h"):
        np.testing.assert_allclose(other[name], one[name], rtol=ODE, atol=ODE)
    halves = [exposed(TWO_ORAL, p, [Dose(0.0, 100.0), Dose(7.0, 50.0)], a, b, 1.0) for a, b in ((0, 9), (9, 20))]
    np.testing.assert_allclose(max(h["peak"] for h in halves), one["peak"], rtol=IDENTITY)
    np.testing.assert_allclose(sum(h["above_h"] for h in halves), one["above_h"], rtol=IDENTITY, atol=IDENTITY)


@NAMED
def test_rate_constants_are_the_eigenvalues(system):
    q = system.prepare(arrays(P[system]))
    found = np.sort(rate_constants(system, q))
    np.testing.assert_allclose(found, np.sort(-np.linalg.eigvals(motion(system, q).matrix).real), rtol=1e-4)
    # equal stages make a defective matrix, whose eigenvalues numpy has to the third root only: traces are exact
    np.testing.assert_allclose(np.sum(found), -np.trace(motion(system, q).matrix), rtol=EXACT)
    np.testing.assert_allclose(half_lives(system, q), np.log(2) / found, rtol=EXACT)


def test_moments_to_infinity_in_closed_form():
    p = P[TWO_ORAL]
    q = TWO_ORAL.prepare(arrays(p))
    bolus = moments_to_infinity(TWO_ORAL, q, (jnp.zeros(()), jnp.asarray(100.0), jnp.zeros(())))
    oral = moments_to_infinity(TWO_ORAL, q, (jnp.asarray(100.0), jnp.zeros(()), jnp.zeros(())))
    vss = p["V1"] + p["V2"]
    np.testing.assert_allclose([bolus.area[0], oral.area[0]], 100.0 / p["CL"], rtol=EXACT)
    np.testing.assert_allclose(bolus.mean_time_h[0], vss / p["CL"], rtol=EXACT)
    np.testing.assert_allclose(oral.mean_time_h[0], vss / p["CL"] + 1 / p["ka"], rtol=EXACT)
    np.testing.assert_allclose(steady_volume(TWO_ORAL, q), vss, rtol=IDENTITY)
    one = moments_to_infinity(IV, IV.prepare(arrays(P[IV])), (jnp.asarray(100.0),))
    np.testing.assert_allclose(one.mean_time_h[0], P[IV]["V"] / P[IV]["CL"], rtol=EXACT)


def test_nothing_eliminated_is_infinite():
    q = IV.prepare(arrays({"CL": 0.0, "V": 20.0}))
    assert moments_to_infinity(IV, q, (jnp.asarray(100.0),)).area[0] == np.inf
    assert time_to_fall(IV, q, (jnp.asarray(100.0),), jnp.asarray(1.0)) == np.inf


def test_time_to_fall():
    q = IV.prepare(arrays(P[IV]))
    fall = jax.jit(lambda level: time_to_fall(IV, q, (jnp.asarray(100.0),), level))
    for level in (4.9, 1.0, 1e-30):
        np.testing.assert_allclose(fall(level), np.log(5.0 / level) / 0.15, rtol=IDENTITY)
    assert fall(5.1) == 0.0
    p = P[TWO_ORAL]
    course = Independent(two_oral(p), p["V1"], 1, 0, [Dose(0.0, 100.0)])
    q2 = TWO_ORAL.prepare(arrays(p))
    amounts = (jnp.asarray(100.0), jnp.zeros(()), jnp.zeros(()))
    # below the level at first, above it, below it for ever
    found = jax.jit(lambda level: time_to_fall(TWO_ORAL, q2, amounts, level))(0.5)
    np.testing.assert_allclose(found, brentq(lambda t: course(t) - 0.5, 4.0, 200.0, xtol=1e-13), rtol=IDENTITY)


def test_derivatives_of_levels_and_of_times():
    _, data, _ = bound(ORAL, P[ORAL], history([Dose(0.0, 100.0, interval_h=12.0, additional=1)], 12.0, 24.0))

    @jax.jit
    def seen(values):
        found = exposure(ORAL, dict(zip(P[ORAL], values[:, None], strict=True)), data.schedule, 2.0)
        return jnp.stack([found.peak, found.peak_h, found.least, found.above_h, found.last_above_h])

    at = np.array(list(P[ORAL].values()))
    forward, backward = jax.jacfwd(seen)(at), jax.jacrev(seen)(at)
    np.testing.assert_allclose(forward, backward, rtol=IDENTITY, atol=IDENTITY)
    for i, x in enumerate(at):
        step = np.eye(len(at))[i] * x * 1e-5
        central = (seen(at + step) - seen(at - step)) / (2e-5 * x)
        np.testing.assert_allclose(forward[:, i], central, rtol=GRADIENT, atol=GRADIENT)


def test_draws_are_one_more_axis():
    relation, data, _ = bound(ORAL, P[ORAL], history([Dose(0.0, 100.0, interval_h=12.0, additional=1)], 12.0, 24.0))
    p = relation.individual(np.zeros(0), data)
    clearances = jnp.asarray([[1.0], [3.0], [9.0]])
    together = jax.jit(jax.vmap(lambda CL: exposure(ORAL, {**p, "CL": CL}, data.schedule, 2.0)))(clearances)
    for i, CL in enumerate(clearances[:, 0]):
        alone = exposed(
            ORAL, {**P[ORAL], "CL": float(CL)}, [Dose(0.0, 100.0, interval_h=12.0, additional=1)], 12, 24, 2.0
        )
        for name, values in together._asdict().items():
            np.testing.assert_allclose(values[i], alone[name], rtol=IDENTITY)


def test_what_is_refused():
    with pytest.raises(InputError, match="threshold above 0 mg/L"):
        check("above", 0.0, 24.0, None)
    with pytest.raises(InputError, match="runs forward"):
        check("peak", 24.0, 24.0, None)
    with pytest.raises(InputError, match="tpeak"):
        check("biggest", 0.0, 24.0, None)
