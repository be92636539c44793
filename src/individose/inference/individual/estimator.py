"""The individual methods: each a final record of settings with `fit` for one problem and `fit_ward` for many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any

import jax
import numpy as np

from individose.base import Notice, Outcome, Status
from individose.base.outcomes import SENTENCES
from individose.inference.fit import Fit
from individose.inference.individual import map as mode
from individose.inference.individual import nuts, restarts, sir, weighted
from individose.inference.individual.abstract import AbstractIndividualEstimator
from individose.inference.individual.missed import missed
from individose.inference.individual.posterior import doubtful, explained, of_draws, without_draws
from individose.inference.individual.rival import NOT_COVERED, second
from individose.inference.individual.sampling import Sampling, of_chains, seed_of
from individose.inference.individual.ward import CHUNK, in_threads, side_by_side, ward
from individose.inference.problem import Problem
from individose.kinetics import padded

DEFAULT = mode.DEFAULT


@dataclass(frozen=True)
class MAP(AbstractIndividualEstimator):
    """Most probable effects, with the Laplace approximation around them (see `map`)."""

    settings: mode.Settings = DEFAULT

    def fit(self, problem: Problem) -> Fit:
        likelihood, data = problem.likelihood, problem.data

        def again(_: Sequence[int], starts: np.ndarray) -> mode.Found:
            return _together([jax.device_get(mode.solve(likelihood, data, one, self.settings)) for one in starts])

        found = _together([jax.device_get(mode.solve(likelihood, data, np.zeros(problem.n_effects), self.settings))])
        found, others = restarts.improve(likelihood, jax.tree.map(lambda x: np.asarray(x)[None], data), found, 1, again)
        return _fit(problem, mode.Found(*(part[0] for part in found)), others.get(0))

    def fit_ward(self, problems: Sequence[Problem]) -> list[Fit]:
        likelihood = problems[0].likelihood
        chunked = likelihood.together and side_by_side(likelihood, len(problems))
        rows = ward_rows(len(problems)) if chunked else len(problems)
        data = stack([p.data for p in problems], rows)
        start = np.zeros((rows, problems[0].n_effects))

        def again(places: Sequence[int], starts: np.ndarray) -> mode.Found:
            parts: list[mode.Found] = []
            for first in range(0, len(places), rows):
                some = np.array([*places[first : first + rows]])
                rest = np.zeros(rows - len(some), dtype=int)
                chosen = jax.tree.map(itemgetter(np.concatenate([some, rest])), data)
                filled = np.full(start.shape, np.nan)  # such a row takes no step
                filled[: len(some)] = starts[first : first + rows]
                found = ward(likelihood, chosen, filled, self.settings)
                parts.append(mode.Found(*(part[: len(some)] for part in found)))
            columns: Any = [np.concatenate(column) for column in zip(*parts, strict=True)]
            return mode.Found(*columns)

        found = ward(likelihood, data, start, self.settings)
        found, others = restarts.improve(likelihood, data, found, len(problems), again)
        return [_fit(p, mode.Found(*(part[i] for part in found)), others.get(i)) for i, p in enumerate(problems)]


@dataclass(frozen=True)
class Prior(AbstractIndividualEstimator):
    """The population as it stands, before any level: what is known from the covariates alone."""

    def fit(self, problem: Problem) -> Fit:
        nothing = np.zeros(problem.n_effects)
        covariance = np.linalg.inv(np.asarray(problem.data.precision))
        status = Status(Outcome.CONVERGED, "No level was used: this is the typical patient with these covariates.")
        return Fit(problem, "prior", nothing, covariance, status)

    def fit_ward(self, problems: Sequence[Problem]) -> list[Fit]:
        return [self.fit(p) for p in problems]


DRAWN = sir.Settings()
SAMPLED = nuts.Settings()


@dataclass(frozen=True)
class SIR(AbstractIndividualEstimator):
    """The whole posterior by sampling-importance-resampling around the mode (see `sir`)."""

    settings: sir.Settings = DRAWN
    mode: AbstractIndividualEstimator = MAP()

    def fit(self, problem: Problem) -> Fit:
        return self._fit(self.mode.fit(problem))

    def fit_ward(self, problems: Sequence[Problem]) -> list[Fit]:
        return in_threads(self._fit, self.mode.fit_ward(problems))

    def _fit(self, around: Fit) -> Fit:
        problem, settings = around.problem, self.settings
        seed = seed_of(problem, settings.seed)
        try:
            found = sir.sample(problem.likelihood, problem.data, around.eta, around.covariance, seed, settings)
        except np.linalg.LinAlgError as error:
            return without_draws(around, "sir", f"No proposal could be made ({error})")
        sampling = Sampling(
            chains=1,
            effective={name: float(x) for name, x in zip(problem.effects, found.worth, strict=True) if name},
            rounds=found.rounds,
            proposals=settings.proposals,
            log_marginal=found.log_marginal if np.isfinite(found.log_marginal) else None,
        )
        return _drawn(around, "sir", found.draws, (found.mean, found.covariance), sampling)


@dataclass(frozen=True)
class NUTS(AbstractIndividualEstimator):
    """The whole posterior by Hamiltonian Monte Carlo, several chains at once (see `nuts`)."""

    settings: nuts.Settings = SAMPLED
    mode: AbstractIndividualEstimator = MAP()

    def fit(self, problem: Problem) -> Fit:
        return self._around(self.mode.fit(problem))

    def _around(self, around: Fit) -> Fit:
        problem = around.problem
        try:
            start = self._start(around)
        except np.linalg.LinAlgError as error:
            return without_draws(around, "nuts", f"The chains could not be started ({error})")
        found, marched = weighted.solve(problem.likelihood, problem.data, start, self.settings)
        return self._fit(around, start, found, march=marched)

    def fit_ward(self, problems: Sequence[Problem]) -> list[Fit]:
        # chains of several patients side by side would all take the steps of the longest trajectory
        return in_threads(self._around, self.mode.fit_ward(problems))

    def _start(self, around: Fit) -> nuts.Start:
        seed = seed_of(around.problem, self.settings.seed)
        return nuts.begin(np.asarray(around.problem.data.precision), around.eta, around.covariance, seed, self.settings)

    def _fit(self, around: Fit, start: nuts.Start, found: nuts.Sampled, *, march: bool) -> Fit:
        """The fit of the chains, or of finer ones that start from their draws where these leave a doubt (over a march only if
        the first ones were)."""
        fit = self._of(around, start, found)
        if not doubtful(fit) or not self.settings.repeats:
            return fit
        problem, z = around.problem, np.asarray(found.z)
        turns = range(1, self.settings.repeats + 1)
        starts = [nuts.again(start, z, turn, self.settings) for turn in turns]
        likelihood, data = problem.likelihood, problem.data
        runs = [weighted.solve(likelihood, data, one, self.settings, march=march)[0] for one in starts]
        return self._of(around, start, nuts.joined(runs))

    def _of(self, around: Fit, start: nuts.Start, found: nuts.Sampled) -> Fit:
        statistics = {name: np.asarray(getattr(found, name)) for name in nuts.Sampled._fields[1:]}
        draws = np.asarray(found.z) @ start.root.T
        flat = draws.reshape(-1, draws.shape[-1])
        moments = (flat.mean(axis=0), np.atleast_2d(np.cov(flat.T)))
        return _drawn(around, "nuts", flat, moments, of_chains(around.problem, draws, statistics))


def _drawn(
    around: Fit, method: str, draws: np.ndarray, moments: tuple[np.ndarray, np.ndarray], sampling: Sampling
) -> Fit:
    """The fit of the draws, with what their mean leaves unexplained."""
    problem = around.problem
    loss, misfit = jax.device_get(explained(problem.likelihood, moments[0], problem.data))
    return of_draws(around, method, draws, moments, float(loss), sampling, missed(problem, np.asarray(misfit)))


def ward_rows(patients: int) -> int:
    """To how many rows a ward is filled up: few distinct numbers, all whole chunks, at most an eighth in vain."""
    if patients <= CHUNK:
        return padded(patients)
    chunks = -(-patients // CHUNK)
    step = max(1, 2 ** (chunks.bit_length() - 1) // 8)
    return -(-chunks // step) * step * CHUNK


def stack(data: Sequence[Any], rows: int) -> Any:
    """Many patients' arrays with one leading axis, filled up to `rows` with copies of the last."""
    leaves = [jax.tree.leaves(one) for one in data]
    structure = jax.tree.structure(data[0])
    more = rows - len(data)
    columns = [np.stack([*column, *[column[-1]] * more]) for column in zip(*leaves, strict=True)]
    return jax.tree.unflatten(structure, columns)


