"""The estimates of a table as a table: one row for each patient, those refused among them with the reason."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from individose.base.errors import InputError

if TYPE_CHECKING:
    from individose.app.actions.estimate import CaseResult
    from individose.inference import Estimate

FIRST = ("ID", "card", "method", "status", "levels", "objective")
LAST = ("average", "heaviest", "weight", "notices")
"""Of an average its rule, and the model (or group of a mixture) that weighs most, which parameters and effects are of, with
its weight; `notices` are codes with their grades."""


def write_ward(file: str, found: Sequence[CaseResult], refused: Sequence[Any]) -> None:
    """Parameters, effects and exposure at steady state with the ends of their intervals, units in the headings, to the last
    digit; empty where there is none; of an average the exposure under each model too. Several methods of one patient have a
    row each. A patient who was refused has the status `refused` and the reason in `notices`.

    **Raises:** `InputError` for a path that cannot be written.
    """
    rows = [row for one in found for row in _rows(one)]
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


def _rows(one: CaseResult) -> list[dict[str, Any]]:
    """A row, or one for each of several methods."""
    if one.average is not None or not one.compared:
        return [_row(one)]
    each = [(row, row.fit) for row in one.compared if row.fit is not None]
    return [
        _row(replace(one, fit=fit, parameters=row.parameters, exposure=row.exposure, compared=())) for row, fit in each
    ]


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
    if one.average is not None:
        heaviest = max(one.compared, key=lambda row: row.weight or 0.0)
        row |= {"average": one.average.rule, "heaviest": heaviest.label, "weight": _cell(heaviest.weight)}
    row |= _intervals(one.parameters)
    row |= {f"eta {name}": _cell(float(eta)) for name, eta in zip(fit.problem.effects, fit.eta, strict=True) if name}
    row |= _intervals(one.exposure)
    models = [other for other in one.compared if other.weight is not None]
    return row | {
        f"{name} by {other.label} ({found.unit})": _cell(found.value)
        for name in one.exposure
        for other in models
        if (found := other.exposure.get(name)) is not None
    }


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
