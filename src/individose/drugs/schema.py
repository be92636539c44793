"""A card file to a `Card`: read strictly, checked against the registers, converted to canonical units.

    text --tomllib--> tables --document--> structures --here--> Card (h, mg, L; equations elaborated; omega full)

Whatever is wrong is a `CardError` that names the card and the path in its file.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from individose.base.errors import CardError, IndividoseError
from individose.base.units import factor
from individose.drugs import registers
from individose.drugs.card import (
    Card,
    Constant,
    Dosing,
    Group,
    Parameter,
    Range,
    Source,
    Target,
)
from individose.drugs.dimensions import elaborate
from individose.drugs.document import (
    FORMAT,
    ConstantTable,
    Document,
    DomainTable,
    DosingTable,
    ParameterTable,
    SourceTable,
    SystemTable,
    TargetTable,
    document,
    read,
)
from individose.drugs.examples import check, example, require_grounds
from individose.drugs.expression import substituted
from individose.drugs.grammar import FUNCTIONS, WORDS, names, parse
from individose.drugs.groups import members
from individose.drugs.product import between, product, published
from individose.drugs.references import ordered
from individose.drugs.spelling import listing, suggestion
from individose.drugs.uses import uses
from individose.drugs.variability import check_analytes, check_logits, effects, omega, residual

OFFERED = ("checked", "validated")
"""Grades that are offered; their worked examples must hold."""

METRIC_UNITS = {"trough": "mg/L", "average": "mg/L", "peak": "mg/L", "auc": "mg.h/L"}


def read_card(text: str, origin: str = "the card") -> Card:
    """The card of a TOML text.

    **Arguments:** `origin` names the text in errors until its id is known.

    **Raises:** `CardError`, with the path in the file.
    """
    found = document(text, origin)
    _check_id(found, origin)
    try:
        card = _card(found)
    except CardError:
        raise
    except IndividoseError as error:  # a unit or a covariate of the file is unknown: the card is wrong, not the caller
        stated = error.arrived if error.arrived.startswith(found.id) else f"{found.id}: {error.arrived}"
        raise CardError(stated, error.allowed, error.because or FORMAT, error.remedy) from error
    card = replace(card, digest=hashlib.sha256(text.encode("utf-8")).hexdigest())
    if card.grade in OFFERED:
        for one in (card, *(group.card for group in card.groups)):
            require_grounds(one)
            check(one)
    return card


def _check_id(found: Document, origin: str) -> None:
    drug, slash, author = found.id.partition("/")
    if not (
        slash and drug and author and all(part.replace("_", "").replace("-", "").isalnum() for part in (drug, author))
    ):
        raise CardError(
            f"{origin}: id is '{found.id}'",
            "an id is <drug>/<author><year>",
            "cards are filed as cards/<drug>/<author><year>.toml",
            "Write it as in phenobarbital/grasela1985.",
        )


def _card(found: Document) -> Card:
    """The card; that of the most frequent group, with all groups, where the file has several."""
    groups = tuple(
        Group(row.name, row.probability, replace(_one_card(own), id=f"{found.id}[{row.name}]"), row.source)
        for row, own in members(found)
    )
    if not groups:
        return _one_card(found)
    most = max(groups, key=lambda group: group.probability)
    return replace(most.card, id=found.id, groups=groups)


def _one_card(found: Document) -> Card:
    system = read(found.system, SystemTable, "system", found.id)
    inputs = (system.input,) if isinstance(system.input, str) else tuple(system.input)
    constants = _constants(found)
    parameters = _parameters(found, constants, found.parameters, "parameters", found.auxiliary)
    _check_system(found.id, system, inputs, [one.name for one in parameters if not one.auxiliary])
    used, dosed = uses(found, parameters)
    scales = {p.name: factor(p.stated_unit, p.unit, f"{found.id}: parameters.{p.name}.unit", found.molar_mass_g_mol)
              for p in parameters}  # fmt: skip
    random = effects(found, scales)
    error, errors = residual(found)
    check_logits(found.id, random, parameters)
    check_analytes(found.id, system, errors)
    return Card(
        id=found.id,
        drug=found.id.partition("/")[0],
        title=found.title,
        grade=found.grade,
        disposition=system.disposition,
        inputs=inputs,
        stages=system.stages,
        metabolite=system.metabolite,
        elimination=system.elimination,
        effect=system.effect,
        stiff=system.stiff,
        source=Source(**_fields(read(found.source, SourceTable, "source", found.id))),
        domain=_domain(found),
        covariates=used,
        dosed=dosed,
        constants=constants,
        parameters=parameters,
        effects=random,
        omega=omega(found, random, scales),
        residual=error,
        residuals=errors,
        targets=tuple(_target(found, position) for position in range(len(found.targets))),
        dosing=_dosing(found),
        checks=tuple(example(found, position, scales) for position in range(len(found.checks))),
        revisions=tuple(found.revisions),
        molar_mass_g_mol=found.molar_mass_g_mol,
        grounds=found.grounds,
        spread=found.spread,
        between=between(found, random, scales),
        published=published(found, parameters, _parameters(found, constants, found.published, "published")),
        product=product(found),
    )


def _fields(row: DomainTable | SourceTable | TargetTable | ConstantTable | DosingTable) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__struct_fields__}


def _constants(found: Document) -> dict[str, Constant]:
    for kind, table in (("constant", found.constants), ("auxiliary", found.auxiliary)):
        _check_own_names(found.id, kind, tuple(table), {*(found.constants if kind == "auxiliary" else ())})
    rows = {name: read(row, ConstantTable, f"constants.{name}", found.id) for name, row in found.constants.items()}
    return {name: Constant(**_fields(row)) for name, row in rows.items()}


def _check_own_names(card_id: str, kind: str, names: tuple[str, ...], others: set[str]) -> None:
    taken = {*registers.covariates(), *registers.DOSED, *registers.parameters(), *FUNCTIONS, *WORDS, *others}
    for name in names:
        if name in taken or not (name.isidentifier() and name.isascii()):
            raise CardError(
                f"{card_id}: {'constants' if kind == 'constant' else kind}.{name} is the name of "
                + ("a constant" if kind == "constant" else "an auxiliary quantity"),
                "it needs a name of its own: letters, digits and underscores",
                "covariates, parameters and functions have their names from the registers and the grammar",
                f"Call it {'tv_' if kind == 'constant' else 'own_'}{name.lower()}, or what it stands for.",
            )


def _parameters(
    found: Document,
    constants: Mapping[str, Constant],
    table: Mapping[str, Any],
    where: str,
    shared: Mapping[str, Any] | None = None,
) -> tuple[Parameter, ...]:
    """Those of a table, then the auxiliary ones (`shared`) that they may read."""
    known = {**registers.covariates(), **registers.DOSED}
    numbers = {n: c.unit for n, c in known.items() if c.kind == "continuous"} | {
        n: c.unit for n, c in constants.items()
    }
    categories = {n: c.values for n, c in known.items() if c.kind == "category"}
    booleans = {n for n, c in known.items() if c.kind == "boolean"}
    masses = {n: c.molar_mass_g_mol for n, c in known.items() if c.molar_mass_g_mol is not None}
    rows = [(name, raw, False) for name, raw in table.items()]
    rows += [(name, raw, True) for name, raw in (shared or {}).items()]
    own = {name: _unit(found.id, name, raw) if auxiliary else registers.parameters()[name].unit
           for name, raw, auxiliary in rows if auxiliary or name in registers.parameters()}  # fmt: skip
    numbers |= own
    parameters: list[Parameter] = []
    for name, raw, auxiliary in rows:
        place = "auxiliary" if auxiliary else where
        path = f"{found.id}: {place}.{name}"
        if name not in own:
            raise CardError(
                f"{path} is not a registered parameter",
                f"known are {listing(registers.parameters())}",
                "registers/parameters.toml",
                suggestion(name, registers.parameters()) or "Use one of these names.",
            )
        row = read(raw, ParameterTable, f"{place}.{name}", found.id)
        canonical = own[name]
        form = elaborate(
            parse(row.equation, {*numbers, *categories, *booleans}, f"{path}.equation"),
            numbers,
            canonical,
            parameter=f"{path}.equation",
            categories=categories,
            booleans=booleans,
            molar_masses_g_mol=masses,
            molar_mass_g_mol=found.molar_mass_g_mol,
        )
        expr = substituted(form, {constant: one.value for constant, one in constants.items()})
        meaning = "auxiliary quantity" if auxiliary else registers.parameters()[name].meaning
        uses = tuple(one for one in names(expr) if one in own)
        parameters.append(
            Parameter(name, row.equation, canonical, expr, row.source, row.unit, form, meaning, uses, auxiliary)
        )
    _check_references(found.id, parameters)
    return tuple(parameters)


def _unit(card_id: str, name: str, raw: Any) -> str:
    """The unit of an auxiliary quantity: its own, for no register has another."""
    return read(raw, ParameterTable, f"auxiliary.{name}", card_id).unit


def _check_references(card_id: str, parameters: list[Parameter]) -> None:
    used = {name for one in parameters for name in one.uses}
    idle = [one.name for one in parameters if one.auxiliary and one.name not in used]
    if idle:
        raise CardError(
            f"{card_id}: auxiliary.{idle[0]} is read by no equation",
            "an auxiliary quantity is one that equations share",
            "what nothing reads would be ignored in silence",
            "Remove it, or use its name in an equation.",
        )
    try:
        ordered(parameters)
    except CardError as error:
        raise CardError(f"{card_id}: {error.arrived}", error.allowed, error.because, error.remedy) from error


INPUT_OF_COMPARTMENT = re.compile(r"(F|lag|duration|rate)[1-9]|ka[1-9]")
"""Parameters of the input into one compartment, by NONMEM's number, and of one of several depots."""


