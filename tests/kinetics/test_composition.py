"""Every composition against the exponential of its matrix of rates, an ODE solver, and the laws of linear systems."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from individose.base import CardError
from individose.events import Dose, Level, Subject
from individose.kinetics import compose
from individose.kinetics.steady import amounts_at_phase, area_over_interval
from kinetics.engine import areas, showing_amounts, solve
from kinetics.matrices import Case, arrows, by_ode, floats, matrix, mp, propagators
from tolerances import EXACT, IDENTITY, ODE

BODY = {
    "one_compartment": {"CL": 5.0, "V": 20.0},
    "two_compartment": {"CL": 5.0, "V1": 20.0, "Q": 3.0, "V2": 30.0},
    "three_compartment": {"CL": 5.0, "V1": 20.0, "Q2": 3.0, "V2": 30.0, "Q3": 1.1, "V3": 60.0},
}
TWO_M = {"CLm": 2.0, "V1m": 9.0, "Qm": 0.7, "V2m": 40.0, "fm": 0.6}
ROUTES = {
    "bolus": ({}, 0),
    "infusion": ({}, 0),
    "zero_order": ({"duration": 2.5}, 0),
    "first_order": ({"ka": 1.3}, 0),
    "zero_then_first": ({"ka": 1.3, "duration": 2.5}, 0),
    "chain": ({"k1": 0.9, "k2": 0.31}, 2),
}


def cases():
    """Dispositions x routes, and what has more than one input or output."""
    for name, body in BODY.items():
        for route, (more, stages) in ROUTES.items():
            yield Case(name, (route,), body | more, stages)
        for stages in (1, 2, 3, 4):
            yield Case(name, ("transit",), body | {"ktr": 2.2}, stages)
        yield Case(name, ("first_order", "first_order"), body | {"ka1": 1.3, "ka2": 0.21, "F1": 0.6, "F2": 0.3})
        yield Case(name, ("first_order", "zero_order"), body | {"ka": 1.3, "duration": 3.0, "F1": 0.4, "F2": 0.6})
    one, two = BODY["one_compartment"], BODY["two_compartment"]
    for stages in (1, 2, 3, 4):
        yield Case("one_compartment", ("transit",), one | {"ktr": 2.2, "ka": 0.7}, stages)
    yield Case("two_compartment", ("transit",), two | {"ktr": 2.2, "ka": 0.7}, 2)
    yield Case("one_compartment", ("transit",), one | {"ktr": 0.25, "ka": 0.25}, 3)  # all rates equal
    formed = {"CLm": 2.0, "Vm": 9.0, "fm": 0.6}
    yield Case("one_compartment", ("first_order",), one | {"ka": 1.3} | formed, metabolite="one_compartment")
    yield Case("two_compartment", ("bolus",), two | formed, metabolite="one_compartment")
    yield Case("one_compartment", ("first_order",), one | {"ka": 1.3} | TWO_M, metabolite="two_compartment")
    yield Case("two_compartment", ("bolus",), two | TWO_M, metabolite="two_compartment")
    early = {"fp": 0.35}
    yield Case("one_compartment", ("first_order",), one | {"ka": 1.3} | formed | early, metabolite="one_compartment")
    yield Case("two_compartment", ("transit",), two | {"ktr": 2.2} | TWO_M | early, 2, metabolite="two_compartment")
    yield Case("one_compartment", ("first_order",), one | {"ka": 0.25} | formed | early, metabolite="one_compartment")


CASES = list(cases())
TIMES = (1e-3, 0.7, 6.0, 150.0)


def system_of(case):
    return compose(case.disposition, case.inputs, case.p, **case.words)


def prepared(case, system=None):
    system = system or system_of(case)
    return system, system.prepare({name: jnp.asarray(case.p[name]) for name in system.parameters})


def carried(system, q, amounts, rates, t):
    """Amounts after the times `t`, from the same start: an array (times, compartments). Not compiled as a whole."""
    start = tuple(jnp.asarray(float(x)) for x in amounts)
    running = None if rates is None else tuple(jnp.asarray(float(x)) for x in rates)
    after = jax.vmap(lambda s: jnp.stack(system.advance(q, start, running, s)))(jnp.asarray(t, dtype=float))
    return np.asarray(after)


LONG = (
    "[three_compartment, transit4]",
    "[two_compartment, transit4]",
    "[two_compartment, transit2, two_compartment first pass]",
)
"""Compiled for the longest, and of no other kind than those beside them."""


@pytest.mark.parametrize(
    "case", [pytest.param(c, marks=[pytest.mark.slow] if f"[{c}]" in LONG else []) for c in CASES], ids=str
)
def test_equals_the_exponential_of_its_matrix(case):
    """From every compartment into every other, at once, by a constant input, and its area: to 1e-12 of 50 digits."""
    system, q = prepared(case)
    found, observed = arrows(case)
    size = system.size
    k = matrix(found, mp)
    assert k.rows == size
    expected = np.array([[floats(m) for m in propagators(k, t)] for t in TIMES])  # times, kind, to, from
    none = tuple(jnp.zeros(size))

    def both(i, t):
        unit = tuple(jnp.where(i == j, 1.0, 0.0) for j in range(size))
        once, running = system.advance(q, unit, None, t), system.advance(q, none, unit, t)
        return jnp.stack(once), jnp.stack(running), jnp.stack(system.area(q, unit, unit, t))

    pairs = np.array([(i, t) for t in TIMES for i in range(size)])
    once, running, area = jax.vmap(both)(jnp.asarray(pairs[:, 0]), jnp.asarray(pairs[:, 1]))
    shape = (len(TIMES), size, -1)
    for got, kind in ((once, 0), (running, 1)):
        wanted = np.swapaxes(expected[:, kind], 1, 2)
        np.testing.assert_allclose(np.reshape(got, shape), wanted, rtol=EXACT, atol=1e-290)
        assert np.all(np.asarray(got) >= 0.0)
        assert np.all(np.reshape(got, shape)[wanted == 0.0] == 0.0)
    places, volumes = zip(*observed, strict=True)
    wanted = np.swapaxes((expected[:, 1] + expected[:, 2])[:, list(places)], 1, 2) / np.array(volumes)
    np.testing.assert_allclose(np.reshape(area, shape), wanted, rtol=EXACT, atol=1e-290)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_plain_dose_enters_where_it_should(case):
    system = system_of(case)
    centre = arrows(case)[1][0][0]
    wanted, place = [], 0
    for name in case.inputs:
        if name in ("bolus", "infusion", "zero_order"):
            wanted.append((centre, "duration" if name == "zero_order" else "no"))
        else:
            wanted.append((place, "duration" if name == "zero_then_first" else "no"))
            place += case.stages + ("ka" in case.p) if name == "transit" else case.stages if name == "chain" else 1
    assert [(entry.compartment, entry.modelled) for entry in system.entries] == wanted
    assert system.outputs == ("central", "metabolite")[: len(arrows(case)[1])]


# The whole road: a subject's record, walked, arranged by the parameters, propagated. Few, for each is compiled.

BODY1, BODY2 = BODY["one_compartment"], BODY["two_compartment"]
ROADS = [
    Case("one_compartment", ("zero_then_first",), BODY1 | {"ka": 1.3, "duration": 2.5, "lag": 0.4, "F": 0.7}),
    Case("one_compartment", ("zero_order",), BODY1 | {"rate": 40.0, "lag": 0.4, "F": 0.7}),
    Case("one_compartment", ("first_order", "zero_order"), BODY1 | {"ka": 1.3, "duration": 3.0, "F1": 0.4, "F2": 0.6}),
    Case(
        "two_compartment",
        ("first_order", "first_order"),
        BODY2 | {"ka1": 1.3, "ka2": 0.21, "F1": 0.6, "F2": 0.3, "lag2": 1.75},
    ),
    Case("one_compartment", ("transit",), BODY1 | {"ktr": 2.2, "ka": 0.7, "F": 0.8}, 1),
    Case(
        "one_compartment",
        ("first_order",),
        BODY1 | {"ka": 1.3, "CLm": 2.0, "Vm": 9.0, "fm": 0.6},
        metabolite="one_compartment",
    ),
]
WANTED = (0.0, 0.3, 1.0, 3.25, 8.0, 11.0, 24.0, 40.0)


def record(doses, times=WANTED, analyte=None):
    """Doses and times in order of time; what is wanted at the time of a dose is wanted before it."""
    levels = [Level(t, float("nan"), analyte, measured=False) for t in times]
    return Subject("a", tuple(sorted((*levels, *doses), key=lambda e: (e.time_h, isinstance(e, Dose)))))


def acting(case, doses):
    """Each dose as it acts, by hand: [(time, amount, duration, compartment)]; F and lag belong to a compartment."""
    system, p, found = system_of(case), case.p, []
    entered = {entry.compartment for entry in system.entries}
    for dose in doses:
        modelled = {entry.compartment: entry.modelled != "no" for entry in system.entries}
        for into in modelled if dose.into is None else [system.index(dose.into)]:
            share = p.get(f"F{into + 1}", p.get("F", 1.0) if into in entered else 1.0)
            lag = p.get(f"lag{into + 1}", p.get("lag", 0.0) if into in entered else 0.0)
            amount, duration = share * dose.amount_mg, dose.duration_h
            if dose.into is None and duration == 0 and modelled[into]:
                duration = p["duration"] if "duration" in p else amount / p["rate"]
            found.append((dose.time_h + lag, amount, duration, into))
    return found


@pytest.mark.parametrize("case", CASES, ids=str)
def test_equals_an_ode_solver(case):
    """Every composition, from amounts and inputs everywhere, against SciPy at 1e-10."""
    system, q = prepared(case)
    k = matrix(arrows(case)[0])
    amounts, running = 10.0 + 3.0 * np.arange(system.size), 1.0 + np.arange(system.size)
    found = carried(system, q, amounts, running, TIMES)
    out = solve_ivp(
        lambda _, x: k @ x + running, (0.0, TIMES[-1]), amounts, t_eval=TIMES, method="DOP853", rtol=1e-10, atol=1e-10
    )
    np.testing.assert_allclose(found, out.y.T, rtol=ODE)


@pytest.mark.parametrize("case", ROADS, ids=str)
def test_a_record_equals_an_ode_solver(case):
    doses = [Dose(0.0, 100.0), Dose(8.0, 60.0), Dose(10.0, 30.0, 4.0, into="cmt1"), Dose(20.0, 5.0, into="central")]
    found, observed = arrows(case)
    # what is wanted at the time of a dose is wanted before it
    before = [t - 1e-9 if t == 8.0 else t for t in WANTED]
    expected = by_ode(found, observed, acting(case, doses), before)
    expected[0] = 0.0
    for place, name in enumerate(system_of(case).outputs):
        levels = solve(system_of(case), case.p, record(doses, analyte=name))
        assert levels[0] == 0.0
        np.testing.assert_allclose(levels, expected[:, place], rtol=ODE, atol=ODE * expected.max())


def fresh(draw, case):
    """The same composition at other rates, over two orders of magnitude; shares stay."""
    kept = {name: x for name, x in case.p.items() if name in ("F", "F1", "F2", "fm")}
    scaled = {name: x * 10.0 ** draw(st.floats(-1.0, 1.0)) for name, x in case.p.items() if name not in kept}
    return replace(case, p=scaled | kept)


SMALL = [case for case in CASES if system_of(case).size <= 5]
"""Those that are quick without being compiled as a whole."""


@st.composite
def segments(draw):
    """A composition, amounts and input rates in all of its compartments, and two times."""
    case = fresh(draw, draw(st.sampled_from(SMALL)))
    size = system_of(case).size
    amounts = draw(st.lists(st.floats(0.0, 100.0), min_size=size, max_size=size))
    rates = draw(st.lists(st.floats(0.0, 20.0), min_size=size, max_size=size))
    return case, np.array(amounts), np.array(rates), (draw(st.floats(0.0, 30.0)), draw(st.floats(0.0, 30.0)))


def left_and_lost(case, system, q, amounts, rates, t):
    """Amounts at `t`, and what has left the body since 0: each exit's rate constant times the area of its compartment."""
    found, observed = arrows(case)
    after = carried(system, q, amounts, rates, [t])[0]
    area = system.area(q, tuple(map(jnp.asarray, amounts)), tuple(map(jnp.asarray, rates)), jnp.asarray(t))
    inside = {place: float(x) * volume for (place, volume), x in zip(observed, area, strict=True)}
    return after, sum(rate * inside[source] for source, target, rate in found if target is None)


