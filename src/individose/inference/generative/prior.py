"""Priors as data: a family, its numbers, a unit and a reason, which a report can print and a model can use.

A gamma prior says in words whether its second number is a rate or a scale: published pages often do not, and the two
differ by the square of that number in the mean.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from individose.base import InputError

Family = Literal["gamma", "inverse_gamma", "half_normal", "log_normal", "beta"]

NUMBERS: Mapping[str, tuple[str, ...]] = {
    "gamma": ("shape", "rate"),
    "inverse_gamma": ("shape", "scale"),
    "half_normal": ("scale",),
    "log_normal": ("median", "log_sd"),
    "beta": ("a", "b"),
}
"""What the numbers of each family are."""


@dataclass(frozen=True)
class Prior:
    """One prior distribution of a positive quantity.

    **Arguments:** `numbers` in the order of `NUMBERS[family]`; `unit` (UCUM) of the quantity, which is also the unit in
    which it is sampled; `why` says where the numbers come from.

    **Raises:** `InputError` for an unknown family, or a number that is not above 0.
    """

    family: Family
    numbers: tuple[float, ...]
    unit: str
    why: str = ""

    def __post_init__(self) -> None:
        wanted = NUMBERS.get(self.family)
        if wanted is None:
            raise InputError(
                f"a prior of the family '{self.family}' was given",
                f"one of {', '.join(NUMBERS)}",
                "the families of positive quantities that the models know",
                "Choose one of these.",
            )
        if len(self.numbers) != len(wanted) or not all(math.isfinite(x) and x > 0 for x in self.numbers):
            raise InputError(
                f"a {self.family} prior was given {', '.join(f'{x:g}' for x in self.numbers) or 'no numbers'}",
                f"it takes {' and '.join(wanted)}, above 0",
                "an improper prior cannot be drawn from or calibrated",
                "For a prior close to 1/x take gamma(0.1, rate=0.01).",
            )

    @property
    def distribution(self) -> Any:
        """The same as a frozen distribution of scipy: means, quantiles."""
        from scipy import stats

        a, b = self.numbers[0], self.numbers[-1]
        makers = {
            "gamma": lambda: stats.gamma(a, scale=1.0 / b),
            "inverse_gamma": lambda: stats.invgamma(a, scale=b),
            "half_normal": lambda: stats.halfnorm(scale=a),
            "log_normal": lambda: stats.lognorm(b, scale=a),
            "beta": lambda: stats.beta(a, b),
        }
        return makers[self.family]()

    @property
    def sentence(self) -> str:
        """For a report: "gamma(shape 1, rate 5), mean 0.2 1/d, 90 % between 0.0103 and 0.599 1/d: days to months"."""
        said = ", ".join(f"{name} {x:g}" for name, x in zip(NUMBERS[self.family], self.numbers, strict=True))
        low, high = self.distribution.ppf([0.05, 0.95])
        mean = float(self.distribution.mean())
        unit = "" if self.unit == "1" else f" {self.unit}"
        middle = f"mean {mean:.3g}{unit}, " if math.isfinite(mean) else ""
        why = f": {self.why}" if self.why else ""
        return f"{self.family}({said}), {middle}90 % between {low:.3g} and {high:.3g}{unit}{why}"


def gamma(shape: float, *, unit: str, rate: float | None = None, scale: float | None = None, why: str = "") -> Prior:
    """Gamma by its shape and either its rate or its scale (rate = 1 / scale); mean shape / rate = shape * scale.

    **Raises:** `InputError` unless exactly one of rate and scale is given.
    """
    if (rate is None) == (scale is None):
        raise InputError(
            f"a gamma prior was given rate {rate} and scale {scale}",
            "exactly one of rate and scale",
            "the second number of a gamma is read both ways in the field",
            "Write gamma(1, scale=0.2, ...) for a mean of 0.2, or gamma(1, rate=0.2, ...) for one of 5.",
        )
    return Prior("gamma", (shape, rate if rate is not None else 1.0 / float(scale or math.nan)), unit, why)


def inverse_gamma(shape: float, scale: float, *, unit: str, why: str = "") -> Prior:
    """Inverse gamma: long upper tail, small values suppressed; mean scale / (shape - 1)."""
    return Prior("inverse_gamma", (shape, scale), unit, why)


def half_normal(scale: float, *, unit: str, why: str = "") -> Prior:
    """The upper half of a normal around 0."""
    return Prior("half_normal", (scale,), unit, why)


def log_normal(median: float, log_sd: float, *, unit: str, why: str = "") -> Prior:
    """Log-normal by its median and the SD of its logarithm."""
    return Prior("log_normal", (median, log_sd), unit, why)


def beta(a: float, b: float, *, why: str = "") -> Prior:
    """Beta, for a share."""
    return Prior("beta", (a, b), "1", why)


def near_reference(unit: str) -> Prior:
    """A proper prior close to the reference prior 1/sigma: gamma with shape 1/10 and rate 1/100."""
    return gamma(0.1, rate=0.01, unit=unit, why="close to the reference prior 1/sigma, and proper")
