"""Chains that sit in different images of one truth: they disagree on single rates, and agree on what the curve is made of."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numpyro")

from individose.app.actions.series import Series
from individose.events import Dose
from individose.inference.generative import Chains, Gaussian, log_normal, sample
from individose.inference.individual.chains import rhat
from individose.inference.individual.posterior import AGREE, DISAGREE
from inference.estradiol import SYMMETRY, seen
from tolerances import within_standard_errors

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


HOW = Chains(chains=6, warm_up=600, draws=400, acceptance=0.9, starts="anywhere", seed=3)


@pytest.fixture(scope="module")
def free():
    return sample(Gaussian(ALIKE, symmetry=SYMMETRY), simulated(), HOW)


@pytest.fixture(scope="module")
def ordered():
    return sample(Gaussian(ALIKE, order=("k1", "k3", "k2"), symmetry=SYMMETRY), simulated(), HOW)


def test_chains_disagree_on_the_rates_and_agree_on_the_curve(free):
    places = {tuple(np.argsort([np.median(free.draws[k][c]) for k in ("k1", "k2", "k3")])) for c in range(HOW.chains)}
    assert len(places) > 1
    assert max(rhat(free.draws[name]) for name in ("k1", "k2", "k3", "d")) > DISAGREE
    assert {"invariant area", "invariant rate1", "invariant rate2", "invariant rate3"} == set(free.rhat)
    assert free.worst_rhat < AGREE
    assert free.status.ok


def test_chains_agree_where_an_order_leaves_one_mode(ordered):
    assert {"d", "k1", "k2", "k3"} < set(ordered.rhat)
    assert ordered.worst_rhat < AGREE
    assert np.all(ordered.draws["k1"] < ordered.draws["k3"])
    assert np.all(ordered.draws["k3"] < ordered.draws["k2"])


def test_modes_relabelled_are_the_ordered_posterior(free, ordered):
    told = free.relabelled("k1", "k3", "k2")
    assert told.worst_rhat < AGREE
    for name in TRUTH:
        one, other = told.flat(name), ordered.flat(name)
        error = np.hypot(one.std() / told.effective[name] ** 0.5, other.std() / ordered.effective[name] ** 0.5)
        assert within_standard_errors(one.mean(), other.mean(), error)
        assert abs(np.log(np.median(one) / TRUTH[name])) < 4.0 * np.log(one).std()
    np.testing.assert_allclose(told.draws["curve"], free.draws["curve"])
