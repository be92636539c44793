"""Laws of a non-compartmental analysis: units and doses scale, areas add up, exponentials are exact, nothing is NaN."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from individose.inference.noncompartmental import METHODS, Profile, Rules, analyse, curve, partial_area
from individose.inference.noncompartmental.areas import trapezoids
from tolerances import EXACT, IDENTITY

ROUTES = ("extravascular", "bolus", "infusion")
gaps = st.lists(st.floats(0.05, 8.0), min_size=1, max_size=10)
concentrations = st.floats(1e-3, 1e3)


@st.composite
def profiles(draw, below=False):
    """A profile with any levels: rising, falling, equal; some below the limit if `below`."""
    t = np.cumsum(draw(gaps)) - draw(st.sampled_from((0.0, 0.05)))
    c = np.array(draw(st.lists(concentrations, min_size=len(t), max_size=len(t))))
    if below:
        quantified = np.array(draw(st.lists(st.booleans(), min_size=len(t), max_size=len(t))))
    else:
        quantified = np.ones(len(t), dtype=bool)
    route = draw(st.sampled_from(ROUTES))
    tau_h = draw(st.one_of(st.none(), st.floats(1.0, 24.0)))
    return Profile(
        np.maximum(t, 0.0), c, quantified, draw(st.floats(0.1, 1e3)), route, float(route == "infusion"), tau_h
    )


def scaled(one, dose=1.0, level=1.0, time=1.0):
    return Profile(
        one.time_h * time, one.concentration_mg_L * level, one.quantified, one.dose_mg * dose, one.route,
        one.duration_h * time, None if one.tau_h is None else one.tau_h * time,
    )  # fmt: skip


POWERS = {
    "mg/L": (0, 1, 0), "h": (0, 0, 1), "/h": (0, 0, -1), "mg.h/L": (0, 1, 1), "mg.h2/L": (0, 1, 2),
    "L/h": (1, -1, -1), "L": (1, -1, 0), "%": (0, 0, 0), "1": (0, 0, 0),
}  # fmt: skip
"""How a parameter goes with the dose, the level and the time, by its unit."""


@given(profiles(), st.sampled_from(METHODS), *(st.integers(-3, 3) for _ in range(3)))
def test_parameters_scale_as_their_units_say(one, method, dose, level, time):
    """By powers of 2, so that the same levels are chosen for the slope."""
    factors = (2.0**dose, 2.0**level, 2.0**time)
    before, after = analyse(one, Rules(method)), analyse(scaled(one, *factors), Rules(method))
    for a, b in zip(before.quantities, after.quantities, strict=True):
        assert (a.name, a.status) == (b.name, b.status)
        if a.value is not None:
            factor = math.prod(f**p for f, p in zip(factors, POWERS[a.unit], strict=True))
            # a mean residence time of nearly 0 is a difference of larger ones
            room = IDENTITY * factors[2] * max(one.duration_h, 1.0) if a.unit == "h" else 0.0
            assert b.value == pytest.approx(a.value * factor, rel=IDENTITY, abs=room or IDENTITY), a.name


@given(profiles(), st.sampled_from(METHODS), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_areas_add_up_over_intervals(one, method, first, second):
    """The moment's linear trapezoid takes t C as a line, as the field does, so it adds up at samples only."""
    points = curve(one)
    assume(points.origin != "unknown")
    end = float(points.time_h[-1])
    a, b = sorted((first * end, second * end))
    parts = [partial_area(points, method, *span) for span in ((0.0, a), (a, b), (b, end))]
    whole = partial_area(points, method, 0.0, end)
    assert sum(p.auc for p in parts) == pytest.approx(whole.auc, rel=IDENTITY)
    at_samples = [partial_area(points, method, *span) for span in zip(points.time_h, points.time_h[1:], strict=False)]
    assert sum(p.auc for p in at_samples) == pytest.approx(whole.auc, rel=IDENTITY)
    assert sum(p.aumc for p in at_samples) == pytest.approx(whole.aumc, rel=IDENTITY)


@given(st.floats(0.01, 5.0), st.floats(0.1, 100.0), gaps, st.sampled_from(("lin-up-log-down", "linlog")))
def test_log_trapezoids_of_an_exponential_are_its_integral(k, c0, steps, method):
    t = np.append(0.0, np.cumsum(np.array(steps) / k))
    points = curve(Profile(t, c0 * np.exp(-k * t), np.ones(len(t), dtype=bool), 1.0, "bolus"))
    found, x = partial_area(points, method, 0.0, t[-1]), k * t[-1]
    assert found.auc == pytest.approx(-c0 / k * math.expm1(-x), rel=IDENTITY)
    assert found.aumc == pytest.approx(c0 / k**2 * (1.0 - (1.0 + x) * math.exp(-x)), rel=IDENTITY)


