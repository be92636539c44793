"""Mixtures of subpopulations: each group's fit against a card of that group alone, their weights against quadrature."""

from __future__ import annotations

import numpy as np
import pytest

import individose as ido
import reference_data
from individose.app.actions.compare import estimate_by_groups, estimate_by_methods
from individose.app.actions.problems import fit_groups, fit_ward
from individose.app.actions.ward_models import ward_by_models
from individose.base import CardError, InputError
from individose.drugs.schema import read_card
from individose.prediction import bind
from tolerances import IDENTITY, LAPLACE, printed, within_standard_errors

TEXT = """
id = "mixture/doe2031"
title = "Slow and fast metabolisers"
grade = "draft"
system = { disposition = "one_compartment", input = "bolus" }

[source]
citation = "Doe J. An invented paper. 2031"
population = "invented"

[constants]
tv_v = { value = 0.0977, unit = "L" }

[[groups]]
name = "slow"
probability = 0.3
constants = { tv_cl = { value = 0.005, unit = "L/h" } }

[[groups]]
name = "fast"
probability = 0.7
constants = { tv_cl = { value = 0.009, unit = "L/h" } }

[parameters]
CL = { equation = "tv_cl", unit = "L/h" }
V = { equation = "tv_v", unit = "L" }

[variability]
CL = { omega2 = 0.0406 }
V = { omega2 = 0.117 }

[[covariance]]
of = ["CL", "V"]
omega2 = 0.0623

[residual]
convention = "sd2 = a2 + b2 f2"
additive = { variance = 17300, unit = "mg/L" }
"""

ALONE = (
    TEXT[: TEXT.index("[[groups]]")] + 'tv_cl = { value = %s, unit = "L/h" }\n\n' + TEXT[TEXT.index("[parameters]") :]
)

LEVELS = [(0.25, 1119.1), (0.5, 1257.4), (1, 916.38), (2, 801.13), (4, 668.57), (6, 590.21), (8, 581.08), (12, 419.31)]


def patient(levels=LEVELS, id="1"):
    events = [ido.Dose(0.0, 100.0), *(ido.Level(float(t), c) for t, c in levels)]
    return ido.Subject(id, tuple(events))


def alone(clearance):
    return read_card(ALONE % clearance)


def test_each_group_is_the_card_of_that_group_alone():
    card = read_card(TEXT)
    for fit, clearance in zip(fit_groups(card, patient()), (0.005, 0.009), strict=True):
        other = ido.fit(alone(clearance), patient())
        np.testing.assert_array_equal(fit.eta, other.eta)
        np.testing.assert_array_equal(fit.covariance, other.covariance)


@pytest.mark.reference
def test_the_modes_of_the_other_program():
    """PKPDmap's group of typical clearance 5 (in mL/h here), by the independent check beside its numbers."""
    rows = {row["quantity"]: row["scipy_check"] for row in reference_data.rows("map/pkpdmap_mixture/expected.csv")}
    slow = fit_groups(read_card(TEXT), ido.read_nonmem(reference_data.path("map/pkpdmap_mixture/data.csv"))[0])[0]
    for name in ("CL", "V"):
        assert abs(1000 * slow.parameters()[name].value - float(rows[name])) <= printed(rows[name])


def _log_marginal(clearance, subject, points=201, width=6.0):
    """Log marginal likelihood of one group by a grid over both effects, without the program's own likelihood."""
    omega = np.array([[0.0406, 0.0623], [0.0623, 0.117]])
    root = np.linalg.cholesky(omega)
    axis = np.linspace(-width, width, points)
    z = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    eta = z @ root.T
    cl, v = clearance * np.exp(eta[:, 0]), 0.0977 * np.exp(eta[:, 1])
    times = np.array([level.time_h for level in subject.levels])
    seen = np.array([level.value_mg_L for level in subject.levels])
    level = 100.0 / v[:, None] * np.exp(-(cl / v)[:, None] * times)
    told = -0.5 * ((seen - level) ** 2 / 17300 + np.log(2 * np.pi * 17300)).sum(1)
    prior = -0.5 * (z**2).sum(1) - np.log(2 * np.pi)
    return np.log(np.exp(told + prior).sum() * (axis[1] - axis[0]) ** 2)


