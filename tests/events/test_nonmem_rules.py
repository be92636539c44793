"""NONMEM's rules row by row: what becomes of EVID, RATE, SS, ADDL, CMT, CENS, covariates, separators and headers."""

from __future__ import annotations

import io
import math
import subprocess
import sys
from typing import Any

import pytest

import tolerances
from individose.events import Dose, Level, Reading, Reset, Subject, read_nonmem, scan_nonmem


def only(text: str, **reading: Any) -> Subject:
    (found,) = read_nonmem(io.StringIO(text), **reading)
    return found


def dose(names: str, cells: str, **reading: Any) -> Dose:
    (found,) = only(f"ID,TIME,DV,{names}\n1,0,.,{cells}", **reading).doses
    return found


@pytest.mark.parametrize(
    ("names", "cells", "expected"),
    [
        ("AMT,RATE", "100,50", Dose(0.0, 100.0, 2.0, keeps="rate")),
        ("AMT,RATE", "100,0", Dose(0.0, 100.0)),
        ("AMT,RATE", "100,.", Dose(0.0, 100.0)),
        ("AMT,RATE", "100,-1", Dose(0.0, 100.0, modelled="rate")),
        ("AMT,RATE", "100,-2", Dose(0.0, 100.0, modelled="duration")),
        ("AMT,DUR", "100,1.5", Dose(0.0, 100.0, 1.5)),
        ("AMT,RATE,DUR", "100,50,2", Dose(0.0, 100.0, 2.0, keeps="rate")),
        ("AMT,II,ADDL", "100,12,5", Dose(0.0, 100.0, interval_h=12.0, additional=5)),
        ("AMT,SS,II", "100,1,12", Dose(0.0, 100.0, interval_h=12.0, steady_state=1)),
        ("AMT,SS,II", "100,2,12", Dose(0.0, 100.0, interval_h=12.0, steady_state=2)),
        ("AMT,RATE,SS,II", "0,20,1,0", Dose(0.0, 0.0, steady_state=1, rate_mg_h=20.0)),
        ("AMT,RATE,SS,II,EVID", ".,20,2,.,1", Dose(0.0, 0.0, steady_state=2, rate_mg_h=20.0)),
        ("AMT,CMT", "100,2", Dose(0.0, 100.0, into="cmt2")),
        ("AMT,CMT", "100,0", Dose(0.0, 100.0)),
        ("AMT,CMT", "100,depot", Dose(0.0, 100.0, into="depot")),
    ],
)
def test_a_dose_record(names: str, cells: str, expected: Dose) -> None:
    assert dose(names, cells) == expected


@pytest.mark.parametrize(
    ("names", "cells", "expected"),
    [
        ("EVID,MDV", "0,0", Level(5.0, 7.0)),
        ("EVID,MDV", "0,1", Level(5.0, math.nan, measured=False)),
        ("EVID,MDV", "2,1", Level(5.0, math.nan, measured=False)),
        ("EVID,MDV", "2,0", Level(5.0, math.nan, measured=False)),
        ("MDV", "1", Level(5.0, math.nan, measured=False)),
        ("CMT", "3", Level(5.0, 7.0, compartment="cmt3")),
        ("DVID", "2", Level(5.0, 7.0, analyte="2")),
        ("CENS", "1", Level(5.0, 7.0, censoring="below")),
        ("CENS", "-1", Level(5.0, 7.0, censoring="above")),
        ("LLOQ", "8", Level(5.0, 8.0, censoring="below")),
        ("LLOQ", "7", Level(5.0, 7.0)),
        ("LLOQ,CENS", "8,0", Level(5.0, 7.0)),
        ("LLOQ,CENS", "6,1", Level(5.0, 6.0, censoring="below")),
    ],
)
def test_an_observation_record(names: str, cells: str, expected: Level) -> None:
    text = (
        f"ID,TIME,AMT,DV,{names}\n1,0,10,.,{','.join('1' if n in ('EVID', 'MDV') else '.' for n in names.split(','))}"
    )
    assert only(f"{text}\n1,5,0,7,{cells}").events[-1] == expected


def test_the_sign_of_cens_can_be_turned() -> None:
    text = "ID,TIME,AMT,DV,CENS\n1,0,10,.,0\n1,5,0,7,-1"
    assert only(text, censored_below=-1).levels[0].censoring == "below"


def test_evid_and_mdv_are_derived() -> None:
    events = only("ID,TIME,AMT,DV\n1,0,10,.\n1,5,0,7\n1,6,.,.").events
    assert events == (Dose(0.0, 10.0), Level(5.0, 7.0), Level(6.0, math.nan, measured=False))


def test_resets_with_and_without_a_dose_and_a_clock_that_starts_again() -> None:
    text = "ID,TIME,AMT,DV,EVID,WT\n1,0,10,.,1,70\n1,9,0,7,0,71\n1,10,0,.,3,72\n1,0,20,.,4,73\n1,1,0,8,0,74"
    assert only(text).events == (
        Reading(0.0, {"weight": 70.0}),
        Dose(0.0, 10.0),
        Reading(9.0, {"weight": 71.0}),
        Level(9.0, 7.0),
        Reset(10.0),
        Reading(10.0, {"weight": 72.0}),
        Reset(0.0, restarts=True),
        Reading(0.0, {"weight": 73.0}),
        Dose(0.0, 20.0),
        Reading(1.0, {"weight": 74.0}),
        Level(1.0, 8.0),
    )


