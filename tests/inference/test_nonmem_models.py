"""Every case of `map/nm*`: NONMEM's predictions, and for every patient an optimum at least as good as NONMEM's."""

from __future__ import annotations

from collections import defaultdict
from functools import cache

import numpy as np
import pytest

import individose as ido
import reference_data
from individose.inference.predictions import predict_draws
from individose.inference.problem import loss
from inference import nonmem_cases as cases
from tolerances import ETA_DIFFERS, ETA_MEDIAN, OBJECTIVE_LOWER, OBJECTIVE_NONMEM, PREDICTION_NONMEM, printed

pytestmark = pytest.mark.reference

COUNT, STEPPED = 16, 6
"""Patients of a case in the default run, and of one that steps through differential equations."""

ROUNDING = 1e-15
"""Of a patient's highest level: double precision of the exponentials that a level is the difference of."""


def some(name):
    return STEPPED if name in ("nm201_mm_oral", "nm203_mm_plus_linear_oral_etaKM") else COUNT


@cache
def fitted(name, count):
    ward = ido.fit_ward(cases.card(name), cases.subjects(name)[:count])
    assert not ward.refused
    return ward.fits


def etas(name, fits):
    """NONMEM's effects (patients, effects), and half of the last printed digit of each; our padding is 0 in both."""
    rows = reference_data.rows(f"map/{name}/expected.csv")[: len(fits)]
    assert [row["ID"] for row in rows] == [fit.id for fit in fits]
    cells = [[value for key, value in row.items() if key.startswith("ETA")] for row in rows]
    found, digit = np.zeros((2, len(fits), len(fits[0].eta)))
    found[:, : len(cells[0])] = [[float(cell) for cell in row] for row in cells]
    digit[:, : len(cells[0])] = [[printed(cell) for cell in row] for row in cells]
    return found, digit


def table(name):
    """NONMEM's predictions by patient; where it fitted logarithms, PRED is one."""
    found = defaultdict(list)
    for row in reference_data.rows(f"map/{name}/expected_pred.csv"):
        found[row["ID"]].append(row)
    return found


def check_predictions(name, count):
    fits = fitted(name, count)
    centre, digit = etas(name, fits)
    rows = table(name)
    for fit, eta, half in zip(fits, centre, digit, strict=True):
        if fit.id not in rows:
            continue
        at = np.stack([np.zeros_like(eta), eta, *(eta + np.diag(half))])
        data = fit.problem.data
        levels = np.asarray(predict_draws(fit.problem.likelihood, at, data))[:, np.asarray(data.sampled)]
        individual = [row["IPRED"] for row in rows[fit.id]]
        typical = [row["PRED"] for row in rows[fit.id]]
        pred = np.array([float(cell) for cell in typical])
        rounding = np.array([printed(cell) for cell in typical])
        if "log_error" in name:
            pred = np.exp(pred)
            rounding *= pred
        digits = np.abs(levels[2:] - levels[1]).sum(0) + [printed(cell) for cell in individual]
        ipred = np.array([float(cell) for cell in individual])
        assert np.all(np.abs(levels[0] - pred) <= PREDICTION_NONMEM * np.abs(pred) + rounding), (name, fit.id)
        allowed = PREDICTION_NONMEM * np.abs(ipred) + digits + ROUNDING * ipred.max()
        assert np.all(np.abs(levels[1] - ipred) <= allowed), (name, fit.id, np.abs(levels[1] - ipred) / allowed)


def not_measured(name, fit, rows):
    """What records with MDV = 1 add to `expected_ofv.csv`, which counts them as NONMEM does not."""
    added = 0.0
    for level, row in zip(_levels(fit), rows, strict=True):
        if not level.measured:
            f = float(row["IPRED"])
            variance = 0.05 * (f if f != 0.0 else 1.0) ** 2
            added += np.log(variance) + (float(row["DV"]) - f) ** 2 / variance
    return added


def _levels(fit):
    return [event for event in fit.problem.context.subject.events if isinstance(event, ido.Level)]


def check_optima(name, count):
    fits = fitted(name, count)
    expected, _ = etas(name, fits)
    rows = table(name)
    stated = reference_data.rows(f"map/{name}/expected_ofv.csv")
    theirs = np.array([float(row["map_ofv_at_nonmem_eta"]) for row in stated[: len(fits)]])
    theirs -= [not_measured(name, fit, rows[fit.id]) if fit.id in rows else 0.0 for fit in fits]
    assert all(fit.status.ok for fit in fits)
    ours = np.array([fit.objective for fit in fits])
    assert np.all(ours <= theirs + OBJECTIVE_NONMEM), [
        (fit.id, more) for fit, more in zip(fits, ours - theirs, strict=True) if more > OBJECTIVE_NONMEM
    ]
    away = np.abs(np.array([fit.eta for fit in fits]) - expected).max(1)
    lower = ours <= theirs - OBJECTIVE_LOWER
    for fit, eta, far in zip(fits, expected, away, strict=True):
        if far > ETA_DIFFERS:
            assert loss(fit.problem.likelihood, eta, fit.problem.data) > loss(
                fit.problem.likelihood, fit.eta, fit.problem.data
            )
    equal = ~lower
    assert np.all(away[equal] <= ETA_DIFFERS), [
        (fit.id, far) for fit, far, same in zip(fits, away, equal, strict=True) if same and far > ETA_DIFFERS
    ]
    assert np.median(away) < ETA_MEDIAN


def test_every_case_has_a_card():
    folders = {path.name for path in reference_data.path("map").iterdir() if path.name.startswith("nm")}
    assert folders == set(cases.CARDS)


@pytest.mark.parametrize("name", cases.CARDS)
def test_predictions(name):
    check_predictions(name, some(name))


@pytest.mark.parametrize("name", cases.CARDS)
def test_no_optimum_is_missed(name):
    check_optima(name, some(name))


@pytest.mark.slow
@pytest.mark.parametrize("name", cases.CARDS)
def test_all_patients(name):
    check_predictions(name, 200)
    check_optima(name, 200)
