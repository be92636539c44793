"""A plan as a person writes it: `EV 5 mg every 7 d x10; patch-tw 100 ug/d every 3.5 d from 70 d`.

    plan    course { ";" course }
    course  product amount unit { option }
    option  every SPAN | x COUNT | from TIME | until TIME | worn SPAN | steady
          | first AMOUNT {, AMOUNT} | missed N {, N} | moved N to TIME {, N to TIME}

A span is a number with its unit (h, d, wk); a time is one too, or a date or date-time. It becomes the JSON document.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from individose.base import InputError
from individose.base.units import factor

GRAMMAR = r"""
plan: course (";" course)* ";"?
course: PRODUCT NUMBER UNIT option*
option: "every"i span -> every
      | ("x"i | "times"i) INT -> count
      | ("from"i | "on"i) time -> start
      | "until"i time -> until
      | "worn"i span -> worn
      | "steady"i -> steady_state
      | "first"i NUMBER ("," NUMBER)* -> first_amounts
      | "missed"i INT ("," INT)* -> missed
      | "moved"i move ("," move)* -> moved
move: INT "to"i time
span: NUMBER TIME
time: NUMBER TIME -> relative
    | DATE -> date
DATE.5: /\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2})?([+-]\d{2}:\d{2}|Z)?)?/
TIME.3: /(min|h|d|wk)(?![A-Za-z])/
UNIT.2: /(mg|ug|mcg|g)(\/d)?(?![A-Za-z\/])/
PRODUCT: /[A-Za-z][A-Za-z0-9_-]*/
NUMBER: /-?(\d+(\.\d*)?|\.\d+)/
INT: /\d+/
%import common.WS
%ignore WS
"""

EXAMPLE = "EV 5 mg every 7 d x10; patch-tw 100 ug/d every 3.5 d from 70 d"


@lru_cache(maxsize=1)
def _parser() -> Any:
    from lark import Lark

    return Lark(GRAMMAR, start="plan", parser="earley", lexer="dynamic")


def document_of(text: str) -> dict[str, Any]:
    """The JSON document (`hormone/1`, not yet validated) that a plan's text stands for; times that are spans are days.

    **Raises:** `InputError` for text outside the grammar, or an option that a course gives twice.
    """
    from lark.exceptions import LarkError

    try:
        tree = _parser().parse(text)
    except LarkError as error:
        column = getattr(error, "column", -1)
        place = f" (at character {column})" if column and column > 0 else ""
        raise InputError(
            f"the plan '{text}' cannot be read{place}",
            f"as in '{EXAMPLE}'",
            "product, amount and unit, then every, x, from, until, worn, steady, first, missed, moved; times with units",
            "Write it in this form, or as a JSON file.",
        ) from error
    return {"format": "hormone/1", "time_unit": "d", "courses": [_course(one, text) for one in tree.children]}


def _course(tree: Any, text: str) -> dict[str, Any]:
    product, amount, unit, *options = tree.children
    found: dict[str, Any] = {
        "product": str(product),
        "amount": float(amount),
        "unit": str(unit).replace("mcg", "ug"),
    }
    for option in options:
        name, inside = str(option.data), option.children
        if name in found:
            raise InputError(
                f"the plan '{text}' says '{name}' twice in one course",
                "each once",
                remedy="Remove one of them; what follows another course begins after a semicolon.",
            )
        found |= _option(name, inside)
    return found if "start" in found else found | {"start": 0.0}


def _option(name: str, inside: list[Any]) -> dict[str, Any]:
    match name:
        case "every" | "worn":
            number, unit = inside[0].children
            return {name: float(number), f"{name}_unit": str(unit)}
        case "count":
            return {name: int(inside[0])}
        case "steady_state":
            return {name: True}
        case "first_amounts":
            return {name: [float(x) for x in inside]}
        case "missed":
            return {name: [int(x) for x in inside]}
        case "moved":
            return {name: [{"dose": int(one.children[0]), "to": _time(one.children[1])} for one in inside]}
        case _:
            return {name: _time(inside[0])}


def _time(tree: Any) -> float | str:
    if tree.data == "date":
        return str(tree.children[0]).replace(" ", "T")
    number, unit = tree.children
    return float(number) * factor(str(unit), "d", "time")
