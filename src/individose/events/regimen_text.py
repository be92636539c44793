"""Doses as a person writes them: `500 mg q12h over 1 h x6`.

    regimen   part { ";" part }
    part      amount { option }
    option    "into" compartment | "q" interval | "every" interval | "over" duration | "worn" time | "x" count | "at" time

A patch that is worn for a time is then taken off with what it still holds (`100 mg worn 84 h q84h x6`). An interval, a
duration or a time is in h unless it names another unit (min, h, d, wk). The first part starts at 0; a
part without `at` starts one interval after the last dose of the part before it, which must then have an interval.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from individose.base import InputError
from individose.base.units import factor
from individose.events.records import Dose

GRAMMAR = r"""
regimen: part (";" part)*
part: NUMBER UNIT option*
option: ("q"i | "every"i) span -> every
      | "over"i span -> over
      | "worn"i span -> worn
      | ("x"i | "times"i) INT -> count
      | "at"i span -> at
      | "into"i NAME -> into
span: NUMBER [TIME]
TIME.3: "min" | "h" | "d" | "wk"
UNIT.2: /(kg|g|mg|ug|ng|mmol|umol|nmol|\[iU\])(?![A-Za-z])/
NAME: /[A-Za-z_][A-Za-z_0-9]*/ | INT
NUMBER: /\d+(\.\d*)?([eE][-+]?\d+)?|\.\d+/
INT: /\d+/
%import common.WS
%ignore WS
"""


MOST = 10_000
"""Repeats of one dose; more would be a slip."""


@lru_cache(maxsize=1)
def _parser() -> Any:
    from lark import Lark

    return Lark(GRAMMAR, start="regimen", parser="earley", lexer="dynamic")


def read_regimen(text: str, molar_mass_g_mol: float | None = None) -> tuple[Dose, ...]:
    """The doses that a regimen's text stands for, in order of time.

    **Raises:** `InputError` for text outside the grammar, an amount or count of 0, a repetition without an interval;
    `UnitError` for an amount that cannot be had in mg.
    """
    from lark.exceptions import LarkError

    try:
        tree = _parser().parse(text)
    except LarkError as error:
        column = getattr(error, "column", -1)
        place = f" (at character {column})" if column and column > 0 else ""
        raise InputError(
            f"the regimen '{text}' cannot be read{place}",
            "as in '1000 mg over 2 h; 500 mg q12h over 1 h x6'",
            "amount and unit, then q interval, over duration, worn time, x count, at time",
            "Write it in this form.",
        ) from error
    doses: list[Dose] = []
    next_h: float | None = 0.0
    for part in tree.children:
        part_doses, next_h = _part(part, text, next_h, molar_mass_g_mol)
        doses.extend(part_doses)
    return tuple(sorted(doses, key=lambda dose: dose.time_h))


def _part(part: Any, text: str, start_h: float | None, molar_mass: float | None) -> tuple[list[Dose], float | None]:
    amount, unit, *options = part.children
    said: dict[str, Any] = {}
    for option in options:
        if option.data in said:
            raise _wrong(text, f"it says '{option.data}' twice in one part")
        said[option.data] = option.children[0]
    mg = float(amount) * factor(str(unit), "mg", "amount", molar_mass)
    interval = _hours(said["every"]) if "every" in said else 0.0
    count = int(said["count"]) if "count" in said else 1
    if mg <= 0 or count < 1:
        raise _wrong(text, f"it gives {float(amount):g} {unit} {count} times")
    if count > MOST:
        raise _wrong(text, f"it repeats {count} times, and at most {MOST} are taken")
    if count > 1 and interval <= 0:
        raise _wrong(text, f"it repeats {count} times without an interval")
    start = _hours(said["at"]) if "at" in said else start_h
    if start is None:
        raise _wrong(text, "the part after a single dose does not say when it starts (at 12 h)")
    duration = _hours(said["over"]) if "over" in said else 0.0
    worn = _hours(said["worn"]) if "worn" in said else 0.0
    if "worn" in said and (worn <= 0 or duration > 0):
        raise _wrong(
            text, f"a patch is worn for {worn:g} h" + (f" and infused over {duration:g} h" if duration else "")
        )
    into = str(said["into"]) if "into" in said else None
    doses = [Dose(start + k * interval, mg, duration, into, removed_after_h=worn) for k in range(count)]
    return doses, start + count * interval if interval else None


def _hours(span: Any) -> float:
    number, unit = span.children
    return float(number) * factor(str(unit or "h"), "h", "time")


def _wrong(text: str, what: str) -> InputError:
    return InputError(
        f"the regimen '{text}' cannot be given: {what}",
        "an amount above 0, an interval (q12h) wherever it repeats, a wear time above 0 of what is not infused",
        remedy="Correct the regimen.",
    )
