"""`individose hormone`: plans in words and as JSON, what is printed and written, and how errors read."""

from __future__ import annotations

import csv
import json

import jsonschema
import pytest
from click.testing import CliRunner

from individose.app.actions.hormone_plans import read_plan
from individose.app.cli import main
from individose.app.schemas.hormone_text import document_of
from individose.app.schemas.published import json_schema
from individose.base import InputError
from tolerances import IDENTITY

DATED = "EEn 4 mg every 10 d from 2024-05-01 x6 missed 3 moved 4 to 2024-06-02T09:00; EV 5 mg on 2024-05-03 08:30"


def run(*arguments):
    return CliRunner().invoke(main, ["hormone", *arguments])


def test_a_plan_in_words_is_its_document():
    found = document_of("patch-tw 100 mcg/d every 84 h x8 from 10 wk worn 3 d; EV 5 mg every 1 wk steady first 8, 6")
    jsonschema.Draft202012Validator(json_schema("hormone")).validate(found)
    patch, ev = found["courses"]
    assert (patch["unit"], patch["every"], patch["every_unit"], patch["start"], patch["worn"]) == (
        "ug/d",
        84.0,
        "h",
        70.0,
        3.0,
    )
    assert (ev["steady_state"], ev["first_amounts"], ev["start"]) == (True, [8.0, 6.0], 0.0)


def test_dates_become_one_clock_and_come_back():
    found = read_plan(DATED)
    times = [(one.product, found.when(one.dose.time_h)) for one in found.plan.given()]
    assert times[:3] == [("EEn", "2024-05-01 12:00"), ("EV", "2024-05-03 08:30"), ("EEn", "2024-05-11 12:00")]
    assert ("EEn", "2024-06-02 09:00") in times
    assert ("EEn", "2024-05-21 12:00") not in times
    assert any("noon" in note for note in found.notes)


def test_a_document_says_all_that_words_can_and_more(tmp_path):
    file = tmp_path / "plan.json"
    document = {
        "format": "hormone/1",
        "courses": [
            {"product": "ev", "amount": 5, "unit": "mg", "times": [0, 6.5, 14]},
            {
                "product": "patch-ow",
                "amount": 100,
                "unit": "ug/d",
                "start": 20,
                "every": 1,
                "every_unit": "wk",
                "worn": 6,
            },
        ],
        "levels": [
            {"time": 14, "value": 700, "unit": "pmol/L"},
            {"time": 40, "value": 20, "unit": "pg/mL", "below_limit": True},
        ],
        "baseline": {"value": 20, "unit": "pg/mL", "sd_log": 0.5},
        "start_level": {"value": 80, "unit": "pg/mL", "half_life": 17, "half_life_unit": "h"},
        "horizon": 60,
    }
    file.write_text(json.dumps(document), encoding="utf-8")
    found = read_plan(str(file))
    assert [one.dose.time_h / 24 for one in found.plan.given()] == pytest.approx([0, 6.5, 14, 20, 27, 34, 41, 48, 55])
    assert found.plan.given()[-1].dose.removed_after_h == 144.0
    assert found.levels[0].value_mg_L == pytest.approx(700 * 272.38e-9, rel=IDENTITY)
    assert found.levels[1].censoring == "below"
    assert found.body.endogenous is not None
    assert found.body.start is not None
    assert found.plan.horizon_h == 1440.0


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        ("EV 5", "cannot be read"),
        ("EVV 5 mg", "Did you mean 'EV'"),
        ("EV 5 ug/d", "is written in mg"),
        ("EV 5 mg every 7 d every 8 d", "twice in one course"),
        ("EV 5 mg worn 3 d", "only a patch is worn"),
        ("EV 5 mg x3", "every 7 d"),
        ("EV 5 mg from 2024-05-01; EV 5 mg from 3 d", "of one kind"),
        ("EV -5 mg", "courses[0].amount is -5.0; it must be above 0"),
        ("EV 5 mg every -7 d", "courses[0].every is -7.0"),
        ("patch-tw 100 ug/d every 3.5 d worn 0 d", "courses[0].worn is 0.0"),
        ("EV 5 mg every 7 d from 2024-05-10 until 2024-05-01", "begins at 2024-05-10 and is given until 2024-05-01"),
        (
            '{"format": "hormone/1", "courses": [{"product": "EV", "amount": 5, "unit": "mg", "start": 9}], "horizon": 8}',
            "the plan ends at 8.0, and its first dose is given at 9.0",
        ),
        ("nowhere.json", "No such file"),
        ('{"format": "hormone/1", "courses": []}', "at least 1"),
        (
            '{"format": "hormone/1", "courses": [{"product": "EV", "amount": 5, "unit": "mg"}]}',
            "neither start nor times",
        ),
    ],
)
def test_errors_have_four_beats_and_no_traceback(plan, said):
    ran = run("curve", plan)
    assert ran.exit_code == 2
    assert said in ran.output
    assert "Traceback" not in ran.output
    assert "more is wrong" not in ran.output
    with pytest.raises(InputError):
        read_plan(plan)