def test_the_weights_are_those_of_the_marginal_likelihoods():
    card = read_card(TEXT)
    found = estimate_by_groups(card, patient(), curve=False).average
    exact = np.array([_log_marginal(cl, patient()) for cl in (0.005, 0.009)]) + np.log([0.3, 0.7])
    np.testing.assert_allclose(np.diff(np.log(found.weights)), np.diff(exact), rtol=0, atol=LAPLACE)


def test_without_levels_the_weights_are_the_shares():
    fit = ido.fit(read_card(TEXT), patient([]))
    assert fit.problem.model == "mixture/doe2031[fast]"
    notice = next(n for n in fit.warnings if n.code == "mixture")
    assert "fast 70 % (70 % of the population), slow 30 %" in notice.sentence
    assert notice.grade == "caution"


def test_a_ward_equals_one_by_one():
    card = read_card(TEXT)
    people = [patient(id="a"), patient([(4.0, 300.0), (8.0, 90.0)], "b"), patient([], "c")]
    ward = fit_ward(card, people)
    for together, one in zip(ward.fits, people, strict=True):
        single = ido.fit(card, one)
        assert together.problem.model == single.problem.model
        np.testing.assert_allclose(together.eta, single.eta, rtol=IDENTITY, atol=IDENTITY)


def _on_a_regimen(level, id="1"):
    doses = (ido.Dose(24.0 * k, 100.0) for k in range(3))
    return ido.Subject(id, (*doses, ido.Level(60.0, level)))


def test_each_method_is_over_the_groups():
    """By several methods, each row says what that method says alone."""
    card = read_card(TEXT)
    found = estimate_by_methods(card, _on_a_regimen(400.0), ["map", "sir"], curve=False, behind=False)
    assert [row.label for row in found.compared] == ["map", "sir"]
    for row in found.compared:
        alone = estimate_by_groups(card, _on_a_regimen(400.0), row.label, curve=False, behind=False)
        assert row.exposure == alone.exposure
        assert row.parameters == alone.parameters
    assert found.exposure == found.compared[0].exposure


def test_a_ward_is_over_the_groups():
    card = read_card(TEXT)
    people = [_on_a_regimen(400.0, "a"), _on_a_regimen(150.0, "b"), patient([], "c")]
    rows, refused = ward_by_models([card], people, behind=False)
    assert not refused
    for row, one in zip(rows, people, strict=True):
        alone = estimate_by_groups(card, one, curve=False, behind=False)
        assert row.card is card
        assert set(row.exposure) == set(alone.exposure)
        for name, estimate in row.exposure.items():
            assert estimate.value == pytest.approx(alone.exposure[name].value, rel=IDENTITY)
            assert (estimate.low, estimate.high) == pytest.approx(
                (alone.exposure[name].low, alone.exposure[name].high), rel=IDENTITY
            )
        assert [c.label for c in row.compared[:-1]] == ["slow", "fast"]
        assert [c.weight for c in row.compared[:-1]] == pytest.approx(list(alone.average.weights), rel=IDENTITY)
        assert {n.code for n in row.warnings} >= {"mixture"}


def test_a_hopeless_patient_of_a_ward_has_failed_and_stops_nobody():
    card = read_card(TEXT)
    people = [patient([(1.0, 1e300)], "hopeless"), patient(id="other")]
    rows, refused = ward_by_models([card], people, behind=False)
    assert not refused
    assert [row.fit.status.code for row in rows] == ["failed", "converged"]
    assert estimate_by_groups(card, people[0], curve=False, behind=False).fit.status.code == "failed"