def _check_system(card_id: str, system: SystemTable, inputs: tuple[str, ...], given: list[str]) -> None:
    disposition, parts = system.disposition, []
    for path, word, known in (
        ("system.disposition", disposition, registers.dispositions()),
        *((("system.metabolite", system.metabolite, registers.metabolites()),) if system.metabolite else ()),
        *(("system.input", word, registers.inputs()) for word in inputs),
        ("system.elimination", system.elimination, registers.eliminations()),
        *((("system.effect", system.effect, registers.effects()),) if system.effect else ()),
    ):
        if word not in known:
            raise CardError(
                f"{card_id}: {path} is '{word}'",
                f"known are {listing(known)}",
                "registers/systems.toml",
                suggestion(word, known) or "Use one of these words.",
            )
        parts.append(known[word])
    allowed: set[str] = set()
    spared = {name for part in parts for name in part.spares}
    for part in parts:
        full = [one for one in part.parameterisations if set(one) - spared <= set(given)]
        if not full:
            choices = " or ".join(listing(one) for one in part.parameterisations)
            nearest = min(part.parameterisations, key=lambda one: len(set(one) - spared - set(given)))
            raise CardError(
                f"{card_id}: parameters are {listing(given)}",
                f"{part.name} needs {choices}",
                "registers/systems.toml",
                f"Add an equation for {listing(name for name in nearest if name not in {*given, *spared})}.",
            )
        allowed |= {*max(full, key=lambda one: (len(set(one) & set(given)), len(one))), *part.optional}
    ways = [word for word in inputs if word not in ("bolus", "infusion")]
    shares = [name for name in given if re.fullmatch(r"F[1-9]", name)]
    if len(ways) > 1 and len(shares) < len(ways) - 1:
        raise CardError(
            f"{card_id}: a dose comes in by {listing(ways)}, and {listing(shares) or 'no fraction'} is given",
            f"fractions for at least {len(ways) - 1} of them, numbered by compartment (F1, F2)",
            "without them each way would get the whole dose",
            "Add an equation for the fractions; those of one dose add up to what arrives of it.",
        )
    stages = {f"k{i + 1}" for i in range(system.stages)} if "chain" in inputs else set[str]()
    spare = [name for name in given if name not in allowed | stages and not INPUT_OF_COMPARTMENT.fullmatch(name)]
    if spare:
        raise CardError(
            f"{card_id}: parameters.{spare[0]} has no place in the system {disposition} with {listing(inputs)}",
            f"its parameters are {listing(sorted(allowed))}",
            "registers/systems.toml",
            f"Remove {spare[0]}, or name the system that has it.",
        )


