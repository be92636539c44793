"""The modes of many patients: side by side in chunks, slow ones set aside, a thread for each core.

Side by side, all of a chunk take the steps of the slowest. So everybody takes a few steps first; those who have not arrived
then go on among their like; and all take the last step, the only one with exact second derivatives, together. Where the
likelihood steps through differential equations, the way is first gone over a march of fixed steps, whose optimum is next
to the precise one (`Likelihood.near`); what cannot march is solved alone, each in a thread.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from individose.inference.individual.approach import FIRST, STEPS, Near, approach
from individose.inference.individual.map import Found, Settings, arrive, solve
from individose.inference.problem import Likelihood, loss

CHUNK, STEPPING = 256, 16
"""Patients side by side: few enough to stay in the processor's cache, and to wait for the slowest of a stepping model."""

FEW, FEW_STEPPING = 32, 8
"""Patients under whom each is solved alone, in a thread: a small ward compiles what one patient does, in half the time."""

Rows = TypeVar("Rows", Near, Found)
Item = TypeVar("Item")
Result = TypeVar("Result")


def ward(likelihood: Likelihood, data: Any, start: Float[np.ndarray, "patients effects"], settings: Settings) -> Found:
    """`find` for many patients at once, in numpy: every array has a leading axis of patients."""
    data, start = jax.tree.map(np.asarray, data), np.asarray(start)
    near = likelihood.near
    if not side_by_side(likelihood, len(start)):
        places = range(len(start))
        rows = in_threads(lambda i: jax.device_get(solve(likelihood, _of(data, i), start[i], settings)), places)
        columns: Any = [np.stack(column) for column in zip(*rows, strict=True)]
        return Found(*columns)
    if likelihood.together:
        return _searched(likelihood, data, start, settings, CHUNK)
    ahead, _ = _towards(near, data, start, settings, STEPPING)
    everybody = np.arange(len(start))
    lower = _chunked(lambda some: _lower(likelihood, _of(data, some), start[some], ahead[some]), everybody, STEPPING)
    return _searched(likelihood, data, lower.eta, settings, STEPPING)


def side_by_side(likelihood: Likelihood, patients: int) -> bool:
    """Whether so many patients are solved side by side, and not each alone."""
    if likelihood.together:
        return patients >= FEW
    return patients >= FEW_STEPPING and likelihood.near != likelihood


def _searched(likelihood: Likelihood, data: Any, start: np.ndarray, settings: Settings, size: int) -> Found:
    eta, steps = _towards(likelihood, data, start, settings, size)
    everybody = np.arange(len(start))
    found = _chunked(
        lambda some: _arrived(likelihood, _of(data, some), eta[some], settings), everybody, min(size, len(start))
    )
    return found._replace(steps=found.steps + steps)


def _towards(
    likelihood: Likelihood, data: Any, start: np.ndarray, settings: Settings, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Effects near the optima, and the steps to them."""
    first, more = (min(most, settings.max_steps) for most in (FIRST, STEPS))
    size = min(size, len(start))
    everybody = np.arange(len(start))
    near = _chunked(lambda some: _approached(likelihood, _of(data, some), start[some], first), everybody, size)
    eta, steps = np.array(near.eta), np.array(near.steps)
    slow = np.flatnonzero(~near.done)
    if len(slow):
        further = _chunked(lambda some: _approached(likelihood, _of(data, some), eta[some], more), slow, size)
        steps[slow] += further.steps
        eta[slow] = further.eta
    return eta, steps


def _chunked(run: Callable[[np.ndarray], Rows], places: np.ndarray, size: int) -> Rows:
    """The rows of these patients, in numpy and in their order, from chunks of the size that is compiled."""
    pieces = [places[first : first + size] for first in range(0, len(places), size)]
    filled = [np.concatenate([some, np.repeat(some[-1:], size - len(some))]) for some in pieces]
    return _joined(in_threads(lambda some: jax.device_get(run(some)), filled), len(places))


def in_threads(run: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """What `run` makes of each item, in their order, a thread for each core; the first alone, so that what it compiles is
    compiled once and not in every thread."""
    done = [run(one) for one in items[:1]]
    if len(items) > 1:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            done += pool.map(run, items[1:])
    return done


def _joined(parts: Sequence[Rows], rows: int) -> Rows:
    columns: Any = [np.concatenate(column)[:rows] for column in zip(*parts, strict=True)]
    return type(parts[0])(*columns)


def _of(data: Any, places: np.ndarray | int) -> Any:
    return jax.tree.map(lambda x: x[places], data)


@partial(jax.jit, static_argnums=0)
def _approached(likelihood: Likelihood, data: Any, start: Any, most: Any) -> Near:
    return jax.vmap(lambda one, eta: approach(likelihood, one, eta, most))(data, start)


@partial(jax.jit, static_argnums=0)
def _lower(likelihood: Likelihood, data: Any, start: Any, ahead: Any) -> Near:
    """Of two starts the one with the lower loss; the first where the second has none."""

    def better(one: Any, here: Any, there: Any) -> Any:
        lower = loss(likelihood, there, one)
        return jnp.where(jnp.isfinite(lower) & ~(loss(likelihood, here, one) <= lower), there, here)

    nothing = jnp.zeros(len(start), dtype=int)
    return Near(jax.vmap(better)(data, start, ahead), nothing, nothing > 0)


@partial(jax.jit, static_argnums=(0, 3))
def _arrived(likelihood: Likelihood, data: Any, near: Any, settings: Settings) -> Found:
    return jax.vmap(lambda one, eta: arrive(likelihood, one, eta, settings))(data, near)
