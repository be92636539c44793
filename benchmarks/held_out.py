"""The figures of docs/cluster-newton.md, from the data that the paper used; they lie beside the checkout, not in it.

python -m benchmarks.held_out [PART ..]        writes docs/results/cluster-newton.json, dated
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import jax
import numpy as np

import individose as ido
from individose.app.actions.archive import build, fitted
from individose.app.actions.bands import quantile, scores
from individose.app.actions.curves import FIGURES
from individose.app.actions.held_out import Everyone, archives, full_fits, loose_fits, others, sparse
from individose.app.actions.leave_one_out import (
    DEFAULT,
    RECIPES,
    Held,
    LeaveOneOut,
    bands,
    calibrated,
    errors,
    hold,
    hold_external,
    leave_one_out,
    middle,
    run,
)  # fmt: skip
from individose.app.schemas.held_out import as_data
from individose.events import scan_nonmem
from individose.inference.cluster.damped import Damping, settled_ward
from individose.inference.cluster.estimators import units
from individose.inference.cluster.space import LEAST, Space

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "reference" / "datasets"
RESULT = ROOT / "docs" / "results" / "cluster-newton.json"
HORIZON_H = 100 / 60
ONE, TWO = (3 / 60,), (3 / 60, 10 / 60)
MINUTES = (1, 2, 3, 4, 5, 6, 8, 10)
SIZES = (10, 20, 40)
FOLDS = 10
LITERAL = ("CCN (threshold 5), to the letter", "CCN (20 nearest), to the letter")


def patients(name: str) -> Any:
    """Subjects of one of the two tables."""
    said = {"TIME": "min", "RATE": "mg/min"}
    return scan_nonmem(str(DATA / name), units=said, ignore=["STUDY", "M1F2", "A1V2", "OPIOID", "HT"]).subjects


def main(names: Sequence[str]) -> None:
    """All parts, or those named; what is stored of the others stays."""
    card, dyck = ido.card("propofol/yang2019"), patients("propofol_dyck1992.csv")
    held = hold(card, dyck, horizon_h=HORIZON_H)
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "protocol": lambda: protocol(held),
        "readings": lambda: {"readings": readings(held)},
        "minutes": lambda: {"minutes": [[m, *_mean(held, (m / 60,))] for m in MINUTES]},
        "nested": lambda: {"nested": nested(held)},
        "hill": lambda: {"hill": hill(dyck)},
        "external": lambda: {"external": external(held, dyck)},
        "sizes": lambda: {"sizes": [*([n, *_sized(held, n)] for n in SIZES), [held.all.count - 1, *_mean(held, ONE)]]},
    }
    stored = json.loads(RESULT.read_text(encoding="utf-8")) if names and RESULT.exists() else {}
    for name in names or parts:
        start = time.perf_counter()
        found = parts[name]()
        print(f"{name}: {time.perf_counter() - start:.0f} s")
        stored |= {"date": date.today().isoformat(), "card": card.id, "patients": held.all.count, **found}
        save(stored)


def protocol(held: Held) -> dict[str, Any]:
    """The paper's table, from one sample and from two."""
    one, two = leave_one_out(held, ONE), leave_one_out(held, TWO)
    return {"one": as_data(one), "two": as_data(two), "scatter": scatter(one), "truths": truths(held, one, two)}


def external(held: Held, dyck: Any) -> dict[str, Any]:
    """Patients of the other study, whose common archive is this one, with the intervals that this one's patients gave."""
    card = ido.card(held.all.problems[0].model)
    archive = build(card, dyck).archive
    outside = hold_external(card, archive, patients("propofol_schnider1998.csv"), horizon_h=59 / 60)
    rows = ("MAP, population of the archive", "Bayes over the archive's curves", "archive median, no sample")
    found: dict[str, Any] = {}
    for name, times in (("one", ONE), ("two", TWO)):
        found[name] = as_data(leave_one_out(outside, times, only=rows))
        known = calibrated(held, archive, times).calibration
        assert known is not None
        points = run(outside, RECIPES[DEFAULT], [sparse(p, times) for p in outside.all.problems])
        score: dict[str, np.ndarray] = dict(zip(FIGURES, scores(points, outside.truth, known.level).T, strict=True))
        found[name]["bands"]["archive"] = {k: float((score[k] <= more).mean()) for k, more in known.widen.items()}
    return found


def truths(held: Held, one: LeaveOneOut, two: LeaveOneOut) -> list[dict[str, Any]]:
    """The same estimates against other full fits: what least squares leave open, a weak prior decides."""
    everybody = held.all
    middle_of_all = np.mean([a.mean for a in held.archives], axis=0)
    typical = np.zeros_like(middle_of_all)
    kinds = {
        "SD 3 about the archive's mean (used here)": full_fits(everybody, middle_of_all),
        "SD 10 about the archive's mean": full_fits(everybody, middle_of_all, 10.0),
        "SD 3 about the card's typical patient": full_fits(everybody, typical),
        "SD 10 about the card's typical patient": full_fits(everybody, typical, 10.0),
        "population of all, as in the archive": np.asarray(fitted(list(everybody.problems)).etas),
    }
    rows: list[dict[str, Any]] = []
    for name, etas in kinds.items():
        truth = held.figures(etas[:, None])[:, 0]
        floor = dict(zip(FIGURES, np.nanmean(errors(truth, held.raw), axis=0).tolist(), strict=True))
        means = {method: float(errors(figures, truth).mean()) for method, figures in one.found.items()}
        rows.append(
            {"truth": name, "floor": floor, "one": means, "two": float(errors(two.found[DEFAULT], truth).mean())}
        )
    return rows


