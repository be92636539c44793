"""Many subjects at once, as fast as the machine allows: small groups that fit its cache, one thread for each core.

A group waits for its slowest member at every record, so groups are small; and a group is a loop that XLA runs on one core, so
groups are dealt out to threads. Forward simulation only: fits map over patients with `jax.vmap(solve)`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from individose.base import InputError
from individose.kinetics.ode.memory import awake, empty, moment
from individose.kinetics.ode.model import OdeSystem
from individose.kinetics.ode.propagate import Levels, solve
from individose.kinetics.ode.settings import DEFAULT, Settings
from individose.kinetics.schedule import Schedule

GROUP = 128
"""Subjects that take their steps together."""


def population(
    ode: OdeSystem,
    p: Mapping[str, Float[np.ndarray, "subjects pieces"]],
    schedule: Schedule,
    settings: Settings = DEFAULT,
    *,
    areas: bool = False,
    threads: int | None = None,
) -> Levels:
    """Levels of all subjects; every field of the result has a leading axis of subjects.

    **Arguments:** `p` has a row for each subject; `schedule` is one for all, or has a leading axis of subjects (then
    `span_h` has two axes); `threads` None is one for each core.

    **Raises:** `InputError` when parameters differ in their number of subjects.
    """
    counts = {name: len(values) for name, values in p.items()}
    if len(set(counts.values())) != 1:
        raise InputError(
            f"parameters are given for {', '.join(f'{n} subjects ({name})' for name, n in counts.items())}",
            "every parameter has one row for each subject",
            remedy="Repeat the value of a parameter that all share.",
        )
    (count,) = set(counts.values())
    shared = jnp.ndim(schedule.span_h) == 1
    parts = max(1, min(threads or os.cpu_count() or 1, -(-count // GROUP)))
    each = -(-count // (parts * GROUP)) * GROUP
    order = np.argsort(_pace(ode, {name: jnp.asarray(x)[:, 0] for name, x in p.items()}), kind="stable")
    filled = order[np.minimum(np.arange(parts * each), count - 1)]  # the last group is filled up with one subject
    dealt = (
        filled.reshape(-1, parts, GROUP).swapaxes(0, 1).reshape(parts, each)
    )  # fast and slow groups for every thread
    mine = [
        ({name: np.asarray(x)[rows] for name, x in p.items()}, schedule if shared else _rows(schedule, rows))
        for rows in dealt
    ]
    run = partial(_groups, ode, settings, areas, shared)
    if parts == 1:
        found = [run(*mine[0])]
    else:
        _groups.lower(ode, settings, areas, shared, *mine[0]).compile()  # here, and not in every thread at once
        with ThreadPoolExecutor(parts) as pool:
            found = list(pool.map(lambda one: jax.block_until_ready(run(*one)), mine))
    back = np.empty(count, dtype=int)
    back[dealt.ravel()[::-1]] = np.arange(dealt.size)[::-1]
    return jax.tree.map(lambda *x: np.concatenate([np.asarray(y) for y in x])[back], *found)


@partial(jax.jit, static_argnums=0)
def _pace(ode: OdeSystem, p: Any) -> Any:
    """How fast the fastest compartment of each subject changes: those of one group should take steps of one length."""

    def one(mine: Any) -> Any:
        like = next(iter(mine.values()))
        whole = awake(ode, mine, empty(ode, like))
        x = tuple(value + 1.0 if here else value for value, here in zip(whole.x, ode.drug, strict=True))
        now = moment(ode, whole.memory, 0.0, jnp.zeros_like(like))
        slopes = jax.jacfwd(lambda z: ode.rhs(mine, z, now))(x)
        return sum((jnp.abs(row[i]) for i, row in enumerate(slopes)), start=jnp.zeros_like(like))

    return jax.vmap(one)(p)


def _rows(schedule: Schedule, rows: Any) -> Schedule:
    return jax.tree.map(lambda x: np.asarray(x)[rows], schedule)


@partial(jax.jit, static_argnums=(0, 1, 2, 3))
def _groups(ode: OdeSystem, settings: Settings, areas: bool, shared: bool, p: Any, schedule: Any) -> Levels:
    def one(mine: Any, line: Schedule) -> Levels:
        return solve(ode, mine, line, settings, areas=areas)

    def group(now: Any) -> Levels:
        parameters, lines = now if not shared else (now, schedule)
        return jax.vmap(one, in_axes=(0, None if shared else 0))(parameters, lines)

    split = jax.tree.map(lambda x: jnp.reshape(x, (-1, GROUP, *x.shape[1:])), p if shared else (p, schedule))
    return jax.tree.map(lambda x: jnp.reshape(x, (-1, *x.shape[2:])), jax.lax.map(group, split))
