"""Laws of whole records, by hypothesis: what is given is found again, and neither clock, unit nor bookkeeping matters.

The laws of single segments are in `test_composition.py`; here a record is walked, arranged and propagated. Every system is
compiled once: histories are drawn so that all have one padded size.
"""

from __future__ import annotations

import io
import json
from dataclasses import replace
from functools import lru_cache
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import individose as ido
from individose.events import Dose, Level, Subject
from individose.kinetics import compose
from individose.kinetics.register import INPUTS, REMEMBERED
from kinetics.engine import areas, showing_amounts, solve
from kinetics.matrices import Case, arrows
from tolerances import IDENTITY

ONE = {"CL": 5.0, "V": 20.0}
TWO = {"CL": 5.0, "V1": 20.0, "Q": 3.0, "V2": 30.0}
THREE = {"CL": 5.0, "V1": 20.0, "Q2": 3.0, "V2": 30.0, "Q3": 1.1, "V3": 60.0}
CASES = {
    "one": Case("one_compartment", ("first_order",), ONE | {"ka": 1.3}),
    "two": Case("two_compartment", ("first_order",), TWO | {"ka": 1.3, "F1": 0.6, "lag1": 0.75}),
    "three": Case("three_compartment", ("bolus",), THREE),
    "chain": Case("one_compartment", ("chain",), ONE | {"k1": 0.9, "k2": 0.31}, 2),
    "metabolite": Case(
        "two_compartment",
        ("first_order",),
        TWO | {"ka": 1.3, "CLm": 2.0, "Vm": 9.0, "fm": 0.6},
        metabolite="one_compartment",
    ),
}
FEW = settings(max_examples=15)
WANTED = (0.5, 3.25, 8.0, 40.0)
each_system = pytest.mark.parametrize("name", CASES)


@lru_cache
def system_of(name):
    case = CASES[name]
    return compose(case.disposition, case.inputs, case.p, **case.words)


def record(doses, times, analytes):
    """What is wanted at the time of a dose is wanted after it."""
    levels = [Level(t, float("nan"), name, measured=False) for t in times for name in analytes]
    return Subject("a", tuple(sorted((*doses, *levels), key=lambda e: (e.time_h, isinstance(e, Level)))))


def amounts(name, p, doses, times=WANTED):
    """Amounts (time, compartment) after the doses of each time."""
    system = system_of(name)
    found = solve(showing_amounts(system), p, record(doses, times, system.compartments))
    return found.reshape(len(times), system.size)


@st.composite
def patients(draw, name):
    """Parameters over two orders of magnitude, and four doses anywhere, an infusion and a repeated one among them."""
    case, system = CASES[name], system_of(name)
    fixed = ("F1", "lag1", "fm")
    p = {n: x if n in fixed else x * 10.0 ** draw(st.floats(-1.0, 1.0)) for n, x in case.p.items()}
    doses = []
    for duration, more in ((1.75, {}), (0.0, {"interval_h": 2.5, "additional": 2}), (0.0, {}), (0.25, {})):
        into = draw(st.sampled_from([None, *system.compartments]))
        at, mg = draw(st.integers(0, 40)) / 4.0, draw(st.floats(0.1, 1000.0))
        doses.append(Dose(at, mg, duration, into, **more))
    return p, doses


def arrived(name, doses, t):
    """How much has come in by the time t, by hand: F and lag are those of the first compartment."""
    p, total = CASES[name].p, 0.0
    for dose in doses:
        first = dose.into in (None, system_of(name).compartments[0])
        share, lag = (p.get("F1", 1.0), p.get("lag1", 0.0)) if first else (1.0, 0.0)
        for turn in range(dose.additional + 1):
            since = t - dose.time_h - turn * dose.interval_h - lag
            part = np.clip(since / dose.duration_h, 0.0, 1.0) if dose.duration_h > 0 else float(since >= 0)
            total += share * dose.amount_mg * part
    return total


@each_system
@FEW
@given(data=st.data())
def test_what_is_there_and_what_left_is_what_was_given(name, data):
    """Amounts of all compartments plus each exit's clearance times its area: in 1-3 compartments, chain, metabolite."""
    p, doses = data.draw(patients(name))
    links, observed = arrows(replace(CASES[name], p=p))
    under = areas(system_of(name), p, record(doses, WANTED, system_of(name).outputs)).reshape(len(WANTED), -1)
    place = {compartment: (i, volume) for i, (compartment, volume) in enumerate(observed)}
    exits = [(rate, *place[source]) for source, target, rate in links if target is None]
    left = sum(rate * volume * under[:, i] for rate, i, volume in exits)
    total = [arrived(name, doses, t) for t in WANTED]
    found = amounts(name, p, doses)
    np.testing.assert_allclose(found.sum(axis=1) + left, total, rtol=IDENTITY, atol=IDENTITY)
    assert np.all(found >= 0.0)
    assert np.all(np.diff(left) >= -IDENTITY * max(total))


