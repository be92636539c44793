"""The figures read back: marks stand where the printed axes say, and can be heard."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from app.test_report_case import DOSES, PLACED, SVG, axis, legend_texts, make_case, marks
from individose.app.report import attainment_figure, level_figure


@pytest.mark.parametrize("width", [360.0, 760.0])
def test_marks_stand_where_the_printed_axes_say(width: float):
    case = make_case()
    assert case.curve is not None
    root = ET.fromstring(level_figure(case, width))
    x, y = axis(root, "x"), axis(root, "y")
    circles = [e for e in marks(root, "level") if e.tag == f"{SVG}circle"]
    found = [(float(e.get("cx", "")), float(e.get("cy", ""))) for e in circles]
    assert [p[0] for p in found] == pytest.approx([x(11.5), x(47.25)], abs=PLACED)
    assert [p[1] for p in found] == pytest.approx([y(12.4), y(14.9)], abs=PLACED)
    dose_x = [float(e.get("x", "")) + 1.0 for e in marks(root, "dose")]
    assert dose_x == pytest.approx([x(d.time_h) for d in DOSES], abs=PLACED)
    (band,) = marks(root, "target")
    top = float(band.get("y", ""))
    assert [top, top + float(band.get("height", ""))] == pytest.approx([y(20.0), y(10.0)], abs=PLACED)
    for kind, levels in (("individual", case.curve.individual), ("typical", case.curve.typical)):
        (line,) = marks(root, kind)
        drawn = [float(n) for n in re.findall(r"[\d.]+", line.get("d", ""))]
        assert drawn[0::2] == pytest.approx([x(t) for t in case.curve.time_h], abs=PLACED)
        assert drawn[1::2] == pytest.approx([y(v) for v in levels], abs=PLACED)


@pytest.mark.parametrize("width", [360.0, 760.0])
def test_the_figure_can_be_read_aloud_and_nothing_leaves_it(width: float):
    root = ET.fromstring(level_figure(make_case(), width, name="one"))
    assert root.get("role") == "img"
    named = {e.get("id"): e.text for e in root.iter() if e.get("id")}
    title, description = (named[i] or "" for i in (root.get("aria-labelledby") or "").split())
    assert "A-17" in title
    assert "12.4 mg/L measured at 11.5 h" in description
    assert "< 2 mg/L measured at 83 h" in description
    tooltips = [e.findtext(f"{SVG}title") or "" for e in marks(root, "level")]
    assert [t.split(" measured")[0] for t in tooltips] == ["12.4 mg/L", "14.9 mg/L", "< 2 mg/L"]
    assert len(marks(root, "dose")) == len(DOSES)
    words = {"".join(e.itertext()) for e in root.iter(f"{SVG}text")}
    assert {"time (h)", "level (mg/L)", "this patient", "90 % interval", "typical patient", "measured"} <= words
    _, _, *size = (float(n) for n in root.get("viewBox", "").split())
    for text in root.iter(f"{SVG}text"):
        if text.get("transform") is None and text.get("x") and text not in legend_texts(root):
            assert 0.0 <= float(text.get("x", "")) <= size[0]
            assert 0.0 <= float(text.get("y", "")) <= size[1]


def test_bars_are_as_long_as_the_probabilities():
    root = ET.fromstring(attainment_figure(make_case()))
    x = axis(root, "x")
    for kind, start, end in (
        ("below", [0, 0], [11, 2]),
        ("within", [11, 2], [88, 53]),
        ("above", [88, 53], [100, 100]),
    ):
        bars = [(float(e.get("x", "")), float(e.get("width", ""))) for e in marks(root, kind)]
        assert [b[0] for b in bars] == pytest.approx([x(s) for s in start], abs=PLACED)
        assert [b[0] + b[1] for b in bars] == pytest.approx([x(s) for s in end], abs=PLACED)
    said = root.findtext(f"{SVG}desc") or ""
    assert "400 mg every 12 h: below 11 %, within 77 %, above 12 %" in said
