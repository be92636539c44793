"""Every road once: what its first call costs (tracing and compiling, nothing kept on disk) and what later calls cost.

With it the comparison of a published note on the two-compartment model (k01 0.3, k12 0.2, k21 0.1, k10 0.3; 241 times over
24 h): the closed form against our own ODE road, where the note measured its R formula 208 times faster than rxode2; and
superposition against events.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from typing import Any

os.environ["INDIVIDOSE_CACHE"] = ""

import jax
import jax.numpy as jnp
import numpy as np

from individose.events import Dose, Level, Subject
from individose.kinetics import System, arrange, compose, concentrations
from individose.kinetics.ode import ODE_SYSTEMS, solve
from individose.kinetics.schedule import Schedule
from individose.prediction.timeline import history, sizes, walk

ONE = {"CL": 5.0, "V": 25.0}
TWO = {"CL": 5.0, "V1": 12.0, "Q": 6.0, "V2": 40.0}
THREE = {"CL": 5.0, "V1": 10.0, "Q2": 12.0, "V2": 20.0, "Q3": 2.0, "V3": 80.0}
SATURABLE = {"Vmax": 20.0, "Km": 4.0, "V": 30.0}

FORMED = ONE | {"ka": 1.2, "CLm": 2.0, "Vm": 15.0, "fm": 0.6}
SLOWED = ("10", "12", "21", "13", "31")
HILL = {"k10": 0.5, "V1": 10.0, "k12": 1.2, "k21": 0.6, "k13": 0.2, "k31": 0.025} | {
    name + n: value for n in SLOWED for name, value in (("C50_", 1.5), ("alpha_", 2.0))
}
ONCE = Dose(0.0, 100.0)

ROADS: dict[str, tuple[str, tuple[str, ...], dict[str, float], dict[str, Any], Dose]] = {
    "bolus, one compartment": ("one_compartment", ("bolus",), ONE, {}, Dose(0.0, 100.0)),
    "bolus, two compartments": ("two_compartment", ("bolus",), TWO, {}, Dose(0.0, 100.0)),
    "bolus, three compartments": ("three_compartment", ("bolus",), THREE, {}, Dose(0.0, 100.0)),
    "infusion, two compartments": ("two_compartment", ("infusion",), TWO, {}, Dose(0.0, 100.0, duration_h=2.0)),
    "first order, one compartment": ("one_compartment", ("first_order",), ONE | {"ka": 1.2}, {}, Dose(0.0, 100.0)),
    "first order, two compartments": ("two_compartment", ("first_order",), TWO | {"ka": 1.2}, {}, Dose(0.0, 100.0)),
    "transit of 3 and ka": ("one_compartment", ("transit",), ONE | {"ktr": 1.5, "ka": 1.2}, {"stages": 3}, Dose(0.0, 100.0)),
    "chain of 2": ("one_compartment", ("chain",), ONE | {"k1": 0.1, "k2": 0.4}, {"stages": 2}, Dose(0.0, 100.0)),
    "steady state, first order": (
        "one_compartment", ("first_order",), ONE | {"ka": 1.2}, {}, Dose(0.0, 100.0, interval_h=12.0, steady_state=1),
    ),
    "first order, three compartments": ("three_compartment", ("first_order",), THREE | {"ka": 1.2}, {}, ONCE),
    "zero order": ("one_compartment", ("zero_order",), ONE | {"duration": 3.0}, {}, Dose(0.0, 100.0, duration_h=3.0)),
    "zero then first order": (
        "one_compartment", ("zero_then_first",), ONE | {"ka": 1.2}, {}, Dose(0.0, 100.0, duration_h=4.0, into="cmt1"),
    ),
    "two depots": ("one_compartment", ("first_order", "first_order"), ONE | {"ka1": 2.0, "ka2": 0.3}, {}, ONCE),
    "first and zero order": (
        "one_compartment", ("first_order", "zero_order"), ONE | {"ka": 1.2}, {},
        Dose(0.0, 100.0, duration_h=8.0, into="central"),
    ),
    "metabolite": ("one_compartment", ("first_order",), FORMED, {"metabolite": "one_compartment"}, ONCE),
    "first pass": ("one_compartment", ("first_order",), FORMED | {"fp": 0.4}, {"metabolite": "one_compartment"}, ONCE),
    "Weibull": ("one_compartment", ("weibull",), ONE | {"Td": 4.0, "shape": 2.5}, {}, ONCE),
    "Hill": (
        "three_compartment", ("infusion",), HILL, {"elimination": "hill"}, Dose(0.0, 100.0, duration_h=1.0),
    ),
    "inhibition by exposure": (
        "one_compartment", ("first_order",), ONE | {"ka": 1.2, "inhibition": 0.8, "C50_inh": 1.0, "kinh": 0.05},
        {"elimination": "inhibited"}, ONCE,
    ),
    "induction": (
        "one_compartment", ("first_order",), ONE | {"ka": 1.2, "induction": 2.0, "C50_ind": 1.0, "kenz": 0.02},
        {"elimination": "induced"}, ONCE,
    ),
    "auto-inhibition by time": (
        "one_compartment", ("first_order",), SATURABLE | {"ka": 1.2, "inhibition": 0.7, "T50": 24.0},
        {"elimination": "michaelis_menten_inhibited"}, ONCE,
    ),
    "target-mediated": (
        "two_compartment", ("bolus",),
        {"CL": 0.01, "V1": 3.0, "Q": 0.02, "V2": 2.5, "ksyn": 0.06, "kdeg": 0.02, "kint": 0.04, "Kss": 0.1},
        {"elimination": "target_mediated"}, ONCE,
    ),
    "indirect response": (
        "one_compartment", ("first_order",), ONE | {"ka": 1.2, "Kin": 20.0, "Kout": 0.2, "Imax": 0.9, "IC50": 0.4},
        {"effect": "indirect_response_1"}, ONCE,
    ),
    "myelosuppression": (
        "one_compartment", ("infusion",), ONE | {"Circ0": 5.0, "MMT": 96.0, "feedback": 0.17, "slope": 0.5},
        {"effect": "friberg"}, Dose(0.0, 100.0, duration_h=1.0),
    ),
    "steady state, Michaelis-Menten": (
        "one_compartment", ("bolus",), SATURABLE, {"elimination": "michaelis_menten"},
        Dose(0.0, 100.0, interval_h=12.0, steady_state=1),
    ),
    "Michaelis-Menten": ("one_compartment", ("bolus",), SATURABLE, {"elimination": "michaelis_menten"}, Dose(0.0, 100.0)),
    "Savic transit": ("one_compartment", ("savic_transit",), ONE | {"MTT": 2.0, "n": 3.3}, {}, Dose(0.0, 100.0)),
}  # fmt: skip


def measure() -> dict[str, float]:
    rows: dict[str, float] = {}
    for name, (disposition, inputs, p, words, dose) in ROADS.items():
        system = compose(disposition, inputs, p, **words)
        line = _line(system, p, [dose], np.linspace(0.5, 24.0, 50))
        first, later = _timed(partial(jax.jit(concentrations, static_argnums=0), system, _rows(p), line), 50)
        rows[f"{name}: first call, s"], rows[f"{name}: later calls, ms"] = first, 1e3 * later
    return rows | _note() | _superposition()


def _note() -> dict[str, float]:
    """The note's model, one dose and 241 times."""
    volume = 1.0
    p = {"k10": 0.3, "V1": volume, "k12": 0.2, "k21": 0.1, "ka": 0.3}
    same = {"CL": 0.3 * volume, "V1": volume, "Q": 0.2 * volume, "V2": 2.0 * volume, "ka": 0.3}
    closed = compose("two_compartment", ("first_order",), p)
    ode = ODE_SYSTEMS["linear, two_compartment, first_order"]
    line = _line(closed, p, [Dose(0.0, 1.0)], np.linspace(0.0, 24.0, 241))
    exact = partial(jax.jit(concentrations, static_argnums=0), closed, _rows(p), line)
    stepped = partial(jax.jit(lambda q, s: solve(ode, q, s).levels), _rows(same), line)
    difference = float(np.max(np.abs(np.asarray(exact()) - np.asarray(stepped()))))
    fast, slow = _timed(exact, 500)[1], _timed(stepped, 50)[1]
    return {
        "241 times, closed form, ms": 1e3 * fast,
        "241 times, our own ODE road (rtol 1e-8), ms": 1e3 * slow,
        "241 times, ODE road over closed form": slow / fast,
        "241 times, largest difference": difference,
    }