@each_system
@FEW
@given(data=st.data(), factor=st.floats(1e-3, 1e3), shift=st.integers(-64, 64))
def test_superposition_linearity_and_time_shift(name, data, factor, shift):
    p, doses = data.draw(patients(name))
    together = amounts(name, p, doses)
    near = {"rtol": IDENTITY, "atol": IDENTITY * together.max()}
    alone = [[replace(d, amount_mg=d.amount_mg if d is one else 0.0) for d in doses] for one in doses]
    np.testing.assert_allclose(sum(amounts(name, p, only) for only in alone), together, **near)
    scaled = amounts(name, p, [replace(d, amount_mg=factor * d.amount_mg) for d in doses])
    np.testing.assert_allclose(scaled, factor * together, rtol=IDENTITY, atol=factor * near["atol"])
    # multiples of 16 h: times keep their differences to the last digit
    later = [replace(d, time_h=d.time_h + 16.0 * shift) for d in doses]
    np.testing.assert_allclose(amounts(name, p, later, [t + 16.0 * shift for t in WANTED]), together, **near)


@FEW
@given(data=st.data(), shift=st.integers(-64, 64))
def test_the_same_for_doses_that_come_with_their_steady_state(data, shift):
    p, doses = data.draw(patients("one"))
    doses[1] = replace(doses[1], steady_state=2)
    together = amounts("one", p, doses)
    near = {"rtol": IDENTITY, "atol": IDENTITY * together.max()}
    alone = [[replace(d, amount_mg=d.amount_mg if d is one else 0.0) for d in doses] for one in doses]
    np.testing.assert_allclose(sum(amounts("one", p, only) for only in alone), together, **near)
    later = [replace(d, time_h=d.time_h + 16.0 * shift) for d in doses]
    np.testing.assert_allclose(amounts("one", p, later, [t + 16.0 * shift for t in WANTED]), together, **near)


# Records of one time.


@each_system
@settings(max_examples=5)
@given(data=st.data())
def test_doses_of_one_time_in_any_order(name, data):
    p, doses = data.draw(patients(name))
    doses = [replace(d, time_h=2.0) if i else d for i, d in enumerate(doses)]
    first = amounts(name, p, doses)
    for order in permutations(doses[1:]):
        np.testing.assert_allclose(amounts(name, p, [doses[0], *order]), first, rtol=IDENTITY, atol=0)


@FEW
@given(
    records=st.permutations([10.0, 200.0, 3.0, "infusion", *["level"] * 7]),
    before=st.floats(0.1, 100.0),
    at=st.integers(1, 40),
)
def test_a_level_sees_the_doses_that_stand_before_it(records, before, at):
    """At one time the record's order counts: a level has every bolus above it in the table, and none below it."""
    time, v = at / 4.0, THREE["V1"]
    level = Level(time, float("nan"), "central", measured=False)
    made = {"level": level, "infusion": Dose(time, 50.0, 2.0)}
    events = [made[one] if isinstance(one, str) else Dose(time, one) for one in records]
    found = solve(system_of("three"), THREE, Subject("a", (Dose(0.0, before), level, *events)))
    wanted, total = [], 0.0
    for one in records:
        if one == "level":
            wanted.append(total / v)
        elif one != "infusion":
            total += one
    np.testing.assert_allclose(found[1:] - found[0], wanted, rtol=IDENTITY, atol=IDENTITY * found.max())
    assert 0.0 < found[0] < before / v


def test_a_dose_that_lagged_acts_before_every_record_of_its_new_time():
    """NONMEM's rule; a level of the very time, first in the record, has it already."""
    case, system = CASES["two"], system_of("two")
    level = Level(2.75, float("nan"), "depot", measured=False)
    doses = [Dose(2.0, 100.0), *(Dose(2.75, 1.0, 0.5, "central") for _ in range(4))]
    found = solve(showing_amounts(system), case.p, Subject("a", (doses[0], *[level] * 16, *doses[1:])))
    np.testing.assert_allclose(found, 60.0, rtol=IDENTITY)


# Units of one history.

CARD = ido.card("phenobarbital/grasela1985")
HOUR = {"h": 1.0, "min": 60.0, "d": 1.0 / 24.0, "s": 3600.0}
MASS = {"mg": 1.0, "ug": 1e3, "g": 1e-3}
CONCENTRATION = {"mg/L": 1.0, "ug/mL": 1.0, "ng/mL": 1e3, "mg/dL": 0.1, "ug/L": 1e3}
WEIGHT = {"kg": 1.0, "g": 1e3}

histories = st.lists(
    st.tuples(st.integers(0, 400), st.floats(0.5, 50.0), st.sampled_from([0.0, 0.5, 2.0]), st.floats(1.0, 60.0)),
    min_size=3,
    max_size=3,
    unique_by=lambda one: one[0],
).map(lambda rows: [(t, mg, 1.5 if i == 0 else h, y) for i, (t, mg, h, y) in enumerate(sorted(rows))])
"""(time, mg, duration in h, mg/L measured a little later); one is an infusion, for all to share a compiled program."""
units = st.tuples(*(st.sampled_from(sorted(one)) for one in (HOUR, MASS, CONCENTRATION, WEIGHT)))


