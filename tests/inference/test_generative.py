"""Generative models against densities written out by hand, and their parts against other programs."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

pytest.importorskip("numpyro")

import numpyro.distributions as dist
from numpyro.infer.util import log_density
from scipy import stats

import individose as ido
from individose.app.actions.series import Series, observations
from individose.base import InputError
from individose.drugs import evaluate
from individose.events import Dose
from individose.inference.generative import (
    Chains,
    Gaussian,
    Hierarchical,
    Symmetry,
    Weighted,
    beta,
    gamma,
    half_normal,
    inverse_gamma,
    log_normal,
    near_reference,
    pointwise,
    posterior_check,
    prior_check,
    sample,
)
from individose.inference.generative.distributions import Ascending, ByDelays, Rising, distribution
from individose.kinetics import compose
from individose.kinetics.linear.composition import Chain
from individose.kinetics.ode import as_system
from individose.kinetics.ode.register import composed
from individose.kinetics.system import Entry
from individose.prediction.numbers import NUMPY
from inference.estradiol import NAMES, seen
from tolerances import GRADIENT, IDENTITY, LAPLACE, ODE, within_standard_errors

P = {"d": 478.0, "k1": 0.236, "k2": 4.85, "k3": 1.24}
TIMES = (0.5, 1.0, 3.0, 7.0)
SERIES = [
    Series("A 5", "A", (Dose(0.0, 5.0),), TIMES, (220.0, 290.0, 260.0, 90.0)),
    Series("A 10", "A", (Dose(0.0, 10.0),), (1.0, 2.0), (610.0, 640.0)),
    Series("B 4", "B", (Dose(0.0, 4.0), Dose(2.0, 4.0)), TIMES, (180.0, 240.0, 400.0, 210.0)),
]
PRIORS = {
    "d": gamma(2.0, rate=0.005, unit="pg/mL per mg"),
    "k1": gamma(1.0, scale=0.2, unit="1/d"),
    "k2": gamma(1.0, scale=5.0, unit="1/d"),
    "k3": gamma(1.0, rate=1.0, unit="1/d"),
}
SIGMA = inverse_gamma(2.0, 20.0, unit="pg/mL")


def printed(t, d, k1, k2, k3):
    t = np.asarray(t)
    return (t >= 0) * (d * k1 * k2) * (
        np.exp(-k1 * t) / ((k1 - k2) * (k1 - k3))
        - np.exp(-k2 * t) / ((k1 - k2) * (k2 - k3))
        + np.exp(-k3 * t) / ((k1 - k3) * (k2 - k3))
    )  # fmt: skip


def middle(by_study=None):
    """The page's curve at every level."""
    own = [P if by_study is None else by_study[one.study] for one in SERIES]
    return np.concatenate(
        [
            sum(dose.amount_mg * printed(np.array(one.times) - dose.time_h, *p.values()) for dose in one.doses)
            for one, p in zip(SERIES, own, strict=True)
        ]
    )


def log_prior(names, p):
    return sum(PRIORS[name].distribution.logpdf(p[name]) for name in names)


LEVELS = np.concatenate([one.levels for one in SERIES])
WHICH = np.repeat([0, 1, 2], [4, 2, 4])


def density(model, observed, given):
    return float(log_density(model.program, (observed, observed.value), {}, given)[0])


def test_series_under_one_dosing_share_a_curve():
    both = seen(SERIES)
    assert len(both.designs.typical) == 2
    np.testing.assert_array_equal(both.design, [0] * 6 + [1] * 4)
    np.testing.assert_allclose(both.level_curves(P), middle(), rtol=IDENTITY)
    apart = seen(SERIES, by_study=True)
    np.testing.assert_array_equal(apart.design_study, [0, 1])
    stacked = {name: np.array([x, 2 * x]) for name, x in P.items()}
    twice = {"A": P, "B": {name: 2 * x for name, x in P.items()}}
    np.testing.assert_allclose(apart.level_curves_by_study(stacked), middle(twice), rtol=IDENTITY)