@settings(max_examples=25)
@given(segments())
def test_mass_balance(drawn):
    case, amounts, rates, (t, _) = drawn
    after, lost = left_and_lost(case, *prepared(case), amounts, rates, t)
    given_mg = amounts.sum() + t * rates.sum()
    np.testing.assert_allclose(after.sum() + lost, given_mg, rtol=IDENTITY, atol=1e-200)
    assert np.all(after >= 0.0)
    assert lost >= 0.0


@settings(max_examples=25)
@given(segments(), st.floats(0.0, 7.0))
def test_superposition_and_linearity(drawn, factor):
    case, amounts, rates, times = drawn
    system, q = prepared(case)
    together = carried(system, q, amounts, rates, times)
    parts = carried(system, q, amounts, None, times) + carried(system, q, 0 * amounts, rates, times)
    np.testing.assert_allclose(parts, together, rtol=IDENTITY, atol=1e-200)
    scaled = carried(system, q, factor * amounts, factor * rates, times)
    np.testing.assert_allclose(scaled, factor * together, rtol=IDENTITY, atol=1e-200)


@settings(max_examples=25)
@given(segments())
def test_a_time_in_two_parts(drawn):
    """Amounts carried over s and then over t are those carried over s + t: nothing depends on the clock."""
    case, amounts, rates, (first, second) = drawn
    system, q = prepared(case)
    middle = carried(system, q, amounts, rates, [first])[0]
    in_parts = carried(system, q, middle, rates, [second])
    whole = carried(system, q, amounts, rates, [first + second])
    np.testing.assert_allclose(in_parts, whole, rtol=IDENTITY, atol=1e-200)


