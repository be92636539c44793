"""Covariates that run linearly between their readings, against SciPy's DOP853 and by laws."""

import io
import json
import math
from dataclasses import replace
from functools import lru_cache, partial
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import individose as ido
from individose.app.actions.cases import read_case
from individose.base import CardError, DomainError
from individose.drugs.schema import read_card
from individose.events import Dose, Level, Reading, Reset, Subject
from individose.prediction import bind, timeline
from individose.prediction.bind import resampled, typical_draws
from individose.prediction.slopes import CHANGE, MOST, Course, along, slopes
from tolerances import IDENTITY, LINEAR_COVARIATE

TEXT = """
id     = "examplin/{name}2031"
title  = "Examplin (invented)"
grade  = "draft"
system = {{ disposition = "{disposition}", input = "bolus" }}

[source]
citation   = "Invented for this test"
population = "nobody"

[domain]
weight = {{ min = 40, max = 300, unit = "kg" }}

[covariates]
{carries}

[parameters]
{parameters}

[variability]
CL = {{ cv = 0.3, convention = "omega2 = cv2" }}
{variability}

[residual]
convention   = "sd2 = a2 + b2 f2"
proportional = 0.1
"""
LINEAR = 'weight = { carry = "linear" }'
CL = 'CL = { equation = "4 [L/h] * (weight / 70 [kg])**0.75", unit = "L/h" }'
V = 'V = { equation = "0.6 [L/kg] * weight", unit = "L" }'
STRAIGHT = 'CL = { equation = "0.06 [L/h/kg] * weight", unit = "L/h" }\nV = { equation = "40 [L]", unit = "L" }'


@lru_cache
def card(name="one", parameters=f"{CL}\n{V}", carries=LINEAR, disposition="one_compartment", variability=""):
    text = TEXT.format(
        name=name, parameters=parameters, carries=carries, disposition=disposition, variability=variability
    )
    return read_card(text)


def carried(how, parameters=f"{CL}\n{V}"):
    return card(how, parameters, f'weight = {{ carry = "{how}" }}')


def two_compartments():
    allometric = 'Q = { equation = "50 [L/h] * (weight / 70 [kg])**0.75", unit = "L/h" }'
    volumes = [f'{v} = {{ equation = "{a} [L/kg] * weight", unit = "L" }}' for v, a in (("V1", 0.3), ("V2", 0.5))]
    return card("two", "\n".join([CL, allometric, *volumes]), disposition="two_compartment")


def patient(*events, weights=((0.0, 70.0), (96.0, 77.0)), times=()):
    """At one time: readings, then levels, then doses, as `individose.subject` sorts them."""
    rank = {Reading: 0, Level: 1, Dose: 2}
    found = [Reading(t, {"weight": w}) for t, w in weights]
    found += [*events, *(Level(float(t), float("nan"), measured=False) for t in times)]
    return Subject("a", tuple(sorted(found, key=lambda e: (e.time_h, rank[type(e)]))))


def fitted(model, subject):
    return ido.fit(model, subject, method="prior").fitted()


def weight_at(t, weights=((0.0, 70.0), (96.0, 77.0))):
    return np.interp(t, *zip(*weights, strict=True))


def integrated(matrix, doses, breaks, times):
    """Levels by DOP853 at rtol 1e-11, from event to event; `matrix(t)` is (rates, volume)."""
    ends = sorted({*breaks, *times, *(d.time_h for d in doses), *(d.time_h + d.duration_h for d in doses)})
    amounts, found = np.zeros(len(matrix(0.0)[0])), {}
    for begin, end in zip(ends, [*ends[1:], None], strict=True):
        found[begin] = amounts[0] / matrix(begin)[1]
        amounts = amounts.copy()
        amounts[0] += sum(d.amount_mg for d in doses if d.duration_h == 0 and d.time_h == begin)
        running = [d for d in doses if d.duration_h > 0 and d.time_h <= begin < d.time_h + d.duration_h]
        rate = np.zeros_like(amounts)
        rate[0] = sum(d.amount_mg / d.duration_h for d in running)
        if end is not None:
            inside = np.nextafter(end, begin)  # a step at the end belongs to what follows

            def slope(t, x, rate=rate, inside=inside):
                return matrix(min(t, inside))[0] @ x + rate

            solved = solve_ivp(slope, (begin, end), amounts, method="DOP853", rtol=1e-11, atol=1e-12)
            amounts = solved.y[:, -1]
    return np.array([found[t] for t in times])


