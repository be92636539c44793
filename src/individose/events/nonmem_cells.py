"""One cell of a NONMEM-style table: a number, a whole number, or missing; and the errors that name its line."""

from __future__ import annotations

import math

from individose.base.errors import InputError

MISSING = frozenset(("", ".", "NA", "na", "NaN", "nan", "NAN"))


def number(cell: str, column: str, line: int) -> float | None:
    """The finite number in `cell`, or None where it is missing.

    **Raises:** `InputError` for text and for infinite numbers.
    """
    if cell in MISSING:
        return None
    try:
        value = float(cell)
    except ValueError:
        raise _not_a_number(cell, column, line) from None
    if "_" in cell:  # Python reads 1_000 as a thousand; no table means that
        raise _not_a_number(cell, column, line)
    if not math.isfinite(value):
        raise InputError(
            f"{column} is {cell} on line {line}",
            "a number is finite",
            "nothing can be computed from an infinite one",
            "Correct the cell, or write . for a missing value.",
        )
    return value


def whole(cell: str, column: str, line: int, allowed: tuple[int, ...] = ()) -> int | None:
    """The whole number in `cell`, one of `allowed` if any are named, or None where it is missing."""
    value = number(cell, column, line)
    if value is None:
        return None
    if value != int(value) or (allowed and int(value) not in allowed):
        choice = ", ".join(str(item) for item in allowed) if allowed else "a whole number"
        raise InputError(
            f"{column} is {cell} on line {line}",
            f"{column} is {choice}",
            "NONMEM's data items",
            "Correct the cell, or write . where it does not apply.",
        )
    return int(value)


def refused(line: int, arrived: str, allowed: str, because: str, remedy: str) -> InputError:
    """An `InputError` whose first beat ends with the line."""
    return InputError(f"{arrived} on line {line}", allowed, because, remedy)


def _not_a_number(cell: str, column: str, line: int) -> InputError:
    because, remedy = "text cannot be computed with", "Correct the cell, or write . for a missing value."
    if column == "TIME" and ":" in cell:
        because, remedy = (
            "clock times need a date and a start",
            "Turn dates and clock times into hours from a common start.",
        )
    elif cell[0] in "<>" or cell.upper() in ("BLQ", "BQL", "BLOQ", "LLOQ", "LOQ"):
        because = "a level below the limit of quantification is known by that limit"
        remedy = (
            "Write the limit as the level and mark the row in a CENS column (1 below, -1 above), or add an LLOQ column."
        )
    elif "," in cell:
        because, remedy = (
            "a comma can mean a decimal or thousands",
            "Write decimals with a point, and no thousands mark.",
        )
    return InputError(f"{column} is '{cell}' on line {line}", "it must be a number", because, remedy)
