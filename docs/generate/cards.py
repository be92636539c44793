"""One page for each model card, made of the card alone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import individose as ido
from docs.figures.make import slug
from docs.figures.patients import PATIENTS
from individose.drugs import Card, Effect, Group, Residual, parse, typical
from individose.drugs.registers import quantity
from individose.drugs.render import latex

HEAD = "<!-- Generated from the card by `python -m docs.generate`; do not edit. -->"


def pages() -> dict[str, str]:
    """Every card's page by the name of its file, drafts included."""
    return {f"{slug(id)}.md": page(ido.card(id)) for id in ido.card_ids(drafts=True)}


def page(card: Card) -> str:
    """The page of one card, in markdown."""
    parts = [HEAD, f"# {card.drug.capitalize()}: {card.id.partition('/')[2]}", card.title + ".", *_standing(card)]
    for title, content in (
        ("Whom it was built on", _domain(card)),
        ("Equations", _equations(card)),
        ("Constants", _constants(card)),
        ("Groups of the mixture", _groups(card)),
        ("Published point values", _published(card)),
        (_spread_title(card), _variability(card)),
        ("How persons differ from the mean curve", _between(card)),
        ("Residual error", _residual(card)),
        ("Worked examples", _examples(card)),
        ("Targets", _targets(card)),
        ("Dosing", _dosing(card)),
        ("Measured and predicted", _figure(card)),
    ):
        if content:
            parts += [f"## {title}", content]
    parts.append(f"SHA-256 of the card's file: `{card.digest}`")
    return "\n\n".join(parts) + "\n"


def _standing(card: Card) -> list[str]:
    source = card.source
    rows = [
        ("grade", f"**{card.grade}**" + (f": {card.grounds}" if card.grounds else "")),
        ("system", card.system),
        ("source", source.citation),
        ("population", source.population),
        *((name, getattr(source, name)) for name in ("doi", "pmid", "software", "note") if getattr(source, name)),
    ]
    return [table(("id", f"`{card.id}`"), rows), "[Research and education; not a medical device.](../intended-use.md)"]


def _domain(card: Card) -> str:
    rows = []
    for name, one in card.domain.items():
        shown = ", ".join(str(v) for v in one.values) or f"{_limit(one.min)} to {_limit(one.max)}"
        carry = next((use.carry for use in card.covariates if use.name == name), "")
        rows.append(
            (f"`{name}`", shown, _unit(one.unit), "read, carried " + carry if carry else "not read", one.source)
        )
    said = (
        "A patient outside of the range of a covariate that the equations read is refused, unless `extrapolate` is asked "
        "for; the result then carries a warning. The other ranges are held where the covariate is given; where it is not, "
        "the result says that it is not known whether the card covers this patient."
    )
    return table(("covariate", "range", "unit", "in the equations", "source"), rows) + "\n\n" + said if rows else ""


def _equations(card: Card) -> str:
    parts = []
    for one in card.parameters:
        meaning, unit = one.meaning, one.stated_unit or one.unit
        parts.append(f"{meaning[0].upper() + meaning[1:]}, in {unit}:")
        parts.append(f"$$\\text{{{one.name}}} = {latex(parse(one.equation))}$$")
    return "\n\n".join(parts)


def _constants(card: Card) -> str:
    rows = [
        (f"`{name}`", f"{one.value:g}", _unit(one.unit), "" if one.se is None else f"{one.se:g}", one.source)
        for name, one in card.constants.items()
    ]
    return table(("constant", "value", "unit", "standard error", "source"), rows) if rows else ""


def _groups(card: Card) -> str:
    rows = [
        (group.name, f"{100 * group.probability:.3g} %", ", ".join(_own(card, group)), group.source)
        for group in card.groups
    ]
    said = "The constants above are those of the most frequent group."
    return table(("group", "share of the population", "constants", "source"), rows) + "\n\n" + said if rows else ""


def _own(card: Card, group: Group) -> list[str]:
    constants = group.card.constants.items()
    differing = [(n, c) for n, c in constants if any(other.card.constants[n] != c for other in card.groups)]
    return [f"`{name}` {one.value:g} {_unit(one.unit)}".strip() for name, one in differing]


def _variability(card: Card) -> str:
    rows = [(e.parameter, f"{e.omega2:g}", _transform(e), _cv(e.omega2, e.transform), e.stated) for e in card.effects]
    covarying = [
        f"{card.effects[j].parameter} and {card.effects[i].parameter}: {card.omega[i][j]:g}"
        for i in range(len(card.effects))
        for j in range(i)
        if card.omega[i][j]
    ]
    said = f"Covariances: {'; '.join(covarying)}." if covarying else "No two of them covary."
    said += (
        " A CV is given as 100 sqrt(exp(variance) − 1)."
        if any(e.transform == "log-normal" for e in card.effects)
        else ""
    )
    return table(("parameter", "variance", "transform", "spread", "as stated"), rows) + "\n\n" + said


def _spread_title(card: Card) -> str:
    return "Variability between patients" if card.spread == "patients" else "How well the mean curve is known"


