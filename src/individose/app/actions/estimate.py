"""One patient from history to advice: everything that a screen, a report or a program needs, as one record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from individose.app.actions.diagnose import diagnose, diagnose_ward
from individose.app.actions.problems import Method
from individose.app.actions.problems import fit as fit_one
from individose.base import InputError, Notice, NumericalError
from individose.dosing import Advice, Regimen, advise, current_regimen, in_doubt, steady_state, steady_states
from individose.drugs import Card, Target
from individose.events import Dose, Level, Subject, expand_doses
from individose.inference import Averaged, Estimate, Fit
from individose.inference.diagnostics import Diagnostics, WardDiagnostics, of_ward
from individose.inference.fit import fitted_ward, individuals, parameters
from individose.prediction.observations import Censoring, Options

if TYPE_CHECKING:
    from individose.app.actions.side_by_side import Compared

CURVE_POINTS = 400
"""Times at which a curve is drawn; a screen shows no more."""


TOGETHER = 1024
"""Patients of a ward described in one call."""


@dataclass(frozen=True)
class Curve:
    """Level (mg/L) over time (h): individual with its interval, and the typical patient's."""

    time_h: np.ndarray
    individual: np.ndarray
    low: np.ndarray
    high: np.ndarray
    typical: np.ndarray


@dataclass(frozen=True)
class LevelRow:
    """A measured level beside what the typical patient and this patient were predicted to have."""

    time_h: float
    observed: float
    pred: float
    ipred: float


@dataclass(frozen=True)
class CaseResult:
    """What one patient's estimate says.

    `regimen` is the one the patient is on (None when the doses show no pattern), `exposure` what it leads to at steady
    state; `advice` is None when the card has no target or no dosing section; `diagnostics` is what stands behind `fit`.
    `compared` puts several methods or models side by side; under an `average` exposure, advice and curve are the average's,
    and `fit` is that of the heaviest model.
    """

    card: Card
    subject: Subject
    fit: Fit
    parameters: dict[str, Estimate]
    typical: dict[str, float]
    levels: tuple[LevelRow, ...]
    regimen: Regimen | None
    exposure: dict[str, Estimate]
    target: Target | None
    advice: Advice | None
    curve: Curve | None = None
    compared: tuple[Compared, ...] = ()
    average: Averaged | None = None
    notices: tuple[Notice, ...] = ()
    diagnostics: Diagnostics | None = None

    @property
    def doses(self) -> tuple[Dose, ...]:
        return expand_doses(self.subject)

    @property
    def warnings(self) -> tuple[Notice, ...]:
        of_fit = self.fit.warnings if self.average is None else ()
        behind = self.diagnostics.sentences if self.diagnostics else ()
        if self.average is not None:  # which has said them already, with the name of the model
            behind = tuple(notice for notice in behind if notice not in self.fit.warnings)
        of_advice = self.advice.notices if self.advice else ()
        return tuple(dict.fromkeys((*of_fit, *self.notices, *behind, *of_advice)))


def estimate(
    card: Card,
    patient: Subject,
    method: Method = "map",
    *,
    target: Target | None = None,
    extrapolate: bool = False,
    censoring: Censoring = "m3",
    prior_weight: float = 1.0,
    fixed: Sequence[str] = (),
    curve: bool = True,
    advice: bool = True,
    behind: bool = True,
    level: float = 0.9,
) -> CaseResult:
    """Fits one patient and works out exposure, advice and curve.

    **Arguments:** `extrapolate`, `censoring`, `prior_weight` and `fixed` as for `fit`. **Raises:** as `fit`.
    """
    options: Options = {
        "extrapolate": extrapolate,
        "censoring": censoring,
        "prior_weight": prior_weight,
        "fixed": fixed,
    }
    if card.groups and advice:
        from individose.app.actions.compare import estimate_by_groups

        return estimate_by_groups(
            card, patient, method, target=target, curve=curve, level=level, behind=behind, **options
        )
    fit = fit_one(card, patient, method, **options)
    return describe(card, fit, target, curve=curve, advice=advice, behind=behind, level=level)


def describe(
    card: Card,
    fit: Fit,
    target: Target | None = None,
    *,
    curve: bool = True,
    advice: bool = True,
    behind: bool = True,
    level: float = 0.9,
) -> CaseResult:
    """A fit with its exposure, and on request its curve, dose advice (`target`: the card's first, if none is given) and what
    stands behind it (`behind`: its diagnostics)."""
    patient = fit.problem.context.subject
    regimen = current_regimen(patient)
    chosen = target or (card.targets[0] if card.targets else None)
    exposed, said = _steady(fit, regimen, level)
    drawn: Curve | None = None
    try:
        drawn = _curve(fit, patient, regimen, level) if curve else None
    except NumericalError as error:
        said = (*said, Notice("no-curve", f"No curve is drawn: {error}", "warning"))
    advised: Advice | None = None
    if advice and chosen is not None and card.dosing is not None:
        advised = or_none(chosen, lambda: advise(fit, chosen, level=level))
    found = diagnose(fit) if behind else None
    if advised is not None and found is not None:
        advised = in_doubt(advised, found.notices)
    return CaseResult(
        card=card,
        subject=patient,
        fit=fit,
        parameters=fit.parameters(level),
        typical=fit.typical(),
        levels=_levels(fit, patient),
        regimen=regimen,
        exposure=exposed,
        notices=said,
        target=chosen,
        advice=advised,
        curve=drawn,
        diagnostics=found,
    )


