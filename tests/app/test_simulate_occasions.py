"""Variability between occasions: each has effects of its own, of the card's variance, and holds where the record says."""

from __future__ import annotations

import io
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize

import individose as ido
from individose.base import InputError
from individose.drugs import library
from individose.drugs.schema import read_card
from individose.events import Dose, Level, Reading, Subject, read_nonmem, read_regimen
from individose.inference.individual import map as mode
from individose.prediction import bind
from individose.prediction.bind import covariances, precision, typical_draws
from tolerances import ESTIMATE, IDENTITY, within_standard_errors

CL_PER_KG, V_PER_KG, IIV, IOV = 0.00469555, 0.984258, 0.0293508, 0.08
WHO = {"weight": 1.4, "apgar_5min": 7}
CL, V = CL_PER_KG * 1.4, V_PER_KG * 1.4
COUNT = 4000

FILE = Path(library.__file__).parent / "cards" / "phenobarbital" / "grasela1985.toml"
BETWEEN = f'CL = [{{ omega2 = {IIV} }}, {{ omega2 = {IOV}, level = "occasion" }}]'
TEXT = FILE.read_text(encoding="utf-8").replace(f"CL = {{ omega2 = {IIV} }}", BETWEEN)
CARD = read_card(TEXT)


def test_the_card_states_both_levels():
    assert [(e.parameter, e.level) for e in CARD.effects] == [("CL", "subject"), ("CL", "occasion"), ("V", "subject")]
    subject, between = covariances(CARD)
    np.testing.assert_array_equal(subject, np.diag([IIV, 0.027906]))
    np.testing.assert_array_equal(between, [[IOV]])
    expected = np.diag([IIV, 0.027906, IOV, IOV, IOV])
    np.testing.assert_allclose(precision(CARD, 3) @ expected, np.eye(5), atol=IDENTITY)


def test_each_occasion_varies_as_the_card_says_and_shares_the_subjects_effect():
    doses = read_regimen("20 mg; 20 mg at 48; 20 mg at 96")
    found = ido.simulate(
        CARD, doses=doses, covariates=WHO, count=COUNT, seed=2, occasions_h=[48.0, 96.0],
        times_h=[1.0, 40.0, 49.0, 90.0, 97.0, 140.0],
    )  # fmt: skip
    v = found.parameters["V"]
    k = np.log(found.levels[:, 0::2] / found.levels[:, 1::2]) / np.array([39.0, 41.0, 43.0])
    np.testing.assert_allclose(k[:, 2] * v, found.parameters["CL"], rtol=IDENTITY)  # the last occasion's
    eta = np.log(k * v[:, None] / CL)
    total = IIV + IOV
    covariance = np.cov(eta.T)
    for i in range(3):
        assert within_standard_errors(covariance[i, i], total, total * math.sqrt(2 / COUNT))
        for j in range(i):
            assert within_standard_errors(covariance[i, j], IIV, math.sqrt((total**2 + IIV**2) / COUNT))
    # across the boundary the amount goes on: what was there at 48 h with the first clearance, then the second
    at_49 = (20 / v * np.exp(-48 * k[:, 0]) + 20 / v) * np.exp(-k[:, 1])
    np.testing.assert_allclose(found.levels[:, 2], at_49, rtol=IDENTITY)


TABLE = """ID,TIME,AMT,DV,WT,APGR,OCC
1,0,20,.,1.4,7,1
1,10,.,.,1.4,7,1
1,12,5,.,1.4,7,2
1,20,.,.,1.4,7,2
1,30,.,.,1.4,7,1
"""


def test_a_tables_occ_holds_on_the_interval_that_ends_at_its_record_and_may_return():
    (patient,) = read_nonmem(io.StringIO(TABLE))
    bound = bind(CARD, patient)
    assert bound.effects[:4] == ("CL", "V", "CL:occ1", "CL:occ2")
    eta = np.zeros(len(bound.effects))
    eta[:4] = 0.1, -0.2, 0.3, -0.4
    v = V * math.exp(-0.2)
    first, second = (CL * math.exp(0.1 + e) / v for e in (0.3, -0.4))
    at_10 = 20 / v * math.exp(-10 * first)
    at_20 = at_10 * math.exp(-10 * second) + 5 / v * math.exp(-8 * second)
    got = np.asarray(bound.relation.predict(eta, bound.data()))[:3]
    np.testing.assert_allclose(got, [at_10, at_20, at_20 * math.exp(-10 * first)], rtol=IDENTITY)


