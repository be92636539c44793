"""How numbers are written, how doses are told and where ticks stand: laws that hold for any value."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from individose.app.report.notation import ABSENT, between, number, percent, plain, unit
from individose.app.report.scale import finite_runs, level_scale, tick_texts, time_scale
from individose.app.report.series import fold
from individose.events import Dose


@pytest.mark.parametrize(
    ("value", "digits", "expected"),
    [
        (0.00629167, 4, "0.006292"),
        (0.004890312, 4, "0.004890"),
        (28.966, 3, "29.0"),
        (9.999, 3, "10.0"),
        (1112.58, 3, "1113"),
        (0.0, 3, "0"),
        (-0.25, 3, "−0.250"),
        (1.5e-7, 3, "1.50 × 10⁻⁷"),
        (2.0e6, 3, "2.00 × 10⁶"),
        (math.nan, 3, ABSENT),
        (-math.inf, 3, ABSENT),
    ],
)
def test_numbers_worked_by_hand(value: float, digits: int, expected: str):
    assert number(value, digits) == expected


@given(st.floats(1e-4, 9e5), st.integers(3, 4))
def test_a_written_number_is_within_half_of_its_last_significant_digit(value: float, digits: int):
    half = 0.5 * 10.0 ** (math.floor(math.log10(value)) - digits + 1)
    assert abs(float(number(value, digits)) - value) <= half * (1 + 1e-9)


@given(st.floats(), st.floats())
def test_an_interval_never_shows_a_number_that_is_none(low: float, high: float):
    shown = between(low, high).lower()
    assert "nan" not in shown
    assert "inf" not in shown
    assert (shown == ABSENT) == (not (math.isfinite(low) and math.isfinite(high)))


@pytest.mark.parametrize(
    ("probability", "expected"),
    [
        (1.0, "> 99"),
        (0.9972, "> 99"),
        (0.994, "99"),
        (0.5, "50"),
        (0.006, "1"),
        (0.004, "< 1"),
        (0.0, "< 1"),
        (math.nan, ABSENT),
    ],
)
def test_draws_never_show_certainty(probability: float, expected: str):
    assert percent(probability) == expected


def test_units_read_as_people_write_them():
    assert [unit(u) for u in ("mg.h/L", "L/h", "1", "kg/m2", "mL/min/{1.73_m2}")] == [
        "mg·h/L",
        "L/h",
        "",
        "kg/m²",
        "mL/min/1.73 m²",
    ]


@given(st.text())
def test_text_from_outside_has_no_control_characters_left(text: str):
    assert plain(text).isprintable()
    assert len(plain(text)) == len(text)


DOSES = st.lists(
    st.builds(
        Dose, st.integers(0, 400).map(lambda i: 0.5 * i), st.sampled_from([5.0, 10.0]), st.sampled_from([0.0, 1.0])
    ),
    max_size=30,
).map(lambda doses: sorted(doses, key=lambda d: d.time_h))


@given(DOSES)
def test_folding_loses_and_reorders_no_dose(doses: list[Dose]):
    assert [d for s in fold(doses) for d in s.doses] == doses


@given(DOSES)
def test_a_series_holds_alike_doses_and_an_uneven_one_tells_every_time(doses: list[Dose]):
    for series in fold(doses):
        assert len({(d.amount_mg, d.duration_h) for d in series.doses}) == 1
        if not series.even:
            assert [float(t) for t in series.times.split(", ")] == [d.time_h for d in series.doses]


def test_series_worked_by_hand():
    regular = [Dose(12.0 * i, 3.5) for i in range(9)]
    uneven = [Dose(200.0 + t, 80.0, 1.0) for t in (0.0, 11.5, 24.0)]
    found = fold([*regular, *uneven, Dose(240.0, 40.0), Dose(250.0, 40.0)])
    assert [(s.text, s.times) for s in found] == [
        ("3.5 mg every 12 h × 9", "0 to 96"),
        ("80 mg over 1 h about every 12 h × 3", "200, 211.5, 224"),
        ("40 mg", "240"),
        ("40 mg", "250"),
    ]
    steady = Dose(0.0, 100.0, interval_h=8.0, steady_state=1)
    assert fold([steady, steady])[0].text == "100 mg every 8 h, at steady state"
    assert fold([Dose(6.0, 0.0, rate_mg_h=2.5, steady_state=1)])[0].text == "2.5 mg/h, constant, until this time"


@given(st.floats(1e-3, 1e5), st.integers(2, 10))
def test_a_level_axis_starts_at_zero_covers_the_top_and_has_round_ticks(top: float, count: int):
    scale = level_scale(top, 300.0, 10.0, count)
    assert scale.ticks[0] == 0.0
    assert scale.high >= top * (1 - 1e-9)
    assert 2 <= len(scale.ticks) <= count + 2
    assert [float(t) for t in tick_texts(scale)] == pytest.approx(scale.ticks, abs=1e-6 * scale.step)
    leading = round(scale.step / 10.0 ** math.floor(math.log10(scale.step) + 1e-9), 6)
    assert leading in (1.0, 2.0, 2.5, 5.0)


@given(st.floats(0.0, 500.0), st.floats(0.1, 5000.0), st.integers(2, 14))
def test_a_time_axis_never_has_more_steps_than_asked_and_says_its_unit(low: float, span: float, count: int):
    scale, named, hours = time_scale(low, low + span, 40.0, 700.0, count)
    assert (named, hours) == (("d", 24.0) if span > 240.0 else ("h", 1.0)) or math.isclose(span, 240.0)
    assert len(scale.ticks) <= count + 1
    assert math.isclose(scale.place(low / hours), 40.0, abs_tol=1e-6)
    assert math.isclose(scale.place((low + span) / hours), 700.0, abs_tol=1e-6)


@given(st.lists(st.floats(), max_size=40))
def test_broken_curves_keep_every_finite_point_once(levels: list[float]):
    assume(levels)
    runs = finite_runs(list(range(len(levels))), levels)
    kept = Counter(x for run in runs for x, _ in run)
    assert kept == Counter(float(i) for i, y in enumerate(levels) if math.isfinite(y))
    for run in runs:
        assert [x for x, _ in run] == [run[0][0] + i for i in range(len(run))]
