"""`individose archive`: earlier patients as the prior of new ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from individose.app.cli.options import card_option, extrapolate_option, table_options
from individose.app.cli.output import remark
from individose.app.cli.patients import Reading, load

SOME = 3


@click.group(short_help="Earlier patients as the prior of new ones.")
def command() -> None:
    """Earlier patients as the prior of new ones (`individose estimate --method ccn --archive FILE`)."""


@command.command(short_help="Fit a table's patients and write them as an archive.")
@click.argument("source", metavar="DATA")
@card_option
@click.option("--id", "ids", multiple=True, metavar="ID", help="A patient of the table; may be given several times.")
@click.option(
    "--out", "out", required=True, type=click.Path(dir_okay=False), metavar="FILE", help="The archive to write."
)
@click.option(
    "--sample",
    "samples",
    type=float,
    multiple=True,
    metavar="H",
    help="Also calibrate intervals: try each patient as new, with the measured sample nearest to this many h after the "
    "dose; several may be given.",
)
@click.option(
    "--horizon",
    type=click.FloatRange(min=0, min_open=True),
    default=24.0,
    show_default=True,
    metavar="H",
    help="With --sample: the end of the area.",
)
@table_options
@extrapolate_option
@click.pass_context
def build(ctx: click.Context, source: str, **given: Any) -> None:
    """Fit every patient of DATA, and the population of them all, once; write both as an archive.

    With --sample each of them is also new in turn, to an archive of the others: by how much intervals must be widened to hold
    for them is kept, and a later `estimate --method ccn --archive` says its calibrated intervals.

    \b
      individose archive build earlier.csv --card propofol/yang2019 --unit TIME=min --out archive.json
      individose archive build earlier.csv --card propofol/yang2019 --sample 0.05 --horizon 1.6667 --out archive.json
    """
    from individose.app.actions.archive import build as fit_all

    patients = _read(source, given)
    built = fit_all(patients.card, patients.subjects, extrapolate=given["extrapolate"])
    archive = built.archive
    if given["samples"]:
        from individose.app.actions.leave_one_out import calibrated, hold

        held = hold(patients.card, patients.subjects, horizon_h=given["horizon"], extrapolate=given["extrapolate"])
        archive = calibrated(held, archive, given["samples"])
    _finish(ctx, archive, given["out"], [*patients.refused, *built.refused])


@command.command(short_help="Add a table's patients to an archive, or renew them.")
@click.argument("archive", metavar="FILE", type=click.Path(exists=True, dir_okay=False))
@click.argument("source", metavar="DATA")
@click.option("--id", "ids", multiple=True, metavar="ID", help="A patient of the table; may be given several times.")
@table_options
@extrapolate_option
@click.pass_context
def add(ctx: click.Context, archive: str, source: str, **given: Any) -> None:
    """Fit the patients of DATA under the population of the archive FILE, and write them into it."""
    from individose.app.actions.archive import added, read
    from individose.base.errors import InputError

    known = read(archive)
    patients = _read(source, {**given, "card": known.card})
    refused: list[Any] = list(patients.refused)
    for one in patients.subjects:
        try:
            known = added(known, patients.card, one, extrapolate=given["extrapolate"])
        except InputError as error:
            from individose.app.actions.problems import Refused

            refused.append(Refused(one.id, error))
    _finish(ctx, known, archive, refused)


def _read(source: str, given: dict[str, Any]):
    reading = Reading(dict(given["units"]), dict(given["columns"]), given["ignored"], dict(given["codes"]))
    return load(source, given["card"], given["ids"], reading)


def _finish(ctx: click.Context, archive: Any, out: str, refused: list[Any]) -> None:
    from individose.app.actions.archive import write

    write(archive, Path(out))
    for one in refused:
        remark(f"patient {one.id} refused: {one.error}")
    click.echo(f"{len(archive.ids)} patients under {archive.card} are in {out}.")
    ctx.exit(SOME if refused else 0)
