"""Metabolites behind drugs that are not eliminated linearly, or absorbed by a law of time: laws, closed forms and SciPy."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from individose.base import CardError
from individose.kinetics import compose
from individose.kinetics.ode import ODE_SYSTEMS, as_system
from individose.kinetics.ode.memory import taken_apart
from individose.kinetics.ode.register import composed
from individose.kinetics.ode.segment import travel
from individose.kinetics.ode.systems.disposition import DEPOT
from individose.kinetics.ode.systems.metabolite import Metabolite
from individose.kinetics.system import Entry
from kinetics.histories import labelled
from kinetics.ode_cases import DOSES, ONE, TIGHT, TIMES, by_scipy, closed, levels, line, scalars
from tolerances import GRADIENT, IDENTITY, ODE

FORMED = {"CLm": 2.0, "V1m": 9.0, "Qm": 0.7, "V2m": 40.0, "fm": 0.6}
SATURABLE = {"V": 30.0, "ka": 0.9, "Vmax": 12.0, "Km": 1.5}


def system(given, *, elimination="linear", chains=(DEPOT,), remembering=None, disposition="one_compartment"):
    choice = ("CL", "V1", "Q", "V2") if "V1m" in given else ("CL", "V")
    formed = Metabolite(choice, "fp" in given)
    entries = (Entry(0),) if remembering is None else ()
    return composed(
        disposition, chains, entries, given, elimination=elimination, remembering=remembering, metabolite=formed
    )


def saturable(p):
    def rhs(t, y):
        c = y[1] / p["V"]
        gone = p["Vmax"] * c / (p["Km"] + c) + p.get("CL", 0.0) * c
        moved = p["Qm"] * (y[2] / p["V1m"] - y[3] / p["V2m"])
        fp = p.get("fp", 0.0)
        absorbed = p["ka"] * y[0]
        formed = p["fm"] * gone + fp * absorbed
        return [-absorbed, (1 - fp) * absorbed - gone, formed - p["CLm"] * y[2] / p["V1m"] - moved, moved]

    return rhs


@pytest.mark.parametrize("more", [{}, {"CL": 1.5}, {"fp": 0.3}], ids=["alone", "parallel", "first pass"])
def test_a_metabolite_of_saturable_elimination_follows_its_equations(more):
    p = SATURABLE | FORMED | more
    ode = system(p, elimination="michaelis_menten")
    states = by_scipy(saturable(p), [0.0] * 4, DOSES, TIMES)
    for output, volume, place in ((0, p["V"], 1), (1, p["V1m"], 2)):
        found = levels(ode, p, DOSES, TIMES, output=output)
        np.testing.assert_allclose(found, states[:, place] / volume, rtol=ODE, atol=1e-2 * ODE)


def test_what_is_formed_of_an_unsaturated_drug_is_the_closed_form():
    """A linear drug with a metabolite, first pass and all, by the other road."""
    p = ONE | FORMED | {"fp": 0.3}
    ode = system(p)
    exact = compose("one_compartment", ("first_order",), p, metabolite="two_compartment")
    for output in (0, 1):
        found = levels(ode, p, DOSES, TIMES, output=output)
        at = line(ode, DOSES, TIMES, output)
        np.testing.assert_allclose(found, closed(exact, labelled(p), at), rtol=ODE, atol=1e-2 * ODE)


@pytest.mark.parametrize(
    ("remembering", "chains", "own"),
    [
        ("weibull", (), {"Td": 1.0 / ONE["ka"], "shape": 1.0}),
        pytest.param("savic_transit", (DEPOT,), {"MTT": 2.0, "n": 1.0, "ka": ONE["ka"]}, marks=pytest.mark.slow),
        pytest.param("savic_transit", (), {"MTT": 2.0, "n": 1.0}, marks=pytest.mark.slow),
    ],
    ids=["weibull", "savic", "savic without a depot"],
)
def test_first_pass_behind_a_remembered_input_is_that_of_the_chain_it_equals(remembering, chains, own):
    p = {"CL": ONE["CL"], "V": ONE["V"], "fp": 0.3} | FORMED | own
    ode = system(p, chains=chains, remembering=remembering)
    if remembering == "weibull":
        words, more = {"inputs": ("first_order",)}, {"ka": ONE["ka"]}
    else:
        words, more = {"inputs": ("transit",), "stages": 2}, {"ktr": 1.0} | ({"ka": ONE["ka"]} if chains else {})
    q = {n: x for n, x in p.items() if n not in own} | more
    exact = compose("one_compartment", words["inputs"], q, stages=words.get("stages", 0), metabolite="two_compartment")
    doses = [(0.0, 100.0, 0.0, 0), (12.0, 60.0, 0.0, 0)]
    size = len(exact.compartments)
    for output in (0, 1):
        at = line(ode, doses, TIMES, output)
        at_exact = at._replace(keep=np.ones((len(at.keep), size)))
        found = levels(ode, p, doses, TIMES, output=output)
        np.testing.assert_allclose(found, closed(exact, labelled(q), at_exact), rtol=10 * ODE, atol=ODE)


@pytest.mark.parametrize(
    "given",
    [
        SATURABLE | FORMED | {"CL": 1.5, "inhibition": 0.6, "kinh": 0.02},
        {"CL": 4.0, "V": 30.0, "ka": 0.9, "ksyn": 0.3, "kdeg": 0.05, "kint": 0.0, "Kss": 0.4} | FORMED,
    ],
    ids=["auto-inhibition", "target-mediated"],
)
def test_mass_balance(given):
    """All that is eliminated with fm = 1 becomes metabolite: drug, metabolite and what was cleared of it are the dose."""
    word = "michaelis_menten_inhibited" if "Vmax" in given else "target_mediated"
    ode = system(given, elimination=word)
    p = scalars(given | {"fm": 1.0})
    place = ode.compartments.index("metabolite")

    def cleared(x, _):
        return p["CLm"] * x[place] / p["V1m"]

    start = tuple(jnp.array(300.0 if i == 0 else 0.0) for i in range(len(as_system(ode).compartments)))
    whole = taken_apart(ode, start)
    end = jax.jit(lambda t: travel(ode, p, whole, None, t, TIGHT, integrands=(cleared,)))(jnp.array(30.0))
    drug = sum(x for x, here in zip(end.whole.x, ode.drug, strict=True) if here)
    assert float(drug + end.integrals[0]) == pytest.approx(300.0, rel=IDENTITY)
    assert float(end.integrals[0]) > 20.0


def test_derivatives_equal_finite_differences():
    p = SATURABLE | FORMED | {"fp": 0.3}
    ode = system(p, elimination="michaelis_menten")
    names = list(p)

    def at_20(values):
        start = tuple(jnp.array(200.0 if i == 0 else 0.0) for i in range(ode.size))
        q = dict(zip(names, values, strict=True))
        end = travel(ode, q, taken_apart(ode, start), None, jnp.array(20.0), TIGHT)
        return ode.outputs["metabolite"](q, end.whole.x)

    values = jnp.array([p[n] for n in names])
    exact = jax.jit(jax.jacfwd(at_20))(values)
    run = jax.jit(at_20)
    for i, x in enumerate(values):
        h = 1e-4 * x
        ways = [run(values.at[i].add(s * h)) for s in (1.0, -1.0, 0.5, -0.5)]
        coarse, fine = (ways[0] - ways[1]) / (2 * h), (ways[2] - ways[3]) / h
        np.testing.assert_allclose(exact[i], (4 * fine - coarse) / 3, rtol=GRADIENT, atol=1e-9)


def test_systems_without_a_metabolite_are_what_they_were():
    for name, ode in ODE_SYSTEMS.items():
        assert "metabolite" not in ode.compartments, name


def test_a_metabolite_that_is_not_complete_is_refused():
    with pytest.raises(CardError, match="CLm, Vm"):
        compose(
            "one_compartment", ("bolus",), ("V", "Vmax", "Km", "CLm", "fm"),
            elimination="michaelis_menten", metabolite="one_compartment",
        )  # fmt: skip