def test_differential_equations_give_the_same_curves():
    """The same observations of the same chain, solved: levels, and slopes in every parameter."""
    stages = (Chain(("stage1", "stage2"), ("k1", "k2")),)
    ode = as_system(composed("one_compartment", stages, (Entry(0),), ("k", "V", "k1", "k2")))
    patch = [Series("patch", "one", (Dose(0.0, 5.0, removed_after_h=2.0),), TIMES, (1.0,) * 4)]
    closed, solved = (
        jax.jit(jax.value_and_grad(lambda p, one=one: jnp.sum(one.level_curves(p) ** 2)))(P)
        for one in (seen(patch), seen(patch, ode))
    )
    np.testing.assert_allclose(solved[0], closed[0], rtol=1e1 * ODE)
    for name, slope in closed[1].items():
        np.testing.assert_allclose(solved[1][name], slope, rtol=GRADIENT)


def test_model_a_is_the_density_of_the_page():
    """Gamma(shape, rate) priors, inverse gamma sigma, normal levels: the formula as it is displayed."""
    found = density(Gaussian(PRIORS, SIGMA), seen(SERIES), {**P, "sigma": 21.0})
    wanted = log_prior(NAMES, P) + stats.invgamma(2.0, scale=20.0).logpdf(21.0)
    wanted += stats.norm(middle(), 21.0).logpdf(LEVELS).sum()
    np.testing.assert_allclose(found, wanted, rtol=IDENTITY)


def test_known_sds_take_the_place_of_sigma():
    known = [replace(one, sds=tuple(0.1 * x for x in one.levels)) for one in SERIES]
    found = density(Gaussian(PRIORS, SIGMA), seen(known), P)
    wanted = log_prior(NAMES, P) + stats.norm(middle(), 0.1 * LEVELS).logpdf(LEVELS).sum()
    np.testing.assert_allclose(found, wanted, rtol=IDENTITY)


def test_model_b_has_weights_and_baselines():
    model = Weighted(PRIORS, gamma(2.0, scale=4.0, unit="pg/mL"), SIGMA, half_normal(0.3, unit="1"), beta(1.0, 9.0))
    log_weight, baseline = np.array([0.1, -0.2, 0.9]), np.array([3.0, 8.0, 20.0])
    given = {**P, "sigma": 21.0, "spread": 0.2, "strange": 0.1, "log_weight": log_weight, "baseline": baseline}
    found = density(model, seen(SERIES), given)
    parts = 0.9 * stats.norm(0.0, 0.2).pdf(log_weight), 0.1 * stats.norm(0.0, 1.0).pdf(log_weight)
    wanted = log_prior(NAMES, P) + stats.invgamma(2.0, scale=20.0).logpdf(21.0) + np.log(sum(parts)).sum()
    wanted += stats.halfnorm(scale=0.3).logpdf(0.2) + stats.beta(1, 9).logpdf(0.1)
    wanted += stats.gamma(2.0, scale=4.0).logpdf(baseline).sum()
    curve = baseline[WHICH] + np.exp(log_weight)[WHICH] * middle()
    wanted += stats.norm(curve, 21.0).logpdf(LEVELS).sum()
    np.testing.assert_allclose(found, wanted, rtol=IDENTITY)
    chance = model.astray_given(log_weight, np.float64(0.2), np.float64(0.1))
    np.testing.assert_allclose(chance, parts[1] / sum(parts), rtol=IDENTITY)


