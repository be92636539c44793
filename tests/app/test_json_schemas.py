"""The published JSON Schemas: valid themselves, current, and of one mind with the program that reads and writes."""

import copy
import json
from pathlib import Path

import jsonschema
import pytest

from individose.app.actions.cases import read_case_file
from individose.app.cli.reference import pages
from individose.app.schemas.published import INCOMING, NAMES, OUTGOING, json_schema
from individose.base import InputError

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
EXAMPLE = json.loads((ROOT / "examples" / "newborn.json").read_text(encoding="utf-8"))


def validator(name):
    return jsonschema.Draft202012Validator(json_schema(name))


@pytest.mark.parametrize("name", NAMES)
def test_schemas_are_schemas_of_draft_2020_12(name):
    schema = json_schema(name)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("file", pages())
def test_generated_pages_are_current(file):
    made = pages()[file]
    assert (REFERENCE / file).read_text(encoding="utf-8") == made, "run: python -m individose.app.cli.reference"


def test_the_example_is_a_case():
    validator("case").validate(EXAMPLE)
    found = read_case_file(ROOT / "examples" / "newborn.json")
    assert len(found.subject.doses) == 12
    assert [level.time_h for level in found.subject.levels] == [2.0, 63.5, 135.5]


def drop(*path):
    def change(case):
        *way, last = path
        for step in way:
            case = case[step]
        del case[last]

    return change


def put(*path_and_value):
    def change(case):
        *way, last, value = path_and_value
        for step in way:
            case = case[step]
        case[last] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        put("x", 1), put("doses", 0, "x", 1), put("doses", 0, "amount", 0), put("doses", 0, "amount", "3"),
        put("doses", []), put("levels", 0, "value", -1), put("levels", 0, "below_limit", 1), put("id", 3),
        put("format", "case/0"), put("doses", 4, "count", 0), put("doses", 4, "count", 1.5), put("card", "a"),
        put("target", {"metric": "cmax", "low": 1, "high": 2, "unit": "mg/L"}), put("levels", 0, "unit", ""),
        put("doses", 0, "time", None), drop("doses"), drop("format"), drop("id"), drop("doses", 0, "unit"),
        drop("levels", 0, "time"), drop("covariates", 0, "value"), put("covariates", 0, "value", [1]),
    ],
)  # fmt: skip
def test_schema_and_reader_refuse_the_same(change):
    case = copy.deepcopy(EXAMPLE)
    change(case)
    assert not validator("case").is_valid(case)
    with pytest.raises(InputError):
        read_case_file(json.dumps(case))


def keys(schema):
    for part in (schema, *schema.get("$defs", {}).values()):
        yield from part.get("properties", {})


@pytest.mark.parametrize("name", NAMES)
def test_every_key_is_documented(name):
    page = (REFERENCE / "json.md").read_text(encoding="utf-8")
    missing = {key for key in keys(json_schema(name)) if f"`{key}`" not in page and f'"{key}"' not in page}
    explained = {"source"}  # of a target: named in the card's own documentation
    assert missing <= explained


def test_each_format_is_read_or_written():
    assert set(NAMES) == set(INCOMING) | set(OUTGOING)
    assert not set(INCOMING) & set(OUTGOING)
