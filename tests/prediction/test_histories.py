"""Histories that a table can hold, each against a brute-force sum written here in plain arithmetic."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import individose as ido
from individose.base import CardError, DomainError, InputError
from individose.events import Dose, Level, Reading, Reset, Subject
from tolerances import IDENTITY

CARD = ido.card("phenobarbital/grasela1985")
CL_PER_KG, V_PER_KG = 0.00469555, 0.984258


def wanted(*times):
    return [Level(t, float("nan"), measured=False) for t in times]


def baby(*events, weight=1.4, apgar=7):
    return Subject("a", (Reading(0.0, {"weight": weight, "apgar_5min": apgar}), *events))


def pred(subject):
    return ido.fit(CARD, subject, method="prior").fitted()


def bolus(dose, t, weight=1.4):
    return dose / (V_PER_KG * weight) * math.exp(-CL_PER_KG / V_PER_KG * t) if t >= 0 else 0.0


def test_a_level_recorded_before_the_dose_of_its_time_is_a_trough():
    got = pred(baby(Dose(0.0, 20.0), *wanted(12.0), Dose(12.0, 5.0), *wanted(12.0)))
    np.testing.assert_allclose(got, [bolus(20, 12), bolus(20, 12) + bolus(5, 0)], rtol=IDENTITY)


@given(count=st.integers(1, 12), interval=st.floats(1.0, 24.0), late=st.floats(0.1, 48.0))
def test_additional_doses_equal_doses_written_out(count, interval, late):
    end = count * interval + late
    got = pred(baby(Dose(0.0, 5.0, interval_h=interval, additional=count), *wanted(end)))
    np.testing.assert_allclose(got, [sum(bolus(5, end - k * interval) for k in range(count + 1))], rtol=IDENTITY)


def test_a_reset_empties_everything_and_the_clock_may_start_again():
    first = [Dose(0.0, 20.0), *wanted(10.0), Reset(12.0), *wanted(13.0)]
    again = [Reset(0.0, restarts=True), Dose(0.0, 8.0), *wanted(4.0)]
    np.testing.assert_allclose(pred(baby(*first, *again)), [bolus(20, 10), 0.0, bolus(8, 4)], rtol=IDENTITY)


def test_a_steady_state_dose_equals_three_hundred():
    many = baby(*(Dose(12.0 * k, 3.5) for k in range(1500)), *wanted(1499 * 12.0 + 5.0))
    at_once = baby(Dose(0.0, 3.5, interval_h=12.0, steady_state=1), *wanted(5.0))
    np.testing.assert_allclose(pred(at_once), pred(many), rtol=IDENTITY)


def test_an_infusion_is_the_integral_of_boluses():
    got = pred(baby(Dose(0.0, 20.0, duration_h=4.0), *wanted(1.0, 4.0, 10.0)))
    k = CL_PER_KG / V_PER_KG

    def level(t):
        run = min(t, 4.0)
        return 5.0 / (CL_PER_KG * 1.4) * (1 - math.exp(-k * run)) * math.exp(-k * (t - run))

    np.testing.assert_allclose(got, [level(1), level(4), level(10)], rtol=IDENTITY)


def test_a_reset_stops_an_infusion():
    got = pred(baby(Dose(0.0, 20.0, duration_h=10.0), Reset(5.0), *wanted(8.0, 20.0), Dose(20.0, 4.0), *wanted(22.0)))
    np.testing.assert_allclose(got, [0.0, 0.0, bolus(4, 2)], rtol=IDENTITY)


def test_a_records_covariates_hold_on_the_interval_that_ends_there():
    """NONMEM's rule. The elimination rate does not depend on weight here, the volume at the sample does."""
    events = (
        Reading(0.0, {"weight": 1.0, "apgar_5min": 7}),
        Dose(0.0, 20.0),
        Reading(24.0, {"weight": 1.2, "apgar_5min": 7}),
        *wanted(24.0),
        Reading(48.0, {"weight": 1.5, "apgar_5min": 7}),
        *wanted(36.0 + 12.0),
    )
    k = CL_PER_KG / V_PER_KG
    expected = [20 * math.exp(-24 * k) / (V_PER_KG * 1.2), 20 * math.exp(-48 * k) / (V_PER_KG * 1.5)]
    np.testing.assert_allclose(pred(Subject("a", events)), expected, rtol=IDENTITY)
    forward = replace(CARD, covariates=tuple(replace(use, carry="forward") for use in CARD.covariates), id="forward")
    got = ido.fit(forward, Subject("a", events), method="prior").fitted()
    # going forward, a reading counts from its own time on, and so for the sample of its own record (here the same volumes)
    np.testing.assert_allclose(got, expected, rtol=IDENTITY)


