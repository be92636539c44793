"""Where the reference data lie: a folder beside the checkout, never part of it."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1].parent / "shared" / "reference"


def path(relative: str) -> Path:
    """A reference file; the test is skipped with a line when the folder is not beside the checkout."""
    found = FOLDER / relative
    if not found.exists():
        pytest.skip(f"reference data absent: shared/reference/{relative}")
    return found


def rows(relative: str) -> list[dict[str, str]]:
    """The rows of a reference table, as text."""
    with path(relative).open(newline="") as file:
        return list(csv.DictReader(file))
