"""Tables that cannot be read, and patients who cannot: what the message says, and on which line."""

from __future__ import annotations

import io
import time
from typing import Any

import pytest

from individose.base import InputError, UnitError
from individose.events import Table, read_nonmem, scan_nonmem

HEADER = "ID,TIME,AMT,RATE,DUR,EVID,CMT,SS,II,ADDL,DV,MDV,CENS,WT,SEX"
GOOD_DOSE = "1,0,100,0,0,1,1,0,0,0,.,1,0,70,male"


def scan(text: str, **reading: Any) -> Table:
    return scan_nonmem(io.StringIO(text), **reading)


def refusal_of(row: str, before: str = GOOD_DOSE) -> str:
    """The message for a patient whose second row is `row`; a sound patient follows and must be read."""
    table = scan("\n".join((HEADER, before, row, "2,0,50,0,0,1,1,0,0,0,.,1,0,60,female")))
    assert [s.id for s in table.subjects] == ["2"]
    (refused,) = table.refused
    assert (refused.id, refused.line, refused.error.subject) == ("1", 3, "1")
    assert isinstance(refused.error, InputError)
    assert all((refused.error.arrived, refused.error.allowed, refused.error.because, refused.error.remedy))
    assert "line 3" in str(refused.error)
    return str(refused.error)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("1,1,-5,0,0,1,1,0,0,0,.,1,0,70,male", "AMT -5 mg"),
        ("1,1,0,0,0,1,1,0,0,0,.,1,0,70,male", "AMT 0 mg"),
        ("1,1,.,0,0,1,1,0,0,0,.,1,0,70,male", "no AMT"),
        ("1,1,ten,0,0,1,1,0,0,0,.,1,0,70,male", "AMT is 'ten'"),
        ("1,1,1_000,0,0,1,1,0,0,0,.,1,0,70,male", "AMT is '1_000'"),
        ("1,1,inf,0,0,1,1,0,0,0,.,1,0,70,male", "AMT is inf"),
        ("1,1,100,-3,0,1,1,0,0,0,.,1,0,70,male", "RATE is -3"),
        ("1,1,100,50,3,1,1,0,0,0,.,1,0,70,male", "2 h and DUR 3 h"),
        ("1,1,100,0,-1,1,1,0,0,0,.,1,0,70,male", "DUR -1 h"),
        ("1,1,100,0,0,1,1,0,0,3,.,1,0,70,male", "ADDL 3 and no II"),
        ("1,1,100,0,0,1,1,0,12,-3,.,1,0,70,male", "ADDL -3"),
        ("1,1,100,0,0,1,1,0,12,1.5,.,1,0,70,male", "ADDL is 1.5"),
        ("1,1,100,0,0,1,1,1,0,0,.,1,0,70,male", "SS 1 and no II"),
        ("1,1,100,0,0,1,1,3,12,0,.,1,0,70,male", "SS is 3"),
        ("1,1,0,10,0,1,1,1,12,0,.,1,0,70,male", "II 12 h"),
        ("1,1,100,0,0,7,1,0,0,0,.,1,0,70,male", "EVID is 7"),
        ("1,1,100,0,0,0,1,0,0,0,5,0,0,70,male", "EVID is 0 and AMT 100 mg"),
        ("1,1,100,0,0,2,1,0,0,0,5,1,0,70,male", "EVID is 2 and AMT 100 mg"),
        ("1,-1,0,0,0,0,1,0,0,0,5,0,0,70,male", "-1 h after 0 h"),
        ("1,.,0,0,0,0,1,0,0,0,5,0,0,70,male", "TIME is missing"),
        ("1,12:30,0,0,0,0,1,0,0,0,5,0,0,70,male", "hours from a common start"),
        ("1,1,0,0,0,0,1,0,0,0,-5,0,0,70,male", "DV is -5 mg/L"),
        ("1,1,0,0,0,0,1,0,0,0,0,0,1,70,male", "marked as below"),
        ("1,1,0,0,0,0,1,0,0,0,.,0,0,70,male", "has no DV"),
        ("1,1,0,0,0,0,1,0,0,0,<0.5,0,0,70,male", "CENS"),
        ("1,1,0,0,0,0,1,0,0,0,Infinity,0,0,70,male", "DV is Infinity"),
        ("1,1,0,0,0,0,-1,0,0,0,5,0,0,70,male", "CMT is -1"),
        ("1,1,0,0,0,0,1,0,0,0,5,0,0,1400,male", "It looks like g"),
        ("1,1,0,0,0,0,1,0,0,0,5,0,0,-99,male", "often marks a missing value"),
        ("1,1,0,0,0,0,1,0,0,0,5,0,0,heavy,male", "WT is 'heavy'"),
        ("1,1,0,0,0,0,1,0,0,0,5,0,0,70,1", "codes="),
        ("1,1,0,0,0,0,1,0,0,0,5,0,0,70", "14 cells"),
        (".,1,0,0,0,0,1,0,0,0,5,0,0,70,male", "ID is missing"),
    ],
)
def test_a_broken_row_refuses_its_patient_alone(row: str, says: str) -> None:
    assert says in refusal_of(row)


