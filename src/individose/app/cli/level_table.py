"""Every simulated level as a table: CSV, or Parquet where pyarrow is installed. Rows are written in parts."""

from __future__ import annotations

import csv
import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from individose.base.errors import InputError

if TYPE_CHECKING:
    from individose.app.actions.simulate import Simulation

PART = 4096
"""Patients written at once."""


def write_csv(file: str, found: Simulation, tell: Callable[[int], None]) -> None:
    """ID, TIME (h), DV (mg/L, to the last digit; empty where not solved), SIMULATED (1), ANALYTE where one was named, and
    SUBJECT where the patients were made after those of a table; `tell` is told how many patients were just written.

    **Raises:** `InputError` for a path that cannot be written.
    """
    times = [f"{t:.10g}" for t in found.time_h]
    try:
        with Path(file).open("w", newline="", encoding="utf-8") as out:
            writer = csv.writer(out)
            for i, columns in enumerate(_parts(found)):
                if i == 0:
                    writer.writerow(columns)
                written = {name: values.tolist() for name, values in columns.items()}
                if np.isnan(columns["DV"]).any():
                    written["DV"] = ["" if np.isnan(x) else x for x in written["DV"]]
                written["TIME"] = times * (len(columns["TIME"]) // len(times))
                writer.writerows(zip(*written.values(), strict=True))
                tell(len(columns["TIME"]) // len(times))
    except OSError as error:
        raise _unwritable(file, error) from error


def write_parquet(file: str, found: Simulation, tell: Callable[[int], None]) -> None:
    """The same columns as Parquet, one row group for each part.

    **Raises:** `InputError` where pyarrow is not installed, or for a path that cannot be written.
    """
    arrow, parquet = require_parquet()
    writer: Any = None
    try:
        for columns in _parts(found):
            table = arrow.table(columns | {"DV": arrow.array(columns["DV"], mask=np.isnan(columns["DV"]))})
            if writer is None:
                writer = parquet.ParquetWriter(file, table.schema)
            writer.write_table(table)
            tell(len(columns["TIME"]) // len(found.time_h))
    except OSError as error:
        raise _unwritable(file, error) from error
    finally:
        if writer is not None:
            writer.close()


def require_parquet() -> tuple[Any, Any]:
    """The modules that write Parquet.

    **Raises:** `InputError` where they are not installed.
    """
    try:
        return importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise InputError(
            "a Parquet file was asked for, and pyarrow is not installed",
            "CSV needs nothing more",
            "Parquet is written by pyarrow, which is optional",
            "Install it with: pip install 'individose[tables]' (or write --csv).",
        ) from None


def _parts(found: Simulation) -> Iterator[dict[str, np.ndarray]]:
    """Columns of `PART` patients at a time."""
    times = len(found.time_h)
    each = len(found.levels) // max(len(found.subjects), 1)
    for first in range(0, len(found.levels), PART):
        levels = found.levels[first : first + PART]
        ids = np.arange(first + 1, first + len(levels) + 1)
        columns = {
            "ID": np.repeat(ids, times),
            "TIME": np.tile(found.time_h, len(levels)),
            "DV": levels.ravel(),
            "SIMULATED": np.ones(levels.size, dtype=np.int64),
        }
        if found.analyte:
            columns["ANALYTE"] = np.repeat(found.analyte, levels.size)
        if found.subjects:
            columns["SUBJECT"] = np.repeat(np.array(found.subjects)[(ids - 1) // each], times)
        yield columns


def _unwritable(file: str, error: OSError) -> InputError:
    return InputError(f"{file} cannot be written: {error.strerror or error}", "a path that can be written")
