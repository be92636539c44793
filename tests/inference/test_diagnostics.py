"""Diagnostics of one patient: every figure against an ordinary fit of a rewritten record, or against plain simulation."""

from dataclasses import replace
from functools import cache
from statistics import NormalDist

import numpy as np
import pytest
from scipy.stats import norm, t

import individose as ido
from individose.base import InputError
from individose.drugs.schema import read_card
from individose.events import Dose, Level, Reading, Reset, Subject
from individose.inference.diagnostics import Change, Effect, OneLevel, PostDose
from individose.inference.diagnostics.judgement import judged, tail
from individose.inference.diagnostics.predictive import fractions, looked, normal_points
from individose.inference.diagnostics.records import HANDFUL, Diagnostics
from newborns import newborns
from tolerances import ESTIMATE, IDENTITY, within_standard_errors

CARD = ido.card("phenobarbital/grasela1985")
QUARTER_H = 0.25


@cache
def patient(id):
    return next(p for p in newborns() if p.id == id)


@cache
def diagnosed(id):
    fit = ido.fit(CARD, patient(id))
    return fit, ido.diagnose(fit)


def rewritten(subject, number, **changes):
    """The record with its `number`-th level changed, or left out, written out again in order of time."""
    events, seen, moved = [], -1, None
    for event in subject.events:
        seen += isinstance(event, Level)
        if isinstance(event, Level) and seen == number:
            moved = replace(event, **changes) if changes else None
        else:
            events.append(event)
    if moved is not None:
        place = next((i for i, e in enumerate(events) if e.time_h > moved.time_h), len(events))
        events.insert(place, moved)
    return replace(subject, events=tuple(events))


def assert_change(change: Change, before, after, window_h):
    """Against two ordinary fits and their exposures."""
    sd = np.sqrt(np.diag(before.covariance))
    moved = (after.eta - before.eta) / sd
    found = [change.effects[name] for name in before.problem.effects]
    np.testing.assert_allclose(found, moved, rtol=0, atol=10 * ESTIMATE)
    start, end = window_h
    nudge = 1e-9 * (end - start)  # a dose at the end of the window is not in it
    for got, ratio in (
        (change.auc, area(after, window_h) / area(before, window_h)),
        (change.trough, after.predict([end - nudge])[0] / before.predict([end - nudge])[0]),
    ):
        assert abs(got - (ratio - 1.0)) < 10 * ESTIMATE


def area(fit, window_h):
    return fit.exposure("auc", *window_h).value


@pytest.mark.parametrize("id", ["1", "40", "25"])
def test_influence_equals_ordinary_fits_without_each_level(id):
    fit, found = diagnosed(id)
    assert len(found.levels) == len(patient(id).levels) > 1
    for k, level in enumerate(found.levels):
        assert_change(level.without, fit, ido.fit(CARD, rewritten(patient(id), k)), found.window_h)


@pytest.mark.parametrize("id", ["1", "40"])
def test_a_shifted_level_equals_a_record_written_with_the_other_time(id):
    """The second level of newborn 40 was drawn 12 min after a dose: 15 min earlier lies before it."""
    fit, found = diagnosed(id)
    for k, level in enumerate(found.levels):
        for change, hours in ((level.earlier, -QUARTER_H), (level.later, QUARTER_H)):
            moved = rewritten(patient(id), k, time_h=level.time_h + hours)
            assert_change(change, fit, ido.fit(CARD, moved), found.window_h)


def test_a_shift_across_a_dose_is_found_and_said():
    _, found = diagnosed("40")
    level = found.levels[1]
    assert abs(level.earlier.auc) > 10 * abs(level.later.auc)
    (said,) = [n for n in found.sentences if n.code == "sampling-time"]
    assert said.grade == "caution"
    assert "15 min earlier" in said.sentence
    assert "25 mg/L at 4 h" in said.sentence


def test_an_assay_error_equals_fits_of_scaled_levels():
    fit, found = diagnosed("1")
    for change, share in zip(found.assay, (0.9, 1.1), strict=True):
        events = [
            replace(e, value_mg_L=share * e.value_mg_L) if isinstance(e, Level) else e for e in patient("1").events
        ]
        assert_change(change, fit, ido.fit(CARD, replace(patient("1"), events=tuple(events))), found.window_h)


