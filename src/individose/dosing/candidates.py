"""Which regimens are worth looking at: amounts that can be dispensed, at the intervals in use."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from individose.base import InputError
from individose.dosing.exposure import exact_dose
from individose.dosing.regimen import Regimen
from individose.drugs import Dosing, Target
from individose.inference import Fit

AIMS = (0.5, 0.25, 0.75)
"""Where in the target range a candidate aims: its middle (or the stated best value), and half-way to either end."""


@dataclass(frozen=True)
class Chosen:
    """A regimen, the amount that would meet its aim exactly, and what rounding did to it."""

    regimen: Regimen
    exact_mg: float
    rounding: str


def candidates(fit: Fit, target: Target) -> list[Chosen]:
    """For each interval of the card's dosing section, the dispensable amounts around those that meet the target exactly.

    **Raises:** `InputError` when the card has no dosing section.
    """
    dosing = _dosing(fit)
    aims = [target.best if target.best is not None and share == 0.5 else _between(target, share) for share in AIMS]
    found: dict[tuple[float, float], Chosen] = {}
    for interval in dosing.intervals_h:
        for aim in aims:
            exact = exact_dose(fit, target.metric, aim, interval, dosing.duration_h)
            if not math.isfinite(exact) or exact <= 0:
                continue
            for amount in rounded(exact, dosing.step_mg):
                regimen = Regimen(amount, interval, dosing.duration_h)
                if _allowed(fit, dosing, regimen):
                    found.setdefault((amount, interval), Chosen(regimen, exact, _said(exact, amount, dosing.step_mg)))
    return list(found.values())


def with_exact(fit: Fit, target: Target, regimens: Sequence[Regimen]) -> list[Chosen]:
    """Given regimens, each beside the amount that would meet the target's best value exactly at its interval."""
    aim = target.best if target.best is not None else _between(target, 0.5)
    return [
        Chosen(r, exact_dose(fit, target.metric, aim, r.interval_h, r.duration_h), "amount as asked") for r in regimens
    ]


def rounded(exact_mg: float, step_mg: float) -> tuple[float, ...]:
    """The dispensable amounts next below and above an exact one (one if it is itself dispensable); never 0."""
    steps = exact_mg / step_mg
    if abs(steps - round(steps)) < 1e-9:
        return (round(steps) * step_mg,)
    amounts = (math.floor(steps) * step_mg, math.ceil(steps) * step_mg)
    return tuple(round(a, 9) for a in amounts if a > 0)


def _between(target: Target, share: float) -> float:
    return target.low + share * (target.high - target.low)


def _said(exact: float, amount: float, step: float) -> str:
    if abs(exact - amount) < 1e-9 * amount:
        return f"{amount:g} mg exactly"
    way = "down" if amount < exact else "up"
    return f"{exact:.4g} mg rounded {way} to {amount:g} mg (steps of {step:g} mg)"


def _allowed(fit: Fit, dosing: Dosing, regimen: Regimen) -> bool:
    if dosing.max_daily_mg is not None and regimen.daily_mg > dosing.max_daily_mg:
        return False
    if dosing.max_daily_mg_per_kg is None:
        return True
    weight = next(
        (r.values["weight"] for r in reversed(fit.problem.context.subject.readings) if "weight" in r.values), None
    )
    return not isinstance(weight, int | float) or regimen.daily_mg <= dosing.max_daily_mg_per_kg * weight


def _dosing(fit: Fit) -> Dosing:
    bound = fit.problem.context
    if bound is None or bound.card.dosing is None:
        raise InputError(
            f"{fit.problem.model} says nothing of what can be prescribed",
            "a card with a [dosing] section, or regimens to compare",
            remedy="Pass regimens=[Regimen(amount_mg, interval_h)], or add [dosing] to the card.",
        )
    return bound.card.dosing
