"""Cards of nonlinear systems go the same way as all others: walked, arranged, predicted, fitted, with the same refusals."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import minimize
from scipy.special import gammaln

import individose as ido
from individose.base import CardError, InputError, NumericalError
from individose.drugs.schema import read_card
from individose.events import Dose, Level, Reading, Reset, Subject
from tolerances import ESTIMATE, ODE

CARD = """
id = "phenytoin/case"
title = "Saturable elimination"
grade = "draft"
system = {{ disposition = "{disposition}", input = {inputs}{more} }}

[source]
citation = "made for this test"
population = "nobody"

[constants]
one = {{ value = 1.0 }}

[parameters]
{parameters}

[variability]
{variability}

[residual]
convention = "sd2 = a2 + b2 f2"
proportional = 0.1
"""

UNITS = {
    "Vmax": "mg/h", "Km": "mg/L", "V": "L", "V1": "L", "V2": "L", "Q": "L/h", "CL": "L/h", "ka": "1/h", "MTT": "h", "n": "1",
    "Td": "h", "shape": "1", "F": "1", "lag": "h", "inhibition": "1", "T50": "h", "Kin": "1/h", "Kout": "1/h", "Imax": "1",
    "IC50": "mg/L", "k10": "1/h", "k12": "1/h", "k21": "1/h", "duration": "h", "F1": "1", "F2": "1", "C50_10": "mg/L",
    "alpha_10": "1", "Circ0": "10*9/L", "MMT": "h", "feedback": "1", "slope": "L/mg",
}  # fmt: skip


@cache
def card(disposition, inputs, values, more="", varied=("V",)):
    """A card with constant parameters; those of `varied` with a variance of 0.04."""
    p = dict(values)
    rows = "\n".join(f'{n} = {{ equation = "{v} [{UNITS[n]}] * one", unit = "{UNITS[n]}" }}' for n, v in p.items())
    rows = rows.replace(" [1]", "")
    spread = "\n".join(f"{n} = {{ omega2 = 0.04 }}" for n in varied)
    named = "[" + ", ".join(f'"{one}"' for one in inputs) + "]"
    words = "".join(f', {key} = "{word}"' for key, word in more)
    return read_card(
        CARD.format(disposition=disposition, inputs=named, more=words, parameters=rows, variability=spread), "case"
    )


ORAL = (("Vmax", 20.0), ("Km", 4.0), ("V", 45.0), ("ka", 0.8))
SATURABLE = (("elimination", "michaelis_menten"),)


def levels(model, events, times):
    """Typical levels at times after all other events of the same time."""
    subject = Subject("a", tuple(events))
    return ido.fit(model, subject, method="prior").predict(times)


def oral(t, x, p):
    c = x[1] / p["V"]
    return [-p["ka"] * x[0], p["ka"] * x[0] - p["Vmax"] * c / (p["Km"] + c) - p.get("CL", 0.0) * c]


def steps(p, doses, times, start=(0.0, 0.0), rhs=oral):
    """By SciPy, dose after dose: (time, mg, compartment)."""
    x, found, now = np.array(start), {}, doses[0][0]
    for edge in sorted({*times, *(d[0] for d in doses)}):
        if edge > now:
            x = solve_ivp(rhs, (now, edge), x, args=(p,), method="DOP853", rtol=1e-12, atol=1e-12).y[:, -1]
        for time, amount, into in doses:
            if time == edge:
                x[into] += amount
        now, found[edge] = edge, x.copy()
    return np.array([found[t] for t in times])


def test_a_saturable_card_follows_its_equations_through_doses_infusions_and_a_reset():
    model = card("one_compartment", ("first_order", "infusion"), ORAL, SATURABLE)
    events = (Dose(0.0, 300.0), Dose(8.0, 200.0), Dose(20.0, 100.0, duration_h=2.0, into="central"))
    times = [1.0, 7.0, 8.0, 19.0, 21.0, 22.0, 40.0]
    p = dict(ORAL)
    before = steps(p, [(0.0, 300.0, 0), (8.0, 200.0, 0)], [1.0, 7.0, 8.0, 19.0, 20.0])
    during = solve_ivp(
        lambda t, x: np.add(oral(t, x, p), [0.0, 50.0]), (20, 22), before[-1], t_eval=[21, 22],
        method="DOP853", rtol=1e-12, atol=1e-12,
    ).y.T  # fmt: skip
    after = solve_ivp(oral, (22, 40), during[-1], args=(p,), method="DOP853", rtol=1e-12, atol=1e-12).y[:, -1]
    expected = np.vstack([before[:-1], during, after])[:, 1] / p["V"]
    np.testing.assert_allclose(levels(model, events, times), expected, rtol=10 * ODE)
    emptied = levels(model, (*events[:2], Reset(10.0), Dose(12.0, 300.0)), [13.0])
    np.testing.assert_allclose(emptied, expected[:1], rtol=10 * ODE)


def test_a_covariate_that_changes_acts_from_its_own_time():
    text = CARD.format(
        disposition="one_compartment",
        inputs='["bolus"]',
        more=', elimination = "michaelis_menten"',
        parameters='Vmax = { equation = "20 [mg/h] * (weight / 70 [kg])", unit = "mg/h" }\n'
        'Km = { equation = "4 [mg/L] * one", unit = "mg/L" }\nV = { equation = "45 [L] * one", unit = "L" }',
        variability="V = { omega2 = 0.04 }",
    )
    model = read_card(text, "case")
    events = (
        Reading(0.0, {"weight": 70.0}),
        Dose(0.0, 400.0),
        Reading(5.0, {"weight": 70.0}),
        Reading(5.0, {"weight": 35.0}),
    )
    slow = {"Vmax": 10.0, "Km": 4.0, "V": 45.0, "ka": 1.0}
    at_5 = steps(slow | {"Vmax": 20.0}, [(0.0, 400.0, 1)], [5.0])[0]
    expected = steps(slow, [(5.0, 0.0, 1)], [9.0], start=at_5)[:, 1] / 45.0
    np.testing.assert_allclose(
        levels(model, (*events, Reading(20.0, {"weight": 35.0})), [9.0]), expected, rtol=10 * ODE
    )


@pytest.mark.parametrize(
    ("inputs", "values", "more"),
    [
        (("first_order",), (*ORAL, ("lag", 1.5), ("F", 0.8)), SATURABLE),
        (("savic_transit",), (("CL", 3.0), ("V", 30.0), ("ka", 1.1), ("MTT", 2.0), ("n", 2.5)), ()),
        (("weibull",), (("CL", 3.0), ("V", 30.0), ("Td", 2.0), ("shape", 1.6)), ()),
    ],
    ids=lambda x: "+".join(x) if isinstance(x, tuple) and x and isinstance(x[0], str) else "",
)
def test_steady_state_equals_many_doses(inputs, values, more):
    model = card("one_compartment", inputs, values, more)
    times = [1200.0, 1201.0, 1206.0, 1211.9]
    many = levels(model, (Dose(0.0, 120.0, interval_h=12.0, additional=100),), times)
    steady = levels(model, (Dose(1200.0, 120.0, interval_h=12.0, steady_state=1),), times)
    # just at a dose that lags, NONMEM's steady state and a history agree too
    np.testing.assert_allclose(steady, many, rtol=100 * ODE)
    if "first_order" not in inputs:  # each of the draws would remember 16 doses
        return
    regimen = ido.steady_state(
        ido.fit(model, Subject("a", (Dose(0.0, 1.0),)), method="prior"), ido.Regimen(120.0, 12.0)
    )
    trough = levels(model, (Dose(0.0, 120.0, interval_h=12.0, additional=99),), [1200.0])
    assert regimen["trough"].value == pytest.approx(trough[0], rel=100 * ODE)


def test_savic_delivery_of_each_dose_adds_up():
    values = (("CL", 3.0), ("V", 30.0), ("MTT", 2.0), ("n", 2.5))
    model = card("one_compartment", ("savic_transit",), values)
    ktr, n, k = 3.5 / 2.0, 2.5, 0.1

    def rhs(t, x, doses):
        rate = sum(
            a * np.exp(np.log(ktr) + n * np.log(ktr * (t - s)) - ktr * (t - s) - gammaln(n + 1))
            for s, a in doses
            if t > s
        )
        return [rate - k * x[0]]

    doses = [(0.0, 100.0), (3.0, 50.0)]
    times = np.array([1.0, 3.5, 8.0])
    out = solve_ivp(rhs, (0, 8), [0.0], args=(doses,), t_eval=times, rtol=1e-11, atol=1e-12, max_step=0.02)
    found = levels(model, [Dose(t, a) for t, a in doses], times)
    np.testing.assert_allclose(found, out.y[0] / 30.0, rtol=1e3 * ODE)


def test_an_effect_is_observed_beside_the_level():
    values = (("CL", 3.0), ("V", 30.0), ("Kin", 9.0), ("Kout", 0.3), ("Imax", 0.9), ("IC50", 0.5))
    model = card("one_compartment", ("bolus",), values, (("effect", "indirect_response_1"),))
    events = (
        Dose(0.0, 90.0),
        Level(0.0, 1.0, analyte="response", measured=False),
        Level(10.0, 1.0, analyte="response", measured=False),
        Level(10.0, 1.0, analyte="central", measured=False),
    )
    found = ido.fit(model, Subject("a", events), method="prior").fitted()

    def rhs(t, r):
        c = 3.0 * np.exp(-0.1 * t)
        return 9.0 * (1 - 0.9 * c / (0.5 + c)) - 0.3 * r

    expected = solve_ivp(rhs, (0, 10), [30.0], rtol=1e-11, atol=1e-12).y[0, -1]
    np.testing.assert_allclose(found, [30.0, expected, 3.0 * np.exp(-1.0)], rtol=10 * ODE)


def test_the_most_probable_effects_are_an_independent_optimisers():
    model = card("one_compartment", ("bolus",), (("Vmax", 20.0), ("Km", 4.0), ("V", 45.0)), SATURABLE, ("Vmax", "V"))
    seen = {6.0: 9.0, 24.0: 4.1}
    events = (Dose(0.0, 600.0), *(Level(t, y) for t, y in seen.items()))
    fit = ido.fit(model, Subject("a", events))

    def objective(e):
        p = {"Vmax": 20.0 * np.exp(e[0]), "Km": 4.0, "V": 45.0 * np.exp(e[1]), "ka": 1.0}
        f = steps(p, [(0.0, 600.0, 1)], list(seen))[:, 1] / p["V"]
        y = np.array(list(seen.values()))
        return np.sum(((y - f) / (0.1 * f)) ** 2 + 2 * np.log(0.1 * f)) + np.sum(e**2) / 0.04

    best = minimize(objective, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-13})
    assert fit.status.ok
    np.testing.assert_allclose(fit.eta, best.x, atol=ESTIMATE)


@pytest.mark.parametrize(
    ("dose", "beat"),
    [
        (Dose(0.0, 100.0, duration_h=2.0), "is infused"),
        (Dose(0.0, 100.0, interval_h=12.0, steady_state=2), "added to a steady state"),
    ],
)
def test_what_a_remembered_input_cannot_take_is_refused(dose, beat):
    model = card("one_compartment", ("weibull",), (("CL", 3.0), ("V", 30.0), ("Td", 2.0), ("shape", 1.6)))
    with pytest.raises(InputError, match=beat):
        levels(model, (dose,), [1.0])


@pytest.mark.parametrize(
    ("inputs", "values", "more", "beat"),
    [
        (("bolus",), (("Vmax", 20.0), ("V", 45.0)), SATURABLE, "Km"),
        (("bolus",), (("CL", 3.0), ("V", 45.0)), (("elimination", "saturable"),), "system.elimination"),
        (("bolus",), (("CL", 3.0), ("V", 45.0), ("Km", 2.0)), (), "Km has no place"),
        (("first_order", "zero_order"), (("CL", 3.0), ("V", 45.0), ("ka", 1.0), ("duration", 2.0)), (), "whole dose"),
    ],
)
def test_a_card_that_names_no_whole_system_is_refused(inputs, values, more, beat):
    with pytest.raises(CardError, match=beat):
        card("one_compartment", inputs, values, more)


def test_more_than_can_be_eliminated_has_no_steady_state_and_is_no_number():
    model = card("one_compartment", ("bolus",), (("Vmax", 20.0), ("Km", 4.0), ("V", 45.0)), SATURABLE)
    fit = ido.fit(model, Subject("a", (Dose(0.0, 300.0),)), method="prior")
    assert ido.steady_state(fit, ido.Regimen(240.0, 24.0))["average"].value > 0.0
    assert ido.steady_state(fit, ido.Regimen(600.0, 24.0))["average"].value == np.inf


def test_exposure_is_read_off_the_solution_itself():
    """Peak, time above and area against SciPy's dense output and events; the window begins between two doses."""
    model = card("one_compartment", ("first_order",), ORAL, SATURABLE)
    fit = ido.fit(model, Subject("a", (Dose(0.0, 300.0), Dose(12.0, 300.0))), method="prior")
    p = dict(ORAL)
    at_12 = steps(p, [(0.0, 300.0, 0), (12.0, 300.0, 0)], [12.0])[0]

    def turning(t, x, p):
        return oral(t, x, p)[1]

    def falling(t, x, p):
        return x[1] / p["V"] - 4.0

    falling.direction = -1
    out = solve_ivp(
        oral,
        (12, 40),
        at_12,
        args=(p,),
        events=(turning, falling),
        dense_output=True,
        method="DOP853",
        rtol=1e-11,
        atol=1e-12,
    )
    tmax = out.t_events[0][-1]
    assert fit.exposure("peak", 12.0, 40.0).value == pytest.approx(out.sol(tmax)[1] / p["V"], rel=10 * ODE)
    assert fit.exposure("tpeak", 12.0, 40.0).value == pytest.approx(tmax, rel=1e2 * ODE)
    until = fit.exposure("until_below", 12.0, 40.0, threshold=4.0).value
    assert until == pytest.approx(out.t_events[1][-1] - 12, rel=1e2 * ODE)
    moment = solve_ivp(
        lambda t, x: [*oral(t, x[:2], p), (t - 12) * x[1] / p["V"]],
        (12, 40),
        [*at_12, 0.0],
        method="DOP853",
        rtol=1e-11,
        atol=1e-11,
    )
    assert fit.exposure("aumc", 12.0, 40.0).value == pytest.approx(moment.y[2, -1], rel=1e2 * ODE)


