"""The command line: what each command prints, how it ends, and that it says what is wrong in one sentence."""

import json
import re
import statistics
from pathlib import Path
from types import SimpleNamespace

import click
import jsonschema
import pytest
from click.testing import CliRunner

import individose as ido
from individose.app.cli import main
from individose.app.cli.cards import size
from individose.app.cli.estimate import METHODS, exit_code
from individose.app.cli.group import COMMANDS
from individose.app.schemas.published import NAMES, json_schema
from individose.base import NumericalError, Outcome, Status
from individose.drugs import summaries
from individose.inference import METHODS as REGISTERED
from tolerances import ESTIMATE, IDENTITY

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "newborn.json"

GOOD = [(0, 20, ".", 1.2, 7), (2, 0, 17.0, 1.2, 7), (12, 3, ".", 1.2, 7), (24, 3, ".", 1.2, 7), (30, 0, 21.0, 1.2, 7)]


def row(patient, changes):
    """The rows of a patient, with (row, column) set to other values."""
    rows = [list(one) for one in GOOD]
    for (line, column), value in changes.items():
        rows[line][column] = value
    return [f"{patient},{','.join(map(str, one))}" for one in rows]


WARD = {
    "one": {},
    "no weight": {(i, 3): "." for i in range(5)},
    "negative dose": {(2, 1): -3},
    "level first": {(0, 1): 0, (0, 2): 5.0, (1, 1): 20, (1, 2): "."},
    "heavy": {(i, 3): 5 for i in range(5)},
    "text": {(1, 2): "<2"},
    "last": {(1, 2): 14.0},
}


@pytest.fixture
def table(tmp_path):
    lines = ["ID,TIME,AMT,DV,WT,APGR", *(line for name, changes in WARD.items() for line in row(name, changes))]
    file = tmp_path / "ward.csv"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def run(*arguments, **settings):
    return CliRunner().invoke(main, [str(one) for one in arguments], **settings)


def one_sentence(done):
    """The error of a call that failed by design: one line, and no traceback."""
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    lines = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert len(lines) == 1, done.stderr
    assert "Traceback" not in done.stderr
    return lines[0]


