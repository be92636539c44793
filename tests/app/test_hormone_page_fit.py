"""A person fitted on the page: its weights against the package's likelihood, and its band against the package's sampling."""

from __future__ import annotations

import base64

import jax
import numpy as np
import pytest
from scipy.stats import norm

from app.test_hormone_page_script import held
from hormone_script import run
from individose.app.actions.hormone import EXPECTED, cards_of, fit_person
from individose.app.actions.hormone_page import page
from individose.app.actions.hormone_plans import read_plan
from individose.app.report.hormone_page import hormone_html
from individose.drugs import Endogenous
from individose.prediction import Body, at, bind_plan, published
from tolerances import PAGE, TWO_METHODS

EV = {"product": "EV", "amount": 5, "unit": "mg", "start": 0, "every": 7, "count": 10}
PATCH = {"product": "patch-tw", "amount": 100, "unit": "ug/d", "start": 77, "every": 3.5, "count": 8}
TESTS = [
    {"time": 63, "value": 180, "unit": "pg/mL"},
    {"time": 66, "value": 1100, "unit": "pmol/L"},
    {"time": 90, "value": 60, "unit": "pg/mL", "above_limit": True},
    {"time": 140, "value": 30, "unit": "pg/mL", "below_limit": True},
]
PLANS = {
    "one test": {"format": "hormone/1", "courses": [EV], "levels": TESTS[:1]},
    "two products, limits": {"format": "hormone/1", "courses": [EV, PATCH], "levels": TESTS, "horizon": 150},
    "a baseline": {"format": "hormone/1", "courses": [EV], "levels": TESTS[:2],
                   "baseline": {"value": 40, "unit": "pg/mL", "sd_log": 0.3}},
    "a level at the start": {"format": "hormone/1", "courses": [EV], "levels": [{"time": 3, "value": 300, "unit": "pg/mL"}],
                             "start_level": {"value": 150, "unit": "pg/mL", "half_life": 2}},
}  # fmt: skip


@pytest.fixture(scope="module")
def data():
    return held(hormone_html(page(read_plan(PLANS["one test"]), fit=False)))


def crowd(data, name):
    """k1, k2, k, level of 1 mg (pg/mL) of each person, as the page holds them."""
    one = data["crowd"]["products"][name] if name else data["crowd"]["normal"]
    steps = np.frombuffer(base64.b64decode(one["steps"]), "<u2").reshape(data["crowd"]["count"], -1)
    low, high = np.atleast_1d(one["low"]), np.atleast_1d(one["high"])
    return low + (high - low) * steps / 65535


def weights_of(data, plan):
    found = run(
        "(() => { const plan = planOf(data, document), found = weighed(data, plan); "
        "return [[...found.weights], [...found.baselines], plan.doses.length]; })()",
        data=data, document=plan,
    )  # fmt: skip
    return np.array(found[0]), np.array(found[1])


def expected_tests(data, plan):
    """By the package: the log likelihood of every test (persons, tests) under the cards' error, and how far it lies from the
    level of each person in SDs; and what these make by themselves."""
    asked = read_plan(plan)
    cards = published(cards_of(asked.plan))
    body = asked.body if asked.body.endogenous or asked.body.start else Body(EXPECTED)
    made = body.endogenous or Endogenous(0.0)
    baseline = made.median_mg_L * 1e6 * np.exp(made.sd_log * crowd(data, "")[:, 0])
    bound = bind_plan(cards, asked.plan, body=Body(None, body.start))
    numbers = {}
    for name in asked.plan.products:
        k1, k2, k, level = np.exp(crowd(data, name)).T
        numbers |= {f"k1@{name}": k1, f"k2@{name}": k2, f"k@{name}": k, f"V@{name}": 1e6 / level}
    rows = np.stack(
        [
            numbers.get(name, np.full(len(baseline), bound.typical[0, i]))
            for i, name in enumerate(bound.relation.parameters)
        ],
        axis=1,
    )
    tests = asked.levels
    sampled = at(bound, [one.time_h for one in tests])
    one = jax.jit(
        jax.vmap(lambda row: bound.relation.predict(np.zeros(len(bound.effects)), sampled._replace(typical=row[None])))
    )
    f = np.asarray(one(rows))[:, : len(tests)] * 1e6 + baseline[:, None]
    error = next(iter(cards.values())).residual
    sd = np.hypot(error.additive_mg_L * 1e6, error.proportional * f)
    z = (np.array([t.value_mg_L for t in tests]) * 1e6 - f) / sd
    kinds = {"none": norm.logpdf(z) - np.log(sd), "below": norm.logcdf(z), "above": norm.logsf(z)}
    return np.stack([kinds[t.censoring][:, i] for i, t in enumerate(tests)], axis=1), z, baseline


def shares(log):
    weights = np.exp(log - log.max())
    return weights / weights.sum()


@pytest.mark.parametrize("name", PLANS)
def test_the_weights_of_the_page_are_those_of_the_package(name, data):
    found, made = weights_of(data, PLANS[name])
    log, _, baseline = expected_tests(data, PLANS[name])
    wanted = shares(log.sum(axis=1))
    np.testing.assert_allclose(made, baseline, rtol=PAGE)
    np.testing.assert_allclose(found, wanted, rtol=PAGE, atol=PAGE * wanted.max())


