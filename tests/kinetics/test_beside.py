"""Systems side by side: the sum of each alone, in levels, areas, steady states and extremes."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from individose.base import InputError
from individose.kinetics import beside, compose
from individose.kinetics.extremes import half_lives, motion
from individose.kinetics.steady import area_over_interval, trough_amounts
from tolerances import EXACT, IDENTITY

CHAIN = compose("one_compartment", ("chain",), ("k", "V", "k1", "k2"), stages=2)
TWO = compose("two_compartment", ("first_order",), ("CL", "V1", "Q", "V2", "ka"))
CONSTANT = compose("one_compartment", ("bolus",), ("k", "V"))
WHOLE = beside((("a", CHAIN), ("b", TWO), ("c", CONSTANT)))
P = {
    "k1@a": 0.2, "k2@a": 1.1, "k@a": 0.5, "V@a": 2.0,
    "CL@b": 3.0, "V1@b": 10.0, "Q@b": 2.0, "V2@b": 20.0, "ka@b": 0.9,
    "k@c": 0.0, "V@c": 4.0,
}  # fmt: skip


def prepared(system, p):
    return system.prepare({name: jnp.asarray(value) for name, value in p.items()})


def own(part):
    return {name.partition("@")[0]: value for name, value in P.items() if name.endswith(f"@{part}")}


@settings(deadline=None, max_examples=20)
@given(amounts=st.lists(st.floats(0.0, 10.0), min_size=7, max_size=7), t=st.floats(0.0, 50.0))
def test_levels_and_areas_are_the_sums_of_the_parts(amounts, t):
    q = prepared(WHOLE, P)
    state = tuple(jnp.asarray(x) for x in amounts)
    after = WHOLE.advance(q, state, None, jnp.asarray(t))
    area = WHOLE.area(q, state, None, jnp.asarray(t))[0]
    level, summed = 0.0, 0.0
    place = 0
    for name, system in (("a", CHAIN), ("b", TWO), ("c", CONSTANT)):
        mine, r = state[place : place + system.size], prepared(system, own(name))
        alone = system.advance(r, mine, None, jnp.asarray(t))
        np.testing.assert_allclose(after[place : place + system.size], alone, rtol=EXACT)
        level += float(system.observe(r, alone)[0])
        summed += float(system.area(r, mine, None, jnp.asarray(t))[0])
        place += system.size
    np.testing.assert_allclose(WHOLE.observe(q, after)[0], level, rtol=EXACT)
    np.testing.assert_allclose(area, summed, rtol=EXACT)


def test_names_carry_their_part():
    assert WHOLE.compartments[:3] == ("stage1@a", "stage2@a", "central@a")
    assert WHOLE.losses == ("k1@a", "k2@a", "", "ka@b", "", "", "")
    assert WHOLE.index("depot@b") == 3


def test_its_rates_are_those_of_its_matrix():
    q = prepared(WHOLE, P)
    m = motion(WHOLE, q)
    np.testing.assert_allclose(m.spectrum, np.sort(-np.linalg.eigvals(m.matrix).real)[::-1], rtol=IDENTITY, atol=1e-15)
    alone = np.concatenate([half_lives(s, prepared(s, own(n))) for n, s in (("a", CHAIN), ("b", TWO))])
    np.testing.assert_allclose(half_lives(WHOLE, q)[1:], np.sort(alone)[::-1], rtol=EXACT)


@pytest.mark.parametrize("part", ["a", "b"])
def test_a_steady_state_of_one_part_leaves_the_constant_one_alone(part):
    system, into = {"a": (CHAIN, 0), "b": (TWO, 3)}[part]
    q, r = prepared(WHOLE, P), prepared(system, own(part))
    mg, zero, interval = jnp.asarray(5.0), jnp.asarray(0.0), jnp.asarray(12.0)
    found = np.asarray(trough_amounts(WHOLE, q, into, mg, zero, interval))
    alone = np.asarray(trough_amounts(system, r, 0, mg, zero, interval))
    np.testing.assert_allclose(found[into : into + system.size], alone, rtol=EXACT)
    assert found.sum() == pytest.approx(alone.sum(), rel=EXACT)
    np.testing.assert_allclose(
        area_over_interval(WHOLE, q, into, mg, zero, interval)[0],
        area_over_interval(system, r, 0, mg, zero, interval)[0],
        rtol=EXACT,
    )


def test_equal_parts_are_one_program_and_nonlinear_ones_are_refused():
    assert beside((("a", CHAIN), ("b", TWO), ("c", CONSTANT))) is WHOLE
    bent = compose("one_compartment", ("bolus",), ("V", "Vmax", "Km"), elimination="michaelis_menten")
    with pytest.raises(InputError, match="do not add up"):
        beside((("a", CHAIN), ("b", bent)))


def test_derivatives_pass_through():
    def level(k1):
        q = prepared(WHOLE, P | {"k1@a": k1})
        state = tuple(jnp.asarray(x) for x in (3.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0))
        return WHOLE.observe(q, WHOLE.advance(q, state, None, jnp.asarray(4.0)))[0]

    def alone(k1):
        q = prepared(CHAIN, own("a") | {"k1": k1})
        state = (jnp.asarray(3.0), jnp.asarray(0.0), jnp.asarray(0.0))
        return CHAIN.observe(q, CHAIN.advance(q, state, None, jnp.asarray(4.0)))[0]

    np.testing.assert_allclose(jax.grad(level)(0.2), jax.grad(alone)(0.2), rtol=IDENTITY)
