"""The estimates of a table as a table: one row for each patient, those refused among them with the reason."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from individose.base.errors import InputError

if TYPE_CHECKING:
    from individose.app.actions.estimate import CaseResult
    from individose.inference import Estimate

FIRST = ("ID", "card", "method", "status", "levels", "objective")
LAST = ("model", "weight", "notices")
"""`model` (or group of a mixture) weighs most in an average, with its `weight`; `notices` are codes with their grades."""


def write_ward(file: str, found: Sequence[CaseResult], refused: Sequence[Any]) -> None:
    """Parameters, effects and exposure at steady state with the ends of their intervals, units in the headings, to the last
    digit; empty where there is none. A patient who was refused has the status `refused` and the reason in `notices`.

    **Raises:** `InputError` for a path that cannot be written.
    """
    rows = [_row(one) for one in found]
    columns = list(dict.fromkeys(name for row in rows for name in row if name not in (*FIRST, *LAST)))
    everyone = [*rows, *({"ID": one.id, "status": "refused", "notices": str(one.error)} for one in refused)]
    try:
        with Path(file).open("w", newline="", encoding="utf-8") as out:
            writer = csv.DictWriter(out, (*FIRST, *columns, *LAST), restval="")
            writer.writeheader()
            writer.writerows(everyone)
    except OSError as error:
        raise InputError(
            f"the table cannot be written to {file}: {error.strerror or error}",
            "a path that can be written",
            remedy="Choose another one.",
        ) from error


def _row(one: CaseResult) -> dict[str, Any]:
    fit = one.fit
    row: dict[str, Any] = {
        "ID": fit.id,
        "card": one.card.id,
        "method": fit.method,
        "status": fit.status.code,
        "levels": len(one.levels),
        "objective": _cell(fit.objective),
        "notices": "; ".join(f"{n.grade} {n.code}" for n in one.warnings),
    }
    if one.compared:
        heaviest = max(one.compared, key=lambda row: row.weight or 0.0)
        row |= {"model": heaviest.label, "weight": _cell(heaviest.weight)}
    row |= _intervals(one.parameters)
    row |= {f"eta {name}": _cell(float(eta)) for name, eta in zip(fit.problem.effects, fit.eta, strict=True) if name}
    return row | _intervals(one.exposure)


def _intervals(estimates: Mapping[str, Estimate]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, one in estimates.items():
        unit = "" if one.unit == "1" else f" ({one.unit})"
        found |= {
            f"{name}{unit}": _cell(one.value),
            f"{name} low{unit}": _cell(one.low),
            f"{name} high{unit}": _cell(one.high),
        }
    return found


def _cell(value: float | None) -> float | str:
    return "" if value is None or not math.isfinite(value) else value
