"""The honest question of the field: how well would each level have been predicted before it was measured?

Every level of every patient is predicted twice: *a priori*, from the covariates and doses alone, and *a posteriori*,
from these and the levels before it, which are the only ones that the estimate then sees. The error is relative,
(predicted - measured) / measured; bias is its mean, imprecision its root mean square (Sheiner & Beal 1981,
J Pharmacokinet Biopharm 9:503-512). Intervals come from resampling patients, since the levels of one are not independent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import jax
import numpy as np

from individose.app.actions.problems import Refused, bind_all, estimator, shared_sizes
from individose.drugs import Card
from individose.events import Subject
from individose.inference import Problem
from individose.inference.individual.estimator import stack, ward_rows

CLOSE = (0.20, 0.30)
"""Relative errors within which a prediction counts as close."""


@dataclass(frozen=True)
class Forecast:
    """One level, predicted before it was known; `number` counts the patient's levels from 1."""

    id: str
    number: int
    time_h: float
    observed: float
    prior: float
    posterior: float | None
    """None when the fit to the earlier levels failed; equal to `prior` for a first level."""


@dataclass(frozen=True)
class Score:
    """Errors over a group of levels; each figure with its bootstrap interval (value, low, high), all as fractions.

    `bias` is the mean relative error, `imprecision` the relative root mean square error, `within_20` and `within_30` the
    shares of predictions within 20 % and 30 % of the level.
    """

    group: str
    prediction: str
    levels: int
    patients: int
    bias: tuple[float, float, float]
    imprecision: tuple[float, float, float]
    within_20: tuple[float, float, float]
    within_30: tuple[float, float, float]


@dataclass(frozen=True)
class Evaluation:
    """Scores by group and kind of prediction, the forecasts behind them, and who could not be used."""

    card: str
    scores: tuple[Score, ...]
    forecasts: tuple[Forecast, ...]
    refused: tuple[Refused, ...]
    left_out: tuple[str, ...]
    resamples: int
    level: float


def evaluate(
    card: Card,
    patients: Iterable[Subject],
    *,
    method: str = "map",
    extrapolate: bool = False,
    resamples: int = 2000,
    seed: int = 0,
    level: float = 0.9,
    progress: Callable[[int], None] | None = None,
) -> Evaluation:
    """Predicts every measured level from what came before it.

    **Arguments:** `resamples` of the patients behind each interval of `level`; `progress` is called with the number of
    patients just done.
    """
    bounds, refused = bind_all(card, patients, extrapolate=extrapolate)
    by_patient: dict[int, list[Forecast]] = {}
    for places, problems in shared_sizes(bounds):
        for place, found in zip(places, forecasts(problems, method), strict=True):
            by_patient[place] = found
        if progress is not None:
            progress(len(places))
    flat = tuple(f for place in range(len(bounds)) for f in by_patient[place])
    usable = [f for f in flat if f.observed > 0 and f.posterior is not None]
    left_out = tuple(
        f"{f.id}, level {f.number}: "
        + ("the level is 0" if f.observed <= 0 else "the fit to the earlier levels failed")
        for f in flat
        if f not in usable
    )
    scores = tuple(_scores(usable, resamples, seed, level)) if usable else ()
    return Evaluation(card.id, scores, flat, refused, left_out, resamples, level)


def forecasts(problems: Sequence[Problem], method: str = "map") -> list[list[Forecast]]:
    """Forecasts of every patient of a group of equal sizes; a fit sees the levels before the one that it predicts."""
    asked: list[tuple[int, int, Problem]] = []
    for i, one in enumerate(problems):
        measured = np.asarray(one.data.measured)
        for place in np.flatnonzero(measured):
            earlier = np.where(np.arange(len(measured)) < place, measured, 0)
            # the level itself and all later ones are blanked, so that nothing can be read from them
            seen = one.data._replace(measured=earlier, observed=np.where(earlier > 0, one.data.observed, 1.0))
            asked.append((i, int(place), replace(one, data=seen)))
    if not asked:
        return [[] for _ in problems]
    fits = estimator(method).fit_ward([p for *_, p in asked])
    found: list[list[Forecast]] = [[] for _ in problems]
    nothing = np.zeros((len(asked), problems[0].n_effects))
    prior, posterior = (_predicted([p for *_, p in asked], e) for e in (nothing, np.stack([f.eta for f in fits])))
    for k, (i, place, _) in enumerate(asked):
        one = problems[i]
        number = len(found[i]) + 1
        usable = fits[k].status.ok and np.isfinite(posterior[k, place])
        sample = one.context.line.levels[place]
        if sample.censoring != "none":
            continue
        found[i].append(
            Forecast(
                one.id,
                number,
                sample.time_h,
                float(one.data.observed[place]),
                float(prior[k, place]),
                float(posterior[k, place]) if usable else None,
            )
        )
    return found


def _predicted(problems: Sequence[Problem], etas: np.ndarray) -> np.ndarray:
    rows = ward_rows(len(problems))
    data = stack([p.data for p in problems], rows)
    filled = np.concatenate([etas, np.repeat(etas[-1:], rows - len(etas), axis=0)])
    return np.asarray(_predict_ward(problems[0].likelihood, filled, data))[: len(problems)]


@partial(jax.jit, static_argnums=0)
def _predict_ward(likelihood, etas, data):
    return jax.vmap(likelihood.predict)(etas, data)


def _scores(found: list[Forecast], resamples: int, seed: int, level: float) -> Iterable[Score]:
    groups: list[tuple[str, list[Forecast]]] = [("all levels", found)]
    later = [f for f in found if f.number > 1]
    if later:
        groups.append(("levels after the first", later))
    last = max(f.number for f in found)
    for number in range(1, min(last, 4) + 1):
        members = [f for f in found if f.number == number]
        if members:
            groups.append((f"level {number}", members))
    beyond = [f for f in found if f.number > 4]
    if beyond:
        groups.append(("levels 5 and later", beyond))
    for name, members in groups:
        for prediction in ("a priori", "a posteriori"):
            yield _score(name, prediction, members, resamples, seed, level)


def _score(name: str, prediction: str, members: list[Forecast], resamples: int, seed: int, level: float) -> Score:
    predicted = np.array([f.prior if prediction == "a priori" else f.posterior for f in members], dtype=float)
    observed = np.array([f.observed for f in members])
    error = (predicted - observed) / observed
    patients = {id: i for i, id in enumerate(dict.fromkeys(f.id for f in members))}
    of = np.array([patients[f.id] for f in members])
    columns = np.stack([error, error**2, *(np.abs(error) <= c for c in CLOSE), np.ones_like(error)])
    sums = np.stack([np.bincount(of, weights=c, minlength=len(patients)) for c in columns], axis=1)
    drawn = np.random.default_rng(seed).integers(len(patients), size=(resamples, len(patients)))
    ends = np.quantile(_figures(sums[drawn].sum(axis=1)), [0.5 - level / 2, 0.5 + level / 2], axis=0)
    value = _figures(sums.sum(axis=0)[None])[0]
    figures = [(float(x), float(low), float(high)) for x, low, high in zip(value, *ends, strict=True)]
    return Score(name, prediction, len(members), len(patients), *figures)


def _figures(sums: np.ndarray) -> np.ndarray:
    """(bias, imprecision, within 20 %, within 30 %) from the sums of errors, squares, hits and counts."""
    mean = sums[:, :-1] / sums[:, -1:]
    return np.column_stack([mean[:, 0], np.sqrt(mean[:, 1]), mean[:, 2:]])
