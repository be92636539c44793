"""Vancomycin cards against Monolix and posologyr, and against each other's published figures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import individose as ido
import reference_data
from individose.app.actions.problems import problem
from individose.drugs import Residual
from individose.events import Dose, Level, Reading, Subject
from individose.prediction import bind
from tolerances import printed

GOTI = ido.card("vancomycin/goti2018")
VARIANCES = (0.147, 0.510, 0.282)
"""Of both reference folders: ln(1 + cv2), where the card takes cv2."""

NAMES = {"Cl": "CL", "Vc": "V1", "Vp": "V2", "ETA1": "CL", "ETA2": "V1", "ETA3": "V2"}


def as_tested():
    """The card with the residual error (SD = a + b f) and the variances that the other programs were given."""
    effects = tuple(replace(e, omega2=v) for e, v in zip(GOTI.effects, VARIANCES, strict=True))
    omega = tuple(tuple(v if i == j else 0.0 for j in range(3)) for i, v in enumerate(VARIANCES))
    return replace(GOTI, effects=effects, omega=omega, residual=Residual("sd = a + b f", 3.4, 0.227))


def patient(folder):
    """The patient of a folder, at the covariates of the dose rows: those of the levels have a clearance of 0."""
    rows = reference_data.rows(f"map/{folder}/data.csv")
    first = rows[0]
    known = {"weight": float(first["WT"]), "crcl": float(first["CLCREAT"]), "dialysis": float(first["DIAL"])}
    events = [Reading(0.0, known | {"age": 60.0})]
    for row in rows:
        if row["EVID"] == "1":
            events.append(Dose(float(row["TIME"]), float(row["AMT"]), float(row["AMT"]) / float(row["RATE"])))
        else:
            events.append(Level(float(row["TIME"]), float(row["DV"])))
    return Subject("a", tuple(events))


def expected(folder):
    return {row["quantity"]: row for row in reference_data.rows(f"map/{folder}/expected.csv")}


@pytest.fixture(scope="module")
def fits():
    folders = ("posologyr_vancomycin_goti_monolix", "posologyr_vancomycin_dose_optim")
    return {folder: ido.fit(as_tested(), patient(folder)) for folder in folders}


@pytest.mark.reference
def test_individual_parameters_are_those_of_monolix(fits):
    folder = "posologyr_vancomycin_goti_monolix"
    found = fits[folder].parameters()
    assert fits[folder].status.ok
    for name, row in expected(folder).items():
        value = found[NAMES[name]].value
        assert value == pytest.approx(float(row["expected"]), rel=float(row["tolerance"].split()[0]))
        assert abs(value - float(row["scipy_check"])) <= printed(row["scipy_check"])


@pytest.mark.reference
def test_individual_parameters_and_doses_are_those_of_posologyr(fits):
    folder = "posologyr_vancomycin_dose_optim"
    fit, wanted = fits[folder], expected(folder)
    found, typical = fit.parameters(), fit.typical()
    for name in ("ETA1", "ETA2", "ETA3"):
        parameter, row = NAMES[name], wanted[name]
        theirs = typical[parameter] * np.exp(float(row["expected"]))
        assert found[parameter].value == pytest.approx(theirs, rel=float(row["tolerance"]))
        optimum = typical[parameter] * np.exp(float(row["scipy_check"]))
        assert found[parameter].value == pytest.approx(optimum, rel=2 * printed(row["scipy_check"]))
    daily = Subject("a", (fit.problem.context.subject.events[0], *(Dose(24.0 * i, 1000.0, 2.0) for i in range(11))))
    own = replace(fit, problem=problem(bind(as_tested(), daily)))
    level = float(own.predict([24.0])[0])
    for name, reached, aim in (
        ("dose_auc_single", own.exposure("auc", 0.0, 24.0).value, 400.0),
        ("dose_auc_multi", own.exposure("auc", 216.0, 240.0).value, 400.0),
        ("dose_conc_single", level, 11.04931),
    ):
        row = wanted[name]
        assert 1000.0 * aim / reached == pytest.approx(float(row["expected"]), rel=float(row["tolerance"])), name


def test_an_area_of_400_to_600_is_an_average():
    for author in ("goti2018", "thomson2009", "buelga2005"):
        target = ido.target(f"vancomycin/{author}", "average")
        assert (target.low * 24.0, target.high * 24.0) == (pytest.approx(400.0), pytest.approx(600.0))
