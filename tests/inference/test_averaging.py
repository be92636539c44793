"""Several models of one patient: weights against integrals, and averages against their definition."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

import individose as ido
from individose.base import InputError, Notice, Outcome, Status
from individose.dosing import average_attainment
from individose.drugs.schema import read_card
from individose.events import Dose, Level, Subject
from individose.inference.averaging import average, disagreement
from tolerances import LAPLACE, within_standard_errors

CARD = """
id = "{name}"
title = "One compartment"
grade = "draft"
system = {{ disposition = "one_compartment", input = "bolus" }}

[source]
citation = "made for this test"
population = "nobody"

[constants]
cl = {{ value = {cl}, unit = "L/h" }}
v  = {{ value = 30, unit = "L" }}

[parameters]
CL = {{ equation = "cl", unit = "L/h" }}
V  = {{ equation = "v", unit = "L" }}

[variability]
CL = {{ omega2 = 0.09 }}
V  = {{ omega2 = 0.04 }}

[residual]
{residual}

[dosing]
route       = "intravenous"
step_mg     = 50
intervals_h = [12]
source      = "made for this test"

[[targets]]
metric     = "trough"
low        = 2
high       = 6
unit       = "mg/L"
population = "nobody"
matrix     = "plasma"
source     = "made for this test"
"""

NORMAL = 'convention = "sd2 = a2 + b2 f2"\nproportional = 0.15'
LOG = 'convention = "ln y = ln f + e"\nlog_sd = 0.15'
PATIENT = Subject("a", (Dose(0.0, 300.0), Level(1.0, 9.1), Level(11.0, 4.2), Level(30.0, 0.9)))


@cache
def card(name, cl, residual=NORMAL):
    return read_card(CARD.format(name=name, cl=cl, residual=residual), name)


@cache
def fits():
    return tuple(ido.fit(card(f"drug/{n}", cl), PATIENT) for n, cl in (("slow2001", 2.0), ("fast2002", 4.0)))


def log_integral(cl, density):
    """log of the integral of p(y | eta) p(eta) over both effects, on a grid."""
    a, b = np.meshgrid(np.linspace(-2.5, 2.5, 1201), np.linspace(-1.5, 1.5, 901), indexing="ij")
    k, v = cl * np.exp(a) / (30 * np.exp(b)), 30 * np.exp(b)
    log_p = -0.5 * (a**2 / 0.09 + b**2 / 0.04) - np.log(2 * np.pi * np.sqrt(0.09 * 0.04))
    for level in PATIENT.levels:
        log_p = log_p + density(level.value_mg_L, 300 / v * np.exp(-k * level.time_h))
    top = log_p.max()
    return top + np.log(np.exp(log_p - top).sum() * (5 / 1200) * (3 / 900))


def normal(y, f):
    s = 0.15 * f
    return -0.5 * ((y - f) / s) ** 2 - np.log(s * np.sqrt(2 * np.pi))


def log_normal(y, f):
    return -0.5 * (np.log(y / f) / 0.15) ** 2 - np.log(0.15 * y * np.sqrt(2 * np.pi))


@pytest.mark.parametrize(("place", "cl"), [(0, 2.0), (1, 4.0)])
def test_the_evidence_is_the_integral_over_the_effects(place, cl):
    """Laplace's approximation is not exact: with three levels it is off by a few hundredths."""
    assert fits()[place].log_evidence == pytest.approx(log_integral(cl, normal), abs=LAPLACE)


@pytest.mark.parametrize("method", ["sir", "nuts"])
def test_the_evidence_of_draws_is_the_integral_itself(method):
    """Importance sampling has no error but that of Monte Carlo: 1 / sqrt(draws that the weights are worth) at most."""
    for cl, name in ((2.0, "slow2001"), (4.0, "fast2002")):
        fit = ido.fit(card(f"drug/{name}", cl), PATIENT, method=method)
        assert within_standard_errors(fit.log_evidence, log_integral(cl, normal), 1.0 / np.sqrt(4000.0))
    logarithmic = ido.fit(card("drug/log2003", 2.0, LOG), PATIENT, method=method)
    assert within_standard_errors(logarithmic.log_evidence, log_integral(2.0, log_normal), 1.0 / np.sqrt(4000.0))


def test_a_model_on_the_log_scale_is_comparable():
    fit = ido.fit(card("drug/log2003", 2.0, LOG), PATIENT)
    assert fit.log_evidence == pytest.approx(log_integral(2.0, log_normal), abs=LAPLACE)


def test_weights_are_the_posterior_probabilities_of_the_models():
    found = average(fits())
    odds = np.exp(log_integral(2.0, normal) - log_integral(4.0, normal))
    assert found.weights[0] / found.weights[1] == pytest.approx(odds, rel=LAPLACE)
    assert sum(found.weights) == pytest.approx(1.0)
    assert average(fits(), "mean").weights == (0.5, 0.5)
    assert average(fits(), "selection").weights == tuple(float(w == max(found.weights)) for w in found.weights)