def test_the_exact_dose_of_a_saturable_drug_is_no_proportion():
    model = card("one_compartment", ("bolus",), (("Vmax", 20.0), ("Km", 4.0), ("V", 45.0)), SATURABLE)
    fit = ido.fit(model, Subject("a", (Dose(0.0, 300.0),)), method="prior")
    dose = ido.exact_dose(fit, "average", 8.0, 24.0)
    assert ido.steady_state(fit, ido.Regimen(dose, 24.0))["average"].value == pytest.approx(8.0, rel=1e-6)
    half = ido.exact_dose(fit, "average", 4.0, 24.0)
    assert half > 0.55 * dose


HILL = (("elimination", "hill"),)


@pytest.mark.parametrize(
    "values", [(("CL", 3.0), ("V", 45.0)), (("CL", 3.0), ("V", 45.0), ("C50_10", 2.0))], ids=["no C50", "no alpha"]
)
def test_transfer_that_does_not_slow_is_no_hill_card(values):
    with pytest.raises(CardError, match="alpha together"):
        levels(card("one_compartment", ("bolus",), values, HILL), (Dose(0.0, 1.0),), [1.0])


def test_a_saturable_elimination_beside_rate_constants():
    values = (("k10", 0.1), ("V1", 20.0), ("k12", 0.3), ("k21", 0.2), ("Vmax", 20.0), ("Km", 4.0))
    model = card("two_compartment", ("bolus",), values, SATURABLE, ("V1",))
    p = dict(values)

    def rhs(t, x):
        c = x[0] / p["V1"]
        out = p["Vmax"] * c / (p["Km"] + c) + (p["k10"] + p["k12"]) * x[0] - p["k21"] * x[1]
        return [-out, p["k12"] * x[0] - p["k21"] * x[1]]

    expected = solve_ivp(rhs, (0, 9), [300.0, 0.0], method="DOP853", rtol=1e-11, atol=1e-11).y[0, -1] / 20.0
    np.testing.assert_allclose(levels(model, (Dose(0.0, 300.0),), [9.0]), [expected], rtol=10 * ODE)


