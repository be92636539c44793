"""Covariate columns of a NONMEM-style table: which covariate of the register, its unit, values within human limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from individose.base.errors import InputError, UnitError
from individose.base.units import factor
from individose.drugs.registers import Covariate
from individose.events.nonmem_cells import number, refused
from individose.events.records import Number

Register = Mapping[str, Covariate]
"""Covariates by canonical name, as `individose.drugs.registers.covariates()` gives them."""

OCCASION = Covariate("occasion", "continuous", "1", "number of the dosing period", aliases=("OCC",))
"""What OCC holds, for variability between occasions; known whatever the register holds."""

TRUE, FALSE = frozenset(("1", "true", "yes", "y")), frozenset(("0", "false", "no", "n"))

PRINTED_UNITS = (
    "g", "kg", "[lb_av]", "m", "cm", "[in_i]", "mg/dL", "g/dL", "umol/L", "mmol/L", "mg/L", "g/L", "mL/min", "L/h",
    "d", "wk", "mo", "a", "1", "%",
)  # fmt: skip
"""Units that laboratories and charts print, the likelier first: what a value beyond human limits may be in."""

MISSING_CODES = frozenset((-9.0, -99.0, -999.0, 99.0, 999.0, 9999.0))


def index(register: Register) -> dict[str, Covariate]:
    """Entries by canonical name and alias, in capitals."""
    entries = (OCCASION, *register.values())
    return {spelling.upper(): entry for entry in entries for spelling in (entry.name, *entry.aliases)}


@dataclass(frozen=True)
class CovariateColumn:
    """One covariate's column: its place, its name as printed, the factor to the register's unit, and its codes."""

    entry: Covariate
    label: str
    position: int
    unit: str
    factor: float
    codes: Mapping[str, str]

    @property
    def has_unit(self) -> bool:
        return self.entry.kind == "continuous" and self.entry.unit != "1"

    def value(self, cell: str, line: int) -> Number:
        """The value of a cell that is not missing: a number in the register's unit, 0 or 1, or a label of the register.

        **Raises:** `InputError` for text in place of a number, a number beyond human limits, an unknown label or code.
        """
        if self.entry.kind == "category":
            return self._label(cell, line)
        if self.entry.kind == "boolean":
            return self._truth(cell, line)
        value = (number(cell, self.label, line) or 0.0) * self.factor
        low, high = self.entry.low, self.entry.high
        if (low is not None and value < low) or (high is not None and value > high):
            raise self._beyond(cell, value, line)
        return value

    def _label(self, cell: str, line: int) -> str:
        label = self.entry.label(self.codes.get(cell, cell))
        if label is not None:
            return label
        example = ", ".join(f'"{code}": "{label}"' for code, label in enumerate(self.entry.values))
        raise refused(
            line,
            f"{self.label} is '{cell}'",
            f"{self.entry.name} is {', '.join(self.entry.values)}",
            "codes of categories differ from table to table, so none is guessed",
            f'Say what the codes mean, as in codes={{"{self.label}": {{{example}}}}}.',
        )

    def _truth(self, cell: str, line: int) -> float:
        text = self.codes.get(cell, cell).lower().removesuffix(".0")
        if text in TRUE or text in FALSE:
            return 1.0 if text in TRUE else 0.0
        raise refused(
            line,
            f"{self.label} is '{cell}'",
            f"{self.entry.name} is 1 or 0, yes or no",
            "register of covariates",
            "Correct it.",
        )

    def _beyond(self, cell: str, value: float, line: int) -> InputError:
        entry, plain = self.entry, float(cell)
        shown = (
            f"{value:g} {entry.unit}"
            if self.unit == entry.unit
            else f"{cell} {self.unit}, that is {value:g} {entry.unit},"
        )
        fitting = next(
            (
                unit
                for unit, to_register in _other_units(entry.unit, entry.molar_mass_g_mol)
                if unit != self.unit and (entry.low or 0.0) <= plain * to_register <= (entry.high or 0.0)
            ),
            None,
        )
        if plain in MISSING_CODES and fitting is None:
            remedy = f"{cell} often marks a missing value: write . for one."
        elif fitting:
            remedy = f'It looks like {fitting}: if it is, read the table with units={{"{self.label}": "{fitting}"}}.'
        else:
            remedy = "Correct the cell."
        return refused(
            line,
            f"{self.label} ({entry.name}) is {shown}",
            " and ".join(
                part
                for part in (
                    f"{entry.name} is at least {entry.low:g} {entry.unit}" if entry.low is not None else "",
                    f"at most {entry.high:g} {entry.unit}" if entry.high is not None else "",
                )
                if part
            ),
            entry.source,
            remedy,
        )


def covariate_column(
    entry: Covariate, label: str, position: int, unit: str | None, codes: Mapping[str, str]
) -> CovariateColumn:
    """The column of `entry`, in `unit` (UCUM) or, for None, in the unit of the register.

    **Raises:** `UnitError` for a unit that cannot be converted by a factor, `InputError` for codes that name no value.
    """
    unit = unit or entry.unit
    if unit != entry.unit and (entry.kind != "continuous" or entry.unit == "Cel"):  # degrees differ by an offset too
        raise UnitError(
            f"{label} ({entry.name}) was given in {unit}",
            f"it is read in {entry.unit} only" if entry.unit == "Cel" else f"{entry.name} has no unit",
            "register of covariates",
            "Convert the column." if entry.unit == "Cel" else "Leave the unit out.",
        )
    unknown = [value for value in codes.values() if entry.kind == "category" and entry.label(value) is None]
    if unknown:
        raise InputError(
            f"the codes of {label} name '{unknown[0]}'",
            f"{entry.name} is {', '.join(entry.values)}",
            "register of covariates",
            "Correct the codes.",
        )
    return CovariateColumn(entry, label, position, unit, factor(unit, entry.unit, label, entry.molar_mass_g_mol), codes)


@lru_cache(maxsize=64)
def _other_units(unit: str, molar_mass_g_mol: float | None) -> tuple[tuple[str, float], ...]:
    """Printed units that convert to `unit`, each with its factor."""
    found: list[tuple[str, float]] = []
    for other in PRINTED_UNITS if unit != "1" else ():
        try:
            found.append((other, factor(other, unit, "value", molar_mass_g_mol)))
        except UnitError:
            continue
    return tuple(found)
