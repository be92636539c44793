"""Level over time in characters: the same picture as the figure, for a terminal of any width and encoding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from rich.text import Text

from individose.app.report.picture import Picture
from individose.app.report.scale import Scale, finite_runs, level_scale, tick_texts, time_scale

ROWS = 16
BRAILLE = 0x2800
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bit of each dot of a braille character, by row and column."""


@dataclass(frozen=True)
class Signs:
    """The characters of a plot."""

    level: str
    below: str
    above: str
    typical: str
    interval: str
    target: str
    dose: str
    side: str
    tick: str
    corner: str
    floor: str
    curve: str | None


UNICODE = Signs("●", "▽", "△", "·", "░", "╌", "▲", "│", "┤", "└", "─", None)
ASCII = Signs("O", "v", "^", ".", ":", "-", "^", "|", "+", "+", "-", "*")
STYLES = {"level": "bold red", "curve": "bold blue", "typical": "", "interval": "blue", "target": "green", "": ""}

Cells = dict[tuple[int, int], tuple[str, str]]
"""Column and row (from the top) to a character and the key of its style; later drawings lie over earlier ones."""


def plot(seen: Picture, width: int, ascii_only: bool = False, rows: int = ROWS) -> Text:
    """The picture as text of at most `width` columns, with its legend."""
    signs = ASCII if ascii_only else UNICODE
    y = level_scale(seen.top, rows - 0.5, 0.5, count=max(rows // 2, 2))
    labels = dict(zip((int(y.place(t)) for t in y.ticks), tick_texts(y), strict=True))
    margin = max(len(text) for text in labels.values()) + 1
    columns = max(width - margin - 3, 20)
    x, unit, hours = time_scale(seen.start_h, seen.end_h, 0.0, float(columns), count=max(columns // 9, 2))
    cells: Cells = {}
    _target(cells, seen, y, columns, signs)
    _interval(cells, seen, x, y, hours, signs)
    _curve(cells, seen.typical, "typical", seen, x, y, hours, columns, signs.typical)
    _curve(cells, seen.individual, "curve", seen, x, y, hours, columns, signs.curve)
    for point in seen.points:
        sign = {"none": signs.level, "below": signs.below, "above": signs.above}[point.bound]
        cells[_cell(x.place(point.row.time_h / hours), columns), _cell(y.place(point.row.observed), rows)] = (
            sign,
            "level",
        )
    said = Text(f"{seen.unit:>{margin}}\n", no_wrap=True)
    for row in range(rows):
        said.append(f"{labels.get(row, ''):>{margin}}{signs.tick if row in labels else signs.side}")
        for column in range(columns):
            character, style = cells.get((column, row), (" ", ""))
            said.append(character, STYLES[style])
        said.append("\n")
    said.append(_doses(seen, x, hours, columns, margin, signs))
    said.append(_times(x, unit, columns, margin, signs))
    return said.append(_legend(seen, signs, width))


def _cell(place: float, count: int) -> int:
    return min(max(int(place), 0), count - 1)


def _target(cells: Cells, seen: Picture, y: Scale, columns: int, signs: Signs) -> None:
    for level in (seen.target.low, seen.target.high) if seen.target else ():
        if level <= y.high:
            cells.update({(column, int(y.place(level))): (signs.target, "target") for column in range(columns)})


def _interval(cells: Cells, seen: Picture, x: Scale, y: Scale, hours: float, signs: Signs) -> None:
    lows, highs = _columns(seen, seen.low, x, hours), _columns(seen, seen.high, x, hours)
    for column in lows.keys() & highs.keys():
        top, bottom = max(int(y.place(max(highs[column]))), 0), int(y.place(min(lows[column])))
        cells.update({(column, row): (signs.interval, "interval") for row in range(top, bottom + 1)})


def _columns(seen: Picture, levels: Sequence[float], x: Scale, hours: float) -> dict[int, list[float]]:
    """The levels of a curve by the column that they fall into."""
    found: dict[int, list[float]] = {}
    for run in finite_runs(seen.time_h, levels) if levels else ():
        places = [(x.place(time_h / hours), level) for time_h, level in run]
        for (x0, y0), (x1, y1) in pairwise(places):
            steps = max(int(2 * (x1 - x0)), 1)
            for i in range(steps + 1):
                column = _cell(x0 + (x1 - x0) * i / steps, int(x.end))
                found.setdefault(column, []).append(y0 + (y1 - y0) * i / steps)
    return found


def _curve(
    cells: Cells,
    levels: Sequence[float],
    style: str,
    seen: Picture,
    x: Scale,
    y: Scale,
    hours: float,
    columns: int,
    sign: str | None,
) -> None:
    """A curve in braille dots where `sign` is None, otherwise in that sign; gaps between its points are filled."""
    across, down = (2, 4) if sign is None else (1, 1)
    bits: dict[tuple[int, int], int] = {}
    for run in finite_runs(seen.time_h, levels) if levels else ():
        places = [(across * x.place(t / hours), down * y.place(level)) for t, level in run]
        for (x0, y0), (x1, y1) in pairwise(places):
            steps = max(int(max(abs(x1 - x0), abs(y1 - y0)) * 2), 1)
            for i in range(steps + 1):
                column, row = int(x0 + (x1 - x0) * i / steps), int(y0 + (y1 - y0) * i / steps)
                if 0 <= column < across * columns and row >= 0:
                    where = (column // across, row // down)
                    bits[where] = bits.get(where, 0) | DOTS[row % down][column % across] if sign is None else 0
    cells.update({where: (sign or chr(BRAILLE + bit), style) for where, bit in bits.items()})


def _doses(seen: Picture, x: Scale, hours: float, columns: int, margin: int, signs: Signs) -> str:
    marks = {_cell(x.place(d.time_h / hours), columns) for d in seen.doses}
    return (
        " " * margin + signs.side + "".join(signs.dose if c in marks else " " for c in range(columns)).rstrip() + "\n"
    )


def _times(x: Scale, unit: str, columns: int, margin: int, signs: Signs) -> str:
    """The floor, and under it the ticks that fit in whole (half a number would be another one), then the unit."""
    line = ""
    for tick, text in zip(x.ticks, tick_texts(x), strict=True):
        start = max(_cell(x.place(tick), columns) - len(text) // 2, 0)
        if start + len(text) <= columns and (not line or start > len(line)):
            line = line.ljust(start) + text
    floor = " " * margin + signs.corner + signs.floor * columns
    return f"{floor}\n{' ' * (margin + 1)}{line} {unit}\n"


def _legend(seen: Picture, signs: Signs, width: int) -> Text:
    entries = [(signs.level, "level", "measured")] if seen.points else []
    if seen.individual:
        entries += [(signs.curve or "⠒⠒", "curve", seen.own), (signs.interval, "interval", seen.interval)]
    entries.append((signs.typical, "typical", seen.other))
    if seen.target:
        entries.append((signs.target, "target", f"{seen.target.label} {seen.unit}"))
    entries.append((signs.dose, "", "dose"))
    said, used = Text(), 0
    for sign, style, text in entries:
        long = len(sign) + len(text) + 4
        if used and used + long > width:
            said.append("\n")
            used = 0
        said.append(sign, STYLES[style]).append(f" {text}   ")
        used += long
    return said
