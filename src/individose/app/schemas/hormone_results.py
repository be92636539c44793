"""The JSON that `individose hormone` writes: a curve with its band, quantities, and regimens for what is wanted."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from individose import __version__
from individose.app.actions.hormone import BASES, Curve
from individose.app.actions.hormone_plans import HormonePlan
from individose.app.actions.hormone_quantities import Quantities
from individose.app.report.hormone import dose_text, product, scale
from individose.app.schemas.estimate import Finite, NoticeEntry, Part
from individose.app.schemas.hormone import HormoneDocument
from individose.base import Notice
from individose.dosing import Option, Options
from individose.inference import Estimate

DAY_H = 24.0


class DoseRow(Part):
    """One dose of the plan."""

    time_d: Finite
    product: str
    amount: Finite
    unit: str
    text: str


class CurveResult(Part):
    """Level over time in `unit`: at the point values (or of the fitted person), and the band of the draws around it."""

    time_d: tuple[Finite, ...]
    level: tuple[Finite, ...]
    low: tuple[Finite, ...]
    median: tuple[Finite, ...]
    high: tuple[Finite, ...]
    probability: Finite


class QuantityResult(Part):
    """A quantity at the point values (or of the fitted person), with the interval and median of the draws."""

    value: Finite
    low: Finite
    median: Finite
    high: Finite
    unit: str


class RegimenResult(Part):
    """A regimen, with what it comes to at steady state."""

    product: str
    amount: Finite
    unit: str
    every_d: Finite
    worn_d: Finite
    probability: Annotated[Finite, Field(description="That all that is wanted holds.")]
    below: Finite
    above: Finite
    over_peak: Finite
    exposure: dict[str, dict[str, Finite]]


class HormoneResultDocument(Part):
    """Result of `individose hormone ... --json`. Research and education; no advice for a person."""

    format: Literal["hormone-result/1"] = "hormone-result/1"
    program: str
    cards: tuple[str, ...]
    basis: Annotated[str, Field(description="mean curve, person or fitted: what a band stands for.")]
    meaning: str
    unit: str
    plan: HormoneDocument
    begins: Annotated[str | None, Field(description="Date-time of 0 d, where the plan has dates.")]
    doses: tuple[DoseRow, ...]
    curve: CurveResult | None = None
    window_d: tuple[Finite, Finite] | None = None
    quantities: dict[str, QuantityResult] | None = None
    regimens: tuple[RegimenResult, ...] | None = None
    sentence: str | None = None
    warnings: tuple[NoticeEntry, ...]


def hormone_document(
    asked: HormonePlan,
    unit: str,
    *,
    cards: tuple[str, ...],
    basis: str,
    curve: Curve | None = None,
    quantities: Quantities | None = None,
    options: Options | None = None,
    notices: tuple[Notice, ...] = (),
) -> HormoneResultDocument:
    """What was found for a plan, as its document; levels in `unit`, times in days."""
    by = scale(unit)
    meaning: dict[str, str] = {**BASES}
    notes = tuple(Notice("as-understood", note, "note") for note in asked.notes)
    return HormoneResultDocument(
        program=f"individose {__version__}",
        cards=cards,
        basis=basis,
        meaning=meaning[basis],
        unit=unit,
        plan=asked.document,
        begins=None if asked.begins is None else asked.begins.isoformat(),
        doses=tuple(
            DoseRow(
                time_d=g.dose.time_h / DAY_H,
                product=g.product,
                amount=g.dose.amount_mg / product(g.product).mg_per_unit,
                unit=product(g.product).unit,
                text=dose_text(g),
            )
            for g in asked.plan.given()
        ),
        curve=None if curve is None else _curve(curve, by),
        window_d=None if quantities is None else (quantities.start_h / DAY_H, quantities.end_h / DAY_H),
        quantities=None if quantities is None else quantity_rows(quantities, unit),
        regimens=None if options is None else tuple(_regimen(one, by) for one in options.found),
        sentence=None if options is None else options.sentence,
        warnings=tuple(NoticeEntry(code=n.code, grade=n.grade, sentence=n.sentence) for n in (*notes, *notices)),
    )


def _curve(found: Curve, by: float) -> CurveResult:
    columns = {
        name: tuple((getattr(found, field) * by).tolist())
        for name, field in (("level", "published"), ("low", "low"), ("median", "median"), ("high", "high"))
    }
    return CurveResult(time_d=tuple((found.times_h / DAY_H).tolist()), probability=found.probability, **columns)


def quantity_rows(found: Quantities, unit: str) -> dict[str, QuantityResult]:
    """Every quantity in `unit`, areas in `unit`.d, times in d."""
    rows: dict[str, QuantityResult] = {}
    for name, one in found.found.items():
        by, said = _in(one, unit)
        values = (one.value, one.low, found.medians[name], one.high)
        value, low, median, high = (x * by for x in values)
        rows[name] = QuantityResult(value=value, low=low, median=median, high=high, unit=said)
    return rows


def _in(one: Estimate, unit: str) -> tuple[float, str]:
    by = scale(unit)
    return {"mg/L": (by, unit), "mg.h/L": (by / DAY_H, f"{unit}.d"), "h": (1 / DAY_H, "d")}[one.unit]


def _regimen(one: Option, by: float) -> RegimenResult:
    kind = product(one.regimen.product)
    return RegimenResult(
        product=one.regimen.product,
        amount=one.regimen.amount_mg / kind.mg_per_unit,
        unit=kind.unit,
        every_d=one.regimen.interval_h / DAY_H,
        worn_d=one.regimen.worn_h / DAY_H,
        probability=one.probability,
        below=one.below,
        above=one.above,
        over_peak=one.over,
        exposure={
            name: {"value": e.value * by, "low": e.low * by, "high": e.high * by} for name, e in one.exposure.items()
        },
    )
