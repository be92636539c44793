"""The engine that solves systems of differential equations: against closed forms, other solvers, and where it must fail."""

from dataclasses import replace
from math import factorial

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.polynomial import Polynomial

from individose.base import InputError
from individose.kinetics import areas, compose, concentrations
from individose.kinetics.ode import ODE_SYSTEMS, Moment, OdeSystem, Reason, Settings, as_system, population, solve
from individose.kinetics.ode.tableau import E3, E5, A, B, C
from kinetics.histories import labelled
from kinetics.ode_cases import BOLUSES, DOSES, ONE, TIGHT, TIMES, TWO, by_scipy, closed, levels, line, scalars, solved
from tolerances import GRADIENT, IDENTITY, ODE

LINEAR = {
    "linear, first_order": ("one_compartment", ("first_order",), ONE),
    "linear, two_compartment": ("two_compartment", ("bolus",), TWO),
    "linear, two_compartment, first_order": ("two_compartment", ("first_order",), TWO),
}


def twice(f, v):
    """First and second derivatives, from one compiled program."""

    def slopes(v):
        found = jax.jacfwd(f)(v)
        return found, found

    second, first = jax.jit(jax.jacfwd(slopes, has_aux=True))(v)
    return first, second


def test_tableau_satisfies_the_conditions_of_order():
    for row, place in zip(A, C, strict=True):
        assert sum(row.values()) == pytest.approx(place, abs=1e-14)
    for power in range(8):  # quadrature of order 8
        assert sum(b * C[i] ** power for i, b in B.items()) == pytest.approx(1 / (power + 1), abs=1e-14)
    stages = []  # of dx/dt = z x: the solution must be exp(z) up to z^8, and the estimates must vanish up to theirs
    z = Polynomial([0.0, 1.0])
    for row in A:
        stages.append(Polynomial([1.0]) + z * sum((a * stages[j] for j, a in row.items()), start=Polynomial([0.0])))
    solution = z * sum((b * stages[i] for i, b in B.items()), start=Polynomial([0.0])) + 1.0
    np.testing.assert_allclose(solution.coef[:9], [1 / factorial(k) for k in range(9)], atol=1e-15)
    assert abs(solution.coef[9] - 1 / factorial(9)) > 1e-8
    for estimate, order in ((E5, 5), (E3, 3)):
        error = z * sum((e * stages[i] for i, e in estimate.items()), start=Polynomial([0.0]))
        assert np.max(np.abs(error.coef[: order + 1])) < 1e-14
        assert np.abs(error.coef[order + 1]) > 1e-9


@pytest.mark.parametrize("name", LINEAR)
def test_closed_form_equals_ode(name):
    ode = ODE_SYSTEMS[name]
    disposition, inputs, values = LINEAR[name]
    p = {k: values[k] for k in ode.parameters}
    system = compose(disposition, inputs, tuple(p))
    doses = [(t, a, d, min(into, ode.size - 1)) for t, a, d, into in DOSES]
    at = line(ode, doses, TIMES)
    found = solved(ode, labelled(p), at, Settings(rtol=1e-10, atol=1e-12), True)
    assert int(found.reason) == Reason.SOLVED
    exact = closed(system, labelled(p), at)
    np.testing.assert_allclose(found.levels, exact, rtol=ODE, atol=ODE * np.max(exact))
    np.testing.assert_allclose(found.areas, areas(system, labelled(p), at), rtol=ODE, atol=ODE)


def test_the_common_engine_carries_it_too():
    """`kinetics.concentrations` and `areas`, written for closed forms, give the same through the adapter."""
    ode = ODE_SYSTEMS["linear, first_order"]
    at = line(ode, DOSES, TIMES)
    system = as_system(ode, TIGHT)
    assert not system.linear
    exact = compose("one_compartment", ("first_order",), ode.parameters)
    p = labelled(ONE)
    found = jax.jit(lambda p: (concentrations(system, p, at), areas(system, p, at)))(p)
    np.testing.assert_allclose(found[0], closed(exact, p, at), rtol=ODE, atol=ODE)
    np.testing.assert_allclose(found[1], areas(exact, p, at), rtol=ODE, atol=ODE)


