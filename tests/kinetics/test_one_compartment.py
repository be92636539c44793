"""One compartment with and without a depot: against an ODE solver, and by the laws that any linear system obeys."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from individose.kinetics import anchor_states, areas, compose, concentrations, prepare
from kinetics.histories import TIMES, by_ode, histories, labelled, parameters, schedule
from tolerances import EXACT, GRADIENT, IDENTITY, ODE

INTRAVENOUS = compose("one_compartment", ("bolus",))
ORAL = compose("one_compartment", ("first_order",))
SYSTEMS = {"intravenous": INTRAVENOUS, "first order": ORAL}


@jax.jit
def _iv(p, line):
    return concentrations(INTRAVENOUS, p, line), areas(INTRAVENOUS, p, line)


@jax.jit
def _oral(p, line):
    return concentrations(ORAL, p, line), areas(ORAL, p, line)


@partial(jax.jit, static_argnums=0)
def _balance(system, p, labelled_p, line):
    """What is in the body at the only sample, and the area until then."""
    states = anchor_states(system, prepare(system, labelled_p), line)
    state = tuple(x[line.segment[0]] for x in states)
    last = system.advance(system.prepare(p), state, None, jnp.asarray(line.since_h[0]))
    return sum(last), areas(system, labelled_p, line)[0]


def solve(system, p, doses, times=TIMES):
    line = schedule(doses, times, system.size)
    line = _fixed(line, 16)
    run = _iv if system is INTRAVENOUS else _oral
    levels, area = run(labelled(p), line)
    return np.asarray(levels), np.asarray(area)


def _fixed(line, anchors):
    """Padded to one size, so that the hypothesis cases share a compiled program."""
    more = anchors - len(line.span_h)
    return line._replace(
        span_h=np.append(line.span_h, np.zeros(more)),
        keep=np.concatenate([line.keep, np.ones((more, line.keep.shape[1]))]),
        piece=np.zeros(anchors, dtype=np.int32),
        amount_mg=np.append(line.amount_mg, np.zeros(more)),
        into=np.append(line.into, np.zeros(more, dtype=np.int32)),
        rate_mg_h=np.concatenate([line.rate_mg_h, np.zeros((more, line.rate_mg_h.shape[1]))]),
    )


def close(found, expected, tolerance, scale=None):
    scale = np.max(np.abs(expected)) if scale is None else scale
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance * max(scale, 1e-300))


@pytest.mark.parametrize("name", SYSTEMS)
@settings(max_examples=15)  # the solver at its tolerances takes a second a case
@given(data=st.data(), p=parameters())
def test_equals_an_ode_solver(name, data, p):
    system = SYSTEMS[name]
    doses = data.draw(histories(system.size))
    levels, area = solve(system, p, doses)
    expected, expected_area = by_ode(p, doses, TIMES, depot=system is ORAL)
    dosed = sum(amount for _, amount, _, _ in doses)
    close(levels, expected, ODE, scale=dosed / p["V"])
    close(area, expected_area, ODE, scale=dosed / p["CL"])


@pytest.mark.parametrize("name", SYSTEMS)
@given(data=st.data(), p=parameters())
def test_mass_balance(name, data, p):
    system = SYSTEMS[name]
    doses = data.draw(histories(system.size))
    end = 200.0
    line = _fixed(schedule(doses, (end,), system.size), 16)
    given_mg = sum(amount for _, amount, _, _ in doses)
    left, area = _balance(system, p, labelled(p), line)
    close(np.asarray(left + p["CL"] * area), given_mg, IDENTITY)


@pytest.mark.parametrize("name", SYSTEMS)
@given(data=st.data(), p=parameters())
def test_superposition_and_linearity(name, data, p):
    system = SYSTEMS[name]
    doses = data.draw(histories(system.size))
    together, area = solve(system, p, doses)
    apart = [solve(system, p, [dose]) for dose in doses]
    close(together, sum(levels for levels, _ in apart), IDENTITY)
    close(area, sum(a for _, a in apart), IDENTITY)
    doubled, _ = solve(system, p, [(t, 2 * amount, d, c) for t, amount, d, c in doses])
    close(doubled, 2 * together, IDENTITY)


@pytest.mark.parametrize("name", SYSTEMS)
@given(p=parameters(), duration=st.floats(0.1, 30.0), split=st.floats(0.05, 0.95))
def test_two_back_to_back_infusions_equal_one(name, p, duration, split):
    system = SYSTEMS[name]
    for into in range(system.size):
        whole, _ = solve(system, p, [(0.0, 100.0, duration, into)])
        first = split * duration
        parts = [(0.0, 100.0 * split, first, into), (first, 100.0 * (1 - split), duration - first, into)]
        joined, _ = solve(system, p, parts)
        close(joined, whole, IDENTITY)


@pytest.mark.parametrize("name", SYSTEMS)
@given(p=parameters())
def test_an_ever_shorter_infusion_becomes_a_bolus(name, p):
    system = SYSTEMS[name]
    bolus, _ = solve(system, p, [(0.0, 100.0, 0.0, 0)], TIMES[2:])
    brief, _ = solve(system, p, [(0.0, 100.0, 1e-9, 0)], TIMES[2:])
    close(brief, bolus, ODE * max(1.0, p["ka"]))


@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize("k", [0.0, 1e-300, 1e-17, 1e-12, 1e-9])
def test_without_elimination_everything_stays(name, k):
    system = SYSTEMS[name]
    p = {"CL": 50.0 * k, "V": 50.0, "ka": 0.7}
    levels, area = solve(system, p, [(0.0, 100.0, 0.0, 0), (12.0, 24.0, 6.0, system.size - 1)])
    t = np.array(TIMES)
    arrived = 100.0 * (1 - np.exp(-0.7 * t)) if system is ORAL else np.full_like(t, 100.0)
    infused = 24.0 * np.clip((t - 12.0) / 6.0, 0.0, 1.0)
    close(levels, (arrived + infused) / 50.0, EXACT if k < 1e-12 else 1e3 * k + EXACT)
    assert np.all(np.isfinite(area))


@pytest.mark.parametrize("apart", [0.0, 1e-15, 1e-10, 1e-6, 1e-3])
def test_absorption_as_fast_as_elimination(apart):
    """ka = k (1 + apart): the limit k t exp(-k t) dose / V, and its exact neighbourhood from 50 digits."""
    import mpmath

    p = {"CL": 5.0, "V": 50.0, "ka": 0.1 * (1 + apart)}
    levels, _ = solve(ORAL, p, [(0.0, 100.0, 0.0, 0)])
    with mpmath.workdps(50):
        k, ka = mpmath.mpf(p["CL"]) / p["V"], mpmath.mpf(p["ka"])
        expected = []
        for t in TIMES:
            apart_ = mpmath.exp(-k * t) - mpmath.exp(-ka * t)
            expected.append(float(2 * (k * t * mpmath.exp(-k * t) if k == ka else ka / (ka - k) * apart_)))
    close(levels, np.array(expected), EXACT)


@pytest.mark.parametrize("name", SYSTEMS)
@given(data=st.data(), p=parameters())
def test_gradients_equal_finite_differences(name, data, p):
    system = SYSTEMS[name]
    doses = data.draw(histories(system.size))
    run = _iv if system is INTRAVENOUS else _oral
    line = _fixed(schedule(doses, TIMES, system.size), 16)
    names = system.parameters
    step = 1e-5

    def levels(logs):
        return run({n: jnp.exp(x)[None] for n, x in zip(names, logs, strict=True)}, line)[0]

    logs = jnp.log(jnp.array([p[n] for n in names]))
    exact = np.asarray(_jacobian(system, logs, line))
    for j in range(len(names)):
        move = step * np.eye(len(names))[j]
        numeric = (levels(logs + move) - levels(logs - move)) / (2 * step)
        # a difference of two levels carries their rounding, and the error of the third derivative times step^2
        close(exact[:, j], np.asarray(numeric), GRADIENT, scale=np.max(np.abs(levels(logs))))
    assert np.all(np.isfinite(exact))


@partial(jax.jit, static_argnums=0)
def _jacobian(system, logs, line):
    def levels(logs):
        p = {n: jnp.exp(x)[None] for n, x in zip(system.parameters, logs, strict=True)}
        return concentrations(system, p, line)

    return jax.jacfwd(levels)(logs)


def test_nothing_before_the_dose():
    levels, area = solve(ORAL, {"CL": 5.0, "V": 50.0, "ka": 1.0}, [(24.0, 100.0, 0.0, 0)])
    early = np.array(TIMES) < 24.0
    assert np.all(levels[early] == 0.0)
    assert np.all(area[early] == 0.0)


def test_a_compartment_is_found_by_name_and_by_number():
    assert [ORAL.index(c) for c in ("depot", "central", "cmt1", "cmt2", "cmt3", "gut")] == [0, 1, 0, 1, None, None]
    assert [entry.compartment for entry in ORAL.entries] == [0]
    assert [entry.compartment for entry in INTRAVENOUS.entries] == [0]
