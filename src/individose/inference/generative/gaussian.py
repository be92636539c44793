"""Model (a): one curve for all levels, which are normal around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from individose.inference.generative.model import AbstractGenerative, Symmetry, checked, levels, sampled, scatter
from individose.inference.generative.observations import Observations
from individose.inference.generative.prior import Prior


@dataclass(frozen=True)
class Gaussian(AbstractGenerative):
    """x_i ~ Normal(curve(t_i), sigma), every parameter with a prior of its own.

    **Arguments:** `parameters`: what the curve reads; `sigma`: prior of the SD, not used where the SDs are known; `order`:
    names from the lowest to the highest, to leave only one of several equal modes; `symmetry`: what changes places
    otherwise.
    """

    parameters: Mapping[str, Prior]
    sigma: Prior | None = None
    order: tuple[str, ...] = ()
    symmetry: Symmetry | None = None

    def __post_init__(self) -> None:
        checked(self.parameters, self.order, self.symmetry, "Gaussian")

    @property
    def priors(self) -> Mapping[str, Prior]:
        return {**self.parameters, **({"sigma": self.sigma} if self.sigma else {})}

    def program(self, seen: Observations, values: Any) -> None:
        p = sampled(self.parameters, self.order, self.symmetry)
        levels(seen.level_curves(p), scatter(self.sigma, seen), values)
