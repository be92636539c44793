"""The value of a unit-free tree, in whatever numbers `Operations` works on.

One walk serves Python floats (`PLAIN`, for checking cards) and arrays (whose room brings its own `Operations`).
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from individose.base.errors import CardError
from individose.drugs.expression import Binary, Call, Compare, Expr, Logic, Name, Num, Unary, names

__all__ = ["PLAIN", "Operations", "evaluate", "names"]

Value = Any
"""A float, or an array of the kind that `Operations` works on."""

COMPARE: dict[str, Callable[[Value, Value], Value]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}

ARITHMETIC: dict[str, Callable[[Value, Value], Value]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}


@dataclass(frozen=True)
class Operations:
    """The functions that an equation needs beyond Python's own operators; conditions are what `<` gives."""

    where: Callable[[Value, Value, Value], Value]
    exp: Callable[[Value], Value]
    log: Callable[[Value], Value]
    log10: Callable[[Value], Value]
    sqrt: Callable[[Value], Value]
    abs: Callable[[Value], Value]
    minimum: Callable[[Value, Value], Value]
    maximum: Callable[[Value, Value], Value]
    power: Callable[[Value, Value], Value]
    logical_and: Callable[[Value, Value], Value]
    logical_or: Callable[[Value, Value], Value]
    logical_not: Callable[[Value], Value]


PLAIN = Operations(
    where=lambda condition, yes, no: yes if condition else no,
    exp=math.exp,
    log=math.log,
    log10=math.log10,
    sqrt=math.sqrt,
    abs=abs,
    minimum=min,
    maximum=max,
    power=math.pow,  # unlike `**`, refuses a negative base instead of leaving the real numbers
    logical_and=lambda left, right: left and right,
    logical_or=lambda left, right: left or right,
    logical_not=operator.not_,
)
"""Plain floats. Both branches of `where` are computed, as they are with arrays."""


def evaluate(expr: Expr, values: Mapping[str, Value], ops: Operations) -> Value:
    """The value of a tree from `elaborate`; `values` holds every name, categories and booleans as numbers.

    **Raises:** `CardError` for a name without value and for a tree that still holds units or labels; whatever `ops`
    raises outside of its domain (Python's own `ValueError`, `OverflowError`, `ZeroDivisionError` with `PLAIN`).
    """

    def value(here: Expr) -> Value:
        match here:
            case Num(value=number):
                return number
            case Name(name=name):
                if name not in values:
                    raise CardError(
                        f"the equation needs {name}, which has no value",
                        f"it uses {', '.join(names(expr))}",
                        "every name of an equation must be given",
                        f"Give {name} for this patient.",
                    )
                return values[name]
            case Unary(op="-", operand=operand):
                return -value(operand)
            case Unary(op="+", operand=operand):
                return value(operand)
            case Unary(op="not", operand=operand):
                return ops.logical_not(value(operand))
            case Binary(op="**", left=left, right=right):
                return ops.power(value(left), value(right))
            case Binary(op=op, left=left, right=right):
                return ARITHMETIC[op](value(left), value(right))
            case Compare(op=op, left=left, right=right):
                return COMPARE[op](value(left), value(right))
            case Logic(op="and", left=left, right=right):
                return ops.logical_and(value(left), value(right))
            case Logic(op="or", left=left, right=right):
                return ops.logical_or(value(left), value(right))
            case Call(function=function, arguments=arguments):
                return _call(function, [value(argument) for argument in arguments], ops)
            case _:
                raise CardError(
                    f"the equation still holds {type(here).__name__} {here}",
                    "only numbers, names and operations can be evaluated",
                    "units and labels are resolved by `elaborate`",
                    "Elaborate the equation first.",
                )

    return value(expr)


def _call(function: str, arguments: list[Value], ops: Operations) -> Value:
    match function, arguments:
        case "where", [condition, yes, no]:
            return ops.where(condition, yes, no)
        case "exp", [x]:
            return ops.exp(x)
        case "log", [x]:
            return ops.log(x)
        case "log10", [x]:
            return ops.log10(x)
        case "sqrt", [x]:
            return ops.sqrt(x)
        case "abs", [x]:
            return ops.abs(x)
        case "min" | "max", [first, *others]:
            choose = ops.minimum if function == "min" else ops.maximum
            for other in others:
                first = choose(first, other)
            return first
        case _:
            raise CardError(
                f"the equation calls {function} with {len(arguments)} argument(s)",
                "the functions of the grammar are known",
                "`grammar.FUNCTIONS`",
                "Correct the call.",
            )
