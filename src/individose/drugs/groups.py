"""Subpopulations of a mixture: each has a card of its own, alike but for the constants that differ (NONMEM's $MIXTURE)."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from individose.base.errors import CardError
from individose.drugs.document import FORMAT, Document, GroupTable, read
from individose.drugs.spelling import listing

MEMBERS = "a mixture is of two groups or more; each has a name, a probability and constants of its own"


def members(found: Document) -> list[tuple[GroupTable, Document]]:
    """Each group of a card file, with the file as it reads for its members; none where the file has no groups.

    **Raises:** `CardError` for a single group, a name given twice, probabilities that do not add up to 1, groups that
    give different constants, or a constant that `[constants]` gives as well.
    """
    rows = [read(raw, GroupTable, f"groups[{i}]", found.id) for i, raw in enumerate(found.groups)]
    if rows:
        _check(found, rows)
    _check_examples(found, [row.name for row in rows])
    return [(row, _of(found, row)) for row in rows]


def _of(found: Document, row: GroupTable) -> Document:
    """The file for one group: with its constants, and with the worked examples of all groups and its own."""
    checks: list[Any] = [one for one in found.checks if not _named(one) or _named(one) == row.name]
    return msgspec.structs.replace(found, constants={**found.constants, **row.constants}, groups=[], checks=checks)


def _named(example: Any) -> str:
    return str(example.get("group", "")) if isinstance(example, dict) else ""


def _check(found: Document, rows: list[GroupTable]) -> None:
    names = [row.name for row in rows]
    total = math.fsum(row.probability for row in rows)
    own = {name for row in rows for name in row.constants}
    if len(set(names)) < len(names) or len(names) < 2 or not all(names):
        arrived, remedy = f"the groups are {listing(names)}", "Name each group once."
    elif not all(0.0 < row.probability < 1.0 for row in rows) or abs(total - 1.0) > 1e-6:
        arrived, remedy = f"the probabilities of the groups add up to {total:g}", "They are above 0 and add up to 1."
    elif not own or any(set(row.constants) != own for row in rows):
        arrived = "; ".join(f"{row.name} gives {listing(row.constants) or 'no constant'}" for row in rows)
        remedy = "Give the same constants in each group."
    elif own & set(found.constants):
        twice = listing(sorted(own & set(found.constants)))
        arrived, remedy = f"{twice} is given in [constants] and by the groups", "Give it in one of the two places."
    else:
        return
    raise CardError(f"{found.id}: {arrived}", MEMBERS, FORMAT, remedy)


def _check_examples(found: Document, names: list[str]) -> None:
    for position, one in enumerate(found.checks):
        if _named(one) and _named(one) not in names:
            raise CardError(
                f"{found.id}: checks[{position}] is of the group '{_named(one)}'",
                f"the groups are {listing(names)}" if names else "the card has no groups",
                FORMAT,
                "Correct the name, or leave it out for all groups.",
            )
