"""Exposure without end of a saturable elimination: against closed forms, and against long windows."""

from __future__ import annotations

import math
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

import individose as ido
from individose.base import InputError, NumericalError
from individose.events import Dose, Level, Subject
from prediction.test_nonlinear_cards import card
from tolerances import ENDLESS, IDENTITY

SATURABLE = (("Vmax", 20.0), ("Km", 4.0), ("V", 45.0))
MICHAELIS_MENTEN = (("elimination", "michaelis_menten"),)


def fitted(disposition, inputs, values, more, *doses, varied=("V",)):
    return ido.fit(card(disposition, inputs, values, more, varied), Subject("a", doses), method="prior")


@cache
def bolus():
    return fitted("one_compartment", ("bolus",), SATURABLE, MICHAELIS_MENTEN, Dose(0.0, 600.0))


RATE, KM, C0 = 20.0 / 45.0, 4.0, 600.0 / 45.0
"""dC/dt = -RATE C / (KM + C) from C0 on, mg/L and h."""


def gone(level):
    """When the level is reached, h: the integrated equation."""
    return (C0 - level + KM * math.log(C0 / level)) / RATE


def test_area_and_moment_of_a_bolus():
    """D/V (Km + C0/2) / Vmax', and the integral of t(C) C dt/dC from C0 to 0."""
    area = C0 * (KM + C0 / 2.0) / RATE
    moment = (C0**3 / 6.0 + 0.75 * KM * C0**2 + KM**2 * C0) / RATE**2
    assert bolus().exposures("auc", 0.0, math.inf, count=3)[0] == pytest.approx(area, rel=ENDLESS)
    assert bolus().exposures("aumc", 0.0, math.inf, count=3)[0] == pytest.approx(moment, rel=ENDLESS)
    # from a time on: what an equal bolus has left then
    later = bolus().exposures("auc", gone(5.0), math.inf, count=3)[0]
    assert later == pytest.approx(5.0 * (KM + 2.5) / RATE, rel=ENDLESS)


@pytest.mark.parametrize("threshold", [10.0, 1.0, 1e-3])
def test_time_until_below_of_a_bolus(threshold):
    found = bolus().exposures("until_below", 0.0, math.inf, threshold, count=3)[0]
    assert found == pytest.approx(gone(threshold), rel=ENDLESS)
    assert bolus().exposures("until_below", 0.0, math.inf, 20.0, count=3)[0] == 0.0


def test_two_compartments_by_mouth_against_a_long_window():
    """Fast and slow phases, several doses, linear elimination beside the saturable one; the windows hold 40 half-lives."""
    values = (("CL", 1.0), ("Vmax", 15.0), ("Km", 2.0), ("V1", 20.0), ("Q", 3.0), ("V2", 60.0), ("ka", 1.1))
    doses = (Dose(8.0 * k, 200.0) for k in range(3))
    fit = fitted("two_compartment", ("first_order",), values, MICHAELIS_MENTEN, *doses, varied=("V1",))
    edges = (5.0, 55.0, 130.0, 250.0, 400.0, 600.0, 800.0)
    area, moment = 0.0, 0.0
    for start, end in pairwise(edges):
        here = fit.exposures("auc", start, end, count=3)[0]
        area, moment = area + here, moment + fit.exposures("aumc", start, end, count=3)[0] + (start - 5.0) * here
    assert fit.exposures("auc", 5.0, math.inf, count=3)[0] == pytest.approx(area, rel=ENDLESS)
    assert fit.exposures("aumc", 5.0, math.inf, count=3)[0] == pytest.approx(moment, rel=10 * ENDLESS)
    until = fit.exposures("until_below", 5.0, math.inf, 0.05, count=3)[0]
    assert fit.predict([5.0 + until])[0] == pytest.approx(0.05, rel=ENDLESS)
    assert until > 30.0


def test_every_draw_has_its_own():
    values = bolus().exposures("auc", 0.0, math.inf, count=20)
    volumes = 45.0 * np.exp(bolus()._points(20)[:, 0])  # the only effect is on V
    start = 600.0 / volumes
    np.testing.assert_allclose(values, start * (KM + start / 2.0) * volumes / 20.0, rtol=ENDLESS)


def test_a_response_has_no_end():
    values = (*SATURABLE, ("Kin", 5.0), ("Kout", 0.5), ("Imax", 0.8), ("IC50", 1.0))
    more = (*MICHAELIS_MENTEN, ("effect", "indirect_response_1"))
    fit = fitted("one_compartment", ("bolus",), values, more, Dose(0.0, 300.0))
    with pytest.raises(NumericalError, match="without end has none"):
        fit.exposure("auc", 0.0, math.inf, analyte="response")


def test_other_metrics_need_an_end():
    with pytest.raises(InputError, match="Give an end"):
        bolus().exposure("peak", 0.0, math.inf)


def test_the_names_of_the_field():
    doses = (Dose(0.0, 320.0), Dose(12.0, 320.0))
    patient = ido.Subject("a", (ido.Reading(0.0, {"weight": 70.0}), *doses, Level(20.0, 5.0)))
    fit = ido.fit(ido.card("theophylline/boeckmann1994"), patient)
    for alias, name in {"Cmax": "peak", "tmax": "tpeak", "cmin": "minimum", "Tmin": "tminimum"}.items():
        assert fit.exposure(alias, 0.0, 24.0).value == pytest.approx(fit.exposure(name, 0.0, 24.0).value, rel=IDENTITY)
        assert fit.exposure(alias, 0.0, 24.0).unit == fit.exposure(name, 0.0, 24.0).unit
    with pytest.raises(InputError, match="cmax, tmax, cmin"):
        fit.exposure("ctrough", 0.0, 24.0)
