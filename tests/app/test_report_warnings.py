"""What must not be missed, on every face: failures, warnings, gaps, refusals; and a real newborn."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from rich.console import Console

import individose as ido
import reference_data
from app.test_report_case import (
    CARD,
    LEVELS,
    NOT_A_NUMBER,
    PLACED,
    Page,
    axis,
    legend_texts,
    make_case,
    make_failed,
    marks,
    one_line,
    screen,
)
from individose.app.actions.problems import Refused
from individose.app.report import case_html, level_figure, show_ward
from individose.app.report.picture import picture
from individose.app.report.plot import plot
from individose.base import DomainError, Notice, Outcome, Status
from individose.events import Dose, Reset, Subject


def test_a_failed_estimate_shows_its_sentence_and_no_number_of_its_own():
    case = make_failed()
    page, figure = Page(case_html(case)), level_figure(case)
    said = screen(case)
    for text in (page.text, one_line(said)):
        assert NOT_A_NUMBER.search(text) is None
        assert case.fit.status.sentence in text
        assert "not estimated" in text
        assert "No exposure is given: the estimate failed." in text
        assert "No dose is advised: the estimate of this patient failed." in text
        assert "WARNING" in text
    assert NOT_A_NUMBER.search(figure) is None
    root = ET.fromstring(figure)
    assert not marks(root, "individual")
    assert not marks(root, "interval")
    assert len(marks(root, "level")) == len(LEVELS)
    assert "status failed" in [p.get("class") for p in page.of("p")]


def test_a_failed_estimate_draws_the_typical_patient_alone_even_where_its_curves_are_numbers():
    case = make_case(status=Status(Outcome.FAILED))
    root = ET.fromstring(level_figure(case))
    assert len(marks(root, "typical")) == 1
    assert not marks(root, "individual")
    assert not marks(root, "interval")
    assert "this patient" not in {"".join(e.itertext()) for e in legend_texts(root)}
    seen = picture(case)
    assert seen is not None
    assert "this patient" not in plot(seen, 80).plain
    own = {f"{row.ipred:.3g}" for row in case.levels} | {"2.000", "1.512 to 2.645"}
    for face in (Page(case_html(case)).text, screen(case)):
        assert not {number for number in own if re.search(rf"(?<![\d.]){re.escape(number)}(?![\d.])", face)}


def test_warnings_are_graded_and_the_gravest_come_first_on_both_faces():
    notices = (Notice("a", "An invented note.", "note"), Notice("b", "An invented warning <1>.", "warning"))
    case = make_case(notices=notices)
    page = Page(case_html(case))
    for text in (page.text, one_line(screen(case))):
        assert "1 warning, 1 note" in text
        assert text.index("An invented warning <1>.") < text.index("An invented note.")
        assert "WARNING" in text
    assert page.text.index("An invented warning") < page.text.index("Patient and what was given")
    assert [li.get("class") for li in page.of("li")][:2] == ["warning", "note"]
    heard = screen(case)
    assert heard.rindex("An invented warning") > heard.rindex("Rounding to what can be dispensed")


def test_a_draft_card_and_an_edge_are_warned_of_even_without_a_notice():
    case = make_case(status=Status(Outcome.BOUND))
    case = replace(case, card=replace(CARD, grade="draft"))
    for text in (Page(case_html(case)).text, one_line(screen(case))):
        assert "2 warnings" in text
        assert "is a draft: its numbers have not been checked" in text
        assert "A parameter went to the edge of what is plausible" in text


def test_a_history_whose_clock_restarts_has_no_curve_and_says_so():
    case = make_case()
    restarted: Subject = replace(case.subject, events=(*case.subject.events, Reset(0.0, restarts=True), Dose(0.0, 5.0)))
    case = replace(case, subject=restarted)
    assert level_figure(case) == ""
    for text in (Page(case_html(case)).text, one_line(screen(case))):
        assert "No curve is drawn: the clock of this history starts again." in text


def test_a_result_without_regimen_target_or_advice_says_what_is_missing():
    case = replace(make_case(), regimen=None, exposure={}, target=None, advice=None, curve=None)
    for text in (Page(case_html(case)).text, one_line(screen(case))):
        assert "The doses show no regular regimen" in text
        assert "No dose is advised: the card has no target." in text
        assert "No curve was worked out." in text


def test_a_ward_shows_every_patient_and_why_others_were_refused():
    refusal = DomainError("weight is 12 kg", "40 to 140 kg", "domain of examplin/doe2031", "Pick another card.")
    file = io.StringIO()
    rows = [make_case("A-17"), replace(make_failed(), subject=replace(make_failed().subject, id="B-2"))]
    show_ward(rows, [Refused("C-3", refusal)], Console(file=file, width=140))
    said = one_line(file.getvalue())
    assert "CL (L/h)" in said
    assert "A-17 converged 3 2.000 30.00 8.16 12.5" in said
    assert re.search(r"B-2 failed 3 – – – –", said)
    assert NOT_A_NUMBER.search(said) is None
    assert f"C-3: {refusal}" in said
    assert "Refused: 1 of 3 patients" in said
    assert "WARNING patient B-2" in said


@pytest.mark.reference
def test_a_real_newborn_on_both_faces():
    newborn = ido.read_nonmem(reference_data.path("datasets/pheno.csv"))[0]
    case = ido.estimate(ido.card("phenobarbital/grasela1985"), newborn)
    rows = [row for row in reference_data.rows("datasets/pheno.csv") if row["ID"] == "1"]
    page = Page(case_html(case))
    root = ET.fromstring(level_figure(case))
    x, y = axis(root, "x"), axis(root, "y")
    measured = [(float(row["TIME"]), float(row["DV"])) for row in rows if row["MDV"] == "0"]
    circles = [(float(e.get("cx", "")), float(e.get("cy", ""))) for e in marks(root, "level")]
    assert circles == [pytest.approx((x(t), y(v)), abs=PLACED) for t, v in measured]
    given_h = [float(row["TIME"]) for row in rows if row["EVID"] == "1"]
    assert [float(e.get("x", "")) + 1 for e in marks(root, "dose")] == pytest.approx(
        [x(t) for t in given_h], abs=PLACED
    )
    for text in (page.text, one_line(screen(case, 120))):
        for row in rows:
            assert re.search(rf"(?<![\d.]){float(row['TIME']):g}(?![\d.]*\d)", text)
        assert "0.006574" in text  # 0.00469555 L/h/kg x 1.4 kg, as the card's first check works out by hand
        assert "1.378" in text
