"""One patient under several models: how much each is worth, and what they say together.

Published models of one drug differ, and one regimen can look right under one and wrong under the next. Each model is fitted
by itself; the levels then weigh the models by how probable they made them (the marginal likelihood: `Fit.log_evidence`),
which is what a posteriori averaging over models means (Hoeting et al. 1999, Stat Sci 14:382-417; in TDM: Uster et al. 2021,
Clin Pharmacol Ther 109:175-183). What the models disagree about is shown, not averaged away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from individose.base import InputError, Notice
from individose.inference.estimate import Estimate, estimated
from individose.inference.exposure import METRICS, named
from individose.inference.fit import DRAWS, Fit

RULES = {
    "likelihood": "each model by how probable it makes the levels, all equally probable before unless priors are given",
    "selection": "only the model that makes the levels most probable",
    "mean": "all models alike",
}
"""How models may be weighed."""

COUNTS = 0.01
"""Weight from which on a model's own notices are part of the average's."""

DISAGREE = 1.5
"""Ratio of the greatest to the smallest value of the models from which a notice is given."""


@dataclass(frozen=True)
class Averaged:
    """Fits of one patient under several models, and the weight of each (they add up to 1)."""

    fits: tuple[Fit, ...]
    weights: tuple[float, ...]
    rule: str
    notices: tuple[Notice, ...] = ()

    @property
    def id(self) -> str:
        return self.fits[0].id

    @property
    def models(self) -> tuple[str, ...]:
        return tuple(fit.problem.model for fit in self.fits)

    @cached_property
    def warnings(self) -> tuple[Notice, ...]:
        """What the reader must know of the models that count (`COUNTS`): once, naming those that it is true of."""
        counting = [fit for fit, weight in zip(self.fits, self.weights, strict=True) if weight >= COUNTS]
        said: dict[Notice, list[str]] = {}
        for fit in counting:
            for notice in dict.fromkeys(fit.warnings):
                said.setdefault(notice, []).append(fit.problem.model)
        return (
            *self.notices,
            *(
                notice
                if len(models) == len(counting) > 1
                else replace(notice, sentence=f"{', '.join(models)}: {notice.sentence}")
                for notice, models in said.items()
            ),
        )

    def predict(self, times_h: Sequence[float]) -> np.ndarray:
        """Weighted mean of the models' levels (mg/L) at times in h."""
        return np.array(self.weights) @ np.stack([fit.predict(times_h) for fit in self.fits])

    def band(self, times_h: Sequence[float], level: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
        """Interval of the level at each time, over models and over each model's own uncertainty."""
        draws = self.together(lambda fit, n: np.vstack([fit.predict(times_h), fit.curves(times_h, n)]))[1:]
        low, high = np.quantile(draws, [0.5 - level / 2, 0.5 + level / 2], axis=0)
        return low, high

    def exposure(
        self, metric: str, start_h: float, end_h: float, level: float = 0.9, threshold: float | None = None
    ) -> Estimate:
        """As `Fit.exposure`: the weighted mean, with an interval over models and over each model's own uncertainty."""
        found = self.together(lambda fit, n: fit.exposures(metric, start_h, end_h, threshold, n))
        return estimated(found, METRICS[named(metric)], level)

    def between(self, metric: str, start_h: float, end_h: float, threshold: float | None = None) -> dict[str, float]:
        """The same exposure under each model that could be fitted, by its name: the spread that an average hides."""
        return {
            model: float(fit.exposures(metric, start_h, end_h, threshold, 1)[0])
            for model, fit in zip(self.models, self.fits, strict=True)
            if fit.status.ok
        }

    def counts(self, draws: int = DRAWS) -> tuple[int, ...]:
        """Draws of each model, in proportion to its weight (largest remainders)."""
        total = self._enough(draws)
        exact = np.array(self.weights) * total
        counts = np.floor(exact).astype(int)
        short = total - int(counts.sum())
        counts[np.argsort(counts - exact, kind="stable")[:short]] += 1
        return tuple(int(n) for n in counts)

    def together(self, of: Callable[[Fit, int], np.ndarray]) -> np.ndarray:
        """Values of the average (1 + draws, ...): the weighted estimate, then draws of each model by its weight.

        **Arguments:** `of` gives those of one model for a number of draws, (1 + draws, ...), its estimate first. All models
        are asked for as many, so that one compiled program serves whatever the weights are.
        """
        total = self._enough(DRAWS)
        found = [
            (w, n, of(f, total)) for f, w, n in zip(self.fits, self.weights, self.counts(), strict=True) if w > 0.0
        ]
        mean = sum(weight * values[0] for weight, _, values in found)
        return np.concatenate([np.asarray(mean)[None], *(values[1 : 1 + n] for _, n, values in found)])

    def _enough(self, draws: int) -> int:
        return min([draws, *(fit.enough for fit, w in zip(self.fits, self.weights, strict=True) if w > 0)])


def average(fits: Sequence[Fit], rule: str = "likelihood", prior: Sequence[float] | None = None) -> Averaged:
    """Weighs the fits of one patient under several models.

    **Arguments:** `prior` is how probable each model is before any level (all alike unless given); the groups of a mixture
    have their shares of the population.

    A fit that failed has no weight. **Raises:** `InputError` for an unknown rule, no usable fit, or fits of different
    patients or levels.
    """
    if rule not in RULES:
        raise InputError(
            f"models are to be weighed by '{rule}'",
            f"one of {', '.join(RULES)}",
            "inference/averaging.py",
            "Choose one.",
        )
    _require_one_patient(fits)
    usable = np.array([fit.status.ok for fit in fits])
    if not usable.any():
        raise InputError(
            f"none of the {len(fits)} models could be fitted to patient {fits[0].id if fits else '?'}",
            "at least one fit that did not fail",
            remedy="Look at each fit by itself.",
        )
    # before any level has its say there is nothing to weigh models by but what is known of them
    a_priori = all(fit.method == "prior" for fit in fits)
    evidence = np.zeros(len(fits)) if a_priori else np.array([fit.log_evidence for fit in fits])
    if rule != "mean" and not np.isfinite(evidence[usable]).all():
        raise InputError(
            "a model has no marginal likelihood",
            "fits by a method that has an objective (map, sir, nuts)",
            "the levels weigh the models",
            'Fit by another method, or average with the rule "mean".',
        )
    before = np.ones(len(fits)) if prior is None else np.asarray(prior, dtype=np.float64)
    if before.shape != (len(fits),) or not (np.isfinite(before) & (before >= 0.0)).all() or not before[usable].any():
        raise InputError(
            f"{before.size} prior weights were given for {len(fits)} fits",
            "one for each, finite and not negative, and above 0 for a fit that did not fail",
            "how probable each model is before any level",
        )
    notices: tuple[Notice, ...] = ()
    best = np.max(evidence[usable]) if rule != "mean" else 0.0
    if rule == "likelihood":
        raw = np.where(usable, before * np.exp(np.where(usable, evidence - best, 0.0)), 0.0)
    elif rule == "selection":
        with np.errstate(divide="ignore"):
            scored = np.where(usable, evidence + np.log(before), -np.inf)
        notices = _undecided(fits, scored)
        raw = (np.arange(len(fits)) == np.argmax(scored)).astype(float)
    else:
        raw = np.where(usable, before, 0.0)
    return Averaged(tuple(fits), tuple(float(w) for w in raw / raw.sum()), rule, notices)


def _undecided(fits: Sequence[Fit], scored: np.ndarray) -> tuple[Notice, ...]:
    """A caution where nothing tells the best models apart."""
    best = np.flatnonzero(scored >= scored.max() - SAME)
    if len(best) < 2:
        return ()
    names = ", ".join(fits[int(i)].problem.model for i in best)
    said = f"No level tells these models apart: {names}. The first of them was taken."
    return (Notice("selection-undecided", said, "caution"),)


SAME = 1e-9
"""Difference of log evidences up to which two models are equally probable."""


def _require_one_patient(fits: Sequence[Fit]) -> None:
    def levels(fit: Fit) -> tuple[str, ...]:
        return tuple(sorted(fit.problem.samples))

    if len({fit.id for fit in fits}) > 1 or len({levels(fit) for fit in fits}) > 1:
        raise InputError(
            f"fits of {', '.join(sorted({fit.id for fit in fits}))} were to be averaged, with different levels",
            "one patient and the same levels under each model",
            "models are compared on the same data",
            "Fit the same patient under each card.",
        )


def disagreement(values: dict[str, float], what: str) -> tuple[Notice, ...]:
    """A caution where models differ much on one figure."""
    low, high = min(values, key=lambda k: values[k]), max(values, key=lambda k: values[k])
    if not values[low] > 0.0 or values[high] / values[low] < DISAGREE:
        return ()
    return (
        Notice(
            "models-disagree",
            f"The models disagree on the {what}: {values[low]:.3g} ({low}) to {values[high]:.3g} ({high}).",
            "caution",
        ),
    )
