"""Equations that read the dose or the time since the first: exact for each dose, and doses that are advised know it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import minimize_scalar

import individose as ido
from individose.base import CardError, InputError
from individose.drugs.schema import read_card
from individose.events import Dose, Level, Reset, Subject
from tolerances import ESTIMATE, IDENTITY, LINEAR_COVARIATE

# bioavailability that falls with the dose and with time, as pazopanib's in Yu et al. 2017
CARD = """
id = "pazopanib/case"
title = "Bioavailability by dose and time"
grade = "draft"
system = { disposition = "one_compartment", input = "first_order" }

[source]
citation = "made for this test"
population = "nobody"

[parameters]
CL = { equation = "0.6 [L/h]", unit = "L/h" }
V = { equation = "30 [L]", unit = "L" }
ka = { equation = "0.4 [1/h]", unit = "1/h" }

[parameters.F]
unit = "1"
equation = '''
(1 - 0.8 * (dose - 200 [mg]) / (480 [mg] + dose - 200 [mg])) * (0.4 + 0.6 * exp(-0.15 * time / 24 [h]))
'''

[variability]
F = { omega2 = 0.13 }

[residual]
convention = "sd2 = a2 + b2 f2"
proportional = 0.2

[[checks]]
given = { dose = 680, time = 0 }
expect = { F = 0.6, CL = 0.6, V = 30, ka = 0.4 }
"""
CLEARING = """
id = "antibody/case"
title = "Clearance that falls with time"
grade = "draft"
system = { disposition = "one_compartment", input = "infusion" }

[source]
citation = "made for this test"
population = "nobody"
CARRY
[parameters]
CL = { equation = "0.01 [L/h] * exp(-0.4 * time / (time + 900 [h]))", unit = "L/h" }
V = { equation = "5 [L]", unit = "L" }

[variability]
CL = { omega2 = 0.1 }

