"""Which covariate values hold on which segment, and whether the card was built on such patients."""

from __future__ import annotations

import numpy as np

from individose.base import DomainError, InputError, Notice
from individose.drugs import Card, CovariateUse, covariate
from individose.events import Reading
from individose.prediction.slopes import Course, along
from individose.prediction.timeline import Timeline

Values = dict[str, np.ndarray]
"""Covariate name to one number for each segment (or one that serves all); categories by their code."""


def segment_values(card: Card, line: Timeline, *, extrapolate: bool) -> tuple[Values, tuple[Notice, ...]]:
    """The covariates that a card reads, by segment, with a notice for each that lies outside its domain.

    **Raises:** `InputError` for a covariate that is missing or no human being has, `DomainError` for one outside the
    card's domain unless `extrapolate`.
    """
    values: Values = {}
    notices: list[Notice] = []
    for use in card.covariates:
        known = _known(card, line, use)
        found = _carried(line, use, known)
        reached = [value for _, value in known] if use.carry == "linear" else found
        notices.extend(_within_domain(card, use.name, reached, extrapolate))
        values[use.name] = np.array(found)
    for use in card.dosed:
        known = [(i, float(r.values[use.name])) for i, r in enumerate(line.readings) if use.name in r.values]
        values[use.name] = np.array(_carried(line, use, known))
    notices.extend(_beyond_equations(card, line, extrapolate))
    if all(np.all(v == v[0]) for v in values.values()):
        values = {name: v[:1] for name, v in values.items()}
    return values, tuple(notices)


def _known(card: Card, line: Timeline, use: CovariateUse) -> list[tuple[int, float]]:
    """Readings of a covariate: position among all readings, and value; at least one."""
    known = [(i, _number(use.name, reading)) for i, reading in enumerate(line.readings) if use.name in reading.values]
    if not known:
        entry = covariate(use.name)
        aliases = f" (column {' or '.join(entry.aliases)})" if entry.aliases else ""
        raise InputError(
            f"{use.name} is missing",
            f"{card.id} needs it{'' if entry.unit == '1' else f', in {entry.unit}'}{aliases}",
            f"its equations read {use.name}",
            "Add it; individose never fills in a covariate by itself.",
        )
    return known


def _carried(line: Timeline, use: CovariateUse, known: list[tuple[int, float]]) -> list[float]:
    if all(value == known[0][1] for _, value in known):
        return [known[0][1]] * len(line.ends)
    if use.carry == "backward":
        return [next((v for i, v in known if i >= end), known[-1][1]) for end in line.ends]
    if use.carry == "linear":
        course = Course([line.read_h[i] for i, _ in known], [value for _, value in known])
        return along(course, line.restarts_h, line.moments_h).tolist()
    return [next((v for i, v in reversed(known) if i < begin), known[0][1]) for begin in line.begins]


def _number(name: str, reading: Reading) -> float:
    value = reading.values[name]
    entry = covariate(name)
    entry.check(value)
    return entry.code(value)


def _beyond_equations(card: Card, line: Timeline, extrapolate: bool) -> list[Notice]:
    """Covariates that bound the card's population though no equation reads them: held where known, said where not."""
    notices: list[Notice] = []
    read = {use.name for use in card.covariates}
    for name in card.domain:
        if name in read:
            continue
        known = [_number(name, reading) for reading in line.readings if name in reading.values]
        if known:
            notices.extend(_within_domain(card, name, known, extrapolate))
        else:
            said = f"{name} was not given, so it is not known whether {card.id} covers this patient."
            notices.append(Notice("domain-unknown", said, "caution"))
    return notices


def _within_domain(card: Card, name: str, values: list[float], extrapolate: bool) -> list[Notice]:
    allowed = card.domain.get(name)
    if allowed is None:
        return []
    entry = covariate(name)
    unit = entry.unit
    if allowed.values:
        return _among(card, name, values, extrapolate)
    low, high = allowed.min, allowed.max
    _refuse_absurd(card, name, values)
    outside = [v for v in values if (low is not None and v < low) or (high is not None and v > high)]
    if not outside:
        return []
    shown = "" if unit == "1" else f" {unit}"
    arrived = f"{name} is {outside[0]:g}{shown}"
    limits = f"{card.id} was built on {_range(low, high)}{shown}"
    return [_outside(card, name, arrived, limits, extrapolate)]


def _outside(card: Card, name: str, arrived: str, limits: str, extrapolate: bool) -> Notice:
    """The refusal of a value outside the domain, or the warning that an extrapolation carries."""
    if not extrapolate:
        raise DomainError(
            arrived,
            limits,
            card.domain[name].source or f"domain of the card: {card.source.citation}",
            "Pick a card that covers this patient, or pass extrapolate=True (--extrapolate) and the report will carry "
            "the warning.",
        )
    return Notice("outside-domain", f"{arrived}; {limits}. The estimate is an extrapolation.", "warning")


def _among(card: Card, name: str, values: list[float], extrapolate: bool) -> list[Notice]:
    """A category or yes-no covariate against the values that the card was built on."""
    entry, allowed = covariate(name), card.domain[name]
    codes = {entry.code(value): value for value in allowed.values}
    strange = [value for value in values if value not in codes]
    if not strange:
        return []
    labels = {float(i): label for i, label in enumerate(entry.values)} or {0.0: "no", 1.0: "yes"}
    arrived = f"{name} is {labels.get(strange[0], strange[0])}"
    limits = f"{card.id} was built on {' or '.join(str(value) for value in allowed.values)}"
    return [_outside(card, name, arrived, limits, extrapolate)]


def _refuse_absurd(card: Card, name: str, values: list[float]) -> None:
    """Values that no patient of this kind has: not even an extrapolation, but a slip of number or unit."""
    allowed, entry = card.domain[name], covariate(name)
    low, high = allowed.absurd_below, allowed.absurd_above
    for value in values:
        if (low is not None and value < low) or (high is not None and value > high):
            raise DomainError(
                f"{name} is {value:g} {entry.unit}".removesuffix(" 1"),
                f"no patient of the kind of {card.id} has less than {low:g} or more than {high:g}"
                if low is not None and high is not None
                else f"patients of the kind of {card.id} lie within {_range(low, high)}",
                f"absurd limits of the card; it was built on {_range(allowed.min, allowed.max)}",
                "Check the number and its unit, or pick a card that covers this patient.",
            )


def _range(low: float | None, high: float | None) -> str:
    if low is None:
        return f"at most {high:g}"
    return f"at least {low:g}" if high is None else f"{low:g}-{high:g}"
