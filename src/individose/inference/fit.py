"""What an estimator returns: effects, uncertainty, status, and everything that can be predicted from them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from statistics import NormalDist
from typing import Any

import jax
import numpy as np

from individose.base import InputError, Notice, Status
from individose.inference.constants import constants
from individose.inference.estimate import Estimate, estimated, require_solved
from individose.inference.evidence import at_mode, by_importance
from individose.inference.exposure import (
    METRICS,
    WITH_THRESHOLD,
    Exposure,
    check,
    course_draws,
    course_of,
    endless_draws,
    moment_draws,
    named,
    read,
)
from individose.inference.individual.sampling import Sampling
from individose.inference.predictions import (
    area_draws,
    impossible_draws,
    individual_draws,
    individual_ward,
    predict,
    predict_draws,
    predict_pairs,
)
from individose.inference.problem import Problem

ROUNDS = 50
"""How often draws are drawn again where some of them are impossible."""

DRAWS, FEW_DRAWS = 2000, 200
"""Draws behind an interval; its ends then carry a Monte Carlo error of about 2 % of its width. Where each draw steps through
differential equations they are few, and the error is about 6 %."""


@dataclass(frozen=True, eq=False)
class Ground:
    """The population that a fit rested on where that was not the card's: `mean` (effects,) and `covariance` (effects,
    effects), and by what share of a level a patient's own curve may lie beside that of any parameters (`misfit`)."""

    mean: np.ndarray
    covariance: np.ndarray
    misfit: float = 0.0


