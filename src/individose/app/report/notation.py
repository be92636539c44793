"""How numbers, units, times and names are written for people; what is not finite is never printed as a number."""

from __future__ import annotations

import math

from individose.inference import Estimate

ABSENT = "–"
"""Stands where there is no number."""

SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def number(value: float, digits: int = 3) -> str:
    """`value` to `digits` significant digits, in full between 1e-4 and 1e6; digits before the point are all kept."""
    if not math.isfinite(value):
        return ABSENT
    if value == 0.0:
        return "0"
    rounded = float(f"{value:.{digits - 1}e}")
    exponent = math.floor(math.log10(abs(rounded)))
    if not -4 <= exponent < 6:
        mantissa, _, power = f"{value:.{digits - 1}e}".partition("e")
        return f"{mantissa} × 10{str(int(power)).translate(SUPERSCRIPTS)}".replace("-", "−")
    return f"{value:.{max(digits - 1 - exponent, 0)}f}".replace("-", "−")


def given(value: float) -> str:
    """A number as it was recorded, to 6 digits, without zeros that nobody wrote."""
    return f"{value:.6g}".replace("-", "−") if math.isfinite(value) else ABSENT


def between(low: float, high: float, digits: int = 3) -> str:
    """An interval, or the sign of absence when an end is not finite."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return ABSENT
    return f"{number(low, digits)} to {number(high, digits)}"


def interval(estimate: Estimate, digits: int = 3) -> str:
    """The interval of an estimate."""
    return between(estimate.low, estimate.high, digits)


def with_interval(estimate: Estimate, digits: int = 3) -> str:
    """Value and interval in one cell: 25.8 (19.9 to 33.3)."""
    if not math.isfinite(estimate.value):
        return ABSENT
    return f"{number(estimate.value, digits)} ({interval(estimate, digits)})"


def percent(probability: float) -> str:
    """A probability in whole percent; draws cannot show certainty, so the ends read < 1 and > 99."""
    if not math.isfinite(probability):
        return ABSENT
    shown = f"{100.0 * probability:.0f}"
    return {"0": "< 1", "100": "> 99"}.get(shown, shown)


def unit(code: str) -> str:
    """A UCUM code as people write it: mg·h/L, nothing for a pure number."""
    return "" if code == "1" else code.replace("{1.73_m2}", "1.73 m²").replace("m2", "m²").replace(".h", "·h")


def headed(what: str, code: str) -> str:
    """A column's heading with its unit."""
    shown = unit(code)
    return f"{what} ({shown})" if shown else what


def plain(text: str) -> str:
    """Text from outside with every control character replaced: a terminal must not obey it, and SVG may not hold it."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
