"""Exposure along a course: against the closed forms of one compartment with first-order absorption, and brute force."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import brentq

from individose.kinetics import areas, compose
from individose.kinetics.ode import ODE_SYSTEMS, OdeSystem, Reason, Settings, exposure, steady_exposure
from kinetics.histories import labelled
from kinetics.ode_cases import DOSES, ONE, TIGHT, closed, levels, line
from tolerances import ODE, SOLVER

LINEAR = ODE_SYSTEMS["linear, first_order"]
CLOSED = compose("one_compartment", ("first_order",), LINEAR.parameters)


@jax.jit
def _window(v, bare, start, end, threshold):
    def seen(v):
        p = {k: x[None] for k, x in zip(LINEAR.parameters, v, strict=True)}
        found = exposure(LINEAR, p, bare, start, end, threshold, TIGHT)
        return found, found

    return jax.jacfwd(seen, has_aux=True)(v)


def run_window(v, bare, start, end, threshold):
    """(derivatives, exposure), one compiled program for all calls."""
    return _window(v, bare, *(jnp.array(x, dtype=float) for x in (start, end, threshold)))


def test_window_over_several_doses():
    start, end, threshold = 1.0, 30.0, 1.9
    bare = line(LINEAR, DOSES, np.array([0.0]))

    v = jnp.array([ONE[k] for k in LINEAR.parameters])
    slopes, found = run_window(v, bare, start, end, threshold)
    assert int(found.reason) == Reason.SOLVED

    times = np.linspace(start, end, 58_001)
    at = line(LINEAR, DOSES, times)
    curve = np.asarray(closed(CLOSED, labelled(ONE), at))
    crossings = []

    def level(t):
        return float(closed(CLOSED, labelled(ONE), line(LINEAR, DOSES, np.array([t])))[0]) - threshold

    for i in np.flatnonzero(np.diff(np.sign(curve - threshold))):
        crossings.append(brentq(level, times[i], times[i + 1], xtol=1e-12))
    assert curve[0] < threshold < curve[-1]  # up, down, up
    assert len(crossings) == 3
    above = crossings[1] - crossings[0] + end - crossings[2]
    ends = areas(CLOSED, labelled(ONE), line(LINEAR, DOSES, np.array([start, end])))
    assert float(found.area) == pytest.approx(float(ends[1] - ends[0]), rel=ODE)
    assert float(found.moment) == pytest.approx(float(np.trapezoid(curve * (times - start), times)), rel=1e-6)
    assert float(found.peak) == pytest.approx(curve.max(), rel=1e1 * ODE)
    assert float(found.peak_h) == pytest.approx(times[curve.argmax()] - start, abs=1e-3)
    assert float(found.least) == pytest.approx(curve.min(), rel=ODE)
    assert float(found.above_h) == pytest.approx(above, rel=ODE)
    assert float(found.last_above_h) == end - start
    _, earlier = run_window(v, bare, start, 24.0, threshold)
    assert float(earlier.last_above_h) == pytest.approx(crossings[1] - start, rel=ODE)

    # derivatives against central differences
    for i in range(len(v)):
        h = 1e-5 * float(v[i])
        high, low = (run_window(v.at[i].add(d), bare, start, end, threshold)[1] for d in (h, -h))
        for name in ("area", "moment", "peak", "peak_h", "least", "above_h", "last_above_h"):
            there = (getattr(high, name) - getattr(low, name)) / (2 * h)
            mine = getattr(slopes, name)[i]
            assert float(mine) == pytest.approx(float(there), rel=1e-5, abs=1e-6), name


def test_steady_interval_of_a_saturable_drug():
    ode = ODE_SYSTEMS["michaelis_menten, first_order"]
    p = {"Vmax": 12.0, "Km": 2.0, "V": 20.0, "ka": 0.9}

    @jax.jit
    def run(amount, threshold):
        q = {k: jnp.asarray(x) for k, x in p.items()}
        return steady_exposure(ode, q, 0, amount, 0.0, 12.0, threshold, Settings(1e-10, 1e-12))

    found = run(jnp.array(100.0), jnp.array(3.0))
    assert int(found.reason) == Reason.SOLVED
    doses = [(12.0 * k, 100.0, 0.0, 0) for k in range(80)]
    grid = 948.0 + np.linspace(0.0, 12.0, 4001)[:-1]
    curve = levels(ode, p, doses, grid)
    assert float(found.peak) == pytest.approx(curve.max(), rel=1e-6)
    assert float(found.peak_h) == pytest.approx(grid[curve.argmax()] - 948.0, abs=3e-3)
    assert float(found.least) == pytest.approx(curve.min(), rel=1e-6)
    assert float(found.above_h) == pytest.approx(12.0 * np.mean(curve > 3.0), abs=6e-3)
    # what comes in goes out: the integral of Vmax C / (Km + C) is the dose
    assert float(np.mean(12.0 * curve / (2.0 + curve))) * 12.0 == pytest.approx(100.0, rel=1e-5)
    assert int(run(jnp.array(200.0), jnp.array(3.0)).reason) == Reason.NO_STEADY_STATE


def test_a_course_with_many_turns_and_crossings_in_one_segment():
    """An undamped oscillator, x = 100 cos(w t): more turns than are searched side by side, each half above the mean."""
    w, turns = 1.7, 12
    ode = OdeSystem(
        "oscillator", ("x", "v"), ("w",), "x",
        rhs=lambda p, x, _: (x[1], -(p["w"] ** 2) * x[0]),
        outputs={"moved": lambda _, x: 150.0 + x[0]},
    )  # fmt: skip
    end = (turns - 0.25) * np.pi / w
    bare = line(ode, [(0.0, 100.0, 0.0, 0)], np.array([0.0]))

    @jax.jit
    def run(start, threshold):
        return exposure(ode, {"w": jnp.array([w])}, bare, start, jnp.array(end), threshold, Settings(1e-7))

    found = run(jnp.array(1.0), jnp.array(150.0))
    assert int(found.reason) == Reason.SOLVED
    crossings = (np.arange(turns) + 0.5) * np.pi / w  # down, up, down, ...
    assert crossings[0] < 1.0 < crossings[1]
    down, up = crossings[2::2], crossings[1::2][: len(crossings[2::2])]
    last = end - crossings[-1] if len(crossings) % 2 == 0 else 0.0  # above again at the end
    assert float(found.above_h) == pytest.approx((down - up).sum() + last, rel=SOLVER)
    assert float(found.peak) == pytest.approx(250.0, rel=SOLVER)
    assert float(found.least) == pytest.approx(50.0, rel=SOLVER)
    assert float(found.least_h) == pytest.approx(np.pi / w - 1.0, rel=1e-6)
    assert float(found.area) == pytest.approx(
        150.0 * (end - 1.0) + 100.0 / w * (np.sin(w * end) - np.sin(w)), rel=SOLVER
    )
