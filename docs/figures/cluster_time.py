"""What a cluster costs against its points and against cores: the stored benchmark, drawn."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from pathlib import Path

from individose.app.report.scale import level_scale, tick_texts
from individose.app.report.svg import BLUE, FAINT, INK, VERMILLION, drawing, element, label, polyline

RESULTS = Path(__file__).resolve().parents[2] / "benchmarks" / "results" / "ccn.json"
SIDE, LEFT, TOP, GAP, SIZE = 300.0, 74.0, 40.0, 84.0, 13.0
INKS = {"linear": BLUE, "hill": VERMILLION}


def cluster_time() -> str | None:
    """The figure, or None before the benchmark has been run."""
    if not RESULTS.exists():
        return None
    found = json.loads(RESULTS.read_text(encoding="utf-8"))["figures"]
    points = {name: _rows(found, rf"{name}, one patient, (\d+) points, later calls, ms") for name in INKS}
    cores = {
        name: _rows(found, rf"{name}, 59 patients, 500 points, (\d+) cores?: later calls, ms a patient.*")
        for name in INKS
    }
    drawn = [*_by_points(points, LEFT), *_by_cores(cores, LEFT + SIDE + GAP)]
    said = "; ".join(f"{name}, {x:g} points: {y:.3g} ms" for name, rows in points.items() for x, y in rows)
    title = "Milliseconds for one patient, compiled, against the cluster's points and against cores"
    return drawing("cluster-time", title, said, LEFT + 2 * SIDE + GAP + 30.0, TOP + SIDE + 56.0, *drawn)


def _rows(figures: dict[str, float], pattern: str) -> list[tuple[float, float]]:
    found = ((re.fullmatch(pattern, name), value) for name, value in figures.items())
    return sorted((float(match.group(1)), value) for match, value in found if match)


def _by_points(lines: dict[str, list[tuple[float, float]]], start: float) -> list[str]:
    """Both axes by powers of ten."""
    every = [row for rows in lines.values() for row in rows]
    low, high = (round(math.log10(f(x for x, _ in every))) for f in (min, max))
    least, most = math.floor(math.log10(min(y for _, y in every))), math.ceil(math.log10(max(y for _, y in every)))

    def across(x: float) -> float:
        return start + SIDE * (math.log10(x) - low) / (high - low)

    def up(y: float) -> float:
        return TOP + SIDE * (most - math.log10(y)) / (most - least)

    drawn: list[str] = []
    for k in range(least, most + 1):
        drawn.append(element("line", x1=start, x2=start + SIDE, y1=up(10.0**k), y2=up(10.0**k), stroke=FAINT))
        drawn.append(label(f"{10.0**k:,g}", start - 7, up(10.0**k) + 0.35 * SIZE, SIZE, text_anchor="end"))
    for k in range(low, high + 1):
        drawn.append(label(f"{10**k:,}", across(10.0**k), TOP + SIDE + 6 + SIZE, SIZE, text_anchor="middle"))
    for name, rows in lines.items():
        drawn += _line([(across(x), up(y)) for x, y in rows], name)
    return [*drawn, *_frame(start, "points of the cluster, one patient", "ms")]


def _by_cores(lines: dict[str, list[tuple[float, float]]], start: float) -> list[str]:
    every = [row for rows in lines.values() for row in rows]
    most = max(x for x, _ in every)
    y = level_scale(1.1 * max(value for _, value in every), TOP + SIDE, TOP)

    def across(x: float) -> float:
        return start + SIDE * (0.1 + 0.8 * (x - 1.0) / max(most - 1.0, 1.0))

    drawn: list[str] = []
    for tick, text in zip(y.ticks, tick_texts(y), strict=True):
        drawn.append(element("line", x1=start, x2=start + SIDE, y1=y.place(tick), y2=y.place(tick), stroke=FAINT))
        drawn.append(label(text, start - 7, y.place(tick) + 0.35 * SIZE, SIZE, text_anchor="end"))
    for x in sorted({x for x, _ in every}):
        drawn.append(label(f"{x:g}", across(x), TOP + SIDE + 6 + SIZE, SIZE, text_anchor="middle"))
    for name, rows in lines.items():
        drawn += _line([(across(x), y.place(value)) for x, value in rows], name)
    return [*drawn, *_frame(start, "cores, 59 patients of 500 points", "ms a patient")]


def _line(places: Sequence[tuple[float, float]], name: str) -> list[str]:
    ink = INKS[name]
    x, y = places[-1]
    falls = len(places) > 1 and y > places[-2][1] + SIZE  # the label stands on the side that the line leaves free
    return [
        element("path", d=polyline(places), fill="none", stroke=ink, stroke_width=2),
        *(element("circle", cx=a, cy=b, r=4, fill=ink) for a, b in places),
        label(name, x - 8, y + (SIZE + 6 if falls else -10), SIZE, text_anchor="end", fill=ink),
    ]


def _frame(start: float, under: str, beside: str) -> list[str]:
    return [
        element("line", x1=start, x2=start, y1=TOP, y2=TOP + SIDE, stroke=INK),
        element("line", x1=start, x2=start + SIDE, y1=TOP + SIDE, y2=TOP + SIDE, stroke=INK),
        label(beside, start - 7, TOP - 14, SIZE, text_anchor="start"),
        label(under, start + 0.5 * SIDE, TOP + SIDE + 42, SIZE + 1, text_anchor="middle"),
    ]