@pytest.mark.parametrize("carry", ["backward", "forward"])
def test_clearance_that_grows_is_integrated_exactly(carry):
    """Weight changes CL and V alike, so let the volume stay: V of a card whose equation has no weight."""
    uses = tuple(replace(use, carry=carry) for use in CARD.covariates)
    fixed = replace(
        CARD, id=carry, covariates=uses, parameters=(CARD.parameters[0], _constant(CARD.parameters[1], 2.0))
    )
    weights = [1.0, 1.1, 1.3, 1.6]
    events = [Reading(0.0, {"weight": weights[0], "apgar_5min": 7}), Dose(0.0, 20.0)]
    for day, weight in enumerate(weights[1:], start=1):
        events += [Reading(24.0 * day, {"weight": weight, "apgar_5min": 7}), *wanted(24.0 * day)]
    held = weights[1:] if carry == "backward" else weights[:-1]
    cleared = np.cumsum([CL_PER_KG * w * 24.0 for w in held])
    got = ido.fit(fixed, Subject("a", tuple(events)), method="prior").fitted()
    np.testing.assert_allclose(got, 10.0 * np.exp(-cleared / 2.0), rtol=IDENTITY)


def _constant(parameter, value):
    from individose.drugs.grammar import Num

    return replace(parameter, expr=Num(value), equation=str(value))


def test_a_curve_passes_through_the_fitted_levels():
    subject = baby(Dose(0.0, 25.0), Level(2.0, 17.3), Dose(12.5, 3.5), Level(20.0, 20.0), Dose(24.5, 3.5))
    fit = ido.fit(CARD, subject)
    np.testing.assert_allclose(fit.predict([20.0, 2.0]), fit.fitted()[::-1], rtol=IDENTITY)
    dense = np.linspace(0, 12.0, 2001)
    area = np.trapezoid(fit.predict(dense), dense)
    assert abs(area / fit.exposure("auc", 0.0, 12.0).value - 1) < 1e-7  # the trapezoid's own error at this step


def refusal(subject, **how):
    with pytest.raises(InputError) as caught:
        ido.fit(CARD, subject, **how)
    return caught.value


def test_a_missing_covariate_is_named_with_its_unit_and_column():
    error = refusal(Subject("7", (Reading(0.0, {"apgar_5min": 7}), Dose(0.0, 20.0), Level(2.0, 17.0))))
    assert error.subject == "7"
    said = str(error)
    for beat in ("weight is missing", "in kg", "WT", "equations read weight", "never fills in"):
        assert beat in said


def test_twelve_kilograms_is_outside_the_card_of_newborns():
    subject = baby(Dose(0.0, 20.0), Level(2.0, 17.0), weight=7.5)
    error = refusal(subject)
    assert isinstance(error, DomainError)
    for beat in ("weight is 7.5 kg", "0.6-3.6 kg", "59 neonates", "extrapolate"):
        assert beat in str(error)
    fit = ido.fit(CARD, subject, extrapolate=True)
    assert "outside-domain" in [n.code for n in fit.warnings if n.grade == "warning"]
    for extrapolate in (False, True):  # twelve is no newborn at all: a slip, not an extrapolation
        twelve = refusal(baby(Dose(0.0, 20.0), Level(2.0, 17.0), weight=12.0), extrapolate=extrapolate)
        assert isinstance(twelve, DomainError)
        for beat in ("weight is 12 kg", "more than 8", "0.6-3.6", "Check the number and its unit"):
            assert beat in str(twelve)


def test_a_domain_that_no_equation_reads_is_held_or_said():
    card = ido.card("theophylline/boeckmann1994")
    doses, levels = [Dose(0.0, 320.0)], [Level(2.0, 8.0)]
    unknown = ido.fit(card, ido.subject("t", doses=doses, levels=levels))
    assert [n.code for n in unknown.warnings] == ["domain-unknown"]
    assert "weight was not given" in unknown.warnings[0].sentence
    within = ido.fit(card, ido.subject("t", doses=doses, levels=levels, covariates={"weight": 70.0}))
    assert within.warnings == ()
    with pytest.raises(DomainError, match="weight is 130 kg"):
        ido.fit(card, ido.subject("t", doses=doses, levels=levels, covariates={"weight": 130.0}))


def test_grams_entered_as_kilograms_are_recognised():
    error = refusal(baby(Dose(0.0, 20.0), Level(2.0, 17.0), weight=1400.0))
    assert "1400 kg" in str(error)
    assert "g" in str(error).split("1400 kg")[1]


def test_a_level_before_any_dose_is_refused():
    error = refusal(baby(Level(1.0, 10.0), Dose(2.0, 20.0)))
    for beat in ("level of 10 mg/L at 1 h", "before any dose", "baseline"):
        assert beat in str(error)


@pytest.mark.parametrize(
    ("dose", "beat"),
    [
        (Dose(0.0, 20.0, into="gut"), "gut"),
        (Dose(0.0, 20.0, modelled="duration"), "duration"),
        (Dose(0.0, 20.0, duration_h=800.0, interval_h=12.0, steady_state=1), "800 h"),
    ],
)
def test_doses_that_no_kernel_carries_out_are_refused(dose, beat):
    assert beat in str(refusal(baby(dose, Level(2.0, 17.0))))


def test_a_card_with_a_parameter_that_nothing_reads_is_refused():
    extra = replace(CARD.parameters[1], name="Q")
    with pytest.raises(CardError, match="ignored in silence"):
        ido.fit(replace(CARD, id="extra", parameters=(*CARD.parameters, extra)), baby(Dose(0.0, 20.0)))
