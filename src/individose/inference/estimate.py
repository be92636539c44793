"""A number with its uncertainty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from individose.base import NumericalError


@dataclass(frozen=True)
class Estimate:
    """`value` in `unit` (UCUM) with the interval `low`..`high` that holds `level` of the probability."""

    value: float
    low: float
    high: float
    unit: str
    level: float = 0.9

    def __str__(self) -> str:
        shown = "" if self.unit == "1" else f" {self.unit}"
        return f"{self.value:.4g} ({self.low:.4g} to {self.high:.4g}){shown}"

    def as_dict(self) -> dict[str, float | str]:
        return {"value": self.value, "low": self.low, "high": self.high, "unit": self.unit, "level": self.level}


def estimated(values: np.ndarray, unit: str, level: float) -> Estimate:
    """The first value with the interval of the others (draws,); infinite ones count as such.

    **Raises:** `NumericalError` where a value could not be computed.
    """
    require_solved(values)
    how = "linear" if np.isfinite(values).all() else "nearest"
    low, high = np.quantile(values[1:], [0.5 - level / 2, 0.5 + level / 2], method=how)
    return Estimate(float(values[0]), float(low), float(high), unit, level)


def require_solved(values: np.ndarray, *, finite: bool = False) -> np.ndarray:
    """The values, none of which is NaN (nor infinite, if `finite`).

    **Raises:** `NumericalError`.
    """
    failed = int((~np.isfinite(values) if finite else np.isnan(values)).sum())
    if failed:
        raise NumericalError(
            f"{failed} of {np.size(values)} values could not be computed",
            "a finite value of each" if finite else "a value of each",
            "parameters or draws are extreme, there is no steady state, what is asked without end has none, differential "
            "equations could not be solved at these parameters, or more doses are under way at once than are remembered "
            "(savic_transit, weibull: 16)",
            "Check doses, units and levels, and whether the levels say anything about each parameter.",
        )
    return values
