"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click


class Pair(click.ParamType[tuple[str, str]]):
    """`NAME=VALUE` as a pair."""

    name = "pair"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        left, equals, right = str(value).partition("=")
        if not (equals and left.strip() and right.strip()):
            wanted = param.make_metavar(ctx) if param is not None and ctx is not None else "NAME=VALUE"
            self.fail(f"'{value}' is not of the form {wanted}.", param, ctx)
        return left.strip(), right.strip()


class Codes(click.ParamType[tuple[str, dict[str, str]]]):
    """`COLUMN=0:female,1:male` as the column and the labels by code."""

    name = "codes"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, dict[str, str]]:
        if isinstance(value, tuple):
            return value
        column, _, listed = str(value).partition("=")
        pairs = [item.partition(":") for item in listed.split(",")]
        if not column.strip() or not all(code.strip() and colon and label.strip() for code, colon, label in pairs):
            self.fail(f"'{value}' is not of the form COLUMN=CODE:LABEL,CODE:LABEL.", param, ctx)
        return column.strip(), {code.strip(): label.strip() for code, _, label in pairs}


Decorated = Callable[..., Any]

card_option = click.option(
    "--card", metavar="CARD", help="Model card: an id, a drug that has one card, or a .toml file of your own."
)
extrapolate_option = click.option(
    "--extrapolate", is_flag=True, help="Accept patients outside of the card's domain; results carry a warning."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
level_option = click.option(
    "--level",
    type=click.FloatRange(0.5, 0.999),
    default=0.9,
    show_default=True,
    help="Probability that an interval holds.",
)


def table_options(function: Decorated) -> Decorated:
    """How a table is to be read: `units`, `columns`, `ignored` and `codes`."""
    for option in (
        click.option(
            "--code", "codes", type=Codes(), multiple=True, metavar="COLUMN=0:LABEL,...",
            help="Labels of a column's codes, as in SEX=0:female,1:male.",
        ),
        click.option("--ignore", "ignored", multiple=True, metavar="COLUMN", help="Leave a column out."),
        click.option(
            "--column", "columns", type=Pair(), multiple=True, metavar="NAME=MEANING",
            help="What a column holds, as in BW=weight or CONC=DV.",
        ),
        click.option(
            "--unit", "units", type=Pair(), multiple=True, metavar="COLUMN=UCUM",
            help="Unit of a column, as in DV=ng/mL; h, mg and mg/L if not given.",
        ),
    ):  # fmt: skip
        function = option(function)
    return function


def assumption_options(function: Decorated) -> Decorated:
    """How levels and population count: `censoring`, `prior_weight` and `fixed`."""
    for option in (
        click.option(
            "--fix", "fixed", multiple=True, metavar="EFFECT",
            help="Hold a random effect at 0, as if the card did not have it: CL, or CL:occ for those of all occasions.",
        ),
        click.option(
            "--prior-weight", type=click.FloatRange(0.0, min_open=True), default=1.0, show_default=True,
            help="How much the population counts; under 1 the prior is flattened.",
        ),
        click.option(
            "--censoring", type=click.Choice(("m3", "m1")), default="m3", show_default=True,
            help="What a level beyond a limit counts: its probability (m3), or nothing (m1).",
        ),
    ):  # fmt: skip
        function = option(function)
    return function


ASSUMED = ("extrapolate", "censoring", "prior_weight", "fixed")
"""Options that `individose.fit` takes by the same names."""


def assumed(given: dict[str, Any]) -> dict[str, Any]:
    """Those of the command line that an estimate passes on."""
    return {name: given[name] for name in ASSUMED}
