"""`individose hormone`: estradiol levels over time of injections and patches, a person's own fit, and a regimen for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from individose.app.cli.hormone_output import give, remarks, scale_of, show_quantities, write, write_json
from individose.app.cli.hormone_studies import studies
from individose.app.cli.options import Decorated, json_option, level_option
from individose.app.cli.output import console
from individose.base.errors import InputError

if TYPE_CHECKING:
    from individose.app.actions.hormone_plans import HormonePlan


@click.group(short_help="Estradiol levels over time of injections and patches.", invoke_without_command=True)
@click.option("--html", "html_file", type=click.Path(dir_okay=False), metavar="FILE",
              help="Write the interactive page with an example, as `page` does with a plan.")  # fmt: skip
@click.pass_context
def command(context: click.Context, html_file: str | None) -> None:
    """Estradiol levels over time of injections and patches.

    The curves are those of published studies, with a band that tells how well their mean is known; single persons differ by
    more, and blood tests tell by how much. For research and education: nothing here is advice on what to take.

    \b
      individose hormone curve 'EV 5 mg every 7 d x10'
      individose hormone fit plan.json --want trough=100:200
      individose hormone --html hormone.html
    """
    if context.invoked_subcommand is not None:
        if html_file:
            raise InputError(
                f"--html {html_file} stands before '{context.invoked_subcommand}'",
                "either a page, or a question",
                remedy=f"Write the page with: individose hormone page PLAN --html {html_file}",
            )
    elif html_file:
        context.invoke(page, html_file=html_file)
    else:
        click.echo(context.get_help())


def plan_options(function: Decorated) -> Decorated:
    """What all questions about a plan share."""
    options: tuple[Callable[[Decorated], Decorated], ...] = (
        click.argument("plan", metavar="PLAN"),
        click.option("--until", "horizon", metavar="TIME", default=None, help="End of the plan: days, or a date."),
        click.option("--baseline", metavar="LEVEL", default=None,
                     help="Level that the body makes by itself, as 20 or '70 pmol/L'; the plan's own if not given."),
        click.option("--unit", type=click.Choice(("pg/mL", "pmol/L")), default="pg/mL", show_default=True,
                     help="Unit of levels, also of those given without one."),
        level_option,
        json_option,
    )  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function


def curve_outputs(function: Decorated) -> Decorated:
    """Where a curve goes."""
    for option in (
        click.option("--svg", "svg_file", type=click.Path(dir_okay=False), metavar="FILE", help="Write the figure."),
        click.option("--csv", "csv_file", type=click.Path(dir_okay=False), metavar="FILE", help="Write the levels."),
        click.option("--points", type=click.IntRange(2, 100_000), default=500, show_default=True, help="Of the curve."),
    ):
        function = option(function)
    return function


basis_option = click.option(
    "--person", is_flag=True, help="The band of a person of whom nothing is known, instead of that of the mean curve."
)


@command.command(short_help="List the products.")
def products() -> None:
    """List the products: how a dose is written, and what a single one comes to."""
    from rich import box
    from rich.table import Table

    from individose.app.actions.hormone_quantities import single_dose
    from individose.drugs import card, product_cards

    title = "Of one unit: peak in pg/mL, area in pg/mL.d, times in d"
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left")
    for head in ("product", "unit", "card", "peak", "at", "area", "half-life"):
        table.add_column(head, justify="left" if head in ("product", "unit", "card") else "right", no_wrap=True)
    for name, id in sorted(product_cards("estradiol").items()):
        one = single_dose(name)
        numbers = (one.peak * 1e6, one.tpeak_h / 24, one.auc * 1e6 / 24, one.half_life_h / 24)
        table.add_row(name, one.unit, card(id).id, *(f"{x:.4g}" for x in numbers))
    console().print(table)


@command.command(short_help="The level over time of a plan.")
@plan_options
@basis_option
@curve_outputs
def curve(**given: Any) -> None:
    """The level over time of a plan, with its band.

    PLAN is a plan in words, or a JSON file (format hormone/1). Products: `individose hormone products`.

    \b
      individose hormone curve 'EV 5 mg every 7 d x10' --svg levels.svg
      individose hormone curve 'EEn 4 mg every 10 d from 2024-05-01 x6 missed 3'
      individose hormone curve 'patch-tw 100 ug/d every 3.5 d steady' --person
    """
    from individose.app.actions import hormone

    asked = _plan(given)
    basis = "person" if given["person"] else "mean curve"
    found = hormone.curve(asked.plan, body=asked.body, basis=basis, probability=given["level"], points=given["points"])
    give(asked, given, found, notices=found.notices)


window_option = click.option(
    "--window",
    metavar="START:END",
    default=None,
    help="Of the quantities, in days; between the last two doses if not given.",
)


@command.command(short_help="Average, peak and troughs of a plan.")
@plan_options
@basis_option
@window_option
def quantities(**given: Any) -> None:
    """Average, area, peak and troughs of a plan within a window.

    The true trough (minimum) lies a little after a dose, since what is injected takes time to arrive.

    \b
      individose hormone quantities 'EV 5 mg every 7 d steady' --window 0:7
    """
    from individose.app.actions import hormone_quantities
    from individose.app.actions.hormone import BASES, cards_of
    from individose.base import Notice

    asked = _plan(given)
    basis = "person" if given["person"] else "mean curve"
    found = hormone_quantities.quantities(
        asked.plan, *_window(given), body=asked.body, basis=basis, probability=given["level"]
    )
    cards = tuple(one.id for one in cards_of(asked.plan).values())
    notices = (Notice("band", BASES[basis], "note"),)
    if given["as_json"]:
        from individose.app.schemas.hormone_results import hormone_document

        write_json(hormone_document(asked, given["unit"], cards=cards, basis=basis, quantities=found, notices=notices))
        return
    show_quantities(asked, found, given["unit"])
    remarks(asked, notices)


@command.command(short_help="One person's curve from their blood tests.")
@plan_options
@curve_outputs
@click.option(
    "--test", "tests", multiple=True, metavar="TIME=LEVEL", help="A blood test: days or a date, and its level."
)
@click.option("--method", type=click.Choice(("map", "sir", "nuts")), default="map", show_default=True)
@click.option("--want", metavar="METRIC=LOW:HIGH", default=None,
              help="Find a regimen for an average, trough, peak or minimum within these limits.")  # fmt: skip
@click.option("--peak-limit", type=click.FloatRange(min=0.0, min_open=True), default=None, help="Highest peak wanted.")
@window_option
@click.option("--with", "product", metavar="PRODUCT", default=None, help="Product of the regimen; the plan's last one.")
def fit(**given: Any) -> None:
    """One person's curve from their blood tests, what it comes to, and a regimen for what they want.

    The fit starts from the cards and from how persons differ (an assumption of the cards), and takes it that the body makes
    about 15 pg/mL by itself unless --baseline says otherwise. A blood test that does not fit is said.

    \b
      individose hormone fit 'EV 5 mg every 7 d x10' --test 63=180 --test 66=310
      individose hormone fit plan.json --want trough=100:200 --peak-limit 400
    """
    from individose.app.actions import hormone
    from individose.app.actions.hormone_quantities import quantities as read_off
    from individose.dosing import Wanted, options, options_in_doubt

    asked = _plan(given)
    wanted = None
    product = hormone.product_card(given["product"] or asked.plan.products[-1]).product
    assert product is not None
    if given["want"]:
        metric, _, limits = given["want"].partition("=")
        low, high = (x / scale_of(given["unit"]) for x in _range(limits, "--want", given["unit"]))
        limit = {} if given["peak_limit"] is None else {"peak_limit": given["peak_limit"] / scale_of(given["unit"])}
        wanted = Wanted(metric.strip(), low, high, **limit)
    body = asked.body if asked.body.endogenous or asked.body.start else None
    found = hormone.fit_person(
        asked.plan, asked.levels, body=body, method=given["method"], also=(product.name,) if wanted else (), id=asked.id
    )
    line = hormone.curve(asked.plan, fitted=found, probability=given["level"], points=given["points"])
    window = read_off(asked.plan, *_window(given), probability=given["level"], fitted=found)
    odd = hormone.findings(found)
    advice = None
    if wanted is not None:
        advice = options_in_doubt(options(found, product.name, wanted, level=given["level"]), odd)
    notices = (*line.notices, *odd, *(advice.notices if advice else ()))
    give(asked, given, line, notices=notices, options=advice, fit=found, quantities=window)


@command.command(short_help="An interactive page of a plan, as one file.")
@click.argument("plan", metavar="[PLAN]", default="EV 5 mg every 7 d x10")
@click.option(
    "--html",
    "html_file",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    default="hormone.html",
    show_default=True,
    help="Where the page goes.",
)
@click.option("--until", "horizon", metavar="TIME", default=None, help="End of the plan: days, or a date.")
@click.option("--baseline", metavar="LEVEL", default=None, help="Level that the body makes by itself.")
@click.option(
    "--unit", type=click.Choice(("pg/mL", "pmol/L")), default="pg/mL", show_default=True, help="Unit of levels."
)
@click.option(
    "--test", "tests", multiple=True, metavar="TIME=LEVEL", help="A blood test; with any, the person is fitted."
)
@click.option("--no-fit", is_flag=True, help="Only draw the blood tests.")
@click.option("--method", type=click.Choice(("map", "sir", "nuts")), default="map", show_default=True)
@click.option("--want", metavar="LOW:HIGH", default=None, help="A range of levels to shade.")
@level_option
def page(**given: Any) -> None:
    """An interactive page of a plan, as one file that works without a network.

    Anyone can change the regimen there: the page computes every curve and band by itself, exactly, and keeps the plan in its
    address. Blood tests of PLAN fit the person whose band is then shown.

    \b
      individose hormone page
      individose hormone page plan.json --html mine.html --want 100:200
    """
    from individose.app.actions.hormone_page import page as made
    from individose.app.report.hormone_page import hormone_html

    if not given["tests"]:
        del given["tests"]
    asked = _plan(given)
    target = _range(given["want"], "--want", given["unit"]) if given["want"] else None
    found = made(asked, probability=given["level"], fit=not given["no_fit"], method=given["method"])
    write(given["html_file"], hormone_html(found, unit=given["unit"], target=target), "page")
    remarks(asked, found.notices)


command.add_command(studies)


def _plan(given: dict[str, Any]) -> HormonePlan:
    from individose.app.actions.hormone_plans import document_of, read_plan

    source, horizon = given["plan"], given["horizon"]
    more: dict[str, Any] = {}
    if given["baseline"]:
        value, unit = _level(given["baseline"], given["unit"], "--baseline")
        more["baseline"] = {"value": value, "unit": unit, "sd_log": 0.7 if "tests" in given else 0.0}
    tests = [_test(one, given["unit"]) for one in given.get("tests", ())]
    written = document_of(source) if isinstance(source, str) and not _is_file(source) else source
    if more or tests:
        import json

        document = written if isinstance(written, dict) else json.loads(Path(source).read_text(encoding="utf-8"))
        written = {**document, **more, "levels": [*document.get("levels", []), *tests]}
    return read_plan(written, _time(horizon) if horizon is not None else None)


def _is_file(source: str) -> bool:
    return source.endswith(".json") or source.lstrip()[:1] == "{"


def _time(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text.strip().replace(" ", "T")


def _level(text: str, unit: str, what: str) -> tuple[float, str]:
    number, _, said = text.strip().partition(" ")
    try:
        return float(number), said.strip() or unit
    except ValueError:
        raise InputError(
            f"{what} is '{text}'", f"a level, in {unit} where no unit is said", remedy="As in 20 or '70 pmol/L'."
        ) from None


def _test(text: str, unit: str) -> dict[str, Any]:
    time, equals, level = text.partition("=")
    if not equals:
        raise InputError(f"--test is '{text}'", "TIME=LEVEL", remedy="As in 63=180 or 2024-05-07T08:00='640 pmol/L'.")
    below = level.strip().startswith("<")
    value, said = _level(level.strip().removeprefix("<"), unit, "--test")
    return {"time": _time(time), "value": value, "unit": said, "below_limit": below}


def _window(given: dict[str, Any]) -> tuple[float | None, float | None]:
    """Start and end in h, or what is taken where none is given."""
    if not given["window"]:
        return None, None
    start, end = _range(given["window"], "--window", "days")
    return 24.0 * start, 24.0 * end


def _range(text: str, option: str, unit: str) -> tuple[float, float]:
    try:
        low, high = (float(part) for part in text.split(":"))
    except ValueError:
        raise InputError(
            f"{option} is '{text}'",
            f"two numbers in {unit}, with a colon between",
            remedy="As in --want trough=100:200." if option == "--want" else "As in --window 63:70.",
        ) from None
    return low, high
