"""All diagnostics of patients of one model and one size of arrays, in a few batched calls."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from individose.base import Outcome
from individose.inference.diagnostics.judgement import judged
from individose.inference.diagnostics.predictive import fractions, looked, normal_points, points_for
from individose.inference.diagnostics.records import Change, Diagnostics, Effect, OneLevel, PostDose, WardDiagnostics
from individose.inference.diagnostics.refits import (
    AS_IT_IS,
    ASSAY,
    MINUTES,
    Asked,
    Question,
    answers,
    evidence,
    questions,
)
from individose.inference.fit import Fit
from individose.inference.individual.estimator import stack, ward_rows
from individose.inference.problem import Likelihood
from individose.kinetics import padded

DOMAIN = ("outside-domain", "domain-unknown")
"""Codes of the notices on covariates that a card does not cover."""

LEAST_ROWS = 32
"""Rows that a batch is filled up to: few patients ask more, and all who ask less share one program."""

OF_THE_FIT: Question = ("fit", -1, 0.0)
"""The place of the fit that is diagnosed; that of the unchanged record is its mode, from which changes are counted."""

GONE = 0.01
"""A trough under this share of the window's average is next to nothing: its relative change tells nobody anything."""


def diagnose_together(asked: Sequence[Asked]) -> list[Diagnostics]:
    """Diagnostics of patients whose arrays have equal shapes and who share one likelihood."""
    if not asked:
        return []
    found = answers(asked)
    seen = _seen(asked, found)
    below = _fractions(asked, found)
    return [_of_one(one, found[i], below[i], seen[i]) for i, one in enumerate(asked)]


def of_ward(patients: Sequence[Diagnostics], fits: Sequence[Fit]) -> WardDiagnostics:
    """Adds the shrinkage of a ward's estimates and residuals: of patients with a usable fit to at least one level that did
    not go to a bound.

    That of an effect is over those who have it: not everybody has a second or a third occasion.
    """
    used = [
        one
        for one, fit in zip(patients, fits, strict=True)
        if fit.status.ok and fit.status.outcome is not Outcome.BOUND and one.levels
    ]
    by_name: dict[str, list[float]] = defaultdict(list)
    for one in used:
        for effect in one.effects:
            by_name[effect.name].append(effect.standardised)
    shrinkage = {name: 1.0 - float(np.std(x, ddof=1)) if len(x) > 1 else math.nan for name, x in by_name.items()}
    residuals = [level.individual for one in used for level in one.levels if level.censoring == "none"]
    spread = 1.0 - float(np.std(residuals, ddof=1)) if len(used) > 1 and len(residuals) > 1 else math.nan
    return WardDiagnostics(tuple(patients), shrinkage, spread)


def _of_one(
    asked: Asked,
    found: Mapping[Question, Fit],
    below: Mapping[int, tuple[float, float]],
    seen: Mapping[Question, _Seen],
) -> Diagnostics:
    def change(question: Question) -> Change | None:
        return _change(asked, found, seen, question) if question in found else None

    levels: list[OneLevel] = []
    for i, (time_h, observed, censoring) in asked.samples.items():
        levels.append(
            OneLevel(
                sample=asked.problem.samples[i],
                time_h=time_h,
                observed=observed,
                censoring=censoring,
                individual=float(seen[OF_THE_FIT].z[i]),
                percentile=below[i][0],
                among_others=below[i][1],
                without=change(("without", i, 0.0)),
                earlier=change(("time", i, -MINUTES)),
                later=change(("time", i, MINUTES)),
                post_dose=_post_dose(i, asked, found, seen),
            )
        )
    less, more = change(("assay", -1, -ASSAY)), change(("assay", -1, ASSAY))
    made = Diagnostics(
        id=asked.fit.id,
        effects=_effects(asked.fit),
        levels=tuple(levels),
        assay=(less, more) if less is not None and more is not None else None,
        window_h=asked.window_h,
        domain=tuple(notice for notice in asked.problem.notices if notice.code in DOMAIN),
    )
    return judged(made, asked.fit, found[AS_IT_IS].status.ok if found else asked.fit.status.ok)


def _effects(fit: Fit) -> tuple[Effect, ...]:
    centre, prior = fit.centre, np.sqrt(np.diag(fit.prior))
    posterior = np.sqrt(np.diag(fit.covariance))
    return tuple(
        Effect(
            name, float(fit.eta[i]), float((fit.eta[i] - centre[i]) / prior[i]), float(prior[i]), float(posterior[i])
        )
        for i, name in enumerate(fit.problem.effects)
        if name
    )


def _change(asked: Asked, found: Mapping[Question, Fit], seen: Mapping[Question, _Seen], question: Question) -> Change:
    before, after = found[AS_IT_IS], found[question]
    ok = before.status.ok and after.status.ok
    sd = np.sqrt(np.diag(before.covariance))
    own = before.problem.likelihood.by_subject
    moved = (after.eta - before.eta) / sd
    effects = {name: float(moved[i]) for i, name in enumerate(before.problem.effects[:own]) if name and ok}
    auc = trough = math.nan
    if ok and asked.window_h is not None:
        old, new = seen[AS_IT_IS], seen[question]
        average = old.area / (asked.window_h[1] - asked.window_h[0])
        auc = new.area / old.area - 1.0 if old.area > 0.0 else math.nan
        trough = new.trough / old.trough - 1.0 if old.trough > GONE * average else math.nan
    return Change(effects, auc, trough, after.status.ok)


