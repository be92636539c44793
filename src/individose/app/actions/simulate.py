"""Virtual patients under a card: what levels a regimen would give in people like this one.

They are simulated, and every output says so. Each source of chance (effects by subject, effects by occasion, constants,
residual error) has a stream of its own for each template, filled patient after patient, so that neither the chunks in which
patients are computed nor the wish for one more source changes the draws of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import numpy as np

from individose.app.actions import uncertainty
from individose.app.actions.occasions import with_occasions
from individose.app.actions.problems import Refused
from individose.app.actions.simulate_notices import last_run, unsolved
from individose.base import InputError, Notice, NumericalError
from individose.drugs import Card
from individose.events import Dose, Number, Subject, subject
from individose.inference.predictions import individual_draws, predict_draws
from individose.kinetics import padded
from individose.prediction import Bound, Data, Relation, bind
from individose.prediction.bind import covariances, resampled, typical_draws

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)

CHUNK = 2048
"""Patients computed side by side: few enough that 100,000 of them need little more memory than their levels."""

BY_SUBJECT, BY_OCCASION, RESIDUAL, CONSTANTS, GROUP = range(5)
"""Streams of chance."""

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Simulation:
    """Levels (mg/L) of virtual patients: `levels` (patients, times), `quantiles` (quantile, times), and the individual
    parameters behind them at the last covariates, by name (patients,). Whoever could not be solved has NaN throughout, is
    counted by a notice, and is in no quantile.

    `subjects` are the patients of a table that the virtual ones were made after, equally many each and in this order; none
    for a regimen. `doses` are those of all virtual patients, none where they differ; `analyte` is what the levels are of,
    where one was named.
    """

    card: str
    time_h: np.ndarray
    levels: np.ndarray
    quantiles: Mapping[float, np.ndarray]
    parameters: Mapping[str, np.ndarray]
    residual_error: bool
    seed: int
    notices: tuple[Notice, ...]
    uncertainty: bool = False
    subjects: tuple[str, ...] = ()
    doses: tuple[Dose, ...] = ()
    analyte: str | None = None

    @property
    def solved(self) -> np.ndarray:
        """Which of the patients have levels (patients,)."""
        return np.asarray(np.isfinite(self.levels).all(axis=1))

    def of_subject(self) -> dict[str, np.ndarray]:
        """The levels (patients, times) by the patient of the table that they were made after."""
        each = len(self.levels) // max(len(self.subjects), 1)
        return {id: self.levels[i * each : (i + 1) * each] for i, id in enumerate(self.subjects)}


@dataclass(frozen=True)
class Settings:
    """What is simulated for each template."""

    times_h: tuple[float, ...]
    count: int
    seed: int
    residual_error: bool
    uncertainty: bool
    extrapolate: bool
    quantiles: tuple[float, ...]
    progress: Progress | None
    analyte: str | None = None


@dataclass(frozen=True)
class _Population:
    levels: np.ndarray
    parameters: dict[str, np.ndarray]
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
    uncertainty: bool = False,
    occasions_h: Sequence[float] = (),
    quantiles: Sequence[float] = QUANTILES,
    analyte: str | None = None,
    extrapolate: bool = False,
    progress: Progress | None = None,
) -> Simulation:
    """Simulates `count` virtual patients with the variability of a card.

    **Arguments:** either `patient`, whose doses and covariates all virtual patients share, or `doses` and `covariates`;
    `residual_error` adds the card's residual error to each level (a level below 0 is then shown as 0); `uncertainty` gives
    each virtual patient constants drawn from their standard errors; at `occasions_h` a new occasion begins, with new
    effects by occasion; `quantiles` are probabilities; `analyte` is what is simulated (the card's first unless named; the
    same seed gives the same patients for each); `progress` is told how many patients were just done.

    **Raises:** `InputError`, `DomainError` as `fit`; `InputError` for uncertainty without standard errors, or an analyte that
    the card does not know.
    """
    template = patient or subject("virtual", doses=doses, covariates=covariates or {})
    asked = _settings(times_h, count, seed, residual_error, uncertainty, extrapolate, quantiles, progress, analyte)
    if occasions_h:
        template = with_occasions(template, occasions_h, card)
    found = _population(card, template, asked, 0)
    said = f"{count} virtual patients, simulated from {card.id} (seed {seed}); not real data."
    return _simulation(card, asked, [found], said, doses=template.doses)


def simulate_subjects(
    card: Card,
    subjects: Iterable[Subject],
    *,
    times_h: Sequence[float],
    count: int = 1000,
    seed: int = 0,
    residual_error: bool = False,
    uncertainty: bool = False,
    quantiles: Sequence[float] = QUANTILES,
    analyte: str | None = None,
    extrapolate: bool = False,
    progress: Progress | None = None,
) -> tuple[Simulation, tuple[Refused, ...]]:
    """Simulates `count` virtual patients after each patient of a table: with their doses, covariates and occasions.

    Quantiles and parameters are those of all virtual patients together. A patient who cannot be simulated never stops the
    others.

    **Arguments:** as `simulate`.

    **Returns:** the simulation, and who was refused, with the reason.

    **Raises:** `InputError` where nobody could be simulated.
    """
    asked = _settings(times_h, count, seed, residual_error, uncertainty, extrapolate, quantiles, progress, analyte)
    done: dict[str, _Population] = {}
    refused: list[Refused] = []
    for position, one in enumerate(subjects):
        try:
            found = _population(card, one, asked, position)
            done[one.id] = replace(found, notices=tuple(_about(one.id, notice) for notice in found.notices))
        except (InputError, NumericalError) as error:
            refused.append(Refused(one.id, error))
    if not done:
        raise refused[0].error if refused else InputError("the table has no patient", "at least one")
    said = (
        f"{count * len(done)} virtual patients, {count} after each of {len(done)} patients of the table, simulated from "
        f"{card.id} (seed {seed}); not real data."
    )
    return _simulation(card, asked, list(done.values()), said, subjects=tuple(done)), tuple(refused)


def _about(id: str, notice: Notice) -> Notice:
    """A warning as one about a patient of the table; what holds for all of them stays as it is."""
    return notice if notice.grade == "note" else replace(notice, sentence=f"Patient {id}: {notice.sentence}")


def _settings(
    times_h: Sequence[float],
    count: int,
    seed: int,
    residual_error: bool,
    uncertainty: bool,
    extrapolate: bool,
    quantiles: Sequence[float],
    progress: Progress | None,
    analyte: str | None,
) -> Settings:
    times = tuple(float(t) for t in times_h)
    if count < 1 or not times or not np.isfinite(times).all():
        raise InputError(f"{count} patients at {len(times)} times were asked for", "at least one of each, finite times")
    if seed < 0:
        raise InputError(f"the seed is {seed}", "a whole number from 0 on", "seeds of numpy's generators")
    wanted = tuple(sorted({float(q) for q in quantiles}))
    if not wanted or not all(0.0 < q < 1.0 for q in wanted):
        raise InputError(
            f"the quantiles are {', '.join(f'{q:g}' for q in wanted) or 'none'}",
            "probabilities between 0 and 1",
            remedy="As in 0.05, 0.5, 0.95.",
        )
    return Settings(times, count, seed, residual_error, uncertainty, extrapolate, wanted, progress, analyte)


def _simulation(
    card: Card,
    asked: Settings,
    parts: list[_Population],
    said: str,
    *,
    subjects: tuple[str, ...] = (),
    doses: tuple[Dose, ...] = (),
) -> Simulation:
    levels = parts[0].levels if len(parts) == 1 else np.concatenate([part.levels for part in parts])
    solved = np.isfinite(levels).all(axis=1)
    names = parts[0].parameters
    notices = dict.fromkeys(notice for part in parts for notice in part.notices)
    return Simulation(
        card.id,
        np.array(asked.times_h),
        levels,
        dict(zip(asked.quantiles, np.quantile(levels[solved], asked.quantiles, axis=0), strict=True)),
        {name: np.concatenate([part.parameters[name] for part in parts]) for name in names},
        asked.residual_error,
        asked.seed,
        (Notice("simulated", said, "note"), *notices),
        asked.uncertainty,
        subjects,
        doses,
        asked.analyte,
    )


def _population(card: Card, template: Subject, asked: Settings, position: int, *member: int) -> _Population:
    """Virtual patients after one template, in chunks; `position` of the template gives it streams of its own, as does its
    group (`member`) to those of a mixture, who are drawn by the shares of the groups."""
    if card.groups:
        return _mixture(card, template, asked, position)
    if not template.doses:
        raise InputError(
            "no dose was given",
            "at least one dose",
            remedy='Give a regimen, as in "500 mg q12h x6".',
            subject=template.id if position else None,
        )
    template = replace(template, events=tuple(e for e in template.events if e not in template.levels))
    bound = bind(card, template, extrapolate=asked.extrapolate)
    sampled = resampled(bound, asked.times_h, asked.analyte)
    streams = [np.random.default_rng([asked.seed, stream, position, *member]) for stream in range(4)]
    one = _One(card, bound.relation, sampled, sampled.data(), bound.now(), min(padded(asked.count), CHUNK))
    levels = np.empty((asked.count, len(asked.times_h)))
    parts: list[dict[str, np.ndarray]] = []
    for first in range(0, asked.count, CHUNK):
        size = min(CHUNK, asked.count - first)
        etas = _etas(card, bound.relation, streams, size)
        constants = uncertainty.constants(card, streams[CONSTANTS], size) if asked.uncertainty else None
        levels[first : first + size], parameters = _chunk(one, etas, constants, len(asked.times_h))
        parts.append(parameters)
        if asked.residual_error:
            here = levels[first : first + size]
            width = len(one.data.observed) - here.shape[1]
            padded_out = np.pad(_filled(here, one.rows), ((0, 0), (0, width)), mode="edge")
            z = np.zeros_like(padded_out)
            z[:size, : here.shape[1]] = _residuals(streams[RESIDUAL], here.shape, one.data.nu)
            here[:] = np.maximum(
                np.asarray(_measured(one.relation, padded_out, z, one.data))[:size, : here.shape[1]], 0.0
            )
        if asked.progress is not None:
            asked.progress(size)
    notices = bound.notices
    if asked.uncertainty:
        notices = (uncertainty.notice(card), *notices)
    together = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return _Population(levels, together, (*unsolved(levels), *last_run(template), *notices))


def _mixture(card: Card, template: Subject, asked: Settings, position: int) -> _Population:
    """Virtual patients of all groups of a mixture, each patient's group drawn by chance."""
    chance = np.random.default_rng([asked.seed, GROUP, position])
    groups = chance.choice(len(card.groups), size=asked.count, p=[group.probability for group in card.groups])
    places = [np.flatnonzero(groups == k) for k in range(len(card.groups))]
    parts = {
        k: _population(group.card, template, replace(asked, count=len(places[k])), position, k)
        for k, group in enumerate(card.groups)
        if len(places[k])
    }
    levels = np.empty((asked.count, len(asked.times_h)))
    names = next(iter(parts.values())).parameters
    parameters = {name: np.empty(asked.count) for name in names}
    for k, part in parts.items():
        levels[places[k]] = part.levels
        for name, values in part.parameters.items():
            parameters[name][places[k]] = values
    counted = ", ".join(f"{len(places[k])} of the group {group.name}" for k, group in enumerate(card.groups))
    said = Notice("mixture", f"{card.id} is a mixture: {counted}.", "note")
    return _Population(levels, parameters, (said, *dict.fromkeys(n for part in parts.values() for n in part.notices)))