@settings(max_examples=25)
@given(segments())
def test_hours_or_minutes(drawn):
    """Rates per minute and times in minutes give the same amounts; areas are 60 times as large."""
    case, amounts, rates, times = drawn
    per_minute = {"CL", "Q", "Q2", "Q3", "ka", "ka1", "ka2", "ktr", "k1", "k2", "CLm", "Qm"}
    slower = replace(case, p={n: x / 60.0 if n in per_minute else x for n, x in case.p.items()})
    hours = carried(*prepared(case), amounts, rates, times)
    minutes = carried(*prepared(slower), amounts, rates / 60.0, np.array(times) * 60.0)
    np.testing.assert_allclose(minutes, hours, rtol=IDENTITY, atol=1e-200)


def compiled(system, q):
    """Amounts after many times, from the same start, compiled as a whole."""

    @jax.jit
    def after(amounts, rates, times):
        return jax.vmap(lambda t: jnp.stack(system.advance(q, apart(amounts), apart(rates), t)))(times)

    return after


def apart(x):
    return tuple(x[i] for i in range(len(x)))


def sparing(every):
    """All compositions, of which the default run takes some."""
    return [pytest.param(c, marks=[] if i % every == 0 else [pytest.mark.slow]) for i, c in enumerate(CASES)]