def _post_dose(
    sample: int, asked: Asked, found: Mapping[Question, Fit], seen: Mapping[Question, _Seen]
) -> PostDose | None:
    """The odds are the mean over the times after the dose, of which none is preferred before the levels are known."""
    tried = [q for q in found if q[:2] == ("post-dose", sample)]
    if not tried:
        return None
    weights = {q: evidence(found[q]) for q in tried}
    best = max(tried, key=lambda q: weights[q])
    as_it_is, top = evidence(found[AS_IT_IS]), weights[best]
    if math.isinf(top):
        odds = 0.0
    elif math.isinf(as_it_is):
        odds = math.inf
    else:
        mean = sum(math.exp(w - top) for w in weights.values()) / len(weights)
        odds = mean * math.exp(min(top - as_it_is, 700.0))
    return PostDose(asked.post_dose[sample][0], best[2], odds, float(seen[best].z[sample]))


class _Seen(NamedTuple):
    """Distance of each level in residual SDs; area (mg.h/L) of the window of exposure, and the level (mg/L) at its end."""

    z: np.ndarray
    area: float
    trough: float


def _seen(asked: Sequence[Asked], found: Sequence[Mapping[Question, Fit]]) -> list[dict[Question, _Seen]]:
    """What each refit leads to, and the fit itself, in one call."""
    place: list[tuple[int, Question, np.ndarray, Any]] = []
    for i, one in enumerate(asked):
        place.append((i, OF_THE_FIT, one.fit.eta, one.data))
        place += [(i, question, found[i][question].eta, data) for question, data in questions(one)]
    likelihood = asked[0].problem.likelihood
    rows = _rows(likelihood, len(place))
    etas = np.stack([*(eta for _, _, eta, _ in place), *[place[-1][2]] * (rows - len(place))])
    data = stack([data for *_, data in place], rows)
    window = stack([asked[i].window for i, *_ in place], rows)
    z, area, trough = jax.device_get(looked(likelihood, etas, data, window))
    by_patient: list[dict[Question, _Seen]] = [{} for _ in asked]
    for k, (i, question, *_) in enumerate(place):
        by_patient[i][question] = _Seen(z[k], float(area[k]), float(trough[k]))
    return by_patient


def _fractions(asked: Sequence[Asked], found: Sequence[Mapping[Question, Fit]]) -> list[dict[int, tuple[float, float]]]:
    """By sample, the probability of a lower level: in the population, and given the patient's other levels. Those of one
    patient rest on as many draws in a ward as alone."""
    below: list[dict[int, tuple[float, float]]] = [{} for _ in asked]
    by_draws: dict[int, list[int]] = defaultdict(list)
    for i, one in enumerate(asked):
        by_draws[points_for(one.problem.likelihood, len(one.samples))].append(i)
    for draws, places in by_draws.items():
        some = _fractions_of([asked[i] for i in places], [found[i] for i in places], draws)
        for i, one in zip(places, some, strict=True):
            below[i] = one
    return below


def _fractions_of(
    asked: Sequence[Asked], found: Sequence[Mapping[Question, Fit]], draws: int
) -> list[dict[int, tuple[float, float]]]:
    roots = [np.linalg.cholesky(one.fit.prior) for one in asked]
    place: list[tuple[int, int]] = []
    centres, spreads = [], []
    for i, one in enumerate(asked):
        if not one.samples:
            continue
        place.append((i, -1))
        centres.append(one.fit.centre)
        spreads.append(roots[i])
        for j in one.samples if len(one.samples) > 1 else ():
            fit = found[i].get(("without", j, 0.0))
            if fit is not None and fit.status.ok:
                place.append((i, j))
                centres.append(fit.eta)
                spreads.append(np.linalg.cholesky(fit.covariance))
    below: list[dict[int, tuple[float, float]]] = [{} for _ in asked]
    if not place:
        return below
    likelihood = asked[0].problem.likelihood
    every = [one.data._replace(measured=np.ones_like(np.asarray(one.data.measured))) for one in asked]
    points = normal_points(draws, len(centres[0]))
    rows = _rows(likelihood, len(place))
    fill = [*range(len(place)), *[0] * (rows - len(place))]
    freedom = None
    if asked[0].freedom is not None:
        freedom = np.stack([np.asarray(asked[place[k][0]].freedom) for k in fill])
    data = stack([every[place[k][0]] for k in fill], rows)
    centre, root = np.stack([centres[k] for k in fill]), np.stack([spreads[k] for k in fill])
    share = np.asarray(fractions(likelihood, centre, root, points, data, freedom))
    row = {key: k for k, key in enumerate(place)}
    for i, one in enumerate(asked):
        for j in one.samples:
            prior = float(share[row[i, -1], j])
            # a patient's only level is foretold by the population alone
            alone = prior if len(one.samples) == 1 else math.nan
            below[i][j] = (prior, float(share[row[i, j], j]) if (i, j) in row else alone)
    return below


def _rows(likelihood: Likelihood, count: int) -> int:
    """Rows of a batch: few distinct numbers, so that few programs are compiled."""
    return ward_rows(max(count, LEAST_ROWS)) if likelihood.together else padded(count)