def test_residuals_and_effects_by_their_definitions():
    fit, found = diagnosed("1")
    observed = np.array([x.value_mg_L for x in patient("1").levels])
    iwres = (observed - fit.fitted()) / (np.sqrt(0.013241) * fit.fitted())
    np.testing.assert_allclose([x.individual for x in found.levels], iwres, rtol=IDENTITY)
    for i, (name, omega2) in enumerate((("CL", 0.0293508), ("V", 0.027906))):
        effect = found.effects[i]
        assert effect.name == name
        np.testing.assert_allclose(effect.standardised, fit.eta[i] / np.sqrt(omega2), rtol=IDENTITY)
        narrowing = 1.0 - np.sqrt(fit.covariance[i, i]) / np.sqrt(omega2)
        np.testing.assert_allclose(effect.narrowing, narrowing, rtol=IDENTITY)


def bolus(etas, time_h, subject):
    """Level of a one-compartment bolus history in plain arithmetic, for draws (draws, 2)."""
    values = subject.readings[0].values
    cl = 0.00469555 * values["weight"] * np.exp(etas[:, 0])
    v = 0.984258 * values["weight"] * (1.15892 if values["apgar_5min"] < 5 else 1.0) * np.exp(etas[:, 1])
    return sum(d.amount_mg / v * np.exp(-cl / v * (time_h - d.time_h)) for d in subject.doses if d.time_h <= time_h)


def assert_probability(got, etas, level, subject, generator):
    """Against the share of simulated levels below the one observed; both sides have their sampling error."""
    f = bolus(etas, level.time_h, subject)
    share = np.mean(f * (1.0 + np.sqrt(0.013241) * generator.standard_normal(len(f))) < level.observed)
    spread = np.std(norm.cdf((level.observed / f - 1.0) / np.sqrt(0.013241)))
    error = np.sqrt(share * (1 - share) / len(f) + spread**2 / 256)
    assert within_standard_errors(got, share, error)
    assert error < 0.03


@pytest.mark.parametrize("id", ["1", "40", "25"])
def test_percentiles_equal_a_plain_simulation(id):
    _, found = diagnosed(id)
    generator = np.random.default_rng(5)
    omega = np.sqrt([0.0293508, 0.027906])
    for k, level in enumerate(found.levels):
        prior = generator.standard_normal((20000, 2)) * omega
        assert_probability(level.percentile, prior, level, patient(id), generator)
        others = ido.fit(CARD, rewritten(patient(id), k))
        known = generator.multivariate_normal(others.eta, others.covariance, 20000)
        assert_probability(level.among_others, known, level, patient(id), generator)
        np.testing.assert_allclose(norm.cdf([level.prior, level.conditional]), [level.percentile, level.among_others])


def test_the_levels_before_a_level_do_not_enter_its_percentile():
    _, found = diagnosed("25")
    changed = rewritten(patient("25"), 0, value_mg_L=3.0 * patient("25").levels[0].value_mg_L)
    again = ido.diagnose(ido.fit(CARD, changed))
    assert [x.percentile for x in again.levels[1:]] == [x.percentile for x in found.levels[1:]]
    assert again.levels[0].percentile > found.levels[0].percentile
    assert again.levels[1].among_others != found.levels[1].among_others


class Located:
    """A prediction that is its effect; residual SD 1."""

    together = True

    def predict(self, eta, data):
        return eta

    def standardised(self, f, data):
        return data - f


@pytest.mark.parametrize("nu", [None, 3.0, 30.0])
def test_fractions_without_spread_are_the_distribution_of_the_residual_error(nu):
    z = np.array([[-9.0, -1.3, 0.0], [0.4, 2.0, 12.0]])
    centre, root = np.zeros((2, 3)), np.zeros((2, 3, 3))
    freedom = None if nu is None else np.full((2, 1), nu)
    got = fractions(Located(), centre, root, normal_points(16, 3), z, freedom)
    np.testing.assert_allclose(got, norm.cdf(z) if nu is None else t.cdf(z, nu), rtol=IDENTITY)


