"""A subject's levels as a relation reads them: what each is, the numbers of its residual error, and how all is taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypedDict

import numpy as np

from individose.base import Notice
from individose.drugs import Card, Residual
from individose.events import Level
from individose.kinetics import System
from individose.prediction.relation import ABOVE, BELOW, LEVEL, NOTHING
from individose.prediction.residual import POWER

Censoring = Literal["m3", "m1"]
"""What a level beyond a limit counts: its probability (M3; Beal 2001), or nothing (M1)."""


class Options(TypedDict, total=False):
    """How a card and a patient are taken, for those who pass it on; see `bind`."""

    extrapolate: bool
    censoring: Censoring
    prior_weight: float
    fixed: Sequence[str]


def kind(level: Level, censoring: Censoring) -> int:
    """What `Data.measured` says of a level."""
    if not level.measured or (censoring == "m1" and level.censoring != "none"):
        return NOTHING
    return {"none": LEVEL, "below": BELOW, "above": ABOVE}[level.censoring]


def residuals(card: Card, system: System) -> tuple[Residual, ...]:
    """The residual error of each of the system's outputs."""
    return tuple(card.residuals.get(name, card.residual) for name in system.outputs)


def conventions(errors: Sequence[Residual]) -> tuple[str, ...]:
    """The conventions in use, each once, the first output's first."""
    return tuple(dict.fromkeys(error.convention for error in errors))


def numbers(errors: Sequence[Residual], outputs: Sequence[int]) -> dict[str, Any]:
    """The fields of `Data` that say the residual error: one number where all outputs share it, otherwise one for each
    sample; None what no relation of these conventions reads.

    **Arguments:** `errors` by output; `outputs` the output of each sample, padding included.
    """
    known = conventions(errors)
    which = [known.index(error.convention) for error in errors]

    def by_sample(values: list[float]) -> Any:
        return np.float64(values[0]) if len(set(values)) == 1 else np.array([values[i] for i in outputs])

    return {
        "additive": by_sample([error.additive_mg_L for error in errors]),
        "proportional": by_sample([error.proportional for error in errors]),
        "exponent": by_sample([error.exponent for error in errors]) if POWER in known else None,
        "nu": by_sample([error.nu or 0.0 for error in errors]) if errors[0].nu is not None else None,
        "convention": np.array([which[i] for i in outputs], dtype=np.int32) if len(known) > 1 else None,
    }


def departures(prior_weight: float = 1.0, fixed: Sequence[str] = ()) -> tuple[Notice, ...]:
    """How the population that is used departs from the card's."""
    found: list[Notice] = []
    if prior_weight != 1.0:
        found.append(Notice("prior-weighted", f"The population counts {prior_weight:g} times as much as published."))
    if fixed:
        named = ", ".join(dict.fromkeys(fixed))
        found.append(
            Notice("effects-fixed", f"Held at 0, as if the card did not have it: the random effect on {named}.")
        )
    return tuple(found)