@pytest.mark.parametrize("sites", ["offset", "value"])
def test_model_c_has_parameters_of_each_study(sites):
    model = Hierarchical(
        PRIORS,
        {"d": half_normal(0.5, unit="1")},
        SIGMA,
        half_normal(0.4, unit="1"),
        gamma(2.0, scale=4.0, unit="pg/mL"),
        sites,
    )
    offset, own_offset, baseline = np.array([0.5, -1.0]), np.array([0.2, -0.3]), np.array([3.0, 8.0, 20.0])
    log_d, log_sigma = np.log(P["d"]) + 0.3 * offset, np.log(21.0) + 0.2 * own_offset
    given = {**P, "sigma": 21.0, "spread_d": 0.3, "spread_sigma": 0.2, "baseline": baseline}
    if sites == "offset":
        given |= {"offset_d": offset, "offset_sigma": own_offset}
        across = stats.norm.logpdf(offset).sum() + stats.norm.logpdf(own_offset).sum()
    else:
        given |= {"log_d_by_study": log_d, "log_sigma_by_study": log_sigma}
        across = stats.norm(np.log(P["d"]), 0.3).logpdf(log_d).sum()
        across += stats.norm(np.log(21.0), 0.2).logpdf(log_sigma).sum()
    wanted = log_prior(NAMES, P) + stats.invgamma(2.0, scale=20.0).logpdf(21.0) + across
    wanted += stats.halfnorm(scale=0.5).logpdf(0.3) + stats.halfnorm(scale=0.4).logpdf(0.2)
    wanted += stats.gamma(2.0, scale=4.0).logpdf(baseline).sum()
    by_study = {name: {**P, "d": x} for name, x in zip("AB", np.exp(log_d), strict=True)}
    sd = np.exp(log_sigma)[np.array([0, 0, 1])[WHICH]]
    wanted += stats.norm(baseline[WHICH] + middle(by_study), sd).logpdf(LEVELS).sum()
    np.testing.assert_allclose(density(model, seen(SERIES, by_study=True), given), wanted, rtol=IDENTITY)


def test_gradients_are_those_of_differences():
    model, observed = Gaussian(PRIORS, SIGMA), seen(SERIES)
    given = {**P, "sigma": 21.0}

    @jax.jit
    def value(p):
        return log_density(model.program, (observed, observed.value), {}, p)[0]

    slope = jax.jit(jax.grad(value))(given)
    for name, x in given.items():
        step = 1e-6 * x
        up, down = (float(value({**given, name: x + s})) for s in (step, -step))
        np.testing.assert_allclose(slope[name], (up - down) / (2 * step), rtol=1e1 * GRADIENT)


def test_a_card_gives_curves_with_what_is_not_inferred_at_its_typical_values():
    card = ido.card("theophylline/boeckmann1994")
    weights = (60.0, 80.0)
    arms = [
        Series(f"{w:g} kg", "one", (Dose(0.0, 300.0),), (1.0, 4.0, 12.0), (5.0,) * 3, covariates=(("weight", w),))
        for w in weights
    ]
    own = observations(card, arms, parameters=("CL", "ka"), unit="mg/L", relative=("CL",))
    found = np.asarray(own.level_curves({"CL": 1.3, "ka": 1.1})).reshape(2, 3)
    for row, w in zip(found, weights, strict=True):
        p = {q.name: float(np.squeeze(evaluate(q.expr, {"weight": np.array([w])}, NUMPY))) for q in card.parameters}
        ka, k = 1.1, 1.3 * p["CL"] / p["V"]
        t = np.array([1.0, 4.0, 12.0])
        wanted = 300.0 / p["V"] * ka / (ka - k) * (np.exp(-k * t) - np.exp(-ka * t))
        np.testing.assert_allclose(row, wanted, rtol=IDENTITY)


@pytest.mark.parametrize(
    "prior",
    [
        gamma(2.0, rate=0.5, unit="1/d"),
        inverse_gamma(2.0, 20.0, unit="1"),
        half_normal(0.4, unit="1"),
        log_normal(3.0, 0.5, unit="1"),
        beta(2.0, 5.0),
        near_reference("pg/mL"),
    ],
    ids=lambda prior: prior.family,
)
def test_a_prior_is_the_same_in_both_programs(prior):
    at = np.array([0.1, 0.5, 0.9])
    np.testing.assert_allclose(distribution(prior).log_prob(at), prior.distribution.logpdf(at), rtol=IDENTITY)


def test_shape_and_scale_or_shape_and_rate_must_be_said():
    assert gamma(1.0, scale=0.2, unit="1/d") == gamma(1.0, rate=5.0, unit="1/d")
    with pytest.raises(InputError, match="exactly one of rate and scale"):
        gamma(1.0, unit="1/d")
    with pytest.raises(InputError, match="exactly one of rate and scale"):
        gamma(1.0, rate=1.0, scale=1.0, unit="1/d")
    with pytest.raises(InputError, match="above 0"):
        gamma(0.0, rate=1.0, unit="1/d")