def one(t, weight=weight_at):
    volume = 0.6 * weight(t)
    return np.array([[-4.0 * (weight(t) / 70.0) ** 0.75 / volume]]), volume


def two(t):
    w = weight_at(t)
    size = (w / 70.0) ** 0.75
    cl, q, v1, v2 = 4.0 * size, 50.0 * size, 0.3 * w, 0.5 * w
    return np.array([[-(cl + q) / v1, q / v2], [q / v1, -q / v2]]), v1


DAILY = tuple(Dose(24.0 * i, 500.0) for i in range(4))
INFUSED = tuple(Dose(24.0 * i, 500.0, duration_h=4.0) for i in range(4))
TIMES = tuple(np.round(np.linspace(1.3, 95.7, 31), 2))


@pytest.mark.parametrize(
    ("model", "matrix", "doses"),
    [(card, one, DAILY), (card, one, INFUSED), (two_compartments, two, INFUSED)],
    ids=["one, boluses", "one, infusions", "two, infusions"],
)
def test_levels_equal_the_differential_equation(model, matrix, doses):
    expected = integrated(matrix, doses, (0.0, 96.0), TIMES)
    got = fitted(model(), patient(*doses, times=TIMES))
    np.testing.assert_allclose(got, expected, rtol=LINEAR_COVARIATE)
    # and it does matter: holding the weight would be wrong by more than ten times that
    held = fitted(replace(model(), covariates=carried("backward").covariates), patient(*doses, times=TIMES))
    assert np.max(np.abs(held / expected - 1)) > 50 * LINEAR_COVARIATE


def test_half_the_piece_a_quarter_of_the_error(monkeypatch):
    """Order 2, both within the pieces (a fine grid) and where pieces end (multiples of 24 h)."""
    ends, grid = (24.0, 48.0, 72.0, 96.0), tuple(np.linspace(0.4, 95.9, 240))
    whole = sorted({*ends, *grid})
    doses = [replace(dose, duration_h=6.0) for dose in INFUSED]
    expected = integrated(one, doses, (0.0, 96.0), whole)
    errors = []
    for pieces in (16, 32, 64):
        monkeypatch.setattr(timeline, "slopes", partial(slopes, change=0.1 / (pieces - 0.5)))
        subject = patient(*doses, times=whole)
        assert len({m.time_h for m in bind(card(), subject).line.marks}) == pieces + 1
        wrong = np.abs(fitted(card(), subject) / expected - 1)
        errors.append((wrong.max(), max(wrong[whole.index(t)] for t in ends)))
    ratios = np.array(errors[:-1]) / np.array(errors[1:])
    assert np.all((ratios > 3.6) & (ratios < 4.4)), ratios


@pytest.mark.parametrize("weights", [(70, 77, 74, 100), (45, 90, 90, 46), (200, 199, 120, 121)])
def test_clearance_over_volume_that_is_linear_is_integrated_exactly(weights):
    """The midpoint is then the mean of the rate: a bolus falls by the exponential of the trapezoid over the readings."""
    readings = [(24.0 * i, float(w)) for i, w in enumerate(weights)]
    got = fitted(card("straight", STRAIGHT), patient(Dose(0.0, 400.0), weights=readings, times=(24.0, 48.0, 72.0)))
    cleared = np.cumsum([0.06 * 24.0 * (a + b) / 2 for a, b in pairwise(weights)])
    np.testing.assert_allclose(got, 10.0 * np.exp(-cleared / 40.0), rtol=IDENTITY)


def test_between_equal_values_all_ways_of_carrying_agree():
    subject = patient(*INFUSED, weights=((0.0, 75.0), (30.0, 75.0), (80.0, 75.0)), times=TIMES)
    linear = fitted(card(), subject)
    for how in ("backward", "forward"):
        np.testing.assert_allclose(linear, fitted(carried(how), subject), rtol=IDENTITY)
    assert len(bind(card(), subject).line.begins) == 1


