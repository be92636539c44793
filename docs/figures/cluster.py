"""The figures of the page on Constrained Cluster Newton, from its stored results."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from individose.app.report.scale import Scale, level_scale, tick_texts
from individose.app.report.svg import BLUE, FAINT, GREY, INK, VERMILLION, drawing, element, label, polyline

RESULT = Path(__file__).resolve().parents[1] / "results" / "cluster-newton.json"
PRINTED = {
    "CCN (threshold 5), to the letter": 12.10,
    "CCN (20 nearest), to the letter": 13.42,
}
"""What the paper prints for its two methods (table 1, average of the four)."""
SIZE, TOP = 13.0, 40.0


@lru_cache(maxsize=1)
def stored() -> dict[str, Any]:
    """The results; empty where there are none."""
    return json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.exists() else {}


def figures() -> dict[str, str]:
    """Every figure by the name of its file."""
    if "minutes" not in stored():
        return {}
    return {"cluster-methods.svg": methods(), "cluster-patients.svg": patients(), "cluster-maps.svg": maps()}


def methods() -> str:
    """Mean of the four errors of each method, with its interval."""
    rows = [row for row in stored()["one"]["rows"] if row["mean"] > 0]
    left, width, step = 310.0, 330.0, 26.0
    high = TOP + step * len(rows)
    x = level_scale(max(row["interval"][1] for row in rows), left, left + width)
    drawn: list[str] = []
    for tick, text in zip(x.ticks, tick_texts(x), strict=True):
        at = x.place(tick)
        drawn.append(element("line", x1=at, x2=at, y1=TOP - 8, y2=high, stroke=FAINT))
        drawn.append(label(text, at, high + 18, SIZE, text_anchor="middle"))
    for k, row in enumerate(rows):
        y = TOP + step * (k + 0.4)
        own = "default" in row["method"]
        style = "bold" if own else "normal"
        drawn.append(label(row["method"], left - 10, y + 4.5, SIZE, text_anchor="end", font_weight=style))
        low, up = (x.place(v) for v in row["interval"])
        drawn.append(element("line", x1=low, x2=up, y1=y, y2=y, stroke=BLUE if own else GREY, stroke_width=3))
        drawn.append(element("circle", cx=x.place(row["mean"]), cy=y, r=5, fill=BLUE if own else INK))
        if row["method"] in PRINTED:
            at = x.place(PRINTED[row["method"]])
            drawn.append(element("path", d=f"M{at - 5:.1f} {y:.1f}l5 -6l5 6l-5 6z", fill=VERMILLION))
    said = "mean of four errors (%), with 90 % interval; diamonds: as the paper prints them"
    drawn.append(label(said, left + width, high + 40, SIZE, text_anchor="end"))
    described = "; ".join(f"{row['method']}: {row['mean']:.1f} %" for row in rows)
    title = "Errors from one sample near 3 min, one patient left out at a time"
    return drawing("cluster-methods", title, described, left + width + 24, high + 54, *drawn)


def patients() -> str:
    """Each patient's peak and area: what the default method gives from one sample, and what it was."""
    side, left, gap = 300.0, 64.0, 88.0
    drawn: list[str] = []
    for k, (name, unit, factor) in enumerate((("peak", "mg/L", 1.0), ("auc", "mg min/L", 60.0))):
        rows = [[factor * v for v in row] for row in stored()["scatter"][name]]
        start = left + k * (side + gap)
        top = 1.05 * max(max(row[0], row[1]) for row in rows)
        x, y = level_scale(top, start, start + side), level_scale(top, TOP + side, TOP)
        drawn += _axes(
            x, y, f"own full fit ({unit})", f"from one sample ({unit})", "peak" if name == "peak" else "area"
        )
        drawn.append(element("line", x1=x.start, y1=y.start, x2=x.end, y2=y.end, stroke=INK, stroke_width=1.2))
        for true, found, low, high in rows:
            inside = low <= true <= high
            ink = BLUE if inside else VERMILLION
            at, reach = x.place(true), [max(y.place(min(v, y.high)), TOP) for v in (low, high)]
            drawn.append(element("line", x1=at, x2=at, y1=reach[0], y2=reach[1], stroke=ink, stroke_opacity=0.45))
            drawn.append(element("circle", cx=at, cy=y.place(found), r=3.2, fill=ink))
    bands = stored()["one"]["bands"]["calibrated"]
    said = (
        f"Calibrated 90 % intervals hold for {100 * bands['peak']:.0f} % of peaks, {100 * bands['auc']:.0f} % of areas."
    )
    title = "Peak and area of 59 patients from one sample near 3 min"
    return drawing("cluster-patients", title, said, left + 2 * side + gap + 16, TOP + side + 56, *drawn)


