"""Exposure of a fitted patient: each metric against a closed form at the patient's parameters, and against its draws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import individose as ido
from individose.base import InputError
from individose.events import Dose, Level
from individose.inference.exposure import METRICS
from individose.inference.predictions import individual_draws
from tolerances import EXACT, IDENTITY

FIT = ido.fit(
    ido.card("theophylline/boeckmann1994"),
    ido.subject("a", doses=[Dose(0.0, 320.0)], levels=[Level(2.0, 7.0), Level(11.0, 4.0)], covariates={"weight": 70.0}),
)


def parameters(fit=FIT):
    found = {name: x.value for name, x in fit.parameters().items()}
    return found["ka"], found["CL"] / found["V"], found["V"]


def level_at(t):
    ka, k, v = parameters()
    return 320.0 * ka / v / (ka - k) * (np.exp(-k * t) - np.exp(-ka * t))


def test_peak_and_its_time_in_closed_form():
    ka, k, _ = parameters()
    tmax = np.log(ka / k) / (ka - k)
    peak, when = FIT.exposure("peak", 0.0, 24.0), FIT.exposure("tpeak", 0.0, 24.0)
    np.testing.assert_allclose([peak.value, when.value], [level_at(tmax), tmax], rtol=IDENTITY)
    np.testing.assert_allclose(FIT.predict([when.value])[0], peak.value, rtol=EXACT)
    assert peak.low < peak.value < peak.high
    assert when.low < when.value < when.high


def test_minimum_is_the_end_of_a_fall_and_the_start_before_a_dose():
    assert FIT.exposure("minimum", 0.0, 24.0).value == 0.0
    least, when = FIT.exposure("minimum", 4.0, 24.0), FIT.exposure("tminimum", 4.0, 24.0)
    np.testing.assert_allclose([least.value, when.value], [level_at(24.0), 24.0], rtol=IDENTITY)


@settings(max_examples=20)
@given(start=st.floats(-5.0, 10.0), span=st.floats(0.5, 30.0), threshold=st.floats(0.2, 12.0))
def test_time_above_and_time_until_below(start, span, threshold):
    end = start + span
    above = FIT.exposure("above", start, end, threshold=threshold)
    until = FIT.exposure("until_below", start, end, threshold=threshold)
    share = FIT.exposure("fraction_above", start, end, threshold=threshold)
    np.testing.assert_allclose(share.value, above.value / span, rtol=IDENTITY, atol=IDENTITY)
    assert 0.0 <= above.low <= above.high <= span * (1 + EXACT)
    assert above.value <= until.value * (1 + IDENTITY)
    # the level at the last crossing is the threshold, unless the window ends before
    if 0.0 < until.value < span * (1 - IDENTITY):
        np.testing.assert_allclose(level_at(start + until.value), threshold, rtol=IDENTITY)


def test_never_and_always_above():
    peak, least = FIT.exposure("peak", 1.0, 12.0).value, FIT.exposure("minimum", 1.0, 12.0).value
    for name in ("above", "fraction_above", "until_below"):
        assert FIT.exposure(name, 1.0, 12.0, threshold=peak * 1.0001).value == 0.0
        whole = 1.0 if name == "fraction_above" else 11.0
        np.testing.assert_allclose(FIT.exposure(name, 1.0, 12.0, threshold=least * 0.9999).value, whole, rtol=EXACT)


def test_moment_and_average_follow_the_area():
    ka, k, v = parameters()
    area, first = FIT.exposure("auc", 0.0, 2000.0), FIT.exposure("aumc", 0.0, 2000.0)
    # mean residence time and mean absorption time
    np.testing.assert_allclose(area.value, 320.0 / (k * v), rtol=IDENTITY)
    np.testing.assert_allclose(first.value / area.value, 1 / k + 1 / ka, rtol=IDENTITY)
    np.testing.assert_allclose(FIT.exposure("average", 0.0, 2000.0).value, area.value / 2000.0, rtol=EXACT)


def test_intervals_are_quantiles_of_the_draws():
    draws = FIT.sample()
    # every draw's own fit: its peak in closed form
    found = {name: np.asarray(x) for name, x in _individual(draws).items()}
    ka, k = found["ka"], found["CL"] / found["V"]
    tmax = np.log(ka / k) / (ka - k)
    when = FIT.exposure("tpeak", 0.0, 100.0, level=0.8)
    np.testing.assert_allclose([when.low, when.high], np.quantile(tmax, [0.1, 0.9]), rtol=IDENTITY)


def _individual(etas):
    return individual_draws(FIT.problem.likelihood, etas, FIT.problem.now)


def test_units_and_refusals():
    for metric, unit in METRICS.items():
        assert FIT.exposure(metric, 0.0, 12.0, threshold=3.0).unit == unit
    for threshold in (None, 0.0, -1.0, np.inf, np.nan):
        with pytest.raises(InputError, match="threshold above 0 mg/L"):
            FIT.exposure("above", 0.0, 12.0, threshold=threshold)
    for start, end in ((12.0, 12.0), (12.0, 0.0), (-np.inf, 1.0), (np.nan, 1.0)):
        with pytest.raises(InputError, match="runs forward"):
            FIT.exposure("peak", start, end)
    with pytest.raises(InputError, match="tpeak"):
        FIT.exposure("biggest", 0.0, 12.0)