@given(
    k=st.floats(0.01, 2.0),
    volume=st.floats(0.5, 500.0),
    steps=st.lists(st.floats(0.1, 3.0), min_size=3, max_size=9),
    start=st.floats(0.01, 1.0),
)
def test_a_bolus_into_one_compartment_is_exact(k, volume, steps, start):
    """Back-extrapolation, slope and areas are all exact, whenever the samples are drawn."""
    dose_mg = 100.0
    t = (start + np.append(0.0, np.cumsum(steps))) / k
    found = analyse(Profile(t, dose_mg / volume * np.exp(-k * t), np.ones(len(t), dtype=bool), dose_mg, "bolus"))
    exact = {
        "c0": dose_mg / volume, "lambda_z": k, "half_life": math.log(2) / k, "auc_inf": dose_mg / (k * volume),
        "auc_inf_pred": dose_mg / (k * volume), "aumc_inf": dose_mg / (k**2 * volume), "mrt": 1 / k,
        "cl": k * volume, "vz": volume, "vss": volume, "r2": 1.0,
    }  # fmt: skip
    for name, value in exact.items():
        assert found[name].value == pytest.approx(value, rel=IDENTITY), name
    assert found["cl"].value == pytest.approx(dose_mg / found["auc_inf"].value, rel=EXACT)
    assert found["lambda_z_points"].value == len(t)


@given(k=st.floats(0.02, 1.0), volume=st.floats(0.5, 500.0), tau_h=st.floats(4.0, 24.0), early=st.floats(0.3, 0.99))
def test_a_steady_state_of_one_compartment_is_exact(k, volume, tau_h, early):
    """Boluses for ever: what is given in an interval is eliminated in it. The last sample comes before its end."""
    dose_mg = 100.0
    peak = dose_mg / volume / -math.expm1(-k * tau_h)
    t = np.array([0.05, 0.1, 0.2, early]) * tau_h
    found = analyse(Profile(t, peak * np.exp(-k * t), np.ones(4, dtype=bool), dose_mg, "bolus", tau_h=tau_h))
    exact = {
        "auc_tau": dose_mg / (k * volume), "cl": k * volume, "vz": volume, "vss": volume, "mrt": 1 / k,
        "accumulation": 1 / -math.expm1(-k * tau_h), "ctau": peak * math.exp(-k * tau_h),
        "c_average": dose_mg / (k * volume * tau_h),
    }  # fmt: skip
    for name, value in exact.items():
        assert found[name].value == pytest.approx(value, rel=IDENTITY), name


@pytest.mark.parametrize("exponent", range(-15, 3))
@pytest.mark.parametrize("sign", [-1, 1])
def test_log_trapezoids_of_nearly_equal_levels_lose_no_digits(exponent, sign):
    """Against 50 digits; the textbook's (c1 - c2) / ln(c1 / c2) loses half of them."""
    t1, c1, t2, c2 = 3.0, 2.0, 5.0, 2.0 * (1.0 + sign * 0.9 * 10.0 ** min(exponent, -1)) * 10.0 ** max(exponent, 0)
    if c1 == c2:
        pytest.skip("equal levels are linear")
    with mpmath.workdps(50):
        k = mpmath.log(mpmath.mpf(c1) / mpmath.mpf(c2)) / (t2 - t1)
        auc = (mpmath.mpf(c1) - c2) / k
        aumc = (t1 * mpmath.mpf(c1) - t2 * mpmath.mpf(c2)) / k + (mpmath.mpf(c1) - c2) / k**2
        expected = float(auc), float(aumc)
    found = trapezoids(*(np.array([x]) for x in (t1, c1, t2, c2)), np.array([True]))
    assert [float(x[0]) for x in found] == pytest.approx(expected, rel=EXACT)


@given(profiles(below=True), st.sampled_from(METHODS), st.sampled_from(("zero", "drop")))
def test_every_parameter_is_a_finite_number_or_has_a_reason(one, method, after_last):
    found = analyse(one, Rules(method, after_last, intervals=((0.0, 100.0),)))
    names = [q.name for q in found.quantities]
    assert len(names) == len(set(names))
    for q in found.quantities:
        assert (q.value is None) == bool(q.sentence), q.name
        assert q.value is None or math.isfinite(q.value), q.name


@given(profiles(below=True), st.sampled_from(METHODS))
def test_levels_marked_as_below_the_limit_have_no_number(one, method):
    """Whatever number stands beside the mark, limit or half of it, the result is the same."""
    other = np.where(one.quantified, one.concentration_mg_L, 7.0)
    changed = Profile(
        one.time_h, other, one.quantified, one.dose_mg, one.route, one.duration_h, one.tau_h
    )  # fmt: skip
    assert analyse(one, Rules(method)).quantities == analyse(changed, Rules(method)).quantities
