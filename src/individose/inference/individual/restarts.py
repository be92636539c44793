"""A second look at searches that may have ended at the wrong optimum: other starts, and corners of the objective.

A search from the typical patient finds the best optimum of nearly everyone. It is repeated from other points for a patient
whose search failed, or whose result would surprise under the model (`surprising`), for everyone where the population is so
wide that the levels may be explained in two ways (`WIDE`), and for everyone where an effect moves the beginning or the end
of an input: there a level before its dose has no slope to follow, and an optimum may lie at a corner
(an input that ends just when a level is taken), where no Newton step arrives.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from operator import itemgetter
from statistics import NormalDist
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from individose.base import Outcome
from individose.inference.individual.corner import corner
from individose.inference.individual.map import Found
from individose.inference.problem import Likelihood, loss

SCOUTS = 64
"""Points of the prior at which the objective is looked at."""

STARTS = 4
"""The best of them that become starts; each at least `APART` from the better ones and from the first result."""

GROUPS = (1, 16, 256)
"""Sizes in which patients are scouted."""

APART = 1.0
"""Population SDs."""

SURPRISE = 0.99
"""Quantile of chi-squared beyond which a result counts as surprising: 1 patient in 100 of the model's own."""

NEAR = 4.0
"""Difference of the objective under which another optimum is worth a word (7 times less probable at its mode)."""


WIDE = 1.0
"""SD of an effect on a logarithm from which on everybody gets a second look: a factor of 2.7 either way."""


class Other(NamedTuple):
    """Another optimum: its effects, and how much higher its objective is."""

    eta: np.ndarray
    gap: float