@pytest.mark.parametrize("case", sparing(4), ids=str)
def test_areas_equal_quadrature(case):
    """Gauss and Legendre's rule, 20 nodes on each of 24 pieces that grow with time."""
    system, q = prepared(case)
    amounts, rates = np.arange(1.0, system.size + 1.0), np.arange(system.size, 0.0, -1.0)
    nodes, weights = np.polynomial.legendre.leggauss(20)
    edges = np.concatenate([[0.0], np.geomspace(1e-2, 48.0, 24)])
    half, middle = 0.5 * np.diff(edges)[:, None], 0.5 * (edges[1:] + edges[:-1])[:, None]
    after = np.asarray(compiled(system, q)(amounts, rates, (middle + half * nodes).ravel()))
    area = jax.jit(lambda a, r, t: system.area(q, apart(a), apart(r), t))(amounts, rates, 48.0)
    for (place, volume), found in zip(arrows(case)[1], area, strict=True):
        expected = np.sum((half * weights).ravel() * after[:, place]) / volume
        np.testing.assert_allclose(found, expected, rtol=IDENTITY)


# Steady state: against 300 doses one after another.

DOSINGS = {"bolus": (0.0, 12.0), "infusion": (3.0, 5.0), "longer than II": (29.0, 2.5), "late": (0.0, 3.25)}
"""Duration, and the time since the last dose arrived at which amounts are wanted; the interval is 12 h."""