def test_a_curve_as_plot_table_csv_svg_and_json(tmp_path):
    ran = run("curve", "EV 5 mg every 7 d x4", "--csv", str(tmp_path / "a.csv"), "--svg", str(tmp_path / "a.svg"),
              "--points", "29")  # fmt: skip
    assert ran.exit_code == 0, ran.output
    assert "published curve" in ran.output
    assert "not a medical device" in ran.output
    assert "how well the mean curve" in ran.output
    with (tmp_path / "a.csv").open() as file:
        written = list(csv.DictReader(file))
    assert len(written) == 29
    assert "level (pg/mL)" in (tmp_path / "a.svg").read_text(encoding="utf-8")
    document = json.loads(CliRunner().invoke(main, ["hormone", "curve", "EV 5 mg every 7 d x4", "--points", "29", "--json",
                                                    "--unit", "pmol/L"]).stdout)  # fmt: skip
    jsonschema.Draft202012Validator(json_schema("hormone-result")).validate(document)
    assert document["unit"] == "pmol/L"
    for row, level in zip(written, document["curve"]["level"], strict=True):
        assert float(row["level_pg/mL"]) * 1e3 / 272.38 == pytest.approx(level, rel=IDENTITY, abs=IDENTITY)
    assert [dose["text"] for dose in document["doses"]] == ["5 mg EV"] * 4


def test_patches_that_are_worn_at_once_are_said():
    assert [
        note for note in read_plan("patch-tw 100 ug/d every 3.5 d worn 5 d x3").notes if "2 are worn at once" in note
    ]
    for plan in ("patch-tw 100 ug/d every 3.5 d x3", "patch-tw 100 ug/d every 3.5 d worn 84 h x3", "EV 5 mg every 3 d"):
        assert read_plan(plan).notes == ()


def test_a_page_without_a_plan_is_had_by_one_option(tmp_path):
    ran = run("--html", str(tmp_path / "page.html"))
    assert ran.exit_code == 0, ran.output
    assert "Estradiol over time" in (tmp_path / "page.html").read_text(encoding="utf-8")
    assert run("--html", "page.html", "products").exit_code == 2
    assert "Commands:" in run().output


def test_quantities_and_products_are_tables():
    ran = run("quantities", "EV 5 mg every 7 d steady", "--window", "0:7")
    assert ran.exit_code == 0, ran.output
    assert "275.3" in ran.output  # d / (k3 T) = 5 x 478 / 1.24 / 7
    assert "2.937" in ran.output  # its half-life, ln 2 / 0.236 d
    assert run("quantities", "EV 5 mg", "--window", "7").exit_code == 2


def test_a_fit_from_the_command_line_finds_a_regimen():
    ran = run("fit", "EV 5 mg every 7 d x10", "--test", "63=180", "--test", "66=1100 pmol/L", "--want", "trough=100:200",
              "--peak-limit", "400", "--points", "50", "--json")  # fmt: skip
    assert ran.exit_code == 0, ran.output
    document = json.loads(ran.stdout[: ran.stdout.rindex("}") + 1])
    assert document["basis"] == "fitted"
    assumed = [notice["sentence"] for notice in document["warnings"] if notice["code"] == "assumed"]
    assert "40 % in the height of the curve, 30 % in the rate of release" in assumed[0]
    own = document["quantities"]
    assert own["trough"]["low"] < own["average"]["value"] < own["peak"]["high"]
    assert document["window_d"] == [56.0, 63.0]
    best = document["regimens"][0]
    assert best["probability"] > 0.5
    assert best["product"] == "EV"
    assert 100 < best["exposure"]["trough"]["value"] < 200


@pytest.mark.parametrize(
    "arguments",
    [
        ("--test", "63"),
        ("--test", "63=high"),
        ("--test", "63=180", "--want", "trough=100"),
        ("--test", "63=180", "--want", "mood=1:2"),
        ("--test", "63=180", "--with", "EVX", "--want", "trough=1:2"),
        ("--baseline", "some", "--test", "63=180"),
        (),
    ],
)
def test_a_wrong_call_of_fit_is_said(arguments):
    ran = run("fit", "EV 5 mg every 7 d x10", *arguments)
    assert ran.exit_code == 2
    assert "Error" in ran.output


def test_help_of_every_question_names_its_plan():
    for name in ("curve", "quantities", "fit", "products"):
        assert run(name, "--help").exit_code == 0
