"""The honest question of the field: how well would each level have been predicted before it was measured?

Every level of every patient is predicted twice: *a priori*, from the covariates and doses alone, and *a posteriori*,
from these and the levels before it, which are the only ones that the estimate then sees. The error is relative,
(predicted - measured) / measured; bias is its mean, imprecision its root mean square (Sheiner & Beal 1981,
J Pharmacokinet Biopharm 9:503-512). Intervals come from resampling patients, since the levels of one are not independent.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import jax
import numpy as np

from individose.app.actions.problems import Refused, bind_all, estimator, shared_sizes
from individose.base import InputError
from individose.drugs import Card
from individose.events import Level, Subject
from individose.inference import Fit, Problem
from individose.inference.individual.estimator import stack, ward_rows
from individose.prediction import Bound, bind
from individose.prediction.observations import Censoring, Options

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
    censored: bool = False
    """The level is known only to lie beyond `observed`."""


Figure = tuple[float, float | None, float | None]
"""A value and the ends of its bootstrap interval; None where there are too few patients to resample."""

FEWEST = 5
"""Patients below which no interval is given."""


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
    bias: Figure
    imprecision: Figure
    within_20: Figure
    within_30: Figure


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
    method: str = "map"


def evaluate(
    card: Card,
    patients: Iterable[Subject],
    *,
    method: str = "map",
    extrapolate: bool = False,
    censoring: Censoring = "m3",
    prior_weight: float = 1.0,
    fixed: Sequence[str] = (),
    resamples: int = 2000,
    seed: int = 0,
    level: float = 0.9,
    progress: Callable[[int], None] | None = None,
) -> Evaluation:
    """Predicts every measured level from what came before it.

    **Arguments:** `method`, `censoring`, `prior_weight` and `fixed` as for `fit`; `resamples` of the patients behind each
    interval of `level`; `progress` is called with the number of patients just done.
    """
    options: Options = {
        "extrapolate": extrapolate,
        "censoring": censoring,
        "prior_weight": prior_weight,
        "fixed": fixed,
    }
    if card.groups:
        subjects = tuple(patients)
        each = [_forecasts(group.card, subjects, method, options, None) for group in card.groups]
        shares = [group.probability for group in card.groups]
        found = {key: _mixed([one[key] for one, _, _ in each], shares) for key in each[0][0]}
        _, refused, unasked = each[0]
        if progress is not None:
            progress(len({patient for patient, _ in found}))
    else:
        forecasts, refused, unasked = _forecasts(card, patients, method, options, progress)
        found = {key: forecast for key, (forecast, _) in forecasts.items()}
    flat = tuple(found[key] for key in sorted(found))
    reasons = [_unusable(f) for f in flat]
    usable = [f for f, reason in zip(flat, reasons, strict=True) if not reason]
    left_out = tuple(_named(f.id, f.number, reason) for f, reason in zip(flat, reasons, strict=True) if reason)
    scores = tuple(_scores(usable, resamples, seed, level)) if usable else ()
    return Evaluation(card.id, scores, flat, refused, (*left_out, *unasked), resamples, level, method)


Key = tuple[int, int]
"""Place of a patient, and number of the level."""

Weighed = tuple[Forecast, Fit]
"""A forecast, and the fit to the levels before it."""


def _forecasts(
    card: Card,
    patients: Iterable[Subject],
    method: str,
    options: Options,
    progress: Callable[[int], None] | None,
) -> tuple[dict[Key, Weighed], tuple[Refused, ...], list[str]]:
    """Every level's forecast under a card of one group, who is refused, and the levels that cannot be forecast."""
    bounds, refused = bind_all(card, patients, **options)
    asked: list[_Asked] = []
    unasked: list[str] = []
    for place, bound in enumerate(bounds):
        some, without = _asked(place, bound)
        asked += some
        unasked += without
    found: dict[Key, Weighed] = {}
    for places, problems in shared_sizes([one.bound for one in asked]):
        some = [asked[i] for i in places]
        for one, forecast in zip(some, _forecast(some, problems, method), strict=True):
            found[one.patient, one.number] = forecast
        if progress is not None:
            progress(len({one.patient for one in some}))
    return found, refused, unasked


def _named(id: str, number: int, reason: str) -> str:
    return f"{id}, level {number}: {reason}"


def _mixed(found: Sequence[Weighed], shares: Sequence[float]) -> Forecast:
    """One level's forecast over the groups of a mixture, weighed by their shares and by the earlier levels."""
    prior = sum(share * forecast.prior for share, (forecast, _) in zip(shares, found, strict=True))
    usable = [
        (share, forecast.posterior, fit.log_evidence if fit.objective is not None else 0.0)
        for share, (forecast, fit) in zip(shares, found, strict=True)
        if forecast.posterior is not None
    ]
    best = max((evidence for _, _, evidence in usable), default=0.0)
    weights = [share * math.exp(evidence - best) for share, _, evidence in usable]
    told = sum(w * value for w, (_, value, _) in zip(weights, usable, strict=True)) / sum(weights) if usable else None
    return replace(found[0][0], prior=prior, posterior=told)