def test_a_prior_tells_itself_with_its_unit():
    said = gamma(1.0, scale=0.2, unit="1/d", why="a depot empties over days to months").sentence
    assert said == (
        "gamma(shape 1, rate 5), mean 0.2 1/d, 90 % between 0.0103 and 0.599 1/d: a depot empties over days to months"
    )
    told = Weighted(PRIORS, gamma(2.0, scale=4.0, unit="pg/mL"), SIGMA).priors
    assert set(told) == {*NAMES, "baseline", "spread", "strange", "sigma"}
    assert all(prior.unit for prior in told.values())


def test_ascending_quantities_are_those_that_happen_to_rise():
    each = [dist.Gamma(1.0, 5.0), dist.Gamma(2.0, 1.0), dist.Gamma(2.0, 0.25)]
    found = np.asarray(Ascending(each).sample(jax.random.key(1), (4000,)))
    assert np.all(np.diff(found, axis=1) > 0)
    free = np.random.default_rng(1).gamma([1.0, 2.0, 2.0], [0.2, 1.0, 4.0], (12_000, 3))
    kept = free[np.all(np.diff(free, axis=1) > 0, axis=1)]
    for mine, other in zip(found.T, kept.T, strict=True):
        error = np.hypot(mine.std() / len(mine) ** 0.5, other.std() / len(other) ** 0.5)
        assert within_standard_errors(mine.mean(), other.mean(), error)


@pytest.mark.parametrize(("count", "scaled", "last"), [(2, False, 0), (3, False, 0), (3, True, 1), (5, True, 4)])
def test_rising_rates_by_their_delays(count, scaled, last):
    """There and back again, in order, with the determinant of the whole matrix of derivatives."""
    to = ByDelays(scaled, last)
    for y in np.random.default_rng(count).normal(size=(20, count + scaled)):
        k = to(y)
        assert bool(Rising(scaled, last)(k))
        np.testing.assert_allclose(to.inv(k), y, rtol=0, atol=IDENTITY)
        np.testing.assert_allclose(jnp.log(jnp.sum(1.0 / k[1:count])), y[1], rtol=IDENTITY)
        wanted = np.linalg.slogdet(jax.jacfwd(to)(y))[1]
        np.testing.assert_allclose(to.log_abs_det_jacobian(y, k), wanted, rtol=IDENTITY, atol=IDENTITY)


def test_settings_that_contradict_one_another_are_refused():
    with pytest.raises(InputError, match="each once"):
        Gaussian(PRIORS, SIGMA, order=("k1", "k9"))
    with pytest.raises(InputError, match="one unit"):
        Gaussian({**PRIORS, "k1": gamma(1.0, scale=0.2, unit="1/h")}, SIGMA, order=("k1", "k3"))
    with pytest.raises(InputError, match="symmetry"):
        Gaussian(PRIORS, SIGMA, symmetry=Symmetry("d", ("k1", "k2", "k")))
    with pytest.raises(InputError, match="spread of V"):
        Hierarchical(PRIORS, {"V": half_normal(1.0, unit="1")}, SIGMA)
    with pytest.raises(InputError, match="neither the observations nor the model"):
        density(Gaussian(PRIORS), seen(SERIES), P)
    with pytest.raises(InputError, match="by_study=True"):
        density(Hierarchical(PRIORS, {}, SIGMA), seen(SERIES), {**P, "sigma": 1.0})
    with pytest.raises(InputError, match="no levels"):
        seen([replace(SERIES[0], levels=())])
    with pytest.raises(InputError, match="one finite level"):
        seen([replace(SERIES[0], levels=(1.0, float("nan"), 2.0, 3.0))])
    with pytest.raises(InputError, match="is not given V"):
        observations(compose("one_compartment", ("bolus",)), SERIES, parameters=("CL",), unit="mg/L")


