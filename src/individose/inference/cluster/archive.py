"""Earlier patients as a new one's prior: their effects under one card, fitted once from all that was measured of each.

Fitted by two stages in turn, until they agree (Steimer, Mallet, Golmard & Boisvieux 1984, Drug Metab Rev 15:265-292):
the most probable effects of each patient under a normal population, and the population of these effects, whose
covariance gets the mean uncertainty of one patient added. It starts from the card's population. A patient of weight 0
is fitted, and counts for nobody else: so one can be left out.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from individose.base import InputError
from individose.inference.cluster.aim import Aim
from individose.inference.cluster.damped import Damping, settle
from individose.inference.cluster.space import Space
from individose.inference.problem import Likelihood
from individose.kinetics.schedule import Array

FEW = 10
"""Patients under which an archive says little of how much people differ."""


@dataclass(frozen=True)
class Calibration:
    """By how many of their own widths (in logarithms) the ends of intervals are moved outward, so that they hold as often as
    they say: from `patients` who were each tried as new, with the others as archive.

    **Arguments:** `level` of the intervals; `samples_h` since the first dose of what was known of each; `horizon_h`, the end
    of the area; `widen` by figure of the curve.
    """

    level: float
    samples_h: tuple[float, ...]
    horizon_h: float
    patients: int
    widen: dict[str, float]


@dataclass(frozen=True)
class Archive:
    """**Arguments:** `card` and names of `effects` that it belongs to; `ids` (q) and `etas` (q, n) of the patients;
    `prior` (n, n) the card's own covariance of the effects; `within` (n, n) the mean uncertainty of one patient's
    effects; `calibration` of intervals, where its patients were tried as new ones.

    **Raises:** `InputError` for no patient, effects that are not finite, or shapes that do not fit.
    """

    card: str
    effects: tuple[str, ...]
    ids: tuple[str, ...]
    etas: np.ndarray
    prior: np.ndarray
    within: np.ndarray
    calibration: Calibration | None = None

    def __post_init__(self) -> None:
        q, n = len(self.ids), len(self.effects)
        fits = self.etas.shape == (q, n) and self.prior.shape == (n, n) == self.within.shape
        if q == 0 or not fits or not np.all(np.isfinite(self.etas)):
            raise InputError(
                f"an archive of {self.card} holds {q} patients with effects of shape {self.etas.shape}",
                f"at least one patient, each with a finite value of {', '.join(self.effects)}",
                "a new patient is likened to them",
                "Build it anew with `individose archive build`.",
            )

    @property
    def mean(self) -> np.ndarray:
        return self.etas.mean(axis=0)

    @property
    def covariance(self) -> np.ndarray:
        """Of the population: how far the patients' most probable effects lie apart, and how uncertain each of them is (being
        drawn to the middle, they alone show too little). The card's own counts as some patients, so that it is never
        singular."""
        return pooled(self.etas, self.prior) + self.within

    def with_patient(self, id: str, eta: np.ndarray, covariance: np.ndarray) -> Archive:
        """The archive with one more patient, or with a new estimate of one who is in it."""
        kept = [i for i, known in enumerate(self.ids) if known != id]
        q = len(self.ids)
        within = (q * self.within + covariance) / (q + 1)
        etas = np.vstack([self.etas[kept], eta])
        return replace(self, ids=(*(self.ids[i] for i in kept), id), etas=etas, within=within)


def pooled(etas: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """Covariance of effects (q, n), with the card's own as `SHARE` n patients' worth."""
    q, n = etas.shape
    away = etas - etas.mean(axis=0)
    return (away.T @ away + SHARE * n * prior) / (max(q - 1, 0) + SHARE * n)


SHARE = 0.5
"""What the card's population counts in an archive's, in patients for each effect."""


class Population(NamedTuple):
    """`etas` (patients, n), `mean` (n,), `covariance` (n, n) of the population, and `within` (n, n)."""

    etas: Float[Array, "patients effects"]
    mean: Float[Array, " effects"]
    covariance: Float[Array, "effects effects"]
    within: Float[Array, "effects effects"]


ROUNDS, STEPS = 12, 8
"""Rounds of the two stages, and steps of a search in each, which starts where the last one ended."""


def two_stage(likelihood: Likelihood, data: Any, aims: Aim, prior: Any, weights: Any) -> Population:
    """The population of many patients, whose arrays have a leading axis.

    **Arguments:** `prior` (n, n): the card's covariance; `weights` (patients,): 1, or 0 for one who is left out.
    """
    n = prior.shape[0]
    how = Damping(steps=STEPS, prior=True)
    endless = jnp.full(n, jnp.inf)

    def one(mean: Any, root: Any, eta: Any, mine: Any, aim: Aim) -> tuple[Any, Any]:
        space = Space(mean, root, -endless, endless)
        start = jax.scipy.linalg.solve_triangular(root, eta - mean, lower=True)
        found = settle(likelihood, how, mine, space, aim, start)
        spread = root @ jnp.linalg.inv(found.matrix + jnp.eye(n)) @ root.T
        usable = jnp.all(jnp.isfinite(found.eta)) & jnp.all(jnp.isfinite(spread))
        return jnp.where(usable, found.eta, mean), jnp.where(usable, spread, root @ root.T)

    def round_(now: Population, _: None) -> tuple[Population, None]:
        root = jnp.linalg.cholesky(now.covariance)
        etas, spreads = jax.vmap(partial(one, now.mean, root))(now.etas, data, aims)
        share = weights / jnp.maximum(weights.sum(), 1.0)
        mean = share @ etas
        away = (etas - mean) * jnp.sqrt(share)[:, None]
        within = jnp.tensordot(share, spreads, 1)
        count = weights.sum()
        whole = (count * (away.T @ away + within) + SHARE * prior) / (count + SHARE)
        return Population(etas, mean, whole, within), None

    q = weights.shape[0]
    begun = Population(jnp.zeros((q, n)), jnp.zeros(n), prior, prior)
    return jax.lax.scan(round_, begun, None, length=ROUNDS)[0]


@partial(jax.jit, static_argnums=0)
def population(likelihood: Likelihood, data: Any, aims: Aim, prior: Any, weights: Any) -> Population:
    """`two_stage`, compiled."""
    return two_stage(likelihood, data, aims, prior, weights)


def populations(likelihood: Likelihood, data: Any, aims: Aim, prior: Any, weights: np.ndarray) -> Population:
    """`population` for each of many sets of `weights` (sets, patients): the program of a single one, on every core."""
    with ThreadPoolExecutor(cores()) as pool:
        found = list(
            pool.map(lambda one: jax.device_get(population(likelihood, data, aims, prior, one)), np.asarray(weights))
        )
    return jax.tree.map(lambda *parts: np.stack(parts), *found)


def cores() -> int:
    """How many may be used."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def archived(card: str, effects: Sequence[str], ids: Sequence[str], found: Population, prior: np.ndarray) -> Archive:
    """The archive of a population's patients."""
    return Archive(card, tuple(effects), tuple(ids), np.asarray(found.etas), prior, np.asarray(found.within))
