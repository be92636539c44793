"""A number with its uncertainty."""

from __future__ import annotations

from dataclasses import dataclass


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
