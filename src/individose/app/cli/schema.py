"""`individose schema`: the JSON Schema of the formats."""

from __future__ import annotations

import click


@click.command(short_help="Print the JSON Schema of a format.")
@click.argument("name", default="case", metavar="[FORMAT]")
def command(name: str) -> None:
    """Print the JSON Schema (draft 2020-12) of a format: case, which is read, or estimate, which is written."""
    from individose.app.schemas.published import json_text

    click.echo(json_text(name), nl=False)
