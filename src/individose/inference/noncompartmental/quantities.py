"""A parameter that is a number, or a sentence saying why it is not: never NaN."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Missing:
    """Why there is no number."""

    sentence: str


Value = float | Missing

NOTHING = Missing("No level after the dose was quantified.")


def given(compute: Callable[..., float], *values: Value) -> Value:
    """`compute(*values)` where all values are numbers; otherwise the first reason why one is not."""
    for value in values:
        if isinstance(value, Missing):
            return value
    try:
        found = float(compute(*values))
    except (OverflowError, ZeroDivisionError):
        found = math.inf
    return found if math.isfinite(found) else Missing("The arithmetic has no finite result with these levels.")


def ratio(numerator: Value, denominator: Value, what: str) -> Value:
    """A quotient; `what` begins the sentence for a denominator of 0, as in "The lowest level"."""
    if denominator == 0.0:
        return Missing(f"{what} is 0, and nothing can be divided by it.")
    return given(lambda a, b: a / b, numerator, denominator)


@dataclass(frozen=True)
class Quantity:
    """A parameter by name: `value` in `unit` (UCUM), or None and a `sentence` that says why."""

    name: str
    value: float | None
    unit: str
    sentence: str = ""

    @property
    def status(self) -> Literal["ok", "unavailable"]:
        return "unavailable" if self.value is None else "ok"


def quantity(name: str, unit: str, value: Value) -> Quantity:
    """The value, or the reason for its absence, under its name."""
    if isinstance(value, Missing):
        return Quantity(name, None, unit, value.sentence)
    return Quantity(name, float(value), unit)
