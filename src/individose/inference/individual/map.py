"""Most probable effects of one patient by Levenberg-Marquardt, with a normal approximation around them (Laplace).

First derivatives lead near the optimum (`approach`); exact second ones take the last step, or find the way where those fail.

Minimises l(eta) = sum_j terms_j(f_j(eta)) + eta' P eta / 2. Where the exact Hessian is not positive definite, a share of the
generalised Gauss-Newton matrix J' diag(information) J + P is added, which is positive definite whatever the model does (and
takes the exact one's place where no share will do); otherwise the exact Hessian alone, so that the last steps converge
quadratically. Both come from one prediction differentiated twice forward. Covariance: inverse of the exact Hessian at the
optimum.

References: Levenberg (1944); Marquardt (1963); Tierney & Kadane (1986) for the Laplace approximation; the objective is
the one of Bauer, Guzy & Ng (2007), AAPS J 9:E60-83, eq. 4 for given population parameters.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from individose.base import Outcome
from individose.inference.individual.approach import FIRST, STEPS, approach, differentiated
from individose.inference.individual.positive import inverse
from individose.inference.individual.positive import solve as solved
from individose.inference.problem import Eta, Likelihood, impossible
from individose.kinetics.compiled import soon

Scalar = Float[Array, ""]
Matrix = Float[Array, "effects effects"]


class Settings(NamedTuple):
    """`max_steps` of the approach, and again of the search; `tolerance`: size of the Newton step, in population SDs, at
    which it ends; `edge`: distance in population SDs at which an effect counts as at a bound; `nothing`: fraction of its
    typical value at which a parameter that cannot be negative counts as 0; `informative`: information of the levels about
    an effect, relative to the population's, under which it counts as flat."""

    max_steps: int = 100
    tolerance: float = 1e-7
    edge: float = 6.0
    informative: float = 1e-3
    nothing: float = 1e-3


DEFAULT = Settings()


class Found(NamedTuple):
    """Result for one patient, as arrays: effects, covariance, loss, outcome code, steps, size of the last step (in SDs), for
    each effect the information of the levels about it relative to the population's, for each sample its distance from the
    prediction in residual SDs, where the search ended, arrived or not, and for each guarded parameter how far above 0 it
    lies, as a fraction of its typical value, at the mode and at the lower end of its 90 % interval."""

    eta: Eta
    covariance: Matrix
    loss: Scalar
    outcome: Int[Array, ""]
    steps: Int[Array, ""]
    last_step: Scalar
    informed: Eta
    misfit: Float[Array, " samples"]
    last: Eta
    room: Float[Array, "guarded 2"]


class _Search(NamedTuple):
    eta: Eta
    move: Eta
    loss: Scalar
    expected: Scalar
    hessian: Matrix
    informed: Eta
    damping: Scalar
    steps: Int[Array, ""]
    size: Scalar
    done: Bool[Array, ""]


class _Expansion(NamedTuple):
    loss: Scalar
    gradient: Eta
    hessian: Matrix
    gauss_newton: Matrix


def _expand(likelihood: Likelihood, eta: Eta, data: Any) -> _Expansion:
    """Loss, gradient, exact Hessian and Gauss-Newton matrix at eta, from one twice-differentiated prediction."""

    def levels(e):
        f = likelihood.predict(e, data)
        return f, f

    def slopes(e):
        jacobian, f = jax.jacfwd(levels, has_aux=True)(e)
        return jacobian, (jacobian, f)

    bend, (jacobian, f) = jax.jacfwd(slopes, has_aux=True)(eta)

    slope, curvature, value = differentiated(likelihood, f, data)
    prior = data.precision @ eta
    total = value.sum() + 0.5 * eta @ prior
    return _Expansion(
        jnp.where(impossible(likelihood, eta, data), jnp.inf, total) if likelihood.guarded else total,
        jacobian.T @ slope + prior,
        jacobian.T @ (curvature[:, None] * jacobian) + jnp.tensordot(slope, bend, 1) + data.precision,
        jacobian.T @ (likelihood.information(f, data)[:, None] * jacobian) + data.precision,
    )