def superposed(system: System, p: dict[str, Any], line: Schedule) -> Any:
    """Levels of boluses under constant parameters by adding up the answer to each dose, from nothing."""
    q = system.prepare({name: x[0] for name, x in p.items()})
    begins = jnp.cumsum(jnp.asarray(line.span_h))
    amounts, intos = jnp.asarray(line.amount_mg), jnp.asarray(line.into)

    def sample(segment: Any, since: Any) -> Any:
        def dose(k: Any) -> Any:
            start = tuple(jnp.where(intos[k] == i, amounts[k], 0.0) for i in range(system.size))
            gone = jnp.maximum(begins[segment] + since - begins[k], 0.0)
            return jnp.where(k <= segment, system.observe(q, system.advance(q, start, None, gone))[0], 0.0)

        return jnp.sum(jax.vmap(dose)(jnp.arange(len(amounts))))

    return jax.vmap(sample)(jnp.asarray(line.segment), jnp.asarray(line.since_h))


def _superposition() -> dict[str, float]:
    """1,000 subjects, two compartments, oral: events over superposition (below 1 events are faster)."""
    p = TWO | {"ka": 1.2}
    system = compose("two_compartment", ("first_order",), p)
    spread = np.exp(0.2 * np.random.default_rng(0).standard_normal((1000, 1)))
    many = {name: jnp.asarray(value * spread) for name, value in p.items()}
    rows: dict[str, float] = {}
    for doses, times in ((1, 4), (1, 16), (4, 8), (10, 64)):
        given = [Dose(12.0 * k, 100.0) for k in range(doses)]
        line = _line(system, p, given, np.linspace(0.5, 12.0 * doses, times))
        roads = [jax.jit(jax.vmap(lambda q, f=f, line=line: f(system, q, line))) for f in (concentrations, superposed)]
        first, second = (np.asarray(road(many)) for road in roads)
        np.testing.assert_allclose(first, second, rtol=1e-12)
        events, added = (_timed(partial(road, many), 30)[1] for road in roads)
        rows[f"{doses} doses x {times} times, events over superposition"] = events / added
    return rows


def _line(system: System, p: dict[str, float], doses: list[Dose], times: Any) -> Schedule:
    asked = [Level(float(t), 0.0, analyte=system.outputs[0], measured=False) for t in times]
    line = walk(Subject("s", tuple(sorted([*doses, *asked], key=lambda e: e.time_h))), system)
    to = sizes(line, system, {name: (value, value) for name, value in p.items()})
    return jax.tree.map(jnp.asarray, arrange(np, history(line, system, to), None, infused=to[4], steady=to[5]))


def _rows(p: dict[str, float]) -> dict[str, Any]:
    return {name: jnp.asarray([value]) for name, value in p.items()}


def _timed(run: Callable[[], Any], times: int) -> tuple[float, float]:
    seconds = []
    for _ in range(times + 1):
        start = time.perf_counter()
        jax.block_until_ready(run())
        seconds.append(time.perf_counter() - start)
    return seconds[0], float(np.median(seconds[1:]))
