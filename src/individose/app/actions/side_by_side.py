"""Methods or models of one patient in a row each: parameters, exposure, and whether a regimen reaches the target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from individose.base import InputError, Notice, NumericalError
from individose.dosing import Advice, Regimen, attainment, average_attainment, steady_state
from individose.drugs import Target
from individose.inference import Averaged, Estimate, Fit


@dataclass(frozen=True)
class Compared:
    """One method or model: what it is called, its weight in an average (None outside of one), how it ended, and what it
    says. `exposure` is empty where the patient is on no regimen or the fit failed; `attainment` is the probability of the
    target by regimen, and empty where there is no target; `missing` says why one of the two cannot be had; `fit` is None for
    an average."""

    label: str
    status: str
    parameters: dict[str, Estimate]
    exposure: dict[str, Estimate]
    weight: float | None = None
    fit: Fit | None = None
    attainment: dict[str, float] = field(default_factory=dict)
    missing: str = ""


@dataclass(frozen=True)
class Asked:
    """What each row is asked: exposure under `regimen`, and how probably each of `regimens` reaches the target."""

    regimen: Regimen | None
    target: Target | None
    regimens: tuple[Regimen, ...]
    level: float = 0.9


def asked(regimen: Regimen | None, target: Target | None, advice: Advice | None, level: float) -> Asked:
    """The regimen that the patient is on, and beside it the best advised one."""
    best = advice.best if advice is not None else None
    found = (*((regimen,) if regimen else ()), *((best.regimen,) if best else ()))
    return Asked(regimen, target, tuple(dict.fromkeys(found)) if target else (), level)


def row(fit: Fit, label: str, about: Asked, weight: float | None = None) -> Compared:
    """What one fit says."""
    exposed: dict[str, Estimate] = {}
    reached: dict[str, float] = {}
    missing = ""
    if fit.status.ok:
        try:
            exposed = steady_state(fit, about.regimen, about.level) if about.regimen is not None else {}
            if about.target is not None and about.regimens:
                reached = _by_regimen(about.regimens, attainment(fit, about.target, about.regimens))
        except (InputError, NumericalError) as error:
            missing = str(error)
    return Compared(label, fit.status.code, fit.parameters(about.level), exposed, weight, fit, reached, missing)


def unknown(rows: Sequence[Compared]) -> tuple[Notice, ...]:
    """Why a cell of a row is empty."""
    return tuple(Notice("not-compared", f"{one.label}: {one.missing}", "caution") for one in rows if one.missing)


def average_row(averaged: Averaged, label: str, exposure: dict[str, Estimate], about: Asked) -> Compared:
    """What the average says."""
    reached: dict[str, float] = {}
    missing = ""
    if about.target is not None and about.regimens:
        try:
            reached = _by_regimen(about.regimens, average_attainment(averaged, about.target, about.regimens))
        except NumericalError as error:
            missing = str(error)
    return Compared(label, "", {}, exposure, attainment=reached, missing=missing)


def _by_regimen(regimens: Sequence[Regimen], probabilities: Sequence[float]) -> dict[str, float]:
    return {str(regimen): one for regimen, one in zip(regimens, probabilities, strict=True)}
