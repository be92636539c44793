"""One patient's levels after one dose: what a non-compartmental analysis is asked about."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from individose.base import InputError

Route = Literal["extravascular", "bolus", "infusion"]


@dataclass(frozen=True, eq=False)
class Profile:
    """Levels at times (h) since a dose.

    **Arguments:**

    - `time_h`, `concentration_mg_L`: (n,), times at or after the dose, each later than the one before.
    - `quantified`: (n,), False for a level below the limit of quantification, whose number is not used. A level of 0 is
      never quantified.
    - `dose_mg`: > 0; `duration_h`: of an infusion, 0 for the other routes.
    - `tau_h`: the dosing interval, for a profile at steady state; None after a single dose.
    - `predose_mg_L`: the level just before a bolus at the same time, which is no part of the curve after it (the other
      routes have it as their level at time 0).
    - `carry_over`: drug of earlier doses is still there and the state is not steady.

    **Raises:** `InputError` for numbers that make no profile; two levels at one time are refused, never averaged.
    """

    time_h: np.ndarray
    concentration_mg_L: np.ndarray
    quantified: np.ndarray
    dose_mg: float
    route: Route
    duration_h: float = 0.0
    tau_h: float | None = None
    predose_mg_L: float | None = None
    carry_over: bool = False

    def __post_init__(self) -> None:
        time_h = np.array(self.time_h, dtype=float)
        level = np.array(self.concentration_mg_L, dtype=float)
        quantified = np.array(self.quantified, dtype=bool)
        _check_shapes(time_h, level, quantified)
        _check_times(time_h)
        _check_levels(time_h, level, quantified)
        quantified &= level > 0.0
        for name, value in (("time_h", time_h), ("concentration_mg_L", level), ("quantified", quantified)):
            value.setflags(write=False)
            object.__setattr__(self, name, value)
        self._check_dose()

    @property
    def vascular(self) -> bool:
        """Whether the whole dose reaches the circulation, so that F is 1."""
        return self.route != "extravascular"

    @property
    def considered(self) -> np.ndarray:
        """(n,) which levels count for the peak and the lowest level: all, or those up to `tau_h` at steady state."""
        return self.time_h <= (math.inf if self.tau_h is None else self.tau_h)

    @property
    def peak(self) -> int | None:
        """Place of the first highest quantified level among those considered; None where none was quantified."""
        usable = np.flatnonzero(self.quantified & self.considered)
        return int(usable[np.argmax(self.concentration_mg_L[usable])]) if len(usable) else None

    def _check_dose(self) -> None:
        if not (math.isfinite(self.dose_mg) and self.dose_mg > 0.0):
            raise InputError(
                f"the dose is {self.dose_mg:g} mg",
                "a dose is a finite amount above 0 mg",
                "clearance and volume are in proportion to it",
                "Enter the amount that was given.",
            )
        infused = self.route == "infusion"
        if not math.isfinite(self.duration_h) or (self.duration_h > 0.0) != infused or self.duration_h < 0.0:
            raise InputError(
                f"the route is {self.route} and the duration {self.duration_h:g} h",
                "an infusion lasts longer than 0 h, any other dose has a duration of 0 h",
                "an infusion's mean input time is half its duration",
                "Correct the route or the duration.",
            )
        if self.tau_h is not None and not (math.isfinite(self.tau_h) and self.tau_h > 0.0):
            raise InputError(
                f"the dosing interval is {self.tau_h:g} h",
                "an interval is longer than 0 h",
                "exposure at steady state is that of one interval",
                "Give the time between two doses, or none after a single dose.",
            )


def _check_shapes(time_h: np.ndarray, level: np.ndarray, quantified: np.ndarray) -> None:
    if time_h.ndim != 1 or not time_h.shape == level.shape == quantified.shape or not len(time_h):
        raise InputError(
            f"a profile has times of shape {time_h.shape}, levels of {level.shape} and marks of {quantified.shape}",
            "one row of each, of the same length and not empty",
            "each level has its time",
            "Give a time, a level and whether it was quantified for each sample.",
        )


def _check_times(time_h: np.ndarray) -> None:
    bad = ~np.isfinite(time_h) | (time_h < 0.0)
    if bad.any():
        raise InputError(
            f"a level has the time {time_h[bad][0]:g} h after the dose",
            "a time is finite and not before the dose",
            "the areas begin at the dose",
            "Leave levels before the dose out.",
        )
    twice = np.flatnonzero(np.diff(time_h) == 0.0)
    if len(twice):
        raise InputError(
            f"there are two levels at {time_h[twice[0]]:g} h after the dose",
            "each time has one level",
            "a curve has one value at a time, and which is right cannot be seen from the numbers",
            "Leave one out, or correct its time.",
        )
    back = np.flatnonzero(np.diff(time_h) < 0.0)
    if len(back):
        raise InputError(
            f"a level at {time_h[back[0] + 1]:g} h follows one at {time_h[back[0]]:g} h",
            "levels are in order of time",
            remedy="Sort them.",
        )


def _check_levels(time_h: np.ndarray, level: np.ndarray, quantified: np.ndarray) -> None:
    bad = quantified & ~(np.isfinite(level) & (level >= 0.0))
    if bad.any():
        raise InputError(
            f"the level at {time_h[bad][0]:g} h after the dose is {level[bad][0]:g} mg/L",
            "a level is a finite number, 0 mg/L or more",
            "it is a concentration",
            "Correct it; mark a level below the limit of quantification as such.",
        )
