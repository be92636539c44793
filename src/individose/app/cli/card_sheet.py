"""A model card as a person reads it: whom it was built on, what it says, and what stands behind it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from rich import box
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from individose.drugs import parse, registers, typical
from individose.drugs.render import unicode

if TYPE_CHECKING:
    from rich.console import Console

    from individose.drugs import Card, Effect, Range, Target

Row = tuple[str, ...]


def show_card(card: Card, console: Console) -> None:
    """The whole card, section by section."""
    console.print(Text(card.title, style="bold"))
    console.print(f"{card.id}, {card.grade}" + (f": {card.grounds}" if card.grounds else ""))
    for title, header, rows in _sections(card):
        listed = list(rows)
        if not listed:
            continue
        console.print()
        console.print(Text(title, style="bold"))
        table = Table(
            *header, box=box.SIMPLE_HEAD if header else None, show_header=bool(header), pad_edge=False, show_edge=False
        )
        if not header:
            for position in range(max(len(row) for row in listed)):
                table.add_column(no_wrap=position == 0)
        for row in listed:
            table.add_row(*row)
        console.print(Padding(table, (0, 0, 0, 2)))
    console.print()
    console.print(f"SHA-256 of the card: {card.digest}")


def _sections(card: Card) -> Iterator[tuple[str, Row, Iterator[Row]]]:
    yield "Source", (), _source(card)
    yield "Domain", ("covariate", "built on", "unit", "between dates", "source"), _domain(card)
    yield "Equations", (), _equations(card)
    yield "Constants", ("name", "value", "unit", "SE", "source"), _constants(card)
    yield "Groups of the mixture", ("group", "share", "constants of its own", "source"), _groups(card)
    yield "Typical patient (worked by hand; the equations agree)", (), _examples(card)
    yield "Published point values", (), ((p.name, f"= {p.equation}", p.stated_unit, p.source) for p in card.published)
    mean = card.spread == "mean curve"
    yield (
        "Variability of the mean curve: how well it is known" if mean else "Variability between patients",
        (),
        _variability(card),
    )
    yield (
        "How persons differ from the mean curve",
        (),
        ((e.parameter, f"omega2 {e.omega2:g}", _spread(e)) for e in card.between),
    )
    yield "Residual error", (), _residual(card)
    yield "Targets", (), _targets(card)
    yield "Dosing", (), _dosing(card)
    yield "Revisions", (), ((one,) for one in card.revisions)


def _source(card: Card) -> Iterator[Row]:
    source = card.source
    yield "publication", source.citation
    yield "population", source.population
    for name in ("doi", "pmid", "software", "note"):
        if value := getattr(source, name):
            yield name, value
    yield "system", card.system
    if card.molar_mass_g_mol is not None:
        yield "molar mass", f"{card.molar_mass_g_mol:g} g/mol"


def _domain(card: Card) -> Iterator[Row]:
    """Ranges, and how the card carries what its equations read; a covariate without a range comes last."""
    carries: dict[str, str] = {use.name: use.carry for use in card.covariates}
    for name, one in card.domain.items():
        yield name, _range(one), "" if one.unit == "1" else one.unit, carries.pop(name, "not read"), one.source
    for name, carry in carries.items():
        unit = registers.covariate(name).unit
        yield name, "", "" if unit == "1" else unit, carry, ""


def _range(one: Range) -> str:
    if one.values:
        return ", ".join(str(value) for value in one.values)
    if one.min is None or one.max is None:
        return f"at least {one.min:g}" if one.min is not None else f"at most {one.max:g}" if one.max is not None else ""
    return f"{one.min:g} to {one.max:g}"


def _equations(card: Card) -> Iterator[Row]:
    for one in card.parameters:
        yield one.name, f"= {unicode(parse(one.equation))}", one.stated_unit or one.unit, one.meaning


def _constants(card: Card) -> Iterator[Row]:
    for name, one in card.constants.items():
        unit = "" if one.unit == "1" else one.unit
        yield name, f"{one.value:g}", unit, "" if one.se is None else f"{one.se:g}", one.source


def _groups(card: Card) -> Iterator[Row]:
    for group in card.groups:
        own = {n: c for n, c in group.card.constants.items() if any(o.card.constants[n] != c for o in card.groups)}
        shown = ", ".join(
            f"{name} {one.value:g} {'' if one.unit == '1' else one.unit}".strip() for name, one in own.items()
        )
        yield group.name, f"{100 * group.probability:.3g} %", shown, group.source


def _examples(card: Card) -> Iterator[Row]:
    for example in card.checks:
        found = typical(card, example.given)
        units = {one.name: one.unit for one in card.parameters}
        given = ", ".join(f"{name} {_covariate(name, value)}" for name, value in example.given.items())
        yield given or "anyone", ", ".join(f"{name} {value:.4g} {units[name]}" for name, value in found.items())


def _covariate(name: str, value: float | str | bool) -> str:
    unit = registers.quantity(name).unit
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else f"{value:g}" if unit == "1" else f"{value:g} {unit}"


def _variability(card: Card) -> Iterator[Row]:
    for one in card.effects:
        shape = "" if one.shape is None else f", shape {one.shape:g}"
        level = "" if one.level == "subject" else ", by occasion"
        yield one.parameter, f"omega2 {one.omega2:g}", one.transform + shape + level, _spread(one)
    for i, one in enumerate(card.effects):
        for j in range(i):
            if covariance := card.omega[i][j]:
                other = card.effects[j]
                correlation = covariance / math.sqrt(one.omega2 * other.omega2)
                yield (
                    f"{other.parameter}, {one.parameter}",
                    f"covariance {covariance:g}",
                    "",
                    f"correlation {correlation:.3g}",
                )


def _spread(one: Effect) -> str:
    """The variance as the spread that a reader knows, with its convention: there are two of CV."""
    sd = math.sqrt(one.omega2)
    if one.transform != "log-normal":
        return f"SD {sd:.4g}"
    exact = math.sqrt(math.expm1(one.omega2))
    return f"CV {100 * sd:.1f} % as 100 sqrt(omega2); {100 * exact:.1f} % as 100 sqrt(exp(omega2) - 1)"


def _residual(card: Card) -> Iterator[Row]:
    for analyte, one in (("", card.residual), *card.residuals.items()):
        if analyte:
            yield "analyte", analyte
        yield "convention", f"{one.convention} (f: predicted level)"
        if one.additive_mg_L:
            yield "a", f"{one.additive_mg_L:g} mg/L"
        if one.convention == "ln y = ln f + e":
            yield "SD of e", f"{one.proportional:.4g}"
        elif one.convention == "sd = a + b f**c":
            yield "b", f"{one.proportional:.4g}, for levels in mg/L"
            yield "c", f"{one.exponent:g}"
        elif one.proportional:
            yield "b", f"{one.proportional:.4g} ({100 * one.proportional:.1f} %)"
        if one.nu is not None:
            yield "Student-t", f"{one.nu:g} degrees of freedom; the SD is its scale"


def _targets(card: Card) -> Iterator[Row]:
    for one in card.targets:
        yield one.metric, _aim(one), one.source
        if one.note:
            yield "", "", one.note


def _aim(one: Target) -> str:
    who = ", ".join(part for part in (one.population, one.matrix) if part)
    best = f", best {one.best:g}" if one.best is not None else ""
    return f"{one.low:g} to {one.high:g} {one.unit}{best}" + (f" ({who})" if who else "")


def _dosing(card: Card) -> Iterator[Row]:
    one = card.dosing
    if one is None:
        return
    caps: Mapping[str, float | None] = {"mg/d": one.max_daily_mg, "mg/kg/d": one.max_daily_mg_per_kg}
    if one.route:
        yield "route", one.route
    yield "step", f"{one.step_mg:g} mg"
    yield "every", f"{', '.join(f'{interval:g}' for interval in one.intervals_h)} h"
    if one.duration_h:
        yield "over", f"{one.duration_h:g} h"
    for unit, cap in caps.items():
        if cap is not None:
            yield "at most", f"{cap:g} {unit}"
    if one.source:
        yield "source", one.source
