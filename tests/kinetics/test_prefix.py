"""The two roads from anchor to anchor, one after another and all at once: the same levels and the same derivatives."""

from dataclasses import replace
from functools import partial

import jax
import numpy as np
import pytest

from individose.drugs import CovariateUse
from individose.events import Dose, Level, Reading, Reset, Subject
from individose.kinetics import compose
from kinetics.engine import bound, predicted
from tolerances import IDENTITY

ONE, TWO = {"CL": 2.0, "V": 30.0}, {"CL": 2.0, "V1": 10.0, "Q": 1.5, "V2": 40.0}
SYSTEMS = {
    "two compartments, oral": ("two_compartment", ("first_order",), TWO | {"ka": 1.2, "lag": 0.4, "F": 0.7}, {}),
    "metabolite": (
        "one_compartment",
        ("first_order",),
        ONE | {"ka": 1.3, "CLm": 2.0, "Vm": 9.0, "fm": 0.6},
        {"metabolite": "one_compartment"},
    ),
}
WEIGHT = (CovariateUse("weight", "kg"),)
WANTED = (0.0, 1.0, 5.5, 12.0, 13.0, 30.0, 41.0, 47.0, 60.0)
STEADY = "a steady state, and one beside it"
HISTORIES = {
    "boluses": [Dose(0.0, 100.0), Dose(8.0, 60.0, interval_h=12.0, additional=3)],
    "an infusion": [Dose(0.0, 100.0, 4.0, into="central"), Dose(8.0, 60.0)],
    STEADY: [
        Dose(0.0, 100.0, interval_h=12.0, steady_state=1),
        Dose(6.0, 40.0, interval_h=24.0, steady_state=2),
        Dose(12.0, 100.0, interval_h=12.0, additional=2),
    ],
    "a reset": [Dose(0.0, 100.0), Dose(8.0, 60.0, 6.0, into="central"), Reset(10.0), Dose(12.5, 30.0)],
}


def record(doses, analyte=None):
    weights = [Reading(0.0, {"weight": 70.0}), Reading(20.0, {"weight": 82.0})]
    levels = [Level(t, float("nan"), analyte, measured=False) for t in WANTED]
    order = (Reading, Level, Reset, Dose)
    events = sorted((*weights, *levels, *doses), key=lambda e: (e.time_h, order.index(type(e))))
    return Subject("a", tuple(events))


def both(system, p, subject, covariates=()):
    relation, data, count = bound(system, p, subject, covariates)
    return relation, replace(relation, at_once=True), data, count


@partial(jax.jit, static_argnums=(0, 2))
def slopes(relation, data, mode):
    def levels(typical):
        return relation.predict(np.zeros(0), data._replace(typical=typical))

    return (jax.jacrev if mode == "backward" else jax.jacfwd)(levels)(data.typical)


PAIRS = [*(("two compartments, oral", history) for history in HISTORIES), *((name, STEADY) for name in SYSTEMS)]


@pytest.mark.parametrize(("name", "history"), dict.fromkeys(PAIRS))
def test_both_roads_give_the_same_levels(name, history):
    disposition, inputs, p, words = SYSTEMS[name]
    system = compose(disposition, inputs, p, **words)
    assert system.joins
    one, other, data, count = both(
        system, p, record(HISTORIES[history], "metabolite" if words.get("metabolite") else None)
    )
    expected = np.asarray(predicted(one, data))[:count]
    assert np.sum(expected > 0.0) >= 5
    np.testing.assert_allclose(np.asarray(predicted(other, data))[:count], expected, rtol=IDENTITY, atol=1e-200)


@pytest.mark.parametrize("history", ["boluses", "a reset"])
def test_both_roads_under_a_covariate_that_changes(history):
    disposition, inputs, p, words = SYSTEMS["two compartments, oral"]
    system = compose(disposition, inputs, p, **words)
    heavier = p | {"CL": lambda known: 2.0 * (known["weight"] / 70.0) ** 0.75}
    one, other, data, count = both(system, heavier, record(HISTORIES[history]), WEIGHT)
    expected = np.asarray(predicted(one, data))[:count]
    constant, shared, _ = bound(system, p, record(HISTORIES[history]), WEIGHT)
    assert np.max(np.abs(np.asarray(predicted(constant, shared))[:count] - expected)) > 0.01
    np.testing.assert_allclose(np.asarray(predicted(other, data))[:count], expected, rtol=IDENTITY, atol=1e-200)


def test_derivatives_backward_over_the_one_are_those_forward_over_the_other():
    disposition, inputs, p, words = SYSTEMS["two compartments, oral"]
    system = compose(disposition, inputs, p, **words)
    one, other, data, count = both(system, p, record(HISTORIES["boluses"]))
    forward, backward = slopes(one, data, "forward")[:count], slopes(other, data, "backward")[:count]
    assert np.any(np.asarray(forward) != 0.0, axis=0).all()
    np.testing.assert_allclose(backward, forward, rtol=1e-11, atol=1e-14)


def test_many_compartments_go_one_after_another():
    """Joining maps of many compartments is dear: the road is then not offered."""
    chain = compose("two_compartment", ("transit",), TWO | {"ktr": 2.2, "ka": 0.7}, stages=5)
    assert chain.size > 6
    assert not chain.joins