@pytest.mark.parametrize("case", sparing(6), ids=str)
def test_steady_state_equals_300_doses(case):
    """Into every compartment, by every dosing, all in one program."""
    system, q = prepared(case)
    arrived = 12.0 * np.arange(300)

    def one(unit, duration, since):
        """Amounts at `since` after the arrival of 100 mg."""
        ran = jnp.minimum(since, duration)
        begin = jnp.where(duration > 0.0, 0.0, 100.0) * unit
        rate = jnp.where(duration > 0.0, 100.0 / jnp.where(duration > 0.0, duration, 1.0), 0.0) * unit
        during = system.advance(q, apart(begin), apart(rate), ran)
        return jnp.stack(system.advance(q, during, None, since - ran))

    def both(into, duration, phase):
        unit = jnp.where(jnp.arange(system.size) == into, 1.0, 0.0)
        each = jax.vmap(lambda since: one(unit, duration, since))(phase + arrived)
        regimen = (jnp.asarray(100.0), duration, jnp.asarray(12.0))
        return jnp.stack(amounts_at_phase(system, q, into, *regimen, phase)), jnp.sum(each, axis=0)

    crossed = [(into, *dosing) for into in range(system.size) for dosing in DOSINGS.values()]
    into, duration, phase = (jnp.asarray(x) for x in zip(*crossed, strict=True))
    found, summed = jax.jit(jax.vmap(both))(into, duration, phase)
    np.testing.assert_allclose(found, summed, rtol=IDENTITY)


SUPERPOSED = [ROADS[3], Case("three_compartment", ("bolus",), BODY["three_compartment"]), ROADS[5]]


@pytest.mark.parametrize("case", SUPERPOSED, ids=str)
def test_events_equal_superposition(case):
    """Levels by propagation from event to event are the sum of the answers to every dose, each from nothing."""
    system, q = prepared(case)
    doses = [Dose(0.0, 100.0), Dose(8.0, 60.0), Dose(10.0, 30.0, 4.0, into="central"), Dose(20.0, 5.0, into="central")]
    after = compiled(system, q)
    expected = np.zeros((len(WANTED), len(system.outputs)))
    for begins, amount, duration, into in acting(case, doses):
        unit = np.eye(system.size)[into]
        for i, s in enumerate(t - begins for t in WANTED):
            if s > 0.0:  # a level at the time of a dose is taken before it
                ran = min(s, duration)
                begin, rate = (0.0, amount / duration) if duration else (amount, 0.0)
                state = after(begin * unit, rate * unit, np.array([ran]))[0]
                state = after(state, 0.0 * unit, np.array([s - ran]))[0]
                expected[i] += np.array([float(x) for x in system.observe(q, apart(state))])
    for place, name in enumerate(system.outputs):
        levels = solve(system, case.p, record(doses, analyte=name))
        np.testing.assert_allclose(levels, expected[:, place], rtol=IDENTITY, atol=1e-200)


def test_area_over_an_interval_is_that_of_one_dose_for_ever():
    case = next(c for c in CASES if c.inputs == ("transit",) and c.stages == 2)
    system, q = prepared(case)
    area = area_over_interval(system, q, jnp.int32(0), *map(jnp.asarray, (100.0, 3.0, 12.0)))
    np.testing.assert_allclose(area[0], 100.0 / case.p["CL"], rtol=IDENTITY)


LATE = Case("one_compartment", ("first_order",), BODY1 | {"ka": 1.3, "lag": 0.4, "F": 0.8})


@pytest.mark.parametrize("lag", [0.4, 11.9, 12.0, 30.0])
def test_a_steady_state_that_lags_equals_300_doses(lag):
    system, p = system_of(LATE), LATE.p | {"lag": lag}
    times = [0.0, 0.39, 0.5, 6.0, 11.95, 12.0, 18.5, 31.0]
    steady = solve(system, p, record([Dose(0.0, 100.0, interval_h=12.0, additional=5, steady_state=1)], times))
    many = record([Dose(-12.0 * 294, 100.0, interval_h=12.0, additional=299)], times)
    written_out = solve(system, p, many)
    np.testing.assert_allclose(steady[1:], written_out[1:], rtol=IDENTITY)


def test_a_steady_state_through_two_entries_is_the_sum_of_both():
    """One record, two inputs: the second is added to the steady state that the first has set."""
    system, p = system_of(ROADS[2]), ROADS[2].p
    steady = solve(system, p, record([Dose(0.0, 100.0, interval_h=12.0, additional=5, steady_state=1)], WANTED))
    many = solve(system, p, record([Dose(-12.0 * 294, 100.0, interval_h=12.0, additional=299)], WANTED))
    np.testing.assert_allclose(steady[1:], many[1:], rtol=IDENTITY)


# Laws of the whole road, in systems that are compiled once.


@st.composite
def histories(draw):
    """Four doses of any kind, two of them at one time; one is plain, for all to have one padded size."""
    time = draw(st.integers(0, 20)) / 2.0
    doses = [Dose(draw(st.integers(0, 20)) / 2.0, 10.0), Dose(draw(st.integers(0, 20)) / 2.0, 10.0)]
    for at in (time, time):
        into, length = draw(st.sampled_from([None, "cmt1", "central"])), draw(st.sampled_from([0.0, 1.5, 6.0]))
        doses.append(Dose(at, draw(st.floats(1.0, 100.0)), length, into))
    return doses