def test_nothing_runs_before_the_first_reading_and_after_the_last():
    """All is as at 70 kg until 24 h, and as at 70 kg again from 60 h on; a reset lets only that be seen."""
    weights = ((24.0, 70.0), (36.0, 90.0), (60.0, 70.0))
    events = (Dose(0.0, 500.0), Reset(60.0), Dose(60.0, 500.0, duration_h=2.0))
    seen = (0.5, 12.0, 24.0, 61.0, 90.0)
    asked = [Level(t, float("nan"), measured=False) for t in seen]
    ordered = sorted([*events, *asked, *(Reading(t, {"weight": w}) for t, w in weights)], key=lambda e: e.time_h)
    got = fitted(card(), Subject("a", tuple(ordered)))
    constant = [Reading(0.0, {"weight": 70.0}), *(e for e in ordered if not isinstance(e, Reading))]
    np.testing.assert_allclose(got, fitted(card(), Subject("a", tuple(constant))), rtol=IDENTITY)


def test_readings_on_a_straight_line_say_what_its_ends_say():
    weights = tuple((t, float(weight_at(t))) for t in (0.0, 7.0, 24.0, 31.0, 48.0, 72.5, 96.0))
    many, ends = (
        fitted(card(), patient(*INFUSED, weights=w, times=TIMES)) for w in (weights, (weights[0], weights[-1]))
    )
    np.testing.assert_allclose(many, ends, rtol=LINEAR_COVARIATE)
    # where the rule is exact, so is the law
    at = (24.0, 48.0, 96.0)
    found = [
        fitted(card("straight", STRAIGHT), patient(Dose(0.0, 400.0), weights=w, times=at))
        for w in (tuple((t, float(weight_at(t))) for t in (0.0, *at)), (weights[0], weights[-1]))
    ]
    np.testing.assert_allclose(found[0][-1], found[1][-1], rtol=IDENTITY)


def test_doses_add_up():
    first, second = (Dose(0.0, 300.0), Dose(33.3, 200.0)), (Dose(20.7, 500.0, duration_h=5.0),)
    late = [t for t in TIMES if t > 34.0]
    both, one_, other = (fitted(card(), patient(*d, times=late)) for d in ((*first, *second), first, second))
    np.testing.assert_allclose(both, one_ + other, rtol=IDENTITY)


def test_one_covariate_backward_one_forward_one_linear():
    carries = f'{LINEAR}\ncrcl = {{ carry = "backward" }}\nalbumin = {{ carry = "forward" }}'
    clearance = CL.replace("**0.75", "**0.75 * (crcl / 90 [mL/min])")
    volume = V.replace("* weight", "* weight * (albumin / 40 [g/L])")
    model = card("mixed", f"{clearance}\n{volume}", carries)
    read = {0.0: (70.0, 90.0, 40.0), 30.0: (74.0, 60.0, 35.0), 50.0: (73.0, 60.0, 38.0), 80.0: (80.0, 100.0, 44.0)}
    at = np.array(list(read))
    weight, crcl, albumin = (np.array(x) for x in zip(*read.values(), strict=True))

    def matrix(t):
        w = np.interp(t, at, weight)
        backward = crcl[min(np.searchsorted(at, t, side="left"), len(at) - 1)]
        forward = albumin[np.searchsorted(at, t, side="right") - 1]
        v = 0.6 * w * forward / 40.0
        return np.array([[-4.0 * (w / 70.0) ** 0.75 * (backward / 90.0) / v]]), v

    names = ("weight", "crcl", "albumin")
    readings = [Reading(t, dict(zip(names, values, strict=True))) for t, values in read.items()]
    # backward holds on the interval that ends at a reading, so the right-hand side steps just after it
    shifted = integrated(lambda t: matrix(np.nextafter(t, np.inf)), INFUSED, at, TIMES)
    got = fitted(model, patient(*INFUSED, *readings, weights=(), times=TIMES))
    np.testing.assert_allclose(got, shifted, rtol=LINEAR_COVARIATE)


def test_a_clock_that_restarts_draws_no_line_across():
    first = [Reading(0.0, {"weight": 70.0}), Dose(0.0, 500.0), Reading(24.0, {"weight": 77.0}), *_wanted(24.0, 30.0)]
    again = [Dose(1.0, 300.0), Reading(5.0, {"weight": 90.0}), Reading(17.0, {"weight": 80.0}), *_wanted(20.0)]
    last = [Dose(2.0, 300.0), *_wanted(8.0)]
    restart = Reset(0.0, restarts=True)
    together = fitted(card(), Subject("a", (*first, restart, *again, restart, *last)))
    alone = [
        fitted(card(), Subject("a", tuple(run))) for run in (first, again, [Reading(0.0, {"weight": 80.0}), *last])
    ]
    np.testing.assert_allclose(together, np.concatenate(alone), rtol=IDENTITY)