def test_a_steady_state_of_several_ways_without_superposition_is_refused():
    values = (*ORAL, ("duration", 2.0), ("F1", 0.6), ("F2", 0.4))
    model = card("one_compartment", ("first_order", "zero_order"), values, SATURABLE)
    levels(model, (Dose(0.0, 100.0),), [1.0])  # a single dose is no question
    with pytest.raises(InputError, match="by several ways"):
        levels(model, (Dose(0.0, 100.0, interval_h=24.0, steady_state=1),), [1.0])


@pytest.mark.parametrize(
    ("inputs", "values"),
    [
        (("weibull",), (("CL", 3.0), ("V", 30.0), ("Td", 100.0), ("shape", 0.7))),
        (("savic_transit",), (("CL", 3.0), ("V", 30.0), ("MTT", 60.0), ("n", 2.5))),
    ],
)
def test_a_dose_that_is_forgotten_before_it_is_delivered_is_no_level(inputs, values):
    """Sixteen doses are remembered; with a seventeenth still under way the level would be too low."""
    model = card("one_compartment", inputs, values)
    assert levels(model, (Dose(0.0, 100.0, interval_h=2.0, additional=15),), [31.0])[0] > 0.0
    with pytest.raises(NumericalError, match="more doses are under way"):
        levels(model, (Dose(0.0, 100.0, interval_h=2.0, additional=16),), [33.0])


