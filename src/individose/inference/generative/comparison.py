"""How well a model foretells what it has not seen: a whole study, or one level.

A study's own weights, baselines and parameters are integrated out: what counts is the density of its levels given what all
studies share (Merkle, Furr & Rabe-Hesketh 2019, Psychometrika 84:802-829). Without the study the posterior of the shared is
that of all studies with other weights, by Pareto-smoothed importance sampling (Vehtari, Gelman & Gabry 2017, Stat Comput
27:1413-1432; ArviZ computes it); where its k says that these cannot be trusted, the others are fitted anew, and the density
is the bridge between the two posteriors (Meng & Wong 1996, Stat Sinica 6:831-860), which draws on the overlap of both.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import norm

from individose.base import InputError, Notice
from individose.inference.generative.integrated import integrand
from individose.inference.generative.model import AbstractGenerative
from individose.inference.generative.observations import Observations
from individose.inference.generative.posterior import Chains, Posterior, sample
from individose.inference.individual.chains import bulk_size

TRUSTED = 0.7
"""Pareto's k above which importance weights are of no use (Vehtari et al. 2024, J Mach Learn Res 25:72)."""


ROUGH = 0.3
"""Monte Carlo error of a log density beyond which it is called rough: models that differ by 1 are hardly told apart."""

ROUNDS, SETTLED = 1000, 1e-10
"""Of the bridge's fixed point, at most, and the step at which it has settled."""


@dataclass(frozen=True)
class LeftOut:
    """One study, foretold by the others.

    **Arguments:** `log_density` of all its levels together (in the unit of the levels), and its Monte Carlo standard
    `error`; `k` of Pareto (NaN without ArviZ); `refitted`: whether the others were fitted anew, and `fit` how the posterior
    went that counts; `worth`: how many of its `draws` carry the weights, or (after a refit) how many independent draws the
    error stands for; `inner`: how many of the draws of what is the study's own carry their integral, in the worst of ten;
    `levels` how many there are; `notices` where the density is not to be trusted, or rough.
    """

    study: str
    log_density: float
    error: float
    k: float
    refitted: bool
    worth: float
    draws: int
    inner: float
    levels: int
    fit: str
    notices: tuple[Notice, ...] = ()


def leave_one_study_out(
    model: AbstractGenerative,
    seen: Observations,
    how: Chains | None = None,
    *,
    posterior: Posterior | None = None,
    draws: int = 2000,
    points: int = 256,
) -> tuple[LeftOut, ...]:
    """Each study foretold by the others.

    **Arguments:** `how` refits are sampled, and the `posterior` of all studies where it is not given; `draws` of a posterior
    that are used, and `points` for the integral at each.

    **Raises:** `InputError` where there is but one study.
    """
    present = np.unique(seen.study[seen.series])
    if len(present) < 2:
        raise InputError(
            f"{len(present)} study was given",
            "two or more",
            "one is left out and foretold by the others",
            "Use pointwise() for a single study.",
        )
    whole = posterior or sample(model, seen, how)
    return tuple(_left_out(whole, int(study), how, draws, points) for study in present)


def _left_out(whole: Posterior, study: int, how: Chains | None, draws: int, points: int) -> LeftOut:
    own = integrand(whole, study)
    density, inner = own.log_densities(whole, draws, points)
    weights, k = _smoothed(density)
    refitted = not k <= TRUSTED
    used = whole
    if refitted:
        used = sample(whole.model, whole.seen.without(study), how)
        others, of_others = own.log_densities(used, draws, points)
        inner = np.concatenate([inner, of_others])
        total, error = bridged(others, density, used.chains, whole.chains)
        worth, count = error**-2, len(others)
    else:
        carried = weights + density
        total = float(np.logaddexp.reduce(carried))
        error = float(np.sqrt(np.sum((np.exp(carried - total) - np.exp(weights)) ** 2)))
        worth, count = float(1.0 / np.sum(np.exp(weights) ** 2)), len(density)
    name = whole.seen.study_names[study]
    return LeftOut(
        name, total, error, k, refitted, worth, count, float(np.quantile(inner, 0.1)),
        int(np.sum(whole.seen.study[whole.seen.series] == study)), used.status.code, _doubts(name, used, error),
    )  # fmt: skip


