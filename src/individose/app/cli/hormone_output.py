"""What `individose hormone` prints and writes: plot, tables, JSON, SVG, CSV."""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from individose.app.cli.output import console, remark
from individose.base.errors import InputError

if TYPE_CHECKING:
    from individose.app.actions.hormone import Curve
    from individose.app.actions.hormone_plans import HormonePlan
    from individose.app.actions.hormone_quantities import Quantities
    from individose.app.schemas.hormone_results import HormoneResultDocument
    from individose.base import Notice
    from individose.dosing import Options
    from individose.inference import Fit

WIDTH = 100
"""Columns of a plot, at most."""

ROWS = 20
"""Rows of a table of levels, at most."""


def scale_of(unit: str) -> float:
    """What turns mg/L into a unit of levels."""
    from individose.app.report.hormone import scale

    return scale(unit)


def give(
    asked: HormonePlan,
    given: dict[str, Any],
    found: Curve,
    *,
    notices: Sequence[Notice],
    options: Options | None = None,
    fit: Fit | None = None,
    quantities: Quantities | None = None,
) -> None:
    """The curve as files, and as JSON or on the terminal."""
    from individose.app.report.figure import drawn
    from individose.app.report.hormone import hormone_picture
    from individose.app.report.plot import plot

    unit = given["unit"]
    target = None
    if options is not None:
        target = (options.wanted.low * scale_of(unit), options.wanted.high * scale_of(unit))
    seen = hormone_picture(found, unit, asked.levels, target)
    if given["svg_file"]:
        write(given["svg_file"], drawn(seen, "Estradiol level over time") + "\n", "figure")
    if given["csv_file"]:
        _write_csv(given["csv_file"], asked, found, unit)
    if given["as_json"]:
        from individose.app.schemas.hormone_results import hormone_document

        write_json(
            hormone_document(
                asked,
                unit,
                cards=found.cards,
                basis=found.basis,
                curve=found,
                quantities=quantities,
                options=options,
                notices=tuple(notices),
            )
        )
        return
    out = console()
    ascii_only = "utf" not in (getattr(sys.stdout, "encoding", None) or "").lower()
    out.print(plot(seen, min(out.width, WIDTH), ascii_only), soft_wrap=False)
    _show_levels(asked, found, unit)
    if quantities is not None:
        show_quantities(asked, quantities, unit)
    if fit is not None:
        out.print(f"{fit.status.code}: {fit.status.sentence}", soft_wrap=True)
    if options is not None:
        _show_options(options, unit)
    remarks(asked, notices)


def _show_levels(asked: HormonePlan, found: Curve, unit: str) -> None:
    from rich import box
    from rich.table import Table

    by = scale_of(unit)
    table = Table(box=box.SIMPLE_HEAD)
    own = "this person" if found.basis == "fitted" else "published curve"
    half = 50 * (1 - found.probability)
    for head in ("time", f"{own}, {unit}", f"{half:g} %", "median", f"{100 - half:g} %"):
        table.add_column(head, justify="right")
    every = -(-len(found.times_h) // ROWS)
    for i in range(0, len(found.times_h), every):
        values = (found.published[i], found.low[i], found.median[i], found.high[i])
        table.add_row(asked.when(found.times_h[i]), *(f"{x * by:.4g}" for x in values))
    console().print(table)


def show_quantities(asked: HormonePlan, found: Quantities, unit: str) -> None:
    """Quantities of a window, as a table."""
    from rich import box
    from rich.table import Table

    from individose.app.schemas.hormone_results import quantity_rows

    title = f"From {asked.when(found.start_h)} to {asked.when(found.end_h)}"
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left")
    own = "this person" if found.basis == "fitted" else "published curve"
    for head in ("quantity", own, "low", "median", "high", "unit"):
        table.add_column(head, justify="left" if head in ("quantity", "unit") else "right")
    for name, one in quantity_rows(found, unit).items():
        numbers = (f"{x:.4g}" for x in (one.value, one.low, one.median, one.high))
        table.add_row(name.replace("half_life_", "half-life of ").replace("_", " "), *numbers, one.unit)
    console().print(table)


def _show_options(options: Options, unit: str) -> None:
    from rich import box
    from rich.table import Table

    from individose.app.report.hormone import product

    by, out = scale_of(unit), console()
    out.print(options.sentence, soft_wrap=True)
    if not options.found:
        return
    table = Table(box=box.SIMPLE_HEAD)
    for head in ("regimen", "reached", f"average, {unit}", "trough", "peak"):
        table.add_column(head, justify="left" if head == "regimen" else "right")
    for one in options.found[:8]:
        r, kind = one.regimen, product(one.regimen.product)
        said = f"{r.amount_mg / kind.mg_per_unit:.4g} {kind.unit} {r.product} every {r.interval_h / 24:.4g} d"
        shown = (
            f"{e.value * by:.3g} ({e.low * by:.3g}-{e.high * by:.3g})"
            for e in (one.exposure[name] for name in ("average", "trough", "peak"))
        )
        table.add_row(said, f"{100 * one.probability:.0f} %", *shown)
    out.print(table)


def remarks(asked: HormonePlan, notices: Sequence[Notice]) -> None:
    """How the plan was understood, and what must be known of the result, on standard error."""
    for note in asked.notes:
        remark(note)
    for notice in notices:
        remark(f"{notice.grade}: {notice.sentence}")
    remark("Research and education; not a medical device, and no advice on what to take.")


def write_json(document: HormoneResultDocument) -> None:
    """The document on standard output."""
    click.echo(document.model_dump_json(indent=2))


def write(file: str, text: str, what: str) -> None:
    """Text into a file, and a line that says so."""
    try:
        Path(file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{file} cannot be written: {error.strerror}", "a path that can be written") from error
    remark(f"The {what} is {file}.")


def _write_csv(file: str, asked: HormonePlan, found: Curve, unit: str) -> None:
    by = scale_of(unit)
    try:
        with Path(file).open("w", newline="", encoding="utf-8") as out:
            writer = csv.writer(out)
            writer.writerow(["time_d", "when", f"level_{unit}", "low", "median", "high"])
            for i, time_h in enumerate(found.times_h):
                values = (found.published[i], found.low[i], found.median[i], found.high[i])
                writer.writerow([f"{time_h / 24:.10g}", asked.when(time_h), *(f"{x * by:.12g}" for x in values)])
    except OSError as error:
        raise InputError(f"{file} cannot be written: {error.strerror}", "a path that can be written") from error
    remark(f"{len(found.times_h)} levels are in {file}.")
