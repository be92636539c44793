"""Residual error: how a measured level is distributed around its prediction.

With y the level, f its prediction and e of mean 0 and variance 1, a card's convention is one of `CONVENTIONS`. All are
z = (h(y) - h(f)) / s(f), with h the identity or the logarithm; z is normal, or Student-t where `nu` is given.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

LOGARITHMIC = "ln y = ln f + e"
POWER = "sd = a + b f**c"
CONVENTIONS = ("sd = a + b f", "sd2 = a2 + b2 f2", POWER, LOGARITHMIC)
"""What `Relation.residual` may be; the third is the power model where a = 0, the fourth has SD b on the log scale."""

SMALLEST_VARIANCE = 1e-12
"""(mg/L)^2; a level at f = 0 still has a density."""

SMALLEST_LEVEL = 1e-12
"""mg/L; below it a prediction has neither logarithm nor power."""


class Error(NamedTuple):
    """Numbers of the residual error, scalars or one for each sample: SD `a` in mg/L, `b` as a fraction, exponent `c` of a
    power model, degrees of freedom `nu` of Student's t (None: normal)."""

    a: Any
    b: Any
    c: Any = None
    nu: Any = None


class Placed(NamedTuple):
    """At prediction f: `centre` h(f), `slope` h'(f), the variance `v` of h(y) and `bend` dv/df."""

    centre: Any
    slope: Any
    v: Any
    bend: Any


def scale(convention: str, value: Any) -> Any:
    """h: what a level is compared on."""
    return jnp.log(jnp.maximum(value, SMALLEST_LEVEL)) if convention == LOGARITHMIC else value


def placed(convention: str, f: Any, error: Error) -> Placed:
    """The distribution's place and spread at prediction f."""
    a, b = error.a, error.b
    if convention == LOGARITHMIC:
        above = jnp.maximum(f, SMALLEST_LEVEL)
        spread = jnp.broadcast_to(jnp.asarray(b) ** 2, jnp.shape(f))
        return Placed(jnp.log(above), jnp.where(f > SMALLEST_LEVEL, 1.0 / above, 0.0), spread, jnp.zeros_like(f))
    if convention == POWER:
        above = jnp.maximum(f, SMALLEST_LEVEL)
        power = b * above**error.c
        v, bend = (a + power) ** 2, 2 * (a + power) * error.c * power / above
    elif convention == "sd = a + b f":
        v, bend = (a + b * f) ** 2, 2 * b * (a + b * f)
    else:
        v, bend = a**2 + (b * f) ** 2, 2 * b**2 * f
    return Placed(f, jnp.ones_like(f), jnp.maximum(v, SMALLEST_VARIANCE), bend)


def exact(z: Any, v: Any, nu: Any = None) -> Any:
    """Minus log density of h(y) at z, without log(2 pi) / 2."""
    if nu is None:
        return 0.5 * (z**2 + jnp.log(v))
    return 0.5 * (nu + 1) * jnp.log1p(z**2 / nu) + 0.5 * jnp.log(v) + _constant(nu)


def _constant(nu: Any) -> Any:
    gammaln = jax.scipy.special.gammaln
    return gammaln(0.5 * nu) - gammaln(0.5 * (nu + 1)) + 0.5 * jnp.log(0.5 * nu)


def information(at: Placed, nu: Any = None) -> Any:
    """Expected second derivative of `exact` in f: of the place, and of the spread (Lange, Little & Taylor 1989 for t)."""
    place, spread = at.slope**2 / at.v, 0.5 * (at.bend / at.v) ** 2
    if nu is None:
        return place + spread
    return (nu + 1) / (nu + 3) * place + nu / (nu + 3) * spread


def beyond(z: Any, nu: Any = None) -> Any:
    """Minus log of the probability below z."""
    return -jax.scipy.special.log_ndtr(z) if nu is None else -log_student(z, nu)


def beyond_information(z: Any, at: Placed, nu: Any = None) -> Any:
    """Second derivative of `beyond` in f at constant variance: h (h + z) h'^2 / v with the hazard h = density / probability
    (for t, z (nu + 1) / (nu + z^2) in the place of z), never negative."""
    if nu is None:
        hazard = jnp.exp(-0.5 * z**2 - 0.5 * np.log(2 * np.pi) - jax.scipy.special.log_ndtr(z))
        pull = z
    else:
        hazard = jnp.exp(_log_density(z, nu) - log_student(z, nu))
        pull = z * (nu + 1) / (nu + z**2)
    return jnp.maximum(hazard * (hazard + pull), 0.0) * at.slope**2 / at.v


@jax.custom_jvp
def log_student(z: Any, nu: Any) -> Any:
    """Log of the probability of Student's t below z."""
    tail = 0.5 * jax.scipy.special.betainc(0.5 * nu, 0.5, nu / (nu + z**2))
    return jnp.log(jnp.where(z < 0, tail, 1.0 - tail))


@partial(log_student.defjvp, symbolic_zeros=True)
def _log_student_jvp(primals: Any, tangents: Any) -> Any:
    # the incomplete beta's own derivative is 0 times infinity at z = 0; nu is data and has no tangent
    z, nu = primals
    value = log_student(z, nu)
    return value, jnp.exp(_log_density(z, nu) - value) * _dense(tangents[0], z)


def _dense(tangent: Any, like: Any) -> Any:
    return jnp.zeros_like(like) if isinstance(tangent, jax.custom_derivatives.SymbolicZero) else tangent


def _log_density(z: Any, nu: Any) -> Any:
    return -0.5 * (nu + 1) * jnp.log1p(z**2 / nu) - _constant(nu) - 0.5 * np.log(2 * np.pi)
