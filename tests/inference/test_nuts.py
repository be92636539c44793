"""The No-U-Turn sampler: chains against grids, against importance sampling, by simulation; and what is said of bad ones."""

import sys

import arviz_stats
import numpy as np
import pytest
from arviz_stats.base import array_stats
from hypothesis import given, settings
from hypothesis import strategies as st

import individose as ido
from individose.base import InputError
from individose.inference import METHODS, NUTS, Sampling, to_arviz
from individose.inference.individual import nuts
from individose.inference.individual.chains import bulk_size, rhat
from individose.inference.individual.posterior import of_draws
from inference import posteriors
from tolerances import IDENTITY, POSTERIOR_MEAN, POSTERIOR_SD

LEVELS = [(2.0, 17.0), (20.0, 19.0), (47.0, 25.0)]
LONG = NUTS(nuts.Settings(draws=5000))
SHORT = NUTS(nuts.Settings(draws=250, warm_up=200))


def newborn_problem(levels):
    return posteriors.problem(posteriors.bind(posteriors.NEWBORN, posteriors.newborn(levels)))


@pytest.fixture(scope="module")
def fit():
    return LONG.fit(newborn_problem(LEVELS))


@pytest.mark.parametrize("levels", [LEVELS, [(2.0, 17.0), (47.0, 12.0)], [(2.0, 30.0), (80.0, 8.0)]])
def test_moments_equal_a_grid_integral_and_importance_sampling(levels):
    fit = LONG.fit(newborn_problem(levels))
    by_weights = METHODS["sir"].fit(newborn_problem(levels))
    means, sds, _ = posteriors.grid_moments(levels)
    for found in (fit, by_weights):
        assert found.status.code == "converged"
        np.testing.assert_array_less(np.abs(found.eta - means) / sds, POSTERIOR_MEAN)
        np.testing.assert_array_less(np.abs(np.sqrt(np.diag(found.covariance)) / sds - 1), POSTERIOR_SD)
    assert fit.sampling.worst_rhat < 1.01
    assert fit.draws.shape == (20000, 2)


def test_what_the_sampler_says_is_data(fit):
    found = fit.sampling
    assert found.chains == 4
    assert set(found.rhat) == set(found.effective) == {"CL", "V"}
    assert found.divergences == 0
    by_chain = fit.draws.reshape(4, -1, 2)
    for i, name in enumerate(("CL", "V")):
        assert found.rhat[name] == pytest.approx(
            array_stats.rhat(by_chain[:, :, i], chain_axis=0, draw_axis=1), rel=IDENTITY
        )
    assert {x.shape for x in found.statistics.values()} == {(4, 5000)}
    lp = -np.array([posterior_by_hand(eta) for eta in by_chain[0, :3]])
    np.testing.assert_allclose(found.statistics["lp"][0, :3], lp, rtol=IDENTITY)


def posterior_by_hand(eta):
    times, observed = np.array(LEVELS).T
    f = posteriors.bolus_levels(*(posteriors.TYPICAL * np.exp(eta)), times)
    variance = posteriors.SIGMA2 * f**2
    return 0.5 * np.sum((observed - f) ** 2 / variance + np.log(variance)) + 0.5 * np.sum(eta**2 / posteriors.OMEGA2)


@settings(max_examples=40)
@given(st.floats(-0.6, 0.9), st.integers(2, 6), st.integers(40, 300), st.floats(0.0, 2.0), st.integers(0, 10_000))
def test_rhat_and_bulk_size_are_those_of_arviz(correlation, chains, length, apart, seed):
    noise = np.random.default_rng(seed).standard_normal((chains, length))
    for i in range(1, length):
        noise[:, i] += correlation * noise[:, i - 1]
    draws = noise + apart * np.arange(chains)[:, None]
    assert rhat(draws) == pytest.approx(float(array_stats.rhat(draws, chain_axis=0, draw_axis=1)), rel=IDENTITY)
    expected = float(array_stats.ess(draws, chain_axis=0, draw_axis=1, method="bulk"))
    assert bulk_size(draws) == pytest.approx(expected, rel=IDENTITY)


def test_chains_that_do_not_vary_or_are_not_finite_have_no_rhat_and_no_size():
    for draws in (np.ones((4, 50)), np.full((4, 50), np.nan)):
        assert np.isnan(rhat(draws))
        assert bulk_size(draws) == 0.0


@pytest.mark.parametrize(
    ("sampling", "code", "grade"),
    [
        (Sampling(4, {"CL": 2000.0, "V": 90.0}, {"CL": 1.0, "V": 1.0}), "nuts-failed", "warning"),
        (Sampling(4, {"CL": 2000.0, "V": 300.0}, {"CL": 1.0, "V": 1.0}), "nuts-effective", "caution"),
        (Sampling(4, {"CL": 2000.0, "V": 900.0}, {"CL": 1.0, "V": 1.2}), "nuts-failed", "warning"),
        (Sampling(4, {"CL": 2000.0, "V": 900.0}, {"CL": 1.0, "V": 1.05}), "nuts-rhat", "caution"),
        (Sampling(4, {"CL": 2000.0, "V": 900.0}, {"CL": 1.0, "V": float("nan")}), "nuts-failed", "warning"),
        *(
            (Sampling(4, {"CL": 2000.0}, {"CL": 1.0}, {"diverging": np.arange(1000) < n}), "nuts-divergences", grade)
            for n, grade in ((1, "note"), (20, "caution"), (200, "warning"))
        ),
    ],
)
def test_bad_chains_are_said(fit, sampling, code, grade):
    found = of_draws(METHODS["map"].fit(fit.problem), "nuts", fit.draws, (fit.eta, fit.covariance), 0.0, sampling, ())
    assert [(n.code, n.grade) for n in found.notices] == [(code, grade)]
    assert found.status.ok == (code != "nuts-failed")
    assert (found.draws is None) == (code == "nuts-failed")


