"""`individose cards`: what models there are, and what one says."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import click

from individose.app.cli.options import json_option
from individose.app.cli.output import console
from individose.drugs.library import Summary, summaries

LEADING = re.compile(r"\d+")


@click.command(short_help="List the model cards, or show one.")
@click.argument("name", required=False, metavar="[CARD|DRUG]")
@click.option("--drafts", is_flag=True, help="List drafts too; they are not offered otherwise.")
@json_option
def command(name: str | None, drafts: bool, as_json: bool) -> None:
    """List the model cards, or show one.

    CARD is an id or the path of a .toml file, DRUG a drug: it shows its card, or lists its cards if there are several.
    """
    listed = summaries(name, drafts=drafts)
    if name is None or len(listed) > 1:
        if as_json:
            click.echo(json.dumps([_summary(one) for one in listed], indent=2, ensure_ascii=False))
        else:
            _list(listed)
        return
    from individose.drugs.library import card

    found = card(listed[0].id if listed else name)
    if as_json:
        from individose.app.schemas.cards import card_document

        click.echo(json.dumps(card_document(found), indent=2, ensure_ascii=False, allow_nan=False))
    else:
        from individose.app.cli.card_sheet import show_card

        show_card(found, console())


def size(population: str) -> int | None:
    """How many patients a population is of: the number that it begins with (`59 neonates, ..`)."""
    found = LEADING.match(population)
    return int(found.group()) if found else None


def _summary(one: Summary) -> dict[str, str | int | None]:
    return {
        "id": one.id,
        "drug": one.drug,
        "title": one.title,
        "grade": one.grade,
        "n": size(one.population),
        "population": one.population,
        "citation": one.citation,
    }


def _list(listed: Sequence[Summary]) -> None:
    from rich import box
    from rich.table import Table

    table = Table("card", "drug", "grade", "n", "population", box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in table.columns[:3]:
        column.no_wrap = True
    table.columns[3].justify = "right"
    for one in listed:
        table.add_row(one.id, one.drug, one.grade, str(size(one.population) or ""), one.population)
    console().print(table)