@pytest.mark.parametrize("method", ["lm", "sir", "cgn"])
def test_the_weights_are_the_models_own_whatever_the_method(method):
    card = read_card(TEXT)
    found = estimate_by_groups(card, patient(), method, curve=False, behind=False).average
    exact = np.array([_log_marginal(cl, patient()) for cl in (0.005, 0.009)]) + np.log([0.3, 0.7])
    np.testing.assert_allclose(np.diff(np.log(found.weights)), np.diff(exact), rtol=0, atol=LAPLACE)


def test_exposure_is_over_the_groups():
    card = read_card(TEXT)
    times = tuple(ido.Dose(24.0 * k, 100.0) for k in range(3))
    subject = ido.Subject("1", (*times, ido.Level(60.0, 400.0)))
    found = ido.estimate(card, subject)
    weights = np.array(found.average.weights)
    each = [row.exposure["average"].value for row in found.compared[:-1]]
    assert [row.label for row in found.compared[:-1]] == ["slow", "fast"]
    assert found.exposure["average"].value == pytest.approx(float(weights @ each), rel=IDENTITY)


def test_simulated_patients_are_of_both_groups():
    count = 4000
    found = ido.simulate(read_card(TEXT), doses=[ido.Dose(0.0, 100.0)], times_h=[1.0], count=count, seed=3)
    mean = np.mean(np.log(found.parameters["CL"]))
    expected = 0.3 * np.log(0.005) + 0.7 * np.log(0.009)
    between = 0.3 * 0.7 * np.log(9 / 5) ** 2
    assert within_standard_errors(mean, expected, np.sqrt((0.0406 + between) / count))
    assert any(n.code == "mixture" for n in found.notices)


def test_forecasts_are_over_the_groups():
    card = read_card(TEXT)
    levels = [(2.0, 801.0), (12.0, 419.0)]
    found = ido.evaluate(card, [patient(levels)], resamples=10)
    first, second = found.forecasts
    each = [ido.evaluate(alone(cl), [patient(levels)], resamples=10).forecasts for cl in (0.005, 0.009)]
    assert first.prior == pytest.approx(0.3 * each[0][0].prior + 0.7 * each[1][0].prior, rel=IDENTITY)
    low, high = sorted(one[1].posterior for one in each)
    assert low < second.posterior < high


def test_a_mixture_is_not_bound_as_if_it_were_one_group():
    with pytest.raises(InputError, match="mixture of 2 groups"):
        bind(read_card(TEXT), patient())


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("probability = 0.3", "probability = 0.4", "add up to 1.1"),
        ("probability = 0.3", "probability = 0.0", "add up to 0.7"),
        ('name = "slow"', 'name = "fast"', "the groups are fast"),
        ("{ tv_cl = { value = 0.005", "{ tv_k = { value = 0.005", "slow gives tv_k"),
        ("tv_v = {", 'tv_cl = { value = 1, unit = "L/h" }\ntv_v = {', "tv_cl is given in"),
        ("[parameters]", '[[checks]]\ngroup = "none"\nexpect = { CL = 1 }\n[parameters]', "of the group 'none'"),
    ],
)
def test_what_is_wrong_with_groups_is_said(old, new, said):
    with pytest.raises(CardError, match="mixture/doe2031") as caught:
        read_card(TEXT.replace(old, new, 1))
    assert said in str(caught.value)


def test_examples_hold_for_their_group():
    offered = TEXT.replace('grade = "draft"', 'grade = "checked"')
    examples = "".join(
        f'\n[[checks]]\ngroup = "{name}"\nexpect = {{ CL = {cl}, V = 0.0977 }}\n'
        for name, cl in (("slow", 0.005), ("fast", 0.009))
    )
    assert len(read_card(offered + examples).groups) == 2
    with pytest.raises(CardError, match=r"slow\]: checks\[0\] expects CL"):
        read_card(offered + examples.replace("0.005", "0.006"))
