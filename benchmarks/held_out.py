"""The figures of docs/cluster-newton.md, from the data that the paper used; they lie beside the checkout, not in it.

python -m benchmarks.held_out        writes docs/results/cluster-newton.json, dated
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

import individose as ido
from individose.app.actions.archive import build
from individose.app.actions.held_out import sparse
from individose.app.actions.leave_one_out import (
    DEFAULT,
    RECIPES,
    LeaveOneOut,
    bands,
    errors,
    hold,
    hold_external,
    leave_one_out,
    middle,
    run,
)  # fmt: skip
from individose.app.schemas.held_out import as_data
from individose.events import scan_nonmem

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "reference" / "datasets"
RESULT = ROOT / "docs" / "results" / "cluster-newton.json"
HORIZON_H = 100 / 60
MINUTES = (1, 2, 3, 4, 5, 6, 8, 10)
SIZES = (10, 20, 40)
NO_ROWS = ("archive median, no sample",)


def patients(name: str) -> Any:
    """Subjects of one of the two tables."""
    units = {"TIME": "min", "RATE": "mg/min"}
    return scan_nonmem(str(DATA / name), units=units, ignore=["STUDY", "M1F2", "A1V2", "OPIOID", "HT"]).subjects


def main() -> None:
    card, dyck = ido.card("propofol/yang2019"), patients("propofol_dyck1992.csv")
    held = hold(card, dyck, horizon_h=HORIZON_H)
    found: dict[str, Any] = {"date": date.today().isoformat(), "card": card.id, "patients": held.all.count}
    one = leave_one_out(held, (3 / 60,))
    found["one"] = as_data(one)
    found["scatter"] = scatter(one)
    save(found)
    found["two"] = as_data(leave_one_out(held, (3 / 60, 10 / 60)))
    save(found)
    found["minutes"] = [[m, *_mean(held, (m / 60,))] for m in MINUTES]
    save(found)
    archive = build(card, dyck).archive
    outside = hold_external(card, archive, patients("propofol_schnider1998.csv"), horizon_h=59 / 60)
    rows = ("MAP, population of the archive", "Bayes over the archive's curves", "archive median, no sample")
    found["external"] = {
        name: as_data(leave_one_out(outside, times, only=rows))
        for name, times in (("one", (3 / 60,)), ("two", (3 / 60, 10 / 60)))
    }
    save(found)
    found["sizes"] = [[size, *_sized(card, dyck, size)] for size in SIZES]
    found["sizes"].append([held.all.count - 1, *_mean(held, (3 / 60,))])
    save(found)


def scatter(found: LeaveOneOut) -> dict[str, list[list[float]]]:
    """Truth, estimate and calibrated interval of peak and area; patients in no order that names them."""
    order = np.argsort(found.truth[:, 0])
    rows = {}
    for name, k in (("peak", 0), ("auc", 3)):
        columns = (found.truth[:, k], found.figures[:, k], found.bands.low[:, k], found.bands.high[:, k])
        rows[name] = [[float(f"{x:.4g}") for x in row] for row in np.stack(columns, axis=1)[order]]
    return rows


def _mean(held: Any, times: tuple[float, ...]) -> list[float]:
    """Errors of peak and area, mean of the four, and calibrated coverage of peak and area, of the default method."""
    problems = [sparse(p, times) for p in held.all.problems]
    points = run(held, RECIPES[DEFAULT], problems)
    away = errors(middle(points, literal=False), held.truth)
    hold_ = bands(points, held.truth, 0.9).calibrated
    return [float(away[:, 0].mean()), float(away[:, 3].mean()), float(away.mean()), hold_[0], hold_[3]]


def _sized(card: Any, dyck: Any, size: int) -> list[float]:
    """The same from archives of `size` patients drawn for each patient."""
    generator = np.random.default_rng(size)
    count = len(dyck)
    known = np.zeros((count, count))
    for j in range(count):
        known[j, generator.choice(np.delete(np.arange(count), j), size, replace=False)] = 1.0
    return _mean(hold(card, dyck, horizon_h=HORIZON_H, known=known), (3 / 60,))


def save(found: dict[str, Any]) -> None:
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(_rounded(found), indent=1) + "\n", encoding="utf-8")


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, dict):
        return {k: _rounded(v) for k, v in value.items()}
    return [_rounded(v) for v in value] if isinstance(value, list) else value


if __name__ == "__main__":
    main()
