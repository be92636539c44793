"""What an archive that was tried on its own patients adds to a new one's fit: intervals that held for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from individose.app.actions.bands import ends
from individose.app.actions.curves import FIGURES, courses, read_off
from individose.base import Notice, Outcome
from individose.events import expand_doses
from individose.inference import CCN, Fit, Problem
from individose.inference.cluster.archive import Calibration
from individose.inference.individual.abstract import AbstractIndividualEstimator

UNITS = {"peak": "mg/L", "half": "h", "auc": "mg h/L"}
NAMES = {"peak": "peak", "half": "half of it at", "auc": "area"}
"""How the figures are called; the time of the peak is not among them: during an infusion it is known."""

NEAR = 0.5
"""Share by which a sample's time may differ from the one that was tried."""


@dataclass(frozen=True)
class Interval:
    """Median of a cluster's figure, and its calibrated interval."""

    value: float
    low: float
    high: float


def intervals(fit: Fit, calibration: Calibration) -> dict[str, Interval]:
    """By figure of the curve up to the horizon; nothing where no point of the cluster has a finite curve."""
    if fit.draws is None:
        return {}
    likelihood = fit.problem.likelihood.rough
    points = np.asarray(read_off(likelihood, fit.draws[None], *courses([fit.problem], calibration.horizon_h)))
    if not np.isfinite(points).all(axis=2).any():
        return {}
    low, high = ends(points, calibration.level)
    width = np.maximum(high - low, 1e-9)
    middle = np.nanmedian(points, axis=1)
    found: dict[str, Interval] = {}
    for k, name in enumerate(FIGURES):
        if name in UNITS and name in calibration.widen:
            more = calibration.widen[name] * width[0, k]
            found[name] = Interval(
                float(middle[0, k]), *(float(np.exp(x)) for x in (low[0, k] - more, high[0, k] + more))
            )
    return found


def with_calibration(method: AbstractIndividualEstimator, fits: Sequence[Fit]) -> list[Fit]:
    """The fits, each with a notice of its calibrated intervals, or that the archive behind the method has none."""
    if not isinstance(method, CCN) or method.archive is None:
        return list(fits)
    known = method.archive.calibration
    said = [((UNTRIED,) if fit.status.ok else ()) if known is None else _said(fit, known) for fit in fits]
    return [replace(fit, notices=(*fit.notices, *more)) for fit, more in zip(fits, said, strict=True)]


UNTRIED = Notice(
    "uncalibrated",
    "All intervals are the spread of the cluster's own points; whether as many patients lie in them as they say was not "
    "tried. An archive built with --sample is tried on its own patients, and gives calibrated intervals.",
    "note",
)
"""Said of every fit to an archive without a calibration."""


def _vouched(calibration: Calibration) -> str:
    """What so few patients cannot promise: of n in turn and a new one, each is as likely the farthest out."""
    most = calibration.patients / (calibration.patients + 1)
    if most >= calibration.level:
        return ""
    return f" So few patients vouch for {100 * most:.0f} % only."


def _said(fit: Fit, calibration: Calibration) -> tuple[Notice, ...]:
    found = intervals(fit, calibration) if fit.status.outcome is Outcome.CONVERGED else {}
    if not found:
        return ()
    figures = "; ".join(
        f"{NAMES[name]} {one.value:.3g} ({one.low:.3g} to {one.high:.3g}) {UNITS[name]}" for name, one in found.items()
    )
    tried = " and ".join(f"{t:.3g} h" for t in calibration.samples_h)
    sentence = (
        f"Until {calibration.horizon_h:.3g} h after the first dose, with {100 * calibration.level:.0f} % intervals "
        f"calibrated on {calibration.patients} archived patients sampled near {tried}: {figures}.{_vouched(calibration)} "
        "Intervals of parameters, exposure and curve are the cluster's own."
    )
    if _alike(fit.problem, calibration):
        return (Notice("calibrated", sentence, "note"),)
    said = f"{sentence} This patient was sampled otherwise, so that they may hold less often than they say."
    return (Notice("calibrated-otherwise", said),)


def _alike(problem: Problem, calibration: Calibration) -> bool:
    """Whether a patient's samples are those that were tried."""
    patient = problem.context.subject
    start = expand_doses(patient)[0].time_h
    times = sorted(e.time_h - start for e in patient.levels if e.measured and e.censoring == "none")
    tried = sorted(calibration.samples_h)
    return len(times) == len(tried) and all(abs(a - b) <= NEAR * b for a, b in zip(times, tried, strict=True))
