"""Clearances, rates and exponents: each way round is exact, and all three predict the same."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from individose.base import CardError
from individose.kinetics import compose
from individose.kinetics.linear.parameterisation import CHOICES, choose, disposition, from_exponents, to_exponents
from tolerances import EXACT

rate, flow, volume = st.floats(0.01, 10.0), st.floats(0.05, 50.0), st.floats(0.5, 500.0)


def scalars(p):
    return {name: jnp.asarray(x) for name, x in p.items()}


@settings(max_examples=12)
@given(flow, volume, flow, volume, flow, volume)
def test_clearances_are_rates(cl, v1, q2, v2, q3, v3):
    """CL = k10 V1, Q = k12 V1 = k21 V2."""
    p = scalars({"CL": cl, "V1": v1, "Q": q2, "V2": v2, "Q2": q2, "Q3": q3, "V3": v3})
    for name, choice in (
        ("two_compartment", ("CL", "V1", "Q", "V2")),
        ("three_compartment", ("CL", "V1", "Q2", "V2", "Q3", "V3")),
    ):
        assert choose(name, p) == choice
        found = disposition(choice, p)
        back = [found.micro.k10 * found.volume, found.volume]
        for away, home in found.micro.exchange:
            back += [away * found.volume, away * found.volume / home]
        np.testing.assert_allclose(back, [float(p[n]) for n in choice], rtol=EXACT)


@settings(max_examples=12)
@given(st.lists(st.floats(0.001, 5.0), min_size=1, max_size=3), rate, st.floats(1.5, 20.0), st.floats(1.5, 20.0))
def test_exponents_there_and_back(coefficients, slow, second, third):
    """Coefficients and exponents to rates and volume, and to coefficients and exponents again."""
    exponents = [slow * second * third, slow * second, slow][-len(coefficients) :]
    found = from_exponents(tuple(map(jnp.asarray, coefficients)), tuple(map(jnp.asarray, exponents)))
    got_coefficients, got_exponents = to_exponents(found)
    np.testing.assert_allclose(got_exponents, exponents, rtol=EXACT)
    # a coefficient is as exact as the gaps between the exponents and the return rates let it be
    np.testing.assert_allclose(got_coefficients, coefficients, rtol=EXACT, atol=EXACT * max(coefficients))


@settings(max_examples=12)
@given(rate, st.floats(0.05, 5.0), st.floats(0.05, 5.0), st.floats(0.05, 5.0), st.floats(1.2, 30.0), volume)
def test_rates_there_and_back(k10, k12, k13, k31, apart, v1):
    """Rates to exponents and back: the faster return rate comes first."""
    for names in (("k10", "V1", "k12", "k21"), ("k10", "V1", "k12", "k21", "k13", "k31")):
        p = scalars({"k10": k10, "V1": v1, "k12": k12, "k21": k31 * apart, "k13": k13, "k31": k31})
        first = disposition(names, p)
        again = from_exponents(*to_exponents(first))
        wanted = [float(first.micro.k10), v1, *np.ravel(first.micro.exchange)]
        got = [again.micro.k10, again.volume, *np.ravel(again.micro.exchange)]
        # where return rates draw near, the exchange of each is lost to the other in the coefficients themselves
        np.testing.assert_allclose(got, wanted, rtol=EXACT * max(1.0, 30.0 / (apart - 1.0)))


def test_exponents_are_those_of_the_curve():
    """A exp(-alpha t) + B exp(-beta t) + C exp(-gamma t), times the dose: what `from_exponents` is defined by."""
    p = {"A": 0.05, "alpha": 1.7, "B": 0.02, "beta": 0.31, "C": 0.004, "gamma": 0.02}
    t = np.array([0.0, 0.4, 3.0, 40.0])
    for name in ("one_compartment", "two_compartment", "three_compartment"):
        names = CHOICES[name][-1]
        own = {n: p[n] for n in names}
        system = compose(name, ("bolus",), own)
        q = system.prepare(scalars(own))
        dose = (jnp.asarray(100.0), *[jnp.asarray(0.0)] * (system.size - 1))
        got = [float(system.observe(q, system.advance(q, dose, None, jnp.asarray(s)))[0]) for s in t]
        pairs = zip(names[::2], names[1::2], strict=True)
        np.testing.assert_allclose(got, 100.0 * sum(p[a] * np.exp(-p[r] * t) for a, r in pairs), rtol=EXACT)


def test_every_parameterisation_predicts_the_same():
    rates = {"k10": 0.25, "V1": 20.0, "k12": 0.15, "k21": 0.1}
    clearances = {"CL": 5.0, "V1": 20.0, "Q": 3.0, "V2": 30.0}
    mixed = {"CL": 5.0, "V1": 20.0, "k12": 0.15, "k21": 0.1}
    coefficients, exponents = to_exponents(disposition(CHOICES["two_compartment"][0], scalars(clearances)))
    macro = dict(zip(("A", "B"), coefficients, strict=True)) | dict(zip(("alpha", "beta"), exponents, strict=True))
    levels = []
    for p in (rates, clearances, mixed, macro):
        system = compose("two_compartment", ("first_order",), (*p, "ka"))
        q = system.prepare(scalars({**p, "ka": 1.1}))
        start = tuple(map(jnp.asarray, (100.0, 0.0, 0.0)))
        levels.append(float(system.observe(q, system.advance(q, start, None, jnp.asarray(7.0)))[0]))
    np.testing.assert_allclose(levels, levels[0], rtol=EXACT)


def test_half_a_parameterisation_is_refused():
    with pytest.raises(CardError, match=r"CL, V1, Q, V2; or CL, V1, k12, k21; or k10"):
        choose("two_compartment", ("CL", "V1", "Q"))
    assert choose("one_compartment", ("CLm", "Vm", "V"), "m") == ("CL", "V")