def test_the_most_probable_effects_are_an_independent_optimisers():
    events = [
        Reading(0.0, WHO | {"occasion": 1}), Dose(0.0, 20.0), Level(2.0, 16.0), Level(60.0, 9.0),
        Reading(60.0, {"occasion": 1}), Reading(60.0, {"occasion": 2}), Dose(60.0, 20.0), Level(62.0, 25.0),
        Level(120.0, 21.0),
    ]  # fmt: skip
    bound = bind(CARD, Subject("a", tuple(events)))
    eta = np.asarray(mode.solve(bound.relation, bound.data(), np.zeros(len(bound.effects)), mode.Settings()).eta)

    def objective(e):
        v = V * math.exp(e[1])
        k1, k2 = (CL * math.exp(e[0] + e[i]) / v for i in (2, 3))
        at_60 = 20 / v * math.exp(-60 * k1)
        f = np.array([20 / v * math.exp(-2 * k1), at_60, *((at_60 + 20 / v) * np.exp(-k2 * np.array([2.0, 60.0])))])
        variance = 0.013241 * f**2
        residual = np.sum((np.array([16.0, 9.0, 25.0, 21.0]) - f) ** 2 / variance + np.log(variance))
        return residual + e[0] ** 2 / IIV + e[1] ** 2 / 0.027906 + (e[2] ** 2 + e[3] ** 2) / IOV

    best = minimize(
        objective, np.zeros(4), method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-13, "maxiter": 5000}
    )
    np.testing.assert_allclose(eta[:4], best.x, atol=ESTIMATE)
    np.testing.assert_array_equal(eta[4:], 0.0)  # occasions that only fill up the arrays


def test_without_occasions_everything_is_one_and_the_result_says_so():
    found = ido.simulate(CARD, doses=[Dose(0.0, 20.0)], covariates=WHO, times_h=[1.0, 40.0], count=COUNT, seed=1)
    eta = np.log(found.parameters["CL"] / CL)
    assert within_standard_errors(float(np.var(eta)), IIV + IOV, (IIV + IOV) * math.sqrt(2 / COUNT))
    assert "one-occasion" in {notice.code for notice in found.notices}


def test_draws_of_no_constant_are_the_typical_patient_in_every_piece():
    (patient,) = read_nonmem(io.StringIO(TABLE.replace("1,20,.,.,1.4", "1,20,.,.,1.6")))
    bound = bind(CARD, patient)
    assert len(bound.typical) > 1
    np.testing.assert_allclose(typical_draws(bound, {})[0], bound.typical, rtol=IDENTITY)


def test_an_estimate_has_the_effects_of_every_occasion_and_a_ward_equals_one_by_one():
    events = (
        Reading(0.0, WHO | {"occasion": 1}), Dose(0.0, 20.0), Level(2.0, 16.0), Level(60.0, 9.0),
        Reading(60.0, {"occasion": 1}), Reading(60.0, {"occasion": 2}), Dose(60.0, 20.0), Level(62.0, 25.0),
    )  # fmt: skip
    two = Subject("two", events)
    one = Subject("one", (Reading(0.0, WHO), Dose(0.0, 20.0), Level(2.0, 16.0), Level(60.0, 9.0)))
    fit = ido.fit(CARD, two)
    assert fit.status.code == "converged"
    named = dict(zip(fit.problem.effects, fit.eta, strict=True))
    assert named["CL:occ1"] * named["CL:occ2"] != 0.0
    clearance = fit.parameters()["CL"]
    assert math.isclose(clearance.value, CL * math.exp(named["CL"] + named["CL:occ2"]), rel_tol=IDENTITY)
    spread = fit.covariance[np.ix_([0, 3], [0, 3])].sum() ** 0.5  # of CL + CL:occ2, which covary
    assert math.isclose(math.log(clearance.high / clearance.low), 2 * 1.645 * spread, rel_tol=0.1)
    ward = ido.fit_ward(CARD, [two, one, replace(two, id="again")])
    assert not ward.refused
    np.testing.assert_allclose(ward.fits[0].eta, fit.eta, atol=ESTIMATE)
    np.testing.assert_allclose(ward.fits[2].eta, fit.eta, atol=ESTIMATE)
    np.testing.assert_allclose(ward.fits[1].eta, ido.fit(CARD, one).eta, atol=ESTIMATE)


@pytest.mark.parametrize(
    ("card", "starts", "covariates", "beat"),
    [
        (ido.card("phenobarbital/grasela1985"), [24.0], WHO, "does not vary between occasions"),
        (CARD, [24.0, 12.0], WHO, "later than the one before"),
        (CARD, [24.0], WHO | {"occasion": 1}, "names occasions"),
    ],
)
def test_occasions_that_cannot_be_had_are_refused(card, starts, covariates, beat):
    with pytest.raises(InputError, match=beat):
        ido.simulate(card, doses=[Dose(0.0, 20.0)], covariates=covariates, times_h=[1.0], occasions_h=starts)