def test_the_average_is_the_weighted_mean_and_its_interval_that_of_the_mixture():
    found, times = average(fits(), "mean"), [6.0, 24.0]
    np.testing.assert_allclose(found.predict(times), np.mean([f.predict(times) for f in fits()], axis=0))
    each = [f.exposure("auc", 0.0, 24.0) for f in fits()]
    both = found.exposure("auc", 0.0, 24.0)
    assert both.value == pytest.approx(np.mean([e.value for e in each]))
    mixture = np.concatenate([f.exposures("auc", 0.0, 24.0, None, 1000)[1:] for f in fits()])
    low, high = np.quantile(mixture, [0.05, 0.95])
    assert (both.low, both.high) == pytest.approx((low, high))
    assert found.between("auc", 0.0, 24.0) == pytest.approx(
        {f.problem.model: e.value for f, e in zip(fits(), each, strict=True)}
    )


def test_a_regimen_is_ranked_by_the_probability_of_the_average():
    target = card("drug/slow2001", 2.0).targets[0]
    regimens = [ido.Regimen(200.0, 12.0), ido.Regimen(400.0, 12.0)]
    found = ido.advise_average(average(fits(), "mean"), target, regimens)
    single = [ido.advise(f, target, regimens, draws=4000) for f in fits()]
    for one in found.candidates:
        each = [c.probability for a in single for c in a.candidates if c.regimen == one.regimen]
        assert one.probability == pytest.approx(np.mean(each), abs=0.04)  # 1,000 draws of each model


def test_attainment_is_the_share_of_draws_within_the_target():
    target = card("drug/slow2001", 2.0).targets[0]
    regimens = [ido.Regimen(200.0, 12.0), ido.Regimen(400.0, 12.0)]
    both = average(fits(), "mean")
    each = [ido.attainment(fit, target, regimens) for fit in fits()]
    for fit, found in zip(fits(), each, strict=True):
        etas = fit.sample(4000, seed=1)
        cl, v = fit.typical()["CL"] * np.exp(etas[:, 0]), 30.0 * np.exp(etas[:, 1])
        left = np.exp(-cl / v * 12.0)
        for regimen, probability in zip(regimens, found, strict=True):
            trough = regimen.amount_mg / v * left / (1.0 - left)
            assert probability == pytest.approx(np.mean((trough >= 2.0) & (trough <= 6.0)), abs=1.5 / 4000)
    for i, probability in enumerate(average_attainment(both, target, regimens)):
        assert probability == pytest.approx(np.mean([one[i] for one in each]), abs=0.04)  # 1,000 draws of each model


def test_a_failed_fit_has_no_weight_and_nothing_left_is_refused():
    first, second = fits()
    failed = replace(second, status=Status(Outcome.FAILED))
    assert average([first, failed]).weights == (1.0, 0.0)
    with pytest.raises(InputError, match="none of the 1 models"):
        average([failed])


@pytest.mark.parametrize("method", ["map", "sir", "prior"])
def test_without_a_level_nothing_tells_models_apart_and_a_selection_says_so(method):
    nobody = Subject("a", (Dose(0.0, 300.0),))
    both = [ido.fit(card(f"drug/{n}", cl), nobody, method=method) for n, cl in (("slow2001", 2.0), ("fast2002", 4.0))]
    assert average(both).weights == (0.5, 0.5)
    chosen = average(both, "selection")
    assert chosen.weights == (1.0, 0.0)
    assert "selection-undecided" in {n.code for n in chosen.warnings}
    assert "selection-undecided" not in {n.code for n in average(fits(), "selection").warnings}


def test_a_notice_of_all_models_is_said_once_and_none_of_a_model_that_counts_nothing():
    first, second = fits()
    shared, own = Notice("shared", "Said of both."), Notice("own", "Said of one.")
    both = replace(
        average(fits(), "mean"), fits=(replace(first, notices=(shared, own)), replace(second, notices=(shared,)))
    )
    said = [n.sentence for n in both.warnings if n.code in ("shared", "own")]
    assert said == ["Said of both.", "drug/slow2001: Said of one."]
    alone = replace(both, weights=(1e-8, 1.0 - 1e-8))
    assert [n.sentence for n in alone.warnings if n.code in ("shared", "own")] == ["drug/fast2002: Said of both."]


@pytest.mark.parametrize(("rule", "beat"), [("best", "likelihood, selection, mean")])
def test_an_unknown_rule_is_refused(rule, beat):
    with pytest.raises(InputError, match=beat):
        average(fits(), rule)


def test_fits_of_other_levels_are_refused():
    other = ido.fit(card("drug/slow2001", 2.0), replace(PATIENT, events=PATIENT.events[:-1]))
    with pytest.raises(InputError, match="same levels"):
        average([fits()[0], other])


def test_models_that_disagree_are_said():
    (said,) = disagreement({"a": 10.0, "b": 20.0}, "trough")
    assert "10 (a) to 20 (b)" in said.sentence
    assert disagreement({"a": 10.0, "b": 12.0}, "trough") == ()
