"""What is written reads back as the same subjects: for any history in the form of a table, and for published data."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import reference_data
from individose.base import InputError
from individose.drugs.registers import covariates as registered
from individose.events import (
    Dose,
    Event,
    Level,
    Reading,
    Reset,
    Subject,
    check_history,
    read_nonmem,
    scan_nonmem,
    subject,
    write_nonmem,
)

positive = st.floats(1e-6, 1e6)
gaps_h = st.one_of(st.just(0.0), st.floats(0.0, 1e3))
compartments = st.one_of(st.none(), st.integers(1, 99).map("cmt{}".format), st.sampled_from(["depot", "central"]))
analytes = st.one_of(st.none(), st.integers(1, 9).map(str), st.sampled_from(["parent", "metabolite"]))


@st.composite
def doses(draw: st.DrawFn, time_h: float) -> Dose:
    into = draw(compartments)
    if draw(st.integers(0, 9)) == 0:
        return Dose(time_h, 0.0, into=into, steady_state=draw(st.sampled_from([1, 2])), rate_mg_h=draw(positive))
    modelled = draw(st.sampled_from(["no", "no", "rate", "duration"]))
    duration = draw(st.one_of(st.just(0.0), st.floats(1e-3, 1e3))) if modelled == "no" else 0.0
    worn = 0.0 if duration or modelled != "no" else draw(st.one_of(st.just(0.0), st.floats(1e-3, 1e3)))
    return Dose(
        time_h,
        draw(positive),
        duration,
        into,
        interval_h=draw(st.floats(0.1, 1e3)),
        additional=draw(st.integers(0, 200)),
        steady_state=draw(st.sampled_from([0, 1, 2])),
        modelled=modelled,
        removed_after_h=worn,
    )


@st.composite
def levels(draw: st.DrawFn, time_h: float) -> Level:
    analyte, compartment = draw(analytes), draw(compartments)
    if draw(st.integers(0, 4)) == 0:
        return Level(time_h, math.nan, analyte, measured=False, compartment=compartment)
    censoring = draw(st.sampled_from(["none", "below", "above"]))
    value = draw(st.floats(0.0 if censoring == "none" else 1e-9, 1e6))
    return Level(time_h, value, analyte, censoring, compartment=compartment)


@st.composite
def tabular_subjects(draw: st.DrawFn, id: str, names: Sequence[str]) -> Subject:
    """A history as a table gives it: every row has a reading of the same covariates, or none has."""
    events: list[Event] = []
    previous_h: float | None = None
    time_h = draw(st.floats(-10.0, 10.0))
    for _ in range(draw(st.integers(1, 8))):
        kind = draw(st.sampled_from(["dose", "level", "level", "reset", "reset and dose"]))
        reading = [Reading(time_h, {name: draw(values_of(name)) for name in names})] if names else []
        if kind.startswith("reset"):
            if draw(st.booleans()):
                time_h = draw(st.floats(-10.0, 10.0))
                reading = [replace(one, time_h=time_h) for one in reading]
            events += [Reset(time_h, restarts=previous_h is not None and time_h < previous_h), *reading]
        else:
            events += reading
        if kind.endswith("dose"):
            events.append(draw(doses(time_h)))
        elif kind == "level":
            events.append(draw(levels(time_h)))
        previous_h = time_h
        time_h += draw(gaps_h)
    return Subject(id, tuple(events))


def values_of(name: str) -> st.SearchStrategy[Any]:
    if name == "occasion":
        return st.integers(1, 9).map(float)
    entry = registered()[name]
    if entry.kind == "category":
        return st.sampled_from(entry.values)
    if entry.kind == "boolean":
        return st.sampled_from([0.0, 1.0])
    return st.floats(entry.low or 0.0, entry.high)


@st.composite
def wards(draw: st.DrawFn) -> list[Subject]:
    names = draw(st.lists(st.sampled_from([*registered(), "occasion"]), unique=True, max_size=4))
    ids = draw(
        st.lists(st.from_regex(r"[A-Za-z0-9,;\"'äß-]{1,6}", fullmatch=True), unique=True, min_size=1, max_size=4)
    )
    return [draw(tabular_subjects(id, names)) for id in ids if id not in ("NA", "na", "nan", "NaN", "NAN")]


def written(subjects: Sequence[Subject]) -> str:
    file = io.StringIO(newline="")
    write_nonmem(subjects, file)
    return file.getvalue()


def bare(subjects: Sequence[Subject]) -> list[Subject]:
    return [replace(one, notes=()) for one in subjects]


@given(wards())
def test_any_ward_reads_back_as_it_was_written(ward: list[Subject]) -> None:
    text = written(ward)
    if ward:
        assert bare(read_nonmem(io.StringIO(text))) == ward


def test_a_subject_built_from_lists_keeps_its_doses_and_levels() -> None:
    one = subject(
        "7",
        doses=[Dose(0.0, 1000.0, 1.0, interval_h=12.0, additional=4), Dose(60.0, 750.0, 1.0)],
        levels=[Level(59.5, 12.5), Level(66.0, 18.0)],
        covariates=[Reading(0.0, {"weight": 70.0, "sex": "male"}), Reading(30.0, {"weight": 72.5})],
    )
    (back,) = read_nonmem(io.StringIO(written([one])))
    assert (back.doses, back.levels) == (one.doses, one.levels)
    by_time = {reading.time_h: reading.values for reading in back.readings}
    assert by_time[0.0] == {"weight": 70.0, "sex": "male"}
    assert by_time[30.0] == by_time[66.0] == {"weight": 72.5, "sex": "male"}


def test_only_the_columns_that_are_needed_are_written() -> None:
    assert written([Subject("1", (Dose(0.0, 100.0), Level(1.5, 7.0)))]) == (
        "ID,TIME,EVID,AMT,DV,MDV\n1,0,1,100,.,1\n1,1.5,0,0,7,0\n"
    )


def test_a_path_is_written_in_utf_8(tmp_path: Any) -> None:
    ward = [Subject("é", (Dose(0.0, 100.0),))]
    write_nonmem(ward, tmp_path / "ward.csv")
    assert bare(read_nonmem(tmp_path / "ward.csv")) == ward


@pytest.mark.parametrize("id", [".", "", "NA", "#1", " 1", "1\n2"])
def test_an_id_that_would_be_lost_is_refused(id: str) -> None:
    with pytest.raises(InputError):
        written([Subject(id, (Dose(0.0, 100.0),))])


def test_two_subjects_of_one_id_are_refused() -> None:
    one = Subject("1", (Dose(0.0, 100.0),))
    with pytest.raises(InputError, match="one id"):
        written([one, one])


@pytest.mark.reference
@pytest.mark.parametrize(
    ("file", "ignore"),
    [
        ("datasets/pheno.csv", []),
        ("datasets/quinidine.csv", ["CRCL", "HT_IN"]),
        ("datasets/remifentanil.csv", []),
        ("map/nm951_methotrexate_2cmt_iov/data.csv", ["s2_sampling", "CYCLE"]),
        ("map/mapbayr_blq_m3/data.csv", []),
        ("map/posologyr_vancomycin_goti_monolix/data.csv", []),
    ],
)
def test_published_data_read_back_as_they_were_written(file: str, ignore: list[str]) -> None:
    table = scan_nonmem(reference_data.path(file), ignore=ignore)
    assert table.subjects
    assert not table.refused
    assert bare(read_nonmem(io.StringIO(written(table.subjects)))) == bare(table.subjects)
    for one in table.subjects:
        check_history(one)
