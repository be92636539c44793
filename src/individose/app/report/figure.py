"""Level over time as SVG: curve with its interval, typical patient, measured levels, doses, target."""

from __future__ import annotations

from dataclasses import dataclass

from individose.app.actions.estimate import CaseResult
from individose.app.report.legend import Entry, free, legend
from individose.app.report.notation import given, number
from individose.app.report.picture import Picture, Point, picture
from individose.app.report.scale import Scale, finite_runs, level_scale, tick_texts, time_scale
from individose.app.report.series import fold
from individose.app.report.svg import (
    BLUE,
    FAINT,
    GREEN,
    GREY,
    INK,
    VERMILLION,
    drawing,
    element,
    label,
    polyline,
    titled,
    width_of,
)

STRIP = 26.0
"""Height of the strip under the time axis in which doses are marked."""

LABELLED = 12
"""Up to so many levels are labelled with their values; a tooltip has each."""


@dataclass(frozen=True)
class Frame:
    """The two axes and the size of their text; places are SVG units, times in `hours` h."""

    x: Scale
    y: Scale
    unit: str
    hours: float
    size: float

    def at(self, time_h: float, level: float) -> tuple[float, float]:
        return self.x.place(time_h / self.hours), self.y.place(level)


def level_figure(result: CaseResult, width: float = 760.0, height: float = 400.0, name: str = "levels") -> str:
    """The figure as SVG text, or an empty string where the result has no curve; `name` is its id on a page."""
    seen = picture(result)
    return "" if seen is None else drawn(seen, f"Level over time of patient {result.subject.id}", width, height, name)


def drawn(seen: Picture, title: str, width: float = 760.0, height: float = 400.0, name: str = "levels") -> str:
    """A picture as SVG text."""
    size = 13.0 if width >= 600 else 12.0
    key, key_height = legend(_entries(seen), 50.0, 4.0, width - 66.0, size)
    frame = _frame(seen, width, height, key_height + 16.0, size)
    window = element(
        "clipPath",
        element(
            "rect",
            x=frame.x.start,
            y=frame.y.end,
            width=frame.x.end - frame.x.start,
            height=frame.y.start - frame.y.end,
        ),
        id=f"{name}-window",
    )
    inside = element("g", *_target(seen, frame), *_curves(seen, frame), clip_path=f"url(#{name}-window)")
    return drawing(
        name,
        title,
        _description(seen),
        width,
        height,
        element("defs", window),
        key,
        *_grid(frame),
        inside,
        *_axes(frame, height, seen.unit),
        *_doses(seen, frame),
        *_points(seen, frame),
    )


def _frame(seen: Picture, width: float, height: float, top: float, size: float) -> Frame:
    bottom = height - STRIP - 2.0 * size - 14.0
    y = level_scale(seen.top, bottom, top)
    left = 28.0 + size + max(width_of(t, size) for t in tick_texts(y))
    x, unit, hours = time_scale(seen.start_h, seen.end_h, left, width - 16.0, count=int((width - left) / 55.0))
    return Frame(x, y, unit, hours, size)


def _description(seen: Picture) -> str:
    measured = "; ".join(_said(p, seen) for p in seen.points)
    who = f"{seen.own} with its interval and {_the(seen.other)}" if seen.individual else f"{_the(seen.other)} only"
    target = f" The {seen.target.label} {seen.unit} is shaded." if seen.target else ""
    return f"Curves of {who} over {len(seen.doses)} doses. Measured levels: {measured or 'none'}.{target}"


def _the(name: str) -> str:
    return f"the {name}"


def _grid(frame: Frame) -> list[str]:
    across = {"x1": frame.x.start, "x2": frame.x.end, "stroke": FAINT}
    return [element("line", y1=frame.y.place(t), y2=frame.y.place(t), **across) for t in frame.y.ticks]


def _target(seen: Picture, frame: Frame) -> list[str]:
    if seen.target is None:
        return []
    low, high = frame.y.place(seen.target.low), frame.y.place(seen.target.high)
    across = {"x1": frame.x.start, "x2": frame.x.end, "stroke": GREEN, "stroke_width": 1.2, "stroke_dasharray": "2 3"}
    box = {"x": frame.x.start, "y": high, "width": frame.x.end - frame.x.start, "height": low - high}
    shade = element(
        "rect", titled(f"{seen.target.label} {seen.unit}"), fill=GREEN, fill_opacity=0.1, class_="target", **box
    )
    return [shade, *(element("line", y1=y, y2=y, **across) for y in (low, high))]


