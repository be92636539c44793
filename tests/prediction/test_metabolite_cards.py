"""Cards with metabolites as one would publish them: auto-inhibited parent, first pass, occasions, two residual errors."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import minimize

import individose as ido
from individose.base import CardError
from individose.drugs.schema import read_card
from individose.events import Dose, Level, Reading, Subject
from tolerances import ESTIMATE, ODE

CARD = """
id = "clarithromycin/case"
title = "Clarithromycin and its 14-hydroxy metabolite, auto-inhibited"
grade = "draft"
system = { disposition = "one_compartment", input = "first_order", elimination = "inhibited", metabolite = "one_compartment" }

[source]
citation = "made for this test"
population = "nobody"

[parameters]
CL = { equation = "60 [L/h]", unit = "L/h" }
V = { equation = "170 [L]", unit = "L" }
ka = { equation = "0.7 [1/h]", unit = "1/h" }
inhibition = { equation = "0.9", unit = "1" }
C50_inh = { equation = "800 [ug/L]", unit = "ug/L" }
kinh = { equation = "0.15 [1/h]", unit = "1/h" }
fm = { equation = "0.35", unit = "1" }
fp = { equation = "0.1", unit = "1" }
CLm = { equation = "40 [L/h]", unit = "L/h" }
Vm = { equation = "0.9 * V", unit = "L" }

[variability]
CL = [{ omega2 = 0.09 }, { omega2 = 0.0225, level = "occasion" }]
V = { omega2 = 0.0625 }
CLm = { omega2 = 0.09 }

[residual]
convention = "sd2 = a2 + b2 f2"
proportional = 0.1

[residual.metabolite]
convention = "ln y = ln f + e"
log_sd = 0.12
"""
TIMES = (2.0, 11.0, 26.0, 35.0, 50.0, 59.0)
CHANGE_H = 36.0


def by_scipy(eta):
    """Levels of both at each of `TIMES` (drug, then metabolite); etas of CL, V, CLm, and of CL at two occasions."""
    v = 170.0 * np.exp(eta[1])
    clm, vm = 40.0 * np.exp(eta[2]), 0.9 * v
    x, now, found = np.zeros(4), 0.0, []
    for edge in sorted({*TIMES, *(12.0 * i for i in range(6)), CHANGE_H}):
        cl = 60.0 * np.exp(eta[0] + eta[3 + (edge > CHANGE_H)])

        def rhs(t, y, cl=cl):
            gone = cl * y[1] / v * (1 - 0.9 * y[3] / (0.8 + y[3]))
            absorbed = 0.7 * y[0]
            formed = 0.35 * gone + 0.1 * absorbed
            return [-absorbed, 0.9 * absorbed - gone, formed - clm * y[2] / vm, 0.15 * (y[1] / v - y[3])]

        if edge > now:
            x = solve_ivp(rhs, (now, edge), x, method="LSODA", rtol=1e-10, atol=1e-11).y[:, -1]
        if edge % 12.0 == 0.0 and edge < 72.0:
            x[0] += 500.0
        if edge in TIMES:
            found.append([x[1] / v, x[2] / vm])
        now = edge
    return np.array(found).T


def patient(seen):
    events = [Reading(0.0, {"occasion": 1.0}), *(Dose(12.0 * i, 500.0) for i in range(6))]
    events += [Reading(CHANGE_H, {"occasion": 1.0}), *(Reading(t, {"occasion": 1.0 + (t > CHANGE_H)}) for t in TIMES)]
    for name, values in zip(("central", "metabolite"), seen, strict=True):
        events += [Level(t, float(y), name) for t, y in zip(TIMES, values, strict=True)]
    order = {Reading: 0, Level: 1, Dose: 2}
    return Subject("a", tuple(sorted(events, key=lambda e: (e.time_h, order[type(e)]))))


TRUE = np.array([0.25, -0.2, 0.3, 0.1, -0.12])


@pytest.fixture(scope="module")
def fitted():
    noise = np.array([[1, -1, 0.4, -0.6, 0.8, -0.2], [-0.5, 0.9, -1, 0.3, 0.2, 0.7]])
    seen = by_scipy(TRUE) * (1.0 + 0.03 * noise)
    return seen, ido.fit(read_card(CARD, "case"), patient(seen))


def test_levels_of_drug_and_metabolite_are_scipys(fitted):
    _, fit = fitted
    assert fit.status.ok
    expected = by_scipy(fit.eta[:5])
    for name, values in zip(("central", "metabolite"), expected, strict=True):
        np.testing.assert_allclose(fit.predict(TIMES, analyte=name), values, rtol=1e2 * ODE)


def test_the_most_probable_effects_are_an_independent_optimisers(fitted):
    seen, fit = fitted

    def objective(e):
        drug, formed = by_scipy(e)
        sd = 0.1 * drug
        found = np.sum(((seen[0] - drug) / sd) ** 2 + 2 * np.log(sd))
        found += np.sum(((np.log(seen[1]) - np.log(formed)) / 0.12) ** 2)
        return found + np.sum(np.asarray(e) ** 2 / [0.09, 0.0625, 0.09, 0.0225, 0.0225])

    best = minimize(objective, np.zeros(5), method="BFGS", options={"gtol": 1e-5})
    assert objective(fit.eta[:5]) <= best.fun + ESTIMATE
    np.testing.assert_allclose(fit.eta[:5], best.x, atol=1e3 * ESTIMATE)
    np.testing.assert_allclose(fit.eta[:3], TRUE[:3], atol=0.25)


@pytest.mark.parametrize(
    ("old", "new", "beat"),
    [
        ('input = "first_order"', 'input = "bolus"', "fp"),
        (', metabolite = "one_compartment"', "", "no place"),
        ('Vm = { equation = "0.9 * V", unit = "L" }\n', "", "Vm"),
    ],
)
def test_a_metabolite_that_has_no_meaning_is_refused(old, new, beat):
    assert CARD.count(old) == 1
    with pytest.raises(CardError, match=beat):
        ido.fit(read_card(CARD.replace(old, new), "case"),
                Subject("a", (Dose(0.0, 1.0),)), method="prior")  # fmt: skip
