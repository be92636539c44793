"""Population simulation: 10,000 subjects, two compartments, oral, 14 doses q12h, 100 times, each with own parameters.

The yardstick within the same run is what numpy needs for the exponentials alone: 3 for each event of each subject. The
peers' figures beside it come from a machine like this one: mrgsolve 0.58 s, rxode2 0.71 s on one thread (closed form).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from individose.events import Dose, Level, Subject
from individose.kinetics import arrange, compose, concentrations, population
from individose.prediction.timeline import history, sizes, walk

SUBJECTS, DOSES, TIMES = 10_000, 14, 100
TYPICAL = {"CL": 4.0, "V1": 70.0, "Q": 4.0, "V2": 50.0, "ka": 1.0}


def measure() -> dict[str, float]:
    generator = np.random.default_rng(0)
    spread = {name: 0.2 if name in ("CL", "V1", "ka") else 0.0 for name in TYPICAL}
    p = {n: v * np.exp(np.sqrt(spread[n]) * generator.standard_normal(SUBJECTS)) for n, v in TYPICAL.items()}
    schedule, system = _regimen(DOSES, TIMES)
    rows = {name: values[:, None] for name, values in p.items()}
    first, alone = _timed(lambda: population(system, rows, schedule, threads=1))
    later = _timed(lambda: population(system, rows, schedule))[1]
    exponentials = _exponentials(p)
    one = {name: jnp.asarray(values[:1]) for name, values in p.items()}
    curve, curve_system = _regimen(10, 500)
    curve_first, curve_later = _timed(lambda: _curve(curve_system, one, curve), times=200)
    figures = {
        "subjects": SUBJECTS,
        "10,000 subjects, closed form, first call (compiles), s": first,
        "10,000 subjects, closed form, one thread, later calls, s": alone,
        "10,000 subjects, closed form, a thread for each core, later calls, s": later,
        "numpy, exponentials alone (3 an event), s": exponentials,
        "ratio of the simulation to the exponentials, both on one thread (aim: at most 10)": alone / exponentials,
        "mrgsolve's closed form, 0.58 s, over ours on one thread": 0.58 / alone,
        "mrgsolve's closed form, 0.58 s, over ours on all cores (aim: at least 15)": 0.58 / later,
        "one curve of 10 doses x 500 points, first call, s": curve_first,
        "one curve of 10 doses x 500 points, later calls, ms (aim: under 0.1)": 1e3 * curve_later,
    }
    for doses in (10, 40, 80, 160, 320, 640):
        line, own = _regimen(doses, 100)
        figures[f"one curve, {doses} doses x 100 points, ms"] = 1e3 * _timed(partial(_curve, own, one, line), 200)[1]
    for times in (1000, 10_000, 20_000, 50_000, 100_000):
        line, own = _regimen(10, times)
        figures[f"one curve, 10 doses x {times} points, ms"] = 1e3 * _timed(partial(_curve, own, one, line), 50)[1]
    return figures


def _regimen(doses: int, times: int) -> tuple[Any, Any]:
    system = compose("two_compartment", ("first_order",), TYPICAL)
    given = [Dose(12.0 * k, 100.0) for k in range(doses)]
    asked = [Level(t, 0.0, measured=False) for t in np.linspace(0.1, 12.0 * doses, times)]
    line = walk(Subject("s", tuple(sorted([*given, *asked], key=lambda e: e.time_h))), system)
    to = (len(line.doses), 1, times, 1, False, 0)
    assert sizes(line, system, {})[4:] == to[4:]
    return jax.tree.map(jnp.asarray, arrange(np, history(line, system, to), None, infused=False, steady=0)), system


@partial(jax.jit, static_argnums=0)
def _curve(system: Any, p: Any, schedule: Any) -> Any:
    return concentrations(system, p, schedule)


def _exponentials(p: dict[str, np.ndarray]) -> float:
    """Seconds that numpy needs for exp of 3 rates x time for every event (dose or sample) of every subject."""
    spans = np.full((SUBJECTS, DOSES + TIMES), 1.7)
    rates = [p["CL"] / p["V1"], p["ka"], p["Q"] / p["V2"]]
    arguments = [-rate[:, None] * spans for rate in rates]
    out = np.empty_like(spans)

    def run() -> None:
        for argument in arguments:
            np.exp(argument, out=out)

    return _timed(run)[1]


def _timed(run: Callable[[], Any], times: int = 9) -> tuple[float, float]:
    seconds = []
    for _ in range(times + 1):
        start = time.perf_counter()
        jax.block_until_ready(run())
        seconds.append(time.perf_counter() - start)
    return seconds[0], float(np.median(seconds[1:]))