class TestWard:
    def test_the_broken_are_listed_and_the_others_done(self, table):
        done = run("estimate", table, "--card", "phenobarbital", "--json")
        assert done.exit_code == 3
        found = json.loads(done.stdout)
        jsonschema.Draft202012Validator(json_schema("estimate")).validate(found)
        assert [fit["id"] for fit in found["fits"]] == ["one", "last"]
        assert {one["id"] for one in found["refused"]} == set(WARD) - {"one", "last"}
        reasons = {one["id"]: one for one in found["refused"]}
        assert "weight is missing" in reasons["no weight"]["error"]
        assert "before any dose" in reasons["level first"]["error"]
        assert "0.6-3.6 kg" in reasons["heavy"]["error"]
        assert reasons["text"]["line"] == 2 + 5 * list(WARD).index("text") + 1
        assert reasons["heavy"]["line"] is None
        assert "2 of 7 patients done; 5 refused" in done.stderr

    def test_the_table_shows_everyone(self, table):
        done = run("estimate", table, "--card", "phenobarbital", "--all")
        assert done.exit_code == 3
        assert "Shrinkage: CL " in done.stdout
        for name in WARD:
            assert name in done.stdout

    def test_one_patient_of_it_is_the_same_as_alone(self, table):
        ward = json.loads(run("estimate", table, "--card", "phenobarbital", "--json").stdout)
        done = run("estimate", table, "--card", "phenobarbital", "--id", "last", "--json")
        assert done.exit_code == 0
        (alone,) = json.loads(done.stdout)["fits"]
        assert alone["eta"] == pytest.approx(ward["fits"][1]["eta"], abs=ESTIMATE)
        assert alone["advice"]["candidates"]

    def test_all_and_one_do_not_go_together(self, table):
        done = run("estimate", table, "--card", "phenobarbital", "--id", "last", "--all")
        assert done.exit_code == 2
        assert "--all and --id do not go together" in done.stderr

    def test_what_stands_behind_a_ward_is_what_stands_behind_each(self, table):
        ward = json.loads(run("estimate", table, "--card", "phenobarbital", "--json").stdout)
        alone = json.loads(run("estimate", table, "--card", "phenobarbital", "--id", "last", "--json").stdout)
        (one,) = alone["fits"]
        assert alone["shrinkage"] is None
        effects = {e["name"]: e for e in ward["fits"][1]["diagnostics"]["effects"]}
        for effect in one["diagnostics"]["effects"]:
            assert effects[effect["name"]]["standardised"] == pytest.approx(effect["standardised"], abs=ESTIMATE)
        spread = {name: [] for name in effects}
        for fit in ward["fits"]:
            for effect in fit["diagnostics"]["effects"]:
                spread[effect["name"]].append(effect["standardised"])
        for name, values in spread.items():
            assert ward["shrinkage"]["effects"][name] == pytest.approx(1 - statistics.stdev(values), abs=ESTIMATE)
        plain = json.loads(run("estimate", table, "--card", "phenobarbital", "--json", "--no-diagnostics").stdout)
        assert plain["shrinkage"] is None
        assert plain["fits"][0]["diagnostics"] is None

    def test_one_who_is_refused_is_an_error(self, table):
        done = run("estimate", table, "--card", "phenobarbital", "--id", "heavy", "--json")
        assert done.exit_code == 2
        assert one_sentence(done).startswith("Error: patient heavy: weight is 5 kg")
        assert json.loads(done.stdout)["fits"] == []

    def test_extrapolation_carries_its_warning(self, table):
        done = run("estimate", table, "--card", "phenobarbital", "--id", "heavy", "--json", "--extrapolate")
        assert done.exit_code == 0
        (fit,) = json.loads(done.stdout)["fits"]
        assert [w["grade"] for w in fit["warnings"] if w["code"] == "outside-domain"] == ["warning"]

    def test_all_refused_is_nothing_done(self, table):
        done = run("estimate", table, "--card", "phenobarbital", "--json", "--unit", "WT=g")
        assert done.exit_code == 2
        assert len(json.loads(done.stdout)["refused"]) == len(WARD)

    def test_unit_column_ignore_and_code(self, tmp_path):
        rows = ["ID,TIME,AMT,CONC,BW,APGR,WARD,SEX", "1,0,20000,.,1200,7,x,1", "1,120,0,17,1200,7,x,1"]
        file = tmp_path / "other.txt"
        file.write_text("\n".join(rows), encoding="utf-8")
        say = ["--column", "BW=weight", "--column", "CONC=DV", "--ignore", "WARD", "--code", "SEX=0:male,1:female"]
        units = ["--unit", "AMT=ug", "--unit", "BW=g", "--unit", "TIME=min", "--unit", "CONC=ug/mL"]
        done = run("estimate", file, "--card", "phenobarbital", "--json", *say, *units)
        assert done.exit_code == 0, done.stderr
        (fit,) = json.loads(done.stdout)["fits"]
        assert fit["levels"][0]["time_h"] == pytest.approx(2.0, rel=IDENTITY)
        assert fit["typical"]["CL"] == pytest.approx(0.00469555 * 1.2, rel=IDENTITY)


