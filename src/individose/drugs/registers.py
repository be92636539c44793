"""The words of model cards: covariates, parameters and systems, each with its unit and meaning.

The registers are TOML files beside this module. They are read once; no numerical library and no parser is imported.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Literal

from individose.base.errors import InputError
from individose.drugs.spelling import listing, suggestion

Kind = Literal["continuous", "boolean", "category"]


@dataclass(frozen=True)
class Covariate:
    """A covariate: its unit (UCUM), the labels of a category, and what no human being exceeds (`low`, `high`)."""

    name: str
    kind: Kind
    unit: str
    description: str
    aliases: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    value_aliases: Mapping[str, str] = field(default_factory=dict)
    low: float | None = None
    high: float | None = None
    source: str = ""
    molar_mass_g_mol: float | None = None

    def code(self, value: float | str | bool) -> float:
        """The number that equations compute with: the value, 0 or 1, or the place of a label in `values`.

        **Raises:** `InputError` for a label that is not registered, or a value of another kind.
        """
        match self.kind, value:
            case "continuous", float() | int() if not isinstance(value, bool):
                return float(value)
            case "boolean", bool() | 0 | 1:
                return float(value)
            case "category", str():
                label = self.label(value)
                if label is not None:
                    return float(self.values.index(label))
                known = self.values
            case _:
                known = {"continuous": (f"a number in {self.unit}",), "boolean": ("true", "false")}.get(
                    self.kind, self.values
                )
        raise InputError(
            f"{self.name} was given as {value!r}",
            f"{self.name} is {' or '.join(known)}",
            "registers/covariates.toml",
            suggestion(str(value), self.values) or "Give it in this form.",
        )

    def check(self, value: float | str | bool) -> None:
        """Refuses a value that no human being has, or that is not of this covariate's kind.

        **Raises:** `InputError`.
        """
        number = self.code(value)
        if self.kind != "continuous":
            return
        low, high = (-math.inf if self.low is None else self.low), (math.inf if self.high is None else self.high)
        if not low <= number <= high:  # also true of NaN
            raise InputError(
                f"{self.name} is {number:g} {self.unit}".removesuffix(" 1"),
                f"it lies between {low:g} and {high:g} {self.unit}".removesuffix(" 1"),
                self.source,
                "Check the number and its unit.",
            )

    def label(self, written: str) -> str | None:
        """The registered label for what a table writes, or None."""
        spelled = {label.lower(): label for label in self.values}
        spelled |= {alias.lower(): label for alias, label in self.value_aliases.items()}
        return spelled.get(written.strip().lower())


@dataclass(frozen=True)
class ParameterMeaning:
    """A parameter of a system and the canonical unit that its equation must yield; only a `signed` one may be below 0."""

    name: str
    unit: str
    meaning: str
    signed: bool = False


@dataclass(frozen=True)
class SystemPart:
    """A disposition, an input, an elimination or an effect: the sets of parameters of which it needs one, those it may have,
    and those that the disposition need not have beside it."""

    name: str
    parameterisations: tuple[tuple[str, ...], ...]
    optional: tuple[str, ...] = ()
    spares: tuple[str, ...] = ()


def _table(file: str) -> dict[str, Any]:
    return tomllib.loads(files("individose.drugs").joinpath("registers", file).read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def covariates() -> Mapping[str, Covariate]:
    """All registered covariates by name."""
    found: dict[str, Covariate] = {}
    for name, row in _table("covariates.toml").items():
        lists = {key: tuple(row[key]) for key in ("aliases", "values") if key in row}
        found[name] = Covariate(name=name, **({"kind": "continuous", "unit": "1"} | row | lists))
    return MappingProxyType(found)


@lru_cache(maxsize=1)
def parameters() -> Mapping[str, ParameterMeaning]:
    """All registered parameters by name: those of the file, a metabolite's (CLm) and a compartment's or stage's (F1, k2)."""
    found = {n: ParameterMeaning(name=n, **row) for n, row in _table("parameters.toml").items()}
    numbered = ("F", "lag", "duration", "rate", "ka")
    for group in (names for part in metabolites().values() for names in part.parameterisations):
        for name in group[:-1]:
            one = found[name.removesuffix("m")]
            found.setdefault(name, ParameterMeaning(name, one.unit, f"{one.meaning}, of the metabolite", one.signed))
    for name in numbered:
        one = found[name]
        for i in range(1, 10):
            found.setdefault(f"{name}{i}", ParameterMeaning(f"{name}{i}", one.unit, f"{one.meaning}, number {i}"))
    for i in range(1, 10):
        found.setdefault(f"k{i}", ParameterMeaning(f"k{i}", "1/h", f"rate constant of stage {i} of a chain"))
    return MappingProxyType(found)


@lru_cache(maxsize=1)
def _systems() -> dict[str, Any]:
    return _table("systems.toml")


def dispositions() -> Mapping[str, SystemPart]:
    """All dispositions by name."""
    return {name: _part(name, row) for name, row in _systems()["dispositions"].items()}


def metabolites() -> Mapping[str, SystemPart]:
    """The dispositions of a metabolite: those of a parent, with parameters that end in m, the fraction formed, and the
    fraction that is formed before it arrives."""

    def named(one: SystemPart) -> SystemPart:
        sets = tuple((*(f"{name}m" for name in names), "fm") for names in one.parameterisations)
        return SystemPart(one.name, sets, ("fp",))

    return {name: named(one) for name, one in dispositions().items() if name.endswith("_compartment")}


def inputs() -> Mapping[str, SystemPart]:
    """All inputs by name."""
    return {name: _part(name, row) for name, row in _systems()["inputs"].items()}


def eliminations() -> Mapping[str, SystemPart]:
    """All eliminations by name."""
    return {name: _part(name, row) for name, row in _systems()["eliminations"].items()}


def effects() -> Mapping[str, SystemPart]:
    """All effects that may be put behind a drug, by name."""
    return {name: _part(name, row) for name, row in _systems()["effects"].items()}


def _part(name: str, row: dict[str, Any]) -> SystemPart:
    sets = tuple(tuple(one) for one in row["parameterisations"])
    return SystemPart(name, sets, tuple(row.get("optional", ())), tuple(row.get("spares", ())))


DOSED: Mapping[str, Covariate] = MappingProxyType(
    {
        "dose": Covariate("dose", "continuous", "mg", "amount of the latest dose", low=0.0, source="an amount given"),
        "time": Covariate(
            "time", "continuous", "h", "from the first dose to the latest", low=0.0, source="a time elapsed"
        ),
    }
)
"""What equations may read of the doses themselves; nobody has to enter it."""


def quantity(word: str) -> Covariate:
    """A covariate, or what is read of the doses.

    **Raises:** `InputError` for a word that is neither.
    """
    return DOSED[word] if word in DOSED else covariate(word)


@lru_cache(maxsize=1)
def _spellings() -> dict[str, str]:
    return {word.lower(): name for name, one in covariates().items() for word in (name, *one.aliases)}


def covariate(word: str) -> Covariate:
    """The covariate of a name or alias (`WT`, in any case).

    **Raises:** `InputError` for a word that is not registered.
    """
    name = _spellings().get(word.lower())
    if name is None:
        raise InputError(
            f"the covariate {word} is not registered",
            f"known are {listing(covariates())}",
            "registers/covariates.toml",
            suggestion(word, covariates()) or "Use one of these names.",
        )
    return covariates()[name]
