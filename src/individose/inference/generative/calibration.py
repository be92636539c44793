"""Simulation-based calibration: data drawn from a model's own prior must give posteriors among which the truth has any rank.

Talts, Betancourt, Simpson, Vehtari & Gelman (2018), arXiv 1804.06788. All simulated sets are fitted side by side, one chain
each, in one compiled program.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpyro.infer import Predictive
from numpyro.infer.hmc import hmc
from numpyro.infer.util import initialize_model
from scipy.stats import chisquare

from individose.inference.generative.model import AbstractGenerative
from individose.inference.generative.observations import Observations
from individose.inference.generative.posterior import UNJUDGED


@dataclass(frozen=True, eq=False)
class Calibration:
    """Ranks of the truth among its posterior's draws.

    **Arguments:** `ranks` by quantity (simulations,), each from 0 to `draws`; `divergences` of all kept draws of all
    simulations.
    """

    ranks: Mapping[str, np.ndarray]
    draws: int
    divergences: int

    def p_values(self, bins: int = 10) -> dict[str, float]:
        """By quantity, how probable a chi-squared this large is if all ranks are equally likely."""
        edges = np.linspace(0, self.draws + 1, bins + 1)
        widths = np.diff(np.searchsorted(np.arange(self.draws + 1), edges))
        found = {}
        for name, ranks in self.ranks.items():
            counts = np.histogram(ranks, edges)[0]
            found[name] = float(chisquare(counts, len(ranks) * widths / widths.sum()).pvalue)
        return found


def calibrate(
    model: AbstractGenerative,
    seen: Observations,
    *,
    simulations: int = 200,
    warm_up: int = 500,
    draws: int = 99,
    thin: int = 5,
    doublings: int = 7,
    truth: AbstractGenerative | None = None,
    seed: int = 0,
) -> Calibration:
    """The calibration of a model at the times and doses of `seen`, whose values are not looked at.

    **Arguments:** of each chain `draws * thin` draws are made after `warm_up`, and every `thin`-th is kept;
    `truth`: the model that the data are drawn from, where it is another one.
    """
    keys = jax.random.split(jax.random.key(seed), 3)
    drawn_from = (truth or model).program
    true = Predictive(drawn_from, num_samples=simulations)(keys[0], seen, None)
    values = jnp.asarray(true["level"])
    fit = partial(_one, model, seen, warm_up, draws, thin, doublings)
    found, diverging = jax.jit(jax.vmap(fit))(jax.random.split(keys[1], simulations), values)
    ranks: dict[str, np.ndarray] = {}
    for name, drawn in found.items():
        if name in UNJUDGED or name not in true:
            continue
        own = np.asarray(true[name])
        below = np.sum(np.asarray(drawn) < own[:, None], axis=1).reshape(simulations, -1)
        ranks |= {name if own.ndim == 1 else f"{name}[{i}]": column for i, column in enumerate(below.T)}
    return Calibration(ranks, draws, int(np.sum(diverging)))


def _one(
    model: AbstractGenerative,
    seen: Observations,
    warm_up: int,
    draws: int,
    thin: int,
    doublings: int,
    key: Any,
    values: Any,
) -> Any:
    """One chain on one simulated set: (draws by site, diverging)."""
    first, second = jax.random.split(key)
    start = initialize_model(first, model.program, model_args=(seen, values), validate_grad=False)
    init, step = hmc(start.potential_fn, algo="NUTS")
    state = init(
        start.param_info, num_warmup=warm_up, max_tree_depth=doublings, dense_mass=True, rng_key=second,
        target_accept_prob=0.9,
    )  # fmt: skip
    state = jax.lax.fori_loop(0, warm_up, lambda _, s: step(s), state)

    def keep(state: Any, _: Any) -> Any:
        def once(_: Any, carried: Any) -> Any:
            state, diverged = carried
            state = step(state)
            return state, diverged + state.diverging

        state, diverged = jax.lax.fori_loop(0, thin, once, (state, jnp.zeros((), int)))
        return state, (start.postprocess_fn(state.z), diverged)

    return jax.lax.scan(keep, state, None, length=draws)[1]
