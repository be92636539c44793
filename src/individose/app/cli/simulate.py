"""`individose simulate`: what levels would a regimen give in people like this one?"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from individose.app.cli.options import Pair, card_option, extrapolate_option, json_option
from individose.app.cli.output import console, remark
from individose.base.errors import InputError

if TYPE_CHECKING:
    from individose.app.actions.simulate import Simulation

ROWS = 25
"""Times shown on the screen; all go to --csv and --json."""


@click.command(short_help="Simulate virtual patients under a regimen.")
@click.argument("regimen", metavar="REGIMEN")
@card_option
@click.option(
    "--covariate", "covariates", type=Pair(), multiple=True, metavar="NAME=VALUE",
    help="A covariate of all virtual patients, as in weight=1.4 or weight='1400 g'.",
)  # fmt: skip
@click.option("--times", default=None, metavar="START:END:STEP", help="Times in h; the whole regimen if not given.")
@click.option("--patients", type=click.IntRange(min=1), default=1000, show_default=True, help="How many.")
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed gives the same patients.")
@click.option("--residual", is_flag=True, help="Add the residual error of a measured level.")
@click.option("--csv", "csv_file", type=click.Path(dir_okay=False), metavar="FILE", help="Write every level.")
@extrapolate_option
@json_option
def command(regimen: str, **given: Any) -> None:
    """Simulate virtual patients under a regimen.

    REGIMEN is written as it is spoken; an interval, a duration and a time are in h:

    \b
      individose simulate "20 mg; 4 mg q12h x10 at 12" --card phenobarbital \\
          --covariate weight=1.4 --covariate apgar_5min=7
    """
    from individose.app.actions.simulate import simulate
    from individose.drugs import card as load_card
    from individose.events import read_regimen

    if not given["card"]:
        raise click.UsageError("--card says which model to simulate; `individose cards` lists them.")
    card = load_card(given["card"])
    doses = read_regimen(regimen, card.molar_mass_g_mol)
    found = simulate(
        card,
        doses=doses,
        covariates=dict(_covariate(name, text) for name, text in given["covariates"]),
        times_h=_times(given["times"], doses),
        count=given["patients"],
        seed=given["seed"],
        residual_error=given["residual"],
        extrapolate=given["extrapolate"],
    )
    if given["csv_file"]:
        _write(given["csv_file"], found)
    if given["as_json"]:
        from individose.app.schemas.simulate import simulate_document

        click.echo(simulate_document(found).model_dump_json(indent=2))
    else:
        show(found)


def show(found: Simulation) -> None:
    """Quantiles of the level over time, at a few times."""
    from rich import box
    from rich.table import Table

    out = console()
    table = Table(title=f"Levels of simulated patients with {found.card}", box=box.SIMPLE_HEAD, title_justify="left")
    table.add_column("time, h", justify="right")
    for q in found.quantiles:
        table.add_column(f"{100 * q:.0f} %, mg/L", justify="right")
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


def _times(text: str | None, doses: Any) -> list[float]:
    import numpy as np

    if text is None:
        end = max(d.time_h + d.duration_h for d in doses) + 24.0
        return [float(t) for t in np.linspace(0.0, end, 241)]
    try:
        start, end, step = (float(part) for part in text.split(":"))
    except ValueError:
        start, end, step = 0.0, -1.0, 0.0
    if not (end >= start and step > 0 and (end - start) / step < 1e6):
        raise InputError(
            f"--times is '{text}'", "START:END:STEP in h, a million times at most", remedy="As in 0:168:1."
        )
    return [float(t) for t in np.arange(start, end + step / 2, step)]


def _write(file: str, found: Simulation) -> None:
    try:
        with Path(file).open("w", newline="", encoding="utf-8") as out:
            writer = csv.writer(out)
            writer.writerow(["ID", "TIME", "DV", "SIMULATED"])
            for i, row in enumerate(found.levels, start=1):
                writer.writerows([i, f"{t:.10g}", f"{x:.10g}", 1] for t, x in zip(found.time_h, row, strict=True))
    except OSError as error:
        raise InputError(f"{file} cannot be written: {error.strerror}", "a path that can be written") from error
    remark(f"{len(found.levels)} simulated patients are in {file}.")