def test_fractions_of_a_normal_population_are_those_of_the_sum():
    """Effect and residual error both normal: the level is normal with the sum of both variances."""
    z, root = np.array([[-2.0, 0.3]]), np.array([[[1.0, 0.0], [0.6, 0.8]]])
    got = fractions(Located(), np.zeros((1, 2)), root, normal_points(256, 2), z)
    spread = np.std(norm.cdf(z - normal_points(256, 2)))
    for found, expected in zip(np.asarray(got)[0], norm.cdf(z[0] / np.sqrt(2.0)), strict=True):
        assert within_standard_errors(float(found), float(expected), spread / 16.0)


def test_another_patient_of_the_same_size_compiles_nothing():
    one = Subject("a", (Reading(0.0, {"weight": 1.4, "apgar_5min": 7}), Dose(0.0, 25.0), Level(2.0, 17.0)))
    ido.diagnose(ido.fit(CARD, one))
    before = looked._cache_size(), fractions._cache_size()
    other = replace(one, events=(*one.events[:1], Dose(0.0, 20.0), Level(5.0, 31.0)))
    ido.diagnose(ido.fit(CARD, other))
    assert (looked._cache_size(), fractions._cache_size()) == before


def test_a_patient_without_levels_and_one_without_doses():
    events = (Reading(0.0, {"weight": 1.4, "apgar_5min": 7}), Dose(0.0, 25.0))
    found = ido.diagnose(ido.fit(CARD, Subject("a", events)))
    assert found.levels == ()
    assert found.assay is None
    assert [effect.narrowing for effect in found.effects] == pytest.approx([0.0, 0.0])
    assert ido.diagnose(ido.fit(CARD, Subject("b", events[:1]))).window_h is None


def test_a_patients_only_level_is_foretold_by_the_population_and_not_called_decisive():
    events = (Reading(0.0, {"weight": 1.4, "apgar_5min": 7}), Dose(0.0, 25.0), Level(2.0, 60.0))
    found = ido.diagnose(ido.fit(CARD, Subject("a", events)))
    (level,) = found.levels
    assert level.among_others == level.percentile > 0.999
    assert "level-unusual" in {n.code for n in found.sentences}
    assert not {"influence", "level-contradicts"} & {n.code for n in found.notices}


def test_a_prior_is_not_asked_what_its_levels_did():
    found = ido.diagnose(ido.fit(CARD, patient("1"), method="prior"))
    assert all(level.without is None for level in found.levels)
    assert all(0.0 < level.percentile < 1.0 for level in found.levels)


def test_covariates_outside_the_domain_are_repeated():
    heavy = replace(patient("1"), events=tuple(
        replace(e, values={**e.values, "weight": 5.0}) if isinstance(e, Reading) else e for e in patient("1").events
    ))  # fmt: skip
    fit = ido.fit(CARD, heavy, extrapolate=True)
    found = ido.diagnose(fit)
    assert found.domain
    assert set(found.domain) <= set(fit.warnings)
    assert found.sentences[0].code == "outside-domain"


def test_a_fit_without_a_patient_is_refused():
    fit, _ = diagnosed("1")
    with pytest.raises(InputError, match="a fit of a card"):
        ido.diagnose(replace(fit, problem=replace(fit.problem, context=None)))


def test_a_level_right_after_a_reset_does_not_move_before_its_dose():
    events = (
        Reading(0.0, {"weight": 1.4, "apgar_5min": 7}), Dose(0.0, 25.0), Level(10.0, 15.0),
        Reset(0.0, restarts=True), Dose(0.0, 20.0), Level(0.1, 14.0),
    )  # fmt: skip
    found = ido.diagnose(ido.fit(CARD, Subject("a", events)))
    assert found.levels[0].earlier is not None
    assert found.levels[1].earlier is None
    assert found.levels[1].later is not None


