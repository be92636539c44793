"""Steady states whose earlier doses are still on their way, or still run in, against the doses written out one by one.

In closed form and by differential equations, with lags and inputs longer than the interval, stated and modelled.
"""

from dataclasses import replace

import jax
import numpy as np
import pytest

import individose as ido
from individose.base import InputError
from individose.events import Dose, Level, Reset, Subject
from individose.kinetics import compose
from kinetics.engine import bound, predicted, solve
from tolerances import GRADIENT, IDENTITY, ODE

LINEAR = {"CL": 8.0, "V": 20.0}
SATURABLE = {"Vmax": 60.0, "Km": 4.0, "V": 20.0}
ROADS = {"linear": (LINEAR, "linear", IDENTITY), "saturable": (SATURABLE, "michaelis_menten", 1e2 * ODE)}
MANY = 60
"""Intervals after which nothing is left of a dose."""


def made(road, way, more):
    p, elimination, tolerance = ROADS[road]
    p = p | more | ({"ka": 1.0} if way == "first_order" else {})
    return compose("one_compartment", (way,), p, elimination=elimination), p, tolerance


def record(*events, times):
    """What is wanted at the time of an event is wanted after it."""
    levels = [Level(float(t), float("nan"), measured=False) for t in times]
    kept = sorted(
        ((e.time_h, isinstance(e, Level), i, e) for i, e in enumerate((*events, *levels))), key=lambda e: e[:3]
    )
    return Subject("a", tuple(e for *_, e in kept))


def out(dose, count=MANY):
    """The doses that a steady state stands for."""
    started = dose.time_h - count * dose.interval_h
    return replace(dose, time_h=started, steady_state=0, additional=count + dose.additional)


WAYS = {
    "first_order": ({"lag": 9.0}, Dose(0.0, 100.0, interval_h=4.0, steady_state=1)),
    "infusion": ({"lag": 9.0}, Dose(0.0, 100.0, duration_h=6.0, interval_h=4.0, steady_state=1)),
    "zero_order": ({"lag": 9.0, "duration": 6.0}, Dose(0.0, 100.0, interval_h=4.0, steady_state=1)),
}
TIMES = (0.0, 0.4, 0.6, 0.9, 1.1, 2.0, 5.5, 9.4, 9.6, 12.0, 20.0)
CUT_H = 0.5


@pytest.mark.parametrize(
    ("road", "way"),
    [
        pytest.param(road, way, marks=[pytest.mark.slow] if road == "saturable" and way != "infusion" else [])
        for road in ROADS
        for way in WAYS
    ],
)
def test_a_reset_or_a_new_steady_state_cancels_what_is_on_its_way(road, way):
    """EVID 3, EVID 4 and SS = 1: after each of them the doses of the earlier series count nothing, whenever they arrive."""
    more, series = WAYS[way]
    system, p, tolerance = made(road, way, more)
    again = replace(series, time_h=CUT_H, amount_mg=70.0)
    single = replace(again, steady_state=0, interval_h=0.0)
    times = np.array(TIMES)
    before = solve(system, p, record(out(series), times=TIMES))
    assert before[(times > CUT_H) & (times < 13.0)].min() > 1.0  # uncancelled, they would be seen
    ends = {
        "EVID 3": ((Reset(CUT_H),), None),
        "EVID 4": ((Reset(CUT_H), single), single),
        "SS 1": ((again,), out(again)),
    }
    for name, (events, alone) in ends.items():
        found = solve(system, p, record(series, *events, times=TIMES))
        after = np.zeros(len(times)) if alone is None else solve(system, p, record(alone, times=TIMES))
        expected = np.where(times < CUT_H, before, after)
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance * before.max(), err_msg=name)


LONG = {
    "zero-order, 40 h every 6 h": ("zero_order", {"duration": 40.0}, 6.0, {}),
    "zero-order, 100 h every 6 h": ("zero_order", {"duration": 100.0}, 6.0, {}),
    "lag of 30 h every 6 h": ("first_order", {"lag": 30.0}, 6.0, {}),
    "lag of 9 h and 20 h (RATE -2) every 4 h": (
        "infusion",
        {"lag": 9.0, "duration": 20.0},
        4.0,
        {"modelled": "duration"},
    ),
    "a rate that makes 30 h (RATE -1), every 4 h": ("infusion", {"rate": 100.0 / 30.0}, 4.0, {"modelled": "rate"}),
    "stated, 100 h every 4 h": ("infusion", {}, 4.0, {"duration_h": 100.0}),
}


def compared(road, way, more, dose, times):
    system, p, tolerance = made(road, way, more)
    many = MANY + int(200.0 / dose.interval_h)
    found = solve(system, p, record(dose, times=times))
    expected = solve(system, p, record(out(dose, many), times=times))
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance * expected.max())


