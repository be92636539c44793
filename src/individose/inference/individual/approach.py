"""The way towards an optimum with first derivatives only: damped Gauss-Newton steps with a structured secant correction.

The Hessian of the loss is J' diag(c) J + P + sum_j s_j B_j, with slopes s and curvatures c of the terms, and B_j the second
derivative of prediction j, which costs several times all else. It is not worked out here but learnt from how J changes
(Dennis, Gay & Welsch 1981, ACM Trans Math Softw 7:348-368, "NL2SOL", eqs. 4.1-4.3): steps converge superlinearly, and only
the last one needs the exact Hessian (see `map`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from individose.inference.individual.positive import inverse, solve
from individose.inference.problem import Eta, Likelihood, impossible

Scalar = Float[Array, ""]
Matrix = Float[Array, "effects effects"]

FIRST = 11
"""Steps after which a search that has not arrived begins anew where it stands; in a ward it goes on among its like."""

STEPS = 24
"""Most steps after that; what has not arrived by then is left to exact second derivatives."""

NEAR = 1e-9
"""Step, in population SDs, at which the approach ends; it is still taken, so that two searches end at one place."""


class _Quick(NamedTuple):
    """At one point: the loss, its gradient, the slopes of the predictions and of the terms, J' diag(c) J + P with the
    curvatures c of the terms, and the same with their expectations."""

    loss: Scalar
    gradient: Eta
    jacobian: Float[Array, "samples effects"]
    slope: Float[Array, " samples"]
    curved: Matrix
    expected: Matrix


def _quick(likelihood: Likelihood, eta: Eta, data: Any) -> _Quick:
    def levels(e):
        f = likelihood.predict(e, data)
        return f, f

    jacobian, f = jax.jacfwd(levels, has_aux=True)(eta)
    slope, curvature, value = differentiated(likelihood, f, data)
    prior = data.precision @ eta
    total = value.sum() + 0.5 * eta @ prior
    return _Quick(
        jnp.where(impossible(likelihood, eta, data), jnp.inf, total) if likelihood.guarded else total,
        jacobian.T @ slope + prior,
        jacobian,
        slope,
        jacobian.T @ (curvature[:, None] * jacobian) + data.precision,
        jacobian.T @ (likelihood.information(f, data)[:, None] * jacobian) + data.precision,
    )


def differentiated(likelihood: Likelihood, f: Array, data: Any) -> tuple[Array, Array, Array]:
    """First and second derivative of every term by its prediction, and the terms themselves."""

    def slope_of(f):
        value, slope = jax.jvp(lambda f: likelihood.terms(f, data), (f,), (jnp.ones_like(f),))
        return slope, value

    slope, curvature, value = jax.jvp(slope_of, (f,), (jnp.ones_like(f),), has_aux=True)
    return slope, curvature, value


class _State(NamedTuple):
    eta: Eta
    move: Eta
    here: _Quick
    secant: Matrix
    promised: Scalar
    damping: Scalar
    steps: Int[Array, ""]
    done: Bool[Array, ""]


class Near(NamedTuple):
    """Where an approach ended, the steps it took, and whether it need not go on."""

    eta: Eta
    steps: Int[Array, ""]
    done: Bool[Array, ""]


def approach(likelihood: Likelihood, data: Any, start: Eta, most: Any = FIRST + STEPS) -> Near:
    """Effects near an optimum, reached from `start` (effects,) in at most so many steps.

    A start that is not finite stays as it is. What is returned is never worse than the start.
    """
    sd = jnp.sqrt(jnp.diag(inverse(data.precision)))

    n = len(start)
    samples = jax.eval_shape(lambda e: likelihood.predict(e, data), start).shape[0]
    nothing = _Quick(
        jnp.asarray(jnp.inf), jnp.zeros(n), jnp.zeros((samples, n)), jnp.zeros(samples), jnp.eye(n), jnp.eye(n)
    )
    begin = _State(
        start, jnp.zeros(n), nothing, jnp.zeros((n, n)), jnp.asarray(0.0), jnp.asarray(1e-2), jnp.asarray(0),
        ~jnp.all(jnp.isfinite(start)),
    )  # fmt: skip

    def going(s: _State) -> Array:
        return ~s.done & (s.steps < most)

    def step(s: _State) -> _State:
        anew = begin._replace(eta=s.eta, steps=s.steps)
        s = jax.tree.map(lambda old, new: jnp.where((s.steps > 0) & (s.steps % FIRST == 0), new, old), s, anew)
        trial = s.eta + s.move
        there = _quick(likelihood, trial, data)
        finite = jnp.isfinite(there.loss) & jnp.all(jnp.isfinite(there.expected)) & jnp.all(jnp.isfinite(there.curved))
        fell = s.here.loss - there.loss
        better = finite & (fell >= -1e-13 * (1.0 + jnp.abs(there.loss)))
        good = better & (fell > 0.75 * s.promised)
        damping = jnp.where(good, s.damping * 0.1, jnp.where(better, s.damping, jnp.maximum(s.damping * 8.0, 1e-3)))
        first = ~jnp.isfinite(s.here.loss)
        secant = jnp.where(better & ~first, _learnt(s, there), s.secant)
        move, matrix = _move(there, secant, damping)
        promised = -(there.gradient @ move + 0.5 * move @ matrix @ move)
        size = jnp.max(jnp.abs(move) / sd)
        arrived = better & (size < NEAR)
        here = jax.tree.map(lambda new, old: jnp.where(better, new, old), there, s.here)
        return _State(
            jnp.where(better, trial + jnp.where(arrived, move, 0.0), s.eta),
            jnp.where(better, move, s.move * 0.25),
            here,
            secant,
            jnp.where(better, promised, s.promised * 0.25),
            damping,
            s.steps + 1,
            arrived | (damping > 1e8) | (first & ~better),
        )

    end = jax.lax.while_loop(going, step, begin)
    return Near(end.eta, end.steps, end.done)


def _move(here: _Quick, secant: Matrix, damping: Scalar) -> tuple[Eta, Matrix]:
    """The damped step by the best matrix that is positive definite: with the secant, without it, with expectations."""
    matrix = here.expected
    move = -solve((1.0 + damping) * matrix, here.gradient)
    for other in (here.curved, here.curved + secant):
        shorter = -solve(other + damping * here.expected, here.gradient)
        definite = jnp.all(jnp.isfinite(shorter))
        matrix, move = jnp.where(definite, other, matrix), jnp.where(definite, shorter, move)
    return move, matrix


def _learnt(s: _State, there: _Quick) -> Matrix:
    """The secant correction after a step (NL2SOL's update in the metric of the gradient's change, and its sizing)."""
    moved = s.move
    bent = (there.jacobian - s.here.jacobian).T @ there.slope
    change = there.gradient - s.here.gradient
    along = change @ moved
    held = s.secant @ moved
    within = moved @ held
    # the secant is made smaller where it promises more than the last step found
    sized = jnp.where(within == 0.0, 1.0, jnp.abs(moved @ bent) / jnp.abs(jnp.where(within == 0.0, 1.0, within)))
    sized = jnp.minimum(sized, 1.0)
    rest = bent - sized * held
    safe = jnp.where(along > 0.0, along, 1.0)
    update = (jnp.outer(rest, change) + jnp.outer(change, rest)) / safe - (moved @ rest) * jnp.outer(
        change, change
    ) / safe**2
    found = sized * s.secant + update
    return jnp.where((along > 0.0) & jnp.all(jnp.isfinite(found)), found, s.secant)