@dataclass(frozen=True)
class _One:
    """One template, ready to be computed: chunks are filled up to `rows`."""

    card: Card
    relation: Relation
    sampled: Bound
    data: Data
    now: Data
    rows: int


def _etas(card: Card, relation: Relation, streams: Sequence[np.random.Generator], size: int) -> np.ndarray:
    """Random effects (patients, effects): by subject, then by occasion, each occasion drawn anew."""
    subject, between = covariances(card)
    etas = streams[BY_SUBJECT].standard_normal((size, len(subject))) @ np.linalg.cholesky(subject).T
    if not relation.occasions:
        return etas
    normal = streams[BY_OCCASION].standard_normal((size, relation.occasions, len(between)))
    return np.concatenate([etas, (normal @ np.linalg.cholesky(between).T).reshape(size, -1)], axis=1)


def _chunk(
    one: _One, etas: np.ndarray, constants: Mapping[str, np.ndarray] | None, times: int
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Levels (patients, times) and parameters by name (patients,) of one chunk."""
    size = len(etas)
    filled = _filled(etas, one.rows)
    if constants is None:
        levels = predict_draws(one.relation, filled, one.data)
        parameters = individual_draws(one.relation, filled, one.now)
    else:
        typical = typical_draws(one.sampled, constants)
        uncertainty.require_possible(one.card, typical)
        latest = _filled(typical[:, -1:], one.rows)
        pieces = len(one.data.typical) - typical.shape[1]
        typical = _filled(np.concatenate([typical, np.repeat(typical[:, -1:], pieces, axis=1)], axis=1), one.rows)
        levels = _levels_by_patient(one.relation, filled, typical, one.data)
        parameters = _parameters_by_patient(one.relation, filled, latest, one.now)
    return np.asarray(levels)[:size, :times], {name: np.asarray(x)[:size] for name, x in parameters.items()}


def _filled(values: np.ndarray, rows: int) -> np.ndarray:
    """Filled up to `rows` with copies of the last."""
    return np.concatenate([values, np.repeat(values[-1:], rows - len(values), axis=0)])


@partial(jax.jit, static_argnums=0)
def _levels_by_patient(relation: Relation, etas: Any, typical: Any, data: Data) -> Any:
    """Levels (patients, samples) where each patient has typical parameters (patients, pieces, parameters) of their own."""
    return jax.vmap(lambda eta, own: relation.predict(eta, data._replace(typical=own)))(etas, typical)


@partial(jax.jit, static_argnums=0)
def _parameters_by_patient(relation: Relation, etas: Any, typical: Any, now: Data) -> Any:
    """Parameters at the latest covariates by name (patients,), where each patient has typical ones of their own."""

    def latest(eta: Any, own: Any) -> Any:
        return {name: x[-1] for name, x in relation.individual(eta, now._replace(typical=own)).items()}

    return jax.vmap(latest)(etas, typical)


def _residuals(stream: np.random.Generator, shape: tuple[int, ...], nu: Any) -> np.ndarray:
    """Standardised residuals: normal, or Student-t of nu degrees of freedom (all simulated levels are of one analyte)."""
    normal = stream.standard_normal(shape)
    if nu is None:
        return normal
    freedom = np.ravel(nu)[0]
    return normal / np.sqrt(stream.chisquare(freedom, shape) / freedom)


@partial(jax.jit, static_argnums=0)
def _measured(relation: Relation, levels: Any, z: Any, data: Data) -> Any:
    """Measured levels (patients, samples) that lie z residual SDs from predicted ones of the same shape."""
    return jax.vmap(lambda f, at: relation.measured(f, at, data))(levels, z)