def test_missing_covariates_are_carried_forward_and_the_first_ones_filled() -> None:
    found = only("ID,TIME,AMT,DV,WT,AGE,CRCL\n1,0,10,.,.,40,.\n1,1,0,7,70,.,NA\n1,2,0,6,,41,\n1,3,0,5,72,.,.")
    assert [r.values for r in found.readings] == [
        {"weight": 70.0, "age": 40.0},
        {"weight": 70.0, "age": 40.0},
        {"weight": 70.0, "age": 41.0},
        {"weight": 72.0, "age": 41.0},
    ]
    assert any(note.startswith("weight is first known at 1 h") for note in found.notes)
    assert not any("age is first" in note or "crcl is first" in note for note in found.notes)


def test_a_patient_without_any_covariate_has_no_readings() -> None:
    assert only("ID,TIME,AMT,DV,WT\n1,0,10,.,.\n1,1,0,7,NA").readings == ()


def test_occasions_are_read_as_a_covariate() -> None:
    found = only("ID,TIME,AMT,DV,OCC\n1,0,10,.,1\n1,24,10,.,2")
    assert [r.values for r in found.readings] == [{"occasion": 1.0}, {"occasion": 2.0}]


TABLE = [["ID", "TIME", "AMT", "DV", "WT"], ["1", "0", "10", ".", "70"], ["1", "2.5", ".", "7.5", "70"]]


@pytest.mark.parametrize("separator", [",", ";", "\t", " ", "   ", ", "])
@pytest.mark.parametrize("mark", ["", "#", "C"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_separators_and_marked_headers_read_alike(separator: str, mark: str, end: str) -> None:
    lines = [separator.join(row) for row in TABLE]
    plain = only("\n".join(",".join(row) for row in TABLE))
    assert only(end.join([mark + lines[0], *lines[1:], ""])) == plain


@pytest.mark.parametrize("mark", ["C", "#"])
def test_a_column_of_marks_comments_rows_out(mark: str) -> None:
    plain = only("\n".join(",".join(row) for row in TABLE))
    rows = [[mark, *TABLE[0]], [".", *TABLE[1]], [mark, *TABLE[1]], [".", *TABLE[2]]]
    found = scan_nonmem(io.StringIO("\n".join(",".join(row) for row in rows)))
    assert found.subjects[0].events == plain.events
    assert "1 rows were commented out." in found.notes


def test_remarks_above_the_header_a_byte_order_mark_and_lower_case_are_understood() -> None:
    plain = only("\n".join(",".join(row) for row in TABLE))
    text = "\ufeff# exported on Monday\n" + "\n".join(",".join(row) for row in TABLE).lower()
    assert only(text).events == plain.events


def test_units_are_converted_at_the_border_and_said() -> None:
    text = "ID,TIME,AMT,RATE,II,ADDL,DV,LLOQ,WT\n1,0,5000,50,720,2,.,.,3500\n1,90,0,0,0,0,250,300,3500"
    found = only(text, units={"TIME": "min", "AMT": "ug", "DV": "ng/mL", "WT": "g"})
    (given,), (measured,) = found.doses, found.levels
    near = lambda value: pytest.approx(value, rel=tolerances.EXACT)  # noqa: E731
    assert given == Dose(0.0, near(5.0), near(100 / 60), interval_h=near(12.0), additional=2, keeps="rate")
    assert measured == Level(near(1.5), near(0.3), censoring="below")
    assert found.readings[0].values == {"weight": near(3.5)}
    assert "TIME min" in found.notes[0]
    assert "RATE ug/min" in found.notes[0]
    assert "WT (weight) g" in found.notes[0]


def test_assumed_units_are_said() -> None:
    assert only("ID,TIME,AMT,DV,WT\n1,0,10,.,70").notes[0] == (
        "Units assumed, as none were given: TIME h, AMT mg, DV mg/L, WT (weight) kg."
    )


def test_a_rate_may_have_a_unit_of_its_own() -> None:
    found = dose("AMT,RATE", "100,1", units={"TIME": "min", "RATE": "g/d"})
    assert found.duration_h == pytest.approx(2.4, rel=tolerances.EXACT)


def test_molar_levels_need_the_molar_mass() -> None:
    text = "ID,TIME,AMT,DV\n1,0,10,.\n1,1,0,50"
    found = only(text, units={"DV": "umol/L"}, molar_mass_g_mol=180.16)
    assert found.levels[0].value_mg_L == pytest.approx(50 * 180.16 / 1000, rel=tolerances.EXACT)


def test_importing_and_reading_in_canonical_units_loads_no_heavy_library() -> None:
    program = (
        "import io, sys, individose.events as e\n"
        "e.read_nonmem(io.StringIO('ID,TIME,AMT,DV,WT\\n1,0,10,.,70'))\n"
        "sys.exit(','.join({'pint', 'lark', 'jax', 'numpy', 'pandas', 'ucumvert'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.strip()) == (0, "")
