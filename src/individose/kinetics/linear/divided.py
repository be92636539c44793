"""The divided difference of exp(-r t) over the rates r_1..r_m: the one kernel of all linear kinetics.

    D(r_1, .., r_m; t) = (-1)**(m-1) exp(-r t)[r_1, .., r_m]
                       = t**(m-1) / (m-1)! * mean of exp(-t <r, u>) over the simplex {u >= 0, sum u = 1}

It is the convolution of exp(-r_1 t), .., exp(-r_m t): non-negative, symmetric in the rates, and smooth where rates
meet. A unit bolus into stage 1 of a chain with rates r_1, .., r_m leaves r_1 .. r_{m-1} D(r_1, .., r_m; t) in stage m.
A further rate of 0 integrates over time: D(r_1, .., r_m, 0; t) = integral of D(r_1, .., r_m; s) over s from 0 to t.

Source: Opitz, ZAMM 44 (1964) T52; McCurdy, Ng & Parlett, Math. Comp. 43 (1984) 501. Derivation, limits and measured
errors: docs/theory/divided-differences.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Any

import jax
import jax.numpy as jnp
from jax.core import ShapedArray
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir
from jaxtyping import Array, ArrayLike, Float

from individose.base import InputError
from individose.kinetics.linear.table import table_corner

Scalar = Float[Array, ""]

Rates = ArrayLike | Sequence[ArrayLike]
"""Shape (m,), or m scalars: those of them that are constants cost nothing when the others are differentiated."""


def decay_divided(rates: Rates, t: ArrayLike) -> Scalar:
    """D(r_1, .., r_m; t), the response of a chain of stages over the product of its transfer rates.

    **Arguments:**

    - `rates`: m of them, per h, >= 0, in any order; equal rates and rates of exactly 0 are allowed. m is static.
    - `t`: scalar, h; a time before 0 is read as 0.

    **Returns:** a scalar in h**(m-1), >= 0. Derivatives of every order, forward and reverse, follow the exact rule.

    **Raises:** `InputError` for arguments of another shape; times and patients are axes for `jax.vmap`.
    """
    return _divided(*_one_patient(rates, t))


def leading_decay_divided(rates: Rates, t: ArrayLike) -> tuple[Scalar, ...]:
    """D(r_1; t), D(r_1, r_2; t), .., D(r_1, .., r_m; t): what all stages of a chain need after a bolus in stage 1.

    **Arguments**, **Raises:** as in `decay_divided`; here the order of the rates is that of the chain.

    **Returns:** m scalars, not one array: a stack in the same compiled program keeps XLA from vectorising on a CPU.
    """
    nodes, time = _one_patient(rates, t)
    return tuple(_divided(nodes[:stages], time) for stages in range(1, len(nodes) + 1))


def _one_patient(rates: Rates, t: ArrayLike) -> tuple[tuple[Scalar, ...], Scalar]:
    dtype = jax.dtypes.canonicalize_dtype(float)
    separate = rates if isinstance(rates, Sequence) else jnp.unstack(jnp.atleast_1d(rates))
    nodes, time = tuple(jnp.asarray(rate, dtype) for rate in separate), jnp.asarray(t, dtype)
    shapes = {node.shape for node in nodes}
    if shapes != {()} or time.shape != ():
        raise InputError(
            f"t has shape {time.shape}, and there are {len(nodes)} rates with shapes {sorted(shapes)}",
            "t and each of at least one rate must be scalars",
            "kernels are written for one patient and one time",
            "Map over further axes, as in jax.vmap(decay_divided, (None, 0))(rates, times).",
        )
    return nodes, time


RESPONSE = Primitive("decay_divided")
"""D as an operation of JAX's own: elementwise in its operands (r_1, .., r_m, t), which have one shape.

A `custom_jvp` would be less code, but `lax.scan` drops such a rule when a gradient is differentiated again (JAX 0.10),
and what it differentiates instead cancels; the rule of a primitive cannot get lost.
"""


def _divided(rates: Sequence[Array], t: Array) -> Array:
    if len(rates) == 1:  # an exponential: its own derivatives are exact, and cheaper than the rule below
        half = jnp.exp(-0.5 * rates[0] * jnp.where(t < 0.0, 0.0, t))  # at t = 0 a maximum halves the slope
        return half * half
    return RESPONSE.bind(*rates, t)


def _evaluated(*operands: Array) -> Array:
    return table_corner(operands[:-1], jnp.maximum(operands[-1], 0.0))


def _differentiated(operands: Sequence[Array], tangents: Sequence[Any]) -> tuple[Array, Array]:
    """dD/dr_i = -D(.., r_i, r_i, ..) and dD/dt = D(all but r_b) - r_b D: both made of D again, hence of any order.

    The second holds for every b. With r_b the slowest rate its two terms are of a size only around the peak of D.
    """
    (*rates, t), (*d_rates, d_t) = operands, tangents
    value = _divided(rates, t)
    varied = [(rate, d_rate) for rate, d_rate in zip(rates, d_rates, strict=True) if not isinstance(d_rate, ad.Zero)]
    changes = [-response * d_rate for response, (_, d_rate) in zip(_doubled(rates, varied, t), varied, strict=True)]
    if not isinstance(d_t, ad.Zero):
        changes.append(_slope(rates, t, value) * d_t)
    return value, reduce(add, changes)


def _doubled(rates: Sequence[Array], varied: Sequence[tuple[Array, Any]], t: Array) -> list[Array]:
    """D(r_1, .., r_m, r; t) for each rate r of `varied`: above two rates in a loop, one small program to compile."""
    if len(rates) <= 2 or len(varied) == 1:
        return [_divided((*rates, rate), t) for rate, _ in varied]
    if not varied:
        return []
    responses = jax.lax.map(lambda rate: _divided((*rates, rate), t), jnp.stack([rate for rate, _ in varied]))
    return [responses[position] for position in range(len(varied))]


def _slope(rates: Sequence[Array], t: Array, value: Array) -> Array:
    slowest, others = rates[0], list[Array]()
    for rate in rates[1:]:  # choices between the rates themselves, so that further derivatives stay exact at ties
        slower = rate < slowest
        others.append(jnp.where(slower, slowest, rate))
        slowest = jnp.where(slower, rate, slowest)
    without = _divided(others, t) if others else 0.0
    return without - slowest * value


def _batched(operands: Sequence[Array], axes: Sequence[int | None]) -> tuple[Array, int]:
    in_front = [x if axis is None else jnp.moveaxis(x, axis, 0) for x, axis in zip(operands, axes, strict=True)]
    shape = next(x.shape for x, axis in zip(in_front, axes, strict=True) if axis is not None)
    return RESPONSE.bind(*(jnp.broadcast_to(x, shape) for x in in_front)), 0


RESPONSE.def_impl(jax.jit(_evaluated))
RESPONSE.def_abstract_eval(lambda *operands: ShapedArray(operands[-1].shape, operands[-1].dtype))
mlir.register_lowering(RESPONSE, mlir.lower_fun(jax.jit(_evaluated), multiple_results=False))
ad.primitive_jvps[RESPONSE] = _differentiated
batching.primitive_batchers[RESPONSE] = _batched
