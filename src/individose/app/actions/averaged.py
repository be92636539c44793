"""One patient under several weighed models: the heaviest in full, with the average's exposure, curve and advice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from individose.app.actions.estimate import CaseResult, Curve, curve_times, describe, or_none
from individose.app.actions.side_by_side import Asked, Compared, asked, average_row, row, unknown
from individose.base import InputError, Notice, NumericalError
from individose.dosing import (
    Regimen,
    advise_average,
    average_steady_state,
    current_regimen,
    in_doubt,
    steady_between,
)
from individose.drugs import Card, Target
from individose.events import Subject
from individose.inference import Averaged, Estimate, Fit
from individose.inference.averaging import disagreement

COMPARED = ("trough", "average")
"""Exposures at steady state on which a disagreement of the models is said."""

APART = 0.3
"""Difference between the models' probabilities of a target from which it is said."""


def averaged_case(
    cards: Sequence[Card],
    averaged: Averaged,
    patient: Subject,
    target: Target | None = None,
    *,
    curve: bool = True,
    level: float = 0.9,
    behind: bool = True,
    said: Sequence[Notice] = (),
) -> CaseResult:
    """A patient's result over models. **Arguments:** `cards` of the fits; `said`: what is already to be said; others as
    `describe`."""
    heaviest = averaged.fits[int(np.argmax(averaged.weights))]
    main = next(one for one in cards if one.id == heaviest.problem.model)
    first = describe(main, heaviest, target, curve=False, advice=False, behind=behind, level=level)
    exposure, notices = average_exposure(averaged, first.regimen, level)
    advice = None
    if first.target is not None and main.dosing is not None:
        target = first.target
        advice = or_none(target, lambda: advise_average(averaged, target, level=level))
        if first.diagnostics is not None:
            advice = in_doubt(advice, first.diagnostics.notices)
    about = asked(first.regimen, first.target, advice, level)
    rows = (*_rows(averaged, about), average_row(averaged, f"average by {averaged.rule}", exposure, about))
    drawn: Curve | None = None
    try:
        drawn = _curve(averaged, heaviest, patient, level) if curve else None
    except NumericalError as error:
        notices = (*notices, Notice("no-curve", f"No curve is drawn: {error}", "warning"))
    return replace(
        first,
        exposure=exposure,
        advice=advice,
        curve=drawn,
        compared=rows,
        average=averaged,
        notices=(*said, *averaged.warnings, *notices, *_apart(rows[:-1]), *unknown(rows)),
    )


def average_exposure(
    averaged: Averaged, regimen: Regimen | None, level: float
) -> tuple[dict[str, Estimate], tuple[Notice, ...]]:
    """Exposure at steady state over the models, what they disagree on, or why there is none."""
    if regimen is None:
        return {}, ()
    try:
        exposure = average_steady_state(averaged, regimen, level)
        notices = [
            notice
            for metric in COMPARED
            for notice in disagreement(steady_between(averaged, regimen, metric), f"{metric} at steady state")
        ]
    except (InputError, NumericalError) as error:
        return {}, (Notice("no-exposure", f"No exposure at steady state is given: {error}", "warning"),)
    return exposure, tuple(notices)


def _rows(averaged: Averaged, about: Asked) -> list[Compared]:
    pairs = zip(averaged.fits, averaged.weights, strict=True)
    return [row(fit, fit.problem.model, about, weight) for fit, weight in pairs]


def _apart(rows: Sequence[Compared]) -> list[Notice]:
    """A caution where one regimen reaches the target under one model and hardly under another."""
    found: list[Notice] = []
    for regimen in dict.fromkeys(name for one in rows for name in one.attainment):
        reached = {one.label: one.attainment[regimen] for one in rows if regimen in one.attainment}
        low, high = min(reached, key=lambda k: reached[k]), max(reached, key=lambda k: reached[k])
        if reached[high] - reached[low] >= APART:
            found.append(
                Notice(
                    "models-disagree",
                    f"The models disagree on whether {regimen} reaches the target: with a probability of "
                    f"{100 * reached[low]:.0f} % ({low}) to {100 * reached[high]:.0f} % ({high}).",
                    "caution",
                )
            )
    return found


def _curve(averaged: Averaged, heaviest: Fit, patient: Subject, level: float) -> Curve:
    times = curve_times(patient, current_regimen(patient))
    low, high = averaged.band(times, level)
    typical = heaviest.at_effects(np.zeros_like(heaviest.eta), times)
    return Curve(np.array(times), averaged.predict(times), low, high, typical)
