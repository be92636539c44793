"""Measured against predicted levels as SVG, in panels side by side, with the lines within which a prediction is close."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from individose.app.report.scale import Scale, level_scale, tick_texts
from individose.app.report.svg import BLUE, FAINT, GREY, INK, drawing, element, label

SIDE, LEFT, TOP, GAP, SIZE = 300.0, 56.0, 40.0, 74.0, 13.0
CLOSE = 0.30
"""Relative error of the dashed lines."""


@dataclass(frozen=True)
class Panel:
    """Levels in mg/L, pair by pair."""

    title: str
    predicted: Sequence[float]
    measured: Sequence[float]


def scatter(name: str, title: str, panels: Sequence[Panel]) -> str:
    """The figure; all panels share one axis, and `name` is its id."""
    top = max(max((*p.predicted, *p.measured)) for p in panels)
    width = LEFT + len(panels) * SIDE + (len(panels) - 1) * GAP + 16.0
    height = TOP + SIDE + 48.0
    drawn: list[str] = []
    for i, panel in enumerate(panels):
        start = LEFT + i * (SIDE + GAP)
        x, y = level_scale(top, start, start + SIDE), level_scale(top, TOP + SIDE, TOP)
        drawn += _panel(panel, x, y, f"{name}-{i}")
    counts = "; ".join(f"{p.title}: {len(p.measured)} levels" for p in panels)
    said = f"{counts}. Solid: predicted equals measured. Dashed: predictions 30 % above and below the level."
    return drawing(name, title, said, width, height, *drawn)


def _panel(panel: Panel, x: Scale, y: Scale, name: str) -> list[str]:
    box = {"x": x.start, "y": y.end, "width": x.end - x.start, "height": y.start - y.end}
    drawn = [element("clipPath", element("rect", **box), id=name)]
    for tick, text in zip(x.ticks, tick_texts(x), strict=True):
        at, up = x.place(tick), y.place(tick)
        drawn.append(element("line", x1=x.start, x2=x.end, y1=up, y2=up, stroke=FAINT))
        drawn.append(label(text, at, y.start + 6 + SIZE, SIZE, text_anchor="middle"))
        drawn.append(label(text, x.start - 7, up + 0.35 * SIZE, SIZE, text_anchor="end"))
    lines = []
    for slope in (1.0, 1.0 / (1.0 - CLOSE), 1.0 / (1.0 + CLOSE)):
        style = {"stroke": INK, "stroke_width": 1.2} if slope == 1.0 else {"stroke": GREY, "stroke_dasharray": "5 4"}
        lines.append(element("line", x1=x.start, y1=y.start, x2=x.place(x.high), y2=y.place(slope * x.high), **style))
    dots = [
        element("circle", cx=x.place(p), cy=y.place(m), r=3.4, fill=BLUE, fill_opacity=0.55)
        for p, m in zip(panel.predicted, panel.measured, strict=True)
    ]
    drawn.append(element("g", *lines, *dots, clip_path=f"url(#{name})"))
    drawn.append(element("line", x1=x.start, x2=x.start, y1=y.start, y2=y.end, stroke=INK))
    drawn.append(element("line", x1=x.start, x2=x.end, y1=y.start, y2=y.start, stroke=INK))
    middle = 0.5 * (x.start + x.end)
    drawn.append(label(panel.title, middle, y.end - 14, SIZE + 1, text_anchor="middle", font_weight="bold"))
    drawn.append(label("predicted (mg/L)", middle, y.start + 2.8 * SIZE, SIZE, text_anchor="middle"))
    across, up = x.start - 38, 0.5 * (y.start + y.end)
    turned = f"rotate(-90 {across:.0f} {up:.0f})"
    drawn.append(label("measured (mg/L)", across, up, SIZE, text_anchor="middle", transform=turned))
    return drawn
