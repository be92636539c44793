"""Histories that no model can explain, and regimens written out dose by dose."""

from __future__ import annotations

import io
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tolerances
from individose.base import InputError
from individose.events import (
    Dose,
    Event,
    Level,
    Reading,
    Reset,
    Subject,
    check_history,
    expand_doses,
    expand_events,
    read_nonmem,
)

DOSE, LEVEL = Dose(0.0, 100.0), Level(2.0, 5.0)


def refusal_of(*events: Event) -> str:
    with pytest.raises(InputError) as caught:
        check_history(Subject("7", events))
    assert caught.value.subject == "7"
    assert all((caught.value.arrived, caught.value.allowed, caught.value.remedy))
    return str(caught.value)


@pytest.mark.parametrize(
    ("events", "says"),
    [
        ((LEVEL,), "before any dose"),
        ((Level(0.0, 5.0), DOSE), "before any dose"),
        ((DOSE, LEVEL, Reset(3.0), Level(4.0, 5.0)), "before any dose after the reset at 3 h"),
        ((DOSE, LEVEL, Reset(0.0, restarts=True), Level(0.0, 5.0), DOSE), "after the reset at 0 h"),
        ((Level(-1.0, 5.0, censoring="above"), DOSE), "before any dose"),
        ((DOSE, Level(2.0, math.nan)), "nan mg/L"),
        ((DOSE, Level(2.0, math.inf)), "inf mg/L"),
        ((DOSE, Level(2.0, -1.0)), "-1 mg/L"),
        ((DOSE, Level(math.nan, 5.0)), "time nan h"),
        ((DOSE, Level(math.inf, 5.0)), "time inf h"),
        ((replace(DOSE, amount_mg=0.0),), "amount of 0 mg"),
        ((replace(DOSE, amount_mg=-5.0),), "amount of -5 mg"),
        ((replace(DOSE, amount_mg=math.nan),), "amount of nan mg"),
        ((replace(DOSE, amount_mg=0.0, rate_mg_h=10.0),), "amount of 0 mg"),
        ((replace(DOSE, rate_mg_h=10.0, steady_state=1),), "rate of 10 mg/h"),
        ((replace(DOSE, duration_h=-1.0),), "duration of -1 h"),
        ((replace(DOSE, duration_h=math.inf),), "duration of inf h"),
        ((replace(DOSE, additional=3),), "interval of 0 h"),
        ((replace(DOSE, additional=-3, interval_h=12.0),), "-3 additional"),
        ((replace(DOSE, steady_state=1),), "interval of 0 h"),
        ((DOSE, Reading(1.0, {"weight": math.nan})), "weight at 1 h is nan"),
        ((DOSE, LEVEL, Level(1.0, 5.0)), "at 1 h follows a record at 2 h"),
        ((DOSE, LEVEL, Reset(1.0)), "at 1 h follows a record at 2 h"),
    ],
)
def test_what_cannot_be_explained_is_refused(events: tuple[Event, ...], says: str) -> None:
    assert says in refusal_of(*events)


@pytest.mark.parametrize(
    "events",
    [
        (),
        (DOSE, LEVEL),
        (DOSE, Level(0.0, 5.0)),
        (Level(0.0, math.nan, measured=False), DOSE),
        (Level(0.0, 0.1, censoring="below"), DOSE),
        (Level(3.0, math.nan, measured=False),),
        (replace(DOSE, amount_mg=0.0, rate_mg_h=10.0, steady_state=1), LEVEL),
        (DOSE, LEVEL, Reset(0.0, restarts=True), DOSE, LEVEL),
        (Reading(0.0, {"weight": 70.0, "sex": "male"}), DOSE, LEVEL),
    ],
)
def test_what_can_be_explained_passes(events: tuple[Event, ...]) -> None:
    check_history(Subject("7", events))


def test_a_baseline_explains_a_level_before_any_dose() -> None:
    check_history(Subject("7", (LEVEL, replace(DOSE, time_h=3.0))), baseline=True)


