"""Uncertainty of a card's constants: what the paper's standard errors say of its fixed effects.

A positive constant with a unit (a clearance, a volume, a rate) is a scale: it is drawn log-normal, so that no draw has the
wrong sign, with the printed value as its mean and the standard error as its SD:

    s2 = ln(1 + (se / value)**2),   ln constant ~ N(ln value - s2 / 2, s2)

A constant without a unit (an exponent, the effect of a covariate) or below 0 may cross 0: it is drawn normal, as the
covariance of the estimates is meant. Constants are drawn independently, since cards print no correlations.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from individose.base import InputError, Notice
from individose.drugs import Card, Constant


def uncertain(card: Card) -> dict[str, Constant]:
    """The constants that have a standard error, in the card's order.

    **Raises:** `InputError` where none has.
    """
    found = {name: one for name, one in card.constants.items() if one.se}
    if not found:
        raise InputError(
            f"parameter uncertainty was asked for, and {card.id} states no standard error",
            "a card with se beside at least one of its constants",
            "the uncertainty of a model is that of its published estimates",
            "Use another card, leave out uncertainty, or add the paper's standard errors to the card.",
        )
    return found


def constants(card: Card, generator: np.random.Generator, count: int) -> Mapping[str, np.ndarray]:
    """`count` draws of every constant that has a standard error; further calls go on with the generator's stream."""
    known = uncertain(card)
    normal = generator.standard_normal((count, len(known)))
    return {name: _drawn(one, normal[:, i]) for i, (name, one) in enumerate(known.items())}


def _drawn(one: Constant, normal: np.ndarray) -> np.ndarray:
    se = one.se or 0.0
    if one.value <= 0.0 or one.unit == "1":
        return one.value + se * normal
    s2 = np.log1p((se / one.value) ** 2)
    return one.value * np.exp(np.sqrt(s2) * normal - 0.5 * s2)


def require_possible(card: Card, typical: np.ndarray) -> None:
    """Refuses draws whose equations give no usable parameter.

    **Arguments:** `typical` (draws, pieces, parameters).

    **Raises:** `InputError`.
    """
    positive = {effect.parameter for effect in card.effects if effect.transform == "log-normal"}
    for i, parameter in enumerate(card.parameters):
        values = typical[:, :, i]
        wrong = ~np.isfinite(values) | ((values <= 0.0) & (parameter.name in positive))
        if wrong.any():
            raise InputError(
                f"of {len(values)} draws of the constants {int(wrong.any(axis=1).sum())} give {parameter.name} no usable "
                f"value, as {values[wrong][0]:g} {parameter.unit}",
                f"{parameter.name} is above 0" if parameter.name in positive else "a finite number",
                f"the standard errors of {card.id} allow constants for which its equations fail",
                "Simulate without uncertainty, or with covariates nearer to the card's population.",
            )


def notice(card: Card) -> Notice:
    """What was drawn, how, and what was held fixed."""
    known = uncertain(card)
    fixed = [name for name in card.constants if name not in known]
    bare = f", and {', '.join(fixed)} without a standard error" if fixed else ""
    return Notice(
        "uncertainty",
        f"Every virtual patient has constants of their own, drawn from the standard errors of {', '.join(known)} as "
        f"uncorrelated (log-normal where positive with a unit, otherwise normal). Held fixed: the variances{bare}.",
        "note",
    )
