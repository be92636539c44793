"""The density of one study's levels given what all studies share: what is the study's own is integrated out.

Importance sampling, one integral for each draw of the shared. In the posterior of all studies the study's own quantities are
nearly normal around a plane over the shared ones, on their unconstrained scales; that is the proposal, widened, with
Student's tails.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpyro import handlers
from numpyro.distributions import biject_to
from scipy.special import logsumexp
from scipy.stats import multivariate_t

from individose.inference.generative.model import AbstractGenerative
from individose.inference.generative.observations import Observations
from individose.inference.generative.posterior import Posterior

WIDER, TAILS = 1.3, 8.0
"""Of the proposal: its SDs over those in the posterior, and the degrees of freedom of its tails."""

RIDGE = 1e-9
"""Variance that is always there, so that a proposal is never flat."""


@dataclass(frozen=True)
class Integrand:
    """One study's own quantities and the proposal for them.

    **Arguments:** `hidden` are the study's observations; `own` by site its support, its length, and the places in it that are
    the study's; `plane` (1 + shared, own) and `spread` (own, own) are the proposal's.
    """

    model: AbstractGenerative
    hidden: Observations
    study: int
    shared: tuple[str, ...]
    own: Mapping[str, tuple[Any, int, np.ndarray]]
    plane: np.ndarray
    spread: np.ndarray

    def log_densities(self, posterior: Posterior, draws: int, points: int) -> tuple[np.ndarray, np.ndarray]:
        """The log density at draws of a posterior, evenly from its chains, and how many points carry each integral."""
        flat = {name: posterior.flat(name) for name in self.shared}
        count = len(next(iter(flat.values())))
        kept = np.unique(np.linspace(0, count - 1, min(draws, count)).astype(int))
        flat = {name: x[kept] for name, x in flat.items()}
        if not self.own:
            found = jax.jit(lambda p: jax.lax.map(lambda one: self._log_joint(one, jnp.zeros(0)), p, batch_size=100))
            return np.asarray(found(flat)), np.full(len(kept), float(points))
        size = len(self.spread)
        student: Any = multivariate_t
        noise = student(np.zeros(size), WIDER**2 * self.spread, df=TAILS, seed=0)
        steps = np.asarray(noise.rvs(points)).reshape(points, size)
        proposed = noise.logpdf(steps).reshape(points)
        centres = _features(flat, self.shared) @ self.plane

        def at(one: Any) -> Any:
            p, centre = one
            return jax.vmap(lambda step: self._log_joint(p, centre + step))(jnp.asarray(steps))

        run = jax.jit(lambda p, c: jax.lax.map(at, (p, c), batch_size=50))
        ratios = np.asarray(run(flat, centres)) - proposed
        total: Any = logsumexp(ratios, axis=1)
        return total - np.log(points), np.exp(2.0 * total - np.asarray(logsumexp(2.0 * ratios, axis=1)))

    def _log_joint(self, shared: Mapping[str, Any], free: Any) -> Any:
        """Log density of the study's levels and of its own quantities (on their unconstrained scales) given the shared."""
        values, change, at = dict(shared), jnp.zeros(()), 0
        for name, (support, length, places) in self.own.items():
            to = biject_to(support)
            part = free[at : at + len(places)]
            at += len(places)
            value = to(part)
            change += jnp.sum(to.log_abs_det_jacobian(part, value))
            values[name] = jnp.ones(length).at[jnp.asarray(places)].set(value)
        program = handlers.substitute(handlers.seed(self.model.program, 0), data=values)
        sites = handlers.trace(program).get_trace(self.hidden, np.asarray(self.hidden.value))
        for name, (_, _, places) in self.own.items():
            change += jnp.sum(sites[name]["fn"].log_prob(sites[name]["value"])[jnp.asarray(places)])
        for name in ("level", "finite"):
            change += jnp.sum(sites[name]["fn"].log_prob(sites[name]["value"]))
        return jnp.where(jnp.isfinite(change), change, -jnp.inf)


def integrand(posterior: Posterior, study: int) -> Integrand:
    """What is to be integrated for one study, with a proposal from the posterior of all studies."""
    model, seen = posterior.model, posterior.seen
    hidden = seen.only(study)
    program = handlers.seed(model.program, 0)
    sites = handlers.trace(program).get_trace(hidden, np.asarray(hidden.value))
    free = [name for name, site in sites.items() if site["type"] == "sample" and not site["is_observed"]]
    series = np.flatnonzero(seen.study == study)
    own, columns, shared = {}, [], []
    for name in free:
        plates = [frame.name for frame in sites[name]["cond_indep_stack"]]
        if not plates:
            shared.append(name)
            continue
        by_series, support = plates == ["series"], sites[name]["fn"].support
        places = np.arange(hidden.n_series) if by_series else np.array([study])
        own[name] = (support, hidden.n_series if by_series else hidden.n_studies, places)
        columns.append(np.asarray(biject_to(support).inv(posterior.flat(name)[:, series if by_series else places])))
    flat = {name: posterior.flat(name) for name in shared}
    if not columns:
        return Integrand(model, hidden, study, tuple(shared), own, np.zeros((0, 0)), np.zeros((0, 0)))
    x, y = _features(flat, tuple(shared)), np.concatenate(columns, axis=1)
    plane = np.linalg.lstsq(x, y, rcond=None)[0]
    rest = y - x @ plane
    spread = np.atleast_2d(np.cov(rest.T)) + RIDGE * np.eye(y.shape[1])
    return Integrand(model, hidden, study, tuple(shared), own, plane, spread)


def _features(flat: Mapping[str, np.ndarray], shared: tuple[str, ...]) -> np.ndarray:
    """1 and the logarithms of all shared quantities, which are positive."""
    parts = [np.log(flat[name].reshape(len(flat[name]), -1)) for name in shared]
    return np.concatenate([np.ones((len(parts[0]), 1)), *parts], axis=1)
