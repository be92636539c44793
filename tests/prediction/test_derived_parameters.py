"""Parameters that are built on others, by their individual values: against equations written out by hand."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import expm
from scipy.optimize import minimize

import individose as ido
from individose.base import CardError
from individose.drugs.schema import read_card
from individose.events import Dose, Level, Reading, Subject
from individose.prediction.bind import bind, typical_draws
from tolerances import ESTIMATE, GRADIENT, IDENTITY, ODE

# dual absorption: of the individual F1 what is left goes the other way; a well-stirred liver gives CL and F together
CARD = """
id = "cabozantinib/case"
title = "Two ways of absorption, a hepatic clearance, and volumes in proportion"
grade = "checked"
system = { disposition = "two_compartment", input = ["first_order", "zero_order"] }

[source]
citation = "made for this test"
population = "nobody"

[domain]
weight = { min = 40, max = 120, unit = "kg" }
sex = { values = ["female", "male"] }

[constants]
tv_clint = { value = 60.0, unit = "L/h", se = 6.0 }
tv_share = { value = 0.7 }
tv_v1 = { value = 20.0, unit = "L", se = 2.0 }
liver = { value = 90.0, unit = "L/h" }

[auxiliary]
extraction = { equation = "clint / (clint + liver * (weight / 70 [kg])**0.75)", unit = "1" }
clint = { equation = 'tv_clint * where(sex == "female", 0.8, 1)', unit = "L/h" }

[parameters]
F2 = { equation = "(1 - extraction) * (1 - share)", unit = "1" }
F1 = { equation = "(1 - extraction) * share", unit = "1" }
CL = { equation = "extraction * liver * (weight / 70 [kg])**0.75", unit = "L/h" }
V1 = { equation = "tv_v1 * weight / 70 [kg]", unit = "L" }
V2 = { equation = "2.5 * V1", unit = "L" }
Q = { equation = "0.1 [1/h] * V1", unit = "L/h" }
ka = { equation = "0.8 [1/h]", unit = "1/h" }
duration = { equation = "3 [h]", unit = "h" }

[auxiliary.share]
equation = "tv_share"
unit = "1"

[variability]
clint = [{ omega2 = 0.09 }, { omega2 = 0.04, level = "occasion" }]
share = { omega2 = 0.5, transform = "logit-normal" }
V1 = { omega2 = 0.04 }
V2 = { omega2 = 0.09 }

[residual]
convention = "sd2 = a2 + b2 f2"
proportional = 0.1

