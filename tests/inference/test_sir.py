"""Sampling-importance-resampling against integrals on a grid, against itself by simulation, and where it cannot work."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

import individose as ido
from individose.inference import MAP, METHODS, SIR
from individose.inference.individual import sir
from individose.inference.individual.sampling import seed_of
from inference import posteriors
from tolerances import IDENTITY, POSTERIOR_MEAN, POSTERIOR_SD

FINE = SIR(sir.Settings(proposals=32768, wanted=16384.0))
LEVELS = [(2.0, 17.0), (20.0, 19.0), (47.0, 25.0)]


@settings(max_examples=8)
@given(
    st.lists(
        st.tuples(st.sampled_from([2.0, 11.0, 20.0, 35.0, 47.0, 80.0]), st.floats(5.0, 50.0)), min_size=1, max_size=4
    )
)
def test_moments_and_marginal_likelihood_equal_a_grid_integral(levels):
    levels = sorted(dict(levels).items())
    fit = FINE.fit(posteriors.problem(posteriors.bind(posteriors.NEWBORN, posteriors.newborn(levels))))
    means, sds, marginal = posteriors.grid_moments(levels)
    assert fit.status.ok
    np.testing.assert_array_less(np.abs(fit.eta - means) / sds, POSTERIOR_MEAN)
    np.testing.assert_array_less(np.abs(np.sqrt(np.diag(fit.covariance)) / sds - 1), POSTERIOR_SD)
    # the standard error of a log of a mean weight is sqrt(1 / effective - 1 / proposals) at most
    assert abs(fit.sampling.log_marginal - marginal) < 4 / math.sqrt(fit.sampling.least_effective)
    # draws are resampled from the same weights: their own error on top
    se = 1 / math.sqrt(len(fit.draws)) + 1 / math.sqrt(fit.sampling.least_effective)
    np.testing.assert_array_less(np.abs(fit.draws.mean(axis=0) - means) / sds, 4 * se)
    np.testing.assert_array_less(np.abs(fit.draws.std(axis=0) / sds - 1), 4 * se)


def test_without_levels_the_draws_are_the_population():
    fit = ido.fit(posteriors.NEWBORN, posteriors.newborn([]), method="sir")
    assert fit.status.code == "flat"
    sd = np.sqrt(posteriors.OMEGA2)
    np.testing.assert_array_less(np.abs(fit.eta) / sd, POSTERIOR_MEAN)
    np.testing.assert_array_less(np.abs(np.sqrt(np.diag(fit.covariance)) / sd - 1), POSTERIOR_SD)
    assert abs(fit.sampling.log_marginal) < POSTERIOR_MEAN


def test_a_patient_has_the_same_draws_alone_and_in_any_place_of_a_ward():
    patients = [posteriors.newborn([(2.0, y)], name=str(y)) for y in (15.0, 17.0, 19.0)]
    ward = ido.fit_ward(posteriors.NEWBORN, patients, "sir")
    back = ido.fit_ward(posteriors.NEWBORN, patients[::-1], "sir")
    alone = ido.fit(posteriors.NEWBORN, patients[1], method="sir")
    np.testing.assert_allclose(ward.fits[1].draws, alone.draws, rtol=IDENTITY, atol=IDENTITY)
    np.testing.assert_allclose(ward.fits[2].draws, back.fits[0].draws, rtol=IDENTITY, atol=IDENTITY)
    problems = [posteriors.problem(posteriors.bind(posteriors.NEWBORN, one)) for one in patients]
    assert len({int(seed_of(p, 0)) for p in problems} | {int(seed_of(problems[0], 1))}) == 4


def test_a_proposal_that_is_far_off_is_moved_until_it_is_enough():
    """The mode's covariance a hundred times too small, its place 20 SDs away: rounds have to find the posterior."""
    problem = posteriors.problem(posteriors.bind(posteriors.NEWBORN, posteriors.newborn(LEVELS)))
    near = MAP().fit(problem)
    away = near.eta + 20 * np.sqrt(np.diag(near.covariance) / 100)
    found = sir.sample(problem.likelihood, problem.data, away, near.covariance / 100, 1, sir.Settings())
    means, sds, _ = posteriors.grid_moments(LEVELS)
    assert 1 < found.rounds <= sir.Settings().rounds
    assert np.all(found.worth > 0.5 * sir.Settings().wanted)
    np.testing.assert_array_less(np.abs(found.mean - means) / sds, 4 / np.sqrt(found.worth))


