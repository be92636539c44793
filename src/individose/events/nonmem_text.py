"""The text of a NONMEM-style table: separator, header, comments, and its cells with their line numbers."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from individose.base.errors import InputError

Source = str | os.PathLike[str] | TextIO
Cells = tuple[str, ...]
Row = tuple[int, Cells]
"""A line number of the file, counted from 1, and the stripped cells of that line (tuples: no work for the collector)."""


@dataclass(frozen=True)
class Sheet:
    """The names of the columns as printed, the rows below them, and how many rows were commented out."""

    header: tuple[str, ...]
    rows: tuple[Row, ...]
    commented: int


def read_sheet(source: Source) -> Sheet:
    """The cells of a table, from a path or an open text file.

    The separator is that of the header: semicolon, tab, comma or blanks. Rows that begin with `#` are comments; so are
    rows that begin with `C` where the header does (NONMEM's IGNORE=C).

    **Raises:** `InputError` when the file cannot be read, is empty, or has no header or no rows.
    """
    lines = _split(_text(source))
    found = next(((line, cells) for line, cells in lines if not _is_remark(cells)), None)
    if found is None:
        raise InputError(
            "the table is empty", "a table has a header line and a line for each event", remedy="Check the file."
        )
    line, header = found
    marked = header[0].upper() == "C" or header[0] in ("#", "")
    if not marked and (header[0].startswith("#") or header[0].upper() == "CID"):
        header = (header[0][1:].strip(), *header[1:])
    if all(_is_number(cell) for cell in header):
        raise InputError(
            f"line {line} holds numbers only",
            "the first line names the columns, as in ID,TIME,AMT,DV",
            "columns are known by their names, never by their place",
            "Add a header line.",
        )
    rows: list[Row] = []
    commented = 0
    for line, cells in lines:
        if cells[0].startswith("#") or (marked and cells[0].upper().startswith("C")):
            commented += 1
        else:
            rows.append((line, cells))
    if not rows:
        raise InputError("the table has a header and no rows", "each event is a row", remedy="Check the file.")
    if marked and len(rows[0][1]) == len(header) - 1:  # the mark stands before the names alone
        header = header[1:]
    return Sheet(header, tuple(rows), commented)


def _text(source: Source) -> str:
    if not isinstance(source, str | os.PathLike):
        return source.read().removeprefix("\ufeff")
    try:
        return Path(source).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"the table is not UTF-8 text (byte {error.start})",
            "a table is a text file in UTF-8",
            "other encodings cannot be told apart",
            "Save it as CSV UTF-8.",
        ) from error
    except OSError as error:
        raise InputError(
            f"the table cannot be read: {error.strerror or error}", "a path of a text file", remedy="Check the path."
        ) from error


def _split(text: str) -> Iterator[Row]:
    """Line numbers and stripped cells; lines without any cell are left out."""
    first = next((line for line in text.splitlines() if line.strip() and not _is_remark((line,))), "")
    separator = next((mark for mark in ";\t," if mark in first), None)
    file = io.StringIO(text, newline="")
    if separator is None:
        for number, line in enumerate(file, start=1):
            cells = tuple(line.split())
            if cells:
                yield number, cells
        return
    reader = csv.reader(file, delimiter=separator, skipinitialspace=separator != "\t")
    try:
        for cells in reader:
            stripped = tuple([cell.strip() for cell in cells])
            if any(stripped):
                yield reader.line_num, stripped
    except csv.Error as error:
        raise InputError(
            f"line {reader.line_num} cannot be split into cells: {error}",
            f"cells are separated by {separator!r}, as in the header",
            remedy="Check the quotes on this line.",
        ) from error


def _is_remark(cells: Cells) -> bool:
    """Whether a line above the header is a remark rather than the header itself behind a `#`."""
    if not cells[0].startswith("#"):
        return False
    names = " ".join(cells).lstrip("#").upper().replace(",", " ").replace(";", " ").split()
    return "ID" not in names or "TIME" not in names


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return text == "."
    return True
