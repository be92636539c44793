"""The posterior of one patient by Hamiltonian Monte Carlo: the No-U-Turn sampler of blackjax, several chains at once.

Effects are written eta = L z with L L' = omega and z standard normal a priori (non-centred), so that scales of the
population are gone from the surface. The chains start around the mode, and first move in the metric of its normal
approximation; three quarters through the warm-up the metric becomes the covariance of what all chains together have
drawn. The length of a step is adapted to their mean acceptance (dual averaging). Nothing is adapted while draws are kept.

References: Hoffman & Gelman (2014), JMLR 15:1593-1623; Betancourt (2017), arXiv 1701.02434 (multinomial trajectories);
Nesterov (2009), Math Program 120:221-259 (dual averaging); Cabezas et al. (2024), arXiv 2402.10797 (blackjax).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from individose.inference.problem import Eta, Likelihood, impossible

Scalar = Float[Array, ""]
Matrix = Float[Array, "effects effects"]
Numbers = Any
"""An array of numpy or of JAX."""


class Settings(NamedTuple):
    """`chains`, and kept `draws` of each after `warm_up`; `acceptance` that a step aims at; `repeats` of chains with a
    `finer` step where the first ones leave a doubt; a trajectory has at most 2^`doublings` steps; `dispersion` of the
    chains' starts, in SDs of the normal approximation; `seed`."""

    chains: int = 4
    draws: int = 1000
    warm_up: int = 400
    acceptance: float = 0.9
    finer: float = 0.98
    repeats: int = 3
    doublings: int = 8
    dispersion: float = 1.5
    seed: int = 0


class Start(NamedTuple):
    """Where the chains of one patient begin: `root` L of the population, `middle` and `metric` in z (the mode and its
    normal approximation), `places` (chains, effects) in z, the `acceptance` that a step aims at, and the seed of all that
    follows."""

    root: Numbers
    middle: Numbers
    metric: Numbers
    places: Numbers
    acceptance: Numbers
    seed: Numbers


class Sampled(NamedTuple):
    """For one patient, (chains, draws) each: z of each kept draw (with an axis of effects), whether its trajectory
    diverged, its steps, its mean acceptance, and its log posterior (constants left out)."""

    z: Numbers
    diverging: Numbers
    n_steps: Numbers
    acceptance_rate: Numbers
    lp: Numbers


class _Warming(NamedTuple):
    """Where the chains stand, the adaptation of the step, the metric, and sums over what the chains have seen."""

    chains: Any
    step: Any
    metric: Matrix
    seen: Eta
    products: Matrix


NOWHERE = -1e10
"""Log posterior that a chain is said to have at its start; one that still has it after a move goes to the mode."""

FORWARD = 12
"""Effects up to which the gradient is carried forward with the levels; beyond, backward is faster."""


def begin(precision: np.ndarray, centre: np.ndarray, covariance: np.ndarray, seed: int, settings: Settings) -> Start:
    """Chains dispersed around a mode, in plain arrays.

    **Arguments:** `precision` of the population; `centre` (effects,) and `covariance` (effects, effects): the mode and
    its normal approximation, positive definite.
    """
    root = np.linalg.cholesky(np.linalg.inv(precision))
    middle = np.linalg.solve(root, centre)
    metric = np.linalg.solve(root, np.linalg.solve(root, covariance).T)
    normal = np.random.default_rng(int(seed)).standard_normal((settings.chains, len(middle)))
    places = middle + settings.dispersion * normal @ np.linalg.cholesky(metric).T
    return Start(root, middle, metric, places, np.float64(settings.acceptance), np.uint32(seed))


def again(start: Start, z: np.ndarray, turn: int, settings: Settings) -> Start:
    """Chains from where others (chains, draws, effects) have been, in the metric of their draws, with a finer step.

    **Arguments:** `turn` counts the repeats from 1; each has random numbers of its own.
    """
    seed = np.uint32((int(start.seed) + 0x9E3779B9 * turn) % 2**32)
    flat = z.reshape(-1, z.shape[-1])
    metric = np.atleast_2d(np.cov(flat.T)) + 1e-9 * np.eye(flat.shape[1])
    places = flat[np.random.default_rng(int(seed)).integers(len(flat), size=settings.chains)]
    return Start(start.root, flat.mean(axis=0), metric, places, np.float64(settings.finer), seed)


def joined(runs: Sequence[Sampled]) -> Sampled:
    """The chains of several runs side by side."""
    return Sampled(*(np.concatenate(parts) for parts in zip(*runs, strict=True)))


