"""Every card that is offered fits a patient simulated from itself: the mode is at least as probable as the truth."""

from __future__ import annotations

import numpy as np
import pytest

import individose as ido
from individose.drugs import card_ids, covariate
from individose.events import Dose, Level, Reading, Subject
from individose.inference import loss
from tolerances import IDENTITY

OWN_TESTS = ("phenobarbital/grasela1985", "theophylline/boeckmann1994")
"""Fitted to real patients elsewhere."""

TIMES_H = (1.0, 5.0, 23.0, 71.5)


def patient(card, levels=None):
    """A patient of the card's first worked example, in the middle of the rest of its domain; three doses a day apart."""
    known = dict(card.checks[0].given)
    for name, one in card.domain.items():
        ends = [end for end in (one.min, one.max) if end is not None]
        if name not in known and covariate(name).kind == "continuous":
            known[name] = sum(ends) / len(ends)
    doses = [Dose(24.0 * i, 500.0, 2.0 if "infusion" in card.inputs else 0.0) for i in range(3)]
    values = levels if levels is not None else [1.0] * len(TIMES_H)
    events = [*doses, *(Level(t, float(y)) for t, y in zip(TIMES_H, values, strict=True))]
    return Subject("simulated", (Reading(0.0, known), *sorted(events, key=lambda e: e.time_h)))


THREE_COMPARTMENTS = ("propofol/yang2019",)
"""Second derivatives of three exponentials compile for a minute."""


@pytest.mark.parametrize(
    "card_id",
    [
        pytest.param(one, marks=[pytest.mark.slow] if one in THREE_COMPARTMENTS else [])
        for one in card_ids()
        if one not in OWN_TESTS
    ],
)
def test_a_simulated_patient_is_found_again(card_id):
    card = ido.card(card_id)
    random = np.random.default_rng(7)
    omega = np.array(card.omega)
    truth = np.linalg.cholesky(omega) @ random.standard_normal(len(omega))
    exact = ido.fit(card, patient(card), method="prior").at_effects(truth, TIMES_H)
    spread = np.sqrt(card.residual.additive_mg_L**2 + (card.residual.proportional * exact) ** 2)
    noisy = np.maximum(exact + spread * random.standard_normal(len(exact)), 0.05 * exact)
    fit = ido.fit(card, patient(card, noisy))
    assert fit.status.ok, fit.status
    assert not [notice for notice in fit.warnings if notice.code.startswith("domain")]
    at_truth, at_mode = (float(loss(fit.problem.likelihood, eta, fit.problem.data)) for eta in (truth, fit.eta))
    assert at_mode <= at_truth + IDENTITY
