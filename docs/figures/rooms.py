"""The rooms as SVG, in the order of the import contract in pyproject.toml."""

from __future__ import annotations

import tomllib
from pathlib import Path

from individose.app.report.svg import BLUE, GREY, INK, drawing, element, label

HOLDS = {
    "base": ("errors, outcomes, units", "ground floor; knows no drug"),
    "drugs": ("cards, equations, registers", "what the literature says"),
    "events": ("doses, levels, covariates, tables", "what happened to the patient"),
    "kinetics": ("systems, schedule, propagation", "pure mathematics of compartments"),
    "prediction": ("timeline, relation, bind", "from patient and parameters to levels"),
    "inference": ("problem, map, fit", "from levels to parameters"),
    "dosing": ("exposure, candidates, advice", "from parameters to a decision"),
    "app": ("actions, cli, report, schemas", "the only room that prints or reads a request"),
}
"""What each room holds, and what it is for."""

FREE_OF_JAX = ("base", "drugs", "events")
WIDTH, ROW, HIGH = 760.0, 46.0, 36.0


def order() -> list[str]:
    """The rooms from the ground floor up, as the layers contract lists them."""
    root = Path(__file__).resolve().parents[2]
    contracts = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    layers = next(one["layers"] for one in contracts if one["type"] == "layers")
    return [name.removeprefix("individose.") for name in reversed(layers)]


def rooms() -> str:
    """The figure: one bar for each room, and the way that data take through them."""
    drawn: list[str] = []
    for i, room in enumerate(order()):
        y = 34.0 + i * ROW
        light = room in FREE_OF_JAX
        box = {"x": 60.0, "y": y, "width": WIDTH - 76.0, "height": HIGH, "rx": 6.0, "fill": BLUE}
        drawn.append(element("rect", stroke=BLUE, fill_opacity=0.08 if light else 0.2, **box))
        drawn.append(label(room, 76.0, y + 23.0, 15.0, font_weight="bold"))
        holds, meaning = HOLDS[room]
        drawn.append(label(holds, 184.0, y + 23.0, 13.0))
        drawn.append(label(meaning, WIDTH - 28.0, y + 23.0, 13.0, text_anchor="end", fill=GREY))
    end = 34.0 + len(order()) * ROW
    drawn.append(element("line", x1=32.0, x2=32.0, y1=38.0, y2=end - 20.0, stroke=INK, stroke_width=1.6))
    drawn.append(element("path", d=f"M26 {end - 22:.0f}L38 {end - 22:.0f}L32 {end - 10:.0f}Z", fill=INK))
    drawn.append(label("a room may import any room above it", 60.0, 20.0, 13.0, fill=GREY))
    legend = "pale: never imports JAX, so that help and listing cards are instant"
    drawn.append(label(legend, WIDTH - 16.0, 20.0, 13.0, text_anchor="end", fill=GREY))
    said = "; ".join(f"{room}: {HOLDS[room][1]}" for room in order())
    return drawing("rooms", "The rooms of individose in the order in which data flow", said, WIDTH, end, *drawn)
