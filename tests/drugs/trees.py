"""Random expression trees, and what Python itself makes of their text."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import strategies as st

from individose.drugs.grammar import Binary, Call, Compare, Expr, Logic, Name, Num, Unary

NAMES = ("a", "b", "android", "notable", "or_1")
"""Some begin with the grammar's own words."""

NUMBERS = st.one_of(
    st.sampled_from([0.0, 1.0, 2.0, 3.0, 0.75, 1e-7, 4.5e21]),
    st.floats(0.0, 1e6, allow_nan=False).map(lambda x: float(f"{x:.6g}")),
)


LEAVES = st.one_of(NUMBERS.map(Num), st.sampled_from(NAMES).map(Name))
FORMS = ("leaf", "binary", "binary", "binary", "sign", "function", "extreme", "where")
COMPARATORS = ("<", "<=", ">", ">=", "==", "!=")


@st.composite
def numeric(draw: st.DrawFn, depth: int = 4) -> Expr:
    """Expressions that give a number, with conditions inside `where`."""
    form = draw(st.sampled_from(FORMS)) if depth else "leaf"
    inner = numeric(depth - 1)
    match form:
        case "binary":
            return Binary(draw(st.sampled_from(("+", "-", "*", "/", "**"))), draw(inner), draw(inner))
        case "sign":
            return Unary(draw(st.sampled_from(("-", "+"))), draw(inner))
        case "function":
            return Call(draw(st.sampled_from(("exp", "log", "log10", "sqrt", "abs"))), (draw(inner),))
        case "extreme":
            arguments = draw(st.lists(inner, min_size=2, max_size=3))
            return Call(draw(st.sampled_from(("min", "max"))), tuple(arguments))
        case "where":
            return Call("where", (draw(conditions(depth - 1)), draw(inner), draw(inner)))
        case _:
            return draw(LEAVES)


@st.composite
def conditions(draw: st.DrawFn, depth: int) -> Expr:
    """Comparisons, joined by `and`, `or` and `not`."""
    form = draw(st.sampled_from(("compare", "logic", "not"))) if depth else "compare"
    match form:
        case "logic":
            return Logic(draw(st.sampled_from(("and", "or"))), draw(conditions(depth - 1)), draw(conditions(depth - 1)))
        case "not":
            return Unary("not", draw(conditions(depth - 1)))
        case _:
            side = numeric(max(depth - 1, 0))
            return Compare(draw(st.sampled_from(COMPARATORS)), draw(side), draw(side))


PYTHON: dict[str, Any] = {
    "__builtins__": {},
    "exp": math.exp,
    "log": math.log,
    "log10": math.log10,
    "sqrt": math.sqrt,
    "abs": abs,
    "min": min,
    "max": max,
    "where": lambda condition, yes, no: yes if condition else no,
}


def by_python(text: str, values: dict[str, float]) -> float | None:
    """What Python's own grammar and arithmetic give; None where they leave the real numbers."""
    try:
        found = eval(text, PYTHON, values)
    except (ArithmeticError, ValueError, TypeError):  # a complex number in between cannot be compared
        return None
    return None if isinstance(found, complex) else float(found)
