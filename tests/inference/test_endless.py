"""What comes after the last dose, without end; half-lives, residence and volume; and analytes by name."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest

import individose as ido
from individose.base import InputError
from individose.drugs.schema import read_card
from individose.events import Dose, Subject
from tolerances import IDENTITY

CARD = """
id = "drug/case"
title = "Two compartments and a metabolite"
grade = "draft"
system = { disposition = "two_compartment", input = ["first_order", "infusion"], metabolite = "one_compartment" }

[source]
citation = "made for this test"
population = "nobody"

[constants]
one = { value = 1.0 }

[parameters]
CL  = { equation = "5 [L/h] * one", unit = "L/h" }
V1  = { equation = "20 [L] * one", unit = "L" }
Q   = { equation = "4 [L/h] * one", unit = "L/h" }
V2  = { equation = "40 [L] * one", unit = "L" }
ka  = { equation = "1.2 [1/h] * one", unit = "1/h" }
F1  = { equation = "0.7 * one", unit = "1" }
lag1 = { equation = "0.5 [h] * one", unit = "h" }
CLm = { equation = "2 [L/h] * one", unit = "L/h" }
Vm  = { equation = "15 [L] * one", unit = "L" }
fm  = { equation = "0.6 * one", unit = "1" }

[variability]
CL = { omega2 = 0.04 }

[residual]
convention = "sd2 = a2 + b2 f2"
proportional = 0.1
"""


ONE = (
    CARD.replace("two_compartment", "one_compartment")
    .replace("V1 ", "V ")
    .replace('Q   = { equation = "4 [L/h] * one", unit = "L/h" }\n', "")
    .replace('V2  = { equation = "40 [L] * one", unit = "L" }\n', "")
)
"""The same in one compartment: its programs compile in a third of the time."""


@cache
def _fit(text):
    doses = (Dose(0.0, 100.0), Dose(6.0, 50.0, duration_h=2.0, into="central"))
    return ido.fit(read_card(text, "case"), Subject("a", doses), method="prior")


@pytest.fixture(params=[ONE, pytest.param(CARD, marks=pytest.mark.slow)], ids=["one", "two"])
def fit(request):
    return lambda: _fit(request.param)


def test_the_area_without_end_is_what_arrives_over_clearance(fit):
    assert fit().exposure("auc", 0.0, math.inf).value == pytest.approx((70.0 + 50.0) / 5.0, rel=IDENTITY)
    metabolite = fit().exposure("auc", 0.0, math.inf, analyte="metabolite")
    assert metabolite.value == pytest.approx(0.6 * 120.0 / 2.0, rel=IDENTITY)
    assert metabolite.low < metabolite.value + 1e-9  # formed clearance and metabolite do not vary here
    later = fit().exposure("auc", 7.0, math.inf).value
    assert later == pytest.approx(120.0 / 5.0 - fit().exposure("auc", 0.0, 7.0).value, rel=IDENTITY)


def test_the_first_moment_without_end(fit):
    found = fit().exposure("aumc", 0.0, math.inf).value
    nodes, weights = np.polynomial.legendre.leggauss(40)
    edges = np.array([0.5, 6.0, 8.0, 30.0])  # between events the curve is smooth
    half, middle = 0.5 * np.diff(edges), 0.5 * (edges[:-1] + edges[1:])
    times = (middle[:, None] + half[:, None] * nodes).ravel()
    summed = np.sum((half[:, None] * weights).ravel() * times * fit().predict(times))
    partial = fit().exposure("aumc", 0.0, 30.0).value
    assert partial == pytest.approx(summed, rel=IDENTITY)
    assert found > partial
    assert found == pytest.approx(fit().exposure("aumc", 0.0, 400.0).value, rel=1e-6)


def test_the_time_until_below_goes_past_the_history(fit):
    until = fit().exposure("until_below", 0.0, math.inf, threshold=0.05).value
    assert fit().predict([until])[0] == pytest.approx(0.05, rel=1e-8)
    assert until > 20.0
    assert fit().exposure("until_below", 0.0, math.inf, threshold=50.0).value == 0.0


def test_other_metrics_need_an_end(fit):
    with pytest.raises(InputError, match="Give an end"):
        fit().exposure("peak", 0.0, math.inf)


def test_the_constants_of_the_disposition():
    """MRT of a bolus is Vss / CL, Vss = V1 + V2, the half-lives those of the roots of the textbook's quadratic."""
    text = CARD.replace(', metabolite = "one_compartment"', "")
    text = "\n".join(line for line in text.splitlines() if not line.startswith(("CLm", "Vm ", "fm ")))
    found = ido.fit(read_card(text, "case"), Subject("a", (Dose(0.0, 1.0),)), method="prior").constants()
    total, product = 5 / 20 + 4 / 20 + 4 / 40, 5 / 20 * 4 / 40
    slow = 0.5 * (total - math.sqrt(total**2 - 4 * product))
    assert found["half_life"].value == pytest.approx(math.log(2) / slow, rel=IDENTITY)
    assert found["MRT"].value == pytest.approx(60.0 / 5.0, rel=IDENTITY)
    assert found["Vss"].value == pytest.approx(60.0, rel=IDENTITY)
    assert found["half_life"].low < found["half_life"].value < found["half_life"].high


def test_an_analyte_is_predicted_by_name(fit):
    both = [fit().predict([9.0], name)[0] for name in ("central", "metabolite")]
    assert both[0] == fit().predict([9.0])[0]
    assert both[1] != both[0]
    low, high = fit().band([9.0], analyte="metabolite")
    assert low[0] <= both[1] * (1 + 1e-12)
    assert both[1] <= high[0] * (1 + 1e-12)
    assert np.isfinite(high).all()