def test_first_and_second_derivatives_equal_those_of_the_closed_form():
    ode = ODE_SYSTEMS["linear, first_order"]
    system = compose("one_compartment", ("first_order",), ode.parameters)
    at = line(ode, BOLUSES, TIMES)
    v = jnp.array([ONE[k] for k in ode.parameters])

    def of(f):
        return twice(lambda v: f({k: x[None] for k, x in zip(ode.parameters, v, strict=True)}), v)

    through_solver = of(lambda p: solve(ode, p, at, TIGHT).levels)
    exact = of(lambda p: concentrations(system, p, at))
    for a, b in zip(through_solver, exact, strict=True):
        np.testing.assert_allclose(a, b, atol=ODE * np.max(np.abs(b)))


def test_derivative_by_a_time_and_by_saturable_parameters():
    """A lag moves the spans themselves: central differences see the same slope."""
    ode = ODE_SYSTEMS["michaelis_menten, first_order"]
    at = line(ode, BOLUSES, TIMES[4:])
    start = jnp.array([12.0, 2.0, 40.0, 0.9, 0.4])

    @jax.jit
    def run(v):
        moved = at._replace(since_h=jnp.asarray(at.since_h) + v[4], span_h=jnp.asarray(at.span_h) * (1 + 0.1 * v[4]))
        return solve(ode, {k: x[None] for k, x in zip(ode.parameters, v, strict=False)}, moved, TIGHT).levels

    slope = jax.jit(jax.jacfwd(run))(start)
    for i, value in enumerate(start):
        h = 1e-4 * float(value)
        there = (run(start.at[i].add(h)) - run(start.at[i].add(-h))) / (2 * h)
        np.testing.assert_allclose(slope[:, i], there, rtol=GRADIENT, atol=GRADIENT * np.max(np.abs(there)))


def test_diffrax_alone_gives_the_same():
    """diffrax's own loop and solvers on the same right-hand side, one segment."""
    ode = ODE_SYSTEMS["parallel, two_compartment"]
    p = scalars({"CL": 2.0, "V1": 20.0, "Q": 5.0, "V2": 40.0, "Vmax": 15.0, "Km": 1.5})
    now = Moment(jnp.zeros(()), ())
    term = diffrax.ODETerm(lambda t, y, _: jnp.stack(ode.rhs(p, tuple(y), now)))
    times = jnp.array([0.5, 3.0, 10.0, 30.0])
    out = diffrax.diffeqsolve(
        term,
        diffrax.Tsit5(),
        0.0,
        30.0,
        None,
        jnp.array([300.0, 0.0]),
        saveat=diffrax.SaveAt(ts=times),
        stepsize_controller=diffrax.PIDController(rtol=1e-11, atol=1e-12),
        max_steps=100_000,
        adjoint=diffrax.ForwardMode(),
    )
    mine = levels(ode, p, [(0.0, 300.0, 0.0, 0)], np.asarray(times))
    np.testing.assert_allclose(mine, out.ys[:, 0] / 20.0, rtol=ODE)


def robertson(p, x, _):
    first, second = p["k1"] * x[0], p["k2"] * x[1] * x[2]
    third = p["k3"] * x[1] ** 2
    return (second - first, first - second - third, third)


OWN = OdeSystem(
    name="Robertson's reaction",
    compartments=("a", "b", "c"),
    parameters=("k1", "k2", "k3"),
    dosed="a",
    rhs=robertson,
    outputs={"c": lambda p, x: x[2], "b": lambda p, x: x[1]},
    stiff=True,
)
"""A system of one's own; stiff: rates from 0.04 to 3e7."""


def test_a_stiff_system_is_solved_and_the_explicit_method_says_that_it_cannot():
    p = {"k1": 0.04, "k2": 1e4, "k3": 3e7}
    times = np.array([0.4, 40.0, 4000.0])
    dose = [(0.0, 1.0, 0.0, 0)]
    settings = Settings(rtol=1e-8, atol=1e-12)
    reference = by_scipy(
        lambda t, y: [float(x) for x in robertson(p, y, None)],
        [0.0, 0.0, 0.0],
        dose,
        times,
        method="Radau",
        rtol=1e-11,
        atol=1e-15,
    )
    np.testing.assert_allclose(levels(OWN, p, dose, times, settings=settings), reference[:, 2], rtol=1e2 * ODE)
    # as printed by Hairer & Wanner, Solving Ordinary Differential Equations II, IV.10
    np.testing.assert_allclose(reference[1], [0.7158271, 9.1855e-6, 0.2841637], rtol=1e-5)
    explicit = solved(replace(OWN, stiff=False), labelled(p), line(OWN, dose, times), replace(settings, max_steps=200))
    assert int(explicit.reason) == Reason.MAX_STEPS
    assert np.all(np.isfinite(explicit.levels))