def _wanted(*times):
    return [Level(t, float("nan"), measured=False) for t in times]


def test_a_dose_acts_with_the_parameters_of_its_own_time():
    """Bioavailability, volume and a steady state, all at 31 h within a line from 70 to 77 kg."""
    t, w = 31.0, float(weight_at(31.0))
    fraction = 'F1 = { equation = "0.5 * (weight / 70 [kg])", unit = "1" }'
    readings = [Reading(0.0, {"weight": 70.0}), Reading(96.0, {"weight": 77.0})]
    single = Subject("a", (readings[0], Dose(t, 500.0), *_wanted(t), readings[1]))
    got = fitted(card("share", f"{CL}\n{V}\n{fraction}"), single)
    np.testing.assert_allclose(got, [500.0 * 0.5 * w / 70.0 / (0.6 * w)], rtol=IDENTITY)
    steady = Subject("a", (readings[0], Dose(t, 500.0, interval_h=12.0, steady_state=1), *_wanted(t), readings[1]))
    k = 4.0 * (w / 70.0) ** 0.75 / (0.6 * w)
    np.testing.assert_allclose(fitted(card(), steady), [500.0 / (0.6 * w) / -math.expm1(-12.0 * k)], rtol=IDENTITY)


def test_a_curve_passes_through_the_fitted_levels_and_covers_its_area():
    subject = patient(*INFUSED, Level(30.0, 9.0), Level(70.0, 8.0))
    fit = ido.fit(card(), subject)
    np.testing.assert_allclose(fit.predict([70.0, 30.0]), fit.fitted()[::-1], rtol=IDENTITY)
    dense = np.linspace(4.0, 24.0, 1001)
    area = np.trapezoid(fit.predict(dense), dense)
    np.testing.assert_allclose(fit.exposure("auc", 4.0, 24.0).value, area, rtol=LINEAR_COVARIATE)
    # the parameters are those at the latest weight, whatever was sampled on the way
    np.testing.assert_allclose(fit.typical()["CL"], 4.0 * 1.1**0.75, rtol=IDENTITY)


def test_a_forecast_does_not_know_a_later_weight():
    """With the past alone the last weight goes on; the level's own record is known."""

    def read(last):
        events = (Dose(0.0, 500.0), Level(24.0, 3.0), Level(40.0, 0.8))
        return patient(*events, weights=((0.0, 70.0), (24.0, 74.0), (60.0, last)))

    low, high = (ido.evaluate(card(), [read(w)]).forecasts for w in (60.0, 110.0))
    for a, b in zip(low, high, strict=True):
        assert (a.prior, a.posterior) == (b.prior, b.posterior)
    known = patient(Dose(0.0, 500.0), weights=((0.0, 70.0), (24.0, 74.0)), times=(24.0, 40.0))
    np.testing.assert_allclose([f.prior for f in low], fitted(card(), known), rtol=IDENTITY)
    # while an estimate from the whole record does draw the line to the later reading
    assert abs(fitted(card(), read(110.0))[1] / low[1].prior - 1) > 0.05


def test_a_case_and_a_table_say_the_same():
    weights = {0.0: 70.0, 24.0: 73.0, 30.0: 73.0, 60.0: 80.0}
    case = {
        "format": "case/1", "id": "a", "time_unit": "h",
        "covariates": [{"name": "weight", "value": w, "unit": "kg", "time": t} for t, w in weights.items()],
        "doses": [{"time": 0.0, "amount": 500.0, "unit": "mg"}, {"time": 30.0, "amount": 500.0, "unit": "mg"}],
        "levels": [{"time": 24.0, "value": 3.0, "unit": "mg/L"}, {"time": 60.0, "value": 4.0, "unit": "mg/L"}],
    }  # fmt: skip
    table = "ID,TIME,AMT,DV,EVID,WT\na,0,500,.,1,70\na,24,.,3,0,73\na,30,500,.,1,73\na,60,.,4,0,80\n"
    by_case = fitted(card(), read_case(json.dumps(case)))
    by_table = fitted(card(), ido.read_nonmem(io.StringIO(table))[0])
    np.testing.assert_allclose(by_case, by_table, rtol=IDENTITY)
    line = ((0.0, 70.0), (24.0, 73.0), (30.0, 73.0), (60.0, 80.0))
    doses = (Dose(0.0, 500.0), Dose(30.0, 500.0))
    expected = integrated(
        partial(one, weight=partial(weight_at, weights=line)), doses, (0.0, 24.0, 30.0, 60.0), (24.0, 60.0)
    )
    np.testing.assert_allclose(by_case, expected, rtol=LINEAR_COVARIATE)