SATURABLE = """
id = "phenytoin/case"
title = "Saturable elimination"
grade = "draft"
system = { disposition = "one_compartment", input = ["bolus"], elimination = "michaelis_menten" }

[source]
citation = "made for this test"
population = "nobody"

[constants]
one = { value = 1.0 }

[parameters]
Vmax = { equation = "20 [mg/h] * one", unit = "mg/h" }
Km = { equation = "4 [mg/L] * one", unit = "mg/L" }
V = { equation = "45 [L] * one", unit = "L" }

[variability]
Vmax = { omega2 = 0.04 }
V = { omega2 = 0.04 }

[residual]
convention = "sd2 = a2 + b2 f2"
proportional = 0.1
"""


def test_a_nonlinear_card_is_asked_the_same():
    card = read_card(SATURABLE, "case")
    who = ido.subject("a", doses=[Dose(0.0, 600.0), Dose(24.0, 600.0)], levels=[Level(2.0, 12.0), Level(20.0, 5.0)])
    fit = ido.fit(card, who)
    assert not fit.problem.likelihood.together
    found = ido.diagnose(fit)
    assert_change(found.levels[0].without, fit, ido.fit(card, rewritten(who, 0)), found.window_h)
    later = rewritten(who, 1, time_h=20.25)
    assert_change(found.levels[1].later, fit, ido.fit(card, later), found.window_h)


DELAYED = """
id = "theophylline/case"
title = "Absorption after a lag, clearance that follows a running weight"
grade = "draft"
system = { disposition = "one_compartment", input = "first_order" }

[source]
citation = "made for this test"
population = "nobody"

[covariates]
weight = { carry = "linear" }

[constants]
one = { value = 1.0 }

[parameters]
ka = { equation = "1.5 [1/h] * one", unit = "1/h" }
CL = { equation = "0.04 [L/h/kg] * weight", unit = "L/h" }
V = { equation = "32 [L] * one", unit = "L" }
lag = { equation = "0.3 [h] * one", unit = "h" }

[variability]
CL = { omega2 = 0.07 }
V = { omega2 = 0.04 }

[residual]
convention = "sd2 = a2 + b2 f2"
proportional = 0.1
"""


def test_a_level_moves_where_a_lag_moves_the_doses_and_a_covariate_runs():
    who = ido.subject(
        "a",
        doses=[Dose(0.0, 300.0), Dose(12.0, 300.0)],
        levels=[Level(3.0, 7.0), Level(12.6, 5.0)],
        covariates=[Reading(0.0, {"weight": 60.0}), Reading(14.0, {"weight": 75.0})],
    )
    card = read_card(DELAYED, "case")
    fit = ido.fit(card, who)
    assert fit.problem.data.history is not None
    assert fit.problem.data.history.samples.seen is not None
    found = ido.diagnose(fit)
    start, end = found.window_h
    for k, level in enumerate(found.levels):
        change = level.earlier
        other = ido.fit(card, rewritten(who, k, time_h=level.time_h - QUARTER_H))
        moved = (other.eta - fit.eta) / np.sqrt(np.diag(fit.covariance))
        np.testing.assert_allclose(list(change.effects.values()), moved, rtol=0, atol=10 * ESTIMATE)
        assert abs(change.auc - (area(other, (start, end)) / area(fit, (start, end)) - 1.0)) < 10 * ESTIMATE
    assert np.isfinite(found.levels[1].percentile)


NOTHING = Change({"CL": 0.0}, 0.0, 0.0, True)


def level(sample="20 mg/L at 30 h", **changes):
    made = OneLevel(sample, 30.0, 20.0, "none", 0.0, 0.5, 0.5, NOTHING, NOTHING, NOTHING)
    return replace(made, **changes)


def codes(*levels, assay=(NOTHING, NOTHING)):
    made = Diagnostics("a", (), levels, assay, (24.0, 36.0))
    return [(n.code, n.grade) for n in judged(made, diagnosed("1")[0], solved=True).notices]


def moved(auc=0.0, trough=0.0, shift=0.0):
    return Change({"CL": shift}, auc, trough, True)


