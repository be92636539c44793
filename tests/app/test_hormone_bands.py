"""The bands of curves: one draw of the parameters for each, as the published posterior samples have it."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from app.test_hormone_curves import PG_ML, PRODUCTS, REGIMENS, course
from individose.app.actions.hormone import curve, prior, product_card
from individose.events import Plan
from individose.prediction import at, bind_plan, published
from reference_data import rows
from tolerances import IDENTITY, SAMPLED_SD, SUMMARY


def samples(model):
    """V, k1, k2, k (per h) of each posterior sample."""
    found = [[float(r[c]) for c in ("d", "k1_per_day", "k2_per_day", "k3_per_day")]
             for r in rows("estradiol/parameters.csv") if (r["model"], r["set"]) == (model, "mcmc")]  # fmt: skip
    d, *rates = np.array(found).T
    scale = product_card(PRODUCTS[model]).product.mg_per_unit
    return {"V": scale / (d * PG_ML)} | {n: r / 24 for n, r in zip(("k1", "k2", "k"), rates, strict=True)}


def sample_curves(model, plan, times_d):
    """Levels (samples, times) in pg/mL: one sample for each curve."""
    card = product_card(PRODUCTS[model])
    bound = bind_plan(published({card.product.name: card}), plan)
    data = at(bound, 24.0 * np.asarray(times_d))
    one = jax.jit(
        jax.vmap(lambda row: bound.relation.predict(np.zeros(len(bound.effects)), data._replace(typical=row[None])))
    )
    values, known = samples(model), dict(zip(bound.relation.parameters, bound.typical[0], strict=False))
    count = len(values["V"])
    columns = [values.get(n.partition("@")[0], np.full(count, x)) for n, x in known.items()]
    columns += [np.full(count, x) for x in bound.typical[0][len(known) :]]  # parts of auxiliary equations
    return np.asarray(one(np.stack(columns, axis=1)))[:, : len(times_d)] / PG_ML


@pytest.mark.reference
@pytest.mark.parametrize(("model", "sd"), [("EV im", "19.5"), ("EEn im", "12.3"), ("EC im", "17.7"), ("EUn im", "239")])
def test_the_band_does_not_shrink_as_doses_add_up(model, sd):
    """One sample for each curve, not one for each dose: the spread of the trough after ten doses."""
    dose, interval = REGIMENS[model]
    plan = Plan((course(model, dose, interval, count=10),), 24.0 * 10 * interval)
    found = sample_curves(model, plan, [10.0 * interval])[:, 0].std(ddof=1)
    assert found == pytest.approx(float(sd), rel=SAMPLED_SD)


@pytest.mark.reference
@pytest.mark.parametrize("model", PRODUCTS)
@pytest.mark.parametrize("doses", [1, 10])
def test_the_cards_summary_has_the_samples_band(model, doses):
    dose, interval = REGIMENS.get(model, (100, 7) if model == "patch ow" else (50, 28))
    one = course(model, dose, interval, count=doses)
    end = {1: {"EUn im": 150.0, "EUn casubq": 250.0}.get(model, 7.0 * interval), 10: 11.0 * interval}[doses]
    t = np.linspace(0.0, end, 120)
    plan = Plan((one,), 24.0 * end)
    expected = np.quantile(sample_curves(model, plan, t), [0.05, 0.5, 0.95], axis=0)
    fit = prior(plan, {name: product_card(name) for name in plan.products})
    got = np.quantile(fit.curves(24.0 * t, 20_000), [0.05, 0.5, 0.95], axis=0) / PG_ML
    assert np.abs(got - expected).max() / expected[1].max() < SUMMARY


def test_one_draw_of_the_parameters_makes_the_whole_curve():
    """Draws at ten doses are proportional to those at one where the dose is: no averaging over doses."""
    plan = Plan((course("EV im", 5, 7, count=10),), 1700.0)
    twice = Plan((course("EV im", 10, 7, count=10),), 1700.0)
    a, b = (curve(p, [1680.0]) for p in (plan, twice))
    assert b.high - b.low == pytest.approx(2 * (a.high - a.low), rel=IDENTITY)


def test_a_person_of_whom_nothing_is_known_has_a_wider_band():
    plan = Plan((course("EV im", 5, 7, steady=True),), 168.0)
    mean, person = (curve(plan, basis=basis) for basis in ("mean curve", "person"))
    assert np.all(person.high - person.low > 2 * (mean.high - mean.low))
    assert [n.sentence for n in mean.notices] != [n.sentence for n in person.notices]
