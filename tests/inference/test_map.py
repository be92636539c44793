"""The mode and its curvature: against independent optimisers, and what happens when there is nothing to find."""

import math

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.stats import norm

import individose as ido
import reference_data
from individose.base import NumericalError
from individose.events import Dose, Level, Reading, Subject
from individose.inference import MAP, loss
from individose.inference.individual import map as mode
from tolerances import ESTIMATE, GRADIENT, IDENTITY

CARD = ido.card("phenobarbital/grasela1985")
CL, V = 0.00469555 * 1.4, 0.984258 * 1.4


def newborn(*levels, doses=((0.0, 25.0), (12.0, 3.5), (24.0, 3.5), (36.0, 3.5))):
    events = [Reading(0.0, {"weight": 1.4, "apgar_5min": 7}), *(Dose(*d) for d in doses), *levels]
    return Subject("a", tuple(sorted(events, key=lambda e: (e.time_h, isinstance(e, Level)))))


def by_hand(etas, levels, doses):
    """Twice minus log posterior, written out in plain arithmetic."""
    cl, v = CL * math.exp(etas[0]), V * math.exp(etas[1])
    total = etas[0] ** 2 / 0.0293508 + etas[1] ** 2 / 0.027906
    for t, y in levels:
        f = sum(amount / v * math.exp(-cl / v * (t - at)) for at, amount in doses if at <= t)
        variance = 0.013241 * f * f
        total += (y - f) ** 2 / variance + math.log(variance)
    return total


DOSES = ((0.0, 25.0), (12.0, 3.5), (24.0, 3.5), (36.0, 3.5))


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(st.sampled_from([2.0, 11.0, 20.0, 35.0, 47.0, 80.0]), st.floats(3.0, 80.0)), min_size=1, max_size=4
    )
)
def test_mode_and_covariance_equal_an_independent_optimiser(levels):
    levels = sorted(dict(levels).items())
    fit = ido.fit(CARD, newborn(*(Level(t, y) for t, y in levels)))
    starts = np.random.default_rng(0).normal(scale=0.3, size=(6, 2))
    found = min(
        (minimize(by_hand, s, args=(levels, DOSES), method="Nelder-Mead", options=NELDER_MEAD) for s in starts),
        key=lambda r: r.fun,
    )
    assert fit.status.ok
    assert fit.objective <= found.fun + IDENTITY * (1 + abs(found.fun))
    np.testing.assert_allclose(fit.eta, found.x, rtol=0, atol=ESTIMATE)
    curvature = _second_differences(lambda e: by_hand(e, levels, DOSES) / 2.0, fit.eta)
    np.testing.assert_allclose(np.linalg.inv(fit.covariance), curvature, rtol=1e2 * GRADIENT, atol=1e2 * GRADIENT * 50)


NELDER_MEAD = {"xatol": 1e-10, "fatol": 1e-13, "maxiter": 4000, "maxfev": 4000}


def _second_differences(function, at, step=3e-4):
    n = len(at)
    basis = step * np.eye(n)
    found = np.empty((n, n))
    for i in range(n):
        for j in range(n):
            corners = [si * sj * function(at + si * basis[i] + sj * basis[j]) for si in (1, -1) for sj in (1, -1)]
            found[i, j] = sum(corners) / (4 * step * step)
    return found


@pytest.mark.reference
def test_theophylline_equals_an_independent_optimiser_with_many_starts():
    """Twelve volunteers, three effects each: one-compartment formula and prior written out here, scipy, eight starts."""
    card = ido.card("theophylline/boeckmann1994")
    subjects = ido.read_nonmem(reference_data.path("datasets/theo_sd.csv"))
    omega2 = np.array([0.40463, 0.06880, 0.01922])
    typical = np.array([0.46445, 1.01205, 3.45997])
    order = [card.effects.index(e) for name in ("ka", "CL", "V") for e in card.effects if e.parameter == name]
    assert len(subjects) == 12
    for subject in subjects:
        dose = subject.doses[0].amount_mg
        t = np.array([x.time_h for x in subject.levels])
        y = np.array([x.value_mg_L for x in subject.levels])

        def objective(eta, dose=dose, t=t, y=y):
            ka, cl, v = np.exp(typical + eta)
            k = cl / v
            f = dose * ka / (v * (ka - k)) * (np.exp(-k * t) - np.exp(-ka * t))
            return np.sum((y - f) ** 2) / 0.69384**2 + np.sum(eta**2 / omega2)

        starts = np.random.default_rng(1).normal(size=(8, 3)) * np.sqrt(omega2)
        tries = [minimize(objective, s, method="Nelder-Mead", options=NELDER_MEAD) for s in starts]
        best = min(tries, key=lambda r: r.fun)
        fit = ido.fit(card, subject)
        assert fit.status.code == "converged"
        np.testing.assert_allclose(fit.eta[order], best.x, rtol=0, atol=ESTIMATE)


