"""The typical values of a card for given covariates, in plain floats: what a person would work out by hand."""

from __future__ import annotations

import math
from collections.abc import Mapping

from individose.base.errors import CardError, InputError
from individose.drugs.card import Card, Parameter
from individose.drugs.evaluate import PLAIN, evaluate
from individose.drugs.references import ordered
from individose.drugs.registers import quantity


def codes(given: Mapping[str, float | str | bool]) -> dict[str, float]:
    """Covariates as the numbers that equations compute with, under their registered names.

    **Raises:** `InputError` for a covariate or a label that is not registered.
    """
    return {quantity(name).name: quantity(name).code(value) for name, value in given.items()}


def typical(card: Card, given: Mapping[str, float | str | bool]) -> dict[str, float]:
    """Each parameter's typical value in its canonical unit.

    **Arguments:** `given` holds covariates in the register's units, by name or alias.

    **Raises:** `InputError` for a covariate that is missing or not registered, `CardError` where an equation has no
    finite value (the arithmetic leaves the real numbers).
    """
    values = codes(given)
    uses = (*card.covariates, *card.dosed)
    missing = [use.name for use in uses if use.name not in values]
    if missing:
        raise InputError(
            f"{card.id}: {missing[0]} is missing",
            f"the card needs {', '.join(use.name for use in uses)}",
            "its equations use them",
            f"Give {missing[0]} in {quantity(missing[0]).unit}.",
        )
    found: dict[str, float] = {}
    for parameter in ordered(card.parameters):
        found[parameter.name] = _value(card.id, parameter, values | found)
    return {parameter.name: found[parameter.name] for parameter in card.parameters}


def _value(card_id: str, parameter: Parameter, values: Mapping[str, float]) -> float:
    try:
        value = float(evaluate(parameter.expr, values, PLAIN))
        reason = f"the value is {value}"
    except (ArithmeticError, ValueError) as error:
        value, reason = math.nan, f"the arithmetic gives: {error}"
    if not math.isfinite(value):
        raise CardError(
            f"{card_id}: {parameter.name} = {parameter.equation} has no value for "
            + ", ".join(f"{name} {number:g}" for name, number in values.items()),
            "a parameter must be a finite number",
            reason,
            "Check the covariates against the card's domain, and the equation against the paper.",
        )
    return value
