"""An optimum at a corner of the objective, where the slope jumps and no Newton step arrives.

BFGS with a bisection for the weak Wolfe conditions descends to such points as well: Lewis & Overton (2013), Math Program
141:135-163.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from individose.base import Outcome
from individose.inference.individual.map import DEFAULT, Found, Settings, curved, judged, rooms
from individose.inference.problem import Likelihood, loss

STEPS = 200
BISECTIONS = 40
ARRIVED = 1e-11
"""Change of the loss, relative, under which a step counts for nothing; `IDLE` in a row end the descent."""

IDLE = 6


class _Descent(NamedTuple):
    eta: Any
    loss: Any
    slope: Any
    inverse: Any
    steps: Any
    idle: Any


@partial(jax.jit, static_argnums=(0, 3))
def corner(likelihood: Likelihood, data: Any, start: Any, settings: Settings = DEFAULT) -> Found:
    """The lowest point that a descent from `start` (effects,) reaches; its covariance is that of the expected curvature."""

    def value(eta: Any) -> Any:
        found = loss(likelihood, eta, data)
        return jnp.where(jnp.isfinite(found), found, jnp.inf)

    def slope(eta: Any) -> Any:
        found = jax.jacfwd(lambda e: loss(likelihood, e, data))(eta)
        return jnp.where(jnp.isfinite(found), found, 0.0)

    def step(s: _Descent) -> _Descent:
        direction = -s.inverse @ s.slope
        fall = s.slope @ direction

        def trying(search: Any) -> Any:
            _, _, _, tries, fits = search
            return ~fits & (tries < BISECTIONS)

        def bisect(search: Any) -> Any:
            low, high, length, tries, _ = search
            trial = s.eta + length * direction
            lowered = value(trial) < s.loss + 1e-4 * length * fall
            turned = slope(trial) @ direction > 0.9 * fall
            low, high = jnp.where(lowered, length, low), jnp.where(lowered, high, length)
            fits = lowered & turned
            following = jnp.where(jnp.isfinite(high), 0.5 * (low + high), 2.0 * low)
            return low, high, jnp.where(fits, length, following), tries + 1, fits

        first = (jnp.asarray(0.0), jnp.asarray(jnp.inf), jnp.asarray(1.0), jnp.asarray(0), jnp.asarray(False))
        low, high, length, _, fits = jax.lax.while_loop(trying, bisect, first)
        eta = s.eta + jnp.where(fits, length, low) * direction
        here, turn = value(eta), slope(eta)
        # at the corner itself nothing is lower: the slope on its other side tells the metric to go along it
        beyond = s.eta + jnp.where(fits, length, jnp.where(jnp.isfinite(high), high, low)) * direction
        moved, change = beyond - s.eta, jax.lax.cond(fits, lambda: turn, lambda: slope(beyond)) - s.slope
        along = moved @ change
        updated = along > 1e-300
        rate = 1.0 / jnp.where(updated, along, 1.0)
        left = jnp.eye(len(eta)) - rate * jnp.outer(moved, change)
        inverse = jnp.where(updated, left @ s.inverse @ left.T + rate * jnp.outer(moved, moved), prior)
        idle = s.loss - here < ARRIVED * (1.0 + jnp.abs(here))
        return _Descent(eta, here, turn, inverse, s.steps + 1, jnp.where(idle, s.idle + 1, 0))

    prior = _along(likelihood, data, start, settings)
    begun = _Descent(start, value(start), slope(start), prior, jnp.asarray(0), jnp.asarray(0))
    end = jax.lax.while_loop(lambda s: (s.idle < IDLE) & (s.steps < STEPS), step, begun)
    covariance, informed = curved(likelihood, end.eta, data)
    usable = jnp.isfinite(end.loss) & jnp.all(jnp.isfinite(covariance))
    outcome = jnp.where(usable, judged(likelihood, end.eta, informed, data, settings), Outcome.FAILED.value)
    misfit = likelihood.standardised(likelihood.predict(end.eta, data), data)
    room = rooms(likelihood, end.eta, covariance, data)
    nothing = jnp.asarray(jnp.nan)  # no Newton step was taken: what tells a corner from an optimum that is smooth
    return Found(end.eta, covariance, end.loss, outcome, end.steps, nothing, informed, misfit, end.eta, room)


def _along(likelihood: Likelihood, data: Any, start: Any, settings: Settings) -> Any:
    """The metric of the descent: the population's covariance, without the directions in which a parameter that is at 0
    would change. Steps of BFGS stay in the plane in which its first metric lies."""
    prior = jnp.linalg.inv(data.precision)
    if not likelihood.guarded:
        return prior
    room = likelihood.room(start, data)
    normals = jnp.where((room < settings.nothing)[:, None], jax.jacfwd(likelihood.room)(start, data), 0.0)
    within = jnp.eye(len(start)) - jnp.linalg.pinv(normals) @ normals
    return within @ prior @ within
