"""`individose simulate`: what levels would a regimen give in people like this one?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from individose.app.cli.options import Pair, card_option, extrapolate_option, json_option, table_options
from individose.app.cli.output import console, progress, remark
from individose.base.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from individose.app.actions.simulate import Progress, Simulation
    from individose.app.schemas.estimate_results import Refusal
    from individose.drugs import Card
    from individose.events import Dose, Subject

ROWS = 25
"""Times shown on the screen; all go to --csv and --json."""

MANY = 5000
"""Virtual patients from which on a bar shows how far they are."""

SOME = 3


class Numbers(click.ParamType[tuple[float, ...]]):
    """Numbers with commas between them."""

    name = "numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        if isinstance(value, tuple):
            return value
        try:
            return tuple(float(part) for part in str(value).split(","))
        except ValueError:
            self.fail(f"'{value}' is not numbers with commas between them.", param, ctx)


@click.command(short_help="Simulate virtual patients under a regimen.")
@click.argument("regimen", metavar="[REGIMEN]", required=False)
@card_option
@click.option(
    "--regimen",
    "regimen_file",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="The regimen as JSON: a list of doses as in a case (times in h), or a case.",
)
@click.option(
    "--data",
    metavar="FILE",
    help="A NONMEM-style table (or a case): virtual patients after each of its patients.",
)
@click.option(
    "--covariate",
    "covariates",
    type=Pair(),
    multiple=True,
    metavar="NAME=VALUE",
    help="A covariate of all virtual patients, as in weight=1.4 or weight='1400 g'.",
)
@click.option(
    "--occasions",
    type=Numbers(),
    default=(),
    metavar="T,T,...",
    help="Times in h at which a new occasion begins, for a card that varies between occasions.",
)
@click.option("--times", default=None, metavar="START:END:STEP", help="Times in h; the whole regimen if not given.")
@click.option(
    "--patients",
    type=click.IntRange(min=1),
    default=1000,
    show_default=True,
    help="How many; with --data after each patient.",
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="The same seed gives the same patients."
)
@click.option("--residual", is_flag=True, help="Add the residual error of a measured level.")
@click.option(
    "--uncertainty", is_flag=True, help="Draw the card's constants from their standard errors, for each patient anew."
)
@click.option(
    "--quantiles", type=Numbers(), default="5,25,50,75,95", show_default=True, metavar="P,P,...", help="In per cent."
)
@click.option("--analyte", metavar="NAME", help="What is simulated, as in metabolite; the card's first if not given.")
@click.option("--csv", "csv_file", type=click.Path(dir_okay=False), metavar="FILE", help="Write every level.")
@click.option(
    "--parquet",
    "parquet_file",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="The same as Parquet; needs pyarrow (individose[tables]).",
)
@click.option("--svg", "svg_file", type=click.Path(dir_okay=False), metavar="FILE", help="Draw the quantiles.")
@table_options
@extrapolate_option
@json_option
@click.pass_context
def command(ctx: click.Context, regimen: str | None, **given: Any) -> None:
    """Simulate virtual patients under a regimen.

    REGIMEN is written as it is spoken; an interval, a duration and a time are in h. A patch that is taken off again is worn:

    \b
      individose simulate "20 mg; 4 mg q12h x10 at 12" --card phenobarbital \\
          --covariate weight=1.4 --covariate apgar_5min=7
      individose simulate "100 mg worn 84 h q84h x6" --card CARD
      individose simulate --data ward.csv --card phenobarbital --patients 200
    """
    if not given["card"]:
        raise click.UsageError("--card says which model to simulate; `individose cards` lists them.")
    _require_one(regimen, given)
    if given["parquet_file"]:
        from individose.app.cli.level_table import require_parquet

        require_parquet()
    found, refused = _of_table(given) if given["data"] else (_of_regimen(regimen, given), ())
    _files(found, given)
    if given["as_json"]:
        from individose.app.schemas.simulate import simulate_document

        click.echo(simulate_document(found, refused).model_dump_json(indent=2))
    else:
        show(found)
    for one in refused:
        remark(f"patient {one.id} refused: {one.error}")
    ctx.exit(SOME if refused or not found.solved.all() else 0)


def _require_one(regimen: str | None, given: dict[str, Any]) -> None:
    """One source of doses, and no option that belongs to another."""
    if sum(bool(one) for one in (regimen, given["regimen_file"], given["data"])) != 1:
        raise click.UsageError("Give a REGIMEN, or --regimen FILE, or --data FILE: one of them.")
    if given["data"] and (given["covariates"] or given["occasions"]):
        raise click.UsageError("--covariate and --occasions are for a regimen; a table has its own.")
    if not given["data"] and any(given[name] for name in ("units", "columns", "ignored", "codes")):
        raise click.UsageError("--unit, --column, --ignore and --code are for --data.")


def _of_regimen(regimen: str | None, given: dict[str, Any]) -> Simulation:
    from individose.app.actions.simulate import simulate
    from individose.drugs import card as load_card
    from individose.events import Reading, Subject, read_regimen, subject

    card: Card = load_card(given["card"])
    pairs = [_covariate(name, text) for name, text in given["covariates"]]
    covariates = dict(pairs)
    if len(covariates) < len(pairs):
        raise click.UsageError("--covariate gives one of the covariates twice.")
    if given["regimen_file"]:
        from individose.app.actions.regimens import read_regimen_file

        patient = read_regimen_file(given["regimen_file"], given["card"])
        if covariates:
            first = patient.events[0].time_h
            patient = Subject(patient.id, (Reading(first, covariates), *patient.events))
    else:
        doses = read_regimen(regimen or "", card.molar_mass_g_mol)
        patient = subject("virtual", doses=doses, covariates=covariates)
    times = _times(given["times"], [patient], from_zero=True)
    with progress(given["patients"], "simulating", least=MANY) as tell:
        return simulate(card, patient=patient, times_h=times, occasions_h=given["occasions"], **_settings(given, tell))


def _of_table(given: dict[str, Any]) -> tuple[Simulation, tuple[Refusal, ...]]:
    from individose.app.actions.simulate import simulate_subjects
    from individose.app.cli.patients import Reading, load

    reading = Reading(dict(given["units"]), dict(given["columns"]), given["ignored"], dict(given["codes"]))
    patients = load(given["data"], given["card"], (), reading)
    if not patients.subjects:
        raise InputError(
            f"{given['data']} has no patient who can be read",
            "at least one",
            remedy=str(patients.refused[0].error) if patients.refused else "Check the table.",
        )
    times = _times(given["times"], patients.subjects)
    with progress(given["patients"] * len(patients.subjects), "simulating", least=MANY) as tell:
        found, refused = simulate_subjects(patients.card, patients.subjects, times_h=times, **_settings(given, tell))
    return found, (*patients.refused, *refused)


def _settings(given: dict[str, Any], tell: Progress) -> dict[str, Any]:
    return {
        "count": given["patients"],
        "seed": given["seed"],
        "residual_error": given["residual"],
        "uncertainty": given["uncertainty"],
        "quantiles": [q / 100.0 for q in given["quantiles"]],
        "analyte": given["analyte"],
        "extrapolate": given["extrapolate"],
        "progress": tell,
    }


def _files(found: Simulation, given: dict[str, Any]) -> None:
    from individose.app.cli.level_table import write_csv, write_parquet

    for file, write in ((given["csv_file"], write_csv), (given["parquet_file"], write_parquet)):
        if file:
            with progress(len(found.levels), "writing", least=MANY) as tell:
                write(file, found, tell)
            remark(f"{len(found.levels)} simulated patients are in {file}.")
    if given["svg_file"]:
        from individose.app.report.bands import quantile_figure

        try:
            Path(given["svg_file"]).write_text(quantile_figure(found) + "\n", encoding="utf-8")
        except OSError as error:
            raise InputError(
                f"{given['svg_file']} cannot be written: {error.strerror}", "a path that can be written"
            ) from error
        remark(f"The figure is {given['svg_file']}.")


def show(found: Simulation) -> None:
    """Quantiles of the level over time, at a few times."""
    from rich import box
    from rich.table import Table

    out = console()
    of = f" ({found.analyte})" if found.analyte else ""
    table = Table(
        title=f"Levels of simulated patients with {found.card}{of}", box=box.SIMPLE_HEAD, title_justify="left"
    )
    table.add_column("time, h", justify="right")
    for q in found.quantiles:
        table.add_column(f"{100 * q:g} %, mg/L", justify="right")
    every = -(-len(found.time_h) // ROWS)
    for i in range(0, len(found.time_h), every):
        table.add_row(f"{found.time_h[i]:g}", *(f"{band[i]:.4g}" for band in found.quantiles.values()))
    out.print(table)
    for notice in found.notices:
        out.print(f"{notice.grade}: {notice.sentence}")


def _covariate(name: str, text: str) -> tuple[str, Any]:
    """A covariate's name and its value in the register's unit."""
    from individose.base.units import factor
    from individose.drugs import covariate

    entry = covariate(name)
    if entry.kind == "category":
        return entry.name, text
    if entry.kind == "boolean":
        return entry.name, text.lower() in ("true", "yes", "1")
    number, _, unit = text.partition(" ")
    try:
        value = float(number)
    except ValueError:
        raise InputError(
            f"{name} was given as '{text}'", f"a number in {entry.unit}", remedy="As in weight=1.4 or weight='1400 g'."
        ) from None
    return entry.name, value * factor(unit.strip() or entry.unit, entry.unit, name)


def _lasts_h(dose: Dose) -> float:
    return max(dose.duration_h, dose.removed_after_h)


def _times(text: str | None, patients: Sequence[Subject], *, from_zero: bool = False) -> list[float]:
    """The times asked for, or from the first dose (or 0) to a day after the last, for all patients."""
    import numpy as np

    if text is None:
        doses = [dose for one in patients for dose in one.doses]
        end = max((d.time_h + d.additional * d.interval_h + _lasts_h(d) for d in doses), default=0.0) + 24.0
        first = min((d.time_h for d in doses), default=0.0)
        start = min(first, 0.0) if from_zero else first
        return [float(t) for t in np.linspace(start, end, 241)]
    try:
        start, end, step = (float(part) for part in text.split(":"))
    except ValueError:
        start, end, step = 0.0, -1.0, 0.0
    if not (end >= start and step > 0 and (end - start) / step < 1e6):
        raise InputError(
            f"--times is '{text}'", "START:END:STEP in h, a million times at most", remedy="As in 0:168:1."
        )
    return [float(t) for t in np.arange(start, end + step / 2, step)]
