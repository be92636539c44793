"""What a command was given, read: a JSON case or a NONMEM-style table, and the card for it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from individose.base.errors import InputError
from individose.drugs.spelling import suggestion

if TYPE_CHECKING:
    from individose.drugs import Card, Target
    from individose.events import Refusal, Subject


@dataclass(frozen=True)
class Reading:
    """How a table is to be read; `codes` are labels by code by column."""

    units: Mapping[str, str]
    columns: Mapping[str, str]
    ignored: Sequence[str]
    codes: Mapping[str, Mapping[str, str]]

    @property
    def given(self) -> bool:
        return bool(self.units or self.columns or self.ignored or self.codes)


@dataclass(frozen=True)
class Patients:
    """The patients in the order of the input, those who could not be read, and how the input was understood."""

    card: Card
    subjects: tuple[Subject, ...]
    refused: tuple[Refusal, ...] = ()
    notes: tuple[str, ...] = ()
    target: Target | None = None


def load(source: str, card: str | None, ids: Sequence[str], reading: Reading) -> Patients:
    """The patients of a case (a .json file, or `-` for standard input) or of a table (anything else).

    **Arguments:** `ids` of a table's patients, all if empty; `card` as the user named it.

    **Raises:** `InputError`; `click.UsageError` for options that do not fit the input.
    """
    if source == "-" or source.lower().endswith(".json"):
        if ids or reading.given:
            raise click.UsageError(
                "--id, --unit, --column, --ignore and --code are for tables; a case states its units."
            )
        return _case(source, card)
    return _chosen(_table(source, card, reading), ids)


def _case(source: str, named: str | None) -> Patients:
    from individose.app.actions.cases import read_case_file
    from individose.app.actions.estimate import choose_card
    from individose.drugs import card as load_card

    # a text of one line that does not begin with { would be taken for a path
    found = read_case_file(sys.stdin.read() + "\n" if source == "-" else Path(source), named)
    card = choose_card(named, found.card, found.drug, load_card)
    if found.drug and found.drug != card.drug:
        raise InputError(
            f"the case says that {found.drug} was given, and {card.id} is a card of {card.drug}",
            f"a card of {found.drug}",
            "a model of another drug says nothing about this patient",
            "Choose another card, or correct the case.",
        )
    return Patients(card, (found.subject,), target=found.target)


def _table(source: str, named: str | None, reading: Reading) -> Patients:
    from individose.app.actions.estimate import choose_card
    from individose.drugs import card as load_card
    from individose.events import scan_nonmem

    card = choose_card(named, None, None, load_card)
    table = scan_nonmem(
        source,
        units=reading.units,
        columns=reading.columns,
        ignore=reading.ignored,
        codes=reading.codes,
        molar_mass_g_mol=card.molar_mass_g_mol,
    )
    return Patients(card, table.subjects, table.refused, table.notes)


def _chosen(patients: Patients, ids: Sequence[str]) -> Patients:
    if not ids:
        return patients
    known = [one.id for one in (*patients.subjects, *patients.refused)]
    unknown = next((id for id in ids if id not in known), None)
    if unknown is not None:
        raise InputError(
            f"there is no patient {unknown} in the table",
            f"it has {len(known)} patients, {known[0]} to {known[-1]}" if known else "it has none",
            remedy=suggestion(unknown, known) or "Check the ID column.",
        )
    return replace(
        patients,
        subjects=tuple(one for one in patients.subjects if one.id in ids),
        refused=tuple(one for one in patients.refused if one.id in ids),
    )
