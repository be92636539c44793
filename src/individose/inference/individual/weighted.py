"""Chains over a faster solver, weighted by the precise one.

Where a model is stepped through, chains ask for some fifty thousand gradients of its levels. They walk over a march of
fixed steps instead (`Likelihood.near`), and the precise solver is asked once for every draw: each is weighted by the precise
posterior over the marched one, and each chain is resampled from its own draws in their order, so that R-hat and the number
of effective draws see what the weights cost. Chains whose weights are worth too little are drawn again over the precise
solver; so are all where no march can be had.

Reference: Gelfand & Smith (1990), J Am Stat Assoc 85:398-409 (weighted resampling of draws from a nearby density).
"""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from individose.inference.individual import nuts
from individose.inference.individual.sir import effective_size, minus_log_likelihoods, normalised, systematic
from individose.inference.problem import Likelihood

ENOUGH = 0.5
"""Of each chain's draws, the share that its weights must be worth."""


def solve(
    likelihood: Likelihood, data: Any, start: nuts.Start, settings: nuts.Settings, *, march: bool = True
) -> tuple[nuts.Sampled, bool]:
    """`nuts.solve` in plain arrays, by whichever of the two ways is exact and fast, and whether the march was walked over;
    `march` says that it may be."""
    near = likelihood.near
    found = over(near, likelihood, data, start, settings) if march and near != likelihood else None
    if found is not None:
        return found, True
    return jax.device_get(nuts.solve(likelihood, data, start, settings)), False


def over(
    near: Likelihood, likelihood: Likelihood, data: Any, start: nuts.Start, settings: nuts.Settings
) -> nuts.Sampled | None:
    """Draws of the precise posterior from chains over a nearby one; None where their weights are worth too little."""
    found = jax.device_get(nuts.solve(near, data, start, settings))
    chains, draws, n = found.z.shape
    etas = (found.z @ start.root.T).reshape(-1, n)
    drawn, wanted = (np.asarray(minus_log_likelihoods(one, etas, data)) for one in (near, likelihood))
    log_weight = np.where(np.isfinite(drawn) & np.isfinite(wanted), drawn - wanted, -np.inf).reshape(chains, draws)
    if min(effective_size(one) for one in log_weight) < ENOUGH * draws:
        return None
    generator = np.random.default_rng(int(start.seed))
    kept = np.stack([systematic(normalised(one), generator, draws) for one in log_weight])
    rows = np.arange(chains)[:, None]
    found = found._replace(lp=found.lp + log_weight)
    return nuts.Sampled(*(part[rows, kept] for part in found))