def test_a_doubt_has_finer_chains_run():
    """A step that always diverges leaves a doubt about the first chains; the finer ones take their place."""
    coarse = nuts.Settings(draws=250, warm_up=200, acceptance=0.05, finer=0.9, repeats=2)
    fit = NUTS(coarse).fit(newborn_problem(LEVELS))
    means, sds, _ = posteriors.grid_moments(LEVELS)
    assert fit.sampling.chains == 8
    assert fit.sampling.statistics["acceptance_rate"].mean() > 0.8
    error = 4 / np.sqrt(fit.sampling.least_effective)
    np.testing.assert_array_less(np.abs(fit.eta - means) / sds, error)


def test_effects_that_only_fill_up_have_no_diagnostics(fit):
    from dataclasses import replace

    problem = replace(fit.problem, effects=("CL", ""))
    found = SHORT.fit(problem)
    assert set(found.sampling.rhat) == set(found.sampling.effective) == {"CL"}
    assert list(to_arviz(found)["posterior"].coords["effect"].values) == ["CL"]


def test_a_ward_and_one_by_one_agree():
    problems = [newborn_problem([(2.0, y), (30.0, 20.0)]) for y in (14.0, 17.0, 22.0)]
    problems = [posteriors_named(p, str(i)) for i, p in enumerate(problems)]
    for alone, together in zip([SHORT.fit(p) for p in problems], SHORT.fit_ward(problems), strict=True):
        error = 4 * np.hypot(
            1 / np.sqrt(alone.sampling.least_effective), 1 / np.sqrt(together.sampling.least_effective)
        )
        np.testing.assert_array_less(np.abs(alone.eta - together.eta) / np.sqrt(np.diag(alone.covariance)), error)


def posteriors_named(problem, name):
    from dataclasses import replace

    return replace(problem, id=name)


def test_new_values_of_one_shape_compile_nothing():
    SHORT.fit(newborn_problem([(2.0, 17.0)]))
    before = nuts.solve._cache_size()
    for value in (10.0, 20.0):
        SHORT.fit(newborn_problem([(3.0, value)]))
    assert nuts.solve._cache_size() == before


def test_arviz_reads_the_draws(fit):
    tree = to_arviz(fit)
    np.testing.assert_array_equal(tree["posterior"]["eta"].values.reshape(-1, 2), fit.draws)
    cl = posteriors.TYPICAL[0] * np.exp(fit.draws[:, 0])
    np.testing.assert_allclose(tree["posterior"]["CL"].values.ravel(), cl, rtol=IDENTITY)
    np.testing.assert_array_equal(tree["observed_data"]["level"].values, [y for _, y in LEVELS])
    assert arviz_stats.summary(tree).loc["CL", "r_hat"] <= 1.01
    weighted = to_arviz(METHODS["sir"].fit(fit.problem))
    assert weighted["posterior"]["eta"].shape == (1, 4000, 2)


def test_arviz_is_refused_a_fit_without_draws_and_says_how_to_install_it(fit, monkeypatch):
    with pytest.raises(InputError, match="nuts"):
        to_arviz(METHODS["map"].fit(fit.problem))
    monkeypatch.setitem(sys.modules, "arviz_base", None)
    with pytest.raises(InputError, match=r"individose\[arviz\]"):
        to_arviz(fit)


def test_no_sampler_is_loaded_before_it_is_asked_for():
    import subprocess

    code = "import individose.inference, sys; assert not {'blackjax', 'arviz_base', 'optax'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_ranks_of_the_truth_are_uniform_and_intervals_hold_it():
    count = 64
    etas, problems = posteriors.newborns_at_random(count, np.random.default_rng(21))
    ps, covered = posteriors.calibration(etas, SHORT.fit_ward(problems))
    assert np.all(ps > 1e-4)
    assert all(posteriors.coverage_is_possible(share, count) for share in covered)


@pytest.mark.slow
@pytest.mark.parametrize("case", ["newborns", "oral"])
def test_calibration_of_many_simulated_patients(case):
    etas, problems = posteriors.RANDOM[case](512, np.random.default_rng(22))
    ps, covered = posteriors.calibration(etas, SHORT.fit_ward(problems))
    assert np.all(ps > 1e-3)
    assert np.all((covered > 0.85) & (covered < 0.95))


def test_a_patient_without_levels_is_the_population():
    fit = ido.fit(posteriors.NEWBORN, posteriors.newborn([]), method="nuts")
    assert fit.status.code == "flat"
    sd = np.sqrt(posteriors.OMEGA2)
    error = 4 / np.sqrt(fit.sampling.least_effective)
    np.testing.assert_array_less(np.abs(fit.eta) / sd, error)
    np.testing.assert_array_less(np.abs(np.sqrt(np.diag(fit.covariance)) / sd - 1), error)