def test_an_id_that_comes_back_refuses_the_whole_patient() -> None:
    table = scan("ID,TIME,AMT,DV\n1,0,10,.\n2,0,10,.\n1,5,.,3\n3,0,10,.")
    assert [s.id for s in table.subjects] == ["2", "3"]
    assert [(r.id, r.line) for r in table.refused] == [("1", 4)]
    assert "begin again" in str(table.refused[0].error)


def test_read_raises_the_first_refusal() -> None:
    with pytest.raises(InputError, match="line 3") as caught:
        read_nonmem(io.StringIO("ID,TIME,AMT,DV\n1,0,10,.\n2,0,-1,.\n3,0,-1,."))
    assert caught.value.subject == "2"


@pytest.mark.parametrize(
    ("text", "reading", "says"),
    [
        ("", {}, "empty"),
        ("\n  \n", {}, "empty"),
        ("ID,TIME,AMT,DV\n", {}, "no rows"),
        ("1,0,10,.\n1,1,.,5\n", {}, "line 1 holds numbers only"),
        ("ID,TIME,AMT\n1,0,10\n", {}, "none that means DV"),
        ("TIME,AMT,DV\n0,10,.\n", {}, "none that means ID"),
        ("ID,TIME,AMT,CONC\n1,0,10,.\n", {}, "Does CONC mean DV?"),
        ("ID,TIME,AMT,DV,WIEGHT\n1,0,10,.,70\n", {}, "Did you mean WEIGHT for WIEGHT?"),
        ("ID,TIME,AMT,DV,FOO\n1,0,10,.,70\n", {}, "--ignore FOO"),
        ("ID,TIME,AMT,DV,FOO\n1,0,10,.,70\n", {}, "--column FOO=weight"),
        ("ID,TIME,AMT,DV,FOO\n1,0,10,.,70\n", {"columns": {"FOO": "wieght"}}, "Did you mean WEIGHT"),
        ("ID,TIME,AMT,DV,WT\n1,0,10,.,70\n", {"columns": {"FOO": "age"}}, "a column FOO"),
        ("ID,TIME,AMT,DV,WT\n1,0,10,.,70\n", {"ignore": ["FOO"]}, "a column FOO"),
        ("ID,TIME,AMT,DV,WT,BW\n1,0,10,.,70,70\n", {}, "both mean weight"),
        ("ID,DATE,TIME,AMT,DV\n1,1/2/24,9:30,10,.\n", {}, "a column DATE"),
        ("ID,TIME,AMT,DV,EVID\n1,0,10,.,1\n", {"units": {"EVID": "h"}}, "EVID has none"),
        ("ID,TIME,AMT,DV\n1,0,10,.\n", {"units": {"WT": "g"}}, "a column WT"),
        ("ID,TIME,AMT,DV,SEX\n1,0,10,.,1\n", {"codes": {"SEX": {"1": "mail"}}}, "'mail'"),
    ],
)
def test_a_broken_table_is_refused_whole(text: str, reading: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError) as caught:
        scan(text, **reading)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("units", "column"),
    [({"TIME": "mg"}, "TIME"), ({"WT": "cm"}, "WT"), ({"DV": "umol/L"}, "DV"), ({"SEX": "kg"}, "SEX")],
)
def test_a_unit_that_cannot_be_converted_is_refused(units: dict[str, str], column: str) -> None:
    with pytest.raises(UnitError, match=column):
        scan(f"{HEADER}\n{GOOD_DOSE}", units=units)


def test_a_missing_file_is_refused(tmp_path: Any) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        scan_nonmem(tmp_path / "absent.csv")


def test_a_file_in_another_encoding_is_refused(tmp_path: Any) -> None:
    path = tmp_path / "latin.csv"
    path.write_bytes("ID,TIME,AMT,DV,FOO\n1,0,1,.,\xe9t\xe9\n".encode("latin-1"))
    with pytest.raises(InputError, match="UTF-8"):
        scan_nonmem(path)


def test_ten_thousand_patients_three_of_them_broken() -> None:
    lines = ["ID,TIME,AMT,RATE,EVID,DV,MDV,CMT,WT,AGE,CRCL"]
    for patient in range(10_000):
        for row in range(13):
            is_dose = row % 3 == 0
            lines.append(
                f"{patient},{row * 8},{500 if is_dose else 0},{250 if is_dose else 0},{int(is_dose)},"
                f"{'.' if is_dose else 7.25},{int(is_dose)},1,{60 + patient % 40},{20 + patient % 60},{90 + row}"
            )
    broken = {17: 4, 5000: 0, 9999: 12}
    for patient, row in broken.items():
        lines[1 + patient * 13 + row] = lines[1 + patient * 13 + row].replace(f"{patient},", f"{patient},x", 1)
    started = time.process_time()
    table = scan("\n".join(lines))
    elapsed_s = time.process_time() - started
    assert [(r.id, r.line) for r in table.refused] == [(str(p), 2 + p * 13 + row) for p, row in broken.items()]
    assert len(table.subjects) == 9_997
    assert sum(len(s.doses) for s in table.subjects) == 9_997 * 5
    assert sum(len(s.levels) for s in table.subjects) == 9_997 * 8
    assert elapsed_s < 10.0, "2.4 to 3.8 s of a busy core; far more is a change of complexity"
