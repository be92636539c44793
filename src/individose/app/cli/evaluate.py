"""`individose evaluate`: how well would each level have been predicted before it was measured?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

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
from individose.app.cli.patients import Reading, load

if TYPE_CHECKING:
    from individose.app.actions.evaluate import Evaluation, Score

SOME, NOTHING = 3, 2


@click.command(short_help="Predict every level from what came before it, and score that.")
@click.argument("source", metavar="DATA")
@card_option
@click.option("--id", "ids", multiple=True, metavar="ID", help="A patient of the table; may be given several times.")
@click.option(
    "--resamples", type=click.IntRange(min=100), default=2000, show_default=True, help="Behind each interval."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the resampling.")
@click.option(
    "--method",
    type=click.Choice(("map", "sir", "nuts")),
    default="map",
    show_default=True,
    help="How the earlier levels are fitted; sir and nuts predict from the mean of the posterior.",
)
@click.option(
    "--leave-one-out", is_flag=True, help="Each patient's whole curve from few samples, the others as archive."
)
@click.option(
    "--sample",
    "samples",
    type=float,
    multiple=True,
    metavar="H",
    help="With --leave-one-out: the measured sample nearest to this many h after the dose; several may be given [0.05].",
)
@click.option(
    "--horizon",
    type=click.FloatRange(min=0, min_open=True),
    metavar="H",
    help="With --leave-one-out: the end of the area [24].",
)
@table_options
@extrapolate_option
@assumption_options
@level_option
@json_option
@click.pass_context
def command(ctx: click.Context, source: str, **given: Any) -> None:
    """Predict every level from what came before it, and score that.

    Each measured level of each patient in DATA, a NONMEM-style table, is predicted from covariates and doses alone (a
    priori) and from these and the patient's earlier levels (a posteriori). Bias is the mean relative error, imprecision
    its root mean square; intervals come from resampling patients.

    With --leave-one-out each patient is new and the others are an archive: peak, the time of half of it and area from few
    samples, by each method, against the patient's own full fit.

    \b
      individose evaluate ward.csv --card phenobarbital
      individose evaluate trial.csv --card propofol/yang2019 --leave-one-out --sample 0.05
    """
    if given["leave_one_out"]:
        if given["method"] != "map":
            raise click.UsageError("--leave-one-out compares its own methods; leave --method out.")
        _held_out(ctx, source, given)
    from individose.app.actions.evaluate import evaluate

    reading = Reading(dict(given["units"]), dict(given["columns"]), given["ignored"], dict(given["codes"]))
    patients = load(source, given["card"], given["ids"], reading)
    with progress(len(patients.subjects), "evaluating") as tell:
        found = evaluate(
            patients.card,
            patients.subjects,
            method=given["method"],
            **assumed(given),
            resamples=given["resamples"],
            seed=given["seed"],
            level=given["level"],
            progress=tell,
        )
    from individose.prediction.observations import departures

    notes = (*patients.notes, *(n.sentence for n in departures(given["prior_weight"], given["fixed"])))
    if given["as_json"]:
        from individose.app.schemas.evaluate import evaluate_document

        click.echo(evaluate_document(found, patients.refused, notes).model_dump_json(indent=2))
    else:
        show(found)
        for note in notes:
            remark(note)
    refused = [*patients.refused, *found.refused]
    for one in refused:
        remark(f"patient {one.id} refused: {one.error}")
    for one in found.left_out:
        remark(f"left out: patient {one}")
    ctx.exit(NOTHING if not found.scores else SOME if refused else 0)


def _held_out(ctx: click.Context, source: str, given: dict[str, Any]) -> None:
    """The evaluation with one patient left out at a time; ends the program."""
    from individose.app.actions.leave_one_out import hold, leave_one_out
    from individose.app.report.held_out import show_held_out
    from individose.app.schemas.held_out import held_out_document

    reading = Reading(dict(given["units"]), dict(given["columns"]), given["ignored"], dict(given["codes"]))
    patients = load(source, given["card"], given["ids"], reading)
    held = hold(patients.card, patients.subjects, horizon_h=given["horizon"] or 24.0, extrapolate=given["extrapolate"])
    found = leave_one_out(
        held, given["samples"] or (0.05,), resamples=given["resamples"], seed=given["seed"], level=given["level"]
    )
    if given["as_json"]:
        click.echo(held_out_document(found))
    else:
        show_held_out(found, console())
    refused = [*patients.refused, *found.refused]
    for one in refused:
        remark(f"patient {one.id} refused: {one.error}")
    ctx.exit(SOME if refused else 0)


def show(found: Evaluation) -> None:
    """The scores as a table."""
    from rich import box
    from rich.table import Table

    from individose.app.actions.evaluate import FEWEST

    out = console()
    if not found.scores:
        out.print("No level could be forecast.")
        return
    table = Table(
        title=f"Forecasts of levels with {found.card}, by {found.method}",
        box=box.SIMPLE_HEAD,
        title_justify="left",
        padding=(0, 1, 0, 0),
    )
    # where it is narrow words wrap, never numbers
    table.add_column("levels", overflow="fold", min_width=12)
    table.add_column("predicted", overflow="fold", min_width=10)
    for name in ("n", "bias\n%", "impre-\ncision %", "within\n20 %", "within\n30 %"):
        table.add_column(name, justify="right", no_wrap=True)
    last = None
    for score in found.scores:
        table.add_row("" if score.group == last else score.group, *_cells(score), end_section=score.group == last)
        last = score.group
    out.print(table)
    intervals = f"{100 * found.level:.0f} % intervals from {found.resamples} resamples of the patients"
    if any(score.bias[1] is not None for score in found.scores):
        said = f"Under each figure its interval: {intervals}, where there are at least {FEWEST}."
    else:
        said = f"Too few patients for {intervals}: there must be at least {FEWEST}."
    out.print(f"n: levels, and patients under them. {said} A first level's two predictions are the same.")


def _cells(score: Score) -> list[str]:
    def percent(triple: tuple[float, float | None, float | None], sign: str = "") -> str:
        value, low, high = triple
        shown = f"{round(100.0 * value, 1) + 0.0:{sign}.1f}"
        if low is None or high is None:
            return shown
        return f"{shown}\n{round(100.0 * low) + 0.0:{sign}.0f} to {round(100.0 * high) + 0.0:{sign}.0f}"

    return [
        score.prediction,
        f"{score.levels}\n{score.patients}",
        percent(score.bias, "+"),
        percent(score.imprecision),
        percent(score.within_20),
        percent(score.within_30),
    ]
