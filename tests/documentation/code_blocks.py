"""Code blocks of markdown pages: what is run, and what the page says that it prints."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYTHON = re.compile(r"^```python\n(.*?)^```\n(?:\n^```text\n(.*?)^```)?", re.DOTALL | re.MULTILINE)
SHELL = re.compile(r"^```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A block of Python; `printed` is None where the page shows no output."""

    code: str
    printed: str | None


def python_blocks(page: Path) -> list[Block]:
    """A page's blocks of Python in order; they share their names."""
    return [Block(code, printed or None) for code, printed in PYTHON.findall(page.read_text(encoding="utf-8"))]


def commands(page: Path) -> list[list[str]]:
    """The arguments of every `individose` command of a page's shell blocks."""
    found = []
    for block in SHELL.findall(page.read_text(encoding="utf-8")):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words and words[0] == "individose":
                found.append(words[1:])
    return found


def run(blocks: list[Block]) -> None:
    """Runs the blocks in one namespace and asserts what each prints."""
    names: dict[str, object] = {}
    for block in blocks:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(block.code, "<page>", "exec"), names)
        if block.printed is not None:
            assert printed.getvalue() == block.printed
