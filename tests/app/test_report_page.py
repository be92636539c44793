"""The page read back: what the record holds is there, and nothing from outside acts on it."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

import individose as ido
from app.test_report_case import HOSTILE, SVG, Page, make_case
from individose.app.report import case_html, level_figure


def test_the_page_is_closed_in_itself_and_says_its_language():
    html = case_html(make_case(), generated="made on 1 May 2031")
    page = Page(html)
    assert page.of("html")[0]["lang"] == "en"
    assert not page.of("script")
    assert not page.of("link")
    for _, attrs in page.elements:
        assert not {"src", "href", "xlink:href", "srcset", "onload"} & attrs.keys()
    assert re.findall(r"url\((?!#)", html) == []
    assert "@import" not in html
    assert "made on 1 May 2031" in page.text
    identifiers = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(identifiers) == len(set(identifiers))
    known = set(identifiers)
    for _, attrs in page.elements:
        assert set((attrs.get("aria-labelledby") or "").split()) <= known


def test_the_page_holds_every_dose_level_and_number_of_the_record():
    page = Page(case_html(make_case()))
    cells = [t.replace("\N{NO-BREAK SPACE}", " ") for t in page.texts]
    for expected in (
        "600 mg", "300 mg over 1 h every 12 h × 7", "12 to 84",  # doses
        "11.5", "12.4", "47.25", "14.9", "83", "< 2",  # levels
        "body weight", "71.5", "kg",
        "2.600", "2.000", "1.512 to 2.645", "30.00", "fixed by the card", "L/h",  # parameters
        "8.16", "5.50 to 11.9", "12.5", "9.45 to 16.5",  # exposure
        "400", "500", "14.2 (10.6 to 18.8)", "77", "11", "12", "51", "47",  # ranked doses
        "1: 407 mg rounded down to 400 mg.", "2: 507 mg rounded down to 500 mg.",
        "examplin/doe2031: Examplin in invented adults", "0123456789ab",
    ):  # fmt: skip
        assert expected in cells, expected
    for expected in (
        "Doe J. Invented J 2031;1:1-9 doi:10.0000/none. 20 invented adults.",
        "SD² = a² + b² f², a = 0.5000 mg/L, b = 0.1200",
        "Ask the invented pharmacist.",
        f"individose {ido.__version__}",
        "Research and education; not a medical device.",
    ):
        assert expected in page.text, expected


def test_a_hostile_identifier_is_text_on_the_page():
    page = Page(case_html(make_case(HOSTILE)))
    assert not page.of("script")
    assert not page.of("b")
    assert f"Patient {HOSTILE}" in page.text
    figure = ET.fromstring(level_figure(make_case(HOSTILE)))
    assert HOSTILE in (figure.findtext(f"{SVG}title") or "")


@given(st.text(max_size=30))
def test_any_identifier_gives_a_page_and_a_figure_that_parse(id: str):
    case = make_case(id)
    Page(case_html(case))
    ET.fromstring(level_figure(case))
