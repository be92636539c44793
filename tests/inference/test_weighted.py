"""Chains over a march, weighted by the precise solver, against an integral over the exact levels, and where weights are poor.

Michaelis-Menten elimination after one bolus has the exact level Km W((C0 / Km) exp((C0 - Vmax t / V) / Km)) (Schnell &
Mendoza 1997, J Theor Biol 187:207-212), with Lambert's W.
"""

from dataclasses import replace

import jax
import numpy as np
import pytest
from scipy.special import lambertw

from individose.app.actions.problems import problem
from individose.drugs.schema import read_card
from individose.events import Dose, Level, Reading, Subject
from individose.inference import MAP, NUTS
from individose.inference.individual import nuts, weighted
from individose.prediction import bind
from inference import posteriors
from tolerances import POSTERIOR_MEAN, POSTERIOR_SD

CARD_TEXT = """
id = "case/saturable"
title = "Michaelis-Menten elimination after a bolus"
grade = "draft"
system = { disposition = "one_compartment", input = "bolus", elimination = "michaelis_menten" }

[source]
citation = "Invented for a test"
population = "none"

[parameters]
Vmax = { equation = "60 [mg/h]", unit = "mg/h" }
V    = { equation = "50 [L]", unit = "L" }
Km   = { equation = "4 [mg/L]", unit = "mg/L" }

[variability]
Vmax = { omega2 = 0.1 }
V    = { omega2 = 0.06 }

[residual]
convention = "sd2 = a2 + b2 f2"
proportional = 0.1
"""
CARD = read_card(CARD_TEXT, "saturable")
TYPICAL, OMEGA2, KM, PROPORTIONAL = np.array([60.0, 50.0]), np.array([0.1, 0.06]), 4.0, 0.1
LEVELS = ((1.0, 21.0), (14.0, 7.0), (30.0, 0.4))
SETTINGS = nuts.Settings(draws=1500)


@pytest.fixture(scope="module")
def patient():
    return problem(bind(CARD, Subject("a", (Dose(0.0, 1000.0), *(Level(*one) for one in LEVELS)))))


@pytest.fixture(scope="module")
def start(patient):
    return NUTS(SETTINGS)._start(MAP().fit(patient))


@pytest.fixture(scope="module")
def exact():
    """Means and SDs of both effects, from a grid over the exact levels."""
    steps = [np.linspace(-6.0, 6.0, 801) * np.sqrt(o) for o in OMEGA2]
    vmax, v = np.meshgrid(*steps, indexing="ij")
    times, observed = np.array(LEVELS).T
    rate = (TYPICAL[0] / TYPICAL[1] * np.exp(vmax - v))[..., None]
    first = (1000.0 / (TYPICAL[1] * np.exp(v)))[..., None]
    with np.errstate(over="ignore", invalid="ignore"):
        f = KM * lambertw(first / KM * np.exp((first - rate * times) / KM)).real
        terms = 0.5 * (((observed - f) / (PROPORTIONAL * f)) ** 2 + 2.0 * np.log(f)).sum(axis=-1)
    log_density = -0.5 * (vmax**2 / OMEGA2[0] + v**2 / OMEGA2[1]) - terms
    log_density = np.where(np.isfinite(log_density), log_density, -np.inf)
    weight = np.exp(log_density - log_density.max())
    weight /= weight.sum()
    means = np.array([(weight * x).sum() for x in (vmax, v)])
    return means, np.sqrt([(weight * (x - m) ** 2).sum() for x, m in zip((vmax, v), means, strict=True)])


def off(found, start, exact):
    """How far means and SDs of some chains are off, in SDs and as a share."""
    means, sds = exact
    etas = (np.asarray(found.z) @ start.root.T).reshape(-1, 2)
    return np.abs(etas.mean(axis=0) - means) / sds, np.abs(etas.std(axis=0) / sds - 1.0)


def test_weighted_chains_equal_the_integral_and_the_precise_solver(patient, start, exact):
    found, marched = weighted.solve(patient.likelihood, patient.data, start, SETTINGS)
    assert marched
    again = jax.device_get(nuts.solve(patient.likelihood, patient.data, start, SETTINGS))
    for chains in (found, again):
        mean, spread = off(chains, start, exact)
        assert np.all(mean < POSTERIOR_MEAN)
        assert np.all(spread < POSTERIOR_SD)
    density = nuts.log_posterior(patient.likelihood, patient.data, start.root)
    np.testing.assert_allclose(found.lp[0, :5], [float(density(z)) for z in found.z[0, :5]], rtol=1e-12)


def marched(patient, steps):
    return replace(patient.likelihood, system=patient.likelihood.system.whole.marched(steps))


def test_the_weights_take_off_what_a_coarse_march_is_wrong_by(patient, start, exact):
    coarse = marched(patient, 6)
    raw = jax.device_get(nuts.solve(coarse, patient.data, start, SETTINGS))
    found = weighted.over(coarse, patient.likelihood, patient.data, start, SETTINGS)
    assert np.max(off(raw, start, exact)[0]) > 2 * POSTERIOR_MEAN
    assert np.max(off(found, start, exact)[0]) < POSTERIOR_MEAN


def test_a_march_that_is_too_coarse_is_given_up(patient, start, monkeypatch):
    few = SETTINGS._replace(draws=100, warm_up=100)
    assert weighted.over(marched(patient, 1), patient.likelihood, patient.data, start, few) is None
    monkeypatch.setattr(type(patient.likelihood), "near", property(lambda one: marched(patient, 1)))
    found, marches = weighted.solve(patient.likelihood, patient.data, start, few)
    assert not marches
    precise = nuts.solve(patient.likelihood, patient.data, start, few)
    np.testing.assert_array_equal(found.z, precise.z)


def test_a_closed_form_is_walked_over_itself():
    one = posteriors.problem(posteriors.bind(posteriors.NEWBORN, posteriors.newborn([(2.0, 17.0)])))
    assert one.likelihood.near == one.likelihood


def test_a_march_with_many_effects_and_a_steady_state_has_a_gradient():
    """Beyond a dozen effects a closed form's gradient goes backward, which the root of a steady state does not allow."""
    each = '{} = [{{ omega2 = {} }}, {{ omega2 = 0.02, level = "occasion" }}]\n'.format
    own = each("Vmax", 0.1) + each("V", 0.06)
    text = CARD_TEXT.replace("Vmax = { omega2 = 0.1 }\nV    = { omega2 = 0.06 }\n", own)
    events = [Dose(0.0, 500.0, steady_state=1, interval_h=24.0), Level(3.0, 9.0)]
    for k in range(1, 7):
        events += [Reading(24.0 * k, {"occasion": k + 1}), Dose(24.0 * k, 500.0), Level(24.0 * k + 3.0, 9.0 + k)]
    one = problem(bind(read_card(text), Subject("a", (Reading(0.0, {"occasion": 1}), *events))))
    assert one.n_effects > nuts.FORWARD
    precision = np.asarray(one.data.precision)
    here = nuts.begin(precision, np.full(one.n_effects, 0.05), np.linalg.inv(precision), 0, SETTINGS)
    density = jax.jit(nuts.log_posterior(one.likelihood.near, one.data, here.root))
    slope = jax.jit(jax.grad(density))(here.middle)
    step = 1e-4
    for i, along in enumerate(np.eye(one.n_effects)[:4]):
        change = (density(here.middle + step * along) - density(here.middle - step * along)) / (2 * step)
        assert float(slope[i]) == pytest.approx(float(change), rel=1e-6, abs=1e-6)
