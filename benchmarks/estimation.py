"""Estimates of simulated patients: two-compartment oral, 14 doses q12h, 3 levels, variance 0.2 on CL, V1 and ka.

Peers on a machine like this one, MAP with Hessian, ms a patient: mapbayr 72.4 (closed form; 92.9 as linear ODE), posologyr
724. Full posterior a patient: posologyr SIR 26 s, MCMC 37 s. The nonlinear case is Michaelis-Menten after oral doses.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from individose.app.actions.problems import bind_all, fit, fit_ward, problem, shared_sizes
from individose.app.actions.simulate import simulate
from individose.drugs import Card
from individose.drugs.schema import read_card
from individose.events import Dose, Level, Subject
from individose.inference import METHODS
from individose.inference.individual import map as mode
from individose.inference.individual.estimator import stack, ward_rows
from individose.inference.individual.ward import ward
from individose.inference.problem import Problem
from individose.prediction import bind

CARD = """
id = "benchmark/{name}"
title = "Benchmark"
grade = "draft"
system = {{ {system} }}

[source]
citation = "the model of a benchmark"
population = "simulated"

[constants]
one = {{ value = 1.0 }}

[parameters]
{parameters}

[variability]
{variability}

[residual]
convention = "sd2 = a2 + b2 f2"
proportional_variance = 0.05
"""

MAPBAYR_MS = 72.4
COUNT, NONLINEAR = 10_000, 200
TIMES_H = (145.0, 150.0, 167.9)


def measure() -> dict[str, float]:
    two = two_compartments()
    return {**_ward(two), **_alone(two), **_nonlinear(saturable())}


def two_compartments() -> Card:
    """Two compartments, oral."""
    return _card(
        "two", 'disposition = "two_compartment", input = "first_order"',
        {"CL": (4, "L/h"), "V1": (70, "L"), "Q": (4, "L/h"), "V2": (50, "L"), "ka": (1, "1/h")}, ("CL", "V1", "ka"),
    )  # fmt: skip


def three_compartments() -> Card:
    """Three compartments, oral."""
    return _card(
        "three", 'disposition = "three_compartment", input = "first_order"',
        {"CL": (4, "L/h"), "V1": (70, "L"), "Q2": (4, "L/h"), "V2": (50, "L"), "Q3": (1, "L/h"), "V3": (90, "L"),
         "ka": (1, "1/h")}, ("CL", "V1", "ka"),
    )  # fmt: skip


def saturable() -> Card:
    """Michaelis-Menten elimination after oral doses."""
    return _card(
        "saturable", 'disposition = "one_compartment", input = "first_order", elimination = "michaelis_menten"',
        {"Vmax": (20, "mg/h"), "Km": (4, "mg/L"), "V": (45, "L"), "ka": (1, "1/h")}, ("Vmax", "V", "ka"),
    )  # fmt: skip


def _card(name: str, system: str, typical: dict[str, tuple[float, str]], varied: tuple[str, ...]) -> Card:
    rows = "\n".join(f'{k} = {{ equation = "{v} [{u}] * one", unit = "{u}" }}' for k, (v, u) in typical.items())
    spread = "\n".join(f"{name} = {{ omega2 = 0.2 }}" for name in varied)
    return read_card(CARD.format(name=name, system=system, parameters=rows, variability=spread), name)


def patients(card: Card, count: int) -> list[Subject]:
    """Simulated patients with levels on the seventh day."""
    doses = tuple(Dose(12.0 * k, 100.0) for k in range(14))
    found = simulate(card, doses=doses, times_h=TIMES_H, count=count, seed=1, residual_error=True)
    return [
        Subject(f"simulated {i}", (*doses[:13], *(Level(t, max(y, 1e-3)) for t, y in zip(TIMES_H[:2], row, strict=False)),
                                   doses[13], Level(TIMES_H[2], max(row[2], 1e-3))))
        for i, row in enumerate(found.levels)
    ]  # fmt: skip


def _ward(card: Card) -> dict[str, float]:
    people = patients(card, COUNT)
    bounds, _ = bind_all(card, people)
    ((_, problems),) = shared_sizes(bounds)
    data = jax.device_put(stack([one.data for one in problems], ward_rows(COUNT)))
    start, settings = np.zeros((ward_rows(COUNT), 3)), mode.Settings()
    first, later = _timed(lambda: ward(problems[0].likelihood, data, start, settings), 5)
    each = 1e3 * later / COUNT
    _, whole = _timed(lambda: fit_ward(card, people), 2)
    return {
        "patients, two-compartment oral, 14 doses, 3 levels": COUNT,
        "batch: MAP with covariance, first call (compiles), s": first,
        "batch: MAP with covariance, later calls, s": later,
        "batch: search and covariance, ms a patient": each,
        "mapbayr's 72.4 ms over ours, search and covariance (aim: at least 1,000)": MAPBAYR_MS / each,
        "batch: from histories to fits, with binding and results, later calls, ms a patient": 1e3 * whole / COUNT,
        "mapbayr's 72.4 ms over ours, from histories to fits": MAPBAYR_MS / (1e3 * whole / COUNT),
    }


def _alone(card: Card) -> dict[str, float]:
    patient = patients(card, 1)[0]
    one = problem(bind(card, patient))
    rows: dict[str, float] = {}
    for method in ("map", "sir", "nuts"):
        estimator = METHODS[method]
        first, later = _timed(lambda estimator=estimator: estimator.fit(one), 9)
        rows[f"one patient, {method}, first call, s"] = first
        rows[f"one patient, {method}, later calls, ms"] = 1e3 * later
    first, later = _timed(lambda: fit(card, patient), 9)
    rows["one patient, from history to fit (map), later calls, ms (aim: under 5)"] = 1e3 * later
    ward = [problem(bind(card, other)) for other in patients(card, 200)]
    _, later = _timed(lambda: METHODS["nuts"].fit_ward(ward), 2)
    rows["batch of 200: nuts, ms a patient"] = 1e3 * later / len(ward)
    return rows


def _nonlinear(card: Card) -> dict[str, float]:
    bounds, _ = bind_all(card, patients(card, NONLINEAR))
    ((_, problems),) = shared_sizes(bounds)
    first, later = _timed(lambda: METHODS["map"].fit_ward(problems), 2)
    return {
        "Michaelis-Menten, 200 patients: first call (compiles), s": first,
        "Michaelis-Menten, 200 patients: ms a patient": 1e3 * later / NONLINEAR,
    } | _nonlinear_alone(problems[0])


def _nonlinear_alone(one: Problem) -> dict[str, float]:
    rows: dict[str, float] = {}
    for method in ("map", "sir", "nuts"):
        first, later = _timed(lambda method=method: METHODS[method].fit(one), 3)
        rows[f"Michaelis-Menten, one patient, {method}, first call, s"] = first
        rows[f"Michaelis-Menten, one patient, {method}, later calls, ms"] = 1e3 * later
    # a fit remembers what it read off a course: each call has a fit of its own
    fits = iter([METHODS["map"].fit(one) for _ in range(4)])
    first, later = _timed(lambda: next(fits).exposure("peak", 168.0, 180.0), 3)
    rows["Michaelis-Menten, peak of an interval with its own interval, first call, s"] = first
    rows["Michaelis-Menten, peak of an interval with its own interval, later calls, ms"] = 1e3 * later
    return rows


def _timed(run: Callable[[], Any], times: int) -> tuple[float, float]:
    """Seconds of the first call, and the median of the later ones."""
    seconds = []
    for _ in range(times + 1):
        start = time.perf_counter()
        jax.block_until_ready(getattr(run(), "eta", 0.0))
        seconds.append(time.perf_counter() - start)
    return seconds[0], float(np.median(seconds[1:]))
