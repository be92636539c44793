"""Draws of a generative model by numpyro's No-U-Turn sampler, and the verdict on them.

Where rates may change places, chains may sit in different modes that all give one curve: R-hat of a single rate then
says nothing of the curve. It is therefore always given for the invariants of the symmetry too, and the verdict goes by
these unless an order has left one mode only.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import jax
import numpy as np
from numpyro.infer import MCMC, init_to_median, init_to_uniform
from numpyro.infer import NUTS as NumpyroNUTS

from individose.base import Notice, Outcome, Status
from individose.inference.generative.model import AbstractGenerative
from individose.inference.generative.observations import Observations
from individose.inference.individual.chains import bulk_size, rhat
from individose.inference.individual.posterior import AGREE, DISAGREE, ENOUGH, SOME_DIVERGE, USELESS
from individose.kinetics.symmetry import invariants, relabelled

UNJUDGED = ("curve", "rising")
"""Sites that only repeat others."""

Draws = Mapping[str, np.ndarray]
"""By name, (chains, draws, ...)."""


@dataclass(frozen=True)
class Chains:
    """How a posterior is sampled.

    **Arguments:** `chains` of `draws` kept after `warm_up`; `acceptance` wanted of a step; `doublings` of a trajectory at
    most; `dense`: whether correlations go into the metric; `starts`: around the prior's medians, or anywhere.
    """

    chains: int = 4
    warm_up: int = 1000
    draws: int = 1000
    acceptance: float = 0.85
    doublings: int = 10
    dense: bool = True
    starts: Literal["prior", "anywhere"] = "prior"
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Posterior:
    """The draws of one model under one set of observations.

    **Arguments:** `draws` by site; `rhat` and `effective` by quantity ("weight[7]", "invariant area"); `divergences`;
    `steps`: leapfrog steps of each kept draw (chains, draws); `seconds` with compilation.
    """

    model: AbstractGenerative
    seen: Observations
    draws: Draws
    rhat: Mapping[str, float]
    effective: Mapping[str, float]
    divergences: int
    seconds: float
    status: Status
    notices: tuple[Notice, ...] = ()
    steps: np.ndarray = field(default_factory=lambda: np.zeros(0))

    def flat(self, name: str) -> np.ndarray:
        """The draws of one site, all chains one after the other: (chains * draws, ...)."""
        found = self.draws[name]
        return found.reshape(-1, *found.shape[2:])

    @property
    def chains(self) -> int:
        return len(next(iter(self.draws.values())))

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """Those that the curve reads, one value for all studies (the population's medians of a hierarchical model)."""
        return {name: self.flat(name) for name in self.seen.parameters}

    @property
    def worst_rhat(self) -> float:
        return max(self.rhat.values(), default=1.0)

    @property
    def least_effective(self) -> float:
        return min(self.effective.values(), default=0.0)

    @property
    def effective_per_second(self) -> float:
        """Of the quantity with the fewest, compilation and warm-up included."""
        return self.least_effective / self.seconds

    def relabelled(self, *slowest_first: str) -> Posterior:
        """Every draw as the image whose rates rise in the order given (all modes are sampled, and then told as one).

        **Returns:** the posterior with new draws of scale and rates, judged again. Draws under another name stay as they are.
        """
        symmetry = self.model.symmetry
        assert symmetry is not None, "a model without a symmetry has nothing to relabel"
        places = [symmetry.rates.index(name) for name in slowest_first]
        rates = np.stack([self.draws[name] for name in symmetry.rates], axis=-1)
        scale, moved = relabelled(self.draws[symmetry.scale], rates, places, removed=symmetry.removed)
        own = {name: np.asarray(moved[..., i]) for i, name in enumerate(symmetry.rates)}
        draws = {**self.draws, symmetry.scale: np.asarray(scale), **own}
        return _judged(self.model, self.seen, draws, self.divergences, self.seconds, self.steps, labelled=True)


def sample(model: AbstractGenerative, seen: Observations, how: Chains | None = None) -> Posterior:
    """The posterior of a model. Never raises on hard data: see `Posterior.status`.

    **Raises:** `InputError` where model and observations do not fit together.
    """
    how = how or Chains()
    start = time.perf_counter()
    where = init_to_median if how.starts == "prior" else init_to_uniform
    kernel = NumpyroNUTS(
        model.program,
        target_accept_prob=how.acceptance,
        max_tree_depth=how.doublings,
        dense_mass=how.dense,
        init_strategy=where(),
    )
    run = MCMC(
        kernel,
        num_warmup=how.warm_up,
        num_samples=how.draws,
        num_chains=how.chains,
        chain_method="vectorized",
        progress_bar=False,
    )
    run.run(jax.random.key(how.seed), seen, np.asarray(seen.value), extra_fields=("diverging", "num_steps"))
    found = run.get_samples(group_by_chain=True)
    draws = {name: np.asarray(x) for name, x in found.items()}
    extra = run.get_extra_fields(group_by_chain=True)
    seconds = time.perf_counter() - start
    divergences, steps = int(np.sum(extra["diverging"])), np.asarray(extra["num_steps"])
    return _judged(model, seen, draws, divergences, seconds, steps, labelled=bool(model.order))


def _judged(
    model: AbstractGenerative,
    seen: Observations,
    draws: Draws,
    divergences: int,
    seconds: float,
    steps: np.ndarray,
    *,
    labelled: bool,
) -> Posterior:
    hidden: set[str] = set()
    quantities: dict[str, np.ndarray] = {}
    if model.symmetry is not None:
        quantities |= invariant_draws(model, draws)
        hidden = set() if labelled else {model.symmetry.scale, *model.symmetry.rates}
    for name, values in draws.items():
        if name not in UNJUDGED:
            quantities |= _by_element(name, values)
    judged = {name: x for name, x in quantities.items() if name not in hidden}
    agreement = {name: rhat(x) for name, x in quantities.items()}
    worth = {name: bulk_size(x) for name, x in judged.items()}
    worst = max((agreement[name] for name in judged), default=1.0)
    total = int(np.prod(next(iter(draws.values())).shape[:2]))
    status = _status(worst, min(worth.values(), default=0.0))
    notices = _notices(worst, min(worth.values(), default=0.0), divergences, total)
    kept = {name: x for name, x in agreement.items() if name in judged}
    return Posterior(model, seen, draws, kept, worth, divergences, seconds, status, notices, steps)


def invariant_draws(model: AbstractGenerative, draws: Draws) -> dict[str, np.ndarray]:
    """What the symmetry leaves as it is, by name ("invariant area", "invariant rate1"): (chains, draws)."""
    symmetry = model.symmetry
    if symmetry is None:
        return {}
    rates = np.stack([draws[name] for name in symmetry.rates], axis=-1)
    found = invariants(draws[symmetry.scale], rates, removed=symmetry.removed)
    return {f"invariant {name}": np.asarray(x) for name, x in found.items()}


def _by_element(name: str, values: np.ndarray) -> dict[str, np.ndarray]:
    if values.ndim == 2:
        return {name: values}
    flat = values.reshape(*values.shape[:2], -1)
    return {f"{name}[{i}]": flat[:, :, i] for i in range(flat.shape[2])}


def _status(worst: float, least: float) -> Status:
    if not worst <= DISAGREE:
        return Status(Outcome.FAILED, f"The chains do not agree (R-hat {worst:.3g}): their draws are of no use.")
    if least < USELESS:
        return Status(Outcome.FAILED, f"The draws are worth {least:.0f} independent ones, fewer than {USELESS:g}.")
    return Status(
        Outcome.CONVERGED, f"The chains agree (R-hat at most {worst:.4f}); they are worth {least:,.0f} draws or more."
    )


def _notices(worst: float, least: float, divergences: int, total: int) -> tuple[Notice, ...]:
    found: list[Notice] = []
    if worst > AGREE:
        found.append(Notice("nuts-rhat", f"The chains agree only roughly (R-hat {worst:.3f}, wanted {AGREE})."))
    if least < ENOUGH:
        found.append(Notice("nuts-effective", f"The draws are worth {least:.0f} independent ones (wanted {ENOUGH:g})."))
    if divergences:
        grade = "caution" if divergences >= SOME_DIVERGE * total else "note"
        said = (
            f"{divergences} of {total} draws ended in a diverging trajectory: a corner of the posterior may be missing."
        )
        found.append(Notice("nuts-divergences", said, grade))
    return tuple(found)
