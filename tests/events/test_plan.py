"""Plans of products: which doses they stand for, and what is refused."""

from __future__ import annotations

import pytest

from individose.base import InputError
from individose.events import Course, Plan


def times(plan):
    return [(one.product, one.number, one.dose.time_h, one.dose.amount_mg) for one in plan.given()]


def test_a_single_dose_and_a_repeated_one_in_order_of_time():
    plan = Plan((Course("EV", 5.0, 24.0, 168.0, count=2), Course("patch", 0.35, 0.0, worn_h=84.0)), 1000.0)
    assert times(plan) == [("patch", 1, 0.0, 0.35), ("EV", 1, 24.0, 5.0), ("EV", 2, 192.0, 5.0)]
    assert plan.given()[0].dose.removed_after_h == 84.0
    assert plan.products == ("EV", "patch")
    assert plan.start_h == 0.0


@pytest.mark.parametrize(("horizon", "count"), [(0.0, 1), (167.9, 1), (168.0, 2), (1680.0, 11)])
def test_what_is_repeated_goes_on_up_to_the_horizon_that_counts(horizon, count):
    assert len(Plan((Course("EV", 5.0, interval_h=168.0),), horizon).given()) == count


@pytest.mark.parametrize("interval", [0.1, 1 / 3, 168.0 / 7.0, 84.0])
def test_the_last_interval_is_not_lost_by_rounding(interval):
    assert len(Plan((Course("EV", 5.0, interval_h=interval, until_h=30 * interval),), 1e6).given()) == 31


def test_missed_moved_and_loading_doses():
    course = Course("EV", 4.0, 0.0, 168.0, count=5, first_mg=(8.0, 6.0), missed=frozenset({3}), moved_h={4: 520.0})
    assert times(Plan((course,), 1e4)) == [
        ("EV", 1, 0.0, 8.0), ("EV", 2, 168.0, 6.0), ("EV", 4, 520.0, 4.0), ("EV", 5, 672.0, 4.0),
    ]  # fmt: skip


def test_a_steady_state_belongs_to_the_first_dose():
    plan = Plan((Course("EV", 4.0, 24.0, 168.0, count=3, steady=True, missed=frozenset({2})),), 1e4)
    assert [(g.dose.steady_state, g.dose.interval_h) for g in plan.given()] == [(2, 168.0), (0, 0.0)]


def test_a_dose_moved_behind_the_end_is_not_given():
    course = Course("EV", 4.0, 0.0, 168.0, moved_h={2: 700.0})
    assert [one.number for one in Plan((course,), 400.0).given()] == [1, 3]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Course("EV", 0.0), "above 0"),
        (lambda: Course("EV", float("nan")), "above 0"),
        (lambda: Course("EV", 5.0, first_mg=(0.0,)), "above 0"),
        (lambda: Course("EV", 5.0, count=3), "every 7 d"),
        (lambda: Course("EV", 5.0, steady=True), "every 7 d"),
        (lambda: Course("EV", 5.0, interval_h=1.0, count=0), "1 to 10000"),
        (lambda: Course("p", 1.0, interval_h=24.0, worn_h=100.0, steady=True), "at most 4 intervals"),
        (lambda: Course("EV", 5.0, interval_h=24.0, count=2, missed=frozenset({3})), "counted from 1"),
        (lambda: Course("EV", 5.0, interval_h=24.0, missed=frozenset({2}), moved_h={2: 50.0}), "not both"),
        (lambda: Course("EV", 5.0, interval_h=24.0, steady=True, missed=frozenset({1})), "one interval earlier"),
        (lambda: Plan((), 10.0), "at least one course"),
        (lambda: Plan((Course("EV", 5.0, interval_h=0.01),), 1e5).given(), "at most 10000"),
        (lambda: Plan((Course("EV", 5.0, 50.0),), 10.0).given(), "horizon"),
    ],
)
def test_what_cannot_be_given_is_said(make, said):
    with pytest.raises(InputError, match=said):
        make()
