"""Forecasts use what came before and nothing else; scores are what their names say."""

from dataclasses import replace

import numpy as np
import pytest

import individose as ido
from individose.events import Dose, Level, Reading, Subject
from newborns import newborns as read_newborns
from tolerances import IDENTITY, within_standard_errors

CARD = ido.card("phenobarbital/grasela1985")


@pytest.fixture(scope="module")
def newborns():
    return read_newborns()


@pytest.fixture(scope="module")
def evaluation(newborns):
    return ido.evaluate(CARD, newborns)


def changed(subject, number, value):
    """The subject with its `number`-th level (from 1) set to `value`."""
    events, seen = [], 0
    for event in subject.events:
        if isinstance(event, Level):
            seen += 1
            event = replace(event, value_mg_L=value) if seen == number else event
        events.append(event)
    return replace(subject, events=tuple(events))


def test_a_level_changed_later_changes_no_earlier_forecast(newborns):
    some = [s for s in newborns if len(s.levels) >= 3][:8]
    before = ido.evaluate(CARD, some).forecasts
    for number in (1, 2, 3):
        after = ido.evaluate(CARD, [changed(s, number, 3.0 * s.levels[number - 1].value_mg_L) for s in some]).forecasts
        for a, b in zip(before, after, strict=True):
            assert a.prior == b.prior
            if a.number <= number:
                assert a.posterior == b.posterior
            else:  # and the later ones do change: the level was used
                assert a.posterior != b.posterior


def test_a_covariate_found_later_changes_no_earlier_forecast():
    """By NONMEM's rule a weight holds on the interval before it; a forecast must not know it yet."""

    def newborn(later):
        rows = [
            Reading(0.0, {"weight": 1.4, "apgar_5min": 7}), Dose(0.0, 20.0), Level(24.0, 14.0),
            Reading(48.0, {"weight": 1.5, "apgar_5min": 7}), Level(48.0, 12.0),
            Reading(96.0, {"weight": later, "apgar_5min": 7}), Level(96.0, 9.0),
        ]  # fmt: skip
        return Subject("a", tuple(rows))

    first, other = (ido.evaluate(CARD, [newborn(weight)]).forecasts for weight in (1.6, 2.4))
    for a, b in zip(first[:2], other[:2], strict=True):
        assert (a.prior, a.posterior) == (b.prior, b.posterior)
    assert first[2].prior != other[2].prior


def test_a_level_before_the_first_covariate_is_left_out_and_stops_nobody():
    late = Subject(
        "late",
        (
            Dose(0.0, 20.0), Level(2.0, 10.0), Reading(24.0, {"weight": 1.4, "apgar_5min": 7}), Level(24.0, 9.0),
            Reading(48.0, {"weight": 1.6, "apgar_5min": 7}), Level(48.0, 8.0),
        ),
    )  # fmt: skip
    other = Subject("other", (Reading(0.0, {"weight": 1.4, "apgar_5min": 7}), Dose(0.0, 20.0), Level(24.0, 9.0)))
    found = ido.evaluate(CARD, [late, other])
    assert [(f.id, f.number) for f in found.forecasts] == [("late", 2), ("late", 3), ("other", 1)]
    assert not found.refused
    (said,) = found.left_out
    assert said.startswith("late, level 1: ")
    assert "weight" in said
    assert found.forecasts[0].posterior != found.forecasts[0].prior  # the earlier level is still one of its patient's


@pytest.mark.parametrize("method", ["sir", "nuts"])
def test_a_forecast_by_draws_is_the_prediction_at_their_mean(method):
    rows = (Reading(0.0, {"weight": 1.4, "apgar_5min": 7}), Dose(0.0, 20.0), Level(2.0, 13.0), Level(60.0, 12.0))
    found = ido.evaluate(CARD, [Subject("a", rows)], method=method)
    assert found.method == method
    earlier = ido.fit(CARD, Subject("a", rows[:-1]), method=method)
    # other draws: two means, each with the error of as many independent ones as the fit says
    error = np.std(earlier.curves([60.0])) * np.sqrt(2.0 / earlier.sampling.least_effective)
    assert within_standard_errors(found.forecasts[1].posterior, earlier.predict([60.0])[0], error)