def test_grades_rise_with_rarity_and_are_shared_among_levels():
    assert codes(level()) == []
    for percentile, grade in ((0.98, "note"), (0.997, "caution"), (0.9997, "warning")):
        assert codes(level(percentile=percentile)) == [("level-unusual", grade)]
    assert codes(level(percentile=0.98), level("b"), level("c")) == []
    assert codes(level(among_others=0.001), level("b")) == [("level-contradicts", "caution")]
    assert codes(level(among_others=0.001)) == []
    limit = level(censoring="below", percentile=0.02)
    assert tail(limit, limit.percentile) == 0.02
    assert tail(limit, 0.9) == 0.9


def test_grades_rise_with_the_size_of_a_change():
    assert codes(level(without=moved(auc=-0.25, shift=1.5)), level("b")) == [("influence", "note")]
    assert codes(level(without=moved(trough=0.25, shift=2.5)), level("b")) == [("influence", "caution")]
    assert codes(level(without=moved(auc=0.19, shift=2.5)), level("b")) == []
    assert codes(level(earlier=moved(trough=-0.12))) == [("sampling-time", "note")]
    assert codes(level(later=moved(auc=0.21))) == [("sampling-time", "caution")]
    assert codes(level(), assay=(moved(auc=-0.14), NOTHING)) == []
    assert codes(level(), assay=(moved(auc=-0.16), NOTHING)) == [("assay-error", "note")]


def test_a_mistimed_trough_silences_what_follows_from_it():
    mistimed = PostDose(before_h=0.5, after_h=1.0, odds=50.0, residual=0.3)
    worse = {"percentile": 0.9999, "among_others": 0.9999, "without": moved(auc=0.5, shift=3.0)}
    assert codes(level(post_dose=mistimed, **worse), level("b", among_others=0.0001)) == [
        ("mistimed-trough", "caution")
    ]
    assert codes(level(post_dose=replace(mistimed, odds=500.0))) == [("mistimed-trough", "warning")]
    assert codes(level(post_dose=replace(mistimed, odds=19.0))) == []
    assert codes(level(post_dose=replace(mistimed, residual=3.0))) == []


def test_sentences_are_a_handful_with_the_gravest_first():
    everything = level(
        percentile=0.97, among_others=0.00001, without=moved(auc=0.3, shift=1.2), earlier=moved(auc=0.3),
    )  # fmt: skip
    made = Diagnostics(
        "a",
        (Effect("CL", 0.7, 4.1, 0.17, 0.165),),
        (everything, level("b", percentile=0.9999)),
        (moved(auc=0.3), NOTHING),
        None,
    )
    found = judged(made, diagnosed("1")[0], solved=True)
    assert len(found.notices) > HANDFUL == len(found.sentences)
    order = ["warning", "caution", "note"]
    grades = [order.index(n.grade) for n in found.sentences]
    assert grades == sorted(grades)
    assert NormalDist().cdf(everything.conditional) == pytest.approx(everything.among_others)


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (level(percentile=0.00001), "is below more than 99.99 % of the levels of patients like this one"),
        (level(percentile=0.997), "is above 99.7 % of the levels of patients like this one"),
        (level(percentile=0.0004), "is below 99.96 % of"),
        (
            level(censoring="below", percentile=0.004),
            "A level below the limit of 20 mg/L at 30 h has a probability of 0.4 %",
        ),
        (
            level(censoring="above", percentile=0.99999),
            "A level above the limit of 20 mg/L at 30 h has a probability of less",
        ),
    ],
)
def test_a_sentence_says_on_which_side_a_level_lies(one, said):
    made = Diagnostics("a", (), (one,), None, None)
    (notice,) = judged(made, diagnosed("1")[0], solved=True).notices
    assert said in notice.sentence


def test_where_the_search_fails_the_level_that_spoils_it_is_named():
    events = (Reading(0.0, {"weight": 1.4, "apgar_5min": 7}), Dose(0.0, 25.0), Level(2.0, 1e300), Level(20.0, 17.0))
    fit = ido.fit(CARD, Subject("a", events))
    assert not fit.status.ok
    found = ido.diagnose(fit)
    (said,) = [n for n in found.sentences if n.code == "influence"]
    assert "Without the level of 1e+300 mg/L at 2 h the search finds an optimum" in said.sentence