class TestCase:
    def test_one_patient_is_shown_in_full(self):
        done = run("estimate", EXAMPLE)
        assert done.exit_code == 0
        for words in ("newborn 2", "phenobarbital/grasela1985", "CL", "every 12 h", "not a medical device"):
            assert words in done.stdout

    def test_standard_input_is_a_case(self):
        text = EXAMPLE.read_text(encoding="utf-8")
        assert run("estimate", "-", "--json", input=text).stdout == run("estimate", EXAMPLE, "--json").stdout

    def test_end_of_options_is_kept(self):
        assert run("estimate", "--json", "--", EXAMPLE).exit_code == 0

    def test_report_is_written(self, tmp_path):
        done = run("estimate", EXAMPLE, "--html", tmp_path / "report.html")
        assert done.exit_code == 0
        assert (tmp_path / "report.html").read_text(encoding="utf-8").lstrip().lower().startswith("<!doctype html>")

    def test_level_of_the_intervals(self):
        def width(level):
            fit = json.loads(run("estimate", EXAMPLE, "--json", "--level", level).stdout)["fits"][0]
            low, high = fit["intervals"]["parameters"]["CL"]
            assert fit["intervals"]["level"] == level
            return high / low

        assert width(0.5) < width(0.95)

    def test_target_of_the_case_is_used(self):
        case = json.loads(EXAMPLE.read_text(encoding="utf-8"))
        case["target"] = {"metric": "average", "low": 2, "high": 2.5, "unit": "mg/dL"}
        done = run("estimate", "-", "--json", input=json.dumps(case))
        target = json.loads(done.stdout)["fits"][0]["advice"]["target"]
        assert (target["metric"], target["low"], target["high"], target["unit"]) == ("average", 20, 25, "mg/L")

    def test_a_card_of_another_drug_is_refused(self):
        done = run("estimate", EXAMPLE, "--card", "theophylline")
        assert done.exit_code == 2
        assert "phenobarbital was given" in one_sentence(done)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (["estimat"], "Did you mean 'estimate'?"),
        (["estimate", EXAMPLE, "--jsn"], "--json"),
        (["estimate"], "Missing argument"),
        (["estimate", EXAMPLE, "--method", "mapp"], "'map'"),
        (["estimate", EXAMPLE, "--level", "1"], "0.5<=x<=0.999"),
        (["estimate", EXAMPLE, "--card", "phenobarbitol"], "Did you mean 'phenobarbital'?"),
        (["estimate", EXAMPLE, "--id", "1"], "for tables"),
        (["estimate", "no.json"], "cannot be read"),
        (["estimate", "no.csv", "--card", "phenobarbital"], "cannot be read"),
        (["estimate", "no.csv"], "--card"),
        (["estimate", "no.csv", "--card", "phenobarbital", "--unit", "DV"], "COLUMN=UCUM"),
        (["estimate", "no.csv", "--card", "phenobarbital", "--code", "SEX=0"], "CODE:LABEL"),
        (["estimate", EXAMPLE, "--html", "/no/such/folder/x.html"], "cannot be written"),
        (["estimate", EXAMPLE, "--csv", "/no/such/folder/x.csv"], "there is no folder"),
        (["cards", "phenobarbitol"], "Did you mean 'phenobarbital'?"),
        (["schema", "cases"], "Did you mean 'case'?"),
    ],
    ids=lambda value: " ".join(str(one) for one in value) if isinstance(value, list) else "",
)
def test_a_wrong_call_is_one_sentence_and_exit_2(call, said):
    done = run(*call)
    assert done.exit_code == 2
    assert said in one_sentence(done)


def test_an_unknown_patient_of_a_table_is_named(table):
    done = run("estimate", table, "--card", "phenobarbital", "--id", "lasst")
    assert done.exit_code == 2
    assert "Did you mean 'last'?" in one_sentence(done)


def test_the_report_of_many_is_refused_before_any_work(table, tmp_path):
    done = run("estimate", table, "--card", "phenobarbital", "--html", tmp_path / "x.html")
    assert done.exit_code == 2
    assert "--id" in one_sentence(done)
    assert not (tmp_path / "x.html").exists()


