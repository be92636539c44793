"""The march of fixed steps: its order, its stability, and the whole road against the adaptive solver."""

import jax
import jax.numpy as jnp
import numpy as np
from scipy.linalg import expm

from individose.kinetics import concentrations
from individose.kinetics.ode import ODE_SYSTEMS, Settings, as_system
from individose.kinetics.ode.propagate import solve
from individose.kinetics.ode.rosenbrock import march
from kinetics.histories import labelled
from kinetics.ode_cases import TIGHT, line
from tolerances import IDENTITY, MARCH

HILL = {"k10": 7.0, "V1": 8.0, "k12": 16.0, "k21": 1.7, "k13": 8.0, "k31": 0.15} | {
    f"{word}_{name}": value
    for word, value in (("C50", 20.0), ("alpha", 2.0))
    for name in ("10", "12", "21", "13", "31")
}
INFUSION = [(0.0, 200.0, 0.1, 0)]


def nonlinear(x, _):
    return (-(x[0] ** 2) + 0.5 * x[1], x[0] ** 2 - 0.5 * x[1] - x[1] * x[0])


def test_the_error_falls_with_the_fourth_power_of_the_step():
    start = (jnp.asarray(1.0), jnp.asarray(0.2))
    run = jax.jit(march, static_argnums=(0, 3))
    fine = np.array(run(nonlinear, start, jnp.asarray(2.0), 4096))
    errors = [np.abs(np.array(run(nonlinear, start, jnp.asarray(2.0), n)) - fine).max() for n in (16, 32, 64)]
    slopes = np.log2(np.array(errors[:-1]) / errors[1:])
    assert (slopes > 3.5).all()


def test_a_step_far_too_long_stays_bounded_where_runge_kutta_explodes():
    """Rates of 3,600 per h in four steps: the fast mode must die, as in the matrix exponential."""
    rates = np.array([[-3600.0, 10.0], [0.0, -0.5]])
    found = march(lambda x, _: tuple(rates @ jnp.stack(x)), (jnp.asarray(1.0), jnp.asarray(1.0)), jnp.asarray(2.0), 4)
    exact = expm(2.0 * rates) @ [1.0, 1.0]
    np.testing.assert_allclose(np.array(found), exact, rtol=MARCH, atol=MARCH)


def test_a_march_of_nothing_stays():
    assert [float(x) for x in march(nonlinear, (jnp.asarray(1.0), jnp.asarray(2.0)), jnp.asarray(0.0), 3)] == [1.0, 2.0]


def test_the_rough_road_follows_the_precise_one():
    ode = ODE_SYSTEMS["hill_rates"]
    precise, rough = as_system(ode, TIGHT), as_system(ode).rough
    assert rough.together
    assert not precise.together
    times = np.array([0.05, 0.1, 0.2])
    exact, near = (
        np.asarray(jax.jit(concentrations, static_argnums=0)(system, labelled(HILL), line(ode, INFUSION, times)))
        for system in (precise, rough)
    )
    np.testing.assert_allclose(near, exact, atol=MARCH * exact.max())


def test_what_comes_after_the_last_sample_changes_nothing():
    ode = ODE_SYSTEMS["hill_rates"]
    times = np.array([0.05, 0.2])
    later = [*INFUSION, (0.5, 200.0, 0.1, 0), (3.0, 50.0, 0.0, 0)]
    run = jax.jit(solve, static_argnums=(0, 3))
    alone, more = (run(ode, labelled(HILL), line(ode, doses, times), Settings(march=8)) for doses in (INFUSION, later))
    np.testing.assert_allclose(more.levels, alone.levels, rtol=IDENTITY)


def test_what_cannot_be_marched_keeps_its_solver():
    system = as_system(ODE_SYSTEMS["savic_transit"])
    assert system.rough is system
    assert Settings(march=4).march == 4