def _together(found: Sequence[mode.Found]) -> mode.Found:
    columns: Any = [np.stack(column) for column in zip(*found, strict=True)]
    return mode.Found(*columns)


def _fit(problem: Problem, found: mode.Found, other: restarts.Other | None = None) -> Fit:
    outcome = _published(problem, found)
    sentence = _sentence(problem, outcome, found)
    if other is not None and outcome is not Outcome.FAILED:
        sentence = " ".join(filter(None, (second(problem, np.asarray(found.eta), other), NOT_COVERED, sentence)))
        outcome = Outcome.BOUND if outcome is Outcome.BOUND else Outcome.MULTI_MODAL
    status = Status(outcome, sentence)
    objective = 2.0 * float(found.loss)
    notices: tuple[Notice, ...] = ()
    if outcome is not Outcome.CONVERGED:
        notices = (
            Notice(f"fit-{status.code}", status.sentence, "warning" if outcome is Outcome.FAILED else "caution"),
        )
    said = (*_corner(problem, found), *_cut(problem, found), *missed(problem, np.asarray(found.misfit)))
    notices = (*notices, *said)
    fit = Fit(
        problem,
        "map",
        np.asarray(found.eta),
        np.asarray(found.covariance),
        status,
        objective if np.isfinite(objective) else None,
        int(found.steps),
    )
    return replace(fit, notices=notices)


