"""What stands behind an estimate, as every face shows it."""

from __future__ import annotations

import math
from dataclasses import replace

from app.test_report_case import Page, make_case, screen
from individose.app.report import case_html
from individose.app.report.behind import SHOWN, behind_lines, behind_sheets
from individose.base import Notice
from individose.inference.diagnostics import Change, Diagnostics, Effect, OneLevel


def change(auc: float, ok: bool = True) -> Change:
    return Change({"CL": 0.3}, auc, 0.0, ok)


LEVELS = (
    OneLevel("12.4 mg/L at 11.5 h", 11.5, 12.4, "none", -0.42, 0.437, 0.5, change(0.031), None, change(-0.0001)),
    OneLevel("below 2 mg/L at 83 h", 83.0, 2.0, "below", 0.0, 0.0002, 0.5, change(9.0, ok=False), change(math.nan)),
)
FOUND = Diagnostics(
    "A-17",
    (Effect("CL", -0.3, -0.97, 0.31, 0.2542),),
    LEVELS,
    (change(-0.077), change(0.076)),
    (84.0, 96.0),
    notices=tuple(Notice(f"n{i}", f"Finding {i}.", "note") for i in range(7)),
)


def case():
    return replace(make_case(), diagnostics=FOUND)


def test_the_tables_say_what_was_found():
    levels, effects = behind_sheets(case())
    assert levels.rows == (
        ("11.5", "12.4", "−0.42", "43.7", "+3.1 %", "–", "0.0 %"),
        ("83", "< 2", "0", "< 0.1", "–", "–", "–"),
    )
    assert effects.rows == (("CL", "−0.97", "18 %"),)
    assert "All levels 10 % lower: area −7.7 %. All levels 10 % higher: area +7.6 %." in behind_lines(case())


def test_every_face_shows_them():
    for face in (screen(case(), 140), Page(case_html(case())).text):
        for word in ("Each level", "Each effect", "percentile (%)", "+3.1 %", "Finding 4."):
            assert word in face
        assert "Finding 5." not in face  # a handful


def test_nothing_is_shown_where_nothing_was_asked_or_measured():
    for found in (None, replace(FOUND, levels=())):
        assert behind_sheets(replace(make_case(), diagnostics=found)) == ()
        assert behind_lines(replace(make_case(), diagnostics=found)) == ()


def test_of_many_levels_those_that_stand_out_are_shown():
    many = tuple(replace(LEVELS[0], time_h=float(i), individual=0.01 * i) for i in range(200))
    sheet = behind_sheets(replace(make_case(), diagnostics=replace(FOUND, levels=many)))[0]
    assert [row[0] for row in sheet.rows] == [str(i) for i in range(200 - SHOWN, 200)]
    assert f"The {SHOWN} of 200 levels" in behind_lines(replace(case(), diagnostics=replace(FOUND, levels=many)))[0]
