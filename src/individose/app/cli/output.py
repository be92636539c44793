"""Where a command's words go: results to standard output, remarks to standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

PIPED_COLUMNS = 120
"""Width of a table that goes to a file or a pipe, unless COLUMNS says otherwise."""


def console() -> Console:
    """A rich console on standard output; text of patients and cards is never read as markup."""
    from rich.console import Console

    piped = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return Console(
        file=sys.stdout,
        markup=False,
        highlight=False,
        emoji=False,
        width=PIPED_COLUMNS if piped else None,
    )


def remark(sentence: str) -> None:
    """A line on standard error."""
    click.echo(sentence, err=True)


@contextmanager
def progress(count: int, what: str, least: int = 50) -> Iterator[Callable[[int], None]]:
    """A function to be told how many are done; it draws a bar on a terminal when there are at least `least`."""
    stream = sys.stderr
    if count < least or not stream.isatty():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(file=stream), transient=True) as bar:
        task = bar.add_task(what, total=count)
        yield lambda done: bar.advance(task, done)
