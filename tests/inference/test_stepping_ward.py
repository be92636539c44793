"""A ward that steps through differential equations: from the march's optimum, side by side, to what each has alone."""

from dataclasses import replace

import numpy as np
import pytest

from individose.app.actions.problems import bind_all, shared_sizes
from individose.events import Dose, Level, Subject
from individose.inference import MAP, NUTS, SIR
from individose.inference.individual import nuts, sir
from individose.inference.individual import ward as module
from inference import posteriors
from inference.test_weighted import CARD
from tolerances import IDENTITY

LEVELS = (
    ((1.0, 21.0), (14.0, 7.0), (30.0, 0.4)),
    ((1.0, 15.0), (14.0, 3.0), (30.0, 0.05)),
    ((2.0, 30.0), (20.0, 19.0), (30.0, 12.0)),
    ((2.0, 3.0), (20.0, 19.0), (30.0, 600.0)),  # nothing explains them
    (),
)


@pytest.fixture(scope="module")
def problems():
    people = [
        Subject(f"{k}", (Dose(0.0, 900.0 + 10.0 * k), *(Level(*one) for one in LEVELS[k % len(LEVELS)])))
        for k in range(20)
    ]
    bounds, refused = bind_all(CARD, people)
    assert not refused
    ((_, found),) = shared_sizes(bounds)
    return found


def test_a_ward_side_by_side_equals_each_alone(problems, monkeypatch):
    marched = []
    approached = module._approached
    monkeypatch.setattr(
        module, "_approached", lambda one, *rest: (marched.append(one.system.whole.marching), approached(one, *rest))[1]
    )
    ward = MAP().fit_ward(problems)
    assert set(marched) == {True, False}  # the march, then the precise solver
    assert len({fit.status.code for fit in ward}) > 1
    for fit, one in zip(ward, problems, strict=True):
        alone = MAP().fit(one)
        assert (fit.id, fit.status) == (alone.id, alone.status)
        np.testing.assert_allclose(fit.eta, alone.eta, rtol=IDENTITY, atol=IDENTITY)
        # at the ends of two searches, each within rounding of the optimum, the curvature differs by a little more
        np.testing.assert_allclose(fit.covariance, alone.covariance, rtol=1e2 * IDENTITY)
        assert [n.code for n in fit.notices] == [n.code for n in alone.notices]


@pytest.mark.parametrize("method", ["sir", "nuts"])
def test_a_patient_whose_proposal_cannot_be_made_stops_nobody(method):
    """A covariance that is not positive definite, which no search gives, is that patient's status."""
    made = [
        posteriors.problem(posteriors.bind(posteriors.NEWBORN, posteriors.newborn([(2.0, y)]))) for y in (15.0, 17.0)
    ]
    quick = SIR(sir.Settings(proposals=4096, wanted=1000.0)) if method == "sir" else NUTS(nuts.Settings(draws=200))

    class Broken:
        def fit_ward(self, problems):
            first, second = MAP().fit_ward(problems)
            return [replace(first, covariance=-first.covariance), second]

    first, second = replace(quick, mode=Broken()).fit_ward(made)
    assert first.status.code == "failed"
    assert "positive definite" in first.status.sentence
    assert [n.code for n in first.notices if n.grade == "warning"] == [f"{method}-failed"]
    assert first.draws is None
    assert second.status.ok


def test_a_march_that_leads_astray_is_not_followed(problems, monkeypatch):
    """Its end is taken as the start only where the precise loss is lower there."""
    expected = [fit.eta for fit in MAP().fit_ward(problems)]
    towards = module._towards

    def astray(likelihood, data, start, settings, size):
        if likelihood.system.whole.marching:
            return np.full_like(start, 40.0), np.zeros(len(start))
        return towards(likelihood, data, start, settings, size)

    monkeypatch.setattr(module, "_towards", astray)
    for fit, eta in zip(MAP().fit_ward(problems), expected, strict=True):
        np.testing.assert_allclose(fit.eta, eta, rtol=IDENTITY, atol=IDENTITY)