[residual]
convention = "sd2 = a2 + b2 f2"
proportional = 0.2
"""
DOSES = ((0.0, 800.0), (24.0, 800.0), (48.0, 400.0), (50.0, 200.0), (96.0, 800.0))
TIMES = (5.0, 30.0, 49.0, 51.0, 60.0, 100.0)


def bioavailable(dose, time):
    extra = dose - 200.0
    return (1 - 0.8 * extra / (480.0 + extra)) * (0.4 + 0.6 * np.exp(-0.15 * time / 24.0))


def one(t, amount, cl=0.6, v=30.0, ka=0.4):
    k = cl / v
    return np.where(t > 0, amount / v * ka / (ka - k) * (np.exp(-k * t) - np.exp(-ka * t)), 0.0)


def by_superposition(times, doses=DOSES, share=1.0):
    return sum(share * one(np.asarray(times) - at, bioavailable(amount, at) * amount) for at, amount in doses)


def prior(card, *events):
    return ido.fit(card, Subject("a", events), method="prior")


def test_each_dose_has_the_bioavailability_of_its_own_amount_and_time():
    model = read_card(CARD, "case")
    fit = prior(model, *(Dose(t, a) for t, a in DOSES))
    np.testing.assert_allclose(fit.predict(TIMES), by_superposition(TIMES), rtol=IDENTITY)
    written_out = prior(model, Dose(0.0, 800.0, interval_h=24.0, additional=1), *(Dose(t, a) for t, a in DOSES[2:]))
    np.testing.assert_allclose(written_out.predict(TIMES), by_superposition(TIMES), rtol=IDENTITY)


def test_after_a_reset_time_begins_again():
    model = read_card(CARD, "case")
    fit = prior(model, Dose(0.0, 800.0), Reset(100.0), Dose(120.0, 800.0))
    np.testing.assert_allclose(fit.predict([125.0]), one(5.0, bioavailable(800.0, 0.0) * 800.0), rtol=IDENTITY)


def test_the_most_probable_effect_is_an_independent_optimisers():
    seen = by_superposition(TIMES, share=1.4) * [1.1, 0.95, 1.0, 1.05, 0.9, 1.02]
    events = [*(Dose(t, a) for t, a in DOSES), *(Level(t, y) for t, y in zip(TIMES, seen, strict=True))]
    fit = ido.fit(read_card(CARD, "case"), Subject("a", tuple(sorted(events, key=lambda e: e.time_h))))

    def objective(eta):
        f = by_superposition(TIMES, share=np.exp(eta))
        return np.sum(((seen - f) / (0.2 * f)) ** 2 + 2 * np.log(0.2 * f)) + eta**2 / 0.13

    best = minimize_scalar(objective, bracket=(0.0, 0.5), tol=1e-12)
    assert fit.status.ok
    assert fit.eta[0] == pytest.approx(best.x, abs=ESTIMATE)


def test_a_regimen_is_judged_at_its_own_dose():
    """Steady state at a day after the first dose: of each amount with its own bioavailability."""
    fit = prior(read_card(CARD, "case"), Dose(0.0, 800.0), Dose(24.0, 800.0))
    for amount in (200.0, 400.0, 800.0):
        average = ido.steady_state(fit, ido.Regimen(amount, 24.0))["average"].value
        assert average == pytest.approx(bioavailable(amount, 24.0) * amount / 0.6 / 24.0, rel=IDENTITY)
    exact = ido.exact_dose(fit, "average", 12.0, 24.0)
    assert bioavailable(exact, 24.0) * exact / 0.6 / 24.0 == pytest.approx(12.0, rel=1e-8)
    with pytest.raises(InputError, match="does not rise that far"):
        ido.exact_dose(
            prior(read_card(CARD.replace("0.8 * (dose", "1 * (dose"), "case"), Dose(0.0, 800.0)), "average", 1e3, 24.0
        )


@pytest.mark.parametrize("linear", [False, True], ids=["constant between doses", "running on"])
def test_a_clearance_that_falls_with_time(linear):
    carry = '\n[covariates]\ntime = { carry = "linear" }\n' if linear else ""
    model = read_card(CLEARING.replace("CARRY", carry), "case")
    doses = [(504.0 * i, 300.0) for i in range(4)]
    times = np.array([100.0, 503.0, 1000.0, 1600.0, 2200.0])
    found = prior(model, *(Dose(t, a, duration_h=1.0) for t, a in doses)).predict(times)

    def rhs(t, x):
        at = t if linear else 504.0 * min(np.floor(t / 504.0), 3.0)
        running = 300.0 if (t % 504.0) < 1.0 and t < 1514.0 else 0.0
        return [running - 0.01 * np.exp(-0.4 * at / (at + 900.0)) * x[0] / 5.0]

    x, now, expected = np.zeros(1), 0.0, []
    for edge in sorted({*times, *(t for t, _ in doses), *(t + 1.0 for t, _ in doses)} - {0.0}):
        # a hair inside the edges: the right-hand side changes there
        out = solve_ivp(
            lambda t, y, lo=now, hi=edge: rhs(min(max(t, lo), hi - 1e-9), y), (now, edge), x, rtol=1e-10, atol=1e-12
        )
        x, now = out.y[:, -1], edge
        if edge in times:
            expected.append(x[0] / 5.0)
    np.testing.assert_allclose(found, expected, rtol=LINEAR_COVARIATE)


def test_what_cannot_be_understood_is_refused():
    with pytest.raises(InputError, match="no dose is given"):
        prior(read_card(CARD, "case"), Level(1.0, float("nan"), measured=False))
    with pytest.raises(CardError, match=r"covariates\.dose is carried linear"):
        read_card(CARD.replace("[parameters]", '[covariates]\ndose = { carry = "linear" }\n\n[parameters]'), "case")
    with pytest.raises(CardError, match="time_after_dose, which is not known"):
        read_card(CARD.replace("time / 24 [h]", "time_after_dose / 24 [h]"), "case")
