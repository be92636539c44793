"""One schedule for many subjects in closed form: chunks that fit the processor's cache, one thread for each core."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Float

from individose.base import InputError
from individose.kinetics.propagate import concentrations
from individose.kinetics.schedule import Schedule
from individose.kinetics.system import System

CHUNK = 500
"""Subjects side by side."""


def population(
    system: System,
    p: Mapping[str, Float[Array, "subjects pieces"]],
    schedule: Schedule,
    *,
    threads: int | None = None,
) -> Float[np.ndarray, "subjects samples"]:
    """Levels (mg/L) of many subjects of a linear system under one schedule.

    **Arguments:** `p` has a row for each subject; `threads` None is one for each core.

    **Raises:** `InputError` for a nonlinear system, which has a population of its own (`kinetics.ode`).
    """
    if not system.linear:
        raise InputError(
            f"a population of {system.name} was asked for in closed form",
            "a linear system",
            "a nonlinear one is stepped through",
            "Use individose.kinetics.ode.population.",
        )
    count = len(next(iter(p.values())))
    parts = max(1, min(threads or os.cpu_count() or 1, -(-count // CHUNK)))
    each = -(-count // (parts * CHUNK)) * CHUNK if count > CHUNK else count
    rows = np.minimum(np.arange(parts * each), count - 1).reshape(parts, each)  # filled up with the last subject
    mine = [{name: np.asarray(x)[own] for name, x in p.items()} for own in rows]
    run = partial(_levels, system)
    if parts == 1:
        return np.asarray(run(mine[0], schedule))[:count]
    _levels.lower(system, mine[0], schedule).compile()  # here, and not in every thread at once
    with ThreadPoolExecutor(parts) as pool:
        found = list(pool.map(lambda own: np.asarray(run(own, schedule)), mine))
    return np.concatenate(found)[:count]


@partial(jax.jit, static_argnums=0)
def _levels(system: System, p: Any, schedule: Any) -> Any:
    return jax.lax.map(lambda own: concentrations(system, own, schedule), p, batch_size=CHUNK)
