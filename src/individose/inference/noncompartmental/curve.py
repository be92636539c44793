"""From samples to a curve: what becomes of levels below the limit, and what the level was at the dose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from individose.inference.noncompartmental.profile import Profile

Origin = Literal["observed", "zero", "back-extrapolated", "first level", "lowest level", "unknown"]

ORIGINS: dict[Origin, str] = {
    "observed": "The level at the dose was measured.",
    "zero": "No level was measured at the dose; it was taken as 0, as before a first dose.",
    "back-extrapolated": "The level just after the bolus was extrapolated back from the logarithms of the first two.",
    "first level": "The level just after the bolus was taken from the first measured one: the first two do not fall.",
    "lowest level": "No level was measured at the dose; it was taken as the lowest of the interval, "
    "as at steady state.",
    "unknown": "No level was measured at the dose, and what earlier doses left is not known.",
}


@dataclass(frozen=True, eq=False)
class Curve:
    """Points (m,) of which areas are taken; the first is at the dose unless `origin` is `unknown`.

    `last` is the place of the last quantified level; points after it are levels below the limit, as 0. `zeroed` and
    `dropped` count the levels below the limit that became 0 and those left out.
    """

    time_h: np.ndarray
    concentration_mg_L: np.ndarray
    last: int
    origin: Origin
    zeroed: int
    dropped: int


def curve(profile: Profile, after_last: Literal["zero", "drop"] = "zero") -> Curve | None:
    """The curve of a profile; None where no level was quantified.

    A level below the limit is 0 before the first quantified one and left out between two (PKNCA's defaults); after the
    last it is as `after_last` says. One at the time of a bolus was drawn before it, and is left out.
    """
    found = np.flatnonzero(profile.quantified)
    if not len(found):
        return None
    place = np.arange(len(profile.time_h))
    before, after = place < found[0], place > found[-1]
    if profile.route == "bolus":
        before &= profile.time_h > 0.0
    kept = profile.quantified | before | (after if after_last == "zero" else np.zeros_like(after))
    time_h = profile.time_h[kept]
    level = np.where(profile.quantified, profile.concentration_mg_L, 0.0)[kept]
    unquantified = int(np.sum(~profile.quantified))
    zeroed = int(np.sum(kept & ~profile.quantified))
    origin, start = _origin(profile, time_h, level)
    if start is not None:
        time_h, level = np.append(0.0, time_h), np.append(start, level)
    last = int(np.flatnonzero(time_h == profile.time_h[found[-1]])[-1])
    return Curve(time_h, level, last, origin, zeroed, unquantified - zeroed)


def _origin(profile: Profile, time_h: np.ndarray, level: np.ndarray) -> tuple[Origin, float | None]:
    """Where the level at the dose comes from, and its value if it has to be put in."""
    if time_h[0] == 0.0:
        return "observed", None
    if profile.route == "bolus":
        if len(level) > 1 and level[0] > level[1] > 0.0:
            steepness = np.log(level[0] / level[1]) / (time_h[1] - time_h[0])
            return "back-extrapolated", float(level[0] * np.exp(steepness * time_h[0]))
        return "first level", float(level[0])
    if profile.tau_h is not None:
        within = level[time_h <= profile.tau_h]
        return ("lowest level", float(within.min())) if len(within) else ("unknown", None)
    return ("unknown", None) if profile.carry_over else ("zero", 0.0)