def test_the_example_of_nonmems_manual() -> None:
    """ADDL data item, NONMEM help: the two tables specify the same set of doses."""
    head, level, other, last = "ID TIME AMT ADDL II DV", "1 15 . . . 25.7", "1 20 10 0 0 .", "1 36 . . . 30.2"
    plain = "\n".join((head, "1 10 15 0 0 .", level, other, "1 22 15 0 0 .", "1 34 15 0 0 .", last))
    short = "\n".join((head, "1 10 15 2 12 .", level, other, last))
    (written_out,), (additional,) = (read_nonmem(io.StringIO(text)) for text in (plain, short))
    assert expand_events(additional.events) == written_out.events
    assert expand_doses(additional) == written_out.doses


def test_an_additional_dose_comes_before_a_record_of_its_time() -> None:
    regimen = Dose(0.0, 10.0, interval_h=8.1, additional=3)
    events = (regimen, Reading(24.3, {"weight": 70.0}), Level(24.3, 5.0))  # 3 x 8.1 is not 24.3 in binary
    found = expand_events(events)
    assert [event.time_h for event in found] == [0.0, 8.1, 16.2, 24.3, 24.3, 24.3]
    assert [type(event) for event in found[3:]] == [Dose, Reading, Level]


def test_doses_still_to_come_end_at_a_reset_and_at_a_steady_state() -> None:
    regimen = Dose(0.0, 10.0, interval_h=12.0, additional=9)
    steady = Dose(30.0, 20.0, interval_h=24.0, additional=1, steady_state=1)
    assert [d.time_h for d in expand_doses(Subject("7", (regimen, Reset(24.0), Level(99.0, math.nan))))] == [0.0, 12.0]
    restarted = (regimen, LEVEL, Reset(0.0, restarts=True), Dose(0.0, 5.0), Level(99.0, 5.0))
    assert [(d.time_h, d.amount_mg) for d in expand_doses(Subject("7", restarted))] == [(0.0, 10.0), (0.0, 5.0)]
    found = expand_doses(Subject("7", (regimen, steady, Level(99.0, 5.0))))
    assert [(d.time_h, d.amount_mg, d.steady_state) for d in found] == [
        (0.0, 10.0, 0),
        (12.0, 10.0, 0),
        (24.0, 10.0, 0),
        (30.0, 20.0, 1),
        (54.0, 20.0, 0),
    ]


def test_the_steady_state_keeps_its_interval_and_the_doses_after_it_have_none() -> None:
    steady = Dose(0.0, 20.0, 1.0, "cmt2", 24.0, 2, 2)
    first, *others = expand_doses(Subject("7", (steady,)), horizon_h=100.0)
    assert first == replace(steady, additional=0)
    assert others == [Dose(24.0, 20.0, 1.0, "cmt2"), Dose(48.0, 20.0, 1.0, "cmt2")]


regimens = st.builds(
    Dose,
    time_h=st.floats(0.0, 50.0),
    amount_mg=st.floats(1.0, 100.0),
    interval_h=st.floats(0.5, 48.0),
    additional=st.integers(0, 20),
)


@given(st.lists(regimens, max_size=5), st.floats(0.0, 300.0))
def test_the_doses_are_those_of_the_arithmetic_series_in_order_of_time(regimen: list[Dose], horizon_h: float) -> None:
    history = Subject("7", tuple(sorted(regimen, key=lambda d: d.time_h)))
    found = expand_doses(history, horizon_h)
    last_h = max((d.time_h for d in regimen), default=0.0)
    expected = sorted(
        (d.time_h + k * d.interval_h, d.amount_mg)
        for d in regimen
        for k in range(d.additional + 1)
        if d.time_h + k * d.interval_h <= max(horizon_h, last_h)
    )
    times = [d.time_h for d in found]
    assert times == sorted(times)
    assert sorted(times) == pytest.approx([time_h for time_h, _ in expected], rel=tolerances.IDENTITY)
    assert sum(d.amount_mg for d in found) == pytest.approx(
        sum(amount for _, amount in expected), rel=tolerances.IDENTITY
    )
    assert all(d.additional == 0 and d.interval_h == 0.0 for d in found)
    assert expand_doses(Subject("7", found), horizon_h) == found
