"""Equations that read other parameters, split into what is known of the patient and what the random effects change.

    V2 = tv_v2 / tv_v1 * V1        becomes        V2 = V2#1 * V1,   V2#1 = tv_v2 / tv_v1

Each largest part without a parameter is a number of its own for each piece of time, worked out beforehand like a typical
value; the rest is compiled, and differentiated with everything else. Numbers of a card thus stay data, not code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from individose.drugs import Card, Expr, Operations, evaluate, names, ordered
from individose.drugs.expression import Binary, Call, Compare, Logic, Name, Num, Unary
from individose.prediction.numbers import NUMPY

JAX = Operations(
    exp=jnp.exp,
    log=jnp.log,
    log10=jnp.log10,
    sqrt=jnp.sqrt,
    abs=jnp.abs,
    minimum=jnp.minimum,
    maximum=jnp.maximum,
    where=jnp.where,
    power=jnp.power,
    logical_and=jnp.logical_and,
    logical_or=jnp.logical_or,
    logical_not=jnp.logical_not,
)
"""The functions that an equation may call, inside a compiled program."""


@dataclass(frozen=True)
class Derived:
    """A parameter (by its column) whose equation reads others; `expr` reads parameters and parts by name."""

    column: int
    expr: Expr


@dataclass(frozen=True)
class Split:
    """The equations of a card, split. `names` are those of the parts without a parameter, `parts` what they are, `forms`
    the same with constants by name; `derived` in an order in which each finds what it reads."""

    derived: tuple[Derived, ...] = ()
    names: tuple[str, ...] = ()
    parts: tuple[Expr, ...] = ()
    forms: tuple[Expr, ...] = ()


@lru_cache(maxsize=256)
def split(card: Card) -> Split:
    """**Arguments:** a card; without references between its parameters nothing is derived."""
    column = {one.name: i for i, one in enumerate(card.parameters)}
    found = Split()
    for one in ordered(card.parameters):
        if not one.uses:
            continue
        parts, forms = list[Expr](), list[Expr]()
        expr = _split(one.expr, one.name, column, parts)
        _split(one.form or one.expr, one.name, column, forms)
        found = replace(
            found,
            derived=(*found.derived, Derived(column[one.name], expr)),
            names=(*found.names, *(f"{one.name}#{k + 1}" for k in range(len(parts)))),
            parts=(*found.parts, *parts),
            forms=(*found.forms, *forms),
        )
    return found


def _split(expr: Expr, owner: str, parameters: Mapping[str, int], parts: list[Expr]) -> Expr:
    if not any(name in parameters for name in names(expr)):
        parts.append(expr)
        part = Name(f"{owner}#{len(parts)}")
        truth = isinstance(expr, Compare | Logic) or (isinstance(expr, Unary) and expr.op == "not")
        return Compare(">", part, Num(0.5)) if truth else part

    def inside(here: Expr) -> Expr:
        return _split(here, owner, parameters, parts)

    match expr:
        case Unary(op=op, operand=operand):
            return Unary(op, inside(operand))
        case Binary(op=op, left=left, right=right):
            return Binary(op, inside(left), inside(right))
        case Compare(op=op, left=left, right=right):
            return Compare(op, inside(left), inside(right))
        case Logic(op=op, left=left, right=right):
            return Logic(op, inside(left), inside(right))
        case Call(function=function, arguments=arguments):
            return Call(function, tuple(inside(argument) for argument in arguments))
        case _:
            return expr


def columns(
    card: Card, values: Mapping[str, Any], shape: tuple[int, ...], *, by_form: bool = False
) -> Float[np.ndarray, "*shape columns"]:
    """Typical values of all parameters, then the parts.

    **Arguments:** `values` of the covariates, and of the constants where `by_form`; they broadcast to `shape`.
    """
    known = dict(values)
    for one in ordered(card.parameters):
        known[one.name] = evaluate((one.form or one.expr) if by_form else one.expr, known, NUMPY)
    found = [known[one.name] for one in card.parameters]
    parts = split(card)
    found += [evaluate(part, values, NUMPY) for part in (parts.forms if by_form else parts.parts)]
    return np.stack([np.broadcast_to(x, shape) for x in found], axis=-1).astype(np.float64)
