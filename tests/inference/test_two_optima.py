"""Surfaces with two optima, and optima at a corner: what is reported is the best of a grid, and the status says the rest."""

from __future__ import annotations

import itertools
import math
from functools import cache

import numpy as np
import pytest
from scipy.optimize import minimize

import individose as ido
from individose.app.report.sentences import graded
from individose.app.schemas.estimate_results import estimate_document
from individose.base import Outcome
from individose.drugs.schema import read_card
from individose.events import Dose, Level, Subject
from tolerances import ESTIMATE, IDENTITY, within_standard_errors

TEXT = """
id = "examplin/doe2031"
title = "absorbed slower or faster than it is eliminated"
grade = "draft"
system = { disposition = "one_compartment", input = "first_order" }
[source]
citation = "invented"
population = "invented"
[parameters]
CL = { equation = "5 [L/h]", unit = "L/h" }
V = { equation = "22 [L]", unit = "L" }
ka = { equation = "0.25 [1/h]", unit = "1/h" }
[variability]
CL = { omega2 = 0.3 }
V = { omega2 = 1.2 }
ka = { omega2 = 1.2 }
[residual]
convention = "sd2 = a2 + b2 f2"
proportional = 0.1
"""
CARD = read_card(TEXT)
OMEGA2, TYPICAL = np.array([0.3, 1.2, 1.2]), np.array([5.0, 22.0, 0.25])
DOSE_MG, TIMES_H = 100.0, np.array([0.5, 2.0, 4.0, 8.0, 12.0])


def bateman(cl, v, ka, t):
    k = cl / v
    return DOSE_MG * ka / (v * (ka - k)) * (np.exp(-k * t) - np.exp(-ka * t))


LEVELS = bateman(5.0, 20.0, 0.5, TIMES_H) * np.array([1.04, 0.97, 1.02, 0.96, 1.03])
PATIENT = Subject("a", (Dose(0.0, DOSE_MG), *(Level(t, y) for t, y in zip(TIMES_H, LEVELS, strict=True))))


def loss(eta):
    """Minus log posterior at effects (..., 3)."""
    cl, v, ka = np.moveaxis(TYPICAL * np.exp(eta), -1, 0)[..., None]
    f = bateman(cl, v, ka, TIMES_H)
    return (0.5 * ((LEVELS - f) / (0.1 * f)) ** 2 + np.log(0.1 * f)).sum(-1) + 0.5 * (eta**2 / OMEGA2).sum(-1)


@cache
def optima():
    """All optima of a grid over the population, refined: (objective, effects), the best first."""
    axes = [np.linspace(-3.0, 3.0, 61) * math.sqrt(w) + 1e-3 for w in OMEGA2]  # no point of it has ka = k exactly
    surface = np.nan_to_num(loss(np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)), nan=np.inf)
    inner = surface[1:-1, 1:-1, 1:-1]
    lowest = np.ones(inner.shape, dtype=bool)
    for shift in itertools.product((-1, 0, 1), repeat=3):
        if any(shift):
            i, j, k = (slice(1 + s, n - 1 + s) for s, n in zip(shift, surface.shape, strict=True))
            lowest &= inner <= surface[i, j, k]
    found = []
    for place in np.argwhere(lowest):
        start = np.array([axis[1 + i] for axis, i in zip(axes, place, strict=True)])
        end = minimize(loss, start, method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-13, "maxiter": 4000})
        if all(np.abs(end.x - other).max() > 0.01 for _, other in found):
            found.append((2.0 * end.fun, end.x))
    return sorted(found, key=lambda one: one[0])


def test_the_status_names_the_second_optimum_of_a_grid():
    best, second = optima()
    gap = second[0] - best[0]
    assert gap < 4.0  # a truly bimodal case
    fit = ido.fit(CARD, PATIENT)
    np.testing.assert_allclose(fit.eta, best[1], rtol=0, atol=2 * ESTIMATE)
    assert fit.status.outcome is Outcome.MULTI_MODAL
    assert (fit.status.code, fit.status.ok) == ("multi-modal", True)
    there, here = TYPICAL * np.exp(second[1]), TYPICAL * np.exp(best[1])
    for i, name, unit in ((1, "V", "L"), (2, "ka", "1/h")):
        assert f"{name} {there[i]:.3g} {unit} (here {here[i]:.3g})" in fit.status.sentence
    assert f"objective is {gap:.2g} higher" in fit.status.sentence
    ward = ido.fit_ward(CARD, [PATIENT, PATIENT]).fits
    assert [one.status for one in ward] == [fit.status] * 2


