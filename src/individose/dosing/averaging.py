"""Dose advice over several models of one patient: each regimen's probability is that of the average."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from individose.base import InputError, Notice
from individose.dosing.advice import Advice, ranked, reason_against, within
from individose.dosing.candidates import Chosen, candidates, with_exact
from individose.dosing.exposure import METRICS, steady_draws
from individose.dosing.regimen import Regimen
from individose.drugs import Target
from individose.inference import Estimate, Fit
from individose.inference.averaging import Averaged
from individose.inference.estimate import estimated


def average_steady_state(averaged: Averaged, regimen: Regimen, level: float = 0.9) -> dict[str, Estimate]:
    """Exposure at steady state: the weighted mean, with an interval over models and over each model's own uncertainty."""
    found = _mixed(averaged, [regimen])
    return {name: estimated(found[name][:, 0], unit, level) for name, unit in METRICS.items()}


def steady_between(averaged: Averaged, regimen: Regimen, metric: str) -> dict[str, float]:
    """One metric at steady state under each model that could be fitted, by its name."""
    return {
        model: float(steady_draws(fit, [regimen], fit.eta[None])[metric][0, 0])
        for model, fit in zip(averaged.models, averaged.fits, strict=True)
        if fit.status.ok
    }


def average_attainment(averaged: Averaged, target: Target, regimens: Sequence[Regimen]) -> tuple[float, ...]:
    """As `attainment`, over models and each model's own uncertainty."""
    return within(_mixed(averaged, regimens)[target.metric][1:], target)


def advise_average(
    averaged: Averaged, target: Target, regimens: Sequence[Regimen] | None = None, *, level: float = 0.9
) -> Advice:
    """Regimens ranked by the probability that they reach the target, over models and each model's own uncertainty.

    **Arguments:** `regimens` to compare; by default those of the card that weighs most.

    **Raises:** `InputError` as `advise`.
    """
    if target.metric not in METRICS:
        raise InputError(
            f"the target is on '{target.metric}'",
            f"one of {', '.join(METRICS)}",
            "exposure at steady state",
            "Choose another target.",
        )
    against = [
        f"{fit.problem.model}: {why}"
        for fit, weight in zip(averaged.fits, averaged.weights, strict=True)
        if weight > 0.0 and (why := reason_against(fit))
    ]
    if against:
        said = f"No dose is advised: {against[0]}"
        return Advice(target, (), False, said, 0, (Notice("no-advice", said, "warning"),))
    chosen = _chosen(averaged, target, regimens)
    found = _mixed(averaged, [one.regimen for one in chosen]) if chosen else {}
    return ranked(chosen, found, target, level)


def _chosen(averaged: Averaged, target: Target, regimens: Sequence[Regimen] | None) -> list[Chosen]:
    heaviest = averaged.fits[int(np.argmax(averaged.weights))]
    return candidates(heaviest, target) if regimens is None else with_exact(heaviest, target, regimens)


def _mixed(averaged: Averaged, regimens: Sequence[Regimen]) -> dict[str, np.ndarray]:
    """Every metric (1 + draws, regimens): the weighted estimate, then draws of each model in proportion to its weight."""

    def of_one(fit: Fit, draws: int) -> np.ndarray:
        found = steady_draws(fit, regimens, np.vstack([fit.eta, fit.sample(draws, seed=1)]))
        return np.stack([found[name] for name in METRICS], axis=-1)

    together = averaged.together(of_one)
    return {name: together[..., i] for i, name in enumerate(METRICS)}