def test_implicit_road_equals_the_explicit_one_with_its_derivatives():
    ode = ODE_SYSTEMS["michaelis_menten"]
    at = line(ode, [(0.0, 100.0, 0.0, 0), (3.0, 50.0, 2.0, 0)], TIMES[:6])
    start = jnp.array([12.0, 2.0, 40.0])

    def of(system, settings):
        def run(v):
            return solve(system, {k: x[None] for k, x in zip(ode.parameters, v, strict=True)}, at, settings).levels

        return twice(run, start)

    implicit = of(replace(ode, stiff=True), Settings(1e-9, 1e-11))
    for a, b in zip(implicit, of(ode, TIGHT), strict=True):
        np.testing.assert_allclose(a, b, atol=1e1 * ODE * np.max(np.abs(b)))


def test_failures_are_values():
    ode = ODE_SYSTEMS["michaelis_menten"]
    p = {"Vmax": 12.0, "Km": 2.0, "V": 40.0}
    at = line(ode, [(0.0, 100.0, 0.0, 0)], TIMES)
    few = solved(ode, labelled(p), at, Settings(max_steps=3))
    assert int(few.reason) == Reason.MAX_STEPS
    impossible = solved(ode, labelled(p), at, Settings(rtol=1e-19, atol=0.0))
    assert int(impossible.reason) in (Reason.MAX_STEPS, Reason.STEP_TOO_SMALL)
    senseless = solved(ode, labelled(p | {"Km": np.nan}), at, TIGHT)
    assert int(senseless.reason) == Reason.NOT_FINITE
    assert all(np.all(np.isfinite(x.levels)) for x in (few, impossible))
    narrow = as_system(ode, Settings(max_steps=3))
    state = narrow.advance(narrow.prepare(scalars(p)), (jnp.array(100.0),), None, jnp.array(300.0))
    assert np.isnan(state[0])  # no room for a reason: never a number
    with pytest.raises(InputError, match="rtol is -1"):
        Settings(rtol=-1.0)


def test_one_failing_patient_leaves_the_others_alone():
    ode = ODE_SYSTEMS["michaelis_menten"]
    at = line(ode, [(0.0, 100.0, 0.0, 0)], TIMES)
    p = {"Vmax": jnp.array([[12.0], [jnp.nan], [3.0]]), "Km": jnp.full((3, 1), 2.0), "V": jnp.full((3, 1), 40.0)}
    found = jax.jit(jax.vmap(lambda q: solve(ode, q, at, TIGHT)))(p)
    assert [int(r) for r in found.reason] == [0, Reason.NOT_FINITE, 0]
    for i in (0, 2):
        alone = levels(ode, {k: float(v[i, 0]) for k, v in p.items()}, [(0.0, 100.0, 0.0, 0)], TIMES)
        np.testing.assert_allclose(found.levels[i], alone, rtol=IDENTITY)


def test_population_equals_the_closed_form_for_every_member():
    """Rates spread so that some member is tempted to take a step that is far too long, whatever the others do."""
    ode = ODE_SYSTEMS["linear, first_order"]
    count = 700
    p = {
        "ka": np.geomspace(0.05, 30.0, count)[:, None],
        "CL": np.full((count, 1), 4.0),
        "V": np.linspace(20.0, 90.0, count)[:, None],
    }
    doses = [(12.0 * k, 100.0, 0.0, 0) for k in range(6)]
    times = np.linspace(0.0, 72.0, 40)[1:]
    at = line(ode, doses, times)
    found = population(ode, p, at)
    assert found.levels.shape == (count, 39)
    assert not np.any(found.reason)
    system = compose("one_compartment", ("first_order",), ode.parameters)
    exact = jax.jit(jax.vmap(lambda q: concentrations(system, q, at)))(p)
    np.testing.assert_allclose(found.levels, exact, rtol=1e2 * ODE)
    with pytest.raises(InputError, match="700 subjects"):
        population(ode, p | {"V": np.ones((3, 1))}, at)
