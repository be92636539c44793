"""What is wrong with a JSON document, said in four beats with the path of the place: never a validator's own text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from individose.base import InputError
from individose.drugs.spelling import listing, suggestion

Model = TypeVar("Model", bound=BaseModel)
Place = tuple[str | int, ...]

KINDS = {
    "float": "a number", "int": "a whole number", "string": "a text", "bool": "true or false", "tuple": "a list",
    "list": "a list", "model": "an object", "model_attributes": "an object", "dict": "an object",
}  # fmt: skip
"""What a validator calls a type, and what a person does."""


def path(place: Iterable[str | int]) -> str:
    """`doses[2].amount` for ("doses", 2, "amount")."""
    text = ""
    for step in place:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return _printable(text) or "the document"


def shown(value: Any) -> str:
    """A value as JSON, cut where it is long."""
    text = _printable(json.dumps(value, ensure_ascii=False, default=str))
    return text if len(text) <= 60 else text[:57] + "..."


def _printable(text: str) -> str:
    """The text with halves of characters (lone surrogates), which no screen can show, written out."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def parse(text: str, what: str) -> dict[str, Any]:
    """The object of a JSON text; strict where Python's reader is not (NaN, a key given twice).

    **Raises:** `InputError`.
    """
    if not text.strip():
        raise InputError(f"{what} is empty", "a JSON object", "RFC 8259", "Check that it was written completely.")
    try:
        found = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{what} is not JSON: {error.msg.lower()} at line {error.lineno}, column {error.colno}",
            "a JSON object",
            "RFC 8259",
            "Correct it there; a table of patients is read from a file that does not end in .json.",
        ) from None
    except RecursionError:
        raise InputError(f"{what} is nested too deeply", "a JSON object", remedy="Check the file.") from None
    if not isinstance(found, dict):
        raise InputError(
            f"{what} holds {_kind(found)}", "a JSON object", "one document is one patient", "Put it between { and }."
        )
    return found


def validate(model: type[Model], document: Mapping[str, Any], name: str) -> Model:
    """The document as `model`; `name` is its format, named in errors.

    **Raises:** `InputError` for the first thing that is wrong, saying how many more there are.
    """
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise _fault(model, document, error, name) from None


def _fault(model: type[BaseModel], document: Mapping[str, Any], error: ValidationError, name: str) -> InputError:
    by_place: dict[Place, list[Any]] = {}
    for one in error.errors(include_url=False):
        if one["type"] == "too_short" and len(one["input"]) >= one.get("ctx", {}).get("min_length", 0):
            continue  # only because an item of the list is wrong
        by_place.setdefault(_place(one["loc"], document, one["type"]), []).append(one)
    place, found = next(iter(by_place.items()))
    arrived, allowed, remedy = _beats(model, place, found)
    more = len(by_place) - 1
    also = f" ({more} more {'is' if more == 1 else 'are'} wrong in this document.)" if more else ""
    meaning = meant(model, place)
    because = f"{name}: {meaning}" if meaning else f"the format {name}"
    return InputError(f"{path(place)} {arrived}", allowed, because, remedy + also)


def _place(loc: Sequence[str | int], document: Any, kind: str) -> Place:
    """The part of a location that names places of the document: what a union adds to it is left out."""
    place: list[str | int] = []
    for i, step in enumerate(loc):
        within = isinstance(document, dict) and step in document
        if within or (isinstance(document, list) and isinstance(step, int) and step < len(document)):
            place.append(step)
            document = document[step]  # pyright: ignore[reportArgumentType, reportCallIssue]
        elif kind == "missing" and i == len(loc) - 1:
            place.append(step)
    return tuple(place)


def _beats(model: type[BaseModel], place: Place, found: list[Any]) -> tuple[str, str, str]:
    """Arrived, allowed and remedy for the errors of one place."""
    kinds = {one["type"] for one in found}
    first = found[0]
    value, context = first["input"], first.get("ctx", {})
    key = str(place[-1]) if place else ""
    if "missing" in kinds:
        return "is missing", "it must be given", f'Add "{key}"; individose guesses neither values nor units.'
    if "extra_forbidden" in kinds:
        known = keys(model, place[:-1])
        near = suggestion(key, known)
        return "is not known", f"known here are {listing(known)}", near or "Correct the key, or leave it out."
    wrong = [KINDS[kind.rpartition("_")[0]] for kind in sorted(kinds) if kind.rpartition("_")[0] in KINDS]
    if wrong and kinds <= {f"{word}_{end}" for word in KINDS for end in ("type", "parsing", "from_float")}:
        as_text = isinstance(value, str) and "a text" not in wrong
        remedy = "Write it without quotes." if as_text and _is_number(value) else "Correct it."
        return f"is {shown(value)}", f"it must be {' or '.join(dict.fromkeys(wrong))}", remedy
    allowed = {
        "greater_than": "above {gt:g}",
        "greater_than_equal": "{ge:g} or more",
        "less_than_equal": "at most {le:g}",
        "finite_number": "finite",
        "literal_error": "{expected}",
        "string_unicode": "whole Unicode characters",
        "string_too_short": "a text that is not empty",
        "too_short": "a list of at least {min_length}",
        "string_pattern_mismatch": "<drug>/<author><year>, as in phenobarbital/grasela1985",
    }.get(first["type"], "of the form that the schema says")
    numbers = {name: float(x) if isinstance(x, int | float) else x for name, x in context.items()}
    if "min_length" in context:
        numbers["min_length"] = context["min_length"]
    return f"is {shown(value)}", f"it must be {allowed.format(**numbers)}", "Correct it."


def keys(model: type[BaseModel], place: Place) -> tuple[str, ...]:
    """The keys that are known at a place, from the model's JSON Schema."""
    return tuple(_schema(model, place).get("properties", ()))


def meant(model: type[BaseModel], place: Place) -> str:
    """What the schema says of a place, or nothing."""
    return _schema(model, place).get("description", "")


def _schema(model: type[BaseModel], place: Place) -> dict[str, Any]:
    whole = model.model_json_schema()
    here: dict[str, Any] = whole
    for step in place:
        here = here.get("items", {}) if isinstance(step, int) else here.get("properties", {}).get(step, {})
        for option in (here, *here.get("anyOf", ())):
            if "$ref" in option:
                here = whole["$defs"][option["$ref"].rpartition("/")[2]] | here
    return here


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(
            f'the key "{twice}" is given twice in one object',
            "each key is given once",
            "one of the two values would be lost",
            "Remove one; several doses or levels are a list.",
        )
    return found


def _no_constant(word: str) -> float:
    raise InputError(
        f"the document holds {word}", "numbers are finite", "RFC 8259", "Leave out what is not known; write no NaN."
    )


def _kind(value: Any) -> str:
    return {list: "a list", str: "a text", bool: "true or false", type(None): "null"}.get(type(value), "a number")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
