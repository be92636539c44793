"""What cannot be had of one patient is said of that patient: the rest of the result stays, and so do the others."""

import numpy as np
import pytest

import individose as ido
from individose.app.actions.estimate import results
from individose.base import InputError
from individose.drugs.schema import read_card
from individose.events import Dose, Level, Subject
from inference.test_mixture import TEXT, patient
from prediction.test_nonlinear_cards import ORAL, SATURABLE, card
from tolerances import IDENTITY

SPLIT = card(
    "one_compartment", ("first_order", "zero_order"), (*ORAL, ("duration", 2.0), ("F1", 0.6), ("F2", 0.4)), SATURABLE
)
"""A steady state of a split dose is not to be had of a nonlinear system."""

EVERY_DAY = Subject("daily", (*(Dose(24.0 * k, 100.0) for k in range(3)), Level(60.0, 3.0)))
ONCE = Subject("once", (Dose(0.0, 100.0), Level(5.0, 2.0)))


def test_a_patient_whose_exposure_cannot_be_had_keeps_all_else():
    found = ido.estimate(SPLIT, EVERY_DAY, method="prior", behind=False)
    assert not found.exposure
    assert found.curve is not None
    assert np.isfinite([row.ipred for row in found.levels]).all()
    (said,) = [n for n in found.warnings if n.code == "no-exposure"]
    assert said.grade == "warning"
    assert "a steady state is asked of" in said.sentence


def test_it_stops_nobody_in_a_ward():
    fits = ido.fit_ward(SPLIT, [EVERY_DAY, ONCE], "prior").fits
    first, second = results(SPLIT, fits, behind=False)
    assert not first.exposure
    assert [n.code for n in first.notices] == ["no-exposure"]
    assert not second.notices
    assert np.isfinite([row.ipred for row in second.levels]).all()


def test_a_level_of_zero_has_no_logarithm():
    old = 'convention = "sd2 = a2 + b2 f2"\nadditive = { variance = 17300, unit = "mg/L" }'
    assert old in TEXT
    logarithmic = read_card(TEXT.replace(old, 'convention = "ln y = ln f + e"\nlog_sd = 0.2'))
    zero, good = patient([(2.0, 801.0), (8.0, 0.0)], "zero"), patient([(2.0, 801.0)], "good")
    with pytest.raises(InputError, match="the level at 8 h is 0 mg/L"):
        ido.fit(logarithmic, zero)
    ward = ido.fit_ward(logarithmic, [zero, good])
    assert [one.id for one in ward.refused] == ["zero"]
    assert [fit.id for fit in ward.fits] == ["good"]


def test_the_prior_of_a_mixture_weighs_its_groups_by_their_shares():
    mixture = read_card(TEXT)
    found = ido.estimate(mixture, patient(), method="prior", curve=False)
    np.testing.assert_allclose(found.average.weights, [group.probability for group in mixture.groups], rtol=IDENTITY)