def _search(likelihood: Likelihood, data: Any, start: Eta, settings: Settings) -> _Search:
    """Damped steps until the next one is negligible. Each pass judges the step before it and chooses the next; a start that
    is not finite asks for none."""
    sd = jnp.sqrt(jnp.diag(inverse(data.precision)))

    def going(s: _Search):
        return ~s.done & (s.steps < settings.max_steps)

    def step(s: _Search) -> _Search:
        trial = s.eta + s.move
        here = _expand(likelihood, trial, data)
        finite = (
            jnp.isfinite(here.loss) & jnp.all(jnp.isfinite(here.gauss_newton)) & jnp.all(jnp.isfinite(here.hessian))
        )
        fell = s.loss - here.loss
        # rounding of the loss itself must not read as a failed step
        better = finite & (fell >= -1e-13 * (1.0 + jnp.abs(here.loss)))
        good = better & (fell > 0.75 * s.expected)
        damping = jnp.where(good, s.damping * 0.1, jnp.where(better, s.damping, jnp.maximum(s.damping * 8.0, 1e-3)))
        newton = solved(here.hessian, here.gradient)
        convex = jnp.all(jnp.isfinite(newton))
        # the least share of the expected curvature that makes the exact one positive definite
        matrix, move = here.gauss_newton, -solved((1.0 + damping) * here.gauss_newton, here.gradient)
        for share in SHARES:
            mixed = here.hessian + share * here.gauss_newton
            shorter = -solved(mixed + damping * here.gauss_newton, here.gradient)
            definite = jnp.all(jnp.isfinite(shorter))
            matrix, move = jnp.where(definite, mixed, matrix), jnp.where(definite, shorter, move)
        size = jnp.max(jnp.abs(newton) / sd)
        arrived = better & convex & (size < settings.tolerance)
        # a refused step is tried again from the same place, shorter
        return _Search(
            jnp.where(better, trial - jnp.where(arrived, newton, 0.0), s.eta),
            jnp.where(better, move, s.move * 0.25),
            jnp.where(better, here.loss, s.loss),
            jnp.where(better, -(here.gradient @ move + 0.5 * move @ matrix @ move), s.expected * 0.25),
            jnp.where(better, here.hessian, s.hessian),
            jnp.where(better, jnp.diag(here.gauss_newton) / jnp.diag(data.precision) - 1.0, s.informed),
            damping,
            s.steps + 1,
            jnp.where(better, size, s.size),
            arrived | (damping > 1e12),
        )

    infinite = jnp.asarray(jnp.inf)
    nothing = _Search(
        start, jnp.zeros_like(start), infinite, jnp.asarray(0.0), data.precision, jnp.zeros_like(start), jnp.asarray(1e-2),
        jnp.asarray(0), infinite, ~jnp.all(jnp.isfinite(start)),
    )  # fmt: skip
    return jax.lax.while_loop(going, step, nothing)


SHARES = (1.0, 0.1, 0.0)
"""Shares of the expected curvature that may be added to the exact one; a later one that will do is taken."""

ENOUGH = 3e-5
"""Newton step, in population SDs, under which a search that ran out of steps has arrived all the same."""


def find(likelihood: Likelihood, data: Any, start: Eta, settings: Settings = Settings()) -> Found:  # noqa: B008
    """The mode and its curvature for one patient; many patients: see `ward`.

    **Arguments:** `start` (effects,). **Returns:** `Found`; never NaN: a failed search reports the typical patient
    (effects 0, the population's covariance) with outcome `FAILED`.
    """
    near = approach(likelihood, data, start, min(FIRST + STEPS, settings.max_steps))
    found = arrive(likelihood, data, near.eta, settings)
    return found._replace(steps=near.steps + found.steps)


def arrive(likelihood: Likelihood, data: Any, near: Eta, settings: Settings) -> Found:
    """`find` from a point near the optimum, by exact second derivatives alone."""
    search = _search(likelihood, data, near, settings)
    eta, covariance = search.eta, inverse(search.hessian)
    prior = inverse(data.precision)
    finite = jnp.all(jnp.isfinite(covariance)) & jnp.all(jnp.isfinite(eta)) & (jnp.diag(covariance) > 0).all()
    reached = finite & (search.size < ENOUGH)
    outcome = judged(likelihood, eta, search.informed, data, settings)
    outcome = jnp.where(reached, outcome, Outcome.FAILED.value)
    usable = outcome != Outcome.FAILED.value
    chosen = jnp.where(usable, eta, 0.0)
    misfit = likelihood.standardised(likelihood.predict(chosen, data), data)
    return Found(
        chosen, jnp.where(usable, covariance, prior), search.loss, outcome,
        search.steps, search.size, search.informed, misfit, search.eta, rooms(likelihood, chosen, covariance, data),
    )  # fmt: skip


LOWER = 1.6448536269514722
"""SDs below the mode at which a normal interval of 90 % ends."""


def rooms(likelihood: Likelihood, eta: Eta, covariance: Matrix, data: Any) -> Any:
    """`Found.room`; one row without meaning where nothing is guarded, since a ward's arrays cannot be empty."""
    if not likelihood.guarded:
        return jnp.full((1, 2), jnp.inf)
    lower = eta - LOWER * jnp.sqrt(jnp.diag(covariance))
    return jnp.stack([likelihood.room(eta, data), likelihood.room(lower, data)], axis=1)


def judged(likelihood: Likelihood, eta: Eta, informed: Eta, data: Any, settings: Settings) -> Scalar:
    """The outcome of a search that arrived at eta: converged, flat, or at a bound."""
    # an occasion without a level is no reason for concern: the patient's own effects are
    flat = jnp.any(informed[: likelihood.by_subject] < settings.informative)
    edge = jnp.any(jnp.abs(eta) > settings.edge * jnp.sqrt(jnp.diag(inverse(data.precision))))
    if likelihood.guarded:
        edge = edge | jnp.any(likelihood.room(eta, data) < settings.nothing)
    return jnp.where(edge, Outcome.BOUND.value, jnp.where(flat, Outcome.FLAT.value, Outcome.CONVERGED.value))


def curved(likelihood: Likelihood, eta: Eta, data: Any) -> tuple[Matrix, Eta]:
    """Covariance by the expected curvature at eta, and the information of the levels as `Found.informed`."""
    matrix = _expand(likelihood, eta, data).gauss_newton
    return inverse(matrix), jnp.diag(matrix) / jnp.diag(data.precision) - 1.0


def solve(likelihood: Likelihood, data: Any, start: Any, settings: Settings) -> Found:
    """`find`, compiled for one patient: soon, where the model is a closed form and its second derivatives a large program."""
    return (_soon if likelihood.together else _usual)(likelihood, data, start, settings)


_soon = soon(find, static=(0, 3))
_usual = jax.jit(find, static_argnums=(0, 3))
