"""From a moved cluster or a settled point to a `Fit`: the verdict, and what the reader must know."""

from __future__ import annotations

import jax
import numpy as np

from individose.base import Notice, Outcome, Status
from individose.inference.cluster.aim import Aim
from individose.inference.cluster.archive import FEW, Archive
from individose.inference.cluster.damped import Settled
from individose.inference.cluster.move import Moved
from individose.inference.cluster.space import Space
from individose.inference.fit import Fit
from individose.inference.individual.missed import missed
from individose.inference.individual.posterior import explained
from individose.inference.individual.sampling import Sampling
from individose.inference.problem import Problem

ENOUGH = 0.5
"""Share of the points that must be solved."""

ARRIVED = 3.0
"""Residual SDs from its own target within which the middle point of a cluster counts as arrived."""


def of_cluster(
    problem: Problem, method: str, found: Moved, aimed: Aim, iterations: int, archive: Archive | None = None
) -> Fit:
    """The fit whose draws are the cluster's solved points; its estimate is the point nearest to their mean."""
    solved = np.asarray(found.solved) & np.all(np.isfinite(found.eta), axis=1)
    notices = _known(problem, aimed, archive)
    n = problem.n_effects
    if solved.mean() < ENOUGH or solved.sum() <= n:
        said = (
            f"The model could be solved at {int(solved.sum())} of {len(solved)} points only: the typical patient is reported "
            "instead. Check the doses, the sampling times and the units of this patient."
        )
        return failed(problem, method, said, notices)
    draws = np.asarray(found.eta)[solved]
    spread = np.atleast_2d(np.cov(draws.T))
    scale = np.sqrt(np.maximum(np.diag(spread), 1e-300))
    centre = draws[np.argmin(np.linalg.norm((draws - draws.mean(axis=0)) / scale, axis=1))]
    status = _verdict(problem, found, aimed, solved)
    loss, misfit = jax.device_get(explained(problem.likelihood, centre, problem.data))
    if status.outcome is not Outcome.CONVERGED:
        notices = (Notice(f"fit-{status.code}", status.sentence), *notices)
    return Fit(
        problem,
        method,
        centre,
        spread + 1e-12 * np.diag(scale**2),
        status,
        2.0 * float(loss) if np.isfinite(loss) else None,
        iterations,
        draws,
        (*notices, *missed(problem, np.asarray(misfit))),
        Sampling(1, dict.fromkeys((e for e in problem.effects if e), float(len(draws))), rounds=iterations),
    )


def _verdict(problem: Problem, found: Moved, aimed: Aim, solved: np.ndarray) -> Status:
    used = np.asarray(aimed.used)
    if not used.any():
        return Status(Outcome.FLAT, "No level was measured: this is the population that the cluster started from.")
    levels = np.asarray(found.first)[solved][:, used]
    if np.all(np.ptp(levels, axis=0) <= 1e-12 * np.maximum(np.abs(levels).max(axis=0), 1e-12)):
        return Status(
            Outcome.FLAT,
            "Every set of parameters gives the same level at the times sampled (before any drug has come in?): the "
            "cluster stays "
            "where it started. Check the times of doses and samples.",
        )
    away = float(np.median(np.asarray(found.missed)[solved]))
    if away > ARRIVED:
        k = int(np.argmax(np.median(np.abs(_away(found, aimed, solved)), axis=0)))
        named = problem.samples[k] if k < len(problem.samples) else "one of the samples"
        middle = float(np.median(np.asarray(found.levels)[solved, k]))
        return Status(
            Outcome.BOUND,
            f"No parameters that are plausible explain the level of {named}: the cluster came to {middle:.3g} mg/L. "
            f"Check the "
            "doses, the sampling times and the units of this patient.",
        )
    return Status(
        Outcome.CONVERGED,
        f"{int(solved.sum())} of {len(solved)} points were solved; in the median they lie {away:.2g} residual SDs from "
        f"their targets.",
    )


def _away(found: Moved, aimed: Aim, solved: np.ndarray) -> np.ndarray:
    away = (np.asarray(found.levels)[solved] - np.asarray(aimed.level)) / np.asarray(aimed.sd)
    return np.where(np.asarray(aimed.used), away, 0.0)


def of_point(problem: Problem, method: str, found: Settled, aimed: Aim, space: Space, raw: bool) -> Fit:
    """The fit of one point, with the covariance of its least squares (what the levels leave open is not in it)."""
    notices = _known(problem, aimed, None)
    if not (np.isfinite(found.cost) and np.all(np.isfinite(found.eta))):
        said = "The model gave no finite level where the search began: the typical patient is reported instead."
        return failed(problem, method, said, notices)
    outward = space.root / np.exp(found.eta)[:, None] if raw else space.root
    covariance = outward @ np.linalg.pinv(np.asarray(found.matrix), rcond=1e-10, hermitian=True) @ outward.T
    prior = np.linalg.inv(np.asarray(problem.data.precision))
    used = int(np.sum(np.asarray(aimed.used)))
    if not np.any(np.abs(np.asarray(found.matrix)) > 0.0):
        status = Status(Outcome.FLAT, "The levels say nothing about any parameter: this is the typical patient.")
    elif used < problem.n_effects:
        status = Status(
            Outcome.FLAT,
            f"{used} level(s) cannot tell {problem.n_effects} parameters: this is one of many sets that explain them.",
        )
    elif raw is False and _at_edge(found, space):
        status = Status(Outcome.BOUND, "The search ran into the edge of what is plausible (6 population SDs).")
    elif not bool(found.arrived):
        status = Status(Outcome.FLAT, f"The search had not settled after {int(found.steps)} steps.")
    else:
        status = Status(Outcome.CONVERGED, "The search settled on a minimum of the squared distances.")
    loss, misfit = jax.device_get(explained(problem.likelihood, found.eta, problem.data))
    if status.outcome is not Outcome.CONVERGED:
        notices = (Notice(f"fit-{status.code}", status.sentence), *notices)
    return Fit(
        problem,
        method,
        np.asarray(found.eta),
        np.asarray(covariance + 1e-9 * prior),
        status,
        2.0 * float(loss) if np.isfinite(loss) else None,
        int(found.steps),
        notices=(*notices, *missed(problem, np.asarray(misfit))),
    )


def _at_edge(found: Settled, space: Space) -> bool:
    room = np.minimum(found.eta - space.low, space.high - found.eta)
    return bool(np.any(room < 0.01 * (np.asarray(space.high) - np.asarray(space.low))))


def failed(problem: Problem, method: str, said: str, notices: tuple[Notice, ...]) -> Fit:
    """The typical patient, with the reason."""
    status = Status(Outcome.FAILED, said)
    covariance = np.linalg.inv(np.asarray(problem.data.precision))
    notices = (Notice("fit-failed", said, "warning"), *notices)
    return Fit(problem, method, np.zeros(problem.n_effects), covariance, status, notices=notices)


def _known(problem: Problem, aimed: Aim, archive: Archive | None) -> tuple[Notice, ...]:
    """What is known before anything is moved."""
    found: list[Notice] = []
    beyond = int(np.sum((np.asarray(problem.data.measured) > 0) & ~np.asarray(aimed.used)))
    if beyond:
        found.append(
            Notice(
                "levels-beyond-limit",
                f"{beyond} level(s) beyond a limit are left out: a cluster needs a measured target.",
            )
        )
    if archive is not None and len(archive.ids) < FEW:
        found.append(
            Notice(
                "archive-small",
                f"The archive holds {len(archive.ids)} patients: how much people differ rests largely on "
                "the card's population.",
            )
        )
    return tuple(found)