def surprising(found: Found, precision: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Whose squared residuals and effects (in their SDs) sum to more than the model lets expect, or who has no result.

    At the optimum of a linear model the sum is chi-squared with as many degrees of freedom as there are levels.

    **Arguments:** everything with a leading axis of patients; `levels` (patients,) counts the levels of each.
    """
    misfit = np.clip(found.misfit, -1e100, 1e100)  # its square is finite
    total = (misfit**2).sum(1) + np.einsum("pi,pij,pj->p", found.eta, precision, found.eta)
    return ~(total <= _chi_squared(levels)) | (np.asarray(found.outcome) == Outcome.FAILED)


def _wide(likelihood: Likelihood, precision: np.ndarray) -> np.ndarray:
    """Whose population is wide (patients,)."""
    own = list(likelihood.relative)
    if not any(own):
        return np.zeros(len(precision), dtype=bool)
    variance = np.diagonal(np.linalg.inv(precision), axis1=1, axis2=2)[:, : len(own)]
    return np.any(variance[:, own] >= WIDE**2, axis=1)


def _chi_squared(freedom: np.ndarray) -> np.ndarray:
    """The quantile `SURPRISE` (Wilson & Hilferty 1931)."""
    n = np.maximum(freedom, 1)
    return n * (1 - 2 / (9 * n) + NormalDist().inv_cdf(SURPRISE) * np.sqrt(2 / (9 * n))) ** 3


Again = Callable[[Sequence[int], np.ndarray], Found]
"""(places of patients, starts) -> the searches from there, in numpy."""


def improve(
    likelihood: Likelihood, data: Any, found: Found, count: int, again: Again
) -> tuple[Found, dict[int, Other]]:
    """The best optimum found for each patient, and those who have another one nearly as good.

    **Arguments:** `data` and `found` (numpy) have a leading axis of patients, of whom the first `count` are looked at.
    """
    precision = np.asarray(data.precision)
    levels = (np.asarray(data.measured) > 0).sum(1)
    concerned = surprising(found, precision, levels) | likelihood.cornered | _wide(likelihood, precision)
    places = [int(i) for i in np.flatnonzero(concerned[:count] & (levels[:count] > 0))]
    if not places:
        return found, {}
    found = _found([np.array(part) for part in found])
    starts = _starts(likelihood, data, found, places)
    asked = [i for i in places for _ in starts[i]]
    searched = again(asked, np.concatenate([starts[i] for i in places])) if asked else None
    others: dict[int, Other] = {}
    for i in places:
        tried = [_row(found, i)]
        if searched is not None:
            tried += [_row(searched, k) for k, place in enumerate(asked) if place == i]
        others |= _chosen(likelihood, data, found, i, tried)
    return found, others


def _chosen(likelihood: Likelihood, data: Any, found: Found, i: int, tried: list[Found]) -> dict[int, Other]:
    """Writes the best of the searches of patient i into `found`; a better end of a search that did not arrive is taken to
    the corner at which it stands."""
    arrived = [one for one in tried if one.outcome != Outcome.FAILED]
    best = min(arrived, key=lambda one: float(one.loss), default=None)
    ends = [one for one in tried if one.outcome == Outcome.FAILED and np.isfinite(one.loss)]
    end = min(ends, key=lambda one: float(one.loss), default=None)
    if end is not None and (best is None or end.loss < best.loss - 1e-9):
        here = jax.tree.map(lambda x: np.asarray(x)[i], data)
        turned = jax.device_get(corner(likelihood, here, end.last))
        if turned.outcome != Outcome.FAILED and (best is None or turned.loss < best.loss):
            best = turned
    if best is None:
        return {}
    parts: Any = found
    for part, value in zip(parts, best, strict=True):
        part[i] = value
    sd = np.sqrt(np.diag(np.linalg.inv(np.asarray(data.precision)[i])))
    away = [one for one in arrived if np.max(np.abs(one.eta - best.eta) / sd) > 0.25 * APART]
    second = min(away, key=lambda one: float(one.loss), default=None)
    gap = np.inf if second is None else 2.0 * float(second.loss - best.loss)
    return {i: Other(np.asarray(second.eta), gap)} if second is not None and gap < NEAR else {}


def _starts(likelihood: Likelihood, data: Any, found: Found, places: Sequence[int]) -> dict[int, np.ndarray]:
    """Starts (starts, effects) of each patient."""
    standard = _points(found.eta.shape[1])
    roots = np.linalg.cholesky(np.linalg.inv(np.asarray(data.precision)))
    points = np.einsum("pij,kj->pki", roots, standard)
    scouted = np.full(points.shape[:2], np.inf)
    # only those concerned, in few sizes; one after the other where each steps through differential equations
    size = 1 if not likelihood.together else next((n for n in GROUPS if n >= len(places)), GROUPS[-1])
    for first in range(0, len(places), size):
        some = list(places[first : first + size])
        filled = np.array(some + some[-1:] * (size - len(some)))
        chosen = jax.tree.map(itemgetter(filled), jax.tree.map(np.asarray, data))
        scouted[some] = np.asarray(_scout(likelihood, chosen, points[filled]))[: len(some)]
    starts: dict[int, np.ndarray] = {}
    for i in places:
        taken = [np.linalg.solve(roots[i], found.last[i])] if np.all(np.isfinite(found.last[i])) else []
        first = len(taken)
        for k in np.argsort(scouted[i]):
            if len(taken) - first == STARTS or not np.isfinite(scouted[i, k]):
                break
            if all(np.linalg.norm(standard[k] - other) >= APART for other in taken):
                taken.append(standard[k])
        starts[i] = np.array(taken[first:]).reshape(-1, standard.shape[1]) @ roots[i].T
    return starts


@partial(jax.jit, static_argnums=0)
def _scout(likelihood: Likelihood, data: Any, points: Any) -> Any:
    """The objective (patients, points) at points (patients, points, effects)."""
    return jax.lax.map(
        lambda one: jax.vmap(lambda eta: loss(likelihood, eta, one[0]))(one[1]), (data, jnp.asarray(points))
    )


@lru_cache(maxsize=32)
def _points(effects: int) -> np.ndarray:
    """Quasi-random standard normal points (points, effects): Halton's sequence, the same for every patient."""
    columns = [[NormalDist().inv_cdf(_halton(k + 1, base)) for k in range(SCOUTS)] for base in _primes(effects)]
    return np.array(columns).T.reshape(SCOUTS, effects)


def _halton(index: int, base: int) -> float:
    found, share = 0.0, 1.0
    while index:
        index, digit = divmod(index, base)
        share /= base
        found += digit * share
    return found


def _primes(count: int) -> list[int]:
    found: list[int] = []
    number = 2
    while len(found) < count:
        if all(number % prime for prime in found):
            found.append(number)
        number += 1
    return found


def _row(found: Found, i: int) -> Found:
    return _found([np.asarray(part)[i] for part in found])


def _found(parts: Any) -> Found:
    return Found(*parts)
