"""Units at the border: UCUM codes in, canonical numbers out.

Inside individose a time is in h, an amount in mg, a volume in L, a concentration in mg/L. Every number that comes
with another unit is converted once, where it enters. Codes are UCUM (https://ucum.org); pint does the arithmetic.
Codes listed in `UCUM_TO_PINT` are known without loading the UCUM grammar (1 s of start-up); all others go through
ucumvert. A test holds the table against ucumvert.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, cast

from individose.base.errors import UnitError

CANONICAL = {"time": "h", "amount": "mg", "volume": "L", "concentration": "mg/L", "rate": "mg/h"}

UCUM_TO_PINT = {
    "1": "", "%": "percent",
    "s": "s", "min": "min", "h": "h", "d": "day", "wk": "week", "mo": "month", "a": "year",
    "kg": "kg", "g": "g", "mg": "mg", "ug": "ug", "ng": "ng", "pg": "pg",
    "L": "L", "dL": "dL", "mL": "mL", "uL": "uL",
    "m": "m", "cm": "cm", "m2": "m**2", "[in_i]": "inch", "[lb_av]": "pound",
    "mol": "mol", "mmol": "mmol", "umol": "umol", "nmol": "nmol", "pmol": "pmol",
    "mg/L": "mg/L", "ug/L": "ug/L", "ng/L": "ng/L", "ug/mL": "ug/mL", "ng/mL": "ng/mL", "pg/mL": "pg/mL", "g/L": "g/L",
    "mg/dL": "mg/dL", "g/dL": "g/dL", "mg/mL": "mg/mL",
    "umol/L": "umol/L", "nmol/L": "nmol/L", "pmol/L": "pmol/L", "mmol/L": "mmol/L",
    "L/h": "L/h", "mL/min": "mL/min", "L/min": "L/min", "L/d": "L/day", "mL/h": "mL/h",
    "L/kg": "L/kg", "L/h/kg": "L/h/kg", "mL/min/kg": "mL/min/kg", "mg/kg": "mg/kg", "mg/kg/d": "mg/kg/day",
    "1/h": "1/h", "/h": "1/h", "1/min": "1/min", "1/d": "1/day",
    "mg/h": "mg/h", "mg/min": "mg/min", "ug/h": "ug/h", "mg/d": "mg/day", "ug/d": "ug/day",
    "mg.h/L": "mg*h/L", "kg/m2": "kg/m**2", "g/mol": "g/mol",
}  # fmt: skip
"""UCUM code to pint expression, for the codes the field uses most."""


OWN_UNITS = ("international_unit = [international_unit]", "equivalents = mole", "_10 = 10")
"""Units of UCUM that pint lacks. An international unit is a dimension of its own: it never turns into a mass by itself."""


@lru_cache(maxsize=1)
def registry() -> Any:
    """The pint registry (`pint.UnitRegistry`, partly untyped), made on first use; pint caches its definitions."""
    import pint

    try:
        made = cast(Any, pint.UnitRegistry(cache_folder=":auto:"))
    except OSError:  # no writable home: parse the definitions every time
        made = cast(Any, pint.UnitRegistry())
    for definition in OWN_UNITS:
        made.define(definition)
    return made


@lru_cache(maxsize=1)
def _ucum_registry() -> Any:
    import ucumvert  # pyright: ignore[reportMissingTypeStubs]

    return ucumvert.PintUcumRegistry()


@lru_cache(maxsize=512)
def unit(code: str) -> Any:
    """The pint unit (`pint.Unit`) of a UCUM code.

    **Raises:** `UnitError` for a code that UCUM does not know.
    """
    if code in UCUM_TO_PINT:
        return registry().parse_units(UCUM_TO_PINT[code])
    try:
        found = _ucum_registry().from_ucum(code)
        return registry().parse_units(f"{found.units}") if found.magnitude == 1 else _scaled(code, found)
    except UnitError:
        raise
    except Exception as error:  # the UCUM grammar raises its parser's own errors
        raise UnitError(
            f"the unit '{code}' is not a UCUM code",
            "units are written in UCUM, as in mg/L, ug/mL, mL/min, kg, d",
            remedy="Write the unit in UCUM; individose never guesses one.",
        ) from error


def _scaled(code: str, found: Any) -> Any:
    raise UnitError(
        f"the unit '{code}' contains a number ({found.magnitude:g})",
        "a unit must be a product of plain units",
        remedy="Put the number into the value, or use an annotation as in mL/min/{1.73_m2}.",
    )


@lru_cache(maxsize=2048)
def factor(arrived: str, wanted: str, what: str = "value", molar_mass_g_mol: float | None = None) -> float:
    """The number that turns a value in `arrived` into one in `wanted`; exactly 1.0 for equal codes.

    **Arguments:** two UCUM codes; `what` names the quantity in the error; `molar_mass_g_mol` (g/mol) lets mol and
    g be exchanged.

    **Raises:** `UnitError` when a code is unknown or the dimensions differ.
    """
    if arrived == wanted:
        return 1.0
    one, target = registry().Quantity(1.0, unit(arrived)), unit(wanted)
    if not (one._is_multiplicative and registry().Quantity(1.0, target)._is_multiplicative):
        raise UnitError(
            f"{what} was given in {arrived}",
            f"it must be in {wanted}",
            "a unit with an offset is not converted by a factor",
            f"Convert it to {wanted} first.",
        )
    if one.is_compatible_with(target):
        return float(one.to(target).magnitude)
    if molar_mass_g_mol is not None:
        mass_per_mole = registry().Quantity(molar_mass_g_mol, "g/mol")
        for exchanged in (one * mass_per_mole, one / mass_per_mole):
            if exchanged.is_compatible_with(target):
                return float(exchanged.to(target).magnitude)
    raise UnitError(
        f"{what} was given in {arrived}",
        f"it must be convertible to {wanted}",
        f"{arrived} has dimension {one.dimensionality}, {wanted} has {registry().get_dimensionality(target)}",
        "Check the unit; a molar unit needs the molar mass of the drug, which its card gives."
        if "mol" in arrived + wanted
        else "Check the unit of this value.",
    )


def convert(
    value: float, arrived: str, wanted: str, what: str = "value", molar_mass_g_mol: float | None = None
) -> float:
    """`value` in `arrived`, expressed in `wanted` (UCUM codes); see `factor`."""
    return value * factor(arrived, wanted, what, molar_mass_g_mol)
