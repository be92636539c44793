"""One row of a NONMEM-style table as events: a dose, a level, a time to predict, a reset."""

from __future__ import annotations

import math
import re
from typing import Literal

from individose.base.errors import InputError
from individose.events.nonmem_cells import MISSING, number, refused, whole
from individose.events.nonmem_columns import Layout
from individose.events.nonmem_text import Cells
from individose.events.records import Dose, Level

DURATION_RTOL = 1e-6
"""How far DUR may be from AMT / RATE (relative): tables print few digits."""

NAME = re.compile(r"[A-Za-z_]\w*")

MOST_ADDITIONAL = 10_000
"""Additional doses of one record."""


def event_id(cells: Cells, layout: Layout, line: int) -> int:
    """EVID (0 to 4); where it is missing, 1 for an amount or a rate at steady state, 2 for MDV = 1, else 0."""
    where = layout.where
    if where["EVID"] >= 0:
        found = whole(cells[where["EVID"]], "EVID", line, (0, 1, 2, 3, 4))
        if found is not None:
            return found
    if _value(cells, layout, "AMT", line) or (
        _value(cells, layout, "RATE", line) and _value(cells, layout, "SS", line)
    ):
        return 1
    return 2 if _value(cells, layout, "MDV", line) == 1.0 else 0


def dose(cells: Cells, layout: Layout, line: int, time_h: float) -> Dose:
    """The dose of a row with EVID 1 or 4.

    **Raises:** `InputError` for an amount, rate, interval or code that makes no dose.
    """
    amount_mg = _value(cells, layout, "AMT", line)
    rate = _value(cells, layout, "RATE", line) or 0.0
    duration_h = _value(cells, layout, "DUR", line) or 0.0
    steady_state = _steady_state(cells, layout, line)
    interval_h = _value(cells, layout, "II", line) or 0.0
    additional = _whole(cells, layout, "ADDL", line)
    constant = steady_state > 0 and rate > 0.0 and not amount_mg
    if not constant and (amount_mg is None or amount_mg <= 0.0):
        raise refused(
            line,
            f"a dose record has {'no AMT' if amount_mg is None else f'AMT {amount_mg:g} mg'}",
            "an amount is above 0",
            "only a constant infusion (SS 1 or 2, RATE above 0) has none",
            "Enter the amount, or set EVID to 2 if nothing was given.",
        )
    if additional > MOST_ADDITIONAL:
        raise refused(
            line,
            f"a dose record has ADDL {additional}",
            f"ADDL is at most {MOST_ADDITIONAL}",
            "more would be a slip, and each is a dose of its own here",
            "Correct ADDL.",
        )
    if additional < 0 or interval_h < 0.0 or duration_h < 0.0:
        raise refused(
            line,
            f"a dose record has ADDL {additional}, II {interval_h:g} h, DUR {duration_h:g} h",
            "none of them is negative",
            "NONMEM's search for a steady state by ADDL below 0 is not supported",
            "Use SS=1 with II for a steady state.",
        )
    if (additional or (steady_state and not constant)) and interval_h == 0.0:
        raise refused(
            line,
            f"a dose record has {'ADDL ' + str(additional) if additional else 'SS ' + str(steady_state)} and no II",
            "a repeated dose needs the interval between two doses, II",
            "additional doses and the steady state follow from it",
            "Fill in II.",
        )
    if constant and (additional or interval_h):
        raise refused(
            line,
            f"a constant infusion has ADDL {additional} and II {interval_h:g} h",
            "both are 0",
            "it has no interval (NONMEM, ADDL data item)",
            "Enter the amount if it is an intermittent infusion.",
        )
    worn_h = _value(cells, layout, "WEAR", line) or 0.0
    if worn_h < 0.0 or (worn_h and (rate or duration_h or constant)):
        raise refused(
            line,
            f"a dose record has WEAR {worn_h:g} h, RATE {rate:g} and DUR {duration_h:g} h",
            "WEAR is 0 or more, and only of a dose without RATE and DUR",
            "a patch holds its dose when it is put on, and what is left when it is taken off after WEAR",
            "Correct WEAR, or leave it out for what is not taken off.",
        )
    modelled, duration_h = _input(line, amount_mg or 0.0, rate, duration_h, constant)
    return Dose(
        time_h,
        amount_mg or 0.0,
        duration_h,
        _compartment(cells, layout, line),
        interval_h,
        additional,
        steady_state,
        modelled,
        rate if constant else 0.0,
        "rate" if rate > 0.0 and not constant else "duration",
        worn_h,
    )


