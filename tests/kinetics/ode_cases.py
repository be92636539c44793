"""Parameters, and systems written down a second time for SciPy, for the tests of the ODE road."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from scipy.integrate import solve_ivp

from individose.kinetics import concentrations
from individose.kinetics.ode import Settings, as_system, solve
from kinetics.histories import labelled, rates_between, schedule

TIGHT = Settings(rtol=1e-11, atol=1e-13)

TWO = {"CL": 4.0, "V1": 70.0, "Q": 6.0, "V2": 50.0, "ka": 1.1}
ONE = {"CL": 4.0, "V": 70.0, "ka": 1.1}

DOSES = [(0.0, 100.0, 0.0, 0), (12.0, 150.0, 2.0, 1), (24.0, 100.0, 0.0, 0), (25.0, 60.0, 3.0, 0)]
"""(time, mg, duration, compartment)"""
TIMES = np.array([0.0, 0.3, 1.0, 4.0, 11.9, 12.0, 13.0, 14.5, 24.0, 26.5, 40.0, 72.0])

BOLUSES = [(0.0, 100.0, 0.0, 0), (12.0, 100.0, 0.0, 0), (18.0, 50.0, 0.0, 0)]


def line(ode, doses, times, output=0):
    """The schedule of `doses` for a system; `output` is the position of what is observed."""
    made = schedule(doses, times, len(as_system(ode).compartments))
    return made._replace(output=np.full(len(times), output, dtype=np.int32))


@partial(jax.jit, static_argnums=(0, 3, 4))
def solved(ode, p, at, settings=TIGHT, areas=False):
    return solve(ode, p, at, settings, areas=areas)


def levels(ode, p, doses, times, *, settings=TIGHT, output=0):
    """Through the engine, with its reason checked."""
    found = solved(ode, labelled(p), line(ode, doses, times, output), settings, False)
    assert int(found.reason) == 0
    return np.asarray(found.levels)


@partial(jax.jit, static_argnums=0)
def closed(system, p, at):
    return concentrations(system, p, at)


def by_scipy(rhs, start, doses, times, *, method="DOP853", rtol=1e-11, atol=1e-12):
    """States by SciPy, restarted at every event; `rhs(t, y)` with t since 0."""
    start = np.array(start, dtype=float)
    edges = sorted({0.0, *times, *(d[0] for d in doses), *(d[0] + d[2] for d in doses)})
    rates = rates_between(doses, edges, len(start))
    found = {}
    for i, edge in enumerate(edges):
        for time, amount, duration, into in doses:
            if duration == 0 and time == edge:
                start[into] += amount
        found[edge] = start
        if i + 1 < len(edges):
            out = solve_ivp(
                lambda t, y, rate=rates[i]: np.asarray(rhs(t, y)) + rate,
                (edge, edges[i + 1]),
                start,
                method=method,
                rtol=rtol,
                atol=atol,
            )
            start = out.y[:, -1].copy()
    return np.array([found[t] for t in times])


def scalars(p):
    return {name: jnp.asarray(value) for name, value in p.items()}
