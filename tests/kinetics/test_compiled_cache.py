"""What has been compiled is not compiled again: not by the next process, and not for other numbers of the same size."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pytest

import individose as ido
from individose.events import Dose, Level, Reading, Subject
from individose.kinetics.ode import ODE_SYSTEMS, as_system, population
from kinetics.engine import solve
from kinetics.ode_cases import line, solved

ROOT = Path(__file__).resolve().parents[2]
CARD = ido.card("phenobarbital/grasela1985")


class Compiled(logging.Handler):
    """Gathers what JAX says of each program that it compiles."""

    def __init__(self):
        super().__init__(logging.DEBUG)
        self.programs: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        said = record.getMessage()
        if said.startswith(("Compiling ", "Finished tracing")):
            self.programs.append(said)


@contextmanager
def counting() -> Iterator[list[str]]:
    """Every program that is traced or compiled meanwhile, whichever function it belongs to."""
    handler, logger = Compiled(), logging.getLogger("jax")
    logger.addHandler(handler)
    try:
        with jax.log_compiles():
            yield handler.programs
    finally:
        logger.removeHandler(handler)


def test_the_count_sees_a_new_program_and_only_that():
    run = jax.jit(lambda x: x * 2.5 + 1.0)
    with counting() as programs:
        run(np.zeros(3))
    assert any("<lambda>" in one for one in programs)
    with counting() as programs:
        run(np.ones(3))
    assert programs == []
    with counting() as programs:
        run(np.ones(4))
    assert programs != []


# From process to process.


def estimate(folder: Path) -> str:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from individose.app.cli import main; main()",
            "estimate",
            "examples/newborn.json",
            "--json",
        ],
        cwd=ROOT,
        env={**os.environ, "INDIVIDOSE_CACHE": str(folder)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def programs_in(folder: Path) -> set[str]:
    """Compiled programs; JAX notes beside each when it was last read."""
    return {f.name for f in folder.rglob("*") if f.is_file() and not f.name.endswith("-atime")}


def test_a_second_process_compiles_nothing(tmp_path: Path):
    first = estimate(tmp_path)
    kept = programs_in(tmp_path)
    assert len(kept) >= 5
    second = estimate(tmp_path)
    assert programs_in(tmp_path) == kept
    assert second == first


# Within a process.


def newborn(weight, doses, levels):
    start = Reading(0.0, {"weight": weight, "apgar_5min": 7})
    return ido.subject("a", doses=doses, levels=[Level(*one) for one in levels], covariates=[start])


FIRST = newborn(1.4, [Dose(0.0, 25.0), Dose(12.0, 4.0)], [(2.0, 18.0), (40.0, 20.0)])
OTHERS = [
    newborn(1.1, [Dose(0.0, 20.0), Dose(13.0, 3.0)], [(3.0, 15.0), (30.0, 12.0)]),
    newborn(
        2.3, [Dose(0.0, 40.0), *(Dose(12.0 * k, 6.0) for k in (1, 2, 3))], [(1.0, 20.0), (9.0, 15.0), (50.0, 22.0)]
    ),
    newborn(
        1.9, [Dose(1.0, 30.0, interval_h=12.0, additional=3)], [(t, 14.0 + t / 10) for t in (5.0, 9.0, 20.0, 45.0)]
    ),
]
"""Two to four doses and levels: one padded size."""
SURPRISING = newborn(1.4, [Dose(0.0, 25.0), Dose(12.0, 4.0)], [(2.0, 12.0), (40.0, 35.0)])
"""A level that rises without a dose: its search is looked at again from other starts, a program of its own."""


def everything(subject):
    """All that a fit is asked for."""
    fit = ido.fit(CARD, subject)
    assert fit.status.ok
    fit.parameters()
    fit.fitted()
    fit.typical_fitted()
    fit.predict([1.0, 30.0, 60.0])
    fit.band([1.0, 30.0])
    fit.exposure("auc", 0.0, 24.0)
    return fit


def test_a_fit_compiles_nothing_for_other_values_and_counts():
    everything(FIRST)
    everything(SURPRISING)
    for other in OTHERS:
        with counting() as programs:
            everything(other)
        assert programs == []
    more = newborn(1.4, [Dose(8.0 * k, 5.0) for k in range(9)], [(2.0, 18.0)])
    with counting() as programs:
        everything(more)
    assert programs != []


def simulated(doses, times, count, **how):
    who = {"weight": 1.0 + 0.1 * how["seed"], "apgar_5min": 7}
    return ido.simulate(CARD, doses=doses, covariates=who, times_h=times, count=count, **how)


def test_a_simulation_compiles_nothing_for_other_values_and_counts():
    simulated([Dose(0.0, 20.0), Dose(12.0, 4.0)], np.linspace(0.0, 48.0, 40), 100, seed=1)
    with counting() as programs:
        simulated([Dose(0.0, 25.0), Dose(9.0, 3.0), Dose(30.0, 3.0)], np.linspace(0.0, 72.0, 64), 128, seed=2)
        repeated = Dose(0.0, 10.0, interval_h=12.0, additional=3)
        simulated([repeated], np.linspace(1.0, 48.0, 33), 65, seed=3, quantiles=[0.1])
    assert programs == []
    with counting() as programs:
        simulated([Dose(0.0, 10.0)], [1.0], 10, seed=4)
    assert programs != []


def test_nor_does_one_with_residual_error():
    simulated([Dose(0.0, 20.0), Dose(12.0, 4.0)], np.linspace(0.0, 48.0, 40), 100, seed=1, residual_error=True)
    with counting() as programs:
        simulated([Dose(0.0, 25.0), Dose(9.0, 3.0)], np.linspace(0.0, 72.0, 64), 128, seed=2, residual_error=True)
    assert programs == []


@pytest.fixture(scope="module")
def counted():
    """A nonlinear system whose right-hand side notes each trace."""
    plain, traced = ODE_SYSTEMS["michaelis_menten, first_order"], []

    def rhs(p, x, now):
        traced.append(1)
        return plain.rhs(p, x, now)

    return replace(plain, name="counting", rhs=rhs), traced


P = {"Vmax": 12.0, "Km": 2.0, "V": 40.0, "ka": 0.9}


def history(doses, times):
    levels = [Level(t, float("nan"), measured=False) for t in times]
    return Subject("a", tuple(sorted((*doses, *levels), key=lambda e: e.time_h)))


def test_the_road_of_differential_equations_traces_once(counted):
    """Through a record, with sizes padded; and a population whose members differ in their numbers."""
    ode, traced = counted
    p = {name: P[name] for name in ode.parameters}
    system = as_system(ode)
    solve(system, p, history([Dose(0.0, 100.0), Dose(12.0, 50.0)], [1.0, 5.0, 20.0]))
    once = len(traced)
    assert once > 0
    for i in range(1, 4):
        doses = [Dose(8.0 * k, 40.0 * i) for k in range(1 + i)]
        found = solve(
            system, {n: x * (1 + 0.1 * i) for n, x in p.items()}, history(doses, [1.0 + i, 7.5, 30.0][: 1 + i])
        )
        assert np.all(np.isfinite(found))
    assert len(traced) == once
    solve(system, p, history([Dose(float(k), 10.0) for k in range(9)], [1.0, 30.0]))
    assert len(traced) > once


def test_a_population_of_differential_equations_traces_once(counted):
    ode, traced = counted
    at = line(ode, [(0.0, 100.0, 0.0, 0), (12.0, 50.0, 0.0, 0)], np.array([1.0, 6.0, 20.0]))

    def run(count, scale):
        spread = np.linspace(0.5, 1.5, count)[:, None]
        return population(ode, {n: scale * P[n] * spread for n in ode.parameters}, at)

    run(40, 1.0)
    before = len(traced)
    assert before > 0
    with counting() as programs:
        found = run(40, 1.3)
    assert not np.any(found.reason)
    assert len(traced) == before
    assert [one for one in programs if one.startswith("Compiling ")] == []


def test_one_schedule_with_other_numbers_traces_once(counted):
    ode, traced = counted

    def run(scale):
        doses = [(0.0, 100.0 * scale, 0.0, 0), (12.0 * scale, 50.0, 0.0, 0)]
        at = line(ode, doses, np.array([1.0, 6.0, 20.0]) * scale)
        return solved(ode, {n: np.array([P[n] * scale]) for n in ode.parameters}, at)

    run(1.0)
    before = len(traced)
    for scale in (0.7, 1.2):
        assert int(run(scale).reason) == 0
    assert len(traced) == before