def _steady(fit: Fit, regimen: Regimen | None, level: float) -> tuple[dict[str, Estimate], tuple[Notice, ...]]:
    """Exposure at steady state, or why there is none: what else is known of the patient stays."""
    if regimen is None or not fit.status.ok:
        return {}, ()
    try:
        return steady_state(fit, regimen, level), ()
    except (InputError, NumericalError) as error:
        return {}, (Notice("no-exposure", f"No exposure at steady state is given: {error}", "warning"),)


def or_none(target: Target, ask: Callable[[], Advice]) -> Advice:
    """The advice that is asked for, or none with the reason where it cannot be computed."""
    try:
        return ask()
    except NumericalError as error:
        said = f"No dose is advised: {error}"
        return Advice(target, (), False, said, 0, (Notice("no-advice", said, "warning"),))


def _levels(fit: Fit, patient: Subject) -> tuple[LevelRow, ...]:
    return _rows(patient, fit.typical_fitted(), fit.fitted())


def _rows(patient: Subject, typical: np.ndarray, individual: np.ndarray) -> tuple[LevelRow, ...]:
    wanted = [e for e in patient.events if isinstance(e, Level)]
    rows = zip(wanted, typical, individual, strict=True)
    return tuple(LevelRow(e.time_h, e.value_mg_L, float(pred), float(ipred)) for e, pred, ipred in rows if e.measured)


def _curve(fit: Fit, patient: Subject, regimen: Regimen | None, level: float) -> Curve:
    times = curve_times(patient, regimen)
    low, high = fit.band(times, level)
    typical = fit.at_effects(np.zeros_like(fit.eta), times)
    return Curve(np.array(times), fit.predict(times), low, high, typical)


def curve_times(patient: Subject, regimen: Regimen | None, points: int = CURVE_POINTS) -> list[float]:
    """Times for a curve of the whole history and one interval beyond, with each dose's own two sides."""
    times = [e.time_h for e in patient.events]
    doses = expand_doses(patient)
    start, end = min(times), max([*times, *(_over_h(d) for d in doses)])
    end += regimen.interval_h if regimen else max(0.1 * (end - start), 1.0)
    edges = sorted({t for d in doses for t in (d.time_h, _over_h(d))})
    nudge = 1e-6 * (end - start)
    sides = [t + s for t in edges for s in (-nudge, 0.0) if start <= t + s <= end]
    even = np.linspace(start, end, max(points - len(sides), 50))
    return sorted({float(t) for t in (*even, *sides)})


def _over_h(dose: Dose) -> float:
    """When a dose has run in or is taken off, h."""
    return dose.time_h + max(dose.duration_h, dose.removed_after_h)


def choose_card(named: str | None, patient_card: str | None, drug: str | None, load) -> Card:
    """The card that the user named, or else the case's own, or else the only one of its drug.

    **Raises:** `InputError` when nothing says which.
    """
    for name in (named, patient_card, drug):
        if name:
            return load(name)
    raise InputError(
        "no card was named",
        "a card such as phenobarbital/grasela1985",
        "a table of levels does not say which drug it is of",
        "Pass --card ID; `individose cards` lists them.",
    )


def results(
    card: Card,
    fits: Sequence[Fit],
    *,
    level: float = 0.9,
    behind: bool = True,
    progress: Callable[[int], None] | None = None,
) -> list[CaseResult]:
    """A ward's fits, described without curves or advice: the same figures as one by one, in a few compiled calls.

    **Arguments:** `behind` asks for the diagnostics of each fit.
    """
    found: list[CaseResult] = []
    for start in range(0, len(fits), TOGETHER):
        some = fits[start : start + TOGETHER]
        rows = _described(card, some, level)
        if behind:
            known = diagnose_ward(some).patients
            rows = [replace(row, diagnostics=one) for row, one in zip(rows, known, strict=True)]
        found.extend(rows)
        if progress is not None:
            progress(min(TOGETHER, len(fits) - start))
    return found


def shrunk(rows: Sequence[CaseResult]) -> WardDiagnostics | None:
    """What the diagnostics of a ward's results say of all of them together; None for one patient, patients
    of several models, or without diagnostics."""
    if len({row.fit.problem.model for row in rows}) > 1:
        return None
    known = [row.diagnostics for row in rows if row.diagnostics is not None]
    if len(known) < 2 or len(known) < len(rows):
        return None
    return of_ward(known, [row.fit for row in rows])


def _described(card: Card, fits: Sequence[Fit], level: float) -> list[CaseResult]:
    patients = [fit.problem.context.subject for fit in fits]
    regimens = [current_regimen(patient) for patient in patients]
    on = [i for i, regimen in enumerate(regimens) if regimen is not None and fits[i].status.ok]
    exposures: list[dict[str, Estimate]] = [{} for _ in fits]
    said: list[tuple[Notice, ...]] = [() for _ in fits]
    try:
        known = steady_states([fits[i] for i in on], [regimens[i] for i in on], level) if on else []  # pyright: ignore[reportArgumentType]
        for i, one in zip(on, known, strict=True):
            exposures[i] = one
    except (InputError, NumericalError):  # one of them: each by itself, so that the others keep theirs
        for i in on:
            exposures[i], said[i] = _steady(fits[i], regimens[i], level)
    typical = individuals(fits, [np.zeros((1, len(fit.eta))) for fit in fits])
    levels = fitted_ward(fits)
    return [
        CaseResult(
            card=card,
            subject=patients[i],
            fit=fit,
            parameters=estimated,
            typical={name: float(values[i, 0]) for name, values in typical.items()},
            levels=_rows(patients[i], *levels[i]),
            regimen=regimens[i],
            exposure=exposures[i],
            target=card.targets[0] if card.targets else None,
            advice=None,
            notices=said[i],
        )
        for i, (fit, estimated) in enumerate(zip(fits, parameters(fits, level), strict=True))
    ]
