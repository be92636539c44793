"""Half-lives, mean residence time and steady-state volume of a patient, each with its interval."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from individose.base import InputError
from individose.inference.estimate import Estimate, estimated
from individose.inference.exposure import course_of
from individose.inference.problem import Likelihood
from individose.kinetics.extremes import half_lives
from individose.kinetics.moments import moments_to_infinity, steady_volume
from individose.kinetics.steady import unit


def constants(likelihood: Likelihood, etas: np.ndarray, now: Any, level: float = 0.9) -> dict[str, Estimate]:
    """See `Fit.constants`; the first row of `etas` is the estimate, the others are draws."""
    course = course_of(likelihood, "half_life")
    system = course.system
    if not system.linear:
        raise InputError(
            f"half-lives were asked of {system.name}",
            "a linear system",
            "the half-life of a nonlinear one depends on the level",
            "Ask for until_below, the time until the level stays below a threshold.",
        )
    lives, residence, volume = (np.asarray(x) for x in _constants(course, etas, now))
    names = ["half_life", *(f"half_life_{k}" for k in range(2, lives.shape[1] + 1))]
    found = {name: estimated(lives[:, k], "h", level) for k, name in enumerate(names)}
    found["MRT"] = estimated(residence, "h", level)
    if len(system.outputs) == 1:
        found["Vss"] = estimated(volume, "L", level)
    return found


@partial(jax.jit, static_argnums=0)
def _constants(course: Any, etas: Any, now: Any) -> tuple[Any, Any, Any]:
    system = course.system

    def one(eta: Any) -> tuple[Any, Any, Any]:
        q = system.prepare({name: values[-1] for name, values in course.individual(eta, now).items()})
        central = system.compartments.index("central")
        left = moments_to_infinity(system, q, unit(system, central, jnp.ones(())))
        return half_lives(system, q), left.mean_time_h[0], steady_volume(system, q)

    return jax.lax.map(one, jnp.asarray(etas))
