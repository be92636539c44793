"""The twelve patch series under model (b): drawn where the reference data lie beside the checkout, and kept.

python -m docs.figures.patches       samples the posterior and writes patches.svg beside this file
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import numpy as np
from benchmarks.generative import MODEL, NAMES, TABLE, WORN_D, page, published_series

from individose.app.actions.series import Series, observations
from individose.app.report.scale import Scale, level_scale, tick_texts
from individose.app.report.svg import BLUE, FAINT, GREY, INK, VERMILLION, drawing, element, label, polyline
from individose.events import Dose
from individose.inference.generative import Chains, Posterior, SeriesWeight, sample, weights
from individose.kinetics import compose
from individose.prediction.curves import drawn

HERE = Path(__file__).resolve().parent
DAYS = np.linspace(0.0, 5.0, 126)
PUBLISHED = {"d": 16.792, "k1": 0.283, "k2": 5.592, "k3": 4.3}
"""estrannaise.js 0.4.0, patches twice weekly."""
COLUMNS, WIDE, HIGH, LEFT, TOP, GAP_X, GAP_Y, SIZE = 3, 240.0, 150.0, 52.0, 74.0, 46.0, 62.0, 12.0


def patches() -> str:
    """Levels, and what the model expects of them, series by series."""
    rows = published_series()
    series = [Series(n, study, (Dose(0.0, mcg, removed_after_h=WORN_D),), t, x) for n, study, mcg, t, x in rows]
    system = compose("one_compartment", ("chain",), ("k", "V", "k1", "k2"), stages=2)
    seen = observations(system, series, parameters=NAMES, unit="pg/mL", named=page)
    found = sample(MODEL, seen, Chains())
    unit = Series("unit", "unit", (Dose(0.0, 1.0, removed_after_h=WORN_D),), tuple(DAYS), (1.0,) * len(DAYS))
    dense = observations(system, [unit], parameters=NAMES, unit="pg/mL", named=page)
    row = jax.tree.map(lambda x: x[0], dense.designs)
    curves = np.asarray(drawn(dense.curve, found.parameters, row))[:, : len(DAYS)]
    published = np.asarray(dense.level_curves(PUBLISHED))
    told = weights(found)
    lines = -(-len(series) // COLUMNS)
    width = LEFT + COLUMNS * (WIDE + GAP_X)
    height = TOP + lines * (HIGH + GAP_Y) + 6.0
    parts = [
        label(
            "Estradiol under a patch worn for 3.5 days: twelve published series", LEFT, 22, SIZE + 4, font_weight="bold"
        ),
        *_key(LEFT, 44.0),
    ]
    names = [_name(one) for one in _labels()]
    for i, (one, weight) in enumerate(zip(series, told, strict=True)):
        x0, y0 = LEFT + (i % COLUMNS) * (WIDE + GAP_X), TOP + (i // COLUMNS) * (HIGH + GAP_Y)
        parts += _panel(found, i, one, weight, names[i], curves, published, x0, y0)
    said = (
        "Dots: mean levels. Band: 90 % of what the model expects of a level; line: its median. Dashed: the published curve "
        "times the dose. The series in red is the one that the model takes for a strange one."
    )
    return drawing("patches", "Levels under patches and the model's predictions", said, width, height, *parts)


def _labels() -> list[tuple[str, str, str]]:
    import csv

    with TABLE.open(newline="") as file:
        table = list(csv.DictReader(file))
    first = {row["series"]: row for row in reversed(table)}
    order = list(dict.fromkeys(row["series"] for row in table))
    return [(first[n]["ester"], first[n]["dose_mcg_per_day"], first[n]["n"]) for n in order]


def _name(label_: tuple[str, str, str]) -> str:
    product, mcg, n = label_
    return f"{product.partition('(')[2].rstrip(')')} {mcg} µg/d, n = {n}"


def _key(x: float, y: float) -> list[str]:
    return [
        element("circle", cx=x + 4, cy=y - 4, r=3.4, fill=INK),
        label("mean level", x + 14, y, SIZE),
        element("rect", x=x + 100, y=y - 10, width=22, height=12, fill=BLUE, fill_opacity=0.22),
        element("line", x1=x + 100, x2=x + 122, y1=y - 4, y2=y - 4, stroke=BLUE, stroke_width=2),
        label("expected: median, 90 % of levels", x + 130, y, SIZE),
        element(
            "line", x1=x + 336, x2=x + 360, y1=y - 4, y2=y - 4, stroke=GREY, stroke_width=1.5, stroke_dasharray="5 4"
        ),
        label("published curve × dose", x + 368, y, SIZE),
        element("rect", x=x + 520, y=y - 10, width=22, height=12, fill=VERMILLION, fill_opacity=0.22),
        label("strange series", x + 550, y, SIZE),
    ]


def _panel(
    found: Posterior,
    i: int,
    one: Series,
    weight: SeriesWeight,
    name: str,
    curves: np.ndarray,
    published: np.ndarray,
    x0: float,
    y0: float,
) -> list[str]:
    mcg = one.doses[0].amount_mg
    middle = found.flat("baseline")[:, [i]] + found.flat("weight")[:, [i]] * mcg * curves
    noise = np.random.default_rng(i).normal(size=middle.shape)
    low, high = np.quantile(middle + found.flat("sigma")[:, None] * noise, [0.05, 0.95], axis=0)
    line = np.median(middle, axis=0)
    top = max(max(one.levels), float(high.max()), float((published * mcg).max()))
    x = Scale(0.0, 5.0, x0, x0 + WIDE, 1.0)
    y = level_scale(top, y0 + HIGH, y0, count=4)
    colour = VERMILLION if weight.strange > 0.5 else BLUE
    parts: list[str] = []
    for tick, text in zip(y.ticks, tick_texts(y), strict=True):
        parts.append(element("line", x1=x.start, x2=x.end, y1=y.place(tick), y2=y.place(tick), stroke=FAINT))
        parts.append(label(text, x.start - 6, y.place(tick) + 0.35 * SIZE, SIZE, text_anchor="end"))
    for tick, text in zip(x.ticks, tick_texts(x), strict=True):
        parts.append(label(text, x.place(tick), y.start + 5 + SIZE, SIZE, text_anchor="middle"))
    band = [(x.place(t), y.place(max(v, 0.0))) for t, v in zip(DAYS, low, strict=True)]
    band += [(x.place(t), y.place(v)) for t, v in zip(DAYS[::-1], high[::-1], strict=True)]
    parts.append(element("path", d=polyline(band) + "Z", fill=colour, fill_opacity=0.22))
    for values, style in (
        (published * mcg, {"stroke": GREY, "stroke_width": 1.5, "stroke_dasharray": "5 4"}),
        (line, {"stroke": colour, "stroke_width": 2.0}),
    ):
        places: Any = [(x.place(t), y.place(v)) for t, v in zip(DAYS, values, strict=True)]
        parts.append(element("path", d=polyline(places), fill="none", **style))
    parts += [
        element("circle", cx=x.place(t), cy=y.place(v), r=2.8, fill=INK)
        for t, v in zip(one.times, one.levels, strict=True)
    ]
    parts.append(element("line", x1=x.start, x2=x.end, y1=y.start, y2=y.start, stroke=INK))
    parts.append(label(name, x.start, y.end - 8, SIZE, font_weight="bold"))
    parts.append(label(f"weight {weight.weight:.2f}", x.end, y.end + 10, SIZE, text_anchor="end", fill=colour))
    if i % COLUMNS == 0:
        up = 0.5 * (y.start + y.end)
        turned = f"rotate(-90 {x.start - 38:.0f} {up:.0f})"
        parts.append(label("pg/mL", x.start - 38, up, SIZE, text_anchor="middle", transform=turned))
    if i >= 9:
        parts.append(label("days", 0.5 * (x.start + x.end), y.start + 2.6 * SIZE, SIZE, text_anchor="middle"))
    return parts


if __name__ == "__main__":
    (HERE / "patches.svg").write_text(patches() + "\n", encoding="utf-8")
