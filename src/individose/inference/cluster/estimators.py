"""Estimators that move points: `LM` one of them, `CN`, `CGN` and `CCN` a cluster; each a final record of settings.

`variant="paper"` is the literal recipe of Yang et al. (2019), Sci Rep 9:14143: the space of the parameters themselves, per
minute and in litres; uniform targets of 10 %; steps by the plane's own value; for `CCN` the box around similar patients. The
default moves effects (so logarithms of the parameters), perturbs targets by the residual error, and keeps rows of the prior.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import jax
import numpy as np

from individose.base import InputError, Notice
from individose.inference.cluster.aim import Aim, aim
from individose.inference.cluster.archive import Archive, pooled
from individose.inference.cluster.damped import Damping, settled
from individose.inference.cluster.move import Cluster, Moving, moved
from individose.inference.cluster.result import of_cluster, of_point
from individose.inference.cluster.similar import By, Similar, box, chosen, distances, response_distances
from individose.inference.cluster.space import LEAST, Space
from individose.inference.fit import Fit, Ground
from individose.inference.individual.abstract import AbstractIndividualEstimator
from individose.inference.individual.sampling import seed_of
from individose.inference.problem import Problem

Variant = Literal["default", "paper"]

EDGE = 6.0
"""Population SDs that bound the domain where nothing else does."""

WITHOUT = Notice(
    "no-archive", "No archive of earlier patients was given: the card's own population stands in for it.", "note"
)

UNIFORM = 0.1
"""Half the width of the paper's targets, relative."""


@dataclass(frozen=True)
class LM(AbstractIndividualEstimator):
    """Least squares by Levenberg-Marquardt from the typical patient: no population, one point (see `damped`)."""

    variant: Variant = "default"

    def fit(self, problem: Problem) -> Fit:
        literal = self.variant == "paper"
        aimed = aim(problem.likelihood, problem.data)
        sd = spread(problem)
        n = problem.n_effects
        if literal:
            how = Damping(steps=400, tolerance=1e-6, scaled=False, raw=True)
            aimed = aimed._replace(sd=np.ones_like(aimed.sd))
            space = Space(np.zeros(n), np.diag(1.0 / units(problem)), np.full(n, LEAST - 1.0), np.full(n, np.inf))
        else:
            how = Damping()
            space = Space(np.zeros(n), np.diag(sd), -EDGE * sd, EDGE * sd)
        found = jax.device_get(settled(problem.likelihood, how, problem.data, space, aimed, np.zeros(n)))
        return of_point(problem, "lm", found, jax.device_get(aimed), space, how.raw)

    def fit_ward(self, problems: Sequence[Problem]) -> list[Fit]:
        return [self.fit(p) for p in problems]


@dataclass(frozen=True)
class CN(AbstractIndividualEstimator):
    """Cluster Newton: a cloud of the population, moved onto the parameters that explain the levels (see `move`)."""

    variant: Variant = "default"
    points: int = 500
    iterations: int = 10
    broyden: int = 0
    seed: int = 0

    def fit(self, problem: Problem) -> Fit:
        return _fit("cn", problem, begin_cloud(self, problem), self.iterations)

    def fit_ward(self, problems: Sequence[Problem]) -> list[Fit]:
        return [self.fit(p) for p in problems]


@dataclass(frozen=True)
class CGN(AbstractIndividualEstimator):
    """Cluster Gauss-Newton with rows of the card's population: an approximate posterior (see `move`)."""

    points: int = 500
    iterations: int = 10
    seed: int = 0

    def fit(self, problem: Problem) -> Fit:
        generator = np.random.default_rng(seed_of(problem, self.seed))
        aimed = jax.device_get(aim(problem.likelihood, problem.data))
        n = problem.n_effects
        root = np.linalg.cholesky(np.linalg.inv(np.asarray(problem.data.precision)))
        space = Space(np.zeros(n), root, np.full(n, -np.inf), np.full(n, np.inf))
        how = Moving(self.iterations)
        cluster = targeted(generator.standard_normal((self.points, n)), aimed, how, generator)
        return _fit("cgn", problem, Begun(how, space, cluster, aimed, np.empty(0)), self.iterations)

    def fit_ward(self, problems: Sequence[Problem]) -> list[Fit]:
        return [self.fit(p) for p in problems]


