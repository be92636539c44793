"""A plan's curve as a picture, in the unit that is asked for: for the terminal and for SVG."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from individose.app.actions.estimate import LevelRow
from individose.app.actions.hormone import Curve, product_card
from individose.app.report.notation import given
from individose.app.report.picture import Band, Picture, Point
from individose.base.units import factor
from individose.drugs import Product
from individose.events import Given, Level

UNITS = ("pg/mL", "pmol/L")
"""Units in which laboratories report estradiol."""


def scale(unit: str) -> float:
    """What turns mg/L into `unit` (UCUM), by the molar mass of estradiol where it is one of amount."""
    return factor("mg/L", unit, "unit", product_card("EV").molar_mass_g_mol)


def product(name: str) -> Product:
    """How a product is dosed."""
    found = product_card(name).product
    assert found is not None
    return found


def dose_text(one: Given) -> str:
    """A dose as its label has it: `5 mg EV`, `100 ug/d patch-tw`."""
    kind = product(one.product)
    return f"{given(one.dose.amount_mg / kind.mg_per_unit)} {kind.unit} {one.product}"


def hormone_picture(
    found: Curve,
    unit: str,
    levels: Sequence[Level] = (),
    target: tuple[float, float] | None = None,
) -> Picture:
    """The curve, its band and median, the blood tests, doses and a wanted range (in `unit`)."""
    times = found.times_h
    by = scale(unit)
    start, end = float(times.min()), float(times.max())
    doses = [one for one in found.plan.given() if start <= one.dose.time_h <= end]
    own, middle = found.published * by, found.median * by
    points = tuple(
        Point(
            LevelRow(
                one.time_h,
                float(f"{one.value_mg_L * by:.4g}"),
                *(float(np.interp(one.time_h, times, c)) for c in (middle, own)),
            ),
            one.censoring,
        )
        for one in levels
        if start <= one.time_h <= end
    )
    high = found.high * by
    top = max(float(own.max()), min(float(high.max()), 2.5 * float(own.max())), *(p.row.observed for p in points), 1e-9)
    band = None if target is None else Band(*target, f"wanted {given(target[0])} to {given(target[1])}")
    return Picture(
        time_h=times.tolist(),
        typical=middle.tolist(),
        individual=own.tolist(),
        low=(found.low * by).tolist(),
        high=high.tolist(),
        points=points,
        doses=tuple(one.dose for one in doses),
        target=band,
        start_h=start,
        end_h=end,
        top=1.04 * max(top, target[1] if target else 0.0),
        interval=f"{100 * found.probability:g} %, {'this person' if found.basis == 'fitted' else _whose(found)}",
        unit=unit,
        own="this person" if found.basis == "fitted" else "published curve",
        other="median",
        labels=tuple(dose_text(one) for one in doses),
    )


def _whose(found: Curve) -> str:
    return "the mean curve" if found.basis == "mean curve" else "a person of whom nothing is known"