def test_a_censored_level_counts_as_one_and_is_in_no_score():
    rows = [Reading(0.0, {"weight": 1.4, "apgar_5min": 7}), Dose(0.0, 20.0), Level(2.0, 10.0, censoring="below")]
    found = ido.evaluate(CARD, [Subject("a", (*rows, Level(24.0, 12.0)))])
    assert [(f.number, f.censored) for f in found.forecasts] == [(1, True), (2, False)]
    assert found.left_out == ("a, level 1: the level is known only to lie beyond a limit",)
    assert found.forecasts[1].posterior != found.forecasts[1].prior
    assert {s.levels for s in found.scores} == {1}
    assert all(s.bias[1] is None for s in found.scores)  # one patient cannot be resampled


def test_a_forecast_is_the_fit_to_the_levels_before(newborns, evaluation):
    by_id = {}
    for f in evaluation.forecasts:
        by_id.setdefault(f.id, []).append(f)
    for subject in newborns[:6]:
        for f in by_id[subject.id]:
            fit = ido.fit(CARD, subject.until(f.number - 1))
            place = [i for i, e in enumerate(e for e in subject.events if isinstance(e, Level))][f.number - 1]
            np.testing.assert_allclose(f.posterior, fit.fitted()[place], rtol=IDENTITY)
            np.testing.assert_allclose(f.prior, fit.typical_fitted()[place], rtol=IDENTITY)


def test_every_level_is_forecast_once(newborns, evaluation):
    assert len(evaluation.forecasts) == sum(len(s.levels) for s in newborns) == 155
    assert not evaluation.left_out
    assert {s.levels for s in evaluation.scores if s.group == "all levels"} == {155}


def test_scores_are_what_they_are_called(evaluation):
    for score in evaluation.scores:
        if score.group.startswith("level ") and score.group != "level 1":
            members = [f for f in evaluation.forecasts if f.number == int(score.group.split()[1])]
        elif score.group == "all levels":
            members = list(evaluation.forecasts)
        else:
            continue
        errors = [
            ((f.prior if score.prediction == "a priori" else f.posterior) - f.observed) / f.observed for f in members
        ]
        n = len(errors)
        assert score.bias[0] == pytest.approx(sum(errors) / n, rel=IDENTITY)
        assert score.imprecision[0] == pytest.approx((sum(e * e for e in errors) / n) ** 0.5, rel=IDENTITY)
        assert score.within_20[0] == pytest.approx(sum(abs(e) <= 0.2 for e in errors) / n, rel=IDENTITY)
        assert score.within_30[0] == pytest.approx(sum(abs(e) <= 0.3 for e in errors) / n, rel=IDENTITY)
        for value, low, high in (score.bias, score.imprecision, score.within_20, score.within_30):
            if score.patients < 5:
                assert low is None
                assert high is None
            else:
                assert low <= value <= high


def test_levels_already_seen_make_the_next_one_better_known(evaluation):
    later = {s.prediction: s for s in evaluation.scores if s.group == "levels after the first"}
    assert later["a posteriori"].imprecision[0] < later["a priori"].imprecision[0]
    assert later["a posteriori"].within_30[0] > later["a priori"].within_30[0]


def test_bootstrap_intervals_have_the_width_of_the_textbook(evaluation):
    """For one level a patient, the interval of the mean is that of independent errors: 1.645 standard errors either way."""
    first = next(s for s in evaluation.scores if s.group == "level 1" and s.prediction == "a priori")
    errors = [(f.prior - f.observed) / f.observed for f in evaluation.forecasts if f.number == 1]
    expected = 2 * 1.6449 * np.std(errors) / np.sqrt(len(errors))
    assert abs((first.bias[2] - first.bias[1]) / expected - 1) < BOOTSTRAP


BOOTSTRAP = 0.1
"""Relative error of an interval's width from 2000 resamples, four times its standard error of about 2 %."""


def test_a_zero_level_is_left_out_and_said(newborns):
    found = ido.evaluate(CARD, [changed(newborns[0], 2, 0.0), *newborns[1:4]])
    assert found.left_out == ("1, level 2: the level is 0",)
    assert all(np.isfinite(s.bias[0]) and np.isfinite(s.imprecision[0]) for s in found.scores)
