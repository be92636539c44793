"""Elimination that exposure inhibits, inactivates or induces: against SciPy, closed forms and laws."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from individose.kinetics import compose
from individose.kinetics.ode import as_system
from individose.kinetics.ode.memory import taken_apart
from individose.kinetics.ode.register import composed
from individose.kinetics.ode.segment import travel
from individose.kinetics.ode.steady import trough_amounts
from individose.kinetics.ode.systems.disposition import DEPOT
from individose.kinetics.ode.systems.metabolite import Metabolite
from individose.kinetics.system import Entry
from kinetics.ode_cases import DOSES, TIGHT, TIMES, by_scipy, levels, scalars
from tolerances import GRADIENT, ODE

BODY = {"CL": 40.0, "V": 150.0, "ka": 0.8}
FORMED = {"CLm": 20.0, "Vm": 90.0, "fm": 0.5}
WAYS = {
    "inhibited": {"inhibition": 0.9, "C50_inh": 0.15, "kinh": 0.12},
    "inactivated": {"kinact": 0.4, "KI": 0.3, "kenz": 0.03},
    "induced": {"induction": 3.0, "C50_ind": 0.2, "kenz": 0.05},
}
SATURABLE = {"Vmax": 25.0, "Km": 0.6}


def word(way, *, saturated=False):
    return ("michaelis_menten_" if saturated else "") + ("induced" if way == "induced" else "inhibited")


def system(p, way, *, saturated=False, metabolite=True, remembering=None):
    formed = Metabolite(("CL", "V")) if metabolite else None
    chains, entries = ((DEPOT,), (Entry(0),)) if remembering is None else ((), ())
    return composed(
        "one_compartment", chains, entries, p,
        elimination=word(way, saturated=saturated), metabolite=formed, remembering=remembering,
    )  # fmt: skip


def equations(p, way, saturated):
    def rhs(t, y):
        c, own = y[1] / p["V"], y[3]
        f = 1 - p["inhibition"] * own / (p["C50_inh"] + own) if way == "inhibited" else own
        gone = p["CL"] * c + f * p["Vmax"] * c / (p["Km"] + c) if saturated else f * p["CL"] * c
        if way == "inhibited":
            change = p["kinh"] * (c - own)
        elif way == "inactivated":
            change = p["kenz"] * (1 - own) - p["kinact"] * c / (p["KI"] + c) * own
        else:
            change = p["kenz"] * (1 + p["induction"] * c / (p["C50_ind"] + c) - own)
        absorbed = p["ka"] * y[0]
        return [-absorbed, absorbed - gone, p["fm"] * gone - p["CLm"] * y[2] / p["Vm"], change]

    return rhs


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("saturated", [False, True], ids=["of CL", "of Vmax"])
def test_follows_its_equations(way, saturated):
    p = BODY | FORMED | WAYS[way] | (SATURABLE if saturated else {})
    ode = system(p, way, saturated=saturated)
    start = [0.0, 0.0, 0.0, 0.0 if way == "inhibited" else 1.0]
    states = by_scipy(equations(p, way, saturated), start, DOSES, TIMES)
    for output, volume in ((0, p["V"]), (1, p["Vm"])):
        found = levels(ode, p, DOSES, TIMES, output=output)
        np.testing.assert_allclose(found, states[:, 1 + output] / volume, rtol=ODE, atol=1e-2 * ODE)


@pytest.mark.parametrize("way", WAYS)
def test_steady_state_under_a_constant_infusion_is_a_root(way):
    """f(C) CL C = rate, with the state at rest."""
    p = {"CL": 40.0, "V": 150.0} | WAYS[way]
    ode = composed("one_compartment", (), (Entry(0),), p, elimination=word(way))
    day = jnp.asarray(24.0)
    found = jax.jit(lambda p: trough_amounts(ode, p, 0, 20.0 * day, day, day))(scalars(p))
    assert int(found.reason) == 0
    c = float(found.state[0]) / p["V"]
    if way == "inhibited":
        f = 1 - p["inhibition"] * c / (p["C50_inh"] + c)
    elif way == "inactivated":
        f = p["kenz"] / (p["kenz"] + p["kinact"] * c / (p["KI"] + c))
    else:
        f = 1 + p["induction"] * c / (p["C50_ind"] + c)
    assert f * p["CL"] * c == pytest.approx(20.0, rel=10 * ODE)


def test_a_pause_brings_elimination_back():
    """After two weeks without drug the next dose meets what the first one met."""
    p = BODY | WAYS["inhibited"]
    ode = system(p, "inhibited", metabolite=False)
    doses = [(0.0, 500.0, 0.0, 0), (12.0, 500.0, 0.0, 0), (24.0, 500.0, 0.0, 0), (1000.0, 500.0, 0.0, 0)]
    first, third, later = levels(ode, p, doses, np.array([8.0, 32.0, 1008.0]))
    assert third > 1.5 * first
    assert later == pytest.approx(first, rel=1e3 * ODE)


def test_without_an_effect_on_it_elimination_is_linear():
    p = {"CL": 40.0, "V": 150.0, "Td": 1.25, "shape": 1.0, "induction": 0.0, "C50_ind": 0.2, "kenz": 0.05}
    ode = system(p, "induced", metabolite=False, remembering="weibull")
    times = np.array([0.5, 3.0, 11.0])
    k, ka = 40.0 / 150.0, 0.8
    exact = 500.0 / 150.0 * ka / (ka - k) * (np.exp(-k * times) - np.exp(-ka * times))
    np.testing.assert_allclose(levels(ode, p, [(0.0, 500.0, 0.0, 0)], times), exact, rtol=10 * ODE)


@pytest.mark.parametrize("way", WAYS)
def test_derivatives_equal_finite_differences(way):
    p = BODY | WAYS[way]
    ode = system(p, way, metabolite=False)
    names = list(p)

    def at_20(values):
        start = tuple(jnp.array(500.0 if i == 0 else 0.0) for i in range(len(as_system(ode).compartments)))
        q = dict(zip(names, values, strict=True))
        end = travel(ode, q, taken_apart(ode, start), None, jnp.array(20.0), TIGHT)
        return ode.outputs["central"](q, end.whole.x)

    values = jnp.array([p[n] for n in names])
    exact = jax.jit(jax.jacfwd(at_20))(values)
    run = jax.jit(at_20)
    for i, x in enumerate(values):
        h = 1e-3 * x
        fine = (run(values.at[i].add(h / 2)) - run(values.at[i].add(-h / 2))) / h
        coarse = (run(values.at[i].add(h)) - run(values.at[i].add(-h))) / (2 * h)
        np.testing.assert_allclose(exact[i], (4 * fine - coarse) / 3, rtol=GRADIENT, atol=1e-9)


def test_the_parameters_say_which_law_is_meant():
    for own, said in (
        (("inhibition", "kinh"), "exponential"),
        (("inhibition", "kinh", "C50_inh"), "by exposure"),
        (("kinact", "KI", "kenz"), "inactivation"),
    ):
        assert said in compose("one_compartment", ("bolus",), ("CL", "V", *own), elimination="inhibited").name
