"""A study foretold by the others: its own quantities integrated, weights or a refit, against integrals on a grid."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("numpyro")

from scipy import stats

from individose.app.actions.series import Series, observations
from individose.events import Dose
from individose.inference.generative import (
    Chains,
    Gaussian,
    Hierarchical,
    Weighted,
    beta,
    gamma,
    half_normal,
    leave_one_study_out,
    log_normal,
    sample,
)
from individose.inference.generative.comparison import ROUGH, TRUSTED, bridged
from individose.inference.generative.integrated import integrand
from individose.kinetics import compose
from tolerances import LAPLACE

BOLUS = compose("one_compartment", ("bolus",), ("CL", "V"))
TIMES = (0.5, 2.0, 5.0, 9.0)
STUDIES = [
    Series("one", "A", (Dose(0.0, 100.0),), TIMES, (9.3, 7.7, 5.1, 2.9), (0.4,) * 4),
    Series("two", "B", (Dose(0.0, 100.0),), TIMES, (9.8, 8.1, 4.8, 2.7), (0.5,) * 4),
    Series("three", "C", (Dose(0.0, 50.0),), TIMES, (4.9, 3.8, 2.6, 1.2), (0.4,) * 4),
]
PRIORS = {"CL": gamma(4.0, scale=0.5, unit="L/h"), "V": gamma(9.0, scale=1.0, unit="L")}
SHORT = Chains(chains=2, warm_up=400, draws=500)


def seen(series, **words):
    return observations(BOLUS, series, parameters=("CL", "V"), unit="mg/L", **words)


def log_likelihood(one, CL, V, weight=1.0, baseline=0.0):
    return sum(
        stats.norm(baseline + weight * one.doses[0].amount_mg / V * np.exp(-CL / V * t), sd).logpdf(level)
        for t, level, sd in zip(one.times, one.levels, one.sds, strict=True)
    )


def exact(left_out, series=STUDIES):
    """log p(study | the others) of the model with one curve, on a grid of CL and V."""
    CL, V = np.meshgrid(np.linspace(0.5, 3.0, 500), np.linspace(5.0, 18.0, 500), indexing="ij")
    log = stats.gamma(4.0, scale=0.5).logpdf(CL) + stats.gamma(9.0, scale=1.0).logpdf(V)
    log += sum(log_likelihood(one, CL, V) for one in series if one.study != left_out)
    weight = np.exp(log - log.max())
    weight /= weight.sum()
    return np.log((weight * np.exp(sum(log_likelihood(one, CL, V) for one in series if one.study == left_out))).sum())


def test_a_study_left_out_against_a_grid():
    found = leave_one_study_out(Gaussian(PRIORS), seen(STUDIES), SHORT)
    assert [one.study for one in found] == ["A", "B", "C"]
    for one in found:
        assert one.k <= TRUSTED or one.refitted
        assert one.levels == 4
        assert one.log_density == pytest.approx(exact(one.study), abs=LAPLACE)


@pytest.mark.parametrize("level", [0.5, 2.0, 3.0])
def test_the_bridge_between_two_posteriors_against_its_closed_form(level):
    """A mean of prior N(0, 1), a level with an SD of 0.2: with and without it the posteriors hardly meet if it is far off."""
    generator, sd = np.random.default_rng(5), 0.2
    without = generator.normal(size=4000)
    shrunk = 1.0 / (1.0 + sd**2)
    whole = level * shrunk + np.sqrt(1.0 - shrunk) * generator.normal(size=4000)
    density = [stats.norm(x, sd).logpdf(level) for x in (without, whole)]
    found, error = bridged(*density)
    assert found == pytest.approx(stats.norm(0.0, np.hypot(1.0, sd)).logpdf(level), abs=4.0 * error)
    assert error < ROUGH
    share = np.exp(density[0] - np.logaddexp.reduce(density[0]))
    assert error < 0.9 * np.sqrt(
        np.sum(share**2) - 1.0 / len(share)
    )  # of the mean of the density over the others' draws


@pytest.mark.slow
def test_a_study_that_the_weights_cannot_leave_out_is_left_out_by_a_refit():
    """One study a third too high: the posterior of all is another than that of the others."""
    odd = [*STUDIES[:2], replace(STUDIES[2], levels=tuple(1.3 * x for x in STUDIES[2].levels))]
    found = leave_one_study_out(Gaussian(PRIORS), seen(odd), SHORT)[2]
    assert found.k > TRUSTED
    assert found.refitted
    assert found.fit == "converged"
    assert found.log_density == pytest.approx(exact("C", odd), abs=max(4.0 * found.error, LAPLACE))


def test_what_is_a_studys_own_is_integrated_out():
    """The weight (a mixture) and the baseline of one series, at given curves, against a double integral."""
    model = Weighted(PRIORS, gamma(2.0, scale=0.2, unit="mg/L"), None, half_normal(0.3, unit="1"), beta(1.0, 9.0))
    found = sample(model, seen(STUDIES), SHORT)
    own = integrand(found, 2)
    assert own.shared == ("CL", "V", "spread", "strange")
    values, worth = own.log_densities(found, 5, 1000)
    assert worth.min() > 200
    places = np.linspace(0, len(found.flat("CL")) - 1, 5).astype(int)
    log_weight, baseline = np.meshgrid(np.linspace(-1.5, 1.5, 600), np.linspace(0.002, 2.5, 600), indexing="ij")
    cell = (log_weight[1, 0] - log_weight[0, 0]) * (baseline[0, 1] - baseline[0, 0])
    for value, i in zip(values, places, strict=True):
        CL, V, spread, strange = (float(found.flat(name)[i]) for name in own.shared)
        prior = (1 - strange) * stats.norm(0, spread).pdf(log_weight)
        prior += strange * stats.norm(0, max(spread, 1.0)).pdf(log_weight)
        prior *= stats.gamma(2.0, scale=0.2).pdf(baseline)
        density = prior * np.exp(log_likelihood(STUDIES[2], CL, V, np.exp(log_weight), baseline))
        assert value == pytest.approx(np.log(density.sum() * cell), abs=LAPLACE)


@pytest.mark.slow
def test_a_hierarchy_foretells_a_study_with_parameters_of_its_own():
    """Parameters per study are integrated over the population's: against as many draws of new studies as it takes."""
    model = Hierarchical(PRIORS, {"CL": log_normal(0.2, 0.3, unit="1")}, None)
    found = sample(model, seen(STUDIES, by_study=True), SHORT)
    values, worth = integrand(found, 1).log_densities(found, 4, 1000)
    assert worth.min() > 100
    generator, places = np.random.default_rng(1), np.linspace(0, len(found.flat("CL")) - 1, 4).astype(int)
    for value, i in zip(values, places, strict=True):
        CL, V, spread = (float(found.flat(name)[i]) for name in ("CL", "V", "spread_CL"))
        new = CL * np.exp(spread * generator.normal(size=20_000))
        wanted = np.log(np.mean(np.exp(log_likelihood(STUDIES[1], new, V))))
        assert value == pytest.approx(wanted, abs=LAPLACE)