@dataclass(frozen=True)
class CCN(AbstractIndividualEstimator):
    """Constrained Cluster Newton: a cloud of archived patients, moved onto the parameters that explain the levels.

    **Arguments:** `archive` None lets the card's own population stand in for it. `similar` archived patients span the
    region: all, the `nearest`, or those within `threshold`; `by` their parameters or their responses at the new patient's
    samples under his doses. `region`: the normal distribution of the similar patients, whose rows stay in the steps, or their
    bounding box, from which the steps may lead out. `misfit`: by what share of the level a new patient's own curve may lie
    beside that of any parameters, over and above the residual error (by default the 10 % of the paper's targets).
    """

    archive: Archive | None = None
    variant: Variant = "default"
    similar: Similar = "all"
    by: By = "parameters"
    region: Literal["normal", "box"] = "normal"
    nearest: int = 20
    threshold: float = 1.0
    misfit: float = UNIFORM
    points: int = 500
    iterations: int = 10
    seed: int = 0

    def fit(self, problem: Problem) -> Fit:
        if self.archive is None:
            found = CGN(self.points, self.iterations, self.seed).fit(problem)
            return replace(found, method="ccn", notices=(WITHOUT, *found.notices))
        return _fit("ccn", problem, begin(self, problem), self.iterations, self.archive)

    def fit_ward(self, problems: Sequence[Problem]) -> list[Fit]:
        return [self.fit(p) for p in problems]


@dataclass(frozen=True, eq=False)
class Begun:
    """A cluster ready to be moved; `members` are the places of the archived patients behind it, `ground` the population
    that they are taken for."""

    how: Moving
    space: Space
    cluster: Cluster
    aim: Aim
    members: np.ndarray
    ground: Ground | None = None


def begin_cloud(method: CN, problem: Problem) -> Begun:
    """The cluster of a new patient, from the card's population."""
    literal = method.variant == "paper"
    generator = np.random.default_rng(seed_of(problem, method.seed))
    aimed = jax.device_get(aim(problem.likelihood, problem.data))
    sd, n = spread(problem), problem.n_effects
    start = generator.standard_normal((method.points, n))
    if literal:
        # log-normal variances as coefficients of variation, drawn around the typical value
        sd = np.sqrt(np.expm1(sd**2))
        start = _above(start, (LEAST - 1.0) / sd, generator)
        space = Space(np.zeros(n), np.diag(sd), np.full(n, LEAST - 1.0), np.full(n, np.inf))
    else:
        space = Space(np.zeros(n), np.diag(sd), -EDGE * sd, EDGE * sd)
    how = Moving(method.iterations, method.broyden, False, not literal, literal, 0.0 if literal else 2.0)
    return Begun(how, space, targeted(start, aimed, how, generator), aimed, np.empty(0))


