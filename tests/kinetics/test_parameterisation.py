"""Clearances, rate constants and exponents: the three ways of giving a disposition convert into one another exactly."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from individose.base import CardError
from individose.kinetics.linear.parameterisation import choose, disposition, from_exponents, to_exponents
from tolerances import EXACT

CLEARANCES = {
    1: ("CL", "V"),
    2: ("CL", "V1", "Q", "V2"),
    3: ("CL", "V1", "Q2", "V2", "Q3", "V3"),
}


@jax.jit
def _round_trip(p):
    found = disposition(tuple(p), p)
    return found, from_exponents(*to_exponents(found)), to_exponents(found)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_clearances_to_exponents_and_back(size):
    generator = np.random.default_rng(size)
    for _ in range(40):
        values = np.exp(generator.uniform(-2.0, 3.0, len(CLEARANCES[size])))
        p = {name: jnp.asarray(x) for name, x in zip(CLEARANCES[size], values, strict=True)}
        found, back, (coefficients, rates) = _round_trip(p)
        volume = p["V"] if size == 1 else p["V1"]
        np.testing.assert_allclose(found.micro.k10, p["CL"] / volume, rtol=EXACT)
        # the coefficients are those of a unit bolus: they add up to 1/V, and the area to 1/CL
        np.testing.assert_allclose(sum(coefficients), 1.0 / volume, rtol=EXACT)
        np.testing.assert_allclose(
            sum(a / r for a, r in zip(coefficients, rates, strict=True)), 1.0 / p["CL"], rtol=EXACT
        )
        np.testing.assert_allclose(back.volume, found.volume, rtol=EXACT)
        np.testing.assert_allclose(back.micro.k10, found.micro.k10, rtol=1e2 * EXACT)  # a quotient of three roots
        ours, theirs = (
            sorted(map(tuple, np.array(x.micro.exchange).tolist()), key=lambda e: e[1]) for x in (found, back)
        )
        if size > 1:
            # a weak exchange is a small difference of exponents: as accurate as the coefficients fix it
            np.testing.assert_allclose(theirs, ours, rtol=1e5 * EXACT)


def test_rates_and_clearances_give_the_same_disposition():
    clearances = {"CL": 4.0, "V1": 70.0, "Q": 3.0, "V2": 50.0}
    rates = {"k10": 4.0 / 70.0, "V1": 70.0, "k12": 3.0 / 70.0, "k21": 3.0 / 50.0}
    mixed = {"CL": 4.0, "V1": 70.0, "k12": 3.0 / 70.0, "k21": 3.0 / 50.0}
    first, *others = (disposition(choose("two_compartment", p), p) for p in (clearances, rates, mixed))
    for other in others:
        np.testing.assert_allclose(jax.tree.leaves(other), jax.tree.leaves(first), rtol=EXACT)


def test_an_incomplete_set_is_refused():
    with pytest.raises(CardError, match="it needs CL, V1, Q, V2"):
        choose("two_compartment", ("CL", "V1", "Q"))
    with pytest.raises(CardError, match="one of one_compartment"):
        choose("five_compartment", ("CL",))
