"""What one curve costs against the number of its doses and of its points: the stored benchmark, drawn."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from individose.app.report.scale import Scale, level_scale, tick_texts
from individose.app.report.svg import BLUE, FAINT, INK, drawing, element, label, polyline

RESULTS = Path(__file__).resolve().parents[2] / "benchmarks" / "results" / "simulation.json"
SIDE, LEFT, TOP, GAP, SIZE = 300.0, 60.0, 40.0, 80.0, 13.0


def growth() -> str | None:
    """The figure, or None before the benchmark has been run."""
    if not RESULTS.exists():
        return None
    figures = json.loads(RESULTS.read_text(encoding="utf-8"))["figures"]
    doses = _points(figures, r"one curve, (\d+) doses x 100 points, ms")
    points = _points(figures, r"one curve, 10 doses x (\d+) points, ms")
    drawn = [*_panel("doses, of 100 points", doses, LEFT), *_panel("points, of 10 doses", points, LEFT + SIDE + GAP)]
    said = "; ".join(f"{x:g}: {y:.3f} ms" for x, y in (*doses, *points))
    title = "Milliseconds for one curve, compiled, against its doses and its points"
    return drawing("growth", title, said, LEFT + 2 * SIDE + GAP + 30.0, TOP + SIDE + 56.0, *drawn)


def _points(figures: dict[str, float], pattern: str) -> list[tuple[float, float]]:
    found = ((re.fullmatch(pattern, name), value) for name, value in figures.items())
    return sorted((float(match.group(1)), value) for match, value in found if match)


def _panel(title: str, points: Sequence[tuple[float, float]], start: float) -> list[str]:
    x: Scale = level_scale(max(p[0] for p in points), start, start + SIDE)
    y: Scale = level_scale(max(p[1] for p in points), TOP + SIDE, TOP)
    drawn: list[str] = []
    for tick, text in zip(y.ticks, tick_texts(y), strict=True):
        up = y.place(tick)
        drawn.append(element("line", x1=x.start, x2=x.end, y1=up, y2=up, stroke=FAINT))
        drawn.append(label(text, x.start - 7, up + 0.35 * SIZE, SIZE, text_anchor="end"))
    for tick, text in zip(x.ticks, tick_texts(x), strict=True):
        drawn.append(label(text, x.place(tick), y.start + 6 + SIZE, SIZE, text_anchor="middle"))
    places = [(x.place(a), y.place(b)) for a, b in points]
    drawn.append(element("path", d=polyline(places), fill="none", stroke=BLUE, stroke_width=2))
    drawn += [element("circle", cx=a, cy=b, r=4, fill=BLUE) for a, b in places]
    drawn.append(element("line", x1=x.start, x2=x.start, y1=y.start, y2=y.end, stroke=INK))
    drawn.append(element("line", x1=x.start, x2=x.end, y1=y.start, y2=y.start, stroke=INK))
    drawn.append(label("ms", x.start - 7, y.end - 12, SIZE, text_anchor="end"))
    drawn.append(label(title, 0.5 * (x.start + x.end), y.start + 42, SIZE + 1, text_anchor="middle"))
    return drawn