def table(history, chosen):
    """A dose with its rate, and a level half an hour before the next, in a NONMEM table of these units."""
    hour, mg, level, kg = (factors[u] for factors, u in zip((HOUR, MASS, CONCENTRATION, WEIGHT), chosen, strict=True))
    lines = ["ID,TIME,AMT,RATE,II,ADDL,DV,WT,APGR"]
    for time, amount, duration, measured in history:
        rate = repr(amount * mg / (duration * hour)) if duration else "0"
        lines.append(f"1,{time * hour!r},{amount * mg!r},{rate},{12 * hour!r},1,.,{1.4 * kg!r},7")
        lines.append(f"1,{(time + 0.75) * hour!r},.,0,0,0,{measured * level!r},{1.4 * kg!r},7")
    return io.StringIO("\n".join(lines))


def case(history, chosen):
    """The same as a JSON case."""
    hour, mg, level, kg = (factors[u] for factors, u in zip((HOUR, MASS, CONCENTRATION, WEIGHT), chosen, strict=True))
    time_unit, mass, concentration, weight = chosen
    doses, levels = [], []
    for time, amount, duration, measured in history:
        lasting = {"duration": duration * hour} if duration else {}
        dose = {"time": time * hour, "amount": amount * mg, "unit": mass, "every": 12 * hour, "count": 2}
        doses.append(dose | lasting)
        levels.append({"time": (time + 0.75) * hour, "value": measured * level, "unit": concentration})
    covariates = [{"name": "weight", "value": 1.4 * kg, "unit": weight}, {"name": "apgar_5min", "value": 7}]
    head = {"format": "case/1", "id": "1", "card": CARD.id, "time_unit": time_unit}
    return json.dumps(head | {"doses": doses, "levels": levels, "covariates": covariates})


def close_levels(one, other):
    """Predictions and measured levels of two subjects."""
    first, second = (ido.fit(CARD, s, method="prior").fitted() for s in (one, other))
    np.testing.assert_allclose(second, first, rtol=IDENTITY)
    measured = [[level.value_mg_L for level in s.levels] for s in (one, other)]
    np.testing.assert_allclose(*measured, rtol=IDENTITY)


CANONICAL = ("h", "mg", "mg/L", "kg")


@FEW
@given(history=histories, chosen=units)
def test_a_table_in_other_units_is_the_same_history(history, chosen):
    time, mass, level, weight = chosen
    written = {"TIME": time, "AMT": mass, "DV": level, "WT": weight}
    (plain,) = ido.read_nonmem(table(history, CANONICAL), units=dict(zip(written, CANONICAL, strict=True)))
    (other,) = ido.read_nonmem(table(history, chosen), units=written)
    close_levels(plain, other)


@FEW
@given(history=histories, chosen=units)
def test_a_case_in_other_units_is_the_same_history_as_the_table(history, chosen):
    (plain,) = ido.read_nonmem(table(history, CANONICAL))
    close_levels(ido.read_case(case(history, CANONICAL)), ido.read_case(case(history, chosen)))
    close_levels(plain, ido.read_case(case(history, chosen)))


# Steady state of every input: against 300 doses, through the whole road.

ROUTES = {
    "bolus": ({}, 0, 0.0),
    "infusion": ({}, 0, 3.0),
    "zero_order": ({"duration": 2.5}, 0, 0.0),
    "first_order": ({"ka": 1.3}, 0, 0.0),
    "zero_then_first": ({"ka": 1.3, "duration": 2.5}, 0, 0.0),
    "transit": ({"ktr": 2.2}, 3, 0.0),
    "chain": ({"k1": 0.9, "k2": 0.31}, 2, 0.0),
}
"""Parameters, stages, and how long the dose runs."""


@pytest.mark.parametrize("route", [name for name in INPUTS if name not in REMEMBERED])
def test_steady_state_of_every_linear_input_equals_300_doses(route):
    more, stages, duration = ROUTES[route]
    p = ONE | more
    system = compose("one_compartment", (route,), p, stages=stages)
    times = [0.3, 1.0, 2.5, 6.0, 11.5, 12.5, 20.0, 30.0]
    once = Dose(0.0, 100.0, duration, interval_h=12.0, additional=3, steady_state=1)
    many = replace(once, time_h=-12.0 * 300, additional=303, steady_state=0)
    found, wanted = (solve(system, p, record([dose], times, (None,))) for dose in (once, many))
    np.testing.assert_allclose(found, wanted, rtol=IDENTITY)
    assert np.all(wanted > 1.0001 * solve(system, p, record([replace(once, steady_state=0)], times, (None,))))
