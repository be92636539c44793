"""Sampled posteriors of a card that varies between occasions, against weighted draws of the population."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

import individose as ido
from individose.drugs.schema import read_card
from individose.events import Dose, Level, Reading, Subject
from tolerances import POSTERIOR_MEAN, POSTERIOR_SD

CARD = """
id = "examplin/doe2032"
title = "varies between occasions"
grade = "draft"
system = { disposition = "one_compartment", input = "bolus" }

[source]
citation = "invented for a test"
population = "none"

[parameters]
CL = { equation = "4 [L/h]", unit = "L/h" }
V  = { equation = "70 [L]", unit = "L" }

[variability]
CL = [{ omega2 = 0.1 }, { omega2 = 0.05, level = "occasion" }]
V  = { omega2 = 0.06 }

[residual]
convention = "sd2 = a2 + b2 f2"
proportional = 0.2
"""
EFFECTS = ("CL", "V", "CL:occ1", "CL:occ2")
VARIANCE = np.array([0.1, 0.06, 0.05, 0.05])
SEEN = ((10.0, 12.5, 1), (20.0, 8.6, 1), (58.0, 5.1, 2), (70.0, 1.4, 2))
PATIENT = Subject(
    "a",
    (
        Reading(0.0, {"occasion": 1}), Dose(0.0, 1000.0), *(Level(t, y) for t, y, _ in SEEN[:2]),
        # a value holds on the interval before it, so the first occasion is said to last until the second begins
        Reading(48.0, {"occasion": 1}), Reading(48.0, {"occasion": 2}), Dose(48.0, 500.0),
        *(Level(t, y) for t, y, _ in SEEN[2:]),
    ),
)  # fmt: skip


@cache
def weighted(count=2_000_000):
    """Means, SDs and how many draws the weights are worth, from draws of the population."""
    eta = np.random.default_rng(0).standard_normal((count, 4)) * np.sqrt(VARIANCE)
    v = 70.0 * np.exp(eta[:, 1])
    first, second = (4.0 * np.exp(eta[:, 0] + eta[:, k]) / v for k in (2, 3))
    log_weight = np.zeros(count)
    for time, level, occasion in SEEN:
        before = np.exp(-first * min(time, 48.0))
        f = 1000.0 / v * before
        if occasion == 2:
            f = (f + 500.0 / v) * np.exp(-second * (time - 48.0))
        log_weight -= 0.5 * ((level - f) / (0.2 * f)) ** 2 + np.log(f)
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    mean = weight @ eta
    return mean, np.sqrt(weight @ (eta - mean) ** 2), 1.0 / (weight**2).sum()


@pytest.mark.parametrize("method", ["sir", "nuts"])
def test_moments_of_every_occasion(method):
    mean, sd, worth = weighted()
    assert worth > 20_000
    fit = ido.fit(read_card(CARD), PATIENT, method=method)
    assert fit.status.ok
    place = [fit.problem.effects.index(name) for name in EFFECTS]
    np.testing.assert_array_less(np.abs(fit.eta[place] - mean) / sd, POSTERIOR_MEAN)
    np.testing.assert_array_less(np.abs(np.sqrt(np.diag(fit.covariance))[place] / sd - 1.0), POSTERIOR_SD)