def test_without_levels_the_population_is_returned_and_said_so():
    fit = ido.fit(CARD, newborn())
    assert fit.status.code == "flat"
    assert "No level was measured" in fit.status.sentence
    np.testing.assert_allclose(fit.eta, 0.0, atol=IDENTITY)
    np.testing.assert_allclose(fit.covariance, np.array(CARD.omega), rtol=IDENTITY)


def test_a_level_right_after_the_dose_says_nothing_of_clearance():
    fit = ido.fit(CARD, newborn(Level(0.0, 20.0), doses=((0.0, 25.0),)))
    assert fit.status.code == "flat"
    assert "CL" in fit.status.sentence
    assert "V" not in fit.status.sentence.split("It concerns")[1]


def test_an_impossible_level_sends_a_parameter_to_the_edge():
    fit = ido.fit(CARD, newborn(Level(2.0, 0.02), Level(40.0, 4000.0)))
    assert fit.status.code in ("bound", "failed")
    assert any(n.code.startswith("fit-") for n in fit.warnings)


@pytest.mark.parametrize("value", [1e-30, 1e12, 1e150, 1e300])
def test_a_hard_case_has_a_status_and_no_nan(value):
    fit = ido.fit(CARD, newborn(Level(2.0, value), Level(20.0, 17.0)))
    assert fit.status.sentence
    assert np.all(np.isfinite(fit.eta))
    assert np.all(np.isfinite(fit.covariance))
    assert np.all(np.isfinite(fit.fitted()))
    assert all(math.isfinite(x) for e in fit.parameters().values() for x in (e.value, e.low, e.high))


def test_a_search_that_runs_out_of_steps_fails_with_a_sentence_and_raises_on_request(monkeypatch):
    monkeypatch.setattr("individose.inference.individual.restarts.improve", lambda *a: (a[2], {}))  # no second look
    problem = ido.fit(CARD, newborn(Level(2.0, 17.0))).problem
    fit = MAP(mode.Settings(max_steps=1)).fit(problem)
    assert fit.status.code == "failed"
    assert "typical patient" in fit.status.sentence
    np.testing.assert_array_equal(fit.eta, 0.0)
    np.testing.assert_allclose(fit.covariance, np.array(CARD.omega), rtol=IDENTITY)


def test_throw_raises_what_the_status_says(monkeypatch):
    monkeypatch.setattr("individose.inference.individual.restarts.improve", lambda *a: (a[2], {}))  # no second look
    from individose.app.actions import problems

    monkeypatch.setitem(problems.METHODS, "map", MAP(mode.Settings(max_steps=1)))
    with pytest.raises(NumericalError, match="typical patient"):
        ido.fit(CARD, newborn(Level(2.0, 17.0)), throw=True)


def test_one_broken_patient_never_stops_a_ward():
    good = newborn(Level(2.0, 17.0))
    hard = newborn(Level(2.0, 1e300))
    missing = Subject("m", (Dose(0.0, 20.0), Level(2.0, 17.0)))
    ward = ido.fit_ward(CARD, [good, hard, missing, good])
    assert [r.id for r in ward.refused] == ["m"]
    alone = ido.fit(CARD, good)
    for place in (0, 2):
        np.testing.assert_allclose(ward.fits[place].eta, alone.eta, rtol=0, atol=IDENTITY)
    assert np.all(np.isfinite(ward.fits[1].eta))


def test_the_gradient_of_the_loss_equals_finite_differences():
    problem = ido.fit(CARD, newborn(Level(2.0, 17.0), Level(40.0, 25.0))).problem

    def objective(eta):
        return loss(problem.likelihood, eta, problem.data)

    for eta in np.random.default_rng(2).normal(scale=0.4, size=(5, 2)):
        exact = np.asarray(jax.grad(objective)(eta))
        moves = 1e-6 * np.eye(2)
        numeric = [(objective(eta + m) - objective(eta - m)) / 2e-6 for m in moves]
        np.testing.assert_allclose(exact, numeric, rtol=GRADIENT, atol=GRADIENT * np.max(np.abs(exact)))