BOLUS = compose("one_compartment", ("bolus",), ("CL", "V"))
DECAY = [
    Series(
        "one", "one", (Dose(0.0, 100.0),),
        (0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 12.0), (9.4, 8.6, 7.9, 6.9, 4.9, 3.2, 2.0), (0.4,) * 7,
    )
]  # fmt: skip
DECAY_MODEL = Gaussian({"CL": gamma(4.0, scale=0.5, unit="L/h"), "V": gamma(9.0, scale=1.0, unit="L")})


@pytest.fixture(scope="module")
def decay():
    return sample(DECAY_MODEL, observations(BOLUS, DECAY, parameters=("CL", "V"), unit="mg/L"), Chains(seed=2))


def grid(left_out=None):
    """CL, V, and the posterior's weights of (CL, V) without one of the levels."""
    CL, V = np.meshgrid(np.linspace(0.5, 3.0, 400), np.linspace(6.0, 18.0, 400), indexing="ij")
    log = stats.gamma(4.0, scale=0.5).logpdf(CL) + stats.gamma(9.0, scale=1.0).logpdf(V)
    for i, (t, level) in enumerate(zip(DECAY[0].times, DECAY[0].levels, strict=True)):
        if i != left_out:
            log += stats.norm(100.0 / V * np.exp(-CL / V * t), 0.4).logpdf(level)
    weight = np.exp(log - log.max())
    return CL, V, weight / weight.sum()


def test_a_posterior_against_a_grid(decay):
    CL, V, weight = grid()
    assert decay.status.ok
    assert decay.divergences == 0
    for name, x in (("CL", CL), ("V", V)):
        mean = (weight * x).sum()
        sd = (weight * (x - mean) ** 2).sum() ** 0.5
        drawn = decay.flat(name)
        assert within_standard_errors(drawn.mean(), mean, sd / decay.effective[name] ** 0.5)
        assert within_standard_errors(drawn.std(), sd, sd / decay.effective[name] ** 0.5)


def test_predictive_checks_see_what_was_drawn(decay):
    before, after = prior_check(DECAY_MODEL, decay.seen, 400), posterior_check(decay)
    assert before.replicated.shape == (400, 7)
    assert after.replicated.shape == (4000, 7)
    np.testing.assert_allclose(after.curves, decay.flat("curve"), rtol=IDENTITY)
    assert np.all(before.replicated.std(axis=0) > after.replicated.std(axis=0))
    spread = after.replicated - after.curves
    assert within_standard_errors(spread.std(), 0.4, 0.4 / (2 * spread.size) ** 0.5)
    assert after.coverage() == 1.0
    assert all(0.02 < tail[0] < 0.98 for tail in after.tails().values())
    odd = replace(after, seen=replace(after.seen, value=np.array([9.4, 8.6, 14.0, 6.9, 4.9, 3.2, 2.0])))
    assert odd.coverage() == pytest.approx(6 / 7)
    assert odd.tails()["highest"][0] > 0.99


def test_one_level_foretold_by_the_others(decay):
    """Against the grid's posterior without it."""
    pytest.importorskip("arviz_stats")
    found = pointwise(decay)
    wanted = []
    for i, (t, level) in enumerate(zip(DECAY[0].times, DECAY[0].levels, strict=True)):
        CL, V, weight = grid(left_out=i)
        wanted.append(np.log((weight * stats.norm(100.0 / V * np.exp(-CL / V * t), 0.4).pdf(level)).sum()))
    np.testing.assert_allclose(np.asarray(found.elpd_i), wanted, atol=LAPLACE)


def test_the_same_seed_gives_the_same_draws(decay):
    again = sample(DECAY_MODEL, decay.seen, Chains(seed=2))
    np.testing.assert_array_equal(again.draws["CL"], decay.draws["CL"])


def test_hard_data_are_no_error():
    """Levels that no parameters explain: a status, not an exception."""
    hard = observations(
        BOLUS, [replace(DECAY[0], levels=(1e6, 1e-9) * 3 + (1e6,))], parameters=("CL", "V"), unit="mg/L"
    )
    found = sample(DECAY_MODEL, hard, Chains(warm_up=20, draws=20, doublings=4))
    assert found.status.sentence


def test_numpyro_is_only_needed_here():
    code = "import sys, individose, individose.inference; sys.exit('numpyro' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