@pytest.mark.parametrize(("second", "kind"), [(310, None), (1100, "contradicted"), (30, "contradicted")])
def test_a_test_that_the_others_contradict_is_named(second, kind, data):
    plan = {**PLANS["one test"], "levels": [TESTS[0], {"time": 66, "value": second, "unit": "pg/mL"}]}
    odd = run("weighed(data, planOf(data, document)).odd", data=data, document=plan)
    if kind is None:
        assert odd is None
        return
    log, z, _ = expected_tests(data, plan)
    among = np.array([shares(log[:, 1]) @ norm.cdf(z[:, 0]), shares(log[:, 0]) @ norm.cdf(z[:, 1])])
    assert odd["kind"] == kind
    assert odd["number"] == 1 + np.argmin(np.minimum(among, 1.0 - among))
    assert odd["among"] == pytest.approx(among[odd["number"] - 1], rel=PAGE)
    assert odd["anybody"] == pytest.approx(norm.cdf(z[:, odd["number"] - 1]).mean(), rel=PAGE)
    said = run("oddSaid(odd)", odd=odd)
    assert said.startswith(f"Blood test {odd['number']} is {'above' if second > 310 else 'below'} ")
    assert "Check its unit" in said


def test_a_test_that_hardly_anybody_has_is_named(data):
    plan = {**PLANS["one test"], "levels": [{"time": 66, "value": 1600, "unit": "pg/mL"}]}
    odd = run("weighed(data, planOf(data, document)).odd", data=data, document=plan)
    assert odd["kind"] == "unusual"
    assert "of what persons have under this plan" in run("oddSaid(odd)", odd=odd)


def result(data, plan, times, **view):
    return run(
        "(() => { const state = freshState(data, { plan: document, view }); "
        "const seen = resultOf(data, documentIn(data, state).document, state.view, null), { basis } = seen; "
        "const band = bandOf(seen.draws, times, 0.9); "
        "return { ...band, own: times.map(seen.curve.level), worth: basis.worth, missed: basis.missed, "
        "sentence: basis.sentence, quantities: seen.quantities, products: productRows(data, seen) }; })()",
        data=data, document=plan, times=times, view={"basis": "here"} | view,
    )  # fmt: skip


def test_the_band_of_the_page_is_that_of_the_package(data):
    """Importance sampling from the prior there, sampling-importance-resampling around the mode here."""
    plan = {**PLANS["one test"], "levels": TESTS[:2]}
    times = [1536.0, 1600.0, 1640.0, 1680.0]
    asked = read_plan(plan)
    sampled = fit_person(asked.plan, asked.levels, method="sir")
    wanted = np.quantile(sampled.curves(times, 8000), [0.05, 0.5, 0.95], axis=0) * 1e6
    found = result(data, plan, times)
    assert found["worth"] > 200
    for name, one in zip(("low", "median", "high"), wanted, strict=True):
        np.testing.assert_allclose(found[name], one, rtol=TWO_METHODS, err_msg=name)
    np.testing.assert_allclose(found["own"], sampled.predict(times) * 1e6, rtol=TWO_METHODS)
    assert all(one["low"] <= one["median"] <= one["high"] for one in found["quantities"].values())


def test_a_test_that_does_not_fit_and_too_few_persons_are_said(data):
    fine = result(data, PLANS["one test"], [1600.0])
    assert fine["missed"] == []
    assert "individose hormone fit" not in fine["sentence"]
    often = [
        {"time": 63 + d, "value": v, "unit": "pg/mL"} for d, v in ((0, 420), (1, 1050), (2, 1350), (3, 1200), (5, 750))
    ]
    few = result(data, {**PLANS["one test"], "levels": often}, [1600.0])
    assert 10 < few["worth"] < 100
    assert "the band is rough. Save the plan" in few["sentence"]
    said = fault(data, {**PLANS["one test"], "levels": [TESTS[0], {"time": 63.1, "value": 2400, "unit": "pg/mL"}]})
    assert "fewer than 10 explain the blood tests" in said
    assert "SDs of its error" in said
    assert "individose hormone fit" in said


def fault(data, plan):
    return run(
        "(() => { const state = freshState(data, { plan: document, view: { basis: 'here' } }); "
        "try { resultOf(data, documentIn(data, state).document, state.view, null); return ''; } "
        "catch (fault) { return fault.message; } })()",
        data=data, document=plan,
    )  # fmt: skip


def test_without_a_test_there_is_nothing_to_fit(data):
    assert "no blood test to fit" in fault(data, {"format": "hormone/1", "courses": [EV]})


def test_the_probability_below_a_limit(data):
    z = np.array([-40.0, -9.0, -3.001, -2.999, -0.5, 0.0, 1e-9, 2.0, 2.999, 3.001, 8.0])
    np.testing.assert_allclose(run("z.map(logBelow)", z=z.tolist()), norm.logcdf(z), rtol=PAGE, atol=1e-300)
