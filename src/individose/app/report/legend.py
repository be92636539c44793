"""A legend in as many lines as its width needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from individose.app.report.svg import element, label, width_of

SWATCH = 22.0
GAP = 18.0


@dataclass(frozen=True)
class Entry:
    """A swatch (SVG drawn within 0..`SWATCH` by -6..6) and what it stands for."""

    swatch: str
    text: str


def legend(entries: Sequence[Entry], left: float, top: float, width: float, size: float) -> tuple[str, float]:
    """The entries from left to right, wrapped at `width`, and the height that they take."""
    line = size + 6.0
    x, y, drawn = left, top + line / 2, []
    for entry in entries:
        wide = SWATCH + 6.0 + width_of(entry.text, size)
        if x > left and x + wide > left + width:
            x, y = left, y + line
        drawn.append(
            element(
                "g",
                entry.swatch,
                label(entry.text, SWATCH + 6.0, 0.35 * size, size),
                transform=f"translate({x:.1f} {y:.1f})",
            )
        )
        x += wide + GAP
    return element("g", *drawn, class_="legend"), y + line / 2 - top


def free(boxes: Sequence[tuple[float, float, float, float]], box: tuple[float, float, float, float]) -> bool:
    """Whether a box (left, top, right, bottom) touches none of the others."""
    return not any(box[0] < b[2] and b[0] < box[2] and box[1] < b[3] and b[1] < box[3] for b in boxes)
