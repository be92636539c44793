"""How well a model foretells what it has not seen: a whole study left out, or one level.

A study is left out by an exact refit without it. Its parameters, weights and baselines are then those of a study that nobody
has seen: drawn from the population that the others tell of. One level at a time goes by Pareto-smoothed importance sampling
(Vehtari, Gelman & Gabry 2017, Stat Comput 27:1413-1432), which ArviZ computes; for whole studies its weights are hopeless.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from numpyro.infer import Predictive
from scipy.special import logsumexp
from scipy.stats import norm

from individose.base import InputError
from individose.inference.generative.model import AbstractGenerative
from individose.inference.generative.observations import Observations
from individose.inference.generative.posterior import Chains, Posterior, sample


@dataclass(frozen=True)
class LeftOut:
    """One study, foretold by the others.

    **Arguments:** `log_density` of all its levels together (in the unit of the levels); `worth`: how many of the draws carry
    it (few: the estimate is rough, and too low); `levels` how many there are; `fit`: how the refit went.
    """

    study: str
    log_density: float
    worth: float
    levels: int
    fit: str


def leave_one_study_out(
    model: AbstractGenerative, seen: Observations, how: Chains | None = None, repeats: int = 64
) -> tuple[LeftOut, ...]:
    """Each study foretold by a refit on the others.

    **Arguments:** `repeats`: for each draw of the refit, how often a new study is drawn from it.

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
    return tuple(_left_out(model, seen, int(study), how, repeats) for study in present)


def _left_out(model: AbstractGenerative, seen: Observations, study: int, how: Chains | None, repeats: int) -> LeftOut:
    posterior = sample(model, seen.without(study), how)
    hidden = seen.only(study)
    shared = {name: posterior.flat(name) for name in _shared(posterior)}
    again = Predictive(model.program, posterior_samples=shared)
    turn = jax.jit(lambda key: again(key, hidden, None))
    density = [_log_density({**shared, **turn(jax.random.key(i))}, hidden) for i in range(repeats)]
    found = np.concatenate(density)
    total = logsumexp(found)
    worth = float(np.exp(2.0 * total - logsumexp(2.0 * found)))
    return LeftOut(
        seen.study_names[study], float(total - np.log(len(found))), worth, len(hidden.value), posterior.status.code
    )


def _shared(posterior: Posterior) -> list[str]:
    """Sites that are the population's: one number for each draw, or the rates in their order."""
    return [name for name, x in posterior.draws.items() if x.ndim == 2 or name == "rising"]


def _log_density(drawn: Mapping[str, Any], seen: Observations) -> np.ndarray:
    sd = _sd(drawn, seen)
    return norm.logpdf(seen.value, np.asarray(drawn["curve"]), sd).sum(axis=-1)


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
