"""A normal effect on a parameter that cannot be negative: the mode, the interval and every draw stay above 0."""

from __future__ import annotations

import math
from functools import cache
from statistics import NormalDist

import numpy as np
import pytest
from scipy.optimize import minimize

import individose as ido
from individose.base import Outcome
from individose.drugs import registers
from individose.drugs.schema import read_card
from individose.events import Dose, Level, Subject
from individose.prediction.bind import relation
from tolerances import ESTIMATE, IDENTITY, POSTERIOR_MEAN, POSTERIOR_SD, within_standard_errors

TEXT = """
id = "examplin/doe2031"
title = "a clearance with a normal effect"
grade = "draft"
system = { disposition = "one_compartment", input = "bolus" }
[source]
citation = "invented"
population = "invented"
[parameters]
CL = { equation = "4 [L/h]", unit = "L/h" }
V = { equation = "70 [L]", unit = "L" }
[variability]
CL = { sd = 1.0, transform = "normal" }
V = { omega2 = 0.2 }
[residual]
convention = "sd2 = a2 + b2 f2"
proportional = 0.2
"""
CARD = read_card(TEXT)
TIMES_H, DOSE_MG = (1.0, 12.0, 24.0), 1000.0


def rising(*levels):
    return Subject("a", (Dose(0.0, DOSE_MG), *(Level(t, y) for t, y in zip(TIMES_H, levels, strict=True))))


NEAR, BEYOND, USUAL = rising(9.0, 14.0, 16.0), rising(9.0, 17.0, 28.0), rising(13.0, 7.5, 4.0)
"""Levels that leave little clearance, levels of which only a negative clearance makes sense, and usual ones."""


def loss(cl, eta, patient):
    """Minus log posterior of clearance (L/h, broadcast) and the volume's effect."""
    v = 70.0 * np.exp(eta)
    total = 0.5 * (cl - 4.0) ** 2 + 0.5 * eta**2 / 0.2
    for level in patient.levels:
        f = DOSE_MG / v * np.exp(-cl / v * level.time_h)
        total = total + 0.5 * ((level.value_mg_L - f) / (0.2 * f)) ** 2 + np.log(0.2 * f)
    return total


@cache
def fitted(patient, method="map"):
    return ido.fit(CARD, patient, method)


@pytest.mark.parametrize(
    ("patient", "outcome"), [(NEAR, Outcome.CONVERGED), (BEYOND, Outcome.BOUND)], ids=["near", "beyond"]
)
def test_the_mode_is_that_of_a_search_within_bounds(patient, outcome):
    found = minimize(lambda x: float(loss(x[0], x[1], patient)), [1.0, 0.0], method="L-BFGS-B",
                     bounds=[(0.0, None), (None, None)], options={"ftol": 1e-15, "gtol": 1e-10})  # fmt: skip
    assert (found.x[0] == 0.0) == (outcome is Outcome.BOUND)
    fit = fitted(patient)
    np.testing.assert_allclose([4.0 + fit.eta[0], fit.eta[1]], found.x, rtol=0, atol=2 * ESTIMATE)
    assert fit.status.outcome is outcome
    assert fit.status.ok
    ward = ido.fit_ward(CARD, [USUAL, patient, USUAL]).fits
    np.testing.assert_allclose(ward[1].eta, fit.eta, rtol=0, atol=ESTIMATE)
    assert ward[1].status == fit.status
    assert ward[0].status.outcome is Outcome.CONVERGED


def test_a_parameter_at_0_is_said_and_no_dose_follows():
    fit = fitted(BEYOND)
    assert fit.status.sentence.startswith("CL went to 0 and cannot be negative")
    codes = [n.code for n in fit.warnings]
    assert "fit-bound" in codes
    assert "at-a-corner" not in codes
    cl = fit.parameters()["CL"]
    assert cl.value == cl.low == 0.0
    assert 0.0 < cl.high < 4.0
    assert np.isfinite([*fit.predict([1.0, 48.0]), *np.ravel(fit.band([1.0, 48.0])), *np.ravel(fit.covariance)]).all()


def test_an_interval_ends_at_0_and_draws_follow_the_truncated_normal():
    fit = fitted(NEAR)
    cl = fit.parameters()["CL"]
    sd = math.sqrt(fit.covariance[0, 0])
    centre = 4.0 + fit.eta[0]
    assert cl.low == 0.0
    np.testing.assert_allclose(cl.high, centre + NormalDist().inv_cdf(0.95) * sd, rtol=IDENTITY)
    (notice,) = [n for n in fit.warnings if n.code == "cut-at-zero"]
    assert notice.sentence.startswith("CL cannot be negative")
    count = 20_000
    draws = 4.0 + fit.sample(count)[:, 0]
    assert draws.min() > 0.0
    a = -centre / sd
    hazard = NormalDist().pdf(a) / (1.0 - NormalDist().cdf(a))
    mean, variance = centre + sd * hazard, sd**2 * (1.0 + a * hazard - hazard**2)
    assert within_standard_errors(draws.mean(), mean, math.sqrt(variance / count))
    assert fit.exposure("auc", 0.0, 24.0).low > 0.0


def test_where_nothing_is_near_0_nothing_is_said():
    fit = fitted(USUAL)
    assert [n.code for n in fit.warnings] == []
    free = minimize(lambda x: float(loss(x[0], x[1], USUAL)), [4.0, 0.0], method="BFGS", options={"gtol": 1e-9}).x
    np.testing.assert_allclose([4.0 + fit.eta[0], fit.eta[1]], free, rtol=0, atol=ESTIMATE)


@pytest.mark.parametrize("method", ["sir", "nuts"])
@pytest.mark.parametrize("patient", [NEAR, BEYOND], ids=["near", "beyond"])
def test_the_posterior_is_that_of_a_grid_above_0(method, patient):
    fit = fitted(patient, method)
    assert fit.draws is not None
    assert (4.0 + fit.draws[:, 0]).min() > 0.0
    # the trapezoid rule with half a weight at the edge
    cl, eta = np.linspace(0.0, 9.0, 1801)[:, None], np.linspace(-2.0, 2.0, 801)[None, :]
    weight = np.exp(-(loss(cl, eta, patient) - loss(cl, eta, patient).min()))
    weight[0] *= 0.5
    weight /= weight.sum()
    for i, value in enumerate((cl - 4.0, eta)):
        mean = (weight * value).sum()
        sd = math.sqrt((weight * (value - mean) ** 2).sum())
        assert abs(fit.eta[i] - mean) / sd < 2 * POSTERIOR_MEAN
        assert abs(math.sqrt(fit.covariance[i, i]) / sd - 1.0) < POSTERIOR_SD
    if method == "nuts":
        assert fit.sampling.divergences == 0


def test_which_parameters_are_guarded():
    assert relation(CARD)[1].guarded == ("CL",)
    assert relation(read_card(TEXT.replace('sd = 1.0, transform = "normal"', "omega2 = 0.1")))[1].guarded == ()
    known = registers.parameters()
    assert [name for name in ("CL", "V1", "ka", "lag2", "CLm", "Vmax", "F", "k3") if known[name].signed] == []
    assert all(known[name].signed for name in ("A", "B", "inhibition", "alpha_10"))