def test_it_is_said_once_and_everywhere():
    case = ido.estimate(CARD, PATIENT, behind=False, curve=False)
    (notice,) = [n for n in graded(case) if n.code == "fit-multi-modal"]
    assert (notice.grade, notice.sentence) == ("caution", case.fit.status.sentence)
    assert sum("second optimum" in n.sentence for n in graded(case)) == 1
    (entry,) = estimate_document([case]).fits
    assert (entry.status, entry.statement) == ("multi-modal", case.fit.status.sentence)


@pytest.mark.parametrize(("method", "said"), [("sir", "The draws cover it"), ("nuts", "may miss it")])
def test_draws_keep_the_status(method, said):
    fit = ido.fit(CARD, PATIENT, method)
    assert fit.status.code == "multi-modal"
    assert said in fit.status.sentence
    if method == "sir":  # both optima hold a share of the draws, as a grid does
        axes = [np.linspace(-4.0, 4.0, 81) * math.sqrt(w) + 1e-3 for w in OMEGA2]
        grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
        surface = np.nan_to_num(loss(grid), nan=np.inf)
        weight = np.exp(-(surface - surface.min()))
        slow = TYPICAL[2] * np.exp(grid[..., 2]) < TYPICAL[0] / TYPICAL[1] * np.exp(grid[..., 0] - grid[..., 1])
        share = weight[slow].sum() / weight.sum()
        cl, v, ka = (TYPICAL * np.exp(fit.draws)).T
        worth = 0.5 * min(fit.sampling.least_effective, len(fit.draws))  # weighted, then resampled
        assert within_standard_errors((ka < cl / v).mean(), share, math.sqrt(share * (1.0 - share) / worth))
        assert 0.05 < share < 0.95


def test_one_optimum_is_no_reason_to_speak():
    usual = Subject(
        "b", (Dose(0.0, DOSE_MG), *(Level(t, float(bateman(5.0, 22.0, 2.0, t))) for t in (0.3, 1.0, 3.0, 12.0)))
    )
    narrow = read_card(TEXT.replace("V = { omega2 = 1.2 }", "V = { omega2 = 0.1 }"))
    assert ido.fit(narrow, usual).status.outcome is Outcome.CONVERGED


CORNER = """
id = "examplin/roe2032"
title = "an input whose end the levels tell"
grade = "draft"
system = { disposition = "one_compartment", input = "zero_order" }
[source]
citation = "invented"
population = "invented"
[parameters]
CL = { equation = "5 [L/h]", unit = "L/h" }
V = { equation = "20 [L]", unit = "L" }
duration = { equation = "1.5 [h]", unit = "h" }
[variability]
V = { omega2 = 0.02 }
duration = { omega2 = 0.3 }
[residual]
convention = "sd2 = a2 + b2 f2"
proportional = 0.1
"""


def test_an_optimum_at_a_corner_is_found_and_said():
    """A level higher than any course reaches: it is highest where the input ends just when the level is taken."""
    t, y = 2.5, 5.5

    def corner_loss(v_eta, d_eta):
        v, d = 20.0 * math.exp(v_eta), 1.5 * math.exp(d_eta)
        k = 5.0 / v
        ran = min(t, d)
        f = DOSE_MG / (d * 5.0) * -math.expm1(-k * ran) * math.exp(-k * (t - ran))
        return 0.5 * ((y - f) / (0.1 * f)) ** 2 + math.log(0.1 * f) + 0.5 * (v_eta**2 / 0.02 + d_eta**2 / 0.3)

    edge = math.log(t / 1.5)
    slope = [(corner_loss(-0.1, edge + h) - corner_loss(-0.1, edge)) / h for h in (-1e-6, 1e-6)]
    assert slope[0] < -0.1 < 0.1 < slope[1]  # a true corner: the slope jumps from down to up
    best = min(
        (minimize(lambda x, d=d: corner_loss(x[0], d), [0.0], method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-14})
         .fun, d) for d in (edge, *np.linspace(-1.5, 1.5, 301))
    )  # fmt: skip
    assert best[1] == edge
    fit = ido.fit(read_card(CORNER), Subject("c", (Dose(0.0, DOSE_MG), Level(t, y))))
    assert fit.status.ok
    (notice,) = [n for n in fit.warnings if n.code == "at-a-corner"]
    assert notice.grade == "note"
    np.testing.assert_allclose(fit.eta[fit.problem.effects.index("duration")], edge, rtol=0, atol=ESTIMATE)
    np.testing.assert_allclose(fit.objective, 2.0 * best[0], rtol=IDENTITY, atol=ESTIMATE)
