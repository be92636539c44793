"""Exact steady state against the sum of many doses."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from individose.kinetics import area_over_interval, areas, compose, concentrations, trough_amounts
from kinetics.histories import labelled, parameters, schedule
from tolerances import IDENTITY

SYSTEMS = [compose("one_compartment", (name,)) for name in ("bolus", "first_order")]


@partial(jax.jit, static_argnums=0)
def _many(system, p, line):
    return concentrations(system, p, line), areas(system, p, line)


@partial(jax.jit, static_argnums=0)
def _steady(system, p, amount, duration, interval):
    regimen = tuple(jnp.asarray(x, dtype=float) for x in (amount, duration, interval))
    q = system.prepare(p)
    trough = system.observe(q, trough_amounts(system, q, jnp.int32(0), *regimen))
    return trough[0], area_over_interval(system, q, jnp.int32(0), *regimen)[0]


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda s: s.name)
@given(p=parameters(), interval=st.sampled_from([6.0, 12.0, 24.0]), duration=st.sampled_from([0.0, 1.0, 6.0]))
def test_steady_state_equals_many_doses(system, p, interval, duration):
    slowest = min(p["CL"] / p["V"], p["ka"]) if system.size > 1 else p["CL"] / p["V"]
    count = 300
    assume(slowest * interval * count > 30.0)
    doses = [(k * interval, 100.0, duration, 0) for k in range(count)]
    last = (count - 1) * interval
    # no dose is given at the end of the last interval, so that its samples are those just before a dose
    line = schedule(doses, (last, last + interval), system.size)
    level, area = _many(system, labelled(p), line)
    trough, over_interval = _steady(system, p, 100.0, duration, interval)
    scale = 100.0 / p["V"]
    np.testing.assert_allclose(level[1], trough, rtol=IDENTITY, atol=IDENTITY * scale)
    # the two areas lost digits as the difference of sums over 300 intervals
    np.testing.assert_allclose(area[1] - area[0], over_interval, rtol=count * IDENTITY)


@given(p=parameters(), interval=st.floats(2.0, 48.0))
def test_average_is_dose_over_clearance_and_interval(p, interval):
    for system in SYSTEMS:
        _, area = _steady(system, p, 100.0, 0.0, interval)
        np.testing.assert_allclose(area, 100.0 / p["CL"], rtol=IDENTITY * max(1.0, p["V"] / p["CL"] / interval))