def _unusable(forecast: Forecast) -> str:
    """Why a forecast can have no relative error; empty where it has one."""
    if forecast.censored:
        return "the level is known only to lie beyond a limit"
    if forecast.observed <= 0:
        return "the level is 0"
    return "" if forecast.posterior is not None else "the fit to the earlier levels failed"


@dataclass(frozen=True)
class _Asked:
    """One level to be forecast: its patient, its number among the measured ones, and its place among the samples of
    `bound`, which knows nothing of any later covariate."""

    patient: int
    number: int
    place: int
    bound: Bound


def _asked(patient: int, bound: Bound) -> tuple[list[_Asked], list[str]]:
    """The measured levels of a patient, and why any cannot be forecast (nothing was known of a covariate by then). Where
    covariates change, each is bound to the history up to itself."""
    events = bound.subject.events
    found: list[_Asked] = []
    without: list[str] = []
    changing = len(bound.line.begins) > 1
    place = -1
    for position, event in enumerate(events):
        if not isinstance(event, Level):
            continue
        place += 1
        if not event.measured:
            continue
        number = len(found) + len(without) + 1
        try:
            known = _before(bound, position) if changing else bound
        except InputError as error:
            without.append(_named(bound.subject.id, number, str(error)))
        else:
            found.append(_Asked(patient, number, place, known))
    return found, without


def _before(bound: Bound, position: int) -> Bound:
    """The patient as known when a level was taken, bound anew; the card has lost the effects that are held already."""
    past = replace(bound.subject, events=bound.subject.events[: position + 1])
    return bind(bound.card, past, extrapolate=True, censoring=bound.censoring, prior_weight=bound.prior_weight)


def _forecast(asked: Sequence[_Asked], problems: Sequence[Problem], method: str) -> list[Weighed]:
    """Forecasts of a group of equal sizes; a fit sees the levels before the one that it predicts."""
    seen: list[Problem] = []
    for one, problem in zip(asked, problems, strict=True):
        measured = np.asarray(problem.data.measured)
        # the level itself and all later ones are blanked, so that nothing can be read from them
        earlier = np.where(np.arange(len(measured)) < one.place, measured, 0)
        observed = np.where(earlier > 0, problem.data.observed, 1.0)
        seen.append(replace(problem, data=problem.data._replace(measured=earlier, observed=observed)))
    fits = estimator(method).fit_ward(seen)
    prior = _predicted(seen, np.zeros((len(seen), seen[0].n_effects)))
    posterior = _predicted(seen, np.stack([fit.eta for fit in fits]))
    found: list[Weighed] = []
    for k, one in enumerate(asked):
        sample = one.bound.line.levels[one.place]
        predicted = float(posterior[k, one.place])
        forecast = Forecast(
            one.bound.subject.id,
            one.number,
            sample.time_h,
            sample.value_mg_L,
            float(prior[k, one.place]),
            predicted if fits[k].status.ok and np.isfinite(predicted) else None,
            sample.censoring != "none",
        )
        found.append((forecast, fits[k]))
    return found


def _predicted(problems: Sequence[Problem], etas: np.ndarray) -> np.ndarray:
    rows = ward_rows(len(problems))
    data = stack([p.data for p in problems], rows)
    filled = np.concatenate([etas, np.repeat(etas[-1:], rows - len(etas), axis=0)])
    return np.asarray(predict_ward(problems[0].likelihood, filled, data))[: len(problems)]


@partial(jax.jit, static_argnums=0)
def predict_ward(likelihood, etas, data):
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
    value = [float(x) for x in _figures(sums.sum(axis=0)[None])[0]]
    if len(patients) < FEWEST:
        return Score(name, prediction, len(members), len(patients), *((x, None, None) for x in value))
    drawn = np.random.default_rng(seed).integers(len(patients), size=(resamples, len(patients)))
    ends = np.quantile(_figures(sums[drawn].sum(axis=1)), [0.5 - level / 2, 0.5 + level / 2], axis=0)
    figures = [(x, float(low), float(high)) for x, low, high in zip(value, *ends, strict=True)]
    return Score(name, prediction, len(members), len(patients), *figures)


def _figures(sums: np.ndarray) -> np.ndarray:
    """(bias, imprecision, within 20 %, within 30 %) from the sums of errors, squares, hits and counts."""
    mean = sums[:, :-1] / sums[:, -1:]
    return np.column_stack([mean[:, 0], np.sqrt(mean[:, 1]), mean[:, 2:]])
