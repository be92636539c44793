"""Virtual patients under a card: what levels a regimen would give in people like this one.

They are simulated, and every output says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from individose.app.actions.problems import problem
from individose.base import InputError, Notice
from individose.drugs import Card
from individose.events import Dose, Number, Subject, subject
from individose.inference.fit import individual_draws, predict_draws
from individose.kinetics import padded
from individose.prediction import bind

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True)
class Simulation:
    """Levels (mg/L) of virtual patients: `levels` (patients, times), `quantiles` (quantile, times), and the individual
    parameters behind them at the last covariates, by name (patients,)."""

    card: str
    time_h: np.ndarray
    levels: np.ndarray
    quantiles: Mapping[float, np.ndarray]
    parameters: Mapping[str, np.ndarray]
    residual_error: bool
    seed: int
    notices: tuple[Notice, ...]


def simulate(
    card: Card,
    *,
    doses: Sequence[Dose] = (),
    covariates: Mapping[str, Number] | None = None,
    patient: Subject | None = None,
    times_h: Sequence[float],
    count: int = 1000,
    seed: int = 0,
    residual_error: bool = False,
    extrapolate: bool = False,
) -> Simulation:
    """Simulates `count` virtual patients with the variability of a card.

    **Arguments:** either `patient`, whose doses and covariates all virtual patients share, or `doses` and `covariates`;
    `residual_error` adds the card's residual error to each level (a level below 0 is then shown as 0).

    **Raises:** `InputError`, `DomainError` as `fit`.
    """
    if count < 1 or not len(times_h):
        raise InputError(f"{count} patients at {len(times_h)} times were asked for", "at least one of each")
    template = patient or subject("virtual", doses=doses, covariates=covariates or {})
    if not template.doses:
        raise InputError("no dose was given", "at least one dose", remedy='Give a regimen, as in "500 mg q12h x6".')
    template = Subject(template.id, tuple(e for e in template.events if e not in template.levels), template.notes)
    one = problem(bind(card, template, extrapolate=extrapolate))
    generator = np.random.default_rng(seed)
    omega = np.array(card.omega).reshape(one.n_effects, one.n_effects)
    etas = generator.standard_normal((count, one.n_effects)) @ np.linalg.cholesky(omega).T
    rows = padded(count)
    filled = np.concatenate([etas, np.zeros((rows - count, one.n_effects))])
    data = one.at(list(times_h))
    levels = np.array(predict_draws(one.likelihood, filled, data))[:count, : len(times_h)]
    drawn = individual_draws(one.likelihood, filled, one.data)
    if residual_error:
        sd = np.sqrt(np.asarray(one.likelihood.variance(levels, data)))  # pyright: ignore[reportAttributeAccessIssue]
        levels = np.maximum(levels + sd * generator.standard_normal(levels.shape), 0.0)
    bands = dict(zip(QUANTILES, np.quantile(levels, QUANTILES, axis=0), strict=True))
    said = Notice(
        "simulated", f"{count} virtual patients, simulated from {card.id} (seed {seed}); not real data.", "note"
    )
    return Simulation(
        card.id,
        np.array(times_h, dtype=float),
        levels,
        bands,
        {name: np.asarray(values)[:count] for name, values in drawn.items()},
        residual_error,
        seed,
        (said, *one.notices),
    )