def readings(held: Held) -> list[dict[str, Any]]:
    """The paper's recipe from archives whose least squares were stopped elsewhere: where, it does not say."""
    everybody = held.all
    kinds = {
        **{f"logarithms, at most {x}-fold from typical": loose_fits(everybody, float(x)) for x in (20, 100, 1000)},
        "parameters, damped by the diagonal": plain_fits(everybody, scaled=True),
        "parameters, damped by the identity": plain_fits(everybody, scaled=False),
    }
    problems = [sparse(p, ONE) for p in everybody.problems]
    rows: list[dict[str, Any]] = []
    for name, etas in kinds.items():
        made = [
            replace(a, etas=etas[[k for k, p in enumerate(everybody.problems) if p.id in a.ids]]) for a in held.literal
        ]
        other = replace(held, literal=made)
        row: dict[str, Any] = {"archive": name, "extreme": int((np.abs(etas) > np.log(10.0)).any(axis=1).sum())}
        for recipe in LITERAL:
            points = run(other, RECIPES[recipe], problems)
            row[recipe] = [float(errors(middle(points, literal=mean), held.truth).mean()) for mean in (True, False)]
        rows.append(row)
    return rows


def plain_fits(of: Everyone, *, scaled: bool) -> np.ndarray:
    """Effects (patients, n) by plain Levenberg-Marquardt in the space of the parameters."""
    scale = units(of.problems[0])
    n, q = len(scale), of.count
    aims = of.aims._replace(sd=np.ones_like(of.aims.sd))
    space = Space(np.zeros(n), np.diag(1.0 / scale), np.full(n, LEAST - 1.0), np.full(n, np.inf))
    spaces = jax.tree.map(lambda x: np.broadcast_to(x, (q, *np.shape(x))), space)
    how = Damping(steps=400, tolerance=1e-6, scaled=scaled, raw=True)
    return np.asarray(settled_ward(of.likelihood, how, of.data, spaces, aims, np.zeros((q, n))).eta)


def nested(held: Held) -> dict[str, Any]:
    """Coverage of calibrated intervals among patients who gave no score and were in nobody's archive.

    In each of ten parts the rest are the archive, and give the scores: each of them new to the others of the rest.
    """
    count = held.all.count
    part = _parts(count)
    inside: dict[str, list[np.ndarray]] = {"one": [], "two": []}
    for k in range(FOLDS):
        rest = part != k
        known = np.tile(rest, (count, 1)) & ~np.eye(count, dtype=bool)
        made = archives(held.all, others(held.all, known), known)
        here = replace(held, archives=made)
        for name, times in (("one", ONE), ("two", TWO)):
            points = run(here, RECIPES[DEFAULT], [sparse(p, times) for p in held.all.problems])
            score = scores(points, held.truth, 0.9)
            widest = np.array([quantile(score[rest, j], 0.9) for j in range(score.shape[1])])
            inside[name].append(score[~rest] <= np.maximum(widest, -0.5) + 1e-9)
    shares = {name: np.concatenate(each).mean(axis=0) for name, each in inside.items()}
    return {name: dict(zip(FIGURES, x.tolist(), strict=True)) for name, x in shares.items()}


def _parts(count: int) -> np.ndarray:
    """Which of ten parts each patient is in."""
    return np.random.default_rng(0).permutation(count) % FOLDS


def hill(dyck: Any) -> dict[str, Any]:
    """The model of concentration-dependent transfer, each patient against his own full fit under it; left out in ten parts,
    which takes a sixth of the time."""
    start = time.perf_counter()
    part = _parts(len(dyck))
    known = part[:, None] != part[None, :]
    held = hold(ido.card("propofol/yang2019hill"), dyck, horizon_h=HORIZON_H, known=known)
    archived_s = time.perf_counter() - start
    only = ("MAP, population of the archive",)
    found: dict[str, Any] = {"archives_s": archived_s}
    for name, times in (("one", ONE), ("two", TWO)):
        start = time.perf_counter()
        found[name] = as_data(leave_one_out(held, times, only=only))
        found[name]["seconds"] = time.perf_counter() - start
    return found


def scatter(found: LeaveOneOut) -> dict[str, list[list[float]]]:
    """Truth, estimate and calibrated interval of peak and area; patients in no order that names them."""
    order = np.argsort(found.truth[:, 0])
    rows = {}
    for name, k in (("peak", 0), ("auc", 3)):
        columns = (found.truth[:, k], found.figures[:, k], found.bands.low[:, k], found.bands.high[:, k])
        rows[name] = [[float(f"{x:.4g}") for x in row] for row in np.stack(columns, axis=1)[order]]
    return rows


def _mean(held: Held, times: tuple[float, ...]) -> list[float]:
    """Errors of peak and area, mean of the four, and calibrated coverage of peak and area, of the default method."""
    problems = [sparse(p, times) for p in held.all.problems]
    points = run(held, RECIPES[DEFAULT], problems)
    away = errors(middle(points, literal=False), held.truth)
    hold_ = bands(points, held.truth, 0.9).calibrated
    return [float(away[:, 0].mean()), float(away[:, 3].mean()), float(away.mean()), hold_[0], hold_[3]]


def _sized(held: Held, size: int) -> list[float]:
    """The same from archives of `size` patients drawn for each patient."""
    generator = np.random.default_rng(size)
    count = held.all.count
    known = np.zeros((count, count))
    for j in range(count):
        known[j, generator.choice(np.delete(np.arange(count), j), size, replace=False)] = 1.0
    made = archives(held.all, others(held.all, known), known)
    return _mean(replace(held, archives=made), ONE)


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
    main(sys.argv[1:])
