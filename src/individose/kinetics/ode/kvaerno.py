"""The implicit method, for stiff systems: one step of diffrax's Kvaerno 5 (4), an ESDIRK of seven stages.

Source: Kværnø, BIT 44 (2004) 489; Kidger, On Neural Differential Equations (2021) for diffrax.
"""

from __future__ import annotations

from typing import Any

import diffrax
import jax
import jax.numpy as jnp
import optimistix

from individose.kinetics.ode.method import Field, Method, Tolerance
from individose.kinetics.ode.model import Amounts, Scalar

NEWTON = 1e-2
"""The stage equations are solved to this share of the error allowed in the step."""


def step(field: Field, x: Amounts, t: Scalar, h: Scalar, tolerance: Tolerance) -> tuple[Amounts, Scalar]:
    """One step; see `method.Step`. The state is divided by what is allowed, so that one tolerance serves all of it."""
    unit = jax.lax.stop_gradient(jnp.stack(tolerance.allowed(x, x)))
    unit = jnp.where(jnp.isfinite(unit), unit, tolerance.relative)
    # a compartment that is empty and stays so would have a unit of nothing
    unit = jnp.maximum(unit, 1e-12 * jnp.max(unit)) / tolerance.relative

    def scaled(now: Any, y: Any, _: Any) -> Any:
        return jnp.stack(field(tuple(jnp.unstack(y * unit)), now)) / unit

    root = diffrax.VeryChord(rtol=NEWTON * tolerance.relative, atol=NEWTON * tolerance.relative, norm=_largest)
    solver = diffrax.Kvaerno5(scan_kind="lax", root_finder=root, root_find_max_steps=12)
    terms = diffrax.ODETerm(scaled)
    before = jnp.stack(x) / unit
    begun = solver.init(terms, t, t + h, before, None)
    after, error, _, _, result = solver.step(terms, t, t + h, before, None, begun, jnp.bool_(False))
    assert error is not None
    new = tuple(jnp.unstack(after * unit))
    allowed = jnp.stack(tolerance.allowed(*jax.lax.stop_gradient((x, new))))
    size = jnp.sqrt(jnp.mean(jax.lax.stop_gradient((error * unit) / allowed) ** 2))
    return new, jnp.where(result == diffrax.RESULTS.successful, size, jnp.inf)


def _largest(y: Any) -> Any:
    return optimistix.max_norm(y)


METHOD = Method("Kvaerno 5(4)", order=5, step=step)
