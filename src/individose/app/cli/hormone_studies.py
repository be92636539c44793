"""`individose hormone studies`: the curve of a product from published series, by NUTS, with what it is held against."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from individose.app.cli.hormone_output import write
from individose.app.cli.options import json_option
from individose.app.cli.output import console, remark

if TYPE_CHECKING:
    from individose.app.actions.hormone_studies import Studies


@click.command(short_help="A product's curve from published studies.")
@click.argument("file", type=click.Path(dir_okay=False), metavar="FILE")
@click.option("--product", default="patch-tw", show_default=True, help="Product of all series.")
@click.option("--model", type=click.Choice(("one-curve", "weighted", "by-study")), default="weighted", show_default=True,
              help="One curve; weights and baselines of series; parameters of studies.")  # fmt: skip
@click.option("--prior", "given", multiple=True, metavar="NAME=FAMILY(..)", help="As in 'k1=gamma(1, rate=5)'.")
@click.option("--draws", type=click.IntRange(10), default=1000, show_default=True, help="Of each chain, after as many.")
@click.option("--chains", type=click.IntRange(1), default=4, show_default=True, help="Side by side.")
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed gives the same draws.")
@click.option("--leave-out", is_flag=True, help="Foretell each study by the others.")
@json_option
@click.option("--csv", "csv_file", type=click.Path(dir_okay=False), metavar="FILE", help="Write the draws.")
def studies(file: str, product: str, model: Any, given: tuple[str, ...], draws: int, chains: int, seed: int,
            leave_out: bool, as_json: bool, csv_file: str | None) -> None:  # fmt: skip
    """A product's curve from published series of levels after a single dose, by NUTS (needs individose[generative]).

    FILE is a CSV with the columns study, arm, dose (in the unit of the label), day, level (pg/mL), and sd where it is known.

    \b
      individose hormone studies patches.csv --prior 'k1=gamma(1, rate=5)' --leave-out
    """
    from individose.app.actions import hormone_studies as action
    from individose.inference.generative import Chains

    series = action.read_series(file, product)
    priors = dict(action.read_prior(one) for one in given)
    how = Chains(chains=chains, warm_up=draws, draws=draws, seed=seed)
    found = action.infer(series, product, model=model, given=priors, how=how, leave_out=leave_out)
    if as_json:
        from individose.app.schemas.hormone_studies import studies_document

        click.echo(studies_document(found).model_dump_json(indent=2))
    else:
        _show(found)
    if csv_file:
        names, columns = list(found.inferred), list(found.inferred.values())
        lines = [",".join(names), *(",".join(f"{x:.10g}" for x in row) for row in zip(*columns, strict=True))]
        write(csv_file, "\n".join(lines) + "\n", "table of draws")
    for notice in () if as_json else found.notices:
        remark(f"{notice.grade}: {notice.sentence}")


def _show(found: Studies) -> None:
    import numpy as np

    out, posterior = console(), found.posterior
    out.print("Priors")
    for name, prior in found.priors.items():
        out.print(f"  {name}: {prior.sentence}", soft_wrap=True, markup=False)
    table = _table("posterior", "5 %", "median", "95 %", "R-hat", "unit")
    for name, values in found.inferred.items():
        low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
        unit = found.priors[name].unit
        table.add_row(name, *(f"{x:.4g}" for x in (low, middle, high)), f"{posterior.rhat.get(name, np.nan):.4f}", unit)
    out.print(table)
    if found.weights:
        table = _table("series", "weight", "5 %", "95 %", "strange")
        for one in found.weights:
            table.add_row(
                one.name, *(f"{x:.3g}" for x in (one.weight, one.low, one.high)), f"{100 * one.strange:.0f} %"
            )
        out.print(table)
    before, after = (100 * check.coverage(0.9) for check in (found.before, found.after))
    out.print(f"Levels within their 90 % interval: by the priors {before:.0f} %, by the posterior {after:.0f} %.")
    if found.left_out:
        table = _table("study left out", "log density", "error", "Pareto k", "by", "worth, draws")
        for one in found.left_out:
            by = f"a refit ({one.fit})" if one.refitted else "weights"
            table.add_row(
                one.study, f"{one.log_density:.2f}", f"{one.error:.2f}", f"{one.k:.2f}", by, f"{one.worth:.0f}"
            )
        out.print(table)
    out.print(f"{posterior.status.code}: {posterior.status.sentence}", soft_wrap=True)


def _table(*heads: str) -> Any:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    for i, head in enumerate(heads):
        table.add_column(head, justify="right" if i else "left")
    return table
