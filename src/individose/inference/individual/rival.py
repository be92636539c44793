"""A second optimum, for people: which parameters it has, and how far it is from being the best."""

from __future__ import annotations

import math

import jax
import numpy as np

from individose.inference.individual.restarts import Other
from individose.inference.predictions import individual_draws
from individose.inference.problem import Problem

NAMED = 3
"""Parameters that are named, those that differ most first."""

DIFFERS = 0.1
"""Relative difference from which a parameter is worth naming."""

NOT_COVERED = "The interval around this estimate does not cover it."


def second(problem: Problem, eta: np.ndarray, other: Other) -> str:
    """The sentence that says what the second optimum is, beside the best one at `eta`."""
    found = jax.device_get(individual_draws(problem.likelihood, np.stack([eta, other.eta]), problem.now))
    apart = {name: _apart(*values) for name, values in found.items()}
    order = sorted((name for name in apart if apart[name] > DIFFERS), key=lambda name: -apart[name])[:NAMED]
    shown = ", ".join(
        f"{name} {found[name][1]:.3g}{_unit(problem, name)} (here {found[name][0]:.3g})" for name in order
    )
    with_them = f" with {shown}" if shown else ", which differs in the effects of earlier occasions"
    return (
        f"Another set of parameters explains the levels nearly as well: a second optimum{with_them}; its objective is "
        f"{other.gap:.2g} higher."
    )


def _apart(here: float, there: float) -> float:
    """Relative difference, alike in both directions."""
    if here > 0.0 and there > 0.0:
        return abs(math.log(here / there))
    return abs(here - there) / max(abs(here), abs(there), 1e-300)


def _unit(problem: Problem, name: str) -> str:
    unit = problem.units.get(name, "1")
    return "" if unit == "1" else f" {unit}"
