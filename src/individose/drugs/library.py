"""The cards that there are: listed from the heads of their files, read whole on demand.

Listing imports neither the equation parser nor the unit registry; `card` imports both on first use.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import as_file, files
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from individose.base.errors import CardError, InputError
from individose.drugs.spelling import listing, suggestion

if TYPE_CHECKING:
    from individose.drugs.card import Card, CardGrade, Target

FIRST_LONG_TABLE = re.compile(r"^\[(?!source\])", re.MULTILINE)
"""Where a file's head ends: the first table other than [source]."""


@dataclass(frozen=True)
class Summary:
    """What a list of cards shows."""

    id: str
    drug: str
    title: str
    grade: CardGrade
    population: str
    citation: str

    @property
    def offered(self) -> bool:
        """Whether the card is offered without being asked for by its full id."""
        return self.grade != "draft"


@lru_cache(maxsize=1)
def _folder() -> Path:
    with as_file(files("individose.drugs").joinpath("cards")) as folder:
        return folder


def _file(card_id: str) -> Path:
    return _folder() / f"{card_id}.toml"


@lru_cache(maxsize=1)
def _all() -> tuple[Summary, ...]:
    return tuple(_summary(path) for path in sorted(_folder().glob("*/*.toml")))


def _summary(path: Path) -> Summary:
    text = path.read_text(encoding="utf-8")
    end = FIRST_LONG_TABLE.search(text)
    card_id = f"{path.parent.name}/{path.stem}"
    try:
        head = tomllib.loads(text[: end.start()] if end else text)
        source = head["source"]
        return Summary(
            card_id,
            path.parent.name,
            head["title"],
            cast("CardGrade", head["grade"]),
            source["population"],
            source["citation"],
        )
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise CardError(
            f"{card_id}: the head of the file cannot be read: {error}",
            "id, title, grade and [source] come before all other tables",
            "cards are listed from the heads of their files",
            "Move them to the top.",
        ) from error


def summaries(drug: str | None = None, *, drafts: bool = False) -> tuple[Summary, ...]:
    """The cards in the order of their ids, all or those of one drug; drafts only when asked for."""
    return tuple(one for one in _all() if (drafts or one.offered) and drug in (None, one.drug))


def card_ids(drug: str | None = None, *, drafts: bool = False) -> tuple[str, ...]:
    """The ids of `summaries`."""
    return tuple(one.id for one in summaries(drug, drafts=drafts))


def card(name: str | Path) -> Card:
    """A card by its id (`phenobarbital/grasela1985`), by a drug that has exactly one, or by the path of a .toml file.

    A draft is given only for its full id or its path.

    **Raises:** `InputError` for a name that is none of these, `CardError` for a file that is wrong.
    """
    if str(name).endswith(".toml"):
        return _from_path(Path(name))
    name = str(name)
    if name in card_ids(drafts=True):
        return _load(_file(name), _file(name).stat().st_mtime_ns)
    offered = card_ids(name)
    if len(offered) == 1:
        return _load(_file(offered[0]), _file(offered[0]).stat().st_mtime_ns)
    if offered:
        raise InputError(
            f"{name} has {len(offered)} cards",
            f"one of {listing(offered)}",
            "the built-in cards",
            "Choose one by its full id.",
        )
    drafts = card_ids(name, drafts=True)
    known = dict.fromkeys([*(one.drug for one in summaries()), *card_ids()])
    raise InputError(
        f"there is no card '{name}'",
        f"there are {listing(card_ids())}",
        "the built-in cards; a card of your own is given as the path of a .toml file",
        f"Its drafts need their full id: {listing(drafts)}."
        if drafts
        else suggestion(name, known) or "Use one of these.",
    )


@lru_cache(maxsize=16)
def product_cards(drug: str) -> Mapping[str, str]:
    """The ids of a drug's cards by the name of their product; empty for a drug whose cards name none."""
    found: dict[str, str] = {}
    for one in summaries(drug):
        head = tomllib.loads(_file(one.id).read_text(encoding="utf-8"))
        if "product" in head:
            found[head["product"]["name"]] = one.id
    return MappingProxyType(found)


def target(name: str | Path, metric: str | None = None) -> Target:
    """A target of a card (named as for `card`): its first, or its first of `metric` (`trough`, `auc`, ..).

    **Raises:** as `card`, and `InputError` when the card has no such target.
    """
    found = card(name)
    for one in found.targets:
        if metric in (None, one.metric):
            return one
    raise InputError(
        f"{found.id} has no target" + (f" for {metric}" if metric else ""),
        f"its targets are {listing(one.metric for one in found.targets)}",
        "the card's [[targets]]",
        "Give a Target of your own.",
    )


def _from_path(path: Path) -> Card:
    try:
        return _load(path.resolve(), path.stat().st_mtime_ns)
    except OSError as error:
        raise InputError(
            f"the card file {path} cannot be read: {error.strerror}",
            "a readable .toml file, or the id of a built-in card",
            "the name ends in .toml and is taken for a path",
            "Check the path.",
        ) from error
    except UnicodeDecodeError as error:
        raise CardError(
            f"{path} is not UTF-8 text: {error.reason}", "a card is a TOML file", "https://toml.io", "Save it as UTF-8."
        ) from error


@lru_cache(maxsize=128)
def _load(path: Path, changed_ns: int) -> Card:
    """The card of a file; `changed_ns` makes an edited file a new one."""
    from individose.drugs.schema import read_card

    found = read_card(path.read_text(encoding="utf-8"), path.name)
    if path.is_relative_to(_folder()) and _file(found.id) != path:
        raise CardError(
            f"{path.parent.name}/{path.name} holds the card {found.id}",
            "a built-in card is filed under its id",
            "cards/<drug>/<author><year>.toml",
            "Rename the file, or correct the id.",
        )
    return found
