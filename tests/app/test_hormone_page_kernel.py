"""The page's own kernel against the package's: to 1e-9 of the highest level, also where rates meet or nearly meet."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hormone_script import run
from individose.app.actions.hormone import point, point_levels, product_card
from individose.app.actions.problems import estimator, problem
from individose.drugs import at_published, product_cards, typical
from individose.drugs.expression import Num
from individose.events import Course, Plan
from individose.kinetics.linear import decay_divided
from tolerances import EXACT, IDENTITY, PAGE, PEAK_TIME

PRODUCTS = ("EB", "EV", "EEn", "EC", "EUn", "EUn-castor", "patch-tw", "patch-ow")
PG_ML = 1e-6
"""mg/L."""

TIMES = np.concatenate([np.linspace(0.0, 60.0, 50), np.linspace(61.0, 24.0 * 100, 70)])


def parameters(card) -> list[float]:
    values = typical(at_published(card), {})
    return [values["k1"], values["k2"], values["k"], 1e6 / values["V"]]


def doses(plan):
    return [
        {"product": one.product, "time_h": one.dose.time_h, "mg": one.dose.amount_mg, "worn_h": one.dose.removed_after_h,
         "steady": one.dose.steady_state > 0, "interval_h": one.dose.interval_h}
        for one in plan.given()
    ]  # fmt: skip


def page_levels(plan, by_product, times):
    return np.array(
        run(
            "times.map(curveOf({doses, body: {baseline: 0, start: null}}, (name) => parameters(by[name])).level)",
            doses=doses(plan),
            by=by_product,
            times=list(map(float, times)),
        )
    )


def agree(plan, cards, times=TIMES):
    times = np.asarray(times)
    expected = point_levels(point(plan, cards), times) / PG_ML
    found = page_levels(plan, {name: parameters(card) for name, card in cards.items()}, times)
    np.testing.assert_allclose(found, expected, rtol=0.0, atol=PAGE * expected.max())


def course(name, units=1.0, **settings):
    kind = product_card(name).product
    return Course(kind.name, units * kind.mg_per_unit, worn_h=settings.pop("worn_h", kind.worn_h), **settings)


RATES = [
    (0.01, 0.2, 0.05),
    (0.2, 0.01, 0.05),
    (0.01, 0.01, 0.01),
    (0.01, 0.01 * (1 + 1e-15), 0.01),
    (0.01, 0.01 * (1 + 1e-10), 0.01 * (1 - 1e-10)),
    (0.01, 0.01 * (1 + 1e-7), 0.3),
    (0.3, 0.01, 0.3 * (1 + 1e-6)),
    (0.01, 0.010003, 0.009),
    (2.5, 0.028, 0.18),
    (0.0007, 0.27, 0.095),
]


@pytest.mark.parametrize("rates", RATES)
def test_the_divided_differences_of_the_page_are_those_of_the_package(rates):
    times = np.concatenate([[0.0, 1e-6], np.geomspace(1e-3, 3000.0, 40)])
    k1, k2, k = rates
    value = jax.jit(jax.vmap(decay_divided, (None, 0)))
    found = run(
        "times.map((t) => [divided([a, b, c], t), divided3(a, b, c, t), divided([a, b], t), divided2(a, b, t), "
        "divided([a, b, c, 0], t), divided([c, 0], t)])",
        a=k1, b=k2, c=k, times=times.tolist(),
    )  # fmt: skip
    two, three = value(jnp.array([k1, k2]), times), value(jnp.array(rates), times)
    four, area = value(jnp.array([*rates, 0.0]), times), value(jnp.array([k, 0.0]), times)
    for got, expected in zip(np.array(found).T, (three, three, two, two, four, area), strict=True):
        np.testing.assert_allclose(got, np.asarray(expected), rtol=10 * EXACT, atol=1e-300)


@pytest.mark.parametrize("name", PRODUCTS)
def test_every_product_single_repeated_and_at_steady_state(name):
    assert set(PRODUCTS) == set(product_cards("estradiol"))
    cards = {name: product_card(name)}
    single = course(name, 5.0)
    repeated = course(name, 5.0, interval_h=100.0, count=8, missed=frozenset({3}), moved_h={5: 411.0}, first_mg=(7.0,))
    steady = course(name, 5.0, interval_h=168.0, steady=True, count=8)
    for one in (single, repeated, steady):
        agree(Plan((one,), 2400.0), cards)


@pytest.mark.parametrize("worn_d", [1.0, 2.0, 3.5, 5.0, 7.0, 7.5, 14.0])
@pytest.mark.parametrize("name", ["patch-tw", "patch-ow"])
def test_patches_worn_shorter_as_long_and_longer_than_their_interval(name, worn_d):
    cards = {name: product_card(name)}
    for steady in (False, True):
        agree(
            Plan((course(name, 100.0, interval_h=84.0, steady=steady, worn_h=24.0 * worn_d, count=8),), 2400.0), cards
        )


@pytest.mark.parametrize("rates", RATES)
@pytest.mark.parametrize("worn_h", [0.0, 40.0, 84.0, 200.0])
def test_regimens_where_rates_meet(rates, worn_h):
    numbers = dict(zip(("k1", "k2", "k", "V"), (*rates, 1.0), strict=True))
    card = product_card("EV")
    same = replace(card, published=tuple(replace(p, expr=Num(numbers[p.name])) for p in card.published))
    for steady in (False, True):
        plan = Plan((Course("EV", 5.0, interval_h=84.0, steady=steady, worn_h=worn_h, count=8),), 2400.0)
        agree(plan, {"EV": same})


def test_any_mix_of_products_adds_up():
    plan = Plan(
        (
            course("EV", 4.0, interval_h=120.0, steady=True, count=3),
            course("patch-tw", 100.0, start_h=500.0, interval_h=84.0, count=4),
        ),
        2400.0,
    )
    agree(plan, {name: product_card(name) for name in plan.products})


@pytest.mark.parametrize("name", ["EB", "EEn", "patch-tw"])
def test_average_area_peak_and_lowest_level(name):
    plan = Plan((course(name, 5.0, interval_h=84.0, count=8, missed=frozenset({4})),), 1000.0)
    fit = estimator("prior").fit(problem(point(plan, {name: product_card(name)})))
    got = run(
        "(() => { const plan = {doses, body: {baseline: 0, start: null}}; "
        "return read(curveOf(plan, () => parameters(own)), plan, 3, 900); })()",
        doses=doses(plan),
        own=parameters(product_card(name)),
    )
    for what in ("average", "auc", "peak", "minimum", "tpeak", "tminimum"):
        by = 1.0 if what[0] == "t" else PG_ML * (24.0 if what == "auc" else 1.0)
        expected = fit.exposures(what, 3.0, 900.0, count=1)[0]
        assert got[what] * by == pytest.approx(expected, rel=PEAK_TIME if by == 1.0 else IDENTITY), what
