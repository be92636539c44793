"""What a one-step method is: a pure function from the state to the state one step later, and the size of its error."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp

from individose.kinetics.ode.model import Amounts, Scalar

Field = Callable[[Amounts, Scalar], Amounts]
"""(state, hours since the start of the segment) -> rates of change."""


class Tolerance(NamedTuple):
    """Error allowed in a step: `relative` times the state plus `absolute`, by compartment."""

    relative: float
    absolute: Amounts

    def allowed(self, before: Amounts, after: Amounts) -> Amounts:
        """Never quite 0, so that a compartment that stays empty is no division by 0."""
        return tuple(
            self.relative * jnp.maximum(jnp.abs(a), jnp.abs(b)) + least + 1e-100
            for a, b, least in zip(before, after, self.absolute, strict=True)
        )


Step = Callable[[Field, Amounts, Scalar, Scalar, Tolerance], tuple[Amounts, Scalar]]
"""(field, state, time, length, tolerance) -> state after it, and its error over what is allowed (not finite: failed)."""


class Method(NamedTuple):
    """`order`: the error of a step falls as its length to this power."""

    name: str
    order: int
    step: Step