def test_what_the_weights_are_worth_is_the_error_of_their_means():
    """From a proposal ten times too narrow, where the weights alone claim twice as many draws as their means show."""
    problem = posteriors.problem(posteriors.bind(posteriors.NEWBORN, posteriors.newborn(LEVELS[:1])))
    near, (means, sds, _) = MAP().fit(problem), posteriors.grid_moments(LEVELS[:1])
    once, count = sir.Settings(proposals=2048, rounds=1), 200
    narrow = near.covariance / 10
    runs = [sir.sample(problem.likelihood, problem.data, near.eta, narrow, seed, once) for seed in range(count)]
    squares = np.sum([((one.mean - means) / sds) ** 2 * one.worth for one in runs], axis=0)
    chance = chi2.cdf(squares, count)
    assert np.all((chance > 1e-4) & (chance < 1.0 - 1e-4)), squares / count


def test_too_few_effective_draws_fail_with_a_sentence_and_the_normal_approximation():
    problem = posteriors.problem(posteriors.bind(posteriors.NEWBORN, posteriors.newborn(LEVELS)))
    fit = SIR(sir.Settings(proposals=64, rounds=1)).fit(problem)
    assert fit.status.code == "failed"
    assert "normal approximation" in fit.status.sentence
    assert fit.draws is None
    np.testing.assert_allclose(fit.eta, MAP().fit(problem).eta, atol=IDENTITY)
    assert any(n.code == "sir-failed" and n.grade == "warning" for n in fit.warnings)
    with_doubt = SIR(sir.Settings(proposals=300, rounds=1, draws=300)).fit(problem)
    assert with_doubt.status.ok
    assert any(n.code == "sir-effective" and n.grade == "caution" for n in with_doubt.warnings)


@pytest.mark.parametrize("value", [1e-30, 1e12])
def test_a_hard_case_has_a_status_and_no_nan(value):
    fit = ido.fit(posteriors.NEWBORN, posteriors.newborn([(2.0, value), (20.0, 17.0)]), method="sir")
    assert fit.status.sentence
    assert np.all(np.isfinite(fit.eta))
    assert np.all(np.isfinite(fit.covariance))
    assert not fit.status.ok or any(n.code == "level-missed" for n in fit.warnings)


def test_every_interval_comes_from_the_draws():
    """Just after the only dose the level is dose / V: quantiles of band and parameter are those of the draws."""
    fit = ido.fit(posteriors.NEWBORN, posteriors.newborn([(2.0, 17.0)], doses=((0.0, 25.0),)), method="sir")
    v = posteriors.TYPICAL[1] * np.exp(fit.draws[:, 1])
    low, high = fit.effect_quantiles(0.05), fit.effect_quantiles(0.95)
    np.testing.assert_allclose(np.quantile(fit.draws, 0.05, axis=0), low, rtol=IDENTITY)
    found = fit.parameters()["V"]
    np.testing.assert_allclose(
        [found.low, found.high], posteriors.TYPICAL[1] * np.exp([low[1], high[1]]), rtol=IDENTITY
    )
    sample = posteriors.TYPICAL[1] * np.exp(fit.sample(500)[:, 1])
    ends = np.array(fit.band([0.0], count=500))[:, 0]
    np.testing.assert_allclose(ends, np.quantile(25.0 / sample, [0.05, 0.95]), rtol=IDENTITY)
    area = fit.exposure("auc", 0.0, 24.0)
    cl = posteriors.TYPICAL * np.exp(fit.sample())
    by_hand = 25.0 / cl[:, 0] * -np.expm1(-24.0 * cl[:, 0] / cl[:, 1])
    np.testing.assert_allclose([area.low, area.high], np.quantile(by_hand, [0.05, 0.95]), rtol=IDENTITY)
    assert np.quantile(v, 0.05) < found.value < np.quantile(v, 0.95)


@pytest.mark.parametrize("case", ["newborns", "oral"])
def test_ranks_of_the_truth_are_uniform_and_intervals_hold_it(case):
    count = 200
    etas, problems = posteriors.RANDOM[case](count, np.random.default_rng(11))
    ps, covered = posteriors.calibration(etas, SIR(sir.Settings(proposals=4096, wanted=1000.0)).fit_ward(problems))
    assert np.all(ps > 1e-4)
    assert all(posteriors.coverage_is_possible(share, count) for share in covered)


@pytest.mark.slow
@pytest.mark.parametrize("case", ["newborns", "oral"])
def test_calibration_of_many_simulated_patients(case):
    etas, problems = posteriors.RANDOM[case](1000, np.random.default_rng(12))
    ps, covered = posteriors.calibration(etas, METHODS["sir"].fit_ward(problems))
    assert np.all(ps > 1e-3)
    assert np.all((covered > 0.85) & (covered < 0.95))