def _curves(seen: Picture, frame: Frame) -> list[str]:
    drawn = []
    lows, highs = (
        finite_runs(seen.time_h, seen.low) if seen.low else [],
        finite_runs(seen.time_h, seen.high) if seen.high else [],
    )
    if len(lows) == len(highs):
        for low, high in zip(lows, highs, strict=True):
            around = [frame.at(*p) for p in (*high, *reversed(low))]
            drawn.append(element("path", d=polyline(around) + "Z", fill=BLUE, fill_opacity=0.2, class_="interval"))
    typical = {"stroke": GREY, "stroke_width": 1.6, "stroke_dasharray": "7 4", "class_": "typical"}
    drawn += [_line(run, frame, **typical) for run in finite_runs(seen.time_h, seen.typical)]
    individual = {"stroke": BLUE, "stroke_width": 2.2, "class_": "individual"}
    drawn += [
        _line(run, frame, **individual)
        for run in (finite_runs(seen.time_h, seen.individual) if seen.individual else [])
    ]
    return drawn


def _line(run: list[tuple[float, float]], frame: Frame, **attributes: str | float | None) -> str:
    return element("path", d=polyline([frame.at(*p) for p in run]), fill="none", stroke_linejoin="round", **attributes)


def _axes(frame: Frame, height: float, level_unit: str = "mg/L") -> list[str]:
    x, y, size = frame.x, frame.y, frame.size
    base = y.start + STRIP
    drawn = [
        element("line", x1=x.start, x2=x.start, y1=y.end, y2=y.start, stroke=INK),
        element("line", x1=x.start, x2=x.end, y1=y.start, y2=y.start, stroke=INK),
    ]
    for tick, text in zip(y.ticks, tick_texts(y), strict=True):
        drawn.append(
            element("line", x1=x.start - 4, x2=x.start, y1=y.place(tick), y2=y.place(tick), stroke=INK, class_="y-mark")
        )
        drawn.append(label(text, x.start - 8, y.place(tick) + 0.35 * size, size, text_anchor="end", class_="y-tick"))
    for tick, text in zip(x.ticks, tick_texts(x), strict=True):
        drawn.append(
            element("line", x1=x.place(tick), x2=x.place(tick), y1=base, y2=base + 4, stroke=INK, class_="x-mark")
        )
        drawn.append(label(text, x.place(tick), base + 6 + size, size, text_anchor="middle", class_="x-tick"))
    middle = 0.5 * (y.start + y.end)
    drawn.append(element("line", x1=x.start, x2=x.end, y1=base, y2=base, stroke=INK))
    drawn.append(label(f"time ({frame.unit})", 0.5 * (x.start + x.end), height - 4, size, text_anchor="middle"))
    turned = f"rotate(-90 {size:.0f} {middle:.1f})"
    drawn.append(label(f"level ({level_unit})", size, middle, size, text_anchor="middle", transform=turned))
    drawn.append(label("doses", x.start - 8, y.start + 0.5 * STRIP + 0.35 * size, size, text_anchor="end", fill=GREY))
    return drawn


def _doses(seen: Picture, frame: Frame) -> list[str]:
    top, bottom = frame.y.start + 4.0, frame.y.start + STRIP - 4.0
    xs = [frame.x.place(d.time_h / frame.hours) for d in seen.doses]
    drawn = []
    for i, (dose, x) in enumerate(zip(seen.doses, xs, strict=True)):
        told = seen.labels[i] if seen.labels else fold([dose])[0].text
        tooltip = titled(f"{told} at {given(dose.time_h)} h")
        wide = max(frame.x.place((dose.time_h + dose.duration_h) / frame.hours) - x, 2.0)
        mark = {"x": x - 1.0, "y": top, "width": wide, "height": bottom - top, "fill": INK, "class_": "dose"}
        drawn.append(element("rect", tooltip, **mark))
        text = seen.labels[i] if seen.labels else f"{given(dose.amount_mg)} mg"
        end = x + wide + 3.0 + width_of(text, frame.size - 2.0)
        changed = i == 0 or (
            seen.labels[i] != seen.labels[i - 1] if seen.labels else dose.amount_mg != seen.doses[i - 1].amount_mg
        )
        if changed and end < (xs[i + 1] - 3.0 if i + 1 < len(xs) else frame.x.end + 12.0):
            drawn.append(label(text, x + wide + 3.0, bottom - 5.0, frame.size - 2.0))
    return drawn


