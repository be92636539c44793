"""What each column of a NONMEM-style table holds, and the factor that turns its numbers into canonical ones."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from individose.base import units as base_units
from individose.base.errors import InputError
from individose.events.nonmem_covariates import CovariateColumn, Register, covariate_column, index

EVENT_COLUMNS = (
    "ID", "TIME", "AMT", "RATE", "DUR", "EVID", "CMT", "SS", "II", "ADDL", "DV", "MDV", "CENS", "LLOQ", "DVID", "WEAR",
)  # fmt: skip
REQUIRED = ("ID", "TIME", "AMT", "DV")

CANONICAL = {"TIME": "h", "DUR": "h", "WEAR": "h", "II": "h", "AMT": "mg", "RATE": "mg/h", "DV": "mg/L", "LLOQ": "mg/L"}
SHARED = {"DUR": "TIME", "WEAR": "TIME", "II": "TIME", "LLOQ": "DV"}
"""Columns that are in the unit of another one unless a unit is given for themselves."""

SYNONYMS = {
    "TINF": "DUR", "TAU": "II", "DOSE": "AMT", "AMOUNT": "AMT", "CONC": "DV", "CP": "DV", "Y": "DV", "YTYPE": "DVID",
    "SUBJECT": "ID", "SUBJ": "ID", "PATIENT": "ID", "BLQ": "CENS", "LOQ": "LLOQ", "LIMIT": "LLOQ", "T": "TIME",
}  # fmt: skip
"""Names of other programs; they are suggested, never taken for granted."""


@dataclass(frozen=True)
class Layout:
    """Where each event column stands (-1 when absent), its factor to the canonical unit, and the covariates.

    `names` gives the column's name as printed, for messages; `width` is the number of cells of a row.
    """

    where: Mapping[str, int]
    factors: Mapping[str, float]
    names: Mapping[str, str]
    covariates: tuple[CovariateColumn, ...]
    width: int
    censoring: Mapping[int, Literal["none", "below", "above"]]
    notes: tuple[str, ...]


def lay_out(
    header: tuple[str, ...],
    register: Register,
    *,
    units: Mapping[str, str],
    columns: Mapping[str, str],
    ignore: Collection[str],
    codes: Mapping[str, Mapping[str, str]],
    molar_mass_g_mol: float | None = None,
    censored_below: Literal[1, -1] = 1,
) -> Layout:
    """The layout of a table with this header; the arguments are those of `scan_nonmem`.

    **Raises:** `InputError` for a column that is unknown, missing, or there twice, and for an argument that names no
    column of the table; `UnitError` for a unit that cannot be converted.
    """
    printed = {name.upper(): name for name in header}
    _concern_columns("columns", columns, printed)
    _concern_columns("ignore", ignore, printed)
    renamed = {name.upper(): meaning for name, meaning in columns.items()}
    ignored = {name.upper() for name in ignore}
    known = index(register)
    where: dict[str, int] = {}
    meant: dict[str, str] = {}
    names: dict[str, str] = {}
    unknown: list[str] = []
    for position, name in enumerate(header):
        if name.upper() in ignored or (position == 0 and name.upper() in ("", "#", "C")):
            continue
        meaning = renamed.get(name.upper(), name).upper()
        meaning = meaning if meaning in EVENT_COLUMNS else known[meaning].name if meaning in known else ""
        if not meaning:
            unknown.append(name)
        elif meaning in where:
            raise InputError(
                f"the columns {names[meaning]} and {name} both mean {meaning}",
                "each quantity has one column",
                remedy=f"Leave one out: {_ignoring([name])}.",
            )
        else:
            where[meaning], names[meaning], meant[name.upper()] = position, name, meaning
    if unknown:
        raise _unknown(unknown, header, tuple(known), renamed)
    _require(where, header)
    given = {_column("units", key, meant, printed): unit for key, unit in units.items()}
    for name in given:
        if name in EVENT_COLUMNS and name not in CANONICAL:
            raise InputError(
                f"the unit {given[name]} was given for {names[name]}",
                f"units are for {', '.join(CANONICAL)} and covariates",
                f"{name} has none",
                "Leave it out.",
            )
    coded = {_column("codes", key, meant, printed): meanings for key, meanings in codes.items()}
    factors, notes = _factors(where, names, given, molar_mass_g_mol)
    covariates = tuple(
        covariate_column(known[name.upper()], names[name], position, given.get(name), coded.get(name, {}))
        for name, position in where.items()
        if name not in EVENT_COLUMNS
    )
    assumed = [
        f"{c.label} ({c.entry.name}) {c.entry.unit}" for c in covariates if c.has_unit and c.entry.name not in given
    ]
    converted = [f"{c.label} ({c.entry.name}) {given[c.entry.name]}" for c in covariates if c.entry.name in given]
    return Layout(
        where={name: where.get(name, -1) for name in EVENT_COLUMNS},
        factors=factors,
        names=names,
        covariates=covariates,
        width=len(header),
        censoring={0: "none", censored_below: "below", -censored_below: "above"},
        notes=_unit_notes(notes[0] + assumed, notes[1] + converted) + _reading_notes(where, censored_below),
    )


def _factors(
    where: Mapping[str, int], names: Mapping[str, str], given: Mapping[str, str], molar_mass_g_mol: float | None
) -> tuple[dict[str, float], tuple[list[str], list[str]]]:
    """Factors by event column, and what to say of the units assumed and of those given."""
    factors: dict[str, float] = {}
    assumed: list[str] = []
    stated: list[str] = []
    for name, canonical in CANONICAL.items():
        own = given.get(name)
        of_other = given.get(SHARED.get(name, ""))
        if own is None and name == "RATE":
            factors[name] = factors["AMT"] / factors["TIME"]
            amount, time = given.get("AMT", "mg"), given.get("TIME", "h")
            unit, is_given = f"{amount}/{time}", "AMT" in given or "TIME" in given
        else:
            unit, is_given = own or of_other or canonical, bool(own or of_other)
            factors[name] = base_units.factor(unit, canonical, names.get(name, name), molar_mass_g_mol)
        if name in where:
            (stated if is_given else assumed).append(f"{names[name]} {unit}")
    return factors, (assumed, stated)


def _unit_notes(assumed: list[str], stated: list[str]) -> tuple[str, ...]:
    notes: list[str] = []
    if assumed:
        notes.append(f"Units assumed, as none were given: {', '.join(assumed)}.")
    if stated:
        notes.append(f"Units given and converted: {', '.join(stated)}.")
    return tuple(notes)


def _reading_notes(where: Mapping[str, int], censored_below: int) -> tuple[str, ...]:
    notes: list[str] = []
    if "EVID" not in where:
        notes.append("There is no EVID column: a row with an amount is a dose, every other row a level.")
    if "MDV" not in where:
        notes.append("There is no MDV column: a level without a value is a time at which a prediction is wanted.")
    if "CENS" in where:
        notes.append(f"CENS {censored_below} was read as below the limit, {-censored_below} as above it.")
    elif "LLOQ" in where:
        notes.append("There is no CENS column: a level below LLOQ is known only to lie below it.")
    return tuple(notes)


def _column(argument: str, key: str, meant: Mapping[str, str], printed: Mapping[str, str]) -> str:
    """The meaning of a column that `argument` names as it is printed or by its meaning."""
    meaning = meant.get(key.upper()) or {name.upper(): name for name in meant.values()}.get(key.upper())
    if meaning is not None:
        return meaning
    _concern_columns(argument, [key], printed)
    raise InputError(
        f"{argument} names {key}, which is ignored", f"{argument} are for columns that are read", remedy="Leave it out."
    )


def _concern_columns(argument: str, keys: Collection[str], printed: Mapping[str, str]) -> None:
    for key in keys:
        if key.upper() not in printed:
            raise InputError(
                f"{argument} names a column {key}",
                f"the table has {', '.join(printed.values())}",
                remedy=" ".join(part for part in (_near(key, tuple(printed)), "Correct the name.") if part),
            )


def _require(where: Mapping[str, int], header: tuple[str, ...]) -> None:
    missing = [name for name in REQUIRED if name not in where]
    if missing:
        raise InputError(
            f"the table has the columns {', '.join(header)}, and none that means {', '.join(missing)}",
            f"a table has at least {', '.join(REQUIRED)}",
            "an event is a patient, a time, and an amount or a level",
            f'Rename a column: columns={{"FOO": "{missing[0]}"}} (--column FOO={missing[0]}); '
            "for data without levels add an empty DV.",
        )


def _unknown(
    unknown: list[str], header: tuple[str, ...], known: tuple[str, ...], renamed: Mapping[str, str]
) -> InputError:
    dates = [name for name in unknown if name.upper() in ("DATE", "DAT1", "DAT2", "DAT3")]
    if dates:
        return InputError(
            f"the table has a column {dates[0]}",
            "TIME holds hours from a common start",
            "dates are written in too many orders to be read safely",
            f"Turn {dates[0]} and TIME into hours in TIME, then {_ignoring(dates)}.",
        )
    taken = {name.upper() for name in header}
    near: list[str] = []
    for name in unknown:
        meant = renamed.get(name.upper())
        if meant:
            near.append(f"{name} was to mean '{meant}', which is not known either. {_near(meant, known)}")
        elif SYNONYMS.get(name.upper(), "ID") not in taken:
            near.append(f"Does {name} mean {SYNONYMS[name.upper()]}?")
        else:
            near.append(_near(name, (*EVENT_COLUMNS, *known)))
    first, one = unknown[0], len(unknown) == 1
    return InputError(
        f"the column{'' if one else 's'} {', '.join(unknown)} {'is' if one else 'are'} not known",
        f"columns are {', '.join(EVENT_COLUMNS)}, OCC and covariates by name or alias",
        "a column that is not understood is never dropped silently",
        "".join(f"{part} " for part in near if part)
        + f'Say what it is, columns={{"{first}": "weight"}} (--column {first}=weight), or leave it out, '
        + f"{_ignoring(unknown)}.",
    )


def _ignoring(names: list[str]) -> str:
    listed = ", ".join(f'"{name}"' for name in names)
    return f"ignore=[{listed}] ({' '.join(f'--ignore {name}' for name in names)})"


def _near(word: str, known: Collection[str]) -> str:
    found = difflib.get_close_matches(word.upper(), [name.upper() for name in known], n=1, cutoff=0.55)
    return f"Did you mean {found[0]} for {word}?" if found else ""
