"""An equation as text: as a card writes it, as a person reads it, and as LaTeX.

All three put a parenthesis only where the tree needs one; `parse(source(expr)) == expr`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from individose.drugs.expression import Binary, Call, Compare, Expr, Logic, Name, Num, Text, Unary, WithUnit

OR, AND, NOT, COMPARISON, SUM, PRODUCT, SIGN, POWER, MEASURED, ATOM = range(1, 11)
"""How tightly a form binds; a part that binds more loosely than its place needs is put in parentheses."""


@dataclass(frozen=True)
class Style:
    """What one way of writing does its own way; the walk over the tree is the same for all.

    `measured` is how tightly a number with its unit binds; `exponent` what an exponent must bind at least.
    """

    symbols: Mapping[str, str]
    number: Callable[[str], str]
    name: Callable[[str], str]
    label: Callable[[str], str]
    with_unit: Callable[[str, str], str]
    group: Callable[[str], str]
    call: Callable[[str, list[str]], str]
    power: Callable[[str, str], str]
    measured: int
    exponent: int
    fraction: Callable[[str, str], str] | None = None


def source(expr: Expr) -> str:
    """The equation in the grammar, ready to be parsed again."""
    return _render(expr, SOURCE)


def unicode(expr: Expr) -> str:
    """The equation for a screen: `0.52 L/kg · weight`."""
    return _render(expr, UNICODE)


def latex(expr: Expr) -> str:
    """The equation in LaTeX's math mode."""
    return _render(expr, LATEX)


def _render(expr: Expr, style: Style, place: int = 0) -> str:
    written, binding = _written(expr, style)
    return style.group(written) if binding < place else written


def _written(expr: Expr, style: Style) -> tuple[str, int]:
    symbols = style.symbols
    match expr:
        case Num(value=value, printed=printed):
            return style.number(printed or repr(value)), ATOM if printed or value >= 0 else SIGN
        case Name(name=name):
            return style.name(name), ATOM
        case Text(text=text):
            return style.label(text), ATOM
        case WithUnit(operand=operand, unit=unit):
            return style.with_unit(_render(operand, style, ATOM), unit), style.measured
        case Unary(op=op, operand=operand):
            place = NOT if op == "not" else SIGN
            return symbols[f"unary {op}"] + _render(operand, style, place), place
        case Binary(op="**", left=left, right=right):
            return style.power(_render(left, style, MEASURED), _render(right, style, style.exponent)), POWER
        case Binary(op="/", left=left, right=right) if style.fraction:
            return style.fraction(_render(left, style), _render(right, style)), POWER
        case Binary(op=op, left=left, right=right):
            place = SUM if op in "+-" else PRODUCT
            return _render(left, style, place) + symbols[op] + _render(right, style, place + 1), place
        case Compare(op=op, left=left, right=right):
            return _render(left, style, SUM) + symbols[op] + _render(right, style, SUM), COMPARISON
        case Logic(op=op, left=left, right=right):
            place = AND if op == "and" else OR
            return _render(left, style, place) + symbols[op] + _render(right, style, place + 1), place
        case Call(function=function, arguments=arguments):
            call = style.call(function, [_render(argument, style) for argument in arguments])
            return call, POWER if function == "where" and style.fraction else ATOM


def _call(function: str, arguments: list[str]) -> str:
    return f"{function}({', '.join(arguments)})"


def _same(written: str) -> str:
    return written


SOURCE = Style(
    symbols={op: f" {op} " for op in ("+", "-", "*", "/", "<", "<=", ">", ">=", "==", "!=", "and", "or")}
    | {"unary -": "-", "unary +": "+", "unary not": "not "},
    number=_same,
    name=_same,
    label=lambda text: f"'{text}'" if '"' in text else f'"{text}"',
    with_unit=lambda written, unit: f"{written} [{unit}]",
    group=lambda written: f"({written})",
    call=_call,
    power=lambda base, exponent: f"{base}**{exponent}",
    measured=MEASURED,
    exponent=SIGN,
)

SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def _unicode_power(base: str, exponent: str) -> str:
    return base + (exponent.translate(SUPERSCRIPTS) if exponent.isdigit() else f"^{exponent}")


UNICODE = Style(
    symbols={op: f" {op} " for op in ("+", "/", "<", ">", "and", "or")}
    | {"-": " − ", "*": " · ", "<=": " ≤ ", ">=": " ≥ ", "==": " = ", "!=": " ≠ "}
    | {"unary -": "−", "unary +": "", "unary not": "not "},
    number=_same,
    name=_same,
    label=_same,
    with_unit=lambda written, unit: f"{written} {unit}",
    group=lambda written: f"({written})",
    call=_call,
    power=_unicode_power,
    measured=PRODUCT,
    exponent=ATOM,
)


def _latex_text(written: str) -> str:
    escaped = re.sub(r"([_%#&$])", r"\\\1", written.replace("{", r"\{").replace("}", r"\}"))
    return rf"\text{{{escaped}}}"


def _latex_number(printed: str) -> str:
    mantissa, _, exponent = printed.lower().partition("e")
    return rf"{mantissa} \times 10^{{{int(exponent)}}}" if exponent else mantissa


def _latex_call(function: str, arguments: list[str]) -> str:
    match function, arguments:
        case "where", [condition, yes, no]:
            return rf"\begin{{cases}} {yes} & \text{{if }} {condition} \\ {no} & \text{{otherwise}} \end{{cases}}"
        case "sqrt", [x]:
            return rf"\sqrt{{{x}}}"
        case "abs", [x]:
            return rf"\left|{x}\right|"
        case _:
            name = {"log": r"\ln", "log10": r"\log_{10}"}.get(function, rf"\{function}")
            return rf"{name}\left({', '.join(arguments)}\right)"


LATEX = Style(
    symbols={op: f" {op} " for op in ("+", "-", "<", ">")}
    | {"*": r" \cdot ", "<=": r" \le ", ">=": r" \ge ", "==": " = ", "!=": r" \ne "}
    | {"and": r" \;\text{and}\; ", "or": r" \;\text{or}\; "}
    | {"unary -": "-", "unary +": "", "unary not": r"\text{not}\; "},
    number=_latex_number,
    name=_latex_text,
    label=_latex_text,
    with_unit=lambda written, unit: rf"{written}\,{_latex_text(unit)}",
    group=lambda written: rf"\left({written}\right)",
    call=_latex_call,
    power=lambda base, exponent: f"{base}^{{{exponent}}}",
    measured=PRODUCT,
    exponent=0,
    fraction=lambda above, below: rf"\frac{{{above}}}{{{below}}}",
)
