"""Steady states of nonlinear systems: against 300 doses, closed forms, and where there is none."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from individose.kinetics import SteadyDoses, compose, concentrations
from individose.kinetics.ode import ODE_SYSTEMS, Reason, constant_infusion, solve, trough_amounts
from individose.kinetics.ode.systems.disposition import DEPOT, Disposition
from individose.kinetics.ode.systems.savic_transit import savic_transit
from kinetics.histories import labelled
from kinetics.ode_cases import ONE, TIGHT, by_scipy, line, scalars, solved
from tolerances import ODE

SATURABLE = {"Vmax": 12.0, "Km": 2.0, "CL": 0.5, "V1": 20.0, "Q": 3.0, "V2": 30.0, "ka": 0.9}


@partial(jax.jit, static_argnums=0)
def trough(ode, p, amount, duration, interval):
    return trough_amounts(ode, p, ode.compartments.index(ode.dosed), amount, duration, interval, TIGHT)


@pytest.mark.parametrize(
    ("name", "duration"), [("parallel, two_compartment, first_order", 0.0), ("parallel, two_compartment", 3.0)]
)
def test_steady_state_equals_300_doses(name, duration):
    ode = ODE_SYSTEMS[name]
    p = {k: SATURABLE[k] for k in ode.parameters}
    found = trough(ode, scalars(p), 120.0, duration, 12.0)
    assert int(found.reason) == Reason.SOLVED
    doses = [(12.0 * k, 120.0, duration, 0) for k in range(300)]
    last = solved(ode, labelled(p), line(ode, doses, np.array([3600.0 - 1e-9])), TIGHT, False)
    level = next(iter(ode.outputs.values()))(p, found.state)
    np.testing.assert_allclose(last.levels[0], level, rtol=ODE)


def test_overlapping_infusions():
    """An infusion of 15 h every 10 h: two run at once for half of the time."""
    ode = ODE_SYSTEMS["michaelis_menten"]
    p = {"Vmax": 15.0, "Km": 2.0, "V": 20.0}
    found = trough(ode, scalars(p), 100.0, 15.0, 10.0)
    doses = [(10.0 * k, 100.0, 15.0, 0) for k in range(60)]
    states = by_scipy(lambda t, y: [-15.0 * y[0] / (40.0 + y[0])], [0.0], doses, [590.0])
    np.testing.assert_allclose(found.state[0], states[0, 0], rtol=1e1 * ODE)


def test_constant_infusion_has_a_closed_form_and_its_derivatives():
    ode = ODE_SYSTEMS["michaelis_menten"]
    p = {"Vmax": 12.0, "Km": 2.0, "V": 20.0}

    def level(rate, km):
        return constant_infusion(ode, scalars(p | {"Km": km}), 0, rate, TIGHT).state[0] / p["V"]

    rate, km = jnp.array(9.0), jnp.array(2.0)

    def slopes(rate, km):
        found = jax.jacfwd(level, argnums=(0, 1))(rate, km)
        return found, found

    second, first = jax.jit(jax.jacfwd(slopes, has_aux=True))(rate, km)
    assert float(level(rate, km)) == pytest.approx(2.0 * 9.0 / 3.0, rel=ODE)
    assert float(first[0]) == pytest.approx(12.0 * 2.0 / 9.0, rel=ODE)  # Km Vmax / (Vmax - R)^2
    assert float(first[1]) == pytest.approx(9.0 / 3.0, rel=ODE)  # R / (Vmax - R)
    assert float(second[0]) == pytest.approx(2 * 12.0 * 2.0 / 27.0, rel=1e1 * ODE)
    assert float(second[1]) == pytest.approx(12.0 / 9.0, rel=1e1 * ODE)


def test_more_than_can_be_eliminated_is_a_reason_and_not_a_level():
    ode = ODE_SYSTEMS["michaelis_menten"]
    p = scalars({"Vmax": 10.0, "Km": 2.0, "V": 20.0})
    many = jax.jit(jax.vmap(lambda amount: trough_amounts(ode, p, 0, amount, 0.0, 12.0)))
    found = many(jnp.array([60.0, 119.0, 120.0, 121.0, 500.0]))
    assert [int(r) for r in found.reason] == [0, 0, *[Reason.NO_STEADY_STATE] * 3]
    assert np.all(np.isfinite(found.state[0]))


def test_steady_state_of_responses_and_of_remembered_doses():
    ode = ODE_SYSTEMS["indirect_response 1"]
    p = {"CL": 4.0, "V": 30.0, "Kin": 9.0, "Kout": 0.3, "Imax": 0.9, "IC50": 0.5}
    found = jax.jit(lambda rate: constant_infusion(ode, scalars(p), 0, rate))(jnp.array(2.0))
    assert int(found.reason) == Reason.SOLVED
    assert float(found.state[1]) == pytest.approx(30.0 * (1 - 0.9 * 0.5 / (0.5 + 0.5)), rel=ODE)
    ode = savic_transit(Disposition(("CL", "V"), ("CL", "V"), 1, (DEPOT,)), doses=6)
    p = ONE | {"MTT": 9.0, "n": 3.3}
    found = trough(ode, scalars(p), 50.0, 0.0, 12.0)
    assert int(found.reason) == Reason.SOLVED
    doses = [(12.0 * k, 50.0, 0.0, 0) for k in range(40)]
    last = solved(ode, labelled(p), line(ode, doses, np.array([480.0 - 1e-9])), TIGHT, False)
    np.testing.assert_allclose(found.state[2] / p["V"], last.levels[0], rtol=1e1 * ODE)


def test_a_steady_state_dose_in_a_history():
    """As in the closed forms: SS = 1 replaces what is there, SS = 2 adds to it."""
    ode = ODE_SYSTEMS["linear, first_order"]
    exact = compose("one_compartment", ("first_order",), ode.parameters)
    doses = [(0.0, 100.0, 0.0, 0), (9.0, 80.0, 0.0, 0), (20.0, 50.0, 0.0, 0)]
    at = line(ode, doses, np.array([1.0, 8.0, 9.0, 14.0, 20.0, 30.0]))
    anchors = np.flatnonzero(at.amount_mg)
    steady = SteadyDoses(
        anchor=anchors[1:].astype(np.int32),
        kind=np.array([1, 2], dtype=np.int32),
        into=np.zeros(2, dtype=np.int32),
        amount_mg=np.array([80.0, 50.0]),
        duration_h=np.zeros(2),
        interval_h=np.array([12.0, 8.0]),
        phase_h=np.array([12.0, 8.0]),
        piece=np.zeros(2, dtype=np.int32),
    )
    at = at._replace(steady=steady)
    found = jax.jit(lambda p: solve(ode, p, at, TIGHT))(labelled(ONE))
    assert int(found.reason) == Reason.SOLVED
    np.testing.assert_allclose(found.levels, concentrations(exact, labelled(ONE), at), rtol=ODE)
