"""Equations of model cards: text to tree, by whitelist. Nothing is ever run as code.

    4.1 [L/h] * (crcl / 90 [mL/min])**0.7 * where(dialysis, 0.7, 1)

Numbers, registered names, `+ - * / **`, comparisons, `and or not`, the functions of `FUNCTIONS`, labels of categories
in quotes (`sex == "female"`), and a UCUM code in brackets behind a dimensionless number, parenthesis or call. A bare
number is dimensionless. The grammar is `equation.lark`; lark is imported on the first parse only.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from individose.base.errors import CardError
from individose.drugs.expression import (
    Binary,
    Call,
    Compare,
    Expr,
    Logic,
    Name,
    Num,
    Text,
    Unary,
    WithUnit,
    names,
    walk,
)
from individose.drugs.spelling import listing, suggestion

if TYPE_CHECKING:
    from lark import Lark
    from lark.exceptions import UnexpectedInput

__all__ = [
    "FUNCTIONS",
    "Binary",
    "Call",
    "Compare",
    "Expr",
    "Logic",
    "Name",
    "Num",
    "Text",
    "Unary",
    "WithUnit",
    "names",
    "parse",
]

FUNCTIONS: dict[str, tuple[int, int | None]] = {
    "exp": (1, 1),
    "log": (1, 1),
    "log10": (1, 1),
    "sqrt": (1, 1),
    "abs": (1, 1),
    "min": (2, None),
    "max": (2, None),
    "where": (3, 3),
}
"""Function to its least and greatest number of arguments (None: any)."""

WORDS = ("and", "or", "not")
LONGEST, DEEPEST = 2000, 150
"""Characters and nested operations of one equation: far beyond what is printed, within the interpreter's stack."""

GRAMMAR = "the grammar of equations, `equation.lark`"
OPERATORS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "raised": "**"}


def parse(text: str, known: Collection[str] | None = None, parameter: str = "the equation") -> Expr:
    """The tree of an equation.

    **Arguments:** `known` are the names it may use (None: any); `parameter` says in errors where the equation stands.

    **Raises:** `CardError` for a syntax error (its place is marked), an unknown name or function, a wrong number of
    arguments, a label that is not compared with a name, or an equation of absurd size.
    """
    if len(text) > LONGEST:
        raise CardError(
            f"{parameter} has an equation of {len(text)} characters",
            f"at most {LONGEST} are read",
            GRAMMAR,
            "Write it with fewer terms, or as a system of its own.",
        )
    expr = _tree(text, parameter)
    nodes = list(walk(expr))
    if max(depth for _, depth in nodes) > DEEPEST:
        raise CardError(
            f"{parameter} has an equation nested more than {DEEPEST} deep",
            f"at most {DEEPEST} operations may stand inside each other",
            GRAMMAR,
            "Write it with fewer terms, or as a system of its own.",
        )
    labels_used_properly = 0
    for here, _ in nodes:
        match here:
            case Name(name=name) if known is not None and name not in known:
                raise _unknown_name(name, known, text, parameter)
            case Call():
                _check_call(here, text, parameter)
            case Compare(op="==" | "!=", left=left, right=right) if {type(left), type(right)} == {Name, Text}:
                labels_used_properly += 1
            case WithUnit(operand=Name(name=name), unit=unit):
                raise CardError(
                    f"{parameter} writes a unit behind the name {name}: {_marked(text, f'[{unit}]')}",
                    "a unit may stand behind a number, a parenthesis or a call",
                    "a name has the unit of its register or of its constant",
                    f"Remove [{unit}]; what is computed is converted for you.",
                )
    if labels_used_properly != sum(isinstance(here, Text) for here, _ in nodes):
        raise CardError(
            f"{parameter} uses a label in quotes outside of a comparison: {text}",
            'a label may only be compared with a category, as in sex == "female"',
            GRAMMAR,
            "Compare it with == or != to the name of a category, or remove the quotes.",
        )
    return expr


def _check_call(call: Call, text: str, parameter: str) -> None:
    if call.function not in FUNCTIONS:
        raise CardError(
            f"{parameter} calls {call.function}(), which is no function of the grammar: {_marked(text, call.function)}",
            f"the functions are {listing(FUNCTIONS)}",
            GRAMMAR,
            suggestion(call.function, FUNCTIONS) or "Write the equation with these functions.",
        )
    least, greatest = FUNCTIONS[call.function]
    count = len(call.arguments)
    if count < least or (greatest is not None and count > greatest):
        raise CardError(
            f"{parameter} gives {call.function}() {count} argument(s): {_marked(text, call.function)}",
            f"{call.function} takes {least}" + (" or more" if greatest is None else ""),
            GRAMMAR,
            "where(condition, if true, if false) takes three." if call.function == "where" else "Correct the call.",
        )