def _domain(found: Document) -> dict[str, Range]:
    domain: dict[str, Range] = {}
    for name, raw in found.domain.items():
        path = f"{found.id}: domain.{name}"
        row = read(raw, DomainTable, f"domain.{name}", found.id)
        if name not in registers.covariates():
            raise CardError(
                f"{path} is not a registered covariate",
                f"known are {listing(registers.covariates())}",
                "registers/covariates.toml",
                suggestion(name, registers.covariates()) or "Use one of these names, or register the covariate.",
            )
        covariate = registers.covariates()[name]
        if covariate.kind != "continuous":
            for value in row.values:
                covariate.code(value)
            domain[name] = Range(values=tuple(row.values), source=row.source)
            continue
        scale = factor(row.unit, covariate.unit, path, covariate.molar_mass_g_mol)
        low, high, absurd_below, absurd_above = (
            None if limit is None else limit * scale for limit in (row.min, row.max, row.absurd_below, row.absurd_above)
        )
        absurd_below = covariate.low if absurd_below is None else absurd_below
        absurd_above = covariate.high if absurd_above is None else absurd_above
        ordered = [limit for limit in (absurd_below, low, high, absurd_above) if limit is not None]
        if (row.min is None and row.max is None and not row.values) or ordered != sorted(ordered):
            raise CardError(
                f"{path} is {row.min} to {row.max} {row.unit}",
                f"min <= max, within {absurd_below} to {absurd_above} {covariate.unit}",
                f"the card's absurd limits, or the register's ({covariate.source})",
                "Check the numbers and their unit.",
            )
        values = tuple(row.values)
        domain[name] = Range(low, high, covariate.unit, values, row.source, absurd_below, absurd_above)
    return domain


