"""Ratios of pint units and their names in UCUM: what dimensional analysis needs beyond the border's `factor`."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

from individose.base.units import registry

Unit = Any
"""A pint unit; pint's own types differ between a unit and a product of units."""


def pure() -> Unit:
    """The unit of a pure number."""
    return registry().dimensionless


def ucum(found: Unit) -> str:
    """A pint unit in UCUM's manner: `L/h/kg`."""
    special = {"day": "d", "week": "wk", "year": "a", "month": "mo", "percent": "%", "degree_Celsius": "Cel"}
    above: list[str] = []
    below: list[str] = []
    for name, power in found._units.items():
        short = special.get(name) or f"{registry().Unit(name):~}".replace("µ", "u")
        short = short[:-1] + "L" if name.endswith("liter") else short
        (above if power > 0 else below).append(short + ("" if abs(power) == 1 else f"{abs(power):g}"))
    return ".".join(above or ["1"]) + "".join(f"/{one}" for one in below)


def through_moles(found: Unit, target: Unit, molar_mass_g_mol: float) -> float | None:
    """The factor between two units that differ by mol against g, by the molar mass; None when they do not."""
    per_mole = registry().Unit("g/mol")
    to_mass = ratio(found * per_mole, target)
    if to_mass is not None:
        return to_mass * molar_mass_g_mol
    to_moles = ratio(found / per_mole, target)
    return None if to_moles is None else to_moles / molar_mass_g_mol


@lru_cache(maxsize=1024)
def ratio(found: Unit, target: Unit) -> float | None:
    """The factor between two units; None for different dimensions, NaN for shifted scales (Celsius, Kelvin)."""
    import pint

    if not found.is_compatible_with(target):
        return None
    try:
        offset = float(registry().Quantity(0.0, found).to(target).magnitude)
        scale = float(registry().Quantity(1.0, found).to(target).magnitude)
    except pint.errors.OffsetUnitCalculusError:
        return math.nan
    if offset != 0.0:
        return math.nan
    # pint multiplies powers of ten in floating point: 60/1000 may come out one unit in the last place off
    decimal = float(f"{scale:.12g}")
    return decimal if abs(decimal - scale) <= 8 * math.ulp(scale) else scale
