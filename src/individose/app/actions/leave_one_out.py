"""Each patient as new, the others as archive: how well do a few samples give the whole curve?

The protocol of Yang et al. (2019), Sci Rep 9:14143: absolute percentage errors of the peak, the time of half of it, its
time and the area up to a horizon, from one sample; against the patient's own full fit, and against the levels as measured.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from individose.app.actions.archive import together
from individose.app.actions.bands import Bands, bands
from individose.app.actions.curves import FIGURES, courses, measured, read_off
from individose.app.actions.held_out import (
    Everyone,
    archives,
    everyone,
    full_fits,
    loose_fits,
    others,
    sparse,
    stack_all,
)
from individose.app.actions.problems import Refused, bind_all
from individose.app.actions.without_cluster import bayes, covariate_model, filled, posterior_mode
from individose.base import InputError
from individose.drugs import Card
from individose.events import Subject
from individose.inference import CCN, CN, LM, Archive, Likelihood, Problem
from individose.inference.cluster.archive import Calibration
from individose.inference.cluster.estimators import begin, begin_cloud
from individose.inference.cluster.move import moved_ward

RECIPES: dict[str, CN | CCN] = {
    "CN, literature start": CN(variant="paper"),
    "CCN (threshold 5), to the letter": CCN(variant="paper", similar="threshold", threshold=5.0),
    "CCN (20 nearest), to the letter": CCN(variant="paper", similar="nearest"),
    "CCN (20 nearest), log space": CCN(similar="nearest", region="box"),
    "CCN (threshold 1), log space": CCN(similar="threshold", region="box"),
    "CCN, prior rows (default)": CCN(),
    "CCN, prior rows, 20 nearest": CCN(similar="nearest"),
    "CCN, prior rows, 20 nearest by response": CCN(similar="nearest", by="responses"),
}
DEFAULT = "CCN, prior rows (default)"


@dataclass(frozen=True)
class Row:
    """One method: mean error (%) of each figure and of the four, with SD over patients and a bootstrap interval of
    the mean of the four, against the full fit and against the levels as measured; `errors` (patients, 4) against the
    full fit."""

    method: str
    fitted: tuple[float, ...]
    mean: float
    sd: float
    low: float
    high: float
    measured: tuple[float, ...]
    errors: np.ndarray


@dataclass(frozen=True)
class LeaveOneOut:
    """The rows, and the bands of the default method; `times_h` is what was asked for, `horizon_h` the end of the area."""

    card: str
    patients: int
    times_h: tuple[float, ...]
    horizon_h: float
    rows: tuple[Row, ...]
    bands: Bands
    refused: tuple[Refused, ...]
    figures: np.ndarray
    """Median of the default method's cluster by patient (patients, 4)."""
    truth: np.ndarray
    found: dict[str, np.ndarray]
    """`FIGURES` by method (patients, 4)."""


@dataclass(frozen=True, eq=False)
class Held:
    """Everything that does not depend on the samples: who there is, the archives, the truths and the courses."""

    all: Everyone
    archives: list[Archive]
    truth: np.ndarray
    raw: np.ndarray
    course: tuple[Any, np.ndarray, Any]
    horizon_h: float
    refused: tuple[Refused, ...]
    external: bool = False
    """Whether the archives are of other patients than these."""

    @cached_property
    def literal(self) -> list[Archive]:
        """The archives with patients by least squares alone, as the paper has them; those of another study as they are."""
        if self.external:
            return self.archives
        loose = loose_fits(self.all)
        return [_literal(one, self.all, loose) for one in self.archives]

    def figures(self, etas: np.ndarray) -> np.ndarray:
        """`FIGURES` of effects (patients, points, n)."""
        return _figures(self.all.likelihood, etas, self.course)


def _figures(likelihood: Likelihood, etas: np.ndarray, course: tuple[Any, np.ndarray, Any]) -> np.ndarray:
    """`FIGURES` of effects (patients, points, n); single points are read off by the program of whole clusters."""
    if etas.shape[1] != 1:
        return np.asarray(read_off(likelihood, etas, *course))
    return np.asarray(read_off(likelihood, np.repeat(etas, CCN.points, axis=1), *course))[:, :1]


def hold(
    card: Card,
    patients: Sequence[Subject],
    *,
    horizon_h: float,
    extrapolate: bool = False,
    known: np.ndarray | None = None,
) -> Held:
    """**Raises:** `InputError` for fewer than four patients."""
    bounds, refused = bind_all(card, patients, extrapolate=extrapolate)
    if len(bounds) < LEAST:
        raise InputError(
            f"{len(bounds)} patients can be used",
            f"at least {LEAST}",
            "each is predicted from the others",
            "Evaluate without --leave-one-out.",
        )
    everybody = everyone(together(bounds))
    left = others(everybody, known)
    made = archives(everybody, left, known)
    course = courses(everybody.problems, horizon_h)
    full = full_fits(everybody, np.asarray(left.mean).mean(axis=0))
    truth = _figures(everybody.likelihood, full[:, None], course)[:, 0]
    raw = np.stack([measured(p.context.subject, horizon_h) for p in everybody.problems])
    return Held(everybody, made, truth, raw, course, horizon_h, refused)


def hold_external(card: Card, archive: Archive, patients: Sequence[Subject], *, horizon_h: float) -> Held:
    """The same for patients of another study, who all have one archive."""
    bounds, refused = bind_all(card, patients, extrapolate=True)
    everybody = everyone(together(bounds))
    course = courses(everybody.problems, horizon_h)
    full = full_fits(everybody, archive.mean)
    truth = _figures(everybody.likelihood, full[:, None], course)[:, 0]
    raw = np.stack([measured(p.context.subject, horizon_h) for p in everybody.problems])
    made = [archive] * everybody.count
    return Held(everybody, made, truth, raw, course, horizon_h, refused, external=True)