@pytest.mark.parametrize("case", [ROADS[2]], ids=str)
@settings(max_examples=30)
@given(doses=histories(), hours=st.floats(0.0, 1000.0))
def test_records_of_one_time_in_any_order_and_at_any_time(case, doses, hours):
    system = system_of(case)
    times = [t for t in WANTED if t not in {d.time_h for d in doses}] + [50.25] * 8
    times = times[:8]
    levels = solve(system, case.p, record(doses, times))
    again = solve(system, case.p, record(doses[::-1], times))
    np.testing.assert_allclose(again, levels, rtol=IDENTITY)
    # a power of two: times keep their differences to the last digit
    hours = 64.0 * round(hours / 64.0)
    later = [replace(d, time_h=d.time_h + hours) for d in doses]
    shifted = solve(system, case.p, record(later, [t + hours for t in times]))
    np.testing.assert_allclose(shifted, levels, rtol=IDENTITY, atol=IDENTITY * max(levels.max(), 1e-300))
    begins = min(d.time_h for d in doses)
    assert all(level == 0.0 for t, level in zip(sorted(times), levels, strict=True) if t <= begins)
    assert np.all(levels >= 0.0)
    alone = [[replace(d, amount_mg=d.amount_mg if d is one else 0.0) for d in doses] for one in doses]
    apart = [solve(system, case.p, record(only, times)) for only in alone]
    np.testing.assert_allclose(sum(apart), levels, rtol=IDENTITY, atol=IDENTITY * max(levels.max(), 1e-300))


def test_amounts_of_all_compartments_balance_what_was_given():
    """Through a whole record: amounts of every compartment, and what was cleared, are what has arrived until then."""
    case = ROADS[0]
    system, p = showing_amounts(system_of(case)), case.p
    doses = [Dose(0.0, 100.0), Dose(2.0, 40.0, 3.0, into="central")]
    times = (1.4, 4.5, 30.0)
    amounts = sum(solve(system, p, record(doses, times, analyte=name)) for name in system.compartments)
    cleared = p["CL"] * areas(system_of(case), p, record(doses, times))
    arrived = [70.0 / 2.5, 70.0 + 40.0 * 2.5 / 3.0, 110.0]  # the plain dose: F 0.7, a lag of 0.4 h, over 2.5 h
    np.testing.assert_allclose(amounts + cleared, arrived, rtol=IDENTITY)


def test_other_numbers_are_no_other_program():
    """New values, times, amounts and counts within a padded size trace nothing; a larger size traces once more."""
    traced = []
    plain = system_of(ROADS[2])

    def prepare(p):
        traced.append(p)
        return plain.prepare(p)

    system = replace(plain, name="counting", prepare=prepare)
    p = ROADS[2].p
    solve(system, p, record([Dose(0.0, 1.0), Dose(8.0, 3.0), Dose(9.0, 2.0)]))
    once = len(traced)
    assert once > 0
    for i in range(1, 4):
        doses = [Dose(i, 10.0 * i, 0.5 * i if i % 2 else 0.0), Dose(20.0 + i, 5.0), Dose(31.0, 1.0 + i)]
        solve(system, {name: x * (1.0 + 0.1 * i) for name, x in p.items()}, record(doses, WANTED[: 5 + i]))
    assert len(traced) == once
    solve(system, p, record([Dose(float(i), 1.0) for i in range(9)]))
    assert len(traced) == 2 * once


def test_words_that_do_not_fit_are_refused():
    with pytest.raises(CardError, match="0 stages"):
        compose("one_compartment", ("transit",), ("CL", "V", "ktr"))
    with pytest.raises(CardError, match="first_order"):
        compose("one_compartment", ("sublingual",))
    with pytest.raises(CardError, match="one_compartment"):
        compose("four_compartment", ("bolus",))
    with pytest.raises(CardError, match="CL, V1, Q, V2"):
        compose("two_compartment", ("bolus",), ("CL", "V"))
    for inputs, metabolite in ((("bolus",), "one_compartment"), (("first_order",), None)):
        with pytest.raises(CardError, match="fp is given"):
            compose("one_compartment", inputs, ("CL", "V", "ka", "CLm", "Vm", "fm", "fp"), metabolite=metabolite)