def _above(start: np.ndarray, low: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Normal draws (points, n), each that lies below `low` drawn anew: the paper's distributions reach below 0, a parameter
    does not."""
    while np.any(below := start <= low):
        start = np.where(below, generator.standard_normal(start.shape), start)
    return start


def begin(method: CCN, problem: Problem) -> Begun:
    """The cluster of a new patient, from the archive.

    **Raises:** `InputError` for an archive of another card.
    """
    archive = method.archive
    assert archive is not None
    if archive.card != problem.model or archive.effects != problem.effects:
        raise InputError(
            f"the archive is of {archive.card} with the effects {', '.join(archive.effects)}",
            f"one of {problem.model} with {', '.join(problem.effects)}",
            "archived patients are effects of one card",
            "Build the archive with `individose archive build DATA --card` and this card.",
        )
    generator = np.random.default_rng(seed_of(problem, method.seed))
    aimed = jax.device_get(aim(problem.likelihood, problem.data))
    literal = method.variant == "paper"
    if not literal:
        aimed = aimed._replace(sd=np.hypot(aimed.sd, method.misfit * np.abs(aimed.level)))
    members = _members(method, problem, archive, aimed)
    picked = archive.etas[members]
    n, count = len(archive.effects), method.points
    ground = Ground(archive.mean, archive.covariance, 0.0 if literal else method.misfit)
    if literal or method.region == "box":
        points = np.expm1(picked) if literal else picked
        low, high = box(points)
        floor = LEAST - 1.0 if literal else -np.inf
        space = Space(low, np.diag(high - low), np.full(n, floor), np.full(n, np.inf))
        how = Moving(method.iterations, 0, False, not literal, literal, 0.0 if literal else 2.0)
        start = generator.random((count, n))
    else:
        whole = len(members) == len(archive.ids)
        covariance = archive.covariance if whole else pooled(picked, archive.covariance) + archive.within
        ground = replace(ground, mean=picked.mean(axis=0), covariance=covariance)
        space = Space(ground.mean, np.linalg.cholesky(covariance), np.full(n, -np.inf), np.full(n, np.inf))
        how = Moving(method.iterations)
        start = generator.standard_normal((count, n))
    return Begun(how, space, targeted(start, aimed, how, generator), aimed, members, ground)


def _members(method: CCN, problem: Problem, archive: Archive, aimed: Aim) -> np.ndarray:
    if method.similar == "all":
        return np.arange(len(archive.ids))
    if method.by == "responses":
        away = response_distances(problem, archive, aimed)
    elif method.variant == "paper":
        scale = units(problem)
        n = len(archive.effects)
        centre = np.expm1(archive.etas).mean(axis=0)
        space = Space(centre, np.diag(1.0 / scale), np.full(n, LEAST - 1.0), np.full(n, np.inf))
        how = Damping(steps=400, tolerance=1e-6, scaled=False, raw=True)
        flat = aimed._replace(sd=np.ones_like(aimed.sd))
        near = jax.device_get(settled(problem.likelihood, how, problem.data, space, flat, np.zeros(n)))
        away = distances(np.expm1(archive.etas), np.expm1(near.eta), scale)
    else:
        n = len(archive.effects)
        space = Space(archive.mean, np.linalg.cholesky(archive.covariance), np.full(n, -np.inf), np.full(n, np.inf))
        near = jax.device_get(settled(problem.likelihood, Damping(prior=True), problem.data, space, aimed, np.zeros(n)))
        away = distances(archive.etas, near.eta, np.ones(n))
    return chosen(away, method.similar, method.nearest, method.threshold)


def targeted(start: np.ndarray, aimed: Aim, how: Moving, generator: np.random.Generator) -> Cluster:
    """Points with a target each: the level plus its residual error, or times 1 +- 10 % in the raw space of the paper."""
    level = np.asarray(aimed.level)
    shape = (len(start), len(level))
    if how.raw:
        target = level * (1.0 + UNIFORM * generator.uniform(-1.0, 1.0, shape))
        return Cluster(start, target, np.ones_like(level), np.asarray(aimed.used))
    target = level + np.asarray(aimed.sd) * generator.standard_normal(shape)
    return Cluster(start, target, np.asarray(aimed.sd), np.asarray(aimed.used))


def _fit(method: str, problem: Problem, begun: Begun, iterations: int, archive: Archive | None = None) -> Fit:
    likelihood = problem.likelihood.rough
    found = jax.device_get(moved(likelihood, begun.how, problem.data, begun.space, begun.cluster))
    return replace(of_cluster(problem, method, found, begun.aim, iterations, archive), ground=begun.ground)


def spread(problem: Problem) -> np.ndarray:
    """Population SD of each effect (n,)."""
    return np.sqrt(np.diag(np.linalg.inv(np.asarray(problem.data.precision))))


def units(problem: Problem) -> np.ndarray:
    """One typical value of each effect's parameter in the paper's units (n,): rates per minute, volumes in litres."""
    typical = problem.likelihood.individual(np.zeros(problem.n_effects), problem.now)
    found = [float(np.asarray(typical[name.partition(":")[0]])[-1]) for name in problem.effects]
    per_minute = [1.0 / 60.0 if problem.units.get(name, "").endswith("/h") else 1.0 for name in problem.effects]
    return np.array(found) * np.array(per_minute)
