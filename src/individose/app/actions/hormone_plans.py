"""A plan's document becomes domain records: one clock in hours, amounts in mg, levels in mg/L."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from individose.app.actions.hormone import product_card
from individose.app.schemas.clock import clock
from individose.app.schemas.faults import parse, validate
from individose.app.schemas.hormone import BaselineEntry, CourseEntry, HormoneDocument, StartEntry, TestEntry
from individose.app.schemas.hormone_text import document_of
from individose.base import InputError, UnitError
from individose.base.units import factor
from individose.drugs import Card, Endogenous, Product
from individose.events import Course, Level, Plan
from individose.prediction import Body, Start

DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
"""A date without its hour."""

NOON = "T12:00"


@dataclass(frozen=True)
class HormonePlan:
    """A plan with its blood tests; `begins` is the date-time of 0 h, where the document has dates."""

    id: str
    plan: Plan
    levels: tuple[Level, ...]
    body: Body
    begins: datetime | None
    notes: tuple[str, ...]
    document: HormoneDocument

    def when(self, time_h: float) -> str:
        """A time for people: a date-time where there are dates, days otherwise."""
        if self.begins is None:
            return f"{time_h / 24.0:.4g} d"
        return (self.begins + timedelta(hours=round(time_h, 2))).isoformat(sep=" ", timespec="minutes")


def read_plan(source: str | Path | dict[str, Any], horizon: float | str | None = None) -> HormonePlan:
    """A plan of the format `hormone/1`.

    **Arguments:** `source` is the path of a .json file, its text, the document, or a plan in words
    (`app.schemas.hormone_text`); `horizon` takes the place of the document's.

    **Raises:** `InputError` with the path in the document; `UnitError` for a unit that cannot be converted.
    """
    written = source if isinstance(source, dict) else _written(source)
    if horizon is not None:
        written = {**written, "horizon": horizon}
    document = validate(HormoneDocument, written, "hormone/1")
    times = dict(_times(document))
    noon = [place for place, time in times.items() if isinstance(time, str) and DATE.fullmatch(time)]
    read = clock({p: f"{t}{NOON}" if p in noon else t for p, t in times.items()}, document.time_unit)
    begins = _begin(times, read.hours)
    courses = [c for i, one in enumerate(document.courses) for c in _courses(one, f"courses[{i}]", read.hours)]
    _in_order(document, read.hours)
    plan = Plan(tuple(courses), read.hours.get("horizon", _end(courses)))
    molar = product_card(plan.products[0]).molar_mass_g_mol
    levels = tuple(_level(one, f"levels[{i}]", read.hours, molar) for i, one in enumerate(document.levels))
    notes = (
        *read.notes,
        *((f"A date without hour ({noon[0]}) is taken as noon.",) if noon else ()),
        *_at_once(courses),
    )
    return HormonePlan(document.id, plan, levels, _body(document, molar), begins, notes, document)


def _written(source: str | Path) -> dict[str, Any]:
    text = str(source)
    if text.lstrip()[:1] == "{":
        return parse(text, "the plan")
    if not text.endswith(".json"):
        return document_of(text)
    try:
        return parse(Path(text).read_text(encoding="utf-8-sig"), f"the plan {Path(text).name}")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"the plan {text} cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8 text'}",
            "a path of a JSON file, or a plan in words",
            remedy="Check the path.",
        ) from None


def _times(document: HormoneDocument) -> Iterator[tuple[str, float | str]]:
    for i, one in enumerate(document.courses):
        place = f"courses[{i}]"
        if (one.start is None) == (not one.times):
            raise InputError(
                f"{place} gives {'both start and times' if one.times else 'neither start nor times'}",
                "one of the two",
                "hormone/1: a course is given from a start on, or at stated times",
                "Give one.",
            )
        yield from ((f"{place}.times[{k}]", time) for k, time in enumerate(one.times))
        yield from ((f"{place}.moved[{k}].to", move.to) for k, move in enumerate(one.moved))
        yield from (
            (f"{place}.{name}", time) for name in ("start", "until") if (time := getattr(one, name)) is not None
        )
    yield from ((f"levels[{i}].time", one.time) for i, one in enumerate(document.levels))
    if document.horizon is not None:
        yield "horizon", document.horizon


def _in_order(document: HormoneDocument, hours: Mapping[str, float]) -> None:
    """Refuses a course that ends before it begins, and a plan that ends before its first dose."""
    starts: list[tuple[float, float | str]] = []
    for i, one in enumerate(document.courses):
        place = f"courses[{i}]"
        starts += [(hours[f"{place}.times[{k}]"], time) for k, time in enumerate(one.times)]
        if one.start is None:
            continue
        starts.append((hours[f"{place}.start"], one.start))
        if one.until is not None and hours[f"{place}.until"] < hours[f"{place}.start"]:
            raise InputError(
                f"{place} begins at {one.start} and is given until {one.until}",
                "an end after the beginning",
                "no dose is given after `until`",
                "Exchange the two, or correct one.",
            )
    first, said = min(starts, key=lambda one: one[0])
    if document.horizon is not None and hours["horizon"] < first:
        raise InputError(
            f"the plan ends at {document.horizon}, and its first dose is given at {said}",
            "an end after the first dose",
            "levels are followed from the first dose to the end of the plan (--until, or `horizon`)",
            "Move the end, or correct the date of the dose.",
        )


def _at_once(courses: Sequence[Course]) -> Iterator[str]:
    """That patches overlap, which may be meant and may be a slip."""
    for one in courses:
        count = math.ceil(one.worn_h / one.interval_h * (1 - 1e-12)) if one.interval_h > 0 else 1
        if count > 1:
            yield (
                f"{one.product} is worn {one.worn_h / 24:.4g} d and a new one put on every {one.interval_h / 24:.4g} d: "
                f"{count} are worn at once."
            )


def _begin(times: dict[str, float | str], hours: Any) -> datetime | None:
    for place, time in times.items():
        if isinstance(time, str):
            return datetime.fromisoformat(f"{time}{NOON}" if DATE.fullmatch(time) else time) - timedelta(
                hours=hours[place]
            )
    return None


def _courses(one: CourseEntry, place: str, hours: Any) -> Iterator[Course]:
    product = _product(product_card(one.product))
    scale = _scale(product, one.unit, f"{place}.unit")
    worn_h = product.worn_h if one.worn is None else one.worn * factor(one.worn_unit, "h", f"{place}.worn_unit")
    if one.worn is not None and product.form != "patch":
        raise InputError(
            f"{place}.worn is {one.worn:g} {one.worn_unit}",
            "only a patch is worn",
            f"{product.name} is given as an injection and stays",
            "Leave it out.",
        )
    if one.times:
        if one.every or one.count or one.until or one.missed or one.moved or one.steady_state or one.first_amounts:
            raise InputError(
                f"{place} gives times, and says how they repeat",
                "times alone",
                "hormone/1: a course is given at stated times, or repeated from a start on",
                "Leave out the times that were missed, and correct those that were moved.",
            )
        for k in range(len(one.times)):
            yield Course(product.name, one.amount * scale, hours[f"{place}.times[{k}]"], worn_h=worn_h)
        return
    yield Course(
        product.name,
        one.amount * scale,
        hours[f"{place}.start"],
        0.0 if one.every is None else one.every * factor(one.every_unit, "h", f"{place}.every_unit"),
        one.count,
        hours.get(f"{place}.until"),
        worn_h,
        one.steady_state,
        tuple(x * scale for x in one.first_amounts),
        frozenset(one.missed),
        {move.dose: hours[f"{place}.moved[{k}].to"] for k, move in enumerate(one.moved)},
    )


def _product(card: Card) -> Product:
    assert card.product is not None
    return card.product


def _scale(product: Product, unit: str, what: str) -> float:
    try:
        return factor(unit, product.unit, what) * product.mg_per_unit
    except UnitError as error:
        raise UnitError(
            error.arrived,
            f"a dose of {product.name} is written in {product.unit}",
            "the label of the product" if product.form == "patch" else "the amount of the ester",
            f"Write it in {product.unit}.",
        ) from None


def _end(courses: list[Course]) -> float:
    """One interval after the last dose, or 28 d of a course that goes on without end."""
    ends: list[float] = []
    for one in courses:
        last = one.start_h + ((one.count or 1) - 1) * one.interval_h
        if one.interval_h > 0 and one.count is None:
            last = one.until_h if one.until_h is not None else one.start_h + max(28.0 * 24.0, 4 * one.interval_h)
        ends.append(max(last, *one.moved_h.values(), last) + (one.interval_h or 28.0 * 24.0))
    return max(ends)


def _level(one: TestEntry, place: str, hours: Any, molar: float | None) -> Level:
    if one.below_limit and one.above_limit:
        raise InputError(f"{place} is below and above a limit", "one of the two", remedy="Correct it.")
    value = one.value * factor(one.unit, "mg/L", f"{place}.unit", molar)
    censoring = "below" if one.below_limit else "above" if one.above_limit else "none"
    return Level(hours[f"{place}.time"], value, censoring=censoring)


def _body(document: HormoneDocument, molar: float | None) -> Body:
    return Body(_endogenous(document.baseline, molar), _start(document.start_level, molar))


def _endogenous(one: BaselineEntry | None, molar: float | None) -> Endogenous | None:
    if one is None:
        return None
    return Endogenous(one.value * factor(one.unit, "mg/L", "baseline.unit", molar), one.sd_log)


def _start(one: StartEntry | None, molar: float | None) -> Start | None:
    if one is None:
        return None
    half_life_h = one.half_life * factor(one.half_life_unit, "h", "start_level.half_life_unit")
    return Start(one.value * factor(one.unit, "mg/L", "start_level.unit", molar), half_life_h)