def maps() -> str:
    """Error against the sampling time and against the size of the archive."""
    side, left, gap = 300.0, 64.0, 88.0
    data = stored()
    drawn: list[str] = []
    top = 1.1 * max(row[k] for part in ("minutes", "sizes") for row in data.get(part, []) for k in (1, 2))
    for k, (part, name) in enumerate((("minutes", "minutes of the only sample"), ("sizes", "patients in the archive"))):
        start = left + k * (side + gap)
        rows = data.get(part, [])
        if not rows:
            continue
        x = level_scale(max(row[0] for row in rows), start, start + side)
        y = level_scale(top, TOP + side, TOP)
        drawn += _axes(x, y, name, "error (%)", "")
        apart = max(range(1, len(rows) - 1), key=lambda k: _gap(rows[k]))  # where the curves leave room for their names
        for column, ink, said, lift in (
            (1, BLUE, "peak", 18),
            (2, VERMILLION, "area", -14),
            (3, INK, "mean of four", 32),
        ):
            places = [(x.place(row[0]), y.place(row[column])) for row in rows]
            drawn.append(element("path", d=polyline(places), fill="none", stroke=ink, stroke_width=2))
            drawn += [element("circle", cx=a, cy=b, r=3.6, fill=ink) for a, b in places]
            a, b = places[apart]
            drawn.append(label(said, a, b + lift, SIZE, text_anchor="middle", fill=ink))
    said = "; ".join(f"{row[0]:g} min: {row[3]:.1f} %" for row in data["minutes"])
    title = "Errors of the default method against sampling time and archive size"
    panels = sum(part in data for part in ("minutes", "sizes"))
    return drawing("cluster-maps", title, said, left + panels * side + (panels - 1) * gap + 16, TOP + side + 56, *drawn)


def _gap(row: Sequence[float]) -> float:
    """The least distance between the three errors of a row."""
    low, middle, high = sorted(row[1:4])
    return min(middle - low, high - middle)


def _axes(x: Scale, y: Scale, under: str, beside: str, title: str) -> list[str]:
    drawn: list[str] = []
    for tick, text in zip(y.ticks, tick_texts(y), strict=True):
        up = y.place(tick)
        drawn.append(element("line", x1=x.start, x2=x.end, y1=up, y2=up, stroke=FAINT))
        drawn.append(label(text, x.start - 7, up + 0.35 * SIZE, SIZE, text_anchor="end"))
    for tick, text in zip(x.ticks, tick_texts(x), strict=True):
        drawn.append(label(text, x.place(tick), y.start + 6 + SIZE, SIZE, text_anchor="middle"))
    drawn.append(element("line", x1=x.start, x2=x.start, y1=y.start, y2=y.end, stroke=INK))
    drawn.append(element("line", x1=x.start, x2=x.end, y1=y.start, y2=y.start, stroke=INK))
    middle = 0.5 * (x.start + x.end)
    drawn.append(label(under, middle, y.start + 42, SIZE, text_anchor="middle"))
    across, up = x.start - 46, 0.5 * (y.start + y.end)
    drawn.append(label(beside, across, up, SIZE, text_anchor="middle", transform=f"rotate(-90 {across:.0f} {up:.0f})"))
    if title:
        drawn.append(label(title, middle, y.end - 14, SIZE + 1, text_anchor="middle", font_weight="bold"))
    return drawn


def rows(part: str) -> Sequence[dict[str, Any]]:
    """The rows of one of the evaluations."""
    found = stored()
    for key in part.split("."):
        found = found.get(key, {})
    return found.get("rows", [])
