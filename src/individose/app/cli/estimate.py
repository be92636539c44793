"""`individose estimate`: one patient in full, or a table of many."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from individose.app.cli.group import Failure
from individose.app.cli.options import (
    assumed,
    assumption_options,
    card_option,
    extrapolate_option,
    json_option,
    level_option,
    table_options,
)
from individose.app.cli.output import console, progress, remark
from individose.app.cli.patients import Patients, Reading, load
from individose.base.errors import InputError

if TYPE_CHECKING:
    from individose.app.actions.estimate import CaseResult

METHODS = ("map", "prior", "sir", "nuts", "lm", "cn", "cgn", "ccn", "average")
"""Names of the individual methods, known without loading them; `average` is over models."""

RULES = ("likelihood", "selection", "mean")

NUMERICAL, NOTHING, SOME = 1, 2, 3
"""Exit codes; see `individose --help`."""


@click.command(short_help="Estimate parameters, exposure and dose from measured levels.")
@click.argument("source", metavar="CASE|DATA")
@card_option
@click.option("--id", "ids", multiple=True, metavar="ID", help="A patient of the table; may be given several times.")
@click.option(
    "--method",
    "methods",
    type=click.Choice(METHODS),
    multiple=True,
    default=("map",),
    show_default=True,
    help="How to estimate; several are put side by side. average: over models (see --also), each fitted by MAP or by the "
    "one method named with it.",
)
@click.option(
    "--also",
    "others",
    multiple=True,
    metavar="CARD",
    help="A further model to average over; all cards of the drug if none is named.",
)
@click.option(
    "--weights",
    type=click.Choice(RULES),
    default="likelihood",
    show_default=True,
    help="How an average weighs its models.",
)
@click.option("--all", "everyone", is_flag=True, help="All patients of the table; so it is where no --id is given.")
@click.option(
    "--diagnostics/--no-diagnostics",
    "behind",
    default=True,
    show_default=True,
    help="Say what stands behind each estimate; a large table is done sooner without.",
)
@click.option(
    "--archive",
    type=click.Path(exists=True, dir_okay=False),
    metavar="FILE",
    help="Earlier patients for --method ccn (see `individose archive`).",
)
@table_options
@extrapolate_option
@assumption_options
@level_option
@json_option
@click.option(
    "--csv", "csv_file", type=click.Path(dir_okay=False), metavar="FILE", help="Write one row for each patient."
)
@click.option("--html", type=click.Path(dir_okay=False), metavar="FILE", help="Write one patient's report.")
@click.pass_context
def command(ctx: click.Context, source: str, **given: Any) -> None:
    """Estimate parameters, exposure and dose from measured levels.

    CASE is a patient in a .json file (see `individose schema`), or - for standard input. Any other file is DATA, a
    NONMEM-style table; it needs --card. One patient is shown in full, with dose advice where the card has a target;
    several are shown as a table, and none stops another.

    \b
      individose estimate newborn.json
      individose estimate ward.csv --card phenobarbital --all --unit DV=ug/mL
      individose estimate ward.csv --card phenobarbital --csv estimates.csv
      individose estimate ward.csv --card phenobarbital --id 7 --html 7.html
      individose estimate case.json --method map --method nuts
      individose estimate case.json --card vancomycin/goti2018 --method average
    """
    reading = Reading(dict(given["units"]), dict(given["columns"]), given["ignored"], dict(given["codes"]))
    patients = load(source, given["card"], given["ids"], reading)
    _check(given)
    alone = len(patients.subjects) + len(patients.refused) == 1
    if given["html"] and not alone:
        raise click.UsageError("--html is the report of one patient; choose one with --id.")
    found, refused = _one(patients, given) if alone else _many(patients, given)
    refused = [*patients.refused, *refused]
    if given["as_json"]:
        from individose.app.actions.estimate import shrunk
        from individose.app.schemas.estimate_results import estimate_document

        document = estimate_document(found, refused, patients.notes, level=given["level"], ward=shrunk(found))
        click.echo(document.model_dump_json(indent=2))
    else:
        _show(found, refused, patients.notes, alone)
    if given["csv_file"]:
        from individose.app.cli.ward_csv import write_ward

        write_ward(given["csv_file"], found, refused)
        remark(f"The table is in {given['csv_file']}.")
    if given["html"] and found:
        _write_report(given["html"], found[0])
    if alone and refused:
        raise Failure(refused[0].error.about(refused[0].id))
    _summarise(found, refused)
    ctx.exit(exit_code(found, refused))


def exit_code(found: Sequence[CaseResult], refused: Sequence[Any]) -> int:
    """0 when all is done; 3 when some is; otherwise 1 where a fit failed, and 2 where all were refused."""
    failed = [one for one in found if not one.fit.status.ok]
    if not failed and not refused:
        return 0
    if len(found) > len(failed):
        return SOME
    return NUMERICAL if failed else NOTHING


def _check(given: dict[str, Any]) -> None:
    """Options that do not go together, and results that would have nowhere to go once all is computed."""
    for option, file in (("--csv", given["csv_file"]), ("--html", given["html"])):
        target = Path(file or ".").resolve()
        folder = target.parent
        if file and not os.access(target if target.exists() else folder, os.W_OK):
            why = "writing is not allowed there" if folder.is_dir() else f"there is no folder {folder}"
            raise InputError(
                f"{file} cannot be written ({option}): {why}",
                "a path that can be written",
                remedy="Choose another one.",
            )
    averaging = "average" in given["methods"]
    if averaging and len(given["methods"]) > 2:
        raise click.UsageError("--method average is over models; name at most one other, by which each is fitted.")
    if given["everyone"] and given["ids"]:
        raise click.UsageError("--all and --id do not go together.")
    if not averaging and given["others"]:
        raise click.UsageError("--also names models for --method average.")
    if given["archive"] and "ccn" not in given["methods"]:
        raise click.UsageError("--archive is for --method ccn.")


def _methods(given: dict[str, Any]) -> list[Any]:
    """The methods by name, or with the archive that one of them was given; of an average, the one that fits each model."""
    names = [name for name in given["methods"] if name != "average"] or ["map"]
    if not given["archive"]:
        return names
    from individose.app.actions.archive import read
    from individose.inference import CCN

    return [CCN(read(given["archive"])) if name == "ccn" else name for name in names]


def _one(patients: Patients, given: dict[str, Any]) -> tuple[list[CaseResult], list[Any]]:
    from individose.app.actions.compare import estimate_by_methods, estimate_by_models
    from individose.app.actions.problems import Refused

    for subject in patients.subjects:
        how = {
            "target": patients.target,
            **assumed(given),
            "curve": bool(given["html"]) or not given["as_json"],
            "level": given["level"],
            "behind": given["behind"],
        }
        try:
            if "average" in given["methods"]:
                models = _models(patients, given["others"])
                (method,) = _methods(given)
                return [estimate_by_models(models, subject, method, given["weights"], **how)], []
            return [estimate_by_methods(patients.card, subject, _methods(given), **how)], []
        except InputError as error:
            return [], [Refused(subject.id, error)]
    return [], []


def _models(patients: Patients, others: Sequence[str]) -> list[Any]:
    """The card, and those named beside it or all others of its drug."""
    from individose.app.actions.compare import models_of
    from individose.drugs import card

    beside = [card(name) for name in others] or models_of(patients.card.drug)
    return list({one.id: one for one in (patients.card, *beside)}.values())


def _many(patients: Patients, given: dict[str, Any]) -> tuple[list[CaseResult], list[Any]]:
    from individose.app.actions.estimate import results
    from individose.app.actions.problems import fit_ward
    from individose.app.actions.ward_models import ward_by_models

    averaging = "average" in given["methods"]
    if len(_methods(given)) > 1:
        raise click.UsageError("several methods are compared for one patient; choose one with --id.")
    (method,) = _methods(given)
    about: dict[str, Any] = {"level": given["level"], "behind": given["behind"]}
    with progress(2 * len(patients.subjects), "estimating") as tell:
        if averaging or patients.card.groups:
            models = _models(patients, given["others"]) if averaging else [patients.card]
            rule = given["weights"] if averaging else "likelihood"
            over, refused = ward_by_models(
                models, patients.subjects, method, rule, progress=tell, **about, **assumed(given)
            )
            return over, list(refused)
        ward = fit_ward(patients.card, patients.subjects, method, progress=tell, **assumed(given))
        found = results(patients.card, ward.fits, progress=tell, **about)
    return found, list(ward.refused)


def _show(found: list[CaseResult], refused: Sequence[Any], notes: Sequence[str], alone: bool) -> None:
    from individose.app.report.terminal import show_case, show_ward

    if alone:
        for one in found:
            show_case(one, console())
        return
    from individose.app.actions.estimate import shrunk

    show_ward(found, refused, console(), shrunk(found))
    for note in notes:
        remark(note)


def _write_report(file: str, result: CaseResult) -> None:
    from individose.app.report.html import case_html

    try:
        Path(file).write_text(case_html(result), encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"the report cannot be written to {file}: {error.strerror or error}",
            "a path that can be written",
            remedy="Choose another one.",
        ) from error
    remark(f"The report is in {file}.")


def _summarise(found: Sequence[CaseResult], refused: Sequence[Any]) -> None:
    """A remark on who is not done, if anyone is not."""
    failed = sum(not one.fit.status.ok for one in found)
    if refused or failed:
        done = len(found) - failed
        remark(f"{done} of {len(found) + len(refused)} patients done; {len(refused)} refused, {failed} failed.")
