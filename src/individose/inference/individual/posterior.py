"""From draws to a `Fit`: the verdict on them, and what the reader must know."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import jax
import numpy as np

from individose.base import Notice, Outcome, Status
from individose.inference.fit import Fit
from individose.inference.individual.rival import NOT_COVERED
from individose.inference.individual.sampling import Sampling
from individose.inference.problem import Likelihood

ENOUGH = 400.0
"""Effective draws of every effect under which an interval's ends are uncertain by a tenth of its width: a caution."""

USELESS = 100.0
"""Effective draws under which nothing is reported of them."""

AGREE, DISAGREE = 1.01, 1.1
"""R-hat beyond which chains are cautioned about, and beyond which they tell of different distributions."""

COVERED = "The draws cover it as far as it is probable."
MAY_MISS = {"nuts": "The chains start around the first and may miss it; compare with sir."}
"""What draws say of a second optimum: sampling-importance-resampling looks at the whole population."""

SOME_DIVERGE, MANY_DIVERGE = 0.01, 0.1
"""Shares of diverging draws that make the remark a caution, and a warning."""


def of_draws(
    around: Fit,
    method: str,
    draws: np.ndarray,
    moments: tuple[np.ndarray, np.ndarray],
    loss: float,
    sampling: Sampling,
    missed: tuple[Notice, ...],
) -> Fit:
    """The fit with `draws` (draws, effects) in place of the normal approximation.

    **Arguments:** `around` is the mode that was started from; `moments` are mean and covariance of the posterior; `loss`
    is that at the mean; `missed` are notices on levels that are not explained there. Draws that tell nothing are left
    out: the fit is then that of the mode with status `failed`.
    """
    mean, covariance = moments
    why = _unusable(mean, covariance, sampling)
    if why:
        return without_draws(around, method, why, sampling)
    known = around.status if around.status.outcome in (Outcome.FLAT, Outcome.BOUND) else None
    status = known or Status(Outcome.CONVERGED, _said(sampling))
    earlier = tuple(n for n in around.notices if n.code == f"fit-{status.code}")
    if around.status.outcome is Outcome.MULTI_MODAL:
        status = Status(Outcome.MULTI_MODAL, around.status.sentence.replace(NOT_COVERED, MAY_MISS.get(method, COVERED)))
        earlier = (Notice(f"fit-{status.code}", status.sentence),)
    return replace(
        around,
        method=method,
        eta=mean,
        covariance=covariance,
        status=status,
        objective=2.0 * loss if np.isfinite(loss) else None,
        draws=draws,
        notices=(*earlier, *missed, *_doubts(method, sampling)),
        sampling=sampling,
    )


def without_draws(around: Fit, method: str, why: str, sampling: Sampling | None = None) -> Fit:
    """The fit of the mode with status `failed`, where nothing can be drawn or draws tell nothing."""
    back = "the most probable effects and their normal approximation are reported instead"
    status = Status(Outcome.FAILED, f"{why}: {back}.")
    notices = (Notice(f"{method}-failed", status.sentence, "warning"), *around.notices)
    return replace(around, method=method, status=status, notices=notices, draws=None, sampling=sampling)


def doubtful(fit: Fit) -> bool:
    """Whether the draws of a fit call for more than a note."""
    codes = {f"{fit.method}-{what}" for what in ("failed", "rhat", "effective", "divergences")}
    return any(n.code in codes and n.grade != "note" for n in fit.notices)


def _unusable(mean: np.ndarray, covariance: np.ndarray, sampling: Sampling) -> str:
    """Why the draws cannot stand for the posterior; empty where they can."""
    if not (np.all(np.isfinite(mean)) and np.all(np.isfinite(covariance)) and np.all(np.diag(covariance) > 0.0)):
        return "The model gave no finite level for any draw"
    if sampling.worst_rhat > DISAGREE:
        return f"The chains do not agree (R-hat {sampling.worst_rhat:.3g})"
    if sampling.least_effective < USELESS:
        return f"The draws are worth {sampling.least_effective:.3g} independent ones, fewer than {USELESS:g}"
    return ""


def _said(sampling: Sampling) -> str:
    worth = f"{sampling.least_effective:,.0f} independent draws of every effect"
    if sampling.rhat:
        return (
            f"{sampling.chains} chains agree (R-hat at most {sampling.worst_rhat:.4g}); they are worth {worth} or more."
        )
    return f"The weighted draws are worth {worth}."


def _doubts(method: str, sampling: Sampling) -> tuple[Notice, ...]:
    """What a reader must know of draws that may be used."""
    found: list[Notice] = []
    if sampling.worst_rhat > AGREE:
        found.append(
            Notice(
                f"{method}-rhat",
                f"The chains agree only roughly (R-hat {sampling.worst_rhat:.3f}, wanted at most {AGREE}): intervals may be "
                "off. Take more draws, or compare with another method.",
            )
        )
    if sampling.least_effective < ENOUGH:
        found.append(
            Notice(
                f"{method}-effective",
                f"The draws are worth {sampling.least_effective:.0f} independent ones (wanted: {ENOUGH:g}): the ends of the "
                "intervals are uncertain. Take more draws, or compare with another method.",
            )
        )
    total = sampling.statistics["diverging"].size if "diverging" in sampling.statistics else 0
    share = sampling.divergences / total if total else 0.0
    if share:
        grade = "warning" if share >= MANY_DIVERGE else "caution" if share >= SOME_DIVERGE else "note"
        found.append(
            Notice(
                f"{method}-divergences",
                f"{sampling.divergences} of {total} draws ended in a diverging trajectory: a corner of the posterior may be "
                "missing. Compare with another method.",
                grade,
            )
        )
    return tuple(found)


@partial(jax.jit, static_argnums=0)
def explained(likelihood: Likelihood, eta: Any, data: Any) -> Any:
    """The loss at given effects, and for each sample its distance from the prediction in residual SDs, compiled."""
    levels = likelihood.predict(eta, data)
    loss = likelihood.terms(levels, data).sum() + 0.5 * eta @ (data.precision @ eta)
    return loss, likelihood.standardised(levels, data)
