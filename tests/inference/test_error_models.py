"""Fits under the less usual errors and transforms, from card to mode, against formulas written out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import norm, t

import individose as ido
from individose.drugs.schema import read_card
from individose.events import Dose, Level, Subject
from inference.posteriors import ORAL_TEXT, oral_levels
from tolerances import ESTIMATE

TIMES = np.array([1.0, 3.0, 8.0, 12.0, 24.0])
OMEGA2 = np.array([0.1, 0.06, 0.2])
TYPICAL = np.array([4.0, 70.0, 1.0])
OBSERVED = np.array([7.6, 10.9, 8.1, 5.2, 2.9])
NORMAL = ORAL_TEXT[ORAL_TEXT.index("[residual]") :]
PATIENT = Subject(
    "a", (Dose(0.0, 1000.0), *(Level(*pair) for pair in zip(TIMES.tolist(), OBSERVED.tolist(), strict=True)))
)


def card(residual=NORMAL, clearance="CL = { omega2 = 0.1 }"):
    text = ORAL_TEXT.replace(NORMAL, residual).replace("CL = { omega2 = 0.1 }", clearance)
    return read_card(text, "case")


def log_normal(eta):
    return TYPICAL * np.exp(eta)


def box_cox(eta, shape=0.7):
    phi = np.exp(eta[0])
    return np.array([4.0 * np.exp((phi**shape - 1.0) / shape), *(TYPICAL * np.exp(eta))[1:]])


def best(log_density, individual=log_normal):
    """The mode by a simplex on hand-written formulas."""

    def loss(eta):
        levels = oral_levels(*individual(eta), TIMES)
        return 0.5 * np.sum(eta**2 / OMEGA2) - log_density(OBSERVED, levels).sum()

    found = minimize(loss, np.zeros(3), method="Nelder-Mead", options={"xatol": 1e-11, "fatol": 1e-14, "maxiter": 9000})
    return found.x


CASES = {
    "power": (
        'convention = "sd = a + b f**c"\nadditive = { sd = 0.1, unit = "mg/L" }\n'
        'power = { coefficient = 0.2, exponent = 0.6, unit = "mg/L" }',
        lambda y, f: norm.logpdf(y, f, 0.1 + 0.2 * f**0.6),
    ),
    "Student-t": (
        'convention = "sd = a + b f"\nadditive = { sd = 0.1, unit = "mg/L" }\nproportional = 0.1\nnu = 4',
        lambda y, f: t.logpdf((y - f) / (0.1 + 0.1 * f), 4) - np.log(0.1 + 0.1 * f),
    ),
    "log-additive": (
        'convention = "ln y = ln f + e"\nlog_sd = 0.2',
        lambda y, f: norm.logpdf(np.log(y), np.log(f), 0.2),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_mode_is_that_of_the_formulas(name):
    residual, log_density = CASES[name]
    fit = ido.fit(card(f"[residual]\n{residual}\n"), PATIENT)
    assert fit.status.code == "converged"
    np.testing.assert_allclose(fit.eta, best(log_density), rtol=0, atol=ESTIMATE)


def test_a_box_cox_effect_is_that_of_the_formulas():
    fit = ido.fit(card(clearance='CL = { omega2 = 0.1, transform = "box-cox", shape = 0.7 }'), PATIENT)
    expected = best(lambda y, f: norm.logpdf(y, f, 0.15 * f), box_cox)
    np.testing.assert_allclose(fit.eta, expected, rtol=0, atol=ESTIMATE)


def test_a_mistimed_level_moves_a_student_t_fit_least():
    """A peak noted as a trough: the heavy tails let it go, and clearance stays near what the other levels say."""
    wrong = OBSERVED.copy()
    wrong[4] = 11.0  # drawn at 3 h, noted at 24 h
    subject = Subject(
        "a", (Dose(0.0, 1000.0), *(Level(*one) for one in zip(TIMES.tolist(), wrong.tolist(), strict=True)))
    )
    normal = '[residual]\nconvention = "sd = a + b f"\nadditive = { sd = 0.6, unit = "mg/L" }\n'
    moved = []
    for residual in (normal, f"{normal}nu = 4\n"):
        given = card(residual)
        right, after = ido.fit(given, PATIENT), ido.fit(given, subject)
        moved.append(abs(after.eta[0] - right.eta[0]) / np.sqrt(right.covariance[0, 0]))
    assert moved[0] > 3.0
    assert moved[1] < 1.0
