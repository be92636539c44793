"""`individose nca`: which levels belong to which dose, and what the command prints, writes and refuses."""

import csv
import json
import subprocess
import sys

import jsonschema
import pytest
from click.testing import CliRunner

import reference_data
from individose.app.actions.nca import nca, profiles
from individose.app.cli import main
from individose.app.cli.group import COMMANDS
from individose.app.cli.nca import METHODS, command
from individose.app.schemas.nca import NcaDocument
from individose.base import InputError
from individose.events import Dose, Level, Reset, Subject, read_nonmem, scan_nonmem, subject
from individose.inference.noncompartmental import METHODS as REGISTERED
from individose.inference.noncompartmental import Rules
from tolerances import EXACT, printed

DECAY = {0.5: 8.0, 1.0: 6.0, 2.0: 4.0, 4.0: 2.0, 8.0: 0.5}
"""Levels by hours after a dose."""


def levels(start=0.0, **more):
    return [Level(start + t, c, **more) for t, c in DECAY.items()]


def patient(doses, measured, id="1"):
    return subject(id, doses=doses, levels=measured)


def codes(one):
    return {notice.code for notice in one.notices}


class TestProfiles:
    def test_one_dose(self):
        (one,) = profiles(patient([Dose(10.0, 100.0)], levels(10.0)), route="oral")
        assert (one.number, one.time_h, one.profile.dose_mg, one.profile.route) == (1, 10.0, 100.0, "extravascular")
        assert list(one.profile.time_h) == pytest.approx(list(DECAY))
        assert (one.profile.tau_h, one.profile.carry_over, one.notices) == (None, False, ())

    @pytest.mark.parametrize(
        ("duration_h", "route", "expected"),
        [
            (0.0, "oral", "extravascular"),
            (0.0, "iv", "bolus"),
            (2.0, "iv", "infusion"),
            (2.0, "infusion", "infusion"),
            (2.0, None, "infusion"),
            (2.0, "oral", "extravascular"),
        ],
    )
    def test_route(self, duration_h, route, expected):
        (one,) = profiles(patient([Dose(0.0, 100.0, duration_h)], levels()), route=route)
        assert one.profile.route == expected
        assert one.profile.duration_h == (duration_h if expected == "infusion" else 0.0)
        assert ("duration-unused" in codes(one)) == (route == "oral" and duration_h > 0.0)

    def test_steady_state_and_interval_come_from_the_record(self):
        (one,) = profiles(patient([Dose(0.0, 100.0, interval_h=12.0, steady_state=1)], levels()), route="oral")
        assert one.profile.tau_h == 12.0
        assert "steady-state" in codes(one)

    def test_steady_state_goes_on_in_the_same_rhythm(self):
        regular = [Dose(0.0, 100.0, interval_h=12.0, steady_state=1, additional=1)]
        (one,) = profiles(patient(regular, levels(12.0)), route="oral")
        assert (one.number, one.time_h, one.profile.tau_h) == (2, 12.0, 12.0)
        late = [Dose(0.0, 100.0, interval_h=12.0, steady_state=1), Dose(14.0, 100.0)]
        (one,) = profiles(patient(late, levels(14.0)), route="oral")
        assert (one.profile.tau_h, one.profile.carry_over) == (None, True)
        assert "carry-over" in codes(one)

    def test_tau_concerns_later_doses_and_a_dose_alone(self):
        several = patient([Dose(12.0 * k, 100.0) for k in range(3)], [*levels(), *levels(24.0)])
        first, last = profiles(several, route="oral", tau_h=12.0)
        assert (first.number, first.profile.tau_h, first.profile.carry_over) == (1, None, False)
        assert (last.number, last.profile.tau_h, last.profile.carry_over) == (3, 12.0, False)
        (alone,) = profiles(patient([Dose(0.0, 100.0)], levels()), route="oral", tau_h=12.0)
        assert alone.profile.tau_h == 12.0

    def test_a_level_at_the_next_dose_ends_one_profile_and_begins_the_other(self):
        both = patient([Dose(0.0, 100.0), Dose(12.0, 100.0)], [*levels(), Level(12.0, 0.25), *levels(12.0)])
        first, second = profiles(both, route="oral")
        assert (first.profile.time_h[-1], first.profile.concentration_mg_L[-1]) == (12.0, 0.25)
        assert (second.profile.time_h[0], second.profile.concentration_mg_L[0]) == (0.0, 0.25)
        first, second = profiles(both, route="iv")
        assert (first.profile.time_h[-1], second.profile.time_h[0]) == (12.0, 0.5)
        assert second.profile.predose_mg_L == 0.25

    def test_the_same_where_the_next_dose_is_an_additional_one(self):
        """An additional dose stands before every record of its time, so the trough is recorded after it."""
        both = patient([Dose(0.0, 100.0, interval_h=12.0, additional=1)], [*levels(), Level(12.0, 0.25), *levels(12.0)])
        first, second = profiles(both, route="oral")
        assert (first.profile.time_h[-1], second.profile.time_h[0]) == (12.0, 0.0)
        first, second = profiles(both, route="iv")
        assert (first.profile.time_h[-1], second.profile.time_h[0]) == (8.0, 0.0)

    def test_a_reset_ends_what_doses_contribute(self):
        crossover = Subject("1", (Dose(0.0, 50.0), *levels(), Reset(0.0, restarts=True), Dose(0.0, 100.0), *levels()))
        first, second = profiles(crossover, route="oral")
        assert (first.profile.dose_mg, second.profile.dose_mg) == (50.0, 100.0)
        assert not second.profile.carry_over

    def test_of_sparse_levels_the_dose_with_most_is_taken(self):
        sparse = patient(
            [Dose(12.0 * k, 100.0) for k in range(4)], [Level(13.0, 2.0), Level(37.0, 3.0), Level(40.0, 2.0)]
        )
        (one,) = profiles(sparse, route="oral", tau_h=12.0)
        assert one.number == 4

    @pytest.mark.parametrize(
        ("doses", "measured", "route", "said"),
        [
            ([Dose(0.0, 1.0)], levels(), None, "Say --route"),
            ([Dose(0.0, 1.0)], levels(), "infusion", "has no duration"),
            ([Dose(0.0, 1.0, modelled="rate")], levels(), "iv", "RATE -1 or -2"),
            ([Dose(0.0, 1.0, interval_h=8.0, steady_state=2)], levels(), "oral", "SS 2"),
            ([Dose(0.0, 0.0, rate_mg_h=5.0, steady_state=1)], levels(), "iv", "constant infusion"),
            ([Dose(0.0, 1.0), Dose(0.0, 2.0)], levels(), "oral", "two doses are given at 0 h"),
            ([Dose(0.0, 1.0)], [*levels(), Level(4.0, 3.0)], "oral", "two levels at 4 h"),
            ([Dose(0.0, 1.0)], [*levels(), Level(9.0, 3.0, analyte="2")], "oral", "unnamed and 2"),
            ([Dose(0.0, 1.0)], [*levels(), Level(9.0, 3.0, censoring="above")], "oral", "above 3 mg/L"),
            ([Dose(20.0, 1.0)], levels(), "oral", "no quantified level after a dose"),
            ([], levels(), "oral", "0 doses and 5 levels"),
            ([Dose(0.0, -1.0)], levels(), "oral", "-1 mg"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_a_record_that_gives_no_profile_is_refused(self, doses, measured, route, said):
        with pytest.raises(InputError) as error:
            profiles(patient(doses, measured), route=route)
        assert said in str(error.value)

    def test_two_intervals_are_refused(self):
        steady = patient([Dose(0.0, 100.0, interval_h=12.0, steady_state=1)], levels())
        with pytest.raises(InputError, match="II 12 h"):
            profiles(steady, route="oral", tau_h=24.0)


def test_one_bad_patient_never_stops_the_others():
    good = [patient([Dose(0.0, 100.0)], levels(), id) for id in ("a", "c")]
    told = []
    found = nca([good[0], patient([], levels(), "b"), good[1]], route="oral", progress=told.append)
    assert [one.id for one in found.profiles] == ["a", "c"]
    assert [one.id for one in found.refused] == ["b"]
    assert told == [1, 1, 1]


@pytest.mark.reference
def test_theophylline_from_the_table():
    """Each subject's own dose: clearance is the validation report's for 320 mg, in proportion (test 1, subjects 1, 9)."""
    patients = read_nonmem(reference_data.path("datasets/theo_sd.csv"))
    found = nca(patients, Rules("linear"), route="oral")
    assert (len(found.profiles), found.refused) == (12, ())
    for number, auc_inf, cl_of_320 in ((1, "216.6119330", "1.4772963"), (9, "99.9087179", "3.2029237")):
        one = found.profiles[number - 1].analysis
        assert one["auc_inf"].value == pytest.approx(float(auc_inf), abs=printed(auc_inf[:-1]), rel=0)
        assert one["cl_f"].value * 320.0 / one.profile.dose_mg == pytest.approx(
            float(cl_of_320), abs=printed(cl_of_320[:-1]), rel=0
        )


@pytest.mark.reference
def test_indomethacin_from_the_table():
    patients = read_nonmem(reference_data.path("datasets/indometh.csv"))
    found = nca(patients, Rules("linear"), route="iv")
    one = found.profiles[3].analysis
    for name, text in (("c0", "2.4622302"), ("cl", "8.5063686"), ("vss", "17.2181012")):
        assert one[name].value == pytest.approx(float(text), abs=printed(text[:-1]), rel=0)


@pytest.mark.reference
def test_theophylline_over_several_days():
    table = scan_nonmem(reference_data.path("datasets/theo_md.csv"))  # a simulated level of it is below 0
    assert len(table.refused) == 1
    found = nca(table.subjects, route="oral", tau_h=24.0)
    assert {(one.number, one.analysis.profile.tau_h) for one in found.profiles} == {(1, None), (7, 24.0)}
    for one in found.profiles:
        if one.number == 7:
            assert one.analysis["cl_f"].value * one.analysis["auc_tau"].value == pytest.approx(
                one.analysis.profile.dose_mg, rel=EXACT
            )


HEADER = "ID,TIME,AMT,DV,CENS"
GOOD = ["0,100,.,0", "0.5,0,8,0", "1,0,6,0", "2,0,4,0", "4,0,2,0", "8,0,0.5,0", "12,0,0.2,1"]


def table(tmp_path, patients):
    lines = [HEADER, *(f"{id},{row}" for id, rows in patients.items() for row in rows)]
    file = tmp_path / "levels.csv"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    monkeypatch.setitem(COMMANDS, "nca", command.short_help)


def run(*arguments):
    return CliRunner().invoke(main, ["nca", *(str(one) for one in arguments)])


class TestCommand:
    def test_several_patients_are_a_table(self, tmp_path):
        done = run(table(tmp_path, {"a": GOOD, "b": GOOD}), "--route", "oral")
        assert done.exit_code == 0, done.stderr
        assert "CL/F" in done.stdout
        assert len([line for line in done.stdout.splitlines() if line.strip().startswith(("a ", "b "))]) == 2

    def test_one_patient_is_shown_in_full_with_reasons(self, tmp_path):
        done = run(table(tmp_path, {"a": GOOD[:4]}), "--route", "oral", "--method", "linear", "--auc", "0:2")
        assert done.exit_code == 0, done.stderr
        flat = " ".join(done.stdout.split())
        assert "cmax 8 mg/L" in flat
        assert "auc_0_2 10.5 mg.h/L" in flat  # 0.5 * 8 / 2 + 0.5 * 7 + 1 * 5
        assert "there are 2" in flat

    def test_json_is_of_its_schema_and_says_why_there_is_no_number(self, tmp_path):
        bad = ["0,100,.,0", "1,0,6,0", "1,0,5,0", "2,0,4,0"]
        text = ["0,100,.,0", "1,0,<2,0"]
        file = table(tmp_path, {"a": GOOD, "few": GOOD[:3], "twice": bad, "text": text})
        done = run(file, "--route", "iv", "--json")
        assert done.exit_code == 3
        found = json.loads(done.stdout)
        jsonschema.Draft202012Validator(NcaDocument.model_json_schema(mode="serialization")).validate(found)
        assert [one["id"] for one in found["profiles"]] == ["a", "few"]
        assert {one["id"] for one in found["refused"]} == {"twice", "text"}
        assert "two levels at 1 h" in next(one["error"] for one in found["refused"] if one["id"] == "twice")
        first, few = found["profiles"]
        assert first["levels"][-1] is None
        assert first["parameters"]["cl"]["status"] == "ok"
        assert few["parameters"]["cl"] == {
            "value": None, "unit": "L/h", "status": "unavailable",
            "sentence": "The terminal slope needs 3 quantified levels or more after the peak; there are 2.",
        }  # fmt: skip
        assert "NaN" not in done.stdout

    def test_levels_below_the_limit(self, tmp_path):
        file = table(tmp_path, {"a": GOOD})
        areas = {}
        for rule in ("zero", "drop"):
            found = json.loads(run(file, "--route", "oral", "--blq", rule, "--json", "--method", "linear").stdout)
            areas[rule] = found["profiles"][0]["parameters"]
        assert areas["drop"]["auc_all"]["value"] == areas["drop"]["auc_last"]["value"]
        assert areas["zero"]["auc_all"]["value"] - areas["zero"]["auc_last"]["value"] == pytest.approx(1.0, rel=EXACT)

    def test_csv_has_every_parameter(self, tmp_path):
        out = tmp_path / "out.csv"
        done = run(table(tmp_path, {"a": GOOD, "few": GOOD[:3]}), "--route", "oral", "--csv", out)
        assert done.exit_code == 0
        rows = list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))
        by_name = {(row["ID"], row["PARAMETER"]): row for row in rows}
        assert float(by_name["a", "cmax"]["VALUE"]) == 8.0
        assert by_name["few", "half_life"]["VALUE"] == ""
        assert by_name["few", "half_life"]["SENTENCE"]
        assert "2 profiles are in" in done.stderr

    def test_terminal_levels_and_units(self, tmp_path):
        file = table(tmp_path, {"a": GOOD})
        given = ("--route", "oral", "--json", "--lambda-z-points")
        by_number, by_time = (json.loads(run(file, *given, choice).stdout) for choice in ("3", "2:8"))
        assert by_number["profiles"] == by_time["profiles"]
        in_ug = json.loads(run(file, *given, "3", "--unit", "DV=ug/L").stdout)["profiles"][0]["parameters"]
        as_read = by_number["profiles"][0]["parameters"]
        assert in_ug["cl_f"]["value"] == pytest.approx(1000.0 * as_read["cl_f"]["value"], rel=EXACT)

    def test_chosen_patients(self, tmp_path):
        file = table(tmp_path, {"a": GOOD, "b": GOOD, "broken": ["0,-1,.,0"]})
        found = json.loads(run(file, "--route", "oral", "--id", "b", "--json").stdout)
        assert ([one["id"] for one in found["profiles"]], found["refused"]) == (["b"], [])
        done = run(file, "--route", "oral", "--id", "c")
        assert done.exit_code == 2
        assert "no patient c" in done.stderr

    def test_all_refused_is_nothing_done(self, tmp_path):
        done = run(table(tmp_path, {"a": GOOD}))
        assert done.exit_code == 2
        assert "patient a refused" in done.stderr
        assert "Say --route" in done.stderr

    @pytest.mark.parametrize(
        ("call", "said"),
        [
            (["--lambda-z-points", "2"], "3 levels or more"),
            (["--lambda-z-points", "x"], "START:END"),
            (["--auc", "5"], "START:END"),
            (["--tau", "0"], "x>0"),
            (["--method", "log"], "'linear'"),
            (["--csv", "/no/such/folder/x.csv"], "cannot be written"),
        ],
    )
    def test_a_wrong_call_is_one_sentence(self, tmp_path, call, said):
        done = run(table(tmp_path, {"a": GOOD}), "--route", "oral", *call)
        assert done.exit_code == 2
        assert said in done.stderr
        assert "Traceback" not in done.stderr

    def test_methods_offered_are_those_there_are(self):
        assert METHODS == REGISTERED


def test_importing_the_command_and_its_action_starts_no_jax():
    text = (
        "import individose.app.cli.nca, individose.app.actions.nca, individose.app.schemas.nca, sys; "
        "sys.exit('jax' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", text], check=False).returncode == 0
