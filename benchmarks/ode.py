"""The ODE road: 10,000 subjects, two-compartment oral, 14 doses q12h, 100 times, rtol 1e-8; and one patient's fit.

Every figure of speed comes with the error against the closed form in the same run. Peers on a machine like this one:
mrgsolve 2.52 s on one thread, rxode2 1.79 s on two.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from individose.kinetics import Schedule, compose, concentrations
from individose.kinetics.ode import ODE_SYSTEMS, OdeSystem, as_system, population, solve

SUBJECTS, DOSES, EVERY_H, TIMES = 10_000, 14, 12.0, 100


def measure() -> dict[str, float]:
    ode = ODE_SYSTEMS["linear, two_compartment, first_order"]
    p = _subjects(SUBJECTS)
    line = _line(ode.size)
    first, later, found = _timed(lambda: population(ode, p, line), 5)
    closed = compose("two_compartment", ("first_order",), ode.parameters)
    exact = np.asarray(jax.jit(jax.vmap(lambda q: concentrations(closed, q, line)))(p))
    solved = np.asarray(found.levels)
    rows = {
        "subjects": SUBJECTS,
        "population, two-compartment oral, first call (compiles), s": first,
        "population, later calls, s": later,
        "population, worst relative error against the closed form": float(np.max(np.abs(solved / exact - 1.0))),
        "population, failures": float(np.count_nonzero(found.reason)),
        "steps a subject, mean": float(np.mean(found.steps)),
    }
    _, one, _ = _timed(lambda: population(ode, p, line, threads=1), 3)
    return (
        rows | {"population on one thread, later calls, s": one} | _michaelis_menten(line) | _one_patient(ode, p, line)
    )


def _michaelis_menten(line: Schedule) -> dict[str, float]:
    ode = ODE_SYSTEMS["parallel, two_compartment, first_order"]
    p = _subjects(SUBJECTS)
    p |= {"Vmax": np.full((SUBJECTS, 1), 5.0), "Km": np.full((SUBJECTS, 1), 1.0)}
    first, later, found = _timed(lambda: population(ode, p, line), 3)
    return {
        "population, parallel Michaelis-Menten, first call, s": first,
        "population, parallel Michaelis-Menten, later calls, s": later,
        "population, parallel Michaelis-Menten, failures": float(np.count_nonzero(found.reason)),
    }


def _one_patient(ode: OdeSystem, p: dict[str, Any], line: Schedule) -> dict[str, float]:
    """Levels and their second derivatives by five parameters, for one patient with the same 100 times."""
    mine = jnp.stack([jnp.asarray(p[name][0, 0]) for name in ode.parameters])

    def levels(values: Any) -> Any:
        return solve(ode, {n: x[None] for n, x in zip(ode.parameters, values, strict=True)}, line).levels

    curve, hessian = jax.jit(levels), jax.jit(jax.jacfwd(jax.jacfwd(levels)))
    system = as_system(ode)
    anchored = jax.jit(
        lambda v: concentrations(system, {n: x[None] for n, x in zip(ode.parameters, v, strict=True)}, line)
    )
    rows: dict[str, float] = {}
    for name, run in (("levels", curve), ("levels, each from its anchor", anchored), ("second derivatives", hessian)):
        first, later, _ = _timed(lambda run=run: run(mine), 5)
        rows[f"one patient, {name}, first call, s"] = first
        rows[f"one patient, {name}, later calls, ms"] = 1e3 * later
    return rows


def _subjects(count: int) -> dict[str, Any]:
    """CL 4, V1 70, ka 1 log-normal with variance 0.2 each; Q 4, V2 50."""
    generator = np.random.default_rng(0)
    varied = {"CL": 4.0, "V1": 70.0, "ka": 1.0}
    fixed = {"Q": 4.0, "V2": 50.0}
    drawn = {k: v * np.exp(np.sqrt(0.2) * generator.standard_normal((count, 1))) for k, v in varied.items()}
    return drawn | {k: np.full((count, 1), v) for k, v in fixed.items()}


def _line(compartments: int) -> Schedule:
    """100 mg into the depot every 12 h; 100 times over the week."""
    at = np.arange(DOSES) * EVERY_H
    times = np.linspace(0.0, DOSES * EVERY_H, TIMES + 1)[1:]
    segment = np.searchsorted(at, times, side="right") - 1
    return Schedule(
        span_h=np.diff(at, prepend=0.0),
        keep=np.ones((DOSES, compartments)),
        amount_mg=np.full(DOSES, 100.0),
        into=np.zeros(DOSES, dtype=np.int32),
        rate_mg_h=None,
        piece=np.zeros(DOSES, dtype=np.int32),
        segment=segment.astype(np.int32),
        since_h=times - at[segment],
        output=np.zeros(TIMES, dtype=np.int32),
        sampled=np.ones(TIMES, dtype=bool),
    )


def _timed(run: Callable[[], Any], times: int) -> tuple[float, float, Any]:
    """Seconds of the first call, the median of the later ones, and the last result."""
    seconds = []
    found: Any = None
    for _ in range(times + 1):
        start = time.perf_counter()
        found = jax.block_until_ready(run())
        seconds.append(time.perf_counter() - start)
    return seconds[0], float(np.median(seconds[1:])), found
