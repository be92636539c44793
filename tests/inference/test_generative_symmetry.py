"""Chains that sit in different images of one truth: they disagree on single rates, and agree on what the curve is made of."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numpyro")

from individose.app.actions.series import Series
from individose.events import Dose
from individose.inference.generative import Chains, Gaussian, log_normal, sample
from individose.inference.generative.posterior import _judged
from individose.inference.individual.chains import rhat
from individose.inference.individual.posterior import AGREE, DISAGREE
from individose.kinetics.symmetry import TRIANGLE, image
from inference.estradiol import SYMMETRY, seen
from tolerances import IDENTITY, within_standard_errors

TRUTH = {"d": 478.0, "k1": 0.236, "k2": 4.85, "k3": 1.24}
"""The reference program's estradiol valerate."""
TIMES = (0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 9.0, 13.0, 18.0)
SD = 4.0
ALIKE = {
    "d": log_normal(500.0, 2.0, unit="pg/mL per mg"),
    **{name: log_normal(1.0, 1.5, unit="1/d") for name in ("k1", "k2", "k3")},
}
"""Nothing tells the rates apart."""


def simulated():
    d, k1, k2, k3 = TRUTH.values()
    t = np.array(TIMES)
    curve = (5.0 * d * k1 * k2) * (
        np.exp(-k1 * t) / ((k1 - k2) * (k1 - k3))
        - np.exp(-k2 * t) / ((k1 - k2) * (k2 - k3))
        + np.exp(-k3 * t) / ((k1 - k3) * (k2 - k3))
    )
    levels = curve + SD * np.random.default_rng(4).normal(size=len(t))
    return seen([Series("one", "one", (Dose(0.0, 5.0),), TIMES, tuple(levels), (SD,) * len(t))])


def posterior(chains):
    """A posterior of these draws of (d, k1, k2, k3), chains by draws by four, judged as sampled ones are."""
    draws = dict(zip(TRUTH, np.moveaxis(chains, -1, 0), strict=True))
    model = Gaussian(ALIKE, symmetry=SYMMETRY)
    return _judged(model, simulated(), draws, 0, 1.0, np.zeros(0), labelled=False)


def test_what_all_images_share_agrees_where_chains_sit_in_different_ones():
    """Draws around one truth, of which each chain shows another image; relabelled they are what they were."""
    one_mode = np.array(list(TRUTH.values())) * np.exp(0.05 * np.random.default_rng(2).normal(size=(6, 400, 4)))
    spread = one_mode.copy()
    for chain, order in enumerate(TRIANGLE.values()):
        scale, rates = image(one_mode[chain, :, 0], one_mode[chain, :, 1:], order)
        spread[chain] = np.concatenate([np.asarray(scale)[:, None], rates], axis=-1)
    assert min(rhat(spread[..., i]) for i in range(4)) > DISAGREE
    found = posterior(spread)
    assert set(found.rhat) == {"invariant area", "invariant rate1", "invariant rate2", "invariant rate3"}
    assert found.worst_rhat < AGREE
    assert found.status.ok
    told = found.relabelled("k1", "k3", "k2")
    assert set(TRUTH) < set(told.rhat)
    assert told.worst_rhat < AGREE
    for i, name in enumerate(TRUTH):
        np.testing.assert_allclose(told.draws[name], one_mode[..., i], rtol=IDENTITY)
    wrong = one_mode * np.array([1.0, 1.0, 1.0, 1.3]) ** (np.arange(6) > 2)[:, None, None]  # three chains elsewhere
    assert posterior(wrong).worst_rhat > DISAGREE


HOW = Chains(chains=6, warm_up=600, draws=400, acceptance=0.9, starts="anywhere", seed=3)


@pytest.fixture(scope="module")
def free():
    return sample(Gaussian(ALIKE, symmetry=SYMMETRY), simulated(), HOW)


@pytest.fixture(scope="module")
def ordered():
    return sample(Gaussian(ALIKE, order=("k1", "k3", "k2"), symmetry=SYMMETRY), simulated(), HOW)


@pytest.mark.slow
def test_chains_disagree_on_the_rates_and_agree_on_the_curve(free):
    places = {tuple(np.argsort([np.median(free.draws[k][c]) for k in ("k1", "k2", "k3")])) for c in range(HOW.chains)}
    assert len(places) > 1
    assert max(rhat(free.draws[name]) for name in ("k1", "k2", "k3", "d")) > DISAGREE
    assert {"invariant area", "invariant rate1", "invariant rate2", "invariant rate3"} == set(free.rhat)
    assert free.worst_rhat < AGREE
    assert free.status.ok


@pytest.mark.slow
def test_chains_agree_where_an_order_leaves_one_mode(ordered):
    assert {"d", "k1", "k2", "k3"} < set(ordered.rhat)
    assert ordered.worst_rhat < AGREE
    assert np.all(ordered.draws["k1"] < ordered.draws["k3"])
    assert np.all(ordered.draws["k3"] < ordered.draws["k2"])


@pytest.mark.slow
def test_modes_relabelled_are_the_ordered_posterior(free, ordered):
    told = free.relabelled("k1", "k3", "k2")
    assert told.worst_rhat < AGREE
    for name in TRUTH:
        one, other = told.flat(name), ordered.flat(name)
        error = np.hypot(one.std() / told.effective[name] ** 0.5, other.std() / ordered.effective[name] ** 0.5)
        assert within_standard_errors(one.mean(), other.mean(), error)
        assert abs(np.log(np.median(one) / TRUTH[name])) < 4.0 * np.log(one).std()
    np.testing.assert_allclose(told.draws["curve"], free.draws["curve"])
