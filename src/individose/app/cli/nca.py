"""`individose nca`: exposure and half-life read off measured levels, without a model."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from individose.app.cli.options import json_option, table_options
from individose.app.cli.output import console, progress, remark
from individose.base.errors import InputError
from individose.drugs.spelling import suggestion

if TYPE_CHECKING:
    from individose.app.actions.nca import NcaResult, PatientAnalysis
    from individose.events import Refusal, Subject, Table
    from individose.inference.noncompartmental import Rules

METHODS = ("linear", "lin-up-log-down", "linlog")
"""Names of the trapezoidal methods, known without loading them."""

SOME, NOTHING = 3, 2

SHOWN = {
    "cmax": "Cmax, mg/L", "tmax": "tmax, h", "half_life": "t1/2, h", "auc_last": "AUClast, mg.h/L",
    "auc_inf": "AUCinf, mg.h/L", "auc_tau": "AUCtau, mg.h/L", "auc_extrapolated": "beyond tlast, %",
    "cl": "CL, L/h", "cl_f": "CL/F, L/h", "vz": "Vz, L", "vz_f": "Vz/F, L",
}  # fmt: skip
"""Parameters of the table of many profiles, with their headings; one profile is shown in full."""


@click.command(short_help="Non-compartmental analysis of measured levels.")
@click.argument("source", metavar="DATA")
@click.option("--id", "ids", multiple=True, metavar="ID", help="A patient of the table; may be given several times.")
@click.option(
    "--route", type=click.Choice(("oral", "iv", "infusion")), default=None,
    help="How the dose was given. A dose with a duration (RATE, DUR) is an infusion if not said; iv is a bolus otherwise.",
)  # fmt: skip
@click.option("--method", type=click.Choice(METHODS), default="lin-up-log-down", show_default=True, help="Trapezoids.")
@click.option("--tau", type=click.FloatRange(min=0.0, min_open=True), metavar="H", default=None,
              help="Levels are at steady state with this interval; from SS and II if not given.")  # fmt: skip
@click.option("--blq", type=click.Choice(("zero", "drop")), default="zero", show_default=True,
              help="Levels below the limit after the last quantified one.")  # fmt: skip
@click.option("--lambda-z-points", "terminal", metavar="N|START:END", default=None,
              help="Last levels, or times in h, of the terminal slope; the best adjusted R2 if not given.")  # fmt: skip
@click.option("--auc", "intervals", multiple=True, metavar="START:END", help="A partial area, in h since the dose.")
@table_options
@json_option
@click.option("--csv", "csv_file", type=click.Path(dir_okay=False), metavar="FILE", help="Write every parameter.")
@click.pass_context
def command(ctx: click.Context, source: str, **given: Any) -> None:
    """Non-compartmental analysis of measured levels.

    DATA is a NONMEM-style table of doses and levels. Each dose with at least three levels before the next one gives a
    profile; a level below the limit is marked with CENS or LLOQ. Conventions are those of Phoenix WinNonlin and PKNCA.

    \b
      individose nca theophylline.csv --route oral --method linear
      individose nca ward.csv --route iv --tau 12 --csv parameters.csv
    """
    from individose.app.actions.nca import nca

    rules = _rules(given)
    subjects, refusals, table = _read(source, given)
    with progress(len(subjects), "analysing") as tell:
        found = nca(subjects, rules, route=given["route"], tau_h=given["tau"], progress=tell)
    if given["csv_file"]:
        _write(given["csv_file"], found)
    if given["as_json"]:
        from individose.app.schemas.nca import nca_document

        click.echo(nca_document(found, refusals, table.notes).model_dump_json(indent=2))
    else:
        show(found)
        for note in table.notes:
            remark(note)
    refused = [*refusals, *found.refused]
    for one in refused:
        remark(f"patient {one.id} refused: {one.error}")
    ctx.exit((SOME if found.profiles else NOTHING) if refused else 0)


def show(found: NcaResult) -> None:
    """One profile in full, or several as a table."""
    if len(found.profiles) == 1:
        _show_one(found.profiles[0])
    elif found.profiles:
        _show_many(found.profiles)
    else:
        console().print("There is no profile to analyse.")


def _show_one(one: PatientAnalysis) -> None:
    from rich import box
    from rich.table import Table

    out = console()
    profile = one.analysis.profile
    title = f"Patient {one.id}: {profile.dose_mg:g} mg, {profile.route}, at {one.time_h:g} h"
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left")
    table.add_column("parameter")
    table.add_column("value", justify="right")
    table.add_column("unit")
    table.add_column("")
    for q in one.analysis.quantities:
        value = "-" if q.value is None else f"{q.value:.6g}"
        table.add_row(q.name, value, "" if q.unit == "1" else q.unit, q.sentence)
    out.print(table)
    for notice in one.notices:
        out.print(f"{notice.grade}: {notice.sentence}")


def _show_many(profiles: Sequence[PatientAnalysis]) -> None:
    from rich import box
    from rich.table import Table

    out = console()
    names = [name for name in SHOWN if any(q.name == name for one in profiles for q in one.analysis.quantities)]
    table = Table(title="Non-compartmental analysis", box=box.SIMPLE_HEAD, title_justify="left")
    table.add_column("patient")
    table.add_column("dose", justify="right")
    for name in names:
        table.add_column(SHOWN[name], justify="right")
    for one in profiles:
        values = {q.name: q.value for q in one.analysis.quantities}
        cells = ("-" if (value := values.get(name)) is None else f"{value:.4g}" for name in names)
        table.add_row(one.id, str(one.number), *cells)
    out.print(table)
    said = dict.fromkeys(n.sentence for one in profiles for n in one.notices if n.grade != "note")
    for sentence in said:
        who = [f"{p.id}" for p in profiles if any(n.sentence == sentence for n in p.notices)]
        out.print(f"patient {', '.join(dict.fromkeys(who))}: {sentence}")
    if any(q.value is None for one in profiles for q in one.analysis.quantities if q.name in names):
        out.print("A parameter that is - has its reason in --json, --csv, or with --id.")


def _rules(given: dict[str, Any]) -> Rules:
    from individose.inference.noncompartmental import Rules, read_terminal
    from individose.inference.noncompartmental.rules import read_span

    return Rules(
        method=given["method"],
        after_last=given["blq"],
        terminal=None if given["terminal"] is None else read_terminal(given["terminal"]),
        intervals=tuple(read_span(text) for text in given["intervals"]),
    )


def _read(source: str, given: dict[str, Any]) -> tuple[tuple[Subject, ...], tuple[Refusal, ...], Table]:
    from individose.events import scan_nonmem

    table = scan_nonmem(
        source,
        units=dict(given["units"]),
        columns=dict(given["columns"]),
        ignore=given["ignored"],
        codes=dict(given["codes"]),
    )
    ids = given["ids"]
    known = [one.id for one in (*table.subjects, *table.refused)]
    unknown = next((id for id in ids if id not in known), None)
    if unknown is not None:
        raise InputError(
            f"there is no patient {unknown} in the table",
            f"it has {len(known)} patients, {known[0]} to {known[-1]}" if known else "it has none",
            remedy=suggestion(unknown, known) or "Check the ID column.",
        )
    subjects = tuple(one for one in table.subjects if not ids or one.id in ids)
    return subjects, tuple(one for one in table.refused if not ids or one.id in ids), table


def _write(file: str, found: NcaResult) -> None:
    try:
        with Path(file).open("w", newline="", encoding="utf-8") as out:
            writer = csv.writer(out)
            writer.writerow(["ID", "DOSE", "TIME", "PARAMETER", "VALUE", "UNIT", "STATUS", "SENTENCE"])
            for one in found.profiles:
                for q in one.analysis.quantities:
                    value = "" if q.value is None else f"{q.value:.12g}"
                    writer.writerow(
                        [one.id, one.number, f"{one.time_h:.10g}", q.name, value, q.unit, q.status, q.sentence]
                    )
    except OSError as error:
        raise InputError(f"{file} cannot be written: {error.strerror}", "a path that can be written") from error
    remark(f"{len(found.profiles)} profiles are in {file}.")