def test_the_nadir_of_the_cells_is_read_off_their_own_course():
    values = (("CL", 5.0), ("V", 25.0), ("Circ0", 5.0), ("MMT", 96.0), ("feedback", 0.17), ("slope", 0.5))
    model = card("one_compartment", ("bolus",), values, (("effect", "friberg"),))
    fit = ido.fit(model, Subject("a", (Dose(0.0, 200.0),)), method="prior")

    def rhs(t, x):
        c, ktr = 8.0 * np.exp(-0.2 * t), 4 / 96.0
        made = ktr * x[0] * ((1 - 0.5 * c) * (5.0 / x[4]) ** 0.17 - 1)
        return [made, *(ktr * (a - b) for a, b in pairwise(x))]

    def turning(t, x):
        return x[3] - x[4]

    out = solve_ivp(
        rhs, (0, 600), [5.0] * 5, events=turning, dense_output=True, method="DOP853", rtol=1e-11, atol=1e-12
    )
    nadir = out.t_events[0][np.argmin([out.sol(s)[4] for s in out.t_events[0]])]
    found = fit.exposure("minimum", 0.0, 600.0, analyte="circulating")
    assert found.value == pytest.approx(out.sol(nadir)[4], rel=1e2 * ODE)
    assert fit.exposure("tminimum", 0.0, 600.0, analyte="circulating").value == pytest.approx(nadir, rel=1e3 * ODE)
    with pytest.raises(InputError, match="one of central, circulating"):
        fit.predict([1.0], "platelets")