def _published(card: Card) -> str:
    rows = [(one.name, f"`{one.equation}`", one.stated_unit or one.unit, one.source) for one in card.published]
    said = "The curve that is drawn as the card's own; the equations above are the centre of its posterior."
    return said + "\n\n" + table(("parameter", "equation", "unit", "source"), rows) if rows else ""


def _between(card: Card) -> str:
    rows = [(e.parameter, f"{e.omega2:g}", _cv(e.omega2, e.transform), e.stated) for e in card.between]
    said = (
        "Added to the above wherever one person's curve is meant. The note of the source says whether this was "
        "measured or is assumed."
    )
    return said + "\n\n" + table(("parameter", "variance", "spread", "as stated"), rows) if rows else ""


def _transform(effect: Effect) -> str:
    return effect.transform + ("" if effect.shape is None else f", shape {effect.shape:g}")


def _cv(omega2: float, transform: str) -> str:
    if transform != "log-normal":
        return f"SD {math.sqrt(omega2):.4g}"
    return f"CV {100 * math.sqrt(math.expm1(omega2)):.1f} %"


def _residual(card: Card) -> str:
    parts = [_error(card.residual)]
    parts += [f"Of the {analyte}:\n\n{_error(one)}" for analyte, one in card.residuals.items()]
    return "\n\n".join(parts)


def _error(one: Residual) -> str:
    formula = {
        "sd = a + b f": r"\text{sd}(f) = a + b f",
        "sd2 = a2 + b2 f2": r"\text{sd}(f)^2 = a^2 + b^2 f^2",
        "sd = a + b f**c": r"\text{sd}(f) = a + b f^c",
        "ln y = ln f + e": r"\ln y = \ln f + e, \quad \text{sd}(e) = b",
    }[one.convention]
    values = [f"a = {one.additive_mg_L:g} mg/L"] if one.additive_mg_L else []
    values += [f"b = {one.proportional:.4g}"] if one.proportional else []
    values += [f"c = {one.exponent:g}"] if one.convention == "sd = a + b f**c" else []
    kind = f" (Student-t, {one.nu:g} degrees of freedom)" if one.nu is not None else ""
    return f"$${formula}$$\n\nwith {' and '.join(values)}, at a predicted level f{kind}."


def _examples(card: Card) -> str:
    rows = []
    for one in card.checks:
        given = ", ".join(f"{n} {_value(n, v)}" for n, v in one.given.items())
        found = typical(card, one.given)
        units = {p.name: p.unit for p in card.parameters}
        values = ", ".join(f"{n} = {found[n]:.6g} {units[n]}" for n in one.expect)
        rows.append((given or "anyone", values, f"{one.rtol:g}"))
    said = "Worked by hand; the card is refused when its equations do not give these values."
    return said + "\n\n" + table(("patient", "typical values", "agreement (relative)"), rows) if rows else ""


def _targets(card: Card) -> str:
    rows = [
        (t.metric, f"{t.low:g} to {t.high:g} {t.unit}", ", ".join(x for x in (t.population, t.matrix) if x), t.source)
        for t in card.targets
    ]
    notes = "\n\n".join(f"*{note}*" for note in dict.fromkeys(t.note for t in card.targets if t.note))
    return (table(("metric", "range", "for", "source"), rows) + "\n\n" + notes).strip() if rows else ""


def _dosing(card: Card) -> str:
    one = card.dosing
    if one is None:
        return ""
    rows = [("steps", f"{one.step_mg:g} mg")]
    rows.append(("intervals", ", ".join(f"{i:g}" for i in one.intervals_h) + " h"))
    rows += [("over", f"{one.duration_h:g} h")] if one.duration_h else []
    rows += [("at most", f"{one.max_daily_mg:g} mg/d")] if one.max_daily_mg else []
    rows += [("at most", f"{one.max_daily_mg_per_kg:g} mg/kg/d")] if one.max_daily_mg_per_kg else []
    return table(("route", one.route), [*rows, ("source", one.source)])


def _figure(card: Card) -> str:
    if card.id not in PATIENTS:
        return ""
    said = (
        f"Levels of {PATIENTS[card.id][0]} against the typical patient's prediction, and against the patient's own after "
        "the fit to all of them. The card was estimated from these data, so this shows that card and program fit "
        "together, not how well new patients are predicted. Dashed: 30 % above and below the level."
    )
    return f"![Measured against predicted levels](../figures/{slug(card.id)}.svg)\n\n{said}"


def _value(name: str, value: float | str | bool) -> str:
    if isinstance(value, bool | str):
        return ("yes" if value else "no") if isinstance(value, bool) else value
    return f"{value:g} {_unit(quantity(name).unit)}".strip()


def _limit(value: float | None) -> str:
    return "any" if value is None else f"{value:g}"


def _unit(code: str) -> str:
    return "" if code == "1" else code


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in markdown; a bar within a cell is escaped."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", r"\|") for cell in line) + " |" for line in lines)
