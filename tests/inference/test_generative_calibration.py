"""Simulation-based calibration of models (a) and (c), and the recovery of a known hierarchy."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numpyro")

from individose.app.actions.series import Series
from individose.events import Dose
from individose.inference.generative import Chains, Gaussian, Hierarchical, calibrate, gamma, log_normal, sample
from individose.inference.individual.posterior import AGREE
from inference.estradiol import SYMMETRY, seen
from tolerances import CALIBRATION

pytestmark = pytest.mark.slow

TIMES = (0.2, 0.5, 1.0, 2.0, 4.0, 7.0, 12.0, 18.0)
RATES = {
    "d": gamma(10.0, scale=50.0, unit="pg/mL per mg"),
    "k1": gamma(8.0, scale=0.03, unit="1/d"),
    "k2": gamma(8.0, scale=0.6, unit="1/d"),
    "k3": gamma(8.0, scale=0.15, unit="1/d"),
}
ORDER = ("k1", "k3", "k2")


def studies(count, per_study=1):
    """Series without levels that mean anything, for what is simulated."""
    names = [(f"study {j}", f"study {j}, arm {i}", 3.0 + 2.0 * i) for j in range(count) for i in range(per_study)]
    return [Series(name, study, (Dose(0.0, mg),), TIMES, (1.0,) * len(TIMES)) for study, name, mg in names]


def all_ranks_are_as_likely(found):
    p = found.p_values()
    assert min(p.values()) > CALIBRATION / len(p), p


def test_model_a_is_calibrated():
    model = Gaussian(RATES, sigma=gamma(4.0, rate=0.2, unit="pg/mL"), order=ORDER, symmetry=SYMMETRY)
    found = calibrate(model, seen(studies(1)), simulations=400)
    assert {"d", "k1", "k2", "k3", "sigma"} <= set(found.ranks)
    all_ranks_are_as_likely(found)


HIERARCHY = Hierarchical(
    RATES,
    spread={name: log_normal(0.25, 0.3, unit="1") for name in ("d", "k1")},
    sigma=gamma(4.0, rate=0.2, unit="pg/mL"),
    sigma_spread=log_normal(0.25, 0.3, unit="1"),
    order=ORDER,
    symmetry=SYMMETRY,
)


def test_model_c_is_calibrated():
    found = calibrate(HIERARCHY, seen(studies(4), by_study=True), simulations=240)
    assert {"spread_d", "d_by_study[3]", "sigma_by_study[0]"} <= set(found.ranks)
    all_ranks_are_as_likely(found)


def test_calibration_sees_a_wrong_model():
    """Data of one model under another whose levels scatter twice as much: the ranks of sigma pile up at one end."""
    wrong = Gaussian({**RATES, "d": gamma(10.0, scale=100.0, unit="pg/mL per mg")}, gamma(4.0, rate=0.2, unit="pg/mL"))
    right = Gaussian(RATES, gamma(4.0, rate=0.2, unit="pg/mL"))
    found = calibrate(wrong, seen(studies(1)), simulations=100, truth=right)
    assert found.p_values()["d"] < CALIBRATION / len(found.ranks)


SPREAD = {"d": 0.3, "k1": 0.2}
MEDIAN = {"d": 478.0, "k1": 0.236, "k2": 4.85, "k3": 1.24}


def test_a_known_hierarchy_is_recovered():
    generator = np.random.default_rng(11)
    own = [
        {name: x * np.exp(SPREAD.get(name, 0.0) * generator.normal()) for name, x in MEDIAN.items()} for _ in range(16)
    ]
    series = []
    for j, p in enumerate(own):
        d, k1, k2, k3 = p.values()
        t = np.array(TIMES)
        curve = (5.0 * d * k1 * k2) * (
            np.exp(-k1 * t) / ((k1 - k2) * (k1 - k3))
            - np.exp(-k2 * t) / ((k1 - k2) * (k2 - k3))
            + np.exp(-k3 * t) / ((k1 - k3) * (k2 - k3))
        )
        levels = curve + 10.0 * generator.normal(size=len(t))
        series.append(Series(f"arm {j}", f"study {j}", (Dose(0.0, 5.0),), TIMES, tuple(levels)))
    model = Hierarchical(
        RATES,
        spread={name: log_normal(0.25, 0.7, unit="1") for name in SPREAD},
        sigma=gamma(4.0, rate=0.2, unit="pg/mL"),
        order=ORDER,
        symmetry=SYMMETRY,
    )
    found = sample(model, seen(series, by_study=True), Chains(warm_up=600, draws=600))
    assert found.worst_rhat < AGREE + 0.01
    truth = {**MEDIAN, "sigma": 10.0, **{f"spread_{name}": x for name, x in SPREAD.items()}}
    off = {
        name: (np.log(found.flat(name)).mean() - np.log(x)) / np.log(found.flat(name)).std()
        for name, x in truth.items()
    }
    assert max(abs(z) for z in off.values()) < 3.0, off
    mine = np.stack([np.log(found.flat(f"{name}_by_study")) for name in SPREAD], axis=-1)
    true = np.log([[p[name] for name in SPREAD] for p in own])
    z = (mine.mean(axis=0) - true) / mine.std(axis=0)
    assert np.sqrt(np.mean(z**2)) < 1.5
    assert np.abs(z).max() < 4.0
