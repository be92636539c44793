"""Levels of simulated patients as SVG: the median, and a band for each pair of quantiles around it."""

from __future__ import annotations

import numpy as np

from individose.app.actions.simulate import Simulation
from individose.app.report.figure import Frame, _axes, _doses, _frame, _grid, _line
from individose.app.report.legend import Entry, legend
from individose.app.report.notation import number
from individose.app.report.picture import Picture
from individose.app.report.scale import finite_runs
from individose.app.report.svg import BLUE, INK, drawing, element, polyline, titled
from individose.events import Dose, expand_events

SHADES = (0.18, 0.2, 0.22)
"""Opacity of the bands from the outermost inwards; they lie over each other."""


def quantile_figure(found: Simulation, width: float = 760.0, height: float = 400.0, name: str = "simulated") -> str:
    """The figure as SVG text; `name` is its id on a page. It says that the patients are simulated."""
    levels = np.array(list(found.quantiles.values()))
    seen = _picture(found, levels)
    size = 13.0 if width >= 600 else 12.0
    key, key_height = legend(_entries(found), 50.0, 4.0, width - 66.0, size)
    frame = _frame(seen, width, height, key_height + 16.0, size)
    drawn = [*_bands(found, frame), *_lines(found, frame)]
    of = f" of {found.analyte}" if found.analyte else ""
    title = (
        f"Simulated levels{of} over time: {int(found.solved.sum())} virtual patients with {found.card}, not real data"
    )
    return drawing(
        name, title, _description(found), width, height,
        key, *_grid(frame), *drawn, *_axes(frame, height), *_doses(seen, frame),
    )  # fmt: skip


def _picture(found: Simulation, levels: np.ndarray) -> Picture:
    """What the axes must hold."""
    finite = levels[np.isfinite(levels)]
    top = float(finite.max(initial=0.0)) or 1.0
    start, end = float(found.time_h.min()), float(found.time_h.max())
    doses = tuple(e for e in expand_events(found.doses, end) if isinstance(e, Dose) and start <= e.time_h <= end)
    return Picture((), (), (), (), (), (), doses, None, start, end, 1.04 * top, "")


def _pairs(found: Simulation) -> list[tuple[float, float]]:
    """Quantiles from the outermost pair inwards."""
    asked = list(found.quantiles)
    return [(asked[i], asked[-1 - i]) for i in range(len(asked) // 2)]


def _middle(found: Simulation) -> tuple[float, ...]:
    """The quantile without a partner, where their number is odd."""
    asked = list(found.quantiles)
    return (asked[len(asked) // 2],) if len(asked) % 2 else ()


def _order(found: Simulation) -> np.ndarray:
    return np.argsort(found.time_h, kind="stable")


def _bands(found: Simulation, frame: Frame) -> list[str]:
    order = _order(found)
    times = found.time_h[order].tolist()
    drawn: list[str] = []
    for i, (low, high) in enumerate(_pairs(found)):
        lower, upper = (found.quantiles[q][order].tolist() for q in (low, high))
        around = [frame.at(*p) for p in (*zip(times, upper, strict=True), *reversed([*zip(times, lower, strict=True)]))]
        drawn.append(
            element(
                "path", titled(_between(low, high)),
                d=polyline(around) + "Z", fill=BLUE, fill_opacity=SHADES[min(i, len(SHADES) - 1)], class_="band",
            )
        )  # fmt: skip
    return drawn


def _lines(found: Simulation, frame: Frame) -> list[str]:
    order = _order(found)
    return [
        _line(run, frame, stroke=BLUE, stroke_width=2.2, class_="median")
        for q in _middle(found)
        for run in finite_runs(found.time_h[order].tolist(), found.quantiles[q][order].tolist())
    ]


def _between(low: float, high: float) -> str:
    return f"{100 * low:g} to {100 * high:g} %"


def _entries(found: Simulation) -> list[Entry]:
    box = {"x": 0.0, "y": -6.0, "width": 22.0, "height": 12.0}
    line = {"x1": 0.0, "x2": 22.0, "y1": 0.0, "y2": 0.0}
    entries = [
        Entry(element("line", stroke=BLUE, stroke_width=2.2, **line), "median" if q == 0.5 else f"{100 * q:g} %")
        for q in _middle(found)
    ]
    shade = 0.0
    for i, (low, high) in enumerate(_pairs(found)):
        shade = 1.0 - (1.0 - shade) * (1.0 - SHADES[min(i, len(SHADES) - 1)])
        entries.append(Entry(element("rect", fill=BLUE, fill_opacity=shade, **box), _between(low, high)))
    dot = element("circle", cx=11.0, cy=0.0, r=3.0, fill="#ffffff", stroke=INK)
    return [*entries, Entry(dot, f"simulated, {int(found.solved.sum())} virtual patients")]


def _description(found: Simulation) -> str:
    """The highest values of the outermost quantiles and of the middle one, in words."""
    time_h = found.time_h
    said = [
        f"the {100 * q:g} % quantile is highest at {time_h[int(np.argmax(band))]:g} h, {number(float(band.max()))} mg/L"
        for q, band in found.quantiles.items()
    ]
    return f"Simulated, not measured. Of the levels: {'; '.join(said)}."