def _target(found: Document, position: int) -> Target:
    path = f"targets[{position}]"
    row = read(found.targets[position], TargetTable, path, found.id)
    unit = METRIC_UNITS[row.metric]
    scale = factor(row.unit, unit, f"{found.id}: {path}", found.molar_mass_g_mol)
    low, high, best = row.low * scale, row.high * scale, None if row.best is None else row.best * scale
    if not 0.0 <= low < high or (best is not None and not low <= best <= high):
        raise CardError(
            f"{found.id}: {path} is {row.low} to {row.high} {row.unit}, best {row.best}",
            "0 <= low < high, and best between them",
            "a target is a range",
            "Check the numbers.",
        )
    return Target(**_fields(row) | {"low": low, "high": high, "best": best, "unit": unit})


def _dosing(found: Document) -> Dosing | None:
    if found.dosing is None:
        return None
    row = read(found.dosing, DosingTable, "dosing", found.id)
    caps = [cap for cap in (row.max_daily_mg, row.max_daily_mg_per_kg) if cap is not None]
    if not row.intervals_h or min(row.step_mg, *row.intervals_h, *caps) <= 0.0 or row.duration_h < 0.0:
        raise CardError(
            f"{found.id}: dosing has the step {row.step_mg} mg and the intervals {row.intervals_h} h",
            "a step, intervals and caps > 0, a duration >= 0",
            "doses are searched over these",
            "Correct the numbers.",
        )
    settings: dict[str, Any] = _fields(row)
    settings["intervals_h"] = tuple(row.intervals_h)
    return Dosing(**settings)
