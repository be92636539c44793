"""The tree of an equation: frozen records, compared by value, made of nothing but themselves.

A parsed tree holds names, labels and units as the card writes them; an elaborated one (see `dimensions`) holds only
numbers, names and operations, so that it can be evaluated with floats or with arrays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

Arithmetic = Literal["+", "-", "*", "/", "**"]
Comparator = Literal["<", "<=", ">", ">=", "==", "!="]


@dataclass(frozen=True)
class Num:
    """A number; `printed` keeps its digits as the paper gives them."""

    value: float
    printed: str = field(default="", compare=False)


@dataclass(frozen=True)
class Name:
    """A covariate or a constant of the card."""

    name: str


@dataclass(frozen=True)
class Text:
    """The label of a category; only compared with == and !=."""

    text: str


@dataclass(frozen=True)
class Unary:
    """`-x`, `+x` or `not x`."""

    op: Literal["-", "+", "not"]
    operand: Expr


@dataclass(frozen=True)
class Binary:
    """Arithmetic of two expressions."""

    op: Arithmetic
    left: Expr
    right: Expr


@dataclass(frozen=True)
class Compare:
    """A comparison, true or false."""

    op: Comparator
    left: Expr
    right: Expr


@dataclass(frozen=True)
class Logic:
    """`and` or `or` of two conditions."""

    op: Literal["and", "or"]
    left: Expr
    right: Expr


@dataclass(frozen=True)
class Call:
    """One of the grammar's functions."""

    function: str
    arguments: tuple[Expr, ...]


@dataclass(frozen=True)
class WithUnit:
    """A dimensionless expression that a UCUM code in brackets gives a unit, as in `4.1 [L/h]`."""

    operand: Expr
    unit: str


Expr = Num | Name | Text | Unary | Binary | Compare | Logic | Call | WithUnit


def parts(expr: Expr) -> tuple[Expr, ...]:
    """The expressions directly inside one, in the order of writing."""
    match expr:
        case Num() | Name() | Text():
            return ()
        case Unary(operand=operand) | WithUnit(operand=operand):
            return (operand,)
        case Binary(left=left, right=right) | Compare(left=left, right=right) | Logic(left=left, right=right):
            return (left, right)
        case Call(arguments=arguments):
            return arguments


def walk(expr: Expr) -> Iterator[tuple[Expr, int]]:
    """Every expression of the tree with its depth (1 for the root), in the order of writing."""
    pending = [(expr, 1)]
    while pending:
        here, depth = pending.pop()
        yield here, depth
        pending.extend((part, depth + 1) for part in reversed(parts(here)))


def names(expr: Expr) -> tuple[str, ...]:
    """The names that an expression uses, each once, in the order of their first appearance."""
    return tuple(dict.fromkeys(here.name for here, _ in walk(expr) if isinstance(here, Name)))


def substituted(expr: Expr, values: Mapping[str, float]) -> Expr:
    """The expression with the names of `values` replaced by their numbers."""
    return _replaced(expr, {name: Num(value) for name, value in values.items()})


def renamed(expr: Expr, new: Mapping[str, str]) -> Expr:
    """The expression with other names."""
    return _replaced(expr, {old: Name(name) for old, name in new.items()})


def _replaced(expr: Expr, values: Mapping[str, Expr]) -> Expr:
    def inside(here: Expr) -> Expr:
        match here:
            case Name(name=name):
                return values.get(name, here)
            case Num() | Text():
                return here
            case Unary(op=op, operand=operand):
                return Unary(op, inside(operand))
            case WithUnit(operand=operand, unit=unit):
                return WithUnit(inside(operand), unit)
            case Binary(op=op, left=left, right=right):
                return Binary(op, inside(left), inside(right))
            case Compare(op=op, left=left, right=right):
                return Compare(op, inside(left), inside(right))
            case Logic(op=op, left=left, right=right):
                return Logic(op, inside(left), inside(right))
            case Call(function=function, arguments=arguments):
                return Call(function, tuple(inside(argument) for argument in arguments))

    return inside(expr)
