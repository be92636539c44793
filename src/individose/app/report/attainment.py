"""How probably each ranked regimen falls below, within or above the target, as bars."""

from __future__ import annotations

from individose.app.actions.estimate import CaseResult
from individose.app.report.legend import Entry, legend
from individose.app.report.notation import given, percent, unit
from individose.app.report.scale import Scale
from individose.app.report.svg import (
    BLUE,
    GREY,
    INK,
    SAND,
    VERMILLION,
    drawing,
    element,
    label,
    titled,
    width_of,
)
from individose.dosing import Candidate

ROW = 26.0
PARTS = (("below", SAND, INK), ("within", BLUE, "#ffffff"), ("above", VERMILLION, INK))
"""Part of the bar, its fill, and the ink of the number on it; `above` is hatched, since on grey paper it is near `within`."""


def attainment_figure(result: CaseResult, most: int = 8, width: float = 760.0, name: str = "attainment") -> str:
    """Bars of the best `most` regimens as SVG text, or an empty string without any."""
    best = result.advice.candidates[:most] if result.advice else ()
    if not best or result.advice is None:
        return ""
    size = 13.0 if width >= 600 else 12.0
    target = result.advice.target
    left = 18.0 + max(width_of(str(c.regimen), size) for c in best)
    key, key_height = legend([_entry(part, fill, name) for part, fill, _ in PARTS], left, 4.0, width - left, size)
    axis = Scale(0.0, 1.0, left, width - 24.0, 0.25)
    top = key_height + 12.0
    base = top + ROW * len(best)
    rows = [line for i, c in enumerate(best) for line in _row(c, top + ROW * i, axis, size, name)]
    ticks = [line for t in axis.ticks for line in _tick(t, base, axis, size)]
    heard = "; ".join(f"{c.regimen}: {_said(c)}" for c in best)
    aim = f"{target.metric} of {given(target.low)} to {given(target.high)} {unit(target.unit)}"
    title = f"Probability that the {target.metric} lies below, within or above its target"
    what = label(
        f"probability (%) of a {aim}", 0.5 * (left + width - 24.0), base + 2 * size + 16, size, text_anchor="middle"
    )
    if width_of(f"probability (%) of a {aim}", size) > width - left:
        what = label("probability (%)", 0.5 * (left + width - 24.0), base + 2 * size + 16, size, text_anchor="middle")
    return drawing(
        name, title, f"Target: {aim}. {heard}.", width, base + 2 * size + 24, _hatch(name), key, *rows, *ticks, what
    )


def _hatch(name: str) -> str:
    ground = element("rect", width=6.0, height=6.0, fill=VERMILLION)
    line = element("line", y2=6.0, stroke="#ffffff", stroke_width=3.0)
    turned = {"patternUnits": "userSpaceOnUse", "patternTransform": "rotate(45)"}
    return element("defs", element("pattern", ground, line, id=f"{name}-above", width=6.0, height=6.0, **turned))


def _fill(part: str, fill: str, name: str) -> str:
    return f"url(#{name}-above)" if part == "above" else fill


def _entry(part: str, fill: str, name: str) -> Entry:
    box = {"x": 0.0, "y": -6.0, "width": 22.0, "height": 12.0, "stroke": INK, "stroke_width": 0.8}
    return Entry(element("rect", fill=_fill(part, fill, name), **box), f"{part} target")


def _row(candidate: Candidate, top: float, axis: Scale, size: float, name: str) -> list[str]:
    middle = top + 0.5 * ROW + 0.35 * size
    drawn = [label(str(candidate.regimen), axis.start - 8, middle, size, text_anchor="end")]
    shares = {"below": candidate.below, "within": candidate.probability, "above": candidate.above}
    start = 0.0
    for part, fill, ink in PARTS:
        x, end = axis.place(start), axis.place(start + shares[part])
        box = {"x": x, "y": top + 3.0, "width": max(end - x, 0.0), "height": ROW - 6.0}
        if shares[part] > 0:
            tooltip = titled(f"{candidate.regimen}: {_said(candidate)}")
            drawn.append(
                element("rect", tooltip, fill=_fill(part, fill, name), stroke=INK, stroke_width=0.8, class_=part, **box)
            )
        text = percent(shares[part])
        if end - x > width_of(text, size) + (24 if part == "above" else 8):
            halo = {"stroke": "#ffffff", "stroke_width": 4.0, "paint_order": "stroke"} if part == "above" else {}
            drawn.append(label(text, 0.5 * (x + end), middle, size, text_anchor="middle", fill=ink, **halo))
        start += shares[part]
    return drawn


def _said(candidate: Candidate) -> str:
    parts = (candidate.below, candidate.probability, candidate.above)
    below, within, above = (percent(p) for p in parts)
    return f"below {below} %, within {within} %, above {above} %"


def _tick(tick: float, base: float, axis: Scale, size: float) -> list[str]:
    x = axis.place(tick)
    return [
        element("line", x1=x, x2=x, y1=base, y2=base + 4, stroke=GREY, class_="x-mark"),
        label(f"{100 * tick:.0f}", x, base + 6 + size, size, text_anchor="middle", class_="x-tick"),
    ]
