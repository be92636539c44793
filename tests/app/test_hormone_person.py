"""One person's curve from blood tests, and the regimen for what they want."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from individose.app.actions.hormone import EXPECTED, curve, findings, fit_person, point_levels, prior, product_card
from individose.app.actions.problems import estimator, problem
from individose.base import InputError
from individose.dosing import Wanted, options, options_in_doubt
from individose.drugs import Endogenous, for_person
from individose.events import Course, Level, Plan
from individose.inference.individual.posterior import AGREE
from individose.prediction import Body, bind_plan, personal
from tolerances import COVERED_LEAST, COVERED_MOST, IDENTITY, TWO_METHODS

PG_ML = 1e-6
EV = Plan((Course("EV", 5.0, interval_h=168.0, count=10),), 1680.0)
CARDS = {"EV": product_card("EV")}


def levels(*pairs):
    return [Level(24.0 * d, value * PG_ML) for d, value in pairs]


@pytest.fixture(scope="module")
def fitted():
    return fit_person(EV, levels((63.0, 180.0), (66.0, 300.0)))


def test_a_persons_band_is_narrower_than_that_of_a_person_of_whom_nothing_is_known(fitted):
    t = np.linspace(1400.0, 1680.0, 57)
    before, after = curve(EV, t, basis="person"), curve(EV, t, fitted=fitted)
    assert np.all(after.high - after.low < 0.6 * (before.high - before.low))
    assert after.basis == "fitted"
    assert any("this person" in notice.sentence for notice in after.notices)


def test_the_prior_of_a_person_adds_the_variability_between_persons():
    card = CARDS["EV"]
    person = for_person(card)
    more = {e.parameter: e.omega2 for e in card.between}
    for i, effect in enumerate(card.effects):
        assert person.omega[i][i] == pytest.approx(card.omega[i][i] + more.get(effect.parameter, 0.0), rel=IDENTITY)
        assert person.omega[i][:i] == card.omega[i][:i]
    assert for_person(person) is person


def test_levels_far_above_the_curve_raise_it_and_a_level_that_does_not_fit_is_said(fitted):
    high = fit_person(EV, levels((63.0, 360.0), (66.0, 600.0)))
    assert high.predict([1600.0])[0] > 1.5 * fitted.predict([1600.0])[0]
    odd = fit_person(EV, levels((63.0, 180.0), (63.1, 2400.0)))
    said = [notice for notice in odd.warnings if notice.code == "level-missed"]
    assert said
    assert "pg/mL" in said[0].sentence
    assert not options(odd, "EV", Wanted("trough", 100 * PG_ML, 200 * PG_ML)).found


def test_tests_through_which_a_person_can_be_bent_are_said_where_hardly_anybody_has_them(fitted):
    """1100 pmol/L taken for pg/mL: the curve goes through it, and yet the other test contradicts it."""
    assert findings(fitted) == ()
    bent = fit_person(EV, levels((63.0, 180.0), (66.0, 1100.0)))
    assert not [notice for notice in bent.warnings if notice.code == "level-missed"]
    odd = findings(bent)
    assert odd[0].code == "level-contradicts"
    assert odd[0].grade == "warning"
    assert "1100 pg/mL at 66 d" in odd[0].sentence
    wanted = Wanted("trough", 100 * PG_ML, 200 * PG_ML)
    found = options_in_doubt(options(bent, "EV", wanted), odd)
    assert "in doubt" in found.sentence
    assert "advice-in-doubt" in {notice.code for notice in found.notices}
    alone = findings(fit_person(EV, levels((66.0, 30.0))))
    assert alone[0].code == "level-unusual"


def test_regimens_without_hope_are_not_named(fitted):
    found = options(fitted, "EV", Wanted("trough", 100 * PG_ML, 200 * PG_ML, peak_limit=400 * PG_ML)).found
    assert min(one.probability for one in found[1:]) >= 0.01


def test_a_baseline_is_estimated_with_the_rest():
    low = Plan((Course("EV", 1.0, interval_h=168.0, count=2),), 2400.0)
    found = fit_person(low, levels((0.0, 60.0), (90.0, 58.0), (95.0, 62.0)))
    made = 1.0 / found.parameters()["V@endogenous"].value / PG_ML
    assert 45.0 < made < 60.0  # the mean of the tests, drawn towards what is expected
    assert EXPECTED.median_mg_L == pytest.approx(15 * PG_ML, rel=IDENTITY)


@pytest.mark.parametrize("method", ["sir", "nuts"])
def test_sir_and_nuts_are_of_one_mind_with_map(method, fitted):
    t = [1536.0, 1680.0]
    drawn = fit_person(EV, levels((63.0, 180.0), (66.0, 300.0)), method=method)
    assert drawn.status.ok
    a, b = (np.quantile(fit.curves(t, 4000), [0.05, 0.5, 0.95], axis=0) for fit in (fitted, drawn))
    np.testing.assert_allclose(a, b, rtol=TWO_METHODS)
    if method == "nuts":
        assert drawn.sampling.divergences == 0
        assert max(drawn.sampling.rhat.values()) < AGREE


def test_a_regimen_is_found_within_the_limits(fitted):
    wanted = Wanted("trough", 100 * PG_ML, 200 * PG_ML, peak_limit=400 * PG_ML)
    found = options(fitted, "EV", wanted)
    assert found.reached
    best = found.found[0]
    assert best.probability + best.below + best.above + best.over >= 1.0 - IDENTITY
    probabilities = [round(one.probability, 2) for one in found.found]
    assert probabilities == sorted(probabilities, reverse=True)
    # the exact steady state of what is proposed, by the plan's own road
    regimen = best.regimen
    body = Body(Endogenous(1.0 / fitted.parameters()["V@endogenous"].value))
    at_mode = {p: e.value for p, e in fitted.parameters().items()}
    plan = Plan((Course("EV", regimen.amount_mg, interval_h=regimen.interval_h, steady=True),), regimen.interval_h)
    bound = bind_plan(personal(CARDS), plan, body=body)
    typical = np.array([[at_mode.get(name, 0.0) for name in bound.relation.parameters]])
    level = point_levels(replace(bound, typical=typical), [0.0])[0]
    assert best.exposure["trough"].value == pytest.approx(level, rel=IDENTITY)


@pytest.mark.slow
def test_another_product_can_be_looked_for_and_patches_are_taken_off():
    found = fit_person(EV, levels((63.0, 180.0)), also=("patch-tw",))
    best = options(found, "patch-tw", Wanted("average", 60 * PG_ML, 120 * PG_ML)).found[0]
    assert best.regimen.worn_h == 84.0
    assert best.exposure["minimum"].value < best.exposure["average"].value < best.exposure["peak"].value


def test_what_cannot_be_answered_is_refused(fitted):
    with pytest.raises(InputError, match="at least one level"):
        fit_person(EV, [])
    with pytest.raises(InputError, match="among the others"):
        options(fitted, "EEn", Wanted("trough", 1e-4, 2e-4))
    with pytest.raises(InputError, match="low below high"):
        Wanted("trough", 2e-4, 1e-4)
    with pytest.raises(InputError, match="one of"):
        Wanted("auc", 1e-4, 2e-4)


@pytest.mark.slow
@pytest.mark.parametrize("tests", [1, 2, 3, 4, 5])
def test_the_band_of_simulated_persons_covers_them(tests):
    """Persons drawn from the cards and the assumed variability, with the residual error on their tests: how often the 90 %
    band of the fit holds their true level at times that were not measured."""
    persons, generator = 150, np.random.default_rng(tests)
    when = np.sort(generator.uniform(1344.0, 1680.0, (persons, tests)), axis=1)
    asked = np.array([1400.0, 1450.0, 1500.0, 1550.0, 1600.0, 1650.0])
    body = Body(EXPECTED)
    known = prior(EV, CARDS, body, "person")
    truths = known.sample(persons, seed=7 + tests)
    problems, true = [], []
    for i in range(persons):
        drawn = known.at_effects(truths[i], [*when[i], *asked])
        f = drawn[:tests]
        y = f + np.hypot(0.2 * f, 5 * PG_ML) * generator.standard_normal(tests)
        seen = [Level(float(t), max(float(v), 1 * PG_ML)) for t, v in zip(when[i], y, strict=True)]
        problems.append(problem(bind_plan(personal(CARDS), EV, levels=seen, body=body, id=str(i))))
        true.append(drawn[tests:])
    fits = estimator("map").fit_ward(problems)
    inside = []
    for fit, level in zip(fits, true, strict=True):
        low, high = fit.band(asked, 0.9)
        inside.append((low <= level) & (level <= high))
    assert COVERED_LEAST < np.mean(inside) < COVERED_MOST