def _points(seen: Picture, frame: Frame) -> list[str]:
    places = [frame.at(p.row.time_h, p.row.observed) for p in seen.points]
    taken = [(x - 6, y - 6, x + 6, y + 6) for x, y in places]
    drawn, size = [], frame.size
    for point, (x, y) in zip(seen.points, places, strict=True):
        drawn.append(_mark(point, x, y, _said(point, seen)))
        text = _value(point)
        wide = width_of(text, size)
        for left, base in ((x + 8, y - 5), (x + 8, y + size + 3), (x - 8 - wide, y - 5), (x - 8 - wide, y + size + 3)):
            box = (left, base - size, left + wide, base + 2)
            inside = (
                box[0] > frame.x.start
                and box[2] < frame.x.end + 14
                and box[1] > frame.y.end - 6
                and box[3] < frame.y.start
            )
            if len(places) <= LABELLED and inside and free(taken, box):
                halo = {"stroke": "#ffffff", "stroke_width": 3.0, "paint_order": "stroke", "font_weight": "bold"}
                drawn.append(label(text, left, base, size, class_="level-label", **halo))
                taken.append(box)
                break
    return drawn


def _said(point: Point, seen: Picture) -> str:
    """A level in words; after a failed fit without an individual prediction."""
    own = f"predicted {number(point.row.ipred)}, " if seen.individual else ""
    said = f"{_value(point)} {seen.unit} measured at {given(point.row.time_h)} h"
    return f"{said} ({own}{seen.other} {number(point.row.pred)})"


def _mark(point: Point, x: float, y: float, said: str) -> str:
    tooltip = titled(said)
    if point.bound == "none":
        return element(
            "circle", tooltip, cx=x, cy=y, r=5.0, fill=VERMILLION, stroke=INK, stroke_width=1.2, class_="level"
        )
    tip = 6.0 if point.bound == "below" else -6.0
    shape = polyline([(x - 5.5, y), (x + 5.5, y), (x, y + 1.6 * tip)]) + "Z"
    return element("path", tooltip, d=shape, fill="#ffffff", stroke=VERMILLION, stroke_width=2.0, class_="level")


def _value(point: Point) -> str:
    return {"none": "", "below": "< ", "above": "> "}[point.bound] + given(point.row.observed)


def _entries(seen: Picture) -> list[Entry]:
    line = {"x1": 0.0, "x2": 22.0, "y1": 0.0, "y2": 0.0}
    box = {"x": 0.0, "y": -6.0, "width": 22.0, "height": 12.0}
    entries = []
    if seen.individual:
        entries.append(Entry(element("line", stroke=BLUE, stroke_width=2.2, **line), seen.own))
        entries.append(Entry(element("rect", fill=BLUE, fill_opacity=0.2, **box), seen.interval))
    dashed = {"stroke": GREY, "stroke_width": 1.6, "stroke_dasharray": "7 4"}
    entries.append(Entry(element("line", **dashed, **line), seen.other))
    bounds = {p.bound for p in seen.points}
    if "none" in bounds:
        dot = element("circle", cx=11.0, cy=0.0, r=5.0, fill=VERMILLION, stroke=INK, stroke_width=1.2)
        entries.append(Entry(dot, "measured"))
    if bounds & {"below", "above"}:
        triangle = polyline([(5.5, -4.0), (16.5, -4.0), (11.0, 5.6)]) + "Z"
        entries.append(
            Entry(element("path", d=triangle, fill="#ffffff", stroke=VERMILLION, stroke_width=2.0), "beyond a limit")
        )
    if seen.target:
        edges = {"stroke": GREEN, "stroke_width": 1.2, "stroke_dasharray": "2 3"}
        shade = element("rect", fill=GREEN, fill_opacity=0.1, **edges, **box)
        entries.append(Entry(shade, seen.target.label))
    return entries
