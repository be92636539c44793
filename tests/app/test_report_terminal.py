"""The screen read back, at several widths and encodings, with and without colour."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from app.test_report_case import make_case, make_failed, one_line, screen
from individose.app.actions.estimate import Curve
from individose.app.report import show_case
from individose.app.report.picture import picture
from individose.app.report.plot import plot
from individose.base import Notice
from individose.events import Dose


def test_the_screen_holds_what_the_page_holds_in_its_order():
    said = one_line(screen(make_case(notices=(Notice("x", "An invented caution."),)), 120))
    order = [
        "Patient A-17", "examplin/doe2031", "Research and education; not a medical device.", "Converged.",
        "600 mg", "300 mg over 1 h every 12 h × 7 12 to 84", "11.5 12.4", "83 < 2", "2.600 2.000 1.512 to 2.645 L/h",
        "Level over time", "8.16 5.50 to 11.9", "Ask the invented pharmacist.", "Give 400 mg.",
        "1 400 12 14.2 (10.6 to 18.8) 17.7 (13.3 to 23.6) 77 11 12", "1: 407 mg rounded down to 400 mg.",
        "CAUTION", "An invented caution.",
    ]  # fmt: skip
    places = [said.find(part) for part in order]
    assert -1 not in places, order[places.index(-1)]
    assert places == sorted(places)


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_the_screen_keeps_its_width_and_its_encoding_and_is_plain_without_a_terminal(width: int, encoding: str):
    said = screen(make_case("Zoë \x1b[2J [red]x[/red]"), width, encoding)
    assert max(len(line) for line in said.splitlines()) <= width
    assert "\x1b" not in said
    assert "[red]x[/red]" in said
    assert "14.2" in said


def test_no_color_leaves_no_colour(monkeypatch: pytest.MonkeyPatch):
    def colours(**more) -> set[str]:
        file = io.StringIO()
        show_case(make_failed(), Console(file=file, width=80, force_terminal=True, color_system="truecolor", **more))
        return set(re.findall(r"\x1b\[[\d;]*m", file.getvalue()))

    monkeypatch.delenv("NO_COLOR", raising=False)
    assert any("31" in code for code in colours())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not any(re.search(r"\b(3|4|9|10)\d\b", code) for code in colours())


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("width", [50, 80, 100])
def test_levels_stand_in_the_rows_and_columns_that_the_axes_state(width: int, ascii_only: bool):
    case = replace(make_case(), target=None)
    seen = picture(case)
    assert seen is not None
    lines = plot(seen, width, ascii_only).plain.splitlines()
    assert max(map(len, lines)) <= width
    sign, floor = ("O", "+--") if ascii_only else ("●", "└──")
    base = next(i for i, line in enumerate(lines) if floor in line)
    labels = [(i, float(m[1])) for i, line in enumerate(lines[:base]) if (m := re.match(r"\s*([\d.]+)[┤+]", line))]
    (last, low), (first, high) = labels[-1], labels[0]
    margin = lines[base].index(floor[0])
    ticks = [(m.start() + len(m[0]) // 2, float(m[0])) for m in re.finditer(r"[\d.]+", lines[base + 1])]
    (left, start), (right, end) = ticks[0], ticks[-1]
    found = sorted((line.index(sign, margin), i) for i, line in enumerate(lines[:base]) if sign in line[margin:])
    expected = [(11.5, 12.4), (47.25, 14.9)]
    assert len(found) == len(expected)
    for (column, row), (time_h, level) in zip(found, expected, strict=True):
        assert abs(row - (last + (level - low) / (high - low) * (first - last))) <= 1.0
        assert abs(column - (left + (time_h - start) / (end - start) * (right - left))) <= 1.5


@given(st.integers(32, 140), st.floats(1.0, 3000.0))
def test_time_labels_are_whole_and_evenly_spaced_at_every_width(width: int, span: float):
    """Half a label is another number: 120 h cut to 12 h."""
    case = make_case()
    stretched = replace(case, curve=Curve(np.array([0.0, span]), *(np.ones(2) for _ in range(4))), levels=())
    seen = picture(replace(stretched, subject=replace(case.subject, events=(Dose(0.0, 1.0),))))
    assert seen is not None
    lines = plot(seen, width).plain.splitlines()
    assert max(map(len, lines[:-3])) <= width
    line = next(text for text in lines if re.fullmatch(r"\s+[\d. ]+ [hd]", text))
    shown = [float(n) for n in line.split()[:-1]]
    steps = np.diff(shown)
    assert shown[0] == 0.0
    assert len(steps) == 0 or steps == pytest.approx(np.full(len(steps), steps[0]))
    assert shown[-1] <= span