[[checks]]
given = { weight = 70, sex = "male" }
[checks.expect]
clint = 60
extraction = 0.4
share = 0.7
F1 = 0.42
F2 = 0.18
CL = 36
V1 = 20
V2 = 50
Q = 2
ka = 0.8
duration = 3
"""
TIMES = (1.0, 2.5, 5.0, 11.0, 25.0, 29.0, 35.0)
WEIGHT, SEX = 84.0, 0.8


def model():
    return read_card(CARD, "case")


def patient(levels=(), times=TIMES):
    seen = levels if len(levels) else [1.0] * len(times)
    days = [Reading(t, {"occasion": float(t > 24), "weight": WEIGHT, "sex": "female"}) for t in (0.0, *times)]
    events = [days[0], Dose(0.0, 300.0, interval_h=24.0, additional=1)]
    for day, time, level in zip(days[1:], times, seen, strict=True):
        events += [day, Level(time, float(level))]
    return Subject("a", tuple(sorted(events, key=lambda e: e.time_h)))


def by_hand(eta):
    """Levels by exponentials of the matrix of rates; etas of clint, share, V1, V2 and of clint at the two occasions."""
    flow = 90.0 * (WEIGHT / 70.0) ** 0.75
    share = 1.0 / (1.0 + np.exp(-(np.log(0.7 / 0.3) + eta[1])))
    v1 = 20.0 * WEIGHT / 70.0 * np.exp(eta[2])
    v2, q = 2.5 * v1 * np.exp(eta[3]), 0.1 * v1
    x, found, now = np.zeros(3), [], 0.0
    edges = sorted({*TIMES, 0.0, 3.0, 24.0, 27.0})
    for edge in edges:
        if edge > now:
            # NONMEM's rule: the occasion of a record holds on the interval that ends there, so the second begins at 11 h
            clint = 60.0 * SEX * np.exp(eta[0] + eta[4 + (edge > 11.0)])
            e = clint / (clint + flow)
            start = 0.0 if now < 24.0 else 24.0
            running = (1 - e) * (1 - share) * 300.0 / 3.0 if now < start + 3.0 else 0.0
            k = np.zeros((4, 4))
            k[0, 0], k[1, 0] = -0.8, 0.8
            k[1, 1:] = -(e * flow + q) / v1, q / v2, running
            k[2, 1:3] = q / v1, -q / v2
            x = (expm(k * (edge - now)) @ [*x, 1.0])[:3]
        if edge in (0.0, 24.0):
            clint = 60.0 * SEX * np.exp(eta[0] + eta[4 + (edge > 11.0)])
            x[0] += (1 - clint / (clint + flow)) * share * 300.0
        if edge in TIMES:
            found.append(x[1] / v1)
        now = edge
    return np.array(found)


ETA = np.array([0.3, -0.4, 0.15, -0.2, 0.1, -0.15])


def padded_eta(bound, eta):
    full = np.zeros(len(bound.effects))
    full[: len(eta)] = eta
    return jnp.asarray(full)


def test_predictions_are_those_of_individual_values():
    bound = bind(model(), patient())
    assert tuple(name for name in bound.effects if name) == ("clint", "share", "V1", "V2", "clint:occ1", "clint:occ2")
    found = jax.jit(bound.relation.predict)(padded_eta(bound, ETA), bound.data())[: len(TIMES)]
    np.testing.assert_allclose(found, by_hand(ETA), rtol=10 * ODE)


def test_parameters_reported_are_individual_and_consistent():
    bound = bind(model(), patient())
    p = {n: np.asarray(x)[0] for n, x in bound.relation.individual(padded_eta(bound, ETA), bound.data()).items()}
    clint = 60.0 * SEX * np.exp(0.3 + 0.1)
    assert p["clint"] == pytest.approx(clint, rel=IDENTITY)
    assert p["extraction"] == pytest.approx(clint / (clint + 90.0 * (WEIGHT / 70) ** 0.75), rel=IDENTITY)
    assert p["F1"] + p["F2"] == pytest.approx(1.0 - p["extraction"], rel=IDENTITY)
    assert p["V2"] == pytest.approx(2.5 * p["V1"] * np.exp(-0.2), rel=IDENTITY)
    assert set(p) == {one.name for one in model().parameters}


def test_derivatives_equal_finite_differences():
    bound = bind(model(), patient())
    data = bound.data()
    run = jax.jit(lambda eta: bound.relation.predict(eta, data)[: len(TIMES)])
    eta = padded_eta(bound, ETA)
    exact = jax.jit(jax.jacfwd(lambda eta: bound.relation.predict(eta, data)[: len(TIMES)]))(eta)
    for i in range(len(ETA)):
        h = jnp.zeros(len(eta)).at[i].set(1e-3)
        fine, coarse = (run(eta + h / 2) - run(eta - h / 2)) / 1e-3, (run(eta + h) - run(eta - h)) / 2e-3
        np.testing.assert_allclose(exact[:, i], (4 * fine - coarse) / 3, rtol=GRADIENT, atol=1e-8)


@pytest.mark.slow
def test_the_most_probable_effects_are_an_independent_optimisers():
    """One occasion: five effects by a search of its own over SciPy's levels."""
    text = CARD.replace('[{ omega2 = 0.09 }, { omega2 = 0.04, level = "occasion" }]', "{ omega2 = 0.09 }")
    true = np.array([0.4, -0.5, 0.2, 0.1, 0.0, 0.0])
    seen = by_hand(true) * (1.0 + 0.05 * np.array([1, -1, 0.5, -0.5, 1, -0.3, 0.6]))
    fit = ido.fit(read_card(text, "case"), patient(seen))
    assert fit.status.ok

    def objective(e):
        f = by_hand(np.array([*e, 0.0, 0.0]))
        return np.sum(((seen - f) / (0.1 * f)) ** 2 + 2 * np.log(0.1 * f)) + np.sum(e**2 / [0.09, 0.5, 0.04, 0.09])

    best = minimize(objective, fit.eta + 0.01, method="BFGS", options={"gtol": 1e-7})
    assert objective(fit.eta) <= best.fun + ESTIMATE
    np.testing.assert_allclose(fit.eta, best.x, atol=1e2 * ESTIMATE)


def test_constants_vary_through_what_is_built_on_them():
    bound = bind(model(), patient())
    draws = typical_draws(bound, {"tv_v1": np.array([20.0, 30.0])})
    place = {name: i for i, name in enumerate((*bound.relation.parameters, *bound.relation.parts))}
    np.testing.assert_allclose(draws[:, 0, place["V1"]], [24.0, 36.0], rtol=IDENTITY)
    np.testing.assert_allclose(draws[:, 0, place["V2"]], [60.0, 90.0], rtol=IDENTITY)
    np.testing.assert_allclose(draws[0], bound.typical, rtol=IDENTITY)


def test_numbers_are_data_so_that_two_cards_share_a_program():
    other = read_card(CARD.replace("2.5 * V1", "3.5 * V1").replace('grade = "checked"', 'grade = "draft"'), "case")
    assert bind(other, patient()).relation == bind(model(), patient()).relation


@pytest.mark.parametrize(
    ("old", "new", "beat"),
    [
        ('"tv_v1 * weight / 70 [kg]"', '"0.4 * V2"', "V1 reads V2 reads V1"),
        ('"2.5 * V1"', '"2.5 * V2"', "V2 reads V2"),
        ('"2.5 * V1"', '"2.5 * V3"', "V3, which is not known"),
        ('"2.5 * V1"', '"2.5 [1/h] * V1"', "must yield L"),
        ("liver = {", "share = {", "needs a name of its own"),
        ("[auxiliary.share]", '[auxiliary.idle]\nequation = "1"\nunit = "1"\n\n[auxiliary.share]', "idle is read by no"),
        ("[auxiliary.share]", '[auxiliary.Q2]\nequation = "1"\nunit = "1"\n\n[auxiliary.share]', "name of its own"),
        ("V2 = 50", "V2 = 51", "expects V2 = 51"),
    ],
)  # fmt: skip
def test_what_cannot_be_understood_is_refused(old, new, beat):
    assert CARD.count(old) == 1
    with pytest.raises(CardError, match=beat):
        read_card(CARD.replace(old, new), "case")