def _unknown_name(name: str, known: Collection[str], text: str, parameter: str) -> CardError:
    function = f"{name} is a function: write {name}(...)." if name in FUNCTIONS else ""
    return CardError(
        f"{parameter} uses the name {name}, which is not known: {_marked(text, name)}",
        f"known are {listing(sorted(known))}",
        "covariates come from registers/covariates.toml, constants from the card's [constants], other parameters from its "
        "[parameters] and [auxiliary]; dose and time are those of the doses",
        function or suggestion(name, known) or "Correct the name, register the covariate, or add it to [constants].",
    )


def _marked(text: str, part: str) -> str:
    """The equation on one line with the first appearance of `part` marked."""
    shown = " ".join(text.split("\n"))
    bounded = rf"(?<!\w){re.escape(part)}(?!\w)" if part.isidentifier() else re.escape(part)
    found = re.search(bounded, shown)
    return _between_marks(shown, *found.span()) if found else shown


def _between_marks(shown: str, start: int, end: int) -> str:
    return f"{shown[:start]}>>>{shown[start:end]}<<<{shown[end:]}"


@lru_cache(maxsize=512)
def _tree(text: str, parameter: str) -> Expr:
    from lark.exceptions import UnexpectedInput

    try:
        # lark's stubs give the parse tree, not what the builder makes of it
        found: Any = _parser().parse(text)
    except UnexpectedInput as error:
        raise _syntax_error(text, error, parameter) from None
    for here, _ in walk(found):
        if isinstance(here, Num) and not math.isfinite(here.value):
            raise CardError(
                f"{parameter} contains the number {here.printed}",
                "a number must be finite in 64 bits",
                GRAMMAR,
                "Correct its exponent.",
            )
    return found


def _syntax_error(text: str, error: UnexpectedInput, parameter: str) -> CardError:
    shown = " ".join(text.split("\n"))
    at = getattr(error, "pos_in_stream", None)
    at = len(shown) if at is None or at < 0 or getattr(getattr(error, "token", None), "type", "") == "$END" else at
    rest = shown[at:]
    if rest.startswith("^"):
        remedy = "A power is written **, as in weight**0.75."
    elif rest.startswith("=") or (at and shown[at - 1] == "=" and rest):
        remedy = "Equality is compared with ==."
    elif re.match(r"<|>|=|!", rest):
        remedy = "Comparisons are not chained: write 2 < x and x < 5."
    elif rest.startswith(("[", "]", "{")):
        remedy = "A unit is one UCUM code in brackets behind a number, a parenthesis or a call, as in 4.1 [L/h]."
    elif re.match(r"[\w(\"']", rest):
        remedy = "An operator is missing here; a product is written with *."
    elif not rest.strip():
        remedy = "The equation ends too early: complete it, or close its parenthesis."
    else:
        remedy = "Correct the equation at the mark."
    return CardError(
        f"{parameter} cannot be read from character {at + 1} on: {_between_marks(shown, at, at + 1)}",
        "allowed are numbers, names, + - * / **, comparisons, and, or, not, "
        f"the functions {listing(FUNCTIONS)}, labels in quotes and units in brackets",
        GRAMMAR,
        remedy,
    )


@lru_cache(maxsize=1)
def _parser() -> Lark:
    from lark import Lark, Transformer

    class Builder(Transformer[Any, Any]):
        """Called with the finished parts of each rule while parsing, so that depth costs no recursion."""

        def number(self, parts: list[Any]) -> Expr:
            return Num(float(parts[0]), str(parts[0]))

        def name(self, parts: list[Any]) -> Expr:
            return Name(str(parts[0]))

        def text(self, parts: list[Any]) -> Expr:
            return Text(str(parts[0])[1:-1])

        def call(self, parts: list[Any]) -> Expr:
            return Call(str(parts[0]), tuple(part for part in parts[1:] if part is not None))

        def with_unit(self, parts: list[Any]) -> Expr:
            return WithUnit(parts[0], str(parts[1])[1:-1].strip())

        def compare(self, parts: list[Any]) -> Expr:
            op: Any = str(parts[1])
            return Compare(op, parts[0], parts[2])

        def either(self, parts: list[Any]) -> Expr:
            return Logic("or", parts[0], parts[1])

        def both(self, parts: list[Any]) -> Expr:
            return Logic("and", parts[0], parts[1])

        def negated(self, parts: list[Any]) -> Expr:
            return Unary("not", parts[0])

        def minus(self, parts: list[Any]) -> Expr:
            return Unary("-", parts[0])

        def plus(self, parts: list[Any]) -> Expr:
            return Unary("+", parts[0])

    for rule, op in OPERATORS.items():
        setattr(Builder, rule, _binary(op))
    grammar = files("individose.drugs").joinpath("equation.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", transformer=Builder(), maybe_placeholders=False)


def _binary(op: Any) -> Any:
    def build(_: Any, parts: list[Any]) -> Expr:
        left, right = parts
        return Binary(op, left, right)

    return build