def log_posterior(likelihood: Likelihood, data: Any, root: Matrix) -> Any:
    """z to the log posterior at eta = root z; its gradient is taken forward where that is faster or the only way.

    Backward over the road made for it takes half to three quarters of the time of forward, for one patient at a time (beside
    others it takes twice as long).
    """
    backward = likelihood.backward
    likelihood = backward or likelihood

    def value(z: Eta) -> Scalar:
        found = -likelihood.terms(likelihood.predict(root @ z, data), data).sum() - 0.5 * z @ z
        return jnp.where(impossible(likelihood, root @ z, data), -jnp.inf, found) if likelihood.guarded else found

    if backward is not None or (likelihood.closed and len(root) > FORWARD):
        return value

    def with_value(z: Eta):
        found = value(z)
        return found, found

    def both(z: Eta):
        slope, found = jax.jacfwd(with_value, has_aux=True)(z)
        return found, slope

    carried = jax.custom_vjp(value)
    carried.defvjp(both, lambda slope, change: (change * slope,))
    return carried


def sample(likelihood: Likelihood, data: Any, start: Start, settings: Settings) -> Sampled:
    """Chains for one patient."""
    from blackjax.adaptation.step_size import dual_averaging_adaptation
    from blackjax.mcmc import nuts
    from blackjax.mcmc.hmc import HMCState

    density = log_posterior(likelihood, data, start.root)
    each = jax.vmap if likelihood.together else _one_by_one
    kernel: Any = nuts.build_kernel()
    open_step, adapt, _ = dual_averaging_adaptation(start.acceptance)
    gathering, changing = settings.warm_up // 4, 3 * settings.warm_up // 4

    def move(now: _Warming, turn: tuple[Any, Any]) -> tuple[_Warming, Any]:
        count, key = turn
        warm = count < settings.warm_up
        length = jnp.exp(jnp.where(warm, now.step.log_step_size, now.step.log_step_size_avg))

        def of_one(key: Any, chain: Any):
            return kernel(key, chain, density, length, now.metric, settings.doublings)

        chains: Any
        chains, info = each(of_one)(jax.random.split(key, settings.chains), now.chains)
        stuck = (chains.logdensity <= NOWHERE)[:, None]
        chains = chains._replace(position=jnp.where(stuck, start.middle, chains.position))
        step = _choose(warm, adapt(now.step, jnp.nan_to_num(info.acceptance_rate).mean()), now.step)
        away = chains.position - start.middle
        gathers = warm & (count >= gathering)
        seen = now.seen + jnp.where(gathers, away.sum(axis=0), 0.0)
        products = now.products + jnp.where(gathers, away.T @ away, 0.0)
        changes = count == changing
        pooled = _covariance(seen, products, settings.chains * (changing + 1 - gathering))
        metric = jnp.where(changes & jnp.all(jnp.isfinite(pooled)), pooled, now.metric)
        step = _choose(changes, open_step(jnp.exp(step.log_step_size)), step)
        # a trajectory that runs into what is impossible ends there, and misses nothing
        ends = info.trajectory_leftmost_state.logdensity, info.trajectory_rightmost_state.logdensity
        left = info.is_divergent & ~jnp.any(jnp.isneginf(jnp.stack(ends)), axis=0)
        kept = (
            chains.position,
            left if likelihood.guarded else info.is_divergent,
            info.num_integration_steps,
            info.acceptance_rate,
            chains.logdensity,
        )
        return _Warming(chains, step, metric, seen, products), kept

    nothing = jnp.zeros((settings.chains, len(start.middle)))
    # as if the start were far down: the first move is accepted wherever it leads, and nothing is evaluated before it
    below: Any = jnp.full(settings.chains, NOWHERE)
    chains = HMCState(start.places, below, nothing)
    warming = _Warming(chains, open_step(1.0), start.metric, nothing[0], jnp.zeros_like(start.metric))
    turns = settings.warm_up + settings.draws
    keys = jax.random.split(jax.random.key(start.seed), turns)
    _, kept = jax.lax.scan(move, warming, (jnp.arange(turns), keys))
    return Sampled(*(jnp.swapaxes(x[settings.warm_up :], 0, 1) for x in kept))


def _one_by_one(function: Any) -> Any:
    """Like `vmap`, one chain after the other: side by side, all would take the steps of the slowest solve."""
    return lambda *arguments: jax.lax.map(lambda one: function(*one), arguments)


def _choose(first: Any, yes: Any, no: Any) -> Any:
    return jax.tree.map(lambda a, b: jnp.where(first, a, b), yes, no)


def _covariance(seen: Eta, products: Matrix, count: int) -> Matrix:
    """Covariance of the draws so far, drawn a little towards a small multiple of the identity (as Stan does)."""
    mean = seen / count
    found = (products / count - jnp.outer(mean, mean)) * count / (count - 1)
    return (count * found + 5e-3 * jnp.eye(len(seen))) / (count + 5.0)


@partial(jax.jit, static_argnums=(0, 3))
def solve(likelihood: Likelihood, data: Any, start: Start, settings: Settings) -> Sampled:
    """`sample`, compiled for one patient."""
    return sample(likelihood, data, start, settings)
