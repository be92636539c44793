"""Several methods, or several models, side by side for one patient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Unpack

import numpy as np

from individose.app.actions.estimate import CaseResult, Curve, curve_times, describe
from individose.app.actions.mixture import belongs, weighed
from individose.app.actions.problems import Method, fit_groups
from individose.app.actions.problems import fit as fit_one
from individose.base import InputError, Notice
from individose.dosing import (
    Regimen,
    advise_average,
    average_steady_state,
    current_regimen,
    in_doubt,
    steady_between,
    steady_state,
)
from individose.drugs import Card, Group, Target, card, card_ids
from individose.events import Subject
from individose.inference import Averaged, Estimate, Fit, average
from individose.inference.averaging import disagreement
from individose.prediction.observations import Options

COMPARED = ("trough", "average")
"""Exposures at steady state that are put side by side."""


@dataclass(frozen=True)
class Compared:
    """One method or model: what it is called, its weight in an average (None outside of one), how it ended, and what it
    says. `exposure` is empty where the patient is on no regimen or the fit failed; `fit` is None for an average."""

    label: str
    status: str
    parameters: dict[str, Estimate]
    exposure: dict[str, Estimate]
    weight: float | None = None
    fit: Fit | None = None


def estimate_by_methods(
    model: Card,
    patient: Subject,
    methods: Sequence[Method],
    *,
    target: Target | None = None,
    curve: bool = True,
    level: float = 0.9,
    behind: bool = True,
    **options: Unpack[Options],
) -> CaseResult:
    """One patient by several methods: the first in full, all of them side by side.

    **Arguments:** `options` as for `fit`. **Raises:** as `fit`.
    """
    if model.groups and len(methods) == 1:
        return estimate_by_groups(
            model, patient, methods[0], target=target, curve=curve, level=level, behind=behind, **options
        )
    fits = [fit_one(model, patient, method, **options) for method in methods]
    first = describe(model, fits[0], target, curve=curve, level=level, behind=behind)
    if len(fits) == 1:
        return first
    return replace(first, compared=tuple(_compared(fit, fit.method, first.regimen, level) for fit in fits))


def estimate_by_groups(
    mixture: Card,
    patient: Subject,
    method: Method = "map",
    *,
    target: Target | None = None,
    curve: bool = True,
    level: float = 0.9,
    behind: bool = True,
    **options: Unpack[Options],
) -> CaseResult:
    """One patient under a mixture: the most probable group in full, exposure, curve and advice over all of its groups.

    **Raises:** as `fit`.
    """
    fits = fit_groups(mixture, patient, method, **options)
    averaged = weighed(mixture, fits)
    if averaged is None:
        failed = describe(mixture.groups[0].card, fits[0], target, curve=curve, level=level, behind=behind)
        return replace(failed, card=mixture)
    cards = [group.card for group in mixture.groups]
    found = _averaged(cards, averaged, patient, target, curve, level, behind, (belongs(mixture, averaged),))
    rows = [replace(row, label=group.name) for group, row in zip(mixture.groups, found.compared, strict=False)]
    return replace(found, card=mixture, compared=(*rows, *found.compared[len(rows) :]))


def models_of(drug: str) -> tuple[Card, ...]:
    """All cards of a drug that are offered."""
    return tuple(card(one) for one in card_ids(drug))


def estimate_by_models(
    models: Sequence[Card],
    patient: Subject,
    method: Method = "map",
    rule: str = "likelihood",
    *,
    target: Target | None = None,
    curve: bool = True,
    level: float = 0.9,
    behind: bool = True,
    **options: Unpack[Options],
) -> CaseResult:
    """One patient under several models of one drug, weighed by `rule` (see `inference.averaging`): the heaviest in full,
    with the average's exposure, curve and advice, and all of them side by side.

    A model that the patient lies outside of is left out, and the result says so.

    **Raises:** `InputError` for models of different drugs, or when no model is left.
    """
    drugs = sorted({model.drug for model in models})
    if len(drugs) != 1:
        raise InputError(
            f"models of {', '.join(drugs) or 'no drug'} were to be averaged",
            "models of one drug",
            "an average is over what may be true of one drug",
            "Name cards of the drug that was given.",
        )
    members = [
        (group.card, group.probability) for model in models for group in (model.groups or (Group("", 1.0, model),))
    ]
    fits, left_out = _fitted([one for one, _ in members], patient, method, **options)
    share = {one.id: probability for one, probability in members}
    averaged = average(fits, rule, [share[fit.problem.model] for fit in fits])
    return _averaged([one for one, _ in members], averaged, patient, target, curve, level, behind, left_out)


def _averaged(
    cards: Sequence[Card],
    averaged: Averaged,
    patient: Subject,
    target: Target | None,
    curve: bool,
    level: float,
    behind: bool,
    said: Sequence[Notice],
) -> CaseResult:
    """The heaviest model in full, with the average's exposure, curve and advice."""
    heaviest = averaged.fits[int(np.argmax(averaged.weights))]
    main = next(one for one in cards if one.id == heaviest.problem.model)
    first = describe(main, heaviest, target, curve=False, advice=False, behind=behind, level=level)
    notices = [*said, *averaged.warnings]
    regimen, exposure = first.regimen, {}
    if regimen is not None:
        exposure = average_steady_state(averaged, regimen, level)
        for metric in COMPARED:
            notices += disagreement(steady_between(averaged, regimen, metric), f"{metric} at steady state")
    advice = None
    if first.target is not None and main.dosing is not None:
        advice = advise_average(averaged, first.target, level=level)
        if first.diagnostics is not None:
            advice = in_doubt(advice, first.diagnostics.notices)
    return replace(
        first,
        exposure=exposure,
        advice=advice,
        curve=_curve(averaged, heaviest, patient, level) if curve else None,
        compared=(*_rows(averaged, regimen, level), _average_row(averaged, exposure)),
        average=averaged,
        notices=tuple(notices),
    )


def _fitted(
    models: Sequence[Card], patient: Subject, method: Method, **options: Unpack[Options]
) -> tuple[list[Fit], list[Notice]]:
    fits: list[Fit] = []
    refused: list[InputError] = []
    left_out: list[Notice] = []
    for model in models:
        try:
            fits.append(fit_one(model, patient, method, **options))
        except InputError as error:
            refused.append(error)
            left_out.append(Notice("model-left-out", f"{model.id} was left out: {error}", "caution"))
    if not fits:
        raise refused[0]
    return fits, left_out


def _rows(averaged: Averaged, regimen: Regimen | None, level: float) -> list[Compared]:
    pairs = zip(averaged.fits, averaged.weights, strict=True)
    return [replace(_compared(fit, fit.problem.model, regimen, level), weight=weight) for fit, weight in pairs]


def _compared(fit: Fit, label: str, regimen: Regimen | None, level: float) -> Compared:
    exposed = steady_state(fit, regimen, level) if regimen is not None and fit.status.ok else {}
    return Compared(label, fit.status.code, fit.parameters(level), exposed, fit=fit)


def _average_row(averaged: Averaged, exposure: dict[str, Estimate]) -> Compared:
    return Compared(f"average by {averaged.rule}", "", {}, exposure)


def _curve(averaged: Averaged, heaviest: Fit, patient: Subject, level: float) -> Curve:
    times = curve_times(patient, current_regimen(patient))
    low, high = averaged.band(times, level)
    typical = heaviest.at_effects(np.zeros_like(heaviest.eta), times)
    return Curve(np.array(times), averaged.predict(times), low, high, typical)