@pytest.mark.parametrize("case", LONG)
def test_inputs_and_lags_of_many_intervals(case):
    way, more, interval, said = LONG[case]
    dose = Dose(0.0, 100.0, interval_h=interval, steady_state=1, additional=3, **said)
    compared("linear", way, more, dose, np.arange(0.0, 150.0, 3.7))


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(name, marks=[] if name.startswith("zero-order") else [pytest.mark.slow])
        for name in LONG
        if name.startswith(("zero-order, 100", "lag of"))
    ],
)
def test_the_same_of_a_saturable_elimination(case):
    way, more, interval, said = LONG[case]
    dose = Dose(0.0, 100.0, interval_h=interval, steady_state=1, additional=3, **said)
    compared("saturable", way, more, dose, np.arange(0.0, 150.0, 13.7))


def test_more_than_is_followed_is_not_a_number():
    """A trial of the parameters beyond what was foreseen when the program was made has no level, not a wrong one."""
    system, p, _ = made("linear", "zero_order", {"duration": 5.0})
    dose = Dose(0.0, 100.0, interval_h=6.0, steady_state=1)
    relation, data, count = bound(system, p, record(dose, times=(1.0, 20.0)))
    place = relation.parameters.index("duration")

    def levels(duration):
        typical = np.asarray(data.typical).copy()
        typical[:, place] = duration
        return np.asarray(predicted(relation, data._replace(typical=typical)))[:count]

    assert relation.slots == 1
    assert np.all(np.isfinite(levels(11.9)))
    assert np.all(np.isnan(levels(12.1)))


def test_derivatives_by_a_duration_of_many_intervals():
    system, p, _ = made("linear", "zero_order", {"duration": 40.0})
    dose = Dose(0.0, 100.0, interval_h=6.0, steady_state=1)
    relation, data, count = bound(system, p, record(dose, times=(1.0, 20.0, 41.0)))
    place = relation.parameters.index("duration")

    @jax.jit
    def levels(duration):
        return relation.predict(np.zeros(0), data._replace(typical=data.typical.at[:, place].set(duration)))

    data = data._replace(typical=jax.numpy.asarray(data.typical))
    slope = jax.jacfwd(levels)(40.0)[:count]
    step = 1e-4
    by_difference = (levels(40.0 + step) - levels(40.0 - step))[:count] / (2.0 * step)
    np.testing.assert_allclose(slope, by_difference, rtol=GRADIENT, atol=GRADIENT)


CARD = """
id = "phenytoin/long"
title = "A long input"
grade = "draft"
system = { disposition = "one_compartment", input = ["zero_order"] }
[source]
citation = "made for this test"
population = "nobody"
[parameters]
CL = { equation = "8.0 [L/h]", unit = "L/h" }
V = { equation = "20.0 [L]", unit = "L" }
duration = { equation = "D [h]", unit = "h" }
[variability]
V = { omega2 = 0.04 }
duration = { omega2 = 0.09 }
[residual]
convention = "sd2 = a2 + b2 f2"
proportional = 0.1
"""


def card(duration):
    from individose.drugs.schema import read_card

    return read_card(CARD.replace("D [h]", f"{duration:.1f} [h]"), "long")


@pytest.mark.slow
def test_a_fit_finds_a_duration_longer_than_any_steady_state_had_been_followed_for():
    """The patient's own duration is 2.5 standard deviations above the typical 30 h: 64 h at an interval of 6 h."""
    mine = {"CL": 8.0, "V": 20.0, "duration": 30.0 * float(np.exp(0.75))}
    dose = Dose(0.0, 100.0, interval_h=6.0, steady_state=1)
    times = (5.0, 20.0, 40.0, 50.0, 55.0, 60.0, 62.0)
    system = compose("one_compartment", ("zero_order",), mine)
    levels = solve(system, mine, record(out(dose, 100), times=times))
    events = (dose, *(Level(t, float(y)) for t, y in zip(times, levels, strict=True)))
    fit = ido.fit(card(30.0), Subject("a", events))
    assert fit.status.ok
    # the prior draws it back a little
    assert fit.parameters()["duration"].value > 55.0
    np.testing.assert_allclose(fit.fitted(), levels, rtol=0.2)


def test_what_is_not_over_for_too_long_is_refused():
    dose = Dose(0.0, 100.0, interval_h=6.0, steady_state=1)
    with pytest.raises(InputError, match="64 intervals at most"):
        ido.fit(card(400.0), Subject("a", (dose,)), method="prior")
    assert np.isfinite(ido.fit(card(380.0), Subject("a", (dose,)), method="prior").predict([1.0])[0])