def test_a_ward_holds_patients_whose_weight_runs_and_others():
    events = (Dose(0.0, 500.0), Level(5.0, 9.0), Level(24.0, 1.5))
    lines = (((0.0, 70.0),), ((0.0, 70.0), (24.0, 99.0)))
    mixed = [replace(patient(*events, weights=line), id=str(i)) for i, line in enumerate(lines)]
    ward = ido.fit_ward(card(), mixed)
    for fit, subject in zip(ward.fits, mixed, strict=True):
        np.testing.assert_allclose(fit.eta, ido.fit(card(), subject).eta, rtol=LINEAR_COVARIATE)


def test_moments_within_a_piece_keep_the_occasion_of_the_piece():
    model = card("occasions", variability='V = { cv = 0.2, convention = "omega2 = cv2", level = "occasion" }')
    readings = [Reading(t, {"weight": w, "occasion": o}) for t, w, o in ((0, 70.0, 1), (40, 74.0, 1), (96, 80.0, 2))]
    bound = bind(model, patient(*INFUSED, *readings, weights=(), times=TIMES))
    data = bound.data()
    assert data.schedule is not None
    assert data.schedule.seen is not None
    before = data.occasion[data.schedule.piece[data.schedule.segment]]
    np.testing.assert_array_equal(data.occasion[data.schedule.seen], before)
    wanted = [0 if t <= 40 else 1 for t in TIMES]
    np.testing.assert_array_equal(before[: len(TIMES)], wanted)


def test_draws_of_the_constants_have_the_rows_of_the_typical_values():
    bound = resampled(bind(card(), patient(*INFUSED)), [95.0, 1.0, 48.0, 48.0])
    np.testing.assert_allclose(typical_draws(bound, {})[0], bound.typical, rtol=IDENTITY)
    w = np.array([weight_at(t) for t in (95.0, 1.0, 48.0, 48.0)])
    rows = [sample.seen for sample in bound.line.samples]
    np.testing.assert_allclose(bound.typical[rows, 1], 0.6 * w, rtol=IDENTITY)


def test_a_card_without_a_linear_covariate_compiles_nothing_new():
    data = bind(carried("forward"), patient(*INFUSED, times=TIMES)).data()
    assert data.schedule is not None
    assert data.schedule.seen is None
    assert len(data.typical) == 4  # two readings that differ


def test_pieces_follow_the_change_and_no_more():
    flat, steep = slopes([Course([0, 10, 20], [50.0, 50.0, 50.0])], []), slopes([Course([0, 10], [50.0, 5000.0])], [])
    assert not flat.breaks_h
    assert len(steep.breaks_h) == MOST + 1
    later = slopes([Course([0, 10, 20, 30], [50.0, 50.0, 50.0 * (1 + 2.5 * CHANGE), 60.0])], [])
    assert [t for t in later.breaks_h if t < 20] == pytest.approx([10, 10 + 10 / 3, 10 + 20 / 3])
    assert not later.runs_at(9.9)
    assert later.runs_at(10.0)
    assert not later.runs_at(30.0)
    # two at once: the steeper one decides
    both = slopes([Course([0, 10], [100.0, 102.0]), Course([0, 10], [100.0, 100.4])], [])
    assert len(both.breaks_h) == 5


def test_two_readings_of_one_time_are_a_step():
    course = Course([0.0, 10.0, 10.0, 20.0], [50.0, 50.0, 60.0, 60.0])
    assert slopes([course], []).breaks_h == (10.0,)
    np.testing.assert_array_equal(along(course, [], [0.0, 9.0, 10.0, 15.0]), [50.0, 50.0, 60.0, 60.0])


def test_what_cannot_run_is_refused():
    clearance = CL.replace("**0.75", "**0.75 * where(dialysis, 0.7, 1)")
    model = card("dialysed", f"{clearance}\n{V}", f'{LINEAR}\ndialysis = {{ carry = "linear" }}')
    with pytest.raises(CardError, match=r"dialysis run linearly.*yes or no"):
        bind(model, patient(*DAILY))
    with pytest.raises(DomainError, match="weight is 310 kg"):
        bind(card(), patient(*DAILY, weights=((0.0, 70.0), (96.0, 310.0))))