@dataclass(frozen=True)
class Fit:
    """One patient's estimate.

    **Arguments:** `eta` (effects,) and `covariance` (effects, effects) on the scale of the random effects; `draws`
    (draws, effects) when the method samples, otherwise None and a normal approximation stands for the posterior;
    `objective` is twice the minus log posterior (NONMEM's scale at given effects, without log det omega); `sampling` says
    how draws came about (chains, R-hat, effective number, divergences), and `eta` is then the mean of the posterior;
    `ground` is None where the card's own population was the prior.
    """

    problem: Problem
    method: str
    eta: np.ndarray
    covariance: np.ndarray
    status: Status
    objective: float | None = None
    steps: int = 0
    draws: np.ndarray | None = None
    notices: tuple[Notice, ...] = field(default=())
    sampling: Sampling | None = None
    ground: Ground | None = None

    @property
    def id(self) -> str:
        return self.problem.id

    @cached_property
    def warnings(self) -> tuple[Notice, ...]:
        """All that the reader must know: from the history, from the card, from the fit."""
        return (*self.problem.notices, *self.notices)

    @property
    def centre(self) -> np.ndarray:
        """Mean of the effects (effects,) in the population that the fit rested on."""
        return np.zeros(len(self.eta)) if self.ground is None else self.ground.mean

    @property
    def prior(self) -> np.ndarray:
        """Covariance of the effects (effects, effects) in the population that the fit rested on."""
        if self.ground is None:
            return np.linalg.inv(np.asarray(self.problem.data.precision))
        return self.ground.covariance

    @property
    def enough(self) -> int:
        """Draws that this model's intervals rest on."""
        return DRAWS if self.problem.likelihood.together else FEW_DRAWS

    def sample(self, count: int | None = None, seed: int = 0) -> np.ndarray:
        """Draws (count, effects) from the posterior, `enough` unless said; the same seed gives the same draws."""
        count = self.enough if count is None else count
        generator = np.random.default_rng(seed)
        if self.draws is not None:
            return self.draws[generator.integers(len(self.draws), size=count)]
        root = np.linalg.cholesky(self.covariance)

        def drawn() -> np.ndarray:
            return self.eta + generator.standard_normal((count, len(self.eta))) @ root.T

        if not self.problem.likelihood.guarded:
            return drawn()
        return self._possible(count, drawn)

    def _possible(self, count: int, drawn: Callable[[], np.ndarray]) -> np.ndarray:
        """The first `count` draws with no parameter below 0 that cannot be there; the estimate where there are too few."""
        found = np.empty((0, len(self.eta)))
        for _ in range(ROUNDS):
            some = drawn()
            wrong = np.asarray(impossible_draws(self.problem.likelihood, some, self.problem.data))
            found = np.concatenate([found, some[~wrong]])
            if len(found) >= count:
                return found[:count]
        return np.concatenate([found, np.repeat(self.eta[None], count - len(found), axis=0)])

    def parameters(self, level: float = 0.9) -> dict[str, Estimate]:
        """Individual parameters at the patient's latest covariates, each with its marginal interval."""
        return parameters([self], level)[0]

    def typical(self) -> dict[str, float]:
        """Parameters of the typical patient with the same covariates."""
        found = individuals([self], [np.zeros((1, len(self.eta)))])
        return {name: float(x[0, 0]) for name, x in found.items()}

    def fitted(self) -> np.ndarray:
        """Individual prediction (IPRED, mg/L) at every level of the history, in record order, measured or not."""
        return self._at_levels(self.eta)

    def typical_fitted(self) -> np.ndarray:
        """Prediction for the typical patient (PRED, mg/L) at every level of the history."""
        return self._at_levels(np.zeros_like(self.eta))

    def predict(self, times_h: Sequence[float], analyte: str | None = None) -> np.ndarray:
        """Levels (mg/L) at times in h on the clock of the doses; a time equal to a dose's is just after it.

        **Arguments:** `analyte` is an output of the model (`metabolite`), its first unless one is named; so in all others.
        """
        return self.at_effects(self.eta, times_h, analyte)

    def at_effects(self, eta: np.ndarray, times_h: Sequence[float], analyte: str | None = None) -> np.ndarray:
        """Levels (mg/L) at times for given effects (effects,); zeros are the typical patient."""
        data = self.problem.at(_finite(times_h), analyte)
        return require_solved(np.asarray(predict(self.problem.likelihood, eta, data))[: len(times_h)], finite=True)

    def band(
        self, times_h: Sequence[float], level: float = 0.9, count: int | None = None, analyte: str | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper ends of the interval of the level at each time, from draws of the posterior."""
        with np.errstate(invalid="ignore"):  # an end among infinite draws is no number, and refused
            ends = np.quantile(self.curves(times_h, count, analyte), [0.5 - level / 2, 0.5 + level / 2], axis=0)
        low, high = require_solved(ends, finite=True)
        return low, high

    def curves(self, times_h: Sequence[float], count: int | None = None, analyte: str | None = None) -> np.ndarray:
        """Levels (draws, times) for draws of the posterior."""
        data = self.problem.at(_finite(times_h), analyte)
        found = predict_draws(self.problem.likelihood, self.sample(count), data)
        return require_solved(np.asarray(found)[:, : len(times_h)])

    def exposure(
        self,
        metric: str,
        start_h: float,
        end_h: float,
        level: float = 0.9,
        threshold: float | None = None,
        analyte: str | None = None,
    ) -> Estimate:
        """Exposure between two times of the history, exact for the estimate and for every draw around it.

        **Arguments:** `metric` is one of

        - `auc` (mg.h/L), `average` (mg/L), and `aumc` (mg.h2/L, the first moment, time counted from `start_h`);
        - `peak` and `minimum` (mg/L), and when they are first reached: `tpeak`, `tminimum` (h, on the clock of the doses);
          the field's names `cmax`, `cmin`, `tmax` and `tmin` mean the same;
        - `above` (h), `fraction_above`, and `until_below` (h after `start_h` until the level stays below): with a
          `threshold` in mg/L. What is still above it at `end_h` counts to there.

        A dose at `start_h` is in the interval, one at `end_h` is not. `end_h` may be `math.inf` for `auc`, `aumc` and
        `until_below`: when nothing more is given.

        **Raises:** `InputError` for another metric, an interval that does not run forward, or a missing threshold;
        `NumericalError` where it cannot be computed (a response without end).
        """
        metric = named(metric)
        values = self.exposures(metric, start_h, end_h, threshold, analyte=analyte)
        return estimated(values, METRICS[metric], level)

    def exposures(
        self,
        metric: str,
        start_h: float,
        end_h: float,
        threshold: float | None = None,
        count: int | None = None,
        analyte: str | None = None,
    ) -> np.ndarray:
        """Exposure as in `exposure`, of the estimate first and then of draws of the posterior (1 + draws,)."""
        metric = named(metric)
        check(metric, start_h, end_h, threshold)
        likelihood = self.problem.likelihood
        if math.isinf(end_h):
            data = self.problem.at([start_h, start_h], analyte)
            return endless_draws(likelihood, self._points(count), data, metric, threshold)
        if metric in ("auc", "average"):
            data = self.problem.at([start_h, end_h], analyte)
            area = np.asarray(area_draws(likelihood, self._points(count), data))
            return (area[:, 1] - area[:, 0]) / (1.0 if metric == "auc" else end_h - start_h)
        if metric == "aumc":
            return moment_draws(likelihood, self._points(count), self.problem.at([start_h, end_h], analyte))
        asked = (start_h, end_h, threshold if metric in WITH_THRESHOLD else None, analyte, count)
        if asked not in self._courses:
            data = self.problem.at([start_h, end_h], analyte)
            self._courses[asked] = course_draws(course_of(likelihood, metric), self._points(count), data, asked[2])
        return read(metric, self._courses[asked], start_h)

    @cached_property
    def _courses(self) -> dict[tuple[Any, ...], Exposure]:
        """What was read off the courses already: one window answers for peak, trough and their times."""
        return {}

    def _points(self, count: int | None) -> np.ndarray:
        """The estimate, then draws around it."""
        return np.vstack([self.eta, self.sample(count)])

    def constants(self, level: float = 0.9) -> dict[str, Estimate]:
        """What the disposition of a linear system comes to at the latest covariates: `half_life` of the slowest phase (h) and
        of each other one, `MRT` (h) of a bolus into the central compartment, and `Vss` (L).

        **Raises:** `InputError` for a nonlinear system, which has none of these.
        """
        return constants(self.problem.likelihood, self._points(None), self.problem.now, level)

    def effect_quantiles(self, probability: float) -> np.ndarray:
        """Marginal quantile of every effect (effects,)."""
        if self.draws is not None:
            return np.quantile(self.draws, probability, axis=0)
        return self.eta + NormalDist().inv_cdf(probability) * np.sqrt(np.diag(self.covariance))

    @cached_property
    def log_evidence(self) -> float:
        """Log of the marginal likelihood of the levels under the model (see `evidence`); NaN without an objective."""
        if self.objective is None:
            return float("nan")
        if self.method == "map":
            return at_mode(self.problem, self.covariance, self.objective)
        known = self.sampling.log_marginal if self.sampling is not None else None
        return by_importance(self.problem, self.eta, self.covariance, known)

    def _at_levels(self, eta: np.ndarray) -> np.ndarray:
        data = self.problem.data
        return np.asarray(predict(self.problem.likelihood, eta, data))[np.asarray(data.sampled)]


def parameters(fits: Sequence[Fit], level: float = 0.9) -> list[dict[str, Estimate]]:
    """Individual parameters of many patients of one model, each with its marginal interval, in one compiled call."""
    by_draws = fits[0].problem.likelihood.by_subject < len(fits[0].eta)
    points = _with_draws if by_draws else _corners
    rows = [points(fit, level) for fit in fits]
    guarded = fits[0].problem.likelihood.guarded
    if guarded:
        # the typical patient too, beside whom a parameter is seen to be nothing
        found = individuals(fits, [np.vstack([row, np.zeros_like(row[:1])]) for row in rows])
        found = {k: _rounded(v[:, :-1], v[:, -1:]) if k in guarded else v[:, :-1] for k, v in found.items()}
    else:
        found = individuals(fits, rows)
    if by_draws:
        return [_from_draws(fit, {k: v[i] for k, v in found.items()}, level) for i, fit in enumerate(fits)]
    return [_with_intervals(fit, {k: v[i] for k, v in found.items()}, level) for i, fit in enumerate(fits)]


NOTHING = 1e-8
"""Fraction of its typical value under which a parameter that cannot be negative is reported as 0."""


def _rounded(values: np.ndarray, typical: np.ndarray) -> np.ndarray:
    return np.where(values < NOTHING * typical, 0.0, values)


def individuals(fits: Sequence[Fit], etas: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """Parameters (patients, draws) at the latest covariates by name, for as many draws (draws, effects) of each patient.

    Patients of one model may differ in the number of their effects, as they do in that of their occasions.
    """
    if len(fits) == 1:
        first = fits[0].problem
        found = individual_draws(first.likelihood, etas[0], first.now)
        return {name: np.asarray(x)[None] for name, x in found.items()}
    rows: dict[str, list[np.ndarray]] = {}
    for members in alike(fits):
        filled = _filled(members)
        now = jax.tree.map(lambda *x: np.stack(x), *(fits[i].problem.now for i in filled))
        found = individual_ward(fits[members[0]].problem.likelihood, np.stack([etas[i] for i in filled]), now)
        for name, values in found.items():
            places = rows.setdefault(name, [np.empty(0)] * len(fits))
            for i, value in zip(members, np.asarray(values), strict=False):
                places[i] = value
    return {name: np.stack(values) for name, values in rows.items()}


def fitted_ward(fits: Sequence[Fit]) -> list[tuple[np.ndarray, np.ndarray]]:
    """(PRED, IPRED) of many patients of one model at the levels of their histories, in one call for each size."""
    found: list[tuple[np.ndarray, np.ndarray]] = [(np.empty(0), np.empty(0))] * len(fits)
    for members in alike(fits, lambda fit: tuple(np.shape(leaf) for leaf in jax.tree.leaves(fit.problem.data))):
        filled = [fits[i] for i in _filled(members)]
        data = jax.tree.map(lambda *x: np.stack(x), *(fit.problem.data for fit in filled))
        etas = np.stack([np.stack([np.zeros_like(fit.eta), fit.eta]) for fit in filled])
        levels = np.asarray(predict_pairs(fits[members[0]].problem.likelihood, etas, data))
        for i, pair in zip(members, levels, strict=False):
            sampled = np.asarray(fits[i].problem.data.sampled)
            found[i] = (pair[0][sampled], pair[1][sampled])
    return found


def alike(fits: Sequence[Fit], shape: Callable[[Fit], Any] = lambda fit: None) -> list[list[int]]:
    """Places of the fits that one compiled call can serve: of one likelihood, as many effects, and one `shape`."""
    groups: dict[Any, list[int]] = {}
    for i, fit in enumerate(fits):
        groups.setdefault((fit.problem.likelihood, len(fit.eta), shape(fit)), []).append(i)
    return list(groups.values())


def _filled(members: list[int]) -> list[int]:
    """The places, filled up with the last to a power of two: few sizes, so that few programs are compiled."""
    return [*members, *[members[-1]] * (2 ** (len(members) - 1).bit_length() - len(members))]


def _corners(fit: Fit, level: float) -> np.ndarray:
    """The estimate, then for each effect in turn the estimate with that effect at its lower and at its upper quantile."""
    low, high = (fit.effect_quantiles(q) for q in (0.5 - level / 2, 0.5 + level / 2))
    rows = [fit.eta]
    for i in range(len(fit.eta)):
        for end in (low, high):
            rows.append(np.where(np.arange(len(end)) == i, end, fit.eta))
    return np.array(rows)


def _with_draws(fit: Fit, _level: float) -> np.ndarray:
    """The estimate, then draws: where several effects act on one parameter, no single one has its interval."""
    return np.vstack([fit.eta, fit.sample()])


def _from_draws(fit: Fit, found: dict[str, np.ndarray], level: float) -> dict[str, Estimate]:
    """The first value with the interval of the others; a parameter without an effect is its value."""
    result: dict[str, Estimate] = {}
    for name, values in found.items():
        result[name] = estimated(values, fit.problem.units.get(name, "1"), level)
    return result


def _with_intervals(fit: Fit, found: dict[str, np.ndarray], level: float) -> dict[str, Estimate]:
    place = {name: 1 + 2 * i for i, name in enumerate(fit.problem.effects)}
    result: dict[str, Estimate] = {}
    for name, values in found.items():
        ends = values[place[name] : place[name] + 2] if name in place else values[:1]
        unit = fit.problem.units.get(name, "1")
        result[name] = Estimate(float(values[0]), float(min(ends)), float(max(ends)), unit, level)
    return result


def _finite(times_h: Sequence[float]) -> list[float]:
    times = [float(t) for t in times_h]
    bad = [t for t in times if not np.isfinite(t)]
    if bad or not times:
        raise InputError(
            f"a level was asked for at {bad[0] if bad else 'no time at all'}",
            "times are finite numbers of hours",
            remedy="Give at least one time in h.",
        )
    return times