LEAST = 4
"""Patients under which nothing is left to learn from."""


def _literal(archive: Archive, of: Everyone, loose: np.ndarray) -> Archive:
    """The same patients by least squares alone."""
    places = [k for k, p in enumerate(of.problems) if p.id in archive.ids]
    return Archive(archive.card, archive.effects, archive.ids, loose[places], archive.prior, archive.within)


def run(held: Held, method: CN | CCN, problems: Sequence[Problem]) -> np.ndarray:
    """`FIGURES` of every point of every patient's cluster (patients, points, 4)."""
    return held.figures(cluster(held, method, problems))


def cluster(held: Held, method: CN | CCN, problems: Sequence[Problem]) -> np.ndarray:
    """Effects (patients, points, n) of every patient's cluster, moved."""
    if isinstance(method, CN):
        begun = [begin_cloud(method, p) for p in problems]
    else:
        made = held.literal if method.variant == "paper" else held.archives
        begun = [begin(replace(method, archive=one), p) for one, p in zip(made, problems, strict=True)]
    data, spaces, clusters = (
        stack_all(parts) for parts in ([p.data for p in problems], [b.space for b in begun], [b.cluster for b in begun])
    )
    return np.asarray(moved_ward(held.all.likelihood, begun[0].how, data, spaces, clusters).eta)


def calibrated(held: Held, archive: Archive, sample_h: Sequence[float], level: float = 0.9) -> Archive:
    """The archive with the calibration that its own patients give, each of whom is new to the archive of the others."""
    problems = [sparse(p, sample_h) for p in held.all.problems]
    found = bands(run(held, CCN(), problems), held.truth, level)
    widen = {name: factor for name, factor in zip(FIGURES, found.factor, strict=True) if name != "tpeak"}
    return replace(archive, calibration=Calibration(level, tuple(sample_h), held.horizon_h, held.all.count, widen))


def leave_one_out(
    held: Held,
    sample_h: Sequence[float],
    *,
    resamples: int = 2000,
    seed: int = 0,
    level: float = 0.9,
    only: Sequence[str] | None = None,
    progress: Callable[[int], None] | None = None,
) -> LeaveOneOut:
    """Scores every method from the measured samples nearest to `sample_h` (h after the first dose).

    **Arguments:** `only` names rows; the default method is always among them.
    """
    problems = [sparse(p, sample_h) for p in held.all.problems]
    found: dict[str, np.ndarray] = {}
    points: np.ndarray = np.empty(0)

    def wanted(name: str) -> bool:
        return only is None or name in only

    if wanted("LM, one start"):
        found["LM, one start"] = held.figures(np.stack([LM("paper").fit(p).eta for p in problems])[:, None])[:, 0]
    for name, method in RECIPES.items():
        if not wanted(name) and name != DEFAULT:
            continue
        each = run(held, method, problems)
        found[name] = middle(each, literal=method.variant == "paper" and isinstance(method, CCN))
        points = each if name == DEFAULT else points
    if wanted("MAP, population of the archive"):
        found["MAP, population of the archive"] = held.figures(posterior_mode(held.archives, problems)[:, None])[:, 0]
    curves = held.figures(filled([a.etas for a in held.archives]))
    curves = np.stack([_only(c, len(a.ids)) for c, a in zip(curves, held.archives, strict=True)])
    if wanted("Bayes over the archive's curves"):
        found["Bayes over the archive's curves"] = bayes(curves, held.archives, problems)
    if wanted("archive median, no sample"):
        found["archive median, no sample"] = np.nanmedian(curves, axis=1)
    if wanted("covariate model, no sample"):
        found["covariate model, no sample"] = held.figures(covariate_model(held.all, held.archives)[:, None])[:, 0]
    rows = [_row(name, value, held, resamples, seed, level) for name, value in found.items()]
    if only is None:
        rows.append(_row("own full fit (the floor against measured levels)", held.truth, held, resamples, seed, level))
    return LeaveOneOut(
        held.all.problems[0].model, held.all.count, tuple(sample_h), held.horizon_h, tuple(rows),
        bands(points, held.truth, level), held.refused, found[DEFAULT], held.truth, found,
    )  # fmt: skip


def _only(figures: np.ndarray, count: int) -> np.ndarray:
    """What is filled up is no patient."""
    return np.where(np.arange(len(figures))[:, None] < count, figures, np.nan)


def middle(figures: np.ndarray, *, literal: bool) -> np.ndarray:
    """(patients, 4): median over the points, or the paper's mean; points that were not solved count nothing."""
    usable = np.where(np.isfinite(figures).all(axis=2, keepdims=True), figures, np.nan)
    return np.nanmean(usable, axis=1) if literal else np.nanmedian(usable, axis=1)


def errors(found: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Absolute percentage errors (patients, 4)."""
    return 100.0 * np.abs(found - truth) / np.abs(truth)


def _row(name: str, found: np.ndarray, held: Held, resamples: int, seed: int, level: float) -> Row:
    away = errors(found, held.truth)
    each = away.mean(axis=1)
    drawn = np.random.default_rng(seed).integers(len(each), size=(resamples, len(each)))
    low, high = np.quantile(each[drawn].mean(axis=1), [0.5 - level / 2, 0.5 + level / 2])
    return Row(
        name,
        tuple(float(x) for x in away.mean(axis=0)),
        float(each.mean()),
        float(each.std(ddof=1)),
        float(low),
        float(high),
        tuple(float(x) for x in np.nanmean(errors(found, held.raw), axis=0)),
        away,
    )
