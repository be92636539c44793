"""How many earlier doses of a steady-state series are followed: those that may still be on their way, or still run in.

Where the parameters say how late a dose is and how long it runs, that is bounded before anything is compiled.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from individose.drugs import Card
from individose.kinetics import System, padded
from individose.kinetics.arrange import MODELLED_DURATION, MODELLED_RATE, RATE_GIVEN, REMOVAL

if TYPE_CHECKING:
    from individose.prediction.timeline import DoseRow

MOST = 64
"""Earlier doses that are followed at most."""

DEVIATIONS, SLACK = 5.0, 2.0
"""Individual values are looked for within so many standard deviations of the effects, and then this many times further."""

Ranges = Mapping[str, tuple[float, float]]
"""Parameter to the least and greatest value that it may take."""


def reach(doses: list[DoseRow], system: System, ranges: Ranges) -> int:
    """The doses followed (padded, at most `MOST`) by the ranges of lags, durations, rates and bioavailabilities; 0 when
    nothing starts at steady state."""
    steady = [dose for dose in doses if dose.kind]
    if not steady:
        return 0
    count = max(1.0, *(earlier(dose, system, ranges) for dose in steady))
    return padded(math.ceil(count)) if count <= MOST else MOST


def earlier(dose: DoseRow, system: System, ranges: Ranges) -> float:
    """Intervals between the record of a steady-state dose and the end of its input, at the most; inf where nothing
    bounds it."""

    def said(name: str, default: float) -> tuple[float, float]:
        plain = any(entry.compartment == dose.into for entry in system.entries)
        own = ranges.get(f"{name}{dose.into + 1}")
        return own or (ranges.get(name) if plain else None) or (default, default)

    late, runs = said("lag", 0.0)[1], dose.duration_h
    share = said("F", 1.0)[1]
    if dose.how == REMOVAL:
        late, runs = late + dose.duration_h, 0.0
    elif dose.how == RATE_GIVEN:
        runs = dose.duration_h * share
    elif dose.how == MODELLED_DURATION:
        runs = said("duration", 0.0)[1]
    elif dose.how == MODELLED_RATE:
        least = said("rate", 0.0)[0]
        runs = dose.amount_mg * share / least if least > 0.0 else math.inf
    if runs > 0.0 and dose.cut_h <= dose.time_h:
        return 0.0
    return (max(late, 0.0) + max(runs, 0.0)) / dose.interval_h


def typical_ranges(names: tuple[str, ...], typical: np.ndarray) -> Ranges:
    """Least and greatest typical value (pieces, parameters) of those that move doses."""
    moving = {name: i for i, name in enumerate(names) if name.rstrip("0123456789") in ("F", "lag", "duration", "rate")}
    return {name: (float(typical[:, i].min()), float(typical[:, i].max())) for name, i in moving.items()}


def individual_ranges(card: Card, typical: Ranges) -> Ranges:
    """The same of individual values: `DEVIATIONS` of every effect, and `SLACK` for a typical value that is itself varied."""
    found = dict(typical)
    for place, effect in enumerate(card.effects):
        if effect.parameter not in found:
            continue
        low, high = found[effect.parameter]
        variance = np.reshape(card.omega, (len(card.effects), -1))[place, place]
        away = DEVIATIONS * math.sqrt(float(variance))
        if effect.transform == "normal":
            low, high = low - away, high + away
        elif effect.transform == "logit-normal":
            low, high = 0.0, 1.0
        else:
            down, up = (_exponent(effect.shape, sign * away) for sign in (-1.0, 1.0))
            low, high = low * math.exp(down), high * math.exp(min(up, 700.0))
        found[effect.parameter] = (low, high)
    return {name: (low / SLACK, high * SLACK) for name, (low, high) in found.items()}


def _exponent(shape: float | None, eta: float) -> float:
    """What is exponentiated of a log-normal or a Box-Cox effect."""
    return math.expm1(shape * eta) / shape if shape else eta