class TestExitCodes:
    DONE, FAILED = (SimpleNamespace(fit=SimpleNamespace(status=Status(o))) for o in (Outcome.BOUND, Outcome.FAILED))

    @pytest.mark.parametrize(
        ("found", "refused", "code"),
        [
            ([DONE], [], 0),
            ([FAILED], [], 1),
            ([FAILED], ["x"], 1),
            ([], ["x"], 2),
            ([DONE, FAILED], [], 3),
            ([DONE], ["x"], 3),
            ([], [], 0),
        ],
    )
    def test_of_a_ward(self, found, refused, code):
        assert exit_code(found, refused) == code

    def test_of_a_numerical_error(self, monkeypatch):
        def fail(*_, **__):
            raise NumericalError("the computation has no answer", subject="7")

        monkeypatch.setattr("individose.app.actions.compare.estimate_by_methods", fail)
        done = run("estimate", EXAMPLE, "--json")
        assert done.exit_code == 1
        assert one_sentence(done) == "Error: patient 7: the computation has no answer."


class TestCards:
    def test_all_offered_cards_are_listed(self):
        done = run("cards")
        assert done.exit_code == 0
        for one in summaries():
            assert re.search(rf"{one.id}\s+{one.drug}\s+{one.grade}", done.stdout), one.id

    def test_list_as_json(self):
        found = json.loads(run("cards", "--json").stdout)
        assert [one["id"] for one in found] == [one.id for one in summaries()]

    @pytest.mark.parametrize("one", summaries(), ids=lambda one: one.id)
    def test_a_card_is_shown_whole(self, one):
        done = run("cards", one.id)
        assert done.exit_code == 0, done.stderr
        flat = " ".join(done.stdout.split())
        card = ido.card(one.id)
        for parameter in card.parameters:
            assert f"{parameter.name} =" in " ".join(flat.split("Equations", 1)[1].split())
        for title in ("Source", "Typical patient", "Variability", "Residual error", card.digest):
            assert title in flat
        assert ("Domain" in flat) == bool(card.domain)
        shown = (*card.effects, *card.between)
        assert flat.count("100 sqrt(omega2)") == sum(e.transform == "log-normal" for e in shown)

    def test_typical_patient_and_variability_are_the_papers(self):
        flat = " ".join(run("cards", "phenobarbital").stdout.split())
        assert "weight 1.4 kg, apgar_5min 7 CL 0.006574 L/h, V 1.378 L" in flat  # 0.00469555 * 1.4, 0.984258 * 1.4
        assert "CV 17.1 % as 100 sqrt(omega2); 17.3 % as 100 sqrt(exp(omega2) - 1)" in flat

    @pytest.mark.parametrize("one", summaries(), ids=lambda one: one.id)
    def test_a_card_as_json(self, one):
        found = json.loads(run("cards", one.id, "--json").stdout)
        assert (found["id"], found["grade"]) == (one.id, one.grade)
        assert all({"name", "equation", "unit"} <= set(parameter) for parameter in found["parameters"])

    @pytest.mark.parametrize(
        ("population", "n"), [("59 neonates, 155 levels", 59), ("adults", None), ("12 adults", 12)]
    )
    def test_size_of_a_population(self, population, n):
        assert size(population) == n


@pytest.mark.parametrize("name", NAMES)
def test_schema_is_printed(name):
    assert json.loads(run("schema", name).stdout) == json_schema(name)


def test_schema_of_the_case_is_the_default():
    assert run("schema").stdout == run("schema", "case").stdout


def test_version():
    assert run("--version").stdout == f"individose {ido.__version__}\n"


def test_methods_offered_are_those_registered():
    assert set(METHODS) == {*REGISTERED, "average"}  # which is over models, not a method of one


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_its_line_and_its_help(name):
    command = main.get_command(None, name)
    assert command.short_help == COMMANDS[name]
    assert COMMANDS[name] in run("--help").stdout
    for word in ("-h", "--help"):
        assert run(name, word).exit_code == 0
    for parameter in command.params:
        assert isinstance(parameter, click.Argument) or parameter.help, parameter.name
