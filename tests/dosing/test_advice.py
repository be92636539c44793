"""Doses that reach a target: exact for a linear model, and as probable as brute force says."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import individose as ido
from individose.base import InputError
from individose.dosing import Regimen, current_regimen, percent
from individose.drugs import Target
from individose.events import Dose, Level
from individose.inference import MAP
from individose.inference.individual import map as mode
from tolerances import IDENTITY, within_standard_errors

CARD = ido.card("phenobarbital/grasela1985")
COVARIATES = {"weight": 1.4, "apgar_5min": 7}
DOSES = [Dose(0.0, 25.0), *(Dose(12.0 * k, 3.5) for k in range(1, 5))]


def fitted(*levels):
    return ido.fit(CARD, ido.subject("a", doses=DOSES, levels=[Level(*x) for x in levels], covariates=COVARIATES))


FIT = fitted((2.0, 17.3), (50.0, 28.0))


@settings(max_examples=20)
@given(wanted=st.floats(5.0, 60.0), interval=st.floats(4.0, 48.0))
def test_dose_for_an_average_is_target_times_clearance_times_interval(wanted, interval):
    clearance = FIT.parameters()["CL"].value
    exact = ido.exact_dose(FIT, "average", wanted, interval)
    assert abs(exact / (wanted * clearance * interval) - 1) < IDENTITY


@settings(max_examples=20)
@given(wanted=st.floats(5.0, 60.0), interval=st.floats(4.0, 48.0))
def test_dose_for_a_trough_meets_it(wanted, interval):
    p = FIT.parameters()
    cl, v = p["CL"].value, p["V"].value
    decay = math.exp(-cl / v * interval)
    exact = ido.exact_dose(FIT, "trough", wanted, interval)
    assert abs(exact / (wanted * v * (1 - decay) / decay) - 1) < 1e2 * IDENTITY  # 1 - decay loses two digits


def test_steady_state_of_a_regimen_by_the_textbook():
    p = FIT.parameters()
    cl, v = p["CL"].value, p["V"].value
    found = ido.steady_state(FIT, Regimen(3.5, 12.0))
    decay = math.exp(-cl / v * 12.0)
    assert abs(found["trough"].value / (3.5 / v * decay / (1 - decay)) - 1) < 1e2 * IDENTITY
    assert abs(found["average"].value / (3.5 / cl / 12.0) - 1) < IDENTITY
    assert abs(found["auc24"].value / (7.0 / cl) - 1) < IDENTITY
    for estimate in found.values():
        assert estimate.low < estimate.value < estimate.high


def test_probability_equals_brute_force_monte_carlo():
    target = Target("trough", 20.0, 32.0, "mg/L", "a test")
    advice = ido.advise(FIT, target, [Regimen(2.5, 12.0), Regimen(3.5, 12.0)], draws=20000)
    generator = np.random.default_rng(99)
    count = 400_000
    eta = FIT.eta + generator.standard_normal((count, 2)) @ np.linalg.cholesky(FIT.covariance).T
    cl, v = 0.00469555 * 1.4 * np.exp(eta[:, 0]), 0.984258 * 1.4 * np.exp(eta[:, 1])
    for candidate in advice.candidates:
        decay = np.exp(-cl / v * 12.0)
        trough = candidate.regimen.amount_mg / v * decay / (1 - decay)
        expected = np.mean((trough >= 20.0) & (trough <= 32.0))
        se = math.sqrt(expected * (1 - expected) * (1 / advice.draws + 1 / count))
        assert within_standard_errors(candidate.probability, expected, se)
        assert abs(candidate.probability + candidate.below + candidate.above - 1) < IDENTITY
    first, second = advice.candidates
    assert first.probability >= second.probability


def test_amounts_can_be_dispensed_and_rounding_is_stated():
    advice = ido.advise(FIT, CARD.targets[0])
    step = CARD.dosing.step_mg
    assert advice.candidates
    for candidate in advice.candidates:
        amount = candidate.regimen.amount_mg
        assert abs(amount / step - round(amount / step)) < IDENTITY
        assert f"to {amount:g} mg" in candidate.rounding or f"{amount:g} mg exactly" in candidate.rounding
        assert abs(amount - candidate.exact_mg) < step
        assert candidate.regimen.daily_mg <= CARD.dosing.max_daily_mg_per_kg * 1.4 + IDENTITY
    ranks = [round(c.probability, 2) for c in advice.candidates]
    assert ranks == sorted(ranks, reverse=True)
    assert advice.reached
    assert str(advice.best.regimen) in advice.sentence


def test_no_candidate_reaching_the_target_is_said():
    advice = ido.advise(FIT, Target("trough", 30.0, 30.2, "mg/L", "a test"))
    assert not advice.reached
    assert advice.sentence.startswith("No candidate reaches")
    assert [n.code for n in advice.notices] == ["target-not-reached"]
    assert advice.notices[0].grade == "warning"


def test_nothing_within_the_cards_limits_is_said():
    advice = ido.advise(FIT, Target("average", 5000.0, 9000.0, "mg/L", "a test"))
    assert advice.candidates == ()
    assert "No regimen is within the limits" in advice.sentence
    assert advice.notices[0].grade == "warning"


def test_a_failed_fit_is_given_no_dose(monkeypatch):
    monkeypatch.setattr("individose.inference.individual.restarts.improve", lambda *a: (a[2], {}))  # no second look
    failed = MAP(mode.Settings(max_steps=1)).fit(FIT.problem)
    advice = ido.advise(failed, CARD.targets[0])
    assert advice.candidates == ()
    assert "No dose is advised" in advice.sentence


def test_unknown_metrics_and_impossible_regimens_are_refused():
    with pytest.raises(InputError, match="one of trough"):
        ido.advise(FIT, Target("colour", 1.0, 2.0, "mg/L", "a test"))
    with pytest.raises(InputError, match="value above 0"):
        ido.exact_dose(FIT, "average", -3.0, 12.0)
    with pytest.raises(InputError, match="duration of at most the interval"):
        Regimen(5.0, 12.0, 13.0)
    with pytest.raises(InputError, match="amount and an interval above 0"):
        Regimen(0.0, 12.0)


def test_the_regimen_a_patient_is_on():
    assert current_regimen(FIT.problem.context.subject) == Regimen(3.5, 12.0)
    alone = ido.subject("b", doses=[Dose(0.0, 25.0)], covariates=COVARIATES)
    assert current_regimen(alone) is None
    uneven = ido.subject("b", doses=[Dose(0.0, 25.0), Dose(12.0, 3.5)], covariates=COVARIATES)
    assert current_regimen(uneven) is None
    repeated = ido.subject("b", doses=[Dose(0.0, 4.0, interval_h=8.0, additional=3)], covariates=COVARIATES)
    assert current_regimen(repeated) == Regimen(4.0, 8.0)
    moved = ido.subject("b", doses=[Dose(0.0, 4.0), Dose(12.0, 4.0), Dose(500.0, 4.0)], covariates=COVARIATES)
    assert current_regimen(moved) is None


@pytest.mark.parametrize(
    ("p", "shown"),
    [
        (0.0, "< 1 %"),
        (0.005, "< 1 %"),
        (0.995, "> 99 %"),
        (1.0, "> 99 %"),
        (0.5, "50 %"),
        (0.994, "99 %"),
        (0.9999, "> 99 %"),
    ],
)
def test_a_probability_from_draws_is_never_shown_as_certain(p, shown):
    assert percent(p) == shown


def test_peak_of_steady_state_by_the_textbook():
    p = FIT.parameters()
    cl, v = p["CL"].value, p["V"].value
    k = cl / v
    bolus = ido.steady_state(FIT, Regimen(3.5, 12.0), peaks=True)
    assert abs(bolus["peak"].value / (3.5 / v / -math.expm1(-12.0 * k)) - 1) < 1e2 * IDENTITY
    assert bolus["tpeak"].value == 0.0
    assert abs(bolus["minimum"].value / bolus["trough"].value - 1) < IDENTITY
    assert bolus["peak"].low < bolus["peak"].value < bolus["peak"].high
    # at the end of an infusion of 2 h
    infused = ido.steady_state(FIT, Regimen(3.5, 12.0, 2.0), peaks=True)
    expected = 3.5 / 2.0 / cl * math.expm1(-2.0 * k) / math.expm1(-12.0 * k)
    assert abs(infused["peak"].value / expected - 1) < 1e2 * IDENTITY
    assert abs(infused["tpeak"].value - 2.0) < IDENTITY


def test_time_above_at_steady_state_by_the_textbook():
    p = FIT.parameters()
    cl, v = p["CL"].value, p["V"].value
    k = cl / v
    peak, trough = (3.5 / v * x / -math.expm1(-12.0 * k) for x in (1.0, math.exp(-12.0 * k)))
    threshold = 0.5 * (peak + trough)
    found = ido.steady_state(FIT, Regimen(3.5, 12.0), threshold_mg_L=threshold)
    assert abs(found["above"].value / (math.log(peak / threshold) / k) - 1) < 1e4 * IDENTITY  # a nearly flat curve
    assert abs(found["fraction_above"].value - found["above"].value / 12.0) < IDENTITY
    assert "above" not in ido.steady_state(FIT, Regimen(3.5, 12.0))
    with pytest.raises(InputError, match="above 0 mg/L"):
        ido.steady_state(FIT, Regimen(3.5, 12.0), threshold_mg_L=0.0)