def level(cells: Cells, layout: Layout, line: int, time_h: float, *, observation: bool) -> Level:
    """The level of a row with EVID 0, or the time to predict of one with EVID 2 or MDV 1.

    **Raises:** `InputError` for an amount on such a row, a missing or negative level, a limit that is not positive.
    """
    amount_mg = _value(cells, layout, "AMT", line)
    if amount_mg:
        raise refused(
            line,
            f"EVID is {0 if observation else 2} and AMT {amount_mg:g} mg",
            "an amount stands on a dose record",
            "the dose would be lost (NONMEM, EVID data item)",
            "Set EVID to 1, or AMT to 0.",
        )
    analyte = _analyte(cells, layout)
    compartment = _compartment(cells, layout, line)
    value = _value(cells, layout, "DV", line)
    mdv = whole(cells[layout.where["MDV"]], "MDV", line, (0, 1)) if layout.where["MDV"] >= 0 else None
    limit = _value(cells, layout, "LLOQ", line)
    censoring: Literal["none", "below", "above"] = "none"
    if layout.where["CENS"] >= 0:
        code = whole(cells[layout.where["CENS"]], "CENS", line, (-1, 0, 1))
        censoring = layout.censoring[code or 0]
    elif value is not None and limit is not None and value < limit:
        censoring = "below"
    if censoring == "below" and limit is not None:
        value = limit
    if not observation or mdv == 1 or (mdv is None and value is None):
        return Level(time_h, math.nan, analyte, "none", False, compartment)
    if value is None:
        raise refused(
            line,
            "an observation (MDV 0) has no DV",
            "a measured level is a number",
            "MDV 0 says that it was measured",
            "Enter DV, or set MDV to 1 for a time at which only a prediction is wanted.",
        )
    if value < 0.0 or (value == 0.0 and censoring != "none"):
        raise refused(
            line,
            f"DV is {value:g} mg/L" + ("" if censoring == "none" else f" and marked as {censoring} the limit"),
            "a level is 0 or more, a limit above 0",
            "levels are concentrations, not their logarithms",
            "Correct DV; write . with MDV 1 for a missing level, or give the limit in DV with CENS=1.",
        )
    return Level(time_h, value, analyte, censoring, True, compartment)


def _input(
    line: int, amount_mg: float, rate: float, duration_h: float, constant: bool
) -> tuple[Literal["no", "rate", "duration"], float]:
    """Whether the card gives the input's rate or duration, and the duration (h) if not."""
    if constant:
        return "no", 0.0
    if rate == -1.0:
        return "rate", 0.0
    if rate == -2.0:
        return "duration", 0.0
    if rate < 0.0:
        raise refused(line, f"RATE is {rate:g}", "RATE is above 0, 0, -1 or -2", "NONMEM's data item", "Correct RATE.")
    if rate == 0.0:
        return "no", duration_h
    by_rate_h = amount_mg / rate
    if duration_h and abs(duration_h - by_rate_h) > DURATION_RTOL * by_rate_h:
        raise refused(
            line,
            f"RATE says that the infusion takes {by_rate_h:g} h and DUR {duration_h:g} h",
            "DUR is AMT / RATE",
            "both describe one infusion",
            "Correct one of them, or leave one out.",
        )
    return "no", duration_h or by_rate_h


def _value(cells: Cells, layout: Layout, column: str, line: int) -> float | None:
    """The number of a cell in the canonical unit; None where the column or the value is missing."""
    at = layout.where[column]
    if at < 0:
        return None
    value = number(cells[at], column, line)
    if value is None or (column == "RATE" and value < 0.0):  # -1 and -2 are codes, not rates
        return value
    return value * layout.factors.get(column, 1.0)


def _whole(cells: Cells, layout: Layout, column: str, line: int) -> int:
    at = layout.where[column]
    return 0 if at < 0 else whole(cells[at], column, line) or 0


def _steady_state(cells: Cells, layout: Layout, line: int) -> Literal[0, 1, 2]:
    at = layout.where["SS"]
    found = whole(cells[at], "SS", line, (0, 1, 2)) if at >= 0 else 0
    return 1 if found == 1 else 2 if found == 2 else 0


def _compartment(cells: Cells, layout: Layout, line: int) -> str | None:
    """`cmt<n>` for a number, the name itself for a name, None where it is missing or 0 (the default compartment)."""
    at = layout.where["CMT"]
    if at < 0 or cells[at] in MISSING or cells[at] == "0":
        return None
    if NAME.fullmatch(cells[at]):
        return cells[at]
    found = whole(cells[at], "CMT", line) or 0
    if found < 0:
        raise refused(
            line,
            f"CMT is {found}",
            "a compartment is 1 or more",
            "turning a compartment off (NONMEM, EVID 2) is not supported",
            "Leave the row out.",
        )
    return f"cmt{found}" if found else None


def _analyte(cells: Cells, layout: Layout) -> str | None:
    at = layout.where["DVID"]
    if at < 0 or cells[at] in MISSING:
        return None
    text = cells[at]
    return text[:-2] if text.endswith(".0") and text[:-2].isdigit() else text


def broken_row(cells: Cells, layout: Layout, line: int) -> InputError | None:
    """The error of a row that has not as many cells as the header."""
    if len(cells) == layout.width:
        return None
    return refused(
        line,
        f"{len(cells)} cells were found",
        f"the header has {layout.width}",
        "each cell belongs to the column above it",
        "Write . for a missing value, and quote text that holds the separator.",
    )
