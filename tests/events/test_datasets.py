"""Published data sets against an independent reading with the csv module alone."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

import pytest

import reference_data
import tolerances
from individose.events import Reading, Subject, check_history, scan_nonmem

pytestmark = pytest.mark.reference


class DataSet(NamedTuple):
    file: str
    patients: int
    reading: Mapping[str, Any]
    hours_per_time: float = 1.0
    mg_per_amount: float = 1.0
    mg_L_per_level: float = 1.0
    refused: tuple[str, ...] = ()


DATA_SETS = [
    DataSet("pheno", 59, {}),
    DataSet("theo_sd", 12, {}),
    DataSet("theo_md", 12, {}, refused=("2",)),  # its later days are simulated: one simulated level is -1.13
    DataSet("indometh", 6, {}),
    DataSet("warfarin_pkpd", 32, {"codes": {"SEX": {"0": "female", "1": "male"}}}),
    DataSet(
        "quinidine",
        136,
        {"ignore": ["CRCL"], "columns": {"HT_IN": "height"}, "units": {"HT_IN": "[in_i]"}},
    ),
    DataSet("remifentanil", 65, {"units": {"TIME": "min", "AMT": "ug", "DV": "ng/mL"}}, 1 / 60, 1e-3, 1e-3),
    DataSet(
        "propofol_schnider1998",
        48,
        {
            "units": {"TIME": "min"},
            "columns": {"M1F2": "sex"},
            "codes": {"M1F2": {"1": "male", "2": "female"}},
            "ignore": ["STUDY", "A1V2", "OPIOID"],
        },
        1 / 60,
    ),
]


@pytest.fixture(params=DATA_SETS, ids=lambda data: data.file)
def data(request: pytest.FixtureRequest) -> DataSet:
    return request.param


def rows_of(data: DataSet) -> list[dict[str, str]]:
    return [row for row in reference_data.rows(f"datasets/{data.file}.csv") if row["ID"] not in data.refused]


def read(data: DataSet) -> tuple[Subject, ...]:
    table = scan_nonmem(reference_data.path(f"datasets/{data.file}.csv"), **data.reading)
    assert tuple(one.id for one in table.refused) == data.refused
    return table.subjects


def total(values: list[float]) -> Any:
    return pytest.approx(math.fsum(values), rel=tolerances.EXACT)


def test_every_patient_dose_and_level_is_there(data: DataSet) -> None:
    rows, subjects = rows_of(data), read(data)
    given, measured = ([r for r in rows if r["EVID"] == code] for code in "10")
    assert len(subjects) == data.patients - len(data.refused)
    assert [s.id for s in subjects] == list(dict.fromkeys(r["ID"] for r in rows))
    assert {s.id: len(s.doses) for s in subjects} == Counter(r["ID"] for r in given)
    assert {s.id: len(s.levels) for s in subjects} == Counter(r["ID"] for r in measured)
    doses = [dose for s in subjects for dose in s.doses]
    levels = [level for s in subjects for level in s.levels]
    assert math.fsum(d.amount_mg for d in doses) == total([float(r["AMT"]) * data.mg_per_amount for r in given])
    assert math.fsum(x.value_mg_L for x in levels) == total([float(r["DV"]) * data.mg_L_per_level for r in measured])
    assert math.fsum(x.time_h for x in levels) == total([float(r["TIME"]) * data.hours_per_time for r in measured])


def test_infusions_last_amount_over_rate(data: DataSet) -> None:
    rows = [r for r in rows_of(data) if r["EVID"] == "1"]
    wanted = [float(r["AMT"]) / float(r["RATE"]) * data.hours_per_time if float(r["RATE"]) > 0 else 0.0 for r in rows]
    found = [dose.duration_h for s in read(data) for dose in s.doses]
    assert found == pytest.approx(wanted, rel=tolerances.EXACT)


def test_each_row_gives_its_covariates_just_before_its_event(data: DataSet) -> None:
    rows, subjects = rows_of(data), read(data)
    if "WT" not in rows[0]:
        assert all(not s.readings for s in subjects)
        return
    readings = [(s.id, x.time_h, x.values["weight"]) for s in subjects for x in s.readings]
    assert readings == [
        (r["ID"], pytest.approx(float(r["TIME"]) * data.hours_per_time, rel=tolerances.EXACT), float(r["WT"]))
        for r in rows
    ]
    for s in subjects:
        before, after = s.events[::2], s.events[1::2]
        assert all(isinstance(event, Reading) for event in before)
        assert [event.time_h for event in before] == [event.time_h for event in after]


def test_every_history_can_be_explained(data: DataSet) -> None:
    for s in read(data):
        check_history(s)


def test_quinidine_keeps_steady_states_categories_and_heights_in_inches() -> None:
    data = next(d for d in DATA_SETS if d.file == "quinidine")
    rows, subjects = rows_of(data), read(data)
    doses = [dose for s in subjects for dose in s.doses]
    steady = [r for r in rows if r["SS"] == "1"]
    assert [d.interval_h for d in doses if d.steady_state] == [float(r["II"]) for r in steady]
    first = subjects[0].readings[0].values
    assert first["height"] == pytest.approx(69 * 2.54, rel=tolerances.EXACT)
    assert (first["race"], first["smoker"], first["heart_failure"]) == ("caucasian", 0.0, "moderate")
    predicted = [e for s in subjects for e in s.events if getattr(e, "measured", True) is False]
    assert len(predicted) == sum(r["EVID"] == "2" for r in rows)


def test_warfarin_tells_its_two_analytes_apart() -> None:
    data = next(d for d in DATA_SETS if d.file == "warfarin_pkpd")
    found = Counter(level.analyte for s in read(data) for level in s.levels)
    assert found == Counter(r["DVID"] for r in rows_of(data) if r["EVID"] == "0")


def test_methotrexate_resets_with_each_course() -> None:
    rows = reference_data.rows("map/nm951_methotrexate_2cmt_iov/data.csv")
    table = scan_nonmem(
        reference_data.path("map/nm951_methotrexate_2cmt_iov/data.csv"),
        columns={"CYCLE": "OCC"},
        ignore=["s2_sampling"],
        units={"DV": "nmol/L", "AMT": "umol"},
        molar_mass_g_mol=454.44,
    )
    assert not table.refused
    resets = [e for s in table.subjects for e in s.events if type(e).__name__ == "Reset"]
    assert len(resets) == sum(r["evid"] == "4" for r in rows)
    occasions = [x.values["occasion"] for s in table.subjects for x in s.readings]
    assert occasions == [float(r["CYCLE"]) for r in rows]
    for s in table.subjects:
        check_history(s)