def bridged(
    others: np.ndarray, whole: np.ndarray, chains_others: int = 1, chains_whole: int = 1
) -> tuple[float, float]:
    """The log density of what is left out, and its standard error, from its log density at draws without it (`others`) and
    at draws with it (`whole`).

    Both posteriors differ by that density alone, so the ratio of their normalising constants is what is asked for:
    Bennett's and Meng & Wong's fixed point. Draws count by what they are worth as independent ones.
    """
    counts = np.array([_worth(others, chains_others), _worth(whole, chains_whole)])
    of_others, of_whole = np.log(counts / counts.sum())
    total, above, below = _log_mean(others), others, -whole
    for _ in range(ROUNDS):
        above = others - np.logaddexp(of_whole + others, of_others + total)
        below = -np.logaddexp(of_whole + whole, of_others + total)
        before, total = total, float(_log_mean(above) - _log_mean(below))
        if abs(total - before) < SETTLED:
            break
    spread = [np.expm1(_log_mean(2.0 * x) - 2.0 * _log_mean(x)) for x in (above, below)]
    return total, float(np.sqrt(np.sum(np.array(spread) / counts)))


def _worth(x: np.ndarray, chains: int) -> float:
    """How many independent draws those of a quantity are worth, which lie one chain after the other."""
    each = len(x) // chains
    found = bulk_size(x[: each * chains].reshape(chains, each))
    return min(found, float(len(x))) if found > 0.0 else float(len(x))


def _log_mean(x: np.ndarray) -> float:
    return float(np.logaddexp.reduce(x) - np.log(len(x)))


def _doubts(study: str, used: Posterior, error: float) -> tuple[Notice, ...]:
    """Why the density of a study is not to be trusted, or rough."""
    if not used.status.ok:
        said = (
            f"Without {study} the fit failed: {used.status.sentence} Its log density is of no use; give it more draws."
        )
        return (Notice("left-out-failed", said, "warning"),)
    if not error <= ROUGH:
        said = (
            f"The log density of {study} is rough (a Monte Carlo error of {error:.2g}): the others hardly foretell it. "
            "More draws make it less so, slowly."
        )
        return (Notice("left-out-rough", said, "caution"),)
    return ()


def _smoothed(density: np.ndarray) -> tuple[np.ndarray, float]:
    """Log weights of draws without what has this log density, adding up to 1, and Pareto's k (NaN without ArviZ)."""
    try:
        from arviz_stats.base.array import array_stats
    except ImportError:
        return np.full(len(density), -np.log(len(density))), float("nan")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # k is in the result
        weights, k = array_stats.psislw(density)  # 1 / density, smoothed
    weights = np.asarray(weights)
    return weights - np.logaddexp.reduce(weights), float(k)


def _sd(drawn: Mapping[str, Any], seen: Observations) -> np.ndarray:
    if seen.sd is not None:
        return np.asarray(seen.sd)
    if "sigma_by_study" in drawn:
        return np.asarray(drawn["sigma_by_study"])[..., seen.study[seen.series]]
    return np.asarray(drawn["sigma"])[..., None]


def to_arviz(posterior: Posterior) -> Any:
    """The draws as ArviZ's data tree: `posterior`, `log_likelihood` of every level, `observed_data`, for its plots and `loo`.

    **Raises:** `InputError` where arviz-base is not installed.
    """
    try:
        import arviz_base
    except ImportError as error:
        raise InputError(
            "ArviZ is not installed",
            "the package arviz-base",
            "an optional part of individose",
            "Install individose[arviz].",
        ) from error
    seen, draws = posterior.seen, posterior.draws
    known = {name: x for name, x in draws.items() if name not in ("curve", "rising")}
    sd = _sd(draws, seen)
    return arviz_base.from_dict(
        {
            "posterior": known,
            "log_likelihood": {"level": norm.logpdf(seen.value, draws["curve"], sd)},
            "observed_data": {"level": np.asarray(seen.value)},
        }
    )


def pointwise(posterior: Posterior) -> Any:
    """Expected log density of one level foretold by all others (`arviz_stats.ELPDData`, with Pareto's k of each level).

    **Raises:** `InputError` where arviz-stats is not installed.
    """
    tree = to_arviz(posterior)
    try:
        from arviz_stats.loo import loo
    except ImportError as error:
        raise InputError(
            "arviz-stats is not installed",
            "the package arviz-stats",
            "an optional part of individose",
            "Install individose[arviz].",
        ) from error
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Estimated shape parameter of Pareto")  # it is in the result
        return loo(tree, pointwise=True)
