"""What a card file may hold, key by key, and the strict reading of it.

The structures mirror the TOML as it is written (the paper's units and conventions); `schema` makes the canonical
`Card` of them. An unknown key is an error, so that a misspelt one is never silently without effect.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterator
from typing import Any, Literal, TypeVar

import msgspec

from individose.base.errors import CardError
from individose.drugs.card import CardGrade, Carry, Convention, Spread, Transform
from individose.drugs.spelling import listing, suggestion

FORMAT = "the format of card files, drugs/document.py"


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the file."""


class SystemTable(Table, frozen=True):
    disposition: str
    input: str | list[str]
    stages: int = 0
    metabolite: str | None = None
    elimination: str = "linear"
    effect: str | None = None
    stiff: bool = False


class SourceTable(Table, frozen=True):
    citation: str
    population: str
    doi: str = ""
    pmid: str = ""
    software: str = ""
    note: str = ""


class DomainTable(Table, frozen=True):
    min: float | None = None
    max: float | None = None
    unit: str = "1"
    values: list[str | float | bool] = []
    source: str = ""
    absurd_below: float | None = None
    absurd_above: float | None = None


class CovariateTable(Table, frozen=True):
    carry: Carry = "backward"


class ConstantTable(Table, frozen=True):
    value: float
    unit: str = "1"
    se: float | None = None
    source: str = ""


class ParameterTable(Table, frozen=True):
    equation: str
    unit: str
    source: str = ""


class EffectTable(Table, frozen=True):
    """One of `omega2`, `cv` with its `convention`, or `sd`."""

    omega2: float | None = None
    cv: float | None = None
    sd: float | None = None
    convention: Literal["omega2 = cv2", "omega2 = ln(1 + cv2)"] | None = None
    transform: Transform = "log-normal"
    level: Literal["subject", "occasion"] = "subject"
    shape: float | None = None


class CovarianceTable(Table, frozen=True):
    """Between two effects of one level: `omega2` (the covariance) or `correlation`."""

    of: tuple[str, str]
    omega2: float | None = None
    correlation: float | None = None
    level: Literal["subject", "occasion"] = "subject"


class AdditiveTable(Table, frozen=True):
    unit: str
    sd: float | None = None
    variance: float | None = None


class PowerTable(Table, frozen=True):
    """sd = coefficient f^exponent, with sd and f in `unit`."""

    coefficient: float
    exponent: float
    unit: str


class ResidualTable(Table, frozen=True):
    """The residual error of one analyte; `nu` makes it Student-t."""

    convention: Convention
    proportional: float | None = None
    proportional_variance: float | None = None
    additive: AdditiveTable | None = None
    power: PowerTable | None = None
    log_sd: float | None = None
    log_variance: float | None = None
    nu: float | None = None


class TargetTable(Table, frozen=True):
    metric: Literal["trough", "average", "peak", "auc"]
    low: float
    high: float
    unit: str
    source: str
    best: float | None = None
    population: str = ""
    matrix: str = ""
    note: str = ""


class DosingTable(Table, frozen=True):
    step_mg: float
    intervals_h: list[float]
    source: str
    route: str = ""
    duration_h: float = 0.0
    max_daily_mg_per_kg: float | None = None
    max_daily_mg: float | None = None


class GroupTable(Table, frozen=True):
    """A subpopulation of a mixture: how frequent it is, and the constants that it has of its own."""

    name: str
    probability: float
    constants: dict[str, Any]
    source: str = ""


class ProductTable(Table, frozen=True):
    """How a dose is written: `unit` of the label, and for a patch how long it is made to be worn."""

    name: str
    form: Literal["injection", "patch"]
    unit: str
    worn: float | None = None
    worn_unit: str = "d"


class CheckTable(Table, frozen=True):
    expect: dict[str, float]
    given: dict[str, float | str | bool] = {}
    rtol: float = 1e-4
    group: str = ""


class Document(Table, frozen=True):
    """A whole file; tables whose keys are names of the card's own are converted row by row."""

    id: str
    title: str
    grade: CardGrade
    system: dict[str, Any]
    source: dict[str, Any]
    parameters: dict[str, Any]
    residual: dict[str, Any]
    grounds: str = ""
    molar_mass_g_mol: float | None = None
    domain: dict[str, Any] = {}
    covariates: dict[str, Any] = {}
    auxiliary: dict[str, Any] = {}
    constants: dict[str, Any] = {}
    variability: dict[str, Any] = {}
    spread: Spread = "patients"
    between: dict[str, Any] = {}
    published: dict[str, Any] = {}
    product: dict[str, Any] | None = None
    covariance: list[Any] = []
    groups: list[Any] = []
    targets: list[Any] = []
    dosing: dict[str, Any] | None = None
    checks: list[Any] = []
    revisions: list[str] = []


T = TypeVar("T", bound=Table)


def document(text: str, origin: str) -> Document:
    """The top level of a card file.

    **Raises:** `CardError` for text that is not TOML, an unknown or missing key, a value of the wrong kind, or a
    number that is not finite.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CardError(
            f"{origin} is not TOML: {error}", "a card is a TOML file", "https://toml.io", "Correct it at that place."
        ) from error
    for path, number in _numbers(raw, ""):
        if not math.isfinite(number):
            raise CardError(
                f"{origin}: {path} is {number}", "numbers must be finite", FORMAT, "Leave the key out if it is unknown."
            )
    return read(raw, Document, "", origin)


def _numbers(value: Any, path: str) -> Iterator[tuple[str, float]]:
    match value:
        case dict():
            for key, inside in value.items():
                yield from _numbers(inside, f"{path}.{key}".lstrip("."))
        case list():
            for position, inside in enumerate(value):
                yield from _numbers(inside, f"{path}[{position}]")
        case float():
            yield path, value


def read(raw: Any, kind: type[T], path: str, origin: str) -> T:
    """One table of the file as its structure; `path` is where it stands in the file `origin`.

    **Raises:** `CardError`, see `document`.
    """
    where = path or "the top level"
    if not isinstance(raw, dict):
        raise CardError(
            f"{origin}: {where} is {raw!r}",
            f"it must be a table with {listing(kind.__struct_fields__)}",
            FORMAT,
            f"Write it as {path} = {{ {kind.__struct_fields__[0]} = ... }}.",
        )
    for key in raw:
        if key not in kind.__struct_fields__:
            raise CardError(
                f"{origin}: {where} has the unknown key '{key}'",
                f"its keys are {listing(kind.__struct_fields__)}",
                FORMAT,
                suggestion(key, kind.__struct_fields__) or "Remove the key.",
            )
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        said, _, inside = str(error).partition(" - at ")
        place = ".".join(part for part in (path, inside.strip("`").removeprefix("$").lstrip(".")) if part)
        missing = re.search(r"missing required field `(\w+)`", said)
        raise CardError(
            f"{origin}: {place or where}: " + (f"the key '{missing[1]}' is missing" if missing else said),
            f"keys without default are {listing(_required(kind))}"
            if missing
            else f"the keys are {listing(kind.__struct_fields__)}, each of its kind",
            FORMAT,
            "Add the key." if missing else "Correct the value.",
        ) from error


def _required(kind: type[Table]) -> tuple[str, ...]:
    return tuple(one.name for one in msgspec.structs.fields(kind) if one.required)