def test_new_values_of_one_shape_compile_nothing():
    ido.fit(CARD, newborn(Level(2.0, 17.0)))
    before = mode._soon._cache_size()
    for value in (10.0, 20.0, 30.0):
        ido.fit(CARD, newborn(Level(3.0, value), doses=((0.0, 20.0), (12.0, value / 5), (24.0, 4.0), (30.0, 1.0))))
    assert mode._soon._cache_size() == before


def test_intervals_of_parameters_are_the_normal_quantiles_of_the_effects():
    fit = ido.fit(CARD, newborn(Level(2.0, 17.0), Level(40.0, 25.0)))
    found = fit.parameters(0.9)["CL"]
    sd = math.sqrt(fit.covariance[0, 0])
    expected = [CL * math.exp(fit.eta[0] + z * sd) for z in (-1.6448536269514722, 0.0, 1.6448536269514722)]
    np.testing.assert_allclose([found.low, found.value, found.high], expected, rtol=IDENTITY)
    assert found.unit == "L/h"


def test_the_band_of_the_curve_is_the_band_of_the_draws():
    """Right after the only dose the level is dose / V, whose quantiles are known."""
    fit = ido.fit(CARD, newborn(Level(2.0, 17.0), doses=((0.0, 25.0),)))
    low, high = fit.band([0.0], level=0.9, count=20000)
    sd = math.sqrt(fit.covariance[1, 1])
    centre = 25.0 / (V * math.exp(fit.eta[1]))
    # standard error of a 5 % quantile of 20,000 draws of a log-normal: 0.0149 sd
    assert abs(math.log(low[0] / centre) + 1.6449 * sd) < 4 * 0.0149 * sd
    assert abs(math.log(high[0] / centre) - 1.6449 * sd) < 4 * 0.0149 * sd


@pytest.mark.parametrize("way", ["below", "above"])
def test_a_level_beyond_a_limit_is_censored_not_measured(way):
    """M3: the probability of lying beyond the limit, written out here, minimised by an independent optimiser."""
    levels = [(2.0, 17.0, "none"), (40.0, 15.0 if way == "below" else 30.0, way)]
    fit = ido.fit(CARD, newborn(*(Level(t, y, censoring=c) for t, y, c in levels)))

    def objective(etas):
        total = by_hand(etas, [levels[0][:2]], DOSES)
        cl, v = CL * math.exp(etas[0]), V * math.exp(etas[1])
        f = sum(amount / v * math.exp(-cl / v * (40.0 - at)) for at, amount in DOSES)
        z = (levels[1][1] - f) / (math.sqrt(0.013241) * f)
        return total - 2.0 * norm.logcdf(z if way == "below" else -z)

    found = minimize(objective, [0.0, 0.0], method="Nelder-Mead", options=NELDER_MEAD)
    np.testing.assert_allclose(fit.eta, found.x, rtol=0, atol=ESTIMATE)
    assert abs(fit.objective - found.fun) < ESTIMATE
    curvature = _second_differences(lambda e: objective(e) / 2.0, fit.eta)
    np.testing.assert_allclose(np.linalg.inv(fit.covariance), curvature, rtol=1e2 * GRADIENT, atol=1e2 * GRADIENT * 50)
    measured = ido.fit(CARD, newborn(*(Level(t, y) for t, y, _ in levels)))
    assert np.max(np.abs(measured.eta - fit.eta)) > 1e3 * ESTIMATE


@pytest.mark.parametrize(
    ("doses", "levels"),
    [
        (((0.0, 25000.0), (12.0, 3.5), (24.0, 3.5)), ((2.0, 17.0), (30.0, 20.0))),  # g entered as mg
        (DOSES, ((2.0, 0.017), (40.0, 0.025))),  # g/L entered as mg/L
        (DOSES, ((40.0, 24.6), (40.0, 80.0))),  # two levels at one time that contradict each other
        (DOSES, ((2.0, 17.0), (10_000.0, 33.0))),  # long after everything is gone
    ],
)
def test_levels_that_the_doses_cannot_explain_are_said_and_no_dose_is_advised(doses, levels):
    fit = ido.fit(CARD, newborn(*(Level(*x) for x in levels), doses=doses))
    assert fit.status.code in ("failed", "bound") or any(n.code == "level-missed" for n in fit.warnings)
    assert any(n.grade in ("warning", "caution") for n in fit.warnings)
    advice = ido.advise(fit, CARD.targets[0])
    assert advice.candidates == ()
    assert advice.sentence.startswith("No dose is advised")


def test_a_level_that_fits_is_not_called_missed():
    fit = ido.fit(CARD, newborn(Level(2.0, 17.0), Level(40.0, 25.0)))
    assert not any(n.code == "level-missed" for n in fit.warnings)