def _published(problem: Problem, found: mode.Found) -> Outcome:
    """The outcome beside the population as published: a flattened one makes no level informative, and no effect usual."""
    outcome = Outcome(int(found.outcome))
    if problem.prior_weight >= 1.0 or outcome not in (Outcome.CONVERGED, Outcome.FLAT):
        return outcome
    if _far(problem, found).any():
        return Outcome.BOUND
    return Outcome.FLAT if _uninformed(problem, found).any() else outcome


def _uninformed(problem: Problem, found: mode.Found) -> np.ndarray:
    """The patient's own effects (effects,) about which the levels say next to nothing, beside the published population."""
    concerned = np.asarray(found.informed) * min(problem.prior_weight, 1.0) < DEFAULT.informative
    concerned[problem.likelihood.by_subject :] = False
    return concerned


def _far(problem: Problem, found: mode.Found) -> np.ndarray:
    """The effects (effects,) that lie too many SDs off: of the population as published, or of the one that counted."""
    variance = np.diag(np.linalg.inv(np.asarray(problem.data.precision))) * min(problem.prior_weight, 1.0)
    return np.abs(np.asarray(found.eta)) > DEFAULT.edge * np.sqrt(variance)


def _corner(problem: Problem, found: mode.Found) -> Iterator[Notice]:
    """What is to be said of an optimum at a corner."""
    if found.outcome != Outcome.FAILED and np.isnan(found.last_step) and not _nothing(problem, found):
        yield Notice(
            "at-a-corner",
            "At the most probable parameters an input begins or ends just when a level was taken: the interval is rougher "
            "than usual.",
            "note",
        )


def _nothing(problem: Problem, found: mode.Found) -> list[str]:
    """The parameters that went to 0 and cannot be negative."""
    room = np.asarray(found.room)
    return [name for name, one in zip(problem.likelihood.guarded, room, strict=False) if one[0] < DEFAULT.nothing]


def _cut(problem: Problem, found: mode.Found) -> Iterator[Notice]:
    """A note on intervals that would reach below 0."""
    names = [
        name for name, one in zip(problem.likelihood.guarded, np.asarray(found.room), strict=False) if one[1] < 0.0
    ]
    if names and found.outcome != Outcome.FAILED:
        yield Notice(
            "cut-at-zero",
            f"{', '.join(names)} cannot be negative: the normal approximation around the estimate reaches below 0 and is cut "
            "there. Method sir or nuts gives the interval itself.",
            "note",
        )


def _sentence(problem: Problem, outcome: Outcome, found: mode.Found) -> str:
    """The outcome's sentence, naming the parameters it concerns."""
    if outcome not in (Outcome.FLAT, Outcome.BOUND):
        return ""
    if outcome is Outcome.FLAT:
        concerned = _uninformed(problem, found)
        if not np.asarray(problem.data.measured).any():
            return "No level was measured: this is the typical patient with these covariates."
    elif _nothing(problem, found):
        named = ", ".join(_nothing(problem, found))
        return (
            f"{named} went to 0 and cannot be negative: the levels do not fit this model. Check the doses, the sampling "
            "times and the units of this patient."
        )
    else:
        concerned = _far(problem, found)
    named = [name for name, yes in zip(problem.effects, concerned, strict=True) if yes and name]
    return f"{SENTENCES[outcome]} It concerns {', '.join(named)}." if named else ""
