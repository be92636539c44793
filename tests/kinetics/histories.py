"""Schedules built from plain lists of doses, and the same histories solved by an ODE solver: two independent roads."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from individose.kinetics import Schedule


def rates_between(doses, edges, compartments):
    """Input rate (mg/h) by compartment in each interval that starts at an edge."""
    rates = np.zeros((len(edges), compartments))
    for time, amount, duration, into in doses:
        if duration > 0:
            for k, edge in enumerate(edges):
                if time <= edge + 1e-12 and edge < time + duration - 1e-12:
                    rates[k, into] += amount / duration
    return rates


def schedule(doses, times, compartments):
    """The schedule of `doses` [(time, amount, duration, compartment)], sampled at `times` (after what happens then)."""
    edges = sorted({0.0, *(d[0] for d in doses), *(d[0] + d[2] for d in doses)})
    anchors = [(e, 0.0, 0) for e in edges]
    for time, amount, duration, into in doses:
        if duration == 0:
            anchors.append((time, amount, into))
    anchors.sort(key=lambda a: a[0])
    at = np.array([a[0] for a in anchors])
    rates = rates_between(doses, at, compartments)
    segment = np.searchsorted(at, times, side="right") - 1
    return Schedule(
        span_h=np.diff(at, prepend=at[0]),
        keep=np.ones((len(at), compartments)),
        amount_mg=np.array([a[1] for a in anchors]),
        into=np.array([a[2] for a in anchors], dtype=np.int32),
        rate_mg_h=rates,
        piece=np.zeros(len(at), dtype=np.int32),
        segment=segment.astype(np.int32),
        since_h=np.asarray(times) - at[segment],
        output=np.zeros(len(times), dtype=np.int32),
        sampled=np.ones(len(times), dtype=bool),
    )


def by_ode(p, doses, times, *, depot):
    """Concentrations and areas by an ODE solver at tolerances of 1e-12, restarted at every event."""
    k = p["CL"] / p["V"]
    compartments = 2 if depot else 1
    edges = sorted({0.0, *times, *(d[0] for d in doses), *(d[0] + d[2] for d in doses)})
    rates = rates_between(doses, edges, compartments)
    state = np.zeros(compartments + 1)  # the last one gathers the area
    found = {}
    for i, edge in enumerate(edges):
        for time, amount, duration, into in doses:
            if duration == 0 and time == edge:
                state[into] += amount
        found[edge] = (state[compartments - 1] / p["V"], state[-1])
        if i + 1 == len(edges):
            break

        def slope(_, y, rate=rates[i]):
            if not depot:
                return [rate[0] - k * y[0], y[0] / p["V"]]
            return [rate[0] - p["ka"] * y[0], rate[1] + p["ka"] * y[0] - k * y[1], y[1] / p["V"]]

        out = solve_ivp(slope, (edge, edges[i + 1]), state, method="DOP853", rtol=1e-12, atol=1e-13)
        state = out.y[:, -1]
    return np.array([found[t][0] for t in times]), np.array([found[t][1] for t in times])


def labelled(p):
    """Parameters as `concentrations` takes them: one value that serves all segments."""
    return {name: jnp.array([value]) for name, value in p.items()}


positive = st.floats(0.05, 20.0)


@st.composite
def parameters(draw):
    """CL, V and ka over the range of clinical use; ka sometimes exactly or nearly k."""
    cl, v = draw(st.floats(0.05, 30.0)), draw(st.floats(1.0, 300.0))
    ratio = draw(st.sampled_from([None, 1.0, 1.0 + 1e-12, 1.0 - 1e-7, 1.001]))
    ka = draw(st.floats(0.02, 8.0)) if ratio is None else ratio * cl / v
    return {"CL": cl, "V": v, "ka": ka}


@st.composite
def histories(draw, compartments, infusions=True):
    """Up to five doses over two days, boluses and infusions into any compartment."""
    doses = []
    for _ in range(draw(st.integers(1, 5))):
        duration = draw(st.sampled_from([0.0, 0.5, 2.0, 12.0])) if infusions else 0.0
        doses.append(
            (
                draw(st.integers(0, 96)) / 2.0,
                draw(st.floats(0.1, 1000.0)),
                duration,
                draw(st.integers(0, compartments - 1)),
            )
        )
    return sorted(doses)


TIMES = (0.0, 0.25, 1.0, 3.5, 12.0, 13.0, 24.0, 30.0, 48.0, 72.0, 120.0)
