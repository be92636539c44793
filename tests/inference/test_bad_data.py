"""Records that are wrong or odd: each has a sensible result or a clear status, and is said."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import norm

import individose as ido
from individose.base import InputError
from individose.events import Level
from individose.inference.individual.missed import missed
from inference.posteriors import DOSES, OMEGA2, SIGMA2, TYPICAL, bolus_levels, newborn
from tolerances import ESTIMATE

CARD = ido.card("phenobarbital/grasela1985")
TIMES = (2.0, 20.0, 47.0)


def true_levels(times, doses=DOSES, eta=(0.1, -0.1)):
    return bolus_levels(*(TYPICAL * np.exp(eta)), np.asarray(times), doses)


def described(levels, doses=DOSES):
    return ido.estimate(CARD, newborn(list(levels), doses))


def codes(result, *grades):
    return {notice.code for notice in result.warnings if notice.grade in (grades or ("note", "caution", "warning"))}


@pytest.mark.parametrize("place", range(3))
def test_a_level_ten_times_too_high_is_said_and_no_dose_is_advised(place):
    levels = true_levels(TIMES)
    levels[place] *= 10.0
    found = described(zip(TIMES, levels, strict=True))
    assert found.fit.status.code in ("converged", "bound", "failed", "multi-modal")
    assert codes(found, "warning")
    assert not found.advice.candidates


@pytest.mark.parametrize("place", range(3))
def test_a_level_of_zero_is_said_and_no_dose_is_advised(place):
    levels = true_levels(TIMES)
    levels[place] = 0.0
    found = described(zip(TIMES, levels, strict=True))
    assert {"level-missed", "no-advice"} <= codes(found, "warning")
    assert not found.advice.candidates


def test_a_dose_that_rests_on_one_impossible_level_says_so():
    """Alone it bends the whole fit, so that nothing is missed; it is still one that such patients do not have."""
    found = described([(47.0, 0.2 * float(true_levels([47.0])[0]))])
    assert "level-unusual" in codes(found, "warning")
    assert not found.advice.candidates or "in doubt" in found.advice.sentence


def test_a_level_infinitely_far_off_is_said_in_words():
    sentence = missed(ido.fit(CARD, newborn([(2.0, 17.0)])).problem, np.array([np.nan]))[0].sentence
    assert "infinitely far" in sentence
    assert "nan" not in sentence


def test_a_negative_level_is_refused_and_stops_nobody():
    wrong = newborn([(2.0, -3.0)], name="wrong")
    right = newborn([(2.0, 17.0)], name="right")
    with pytest.raises(InputError, match=r"the level at 2 h is -3 mg/L.*0 or more"):
        ido.estimate(CARD, wrong)
    ward = ido.fit_ward(CARD, [wrong, right])
    assert [fit.id for fit in ward.fits] == ["right"]
    assert [one.id for one in ward.refused] == ["wrong"]


@pytest.mark.parametrize("weight", [1e-2, 1e-8])
def test_a_prior_that_counts_next_to_nothing_makes_no_level_informative(weight):
    """One level early on says nothing of clearance, however little the population counts."""
    fit = ido.fit(CARD, newborn([(2.0, float(true_levels([2.0])[0]))]), prior_weight=weight)
    assert fit.status.code == "flat"
    assert "It concerns CL." in fit.status.sentence


def test_an_effect_beyond_the_published_population_is_at_a_bound_however_flat_the_prior():
    levels = true_levels(TIMES, eta=(-1.3, 0.0))  # 7.6 SDs
    found = ido.fit(CARD, newborn(list(zip(TIMES, levels, strict=True))), prior_weight=1e-4)
    assert found.status.code == "bound"
    assert found.eta[0] < -6 * np.sqrt(OMEGA2[0])


def test_a_loading_dose_that_is_missing_from_the_history_is_said():
    short = ((0.0, 3.5), *DOSES[1:])  # 25 mg were given at first
    found = described(zip(TIMES, true_levels(TIMES), strict=True), short)
    assert codes(found, "warning", "caution")
    assert not found.advice.candidates


def test_two_levels_at_one_time_that_disagree_are_said():
    at = true_levels([47.0])[0]
    found = described([(47.0, 0.5 * at), (47.0, 1.5 * at)])
    assert "level-contradicts" in codes(found, "warning", "caution")
    assert np.isfinite(found.fit.eta).all()


def test_a_dose_that_rests_on_a_level_in_doubt_says_so():
    """Both are near enough to the fit that none is missed; each is rare given the other."""
    at = true_levels([47.0])[0]
    found = described([(47.0, 0.7 * at), (47.0, 1.3 * at)])
    assert "level-contradicts" in codes(found, "warning")
    assert found.advice.candidates
    assert found.advice.sentence.endswith("settle that before this dose is given.")
    assert "advice-in-doubt" in codes(found, "warning")
    agreeing = described([(47.0, 0.95 * at), (47.0, 1.05 * at)])
    assert "doubt" not in agreeing.advice.sentence
    assert "advice-in-doubt" not in codes(agreeing, "warning", "caution", "note")


def test_all_levels_below_the_limit_pull_the_estimate_down_as_far_as_their_probability_says():
    limit = 8.0
    subject = ido.subject(
        "a",
        doses=[ido.Dose(*d) for d in DOSES],
        levels=[Level(t, limit, censoring="below") for t in TIMES],
        covariates={"weight": 1.4, "apgar_5min": 7},
    )
    fit = ido.fit(CARD, subject)

    def loss(eta):
        f = bolus_levels(*(TYPICAL * np.exp(eta)), np.array(TIMES))
        return 0.5 * np.sum(eta**2 / OMEGA2) - norm.logcdf((limit - f) / (np.sqrt(SIGMA2) * f)).sum()

    best = minimize(loss, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-11, "fatol": 1e-14, "maxiter": 4000})
    assert fit.status.ok
    np.testing.assert_allclose(fit.eta, best.x, rtol=0, atol=ESTIMATE)
    assert fit.predict([47.0])[0] < fit.at_effects(np.zeros(2), [47.0])[0]


def test_two_hundred_levels_are_fitted_like_three():
    generator = np.random.default_rng(11)
    times = np.sort(generator.uniform(0.5, 60.0, 200))
    observed = true_levels(times) * (1 + np.sqrt(SIGMA2) * generator.standard_normal(200))
    fit = ido.fit(CARD, newborn(list(zip(times.tolist(), observed.tolist(), strict=True))))

    def loss(eta):
        f = bolus_levels(*(TYPICAL * np.exp(eta)), times)
        return 0.5 * np.sum(eta**2 / OMEGA2) + np.sum((observed - f) ** 2 / (2 * SIGMA2 * f**2) + np.log(f))

    best = minimize(
        loss, fit.eta + 0.05, method="Nelder-Mead", options={"xatol": 1e-11, "fatol": 1e-13, "maxiter": 4000}
    )
    assert fit.status.code == "converged"
    np.testing.assert_allclose(fit.eta, best.x, rtol=0, atol=ESTIMATE)


def test_one_level_and_none_are_enough_for_a_result():
    one = described([(47.0, float(true_levels([47.0])[0]))])
    assert one.fit.status.code in ("converged", "flat")
    none = described([])
    assert none.fit.status.code == "flat"
    np.testing.assert_array_equal(none.fit.eta, 0.0)
    assert "No level was measured" in none.fit.status.sentence
