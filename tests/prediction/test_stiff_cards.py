"""A card says that its system is stiff: the implicit method then solves what the explicit one gives up."""

import numpy as np
import pytest
from scipy.special import lambertw

import individose as ido
from individose.base import CardError, NumericalError
from individose.drugs.schema import read_card
from individose.events import Dose
from tolerances import SOLVER

VMAX, KM, V, MG = 20.0, 0.005, 40.0, 100.0
TEXT = """
id = "test/steep"
title = "A steep saturable elimination"
grade = "draft"
system = { disposition = "one_compartment", input = "bolus", elimination = "michaelis_menten", stiff = true }

[source]
citation = "made for a test"
population = "simulated"

[constants]
one = { value = 1.0 }

[parameters]
Vmax = { equation = "20 [mg/h] * one", unit = "mg/h" }
Km   = { equation = "0.005 [mg/L] * one", unit = "mg/L" }
V    = { equation = "40 [L] * one", unit = "L" }

[variability]
V = { omega2 = 0.01 }

[residual]
convention = "sd2 = a2 + b2 f2"
proportional = 0.1
"""
TIMES = (1.0, 3.0, 4.9, 5000.0)


def fit(text):
    return ido.fit(read_card(text, "test"), ido.subject("a", doses=[Dose(0.0, MG)]), method="prior")


def test_levels_are_those_of_the_implicit_equation():
    """Km ln(C0 / C) + C0 - C = Vmax t / V, by Lambert's function."""
    c0 = MG / V
    exact = KM * lambertw(c0 / KM * np.exp((c0 - VMAX / V * np.array(TIMES[:3])) / KM)).real
    found = fit(TEXT).predict(TIMES)
    np.testing.assert_allclose(found[:3], exact, rtol=SOLVER)
    assert 0.0 <= found[3] < 1e-9


def test_the_explicit_method_says_that_it_cannot_follow():
    explicit = fit(TEXT.replace(", stiff = true", ""))
    np.testing.assert_allclose(explicit.predict(TIMES[:3]), fit(TEXT).predict(TIMES[:3]), rtol=SOLVER)
    with pytest.raises(NumericalError, match="could not be solved at these parameters"):
        explicit.predict(TIMES)


def test_a_linear_system_is_not_stiff():
    linear = TEXT.replace(', elimination = "michaelis_menten"', "").replace("Vmax = {", "CL = {").replace("mg/h", "L/h")
    card = read_card(linear.replace('Km   = { equation = "0.005 [mg/L] * one", unit = "mg/L" }\n', ""), "test")
    with pytest.raises(CardError, match="is said to be stiff"):
        ido.fit(card, ido.subject("a", doses=[Dose(0.0, MG)]), method="prior")


def test_the_card_says_it_to_people():
    assert read_card(TEXT, "test").system.endswith("elimination michaelis_menten, solved by an implicit method")
