"""Numbers in JSON, which has neither NaN nor infinity."""

from __future__ import annotations

import math
from collections.abc import Mapping


def figure(value: float) -> float | None:
    """The number, or None where it is not finite."""
    return float(value) if math.isfinite(value) else None


def figures(values: Mapping[str, float]) -> dict[str, float | None]:
    """The same for each of several numbers."""
    return {name: figure(value) for name, value in values.items()}
