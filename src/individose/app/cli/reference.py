"""The reference pages that are generated: the command line's own help, and the JSON Schemas.

python -m individose.app.cli.reference [FOLDER]       writes them (docs/reference by default)
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from individose.app.cli.group import COMMANDS, main
from individose.app.schemas.published import NAMES, json_text

WIDTH = 80

HEAD = """# Command line

This page is generated from the program's own help by `python -m individose.app.cli.reference`.

What is asked for goes to standard output, remarks and errors to standard error. An error is one sentence: what
arrived, what is allowed, where that limit comes from, what to do. A patient who is refused never stops another.

| exit code | means |
|---|---|
| 0 | all done |
| 1 | a computation failed numerically |
| 2 | nothing could be done: a wrong call, or input that cannot be used |
| 3 | some patients were refused or failed, the others are done |
"""


def command_line() -> str:
    """The page of the command line, in markdown."""
    width: dict[str, Any] = {"terminal_width": WIDTH, "max_content_width": WIDTH}
    root = click.Context(main, info_name="individose", **width, **main.context_settings)
    parts = [HEAD, _section("individose", main.get_help(root))]
    for name in COMMANDS:
        command = main.get_command(root, name)
        if command is None:
            continue
        within = click.Context(command, info_name=name, parent=root, **width)
        parts.append(_section(f"individose {name}", command.get_help(within)))
        for own, inner in sorted(getattr(command, "commands", {}).items()):
            deeper = click.Context(inner, info_name=own, parent=within, **width)
            parts.append(_section(f"individose {name} {own}", inner.get_help(deeper)))
    return "\n".join(parts)


def pages() -> dict[str, str]:
    """Every generated page by its file name."""
    return {"cli.md": command_line()} | {f"{name}.schema.json": json_text(name) for name in NAMES}


def _section(title: str, text: str) -> str:
    lines = "\n".join(line.rstrip() for line in text.splitlines())
    return f"## {title}\n\n```text\n{lines}\n```\n"


if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/reference")
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in pages().items():
        (folder / file).write_text(text, encoding="utf-8")
