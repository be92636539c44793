"""Methods and models side by side: on the screen, in JSON and on the page."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

import individose as ido
from individose.app.actions.compare import estimate_by_methods, estimate_by_models
from individose.app.actions.ward_models import ward_by_models
from individose.app.cli.group import main
from individose.app.report.html import case_html
from individose.app.report.sheets import attainment_sheet
from individose.base import InputError
from individose.drugs import library

NEWBORN = str(Path(__file__).resolve().parents[2] / "examples" / "newborn.json")
FILE = Path(library.__file__).parent / "cards" / "phenobarbital" / "grasela1985.toml"


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """The same card with a clearance that is 40 % higher, as if another group had published it."""
    text = FILE.read_text(encoding="utf-8").partition("[[checks]]")[0]
    text = text.replace("value = 0.00469555", "value = 0.0065").replace("grasela1985", "other2020")
    path = tmp_path_factory.mktemp("cards") / "other.toml"
    path.write_text(text.replace('grade = "validated"', 'grade = "draft"'), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def averaged(other):
    models = [ido.card("phenobarbital/grasela1985"), ido.card(other)]
    return estimate_by_models(models, ido.read_case(NEWBORN), curve=True)


def test_the_average_lies_between_its_models_and_says_what_it_is(averaged):
    first, second, both = averaged.compared
    assert both.label == "average by likelihood"
    assert first.weight + second.weight == pytest.approx(1.0)
    weighted = sum(one.weight * one.exposure["trough"].value for one in (first, second))
    assert both.exposure["trough"].value == pytest.approx(weighted)
    assert averaged.exposure["trough"] == both.exposure["trough"]
    assert averaged.curve is not None
    page = case_html(averaged)
    assert "Models side by side" in page
    assert "Average over 2 models (likelihood)" in page
    understood = [n.sentence for n in averaged.warnings if n.code == "as-understood"]
    assert (
        len(understood)
        == len(set(understood))
        == len({n.sentence for n in averaged.fit.warnings if n.code == "as-understood"})
    )


def test_each_model_says_how_probably_a_regimen_reaches_the_target(averaged):
    advised = str(averaged.advice.best.regimen)
    first, second, both = (row.attainment for row in averaged.compared)
    assert set(first) == set(second) == set(both) == {str(averaged.regimen), advised}
    assert both[advised] == pytest.approx(averaged.advice.best.probability)
    for regimen in both:
        assert (
            min(first[regimen], second[regimen]) - 0.02 <= both[regimen] <= max(first[regimen], second[regimen]) + 0.02
        )
    sheet = attainment_sheet(averaged)
    assert [row[0] for row in sheet.rows] == [f"{averaged.regimen}, as now", advised]
    assert sheet.columns == ("regimen", "grasela1985 (%)", "other2020 (%)", "average by likelihood (%)")


def test_models_that_disagree_on_the_target_are_said(other):
    """Under a clearance three times as high the same regimen hardly reaches what it reaches under the published one."""
    text = other.read_text(encoding="utf-8").replace("value = 0.0065", "value = 0.014").replace("other2020", "fast2021")
    fast = other.with_name("fast.toml")
    fast.write_text(text, encoding="utf-8")
    models = [ido.card("phenobarbital/grasela1985"), ido.card(fast)]
    case = ido.read_case(NEWBORN)
    without = replace(case, events=tuple(e for e in case.events if not isinstance(e, ido.Level)))
    found = estimate_by_models(models, without, curve=False, behind=False)
    said = [n.sentence for n in found.warnings if n.code == "models-disagree" and "reaches the target" in n.sentence]
    assert said
    assert "grasela1985" in said[0]
    assert "fast2021" in said[0]


def test_a_ward_is_averaged_as_its_patients_are_alone(other):
    published = ido.card("phenobarbital/grasela1985")
    models = [published, ido.card(other)]
    case = ido.read_case(NEWBORN)
    later = replace(case, id="later", events=(*case.events, ido.Level(140.0, 30.0)))
    nobody = replace(case, id="nobody", events=tuple(e for e in case.events if not isinstance(e, ido.Reading)))
    rows, refused = ward_by_models(models, [case, nobody, later])
    assert [one.id for one in refused] == ["nobody"]
    assert [row.subject.id for row in rows] == [case.id, "later"]
    for row, one in zip(rows, (case, later), strict=True):
        alone = estimate_by_models(models, one, curve=False)
        assert [c.label for c in row.compared] == [c.label for c in alone.compared]
        assert [c.weight for c in row.compared[:-1]] == pytest.approx([c.weight for c in alone.compared[:-1]], rel=1e-9)
        for mine, other in zip(row.compared, alone.compared, strict=True):
            for name, found in other.exposure.items():
                assert mine.exposure[name].value == pytest.approx(found.value, rel=1e-9)
        for name, found in alone.exposure.items():
            assert row.exposure[name].value == pytest.approx(found.value, rel=1e-9)
        assert {n.code for n in row.warnings} >= {n.code for n in alone.average.warnings}


def test_the_command_averages_a_table(other, tmp_path):
    table = tmp_path / "ward.csv"
    table.write_text(
        "ID,TIME,AMT,DV,EVID,weight,apgar_5min\n"
        "1,0,25,.,1,1.4,7\n1,12,3.5,.,1,1.4,7\n1,24,3.5,.,1,1.4,7\n1,30,.,20,0,1.4,7\n"
        "2,0,25,.,1,1.4,7\n2,12,3.5,.,1,1.4,7\n2,24,3.5,.,1,1.4,7\n2,30,.,14,0,1.4,7\n",
        encoding="utf-8",
    )
    asked = ["estimate", str(table), "--card", "phenobarbital", "--method", "average", "--also", str(other)]
    ran = CliRunner().invoke(main, [*asked, "--json"])
    assert ran.exit_code == 0, ran.output
    for fit in json.loads(ran.stdout)["fits"]:
        assert fit["average"]["rule"] == "likelihood"
        assert sum(fit["average"]["weights"].values()) == pytest.approx(1.0)
        first, second, both = fit["compared"]
        low, high = sorted(one["exposure"]["trough"] for one in (first, second))
        assert low < both["exposure"]["trough"] == fit["exposure"]["trough"] < high
    file = tmp_path / "estimates.csv"
    CliRunner().invoke(main, [*asked, "--csv", str(file)])
    header, *lines = file.read_text(encoding="utf-8").splitlines()
    assert "trough by phenobarbital/other2020 (mg/L)" in header
    assert all(",likelihood," in line for line in lines)
    several = [x for x in asked if x not in ("average", "--method", "--also", str(other))]
    CliRunner().invoke(main, [*several, "--id", "1", "--method", "map", "--method", "sir", "--csv", str(file)])
    assert [line.split(",")[2] for line in file.read_text(encoding="utf-8").splitlines()] == ["method", "map", "sir"]
    shown = CliRunner().invoke(main, asked).output
    assert "Exposure is that over all models by weight" in shown
    by_sir = CliRunner().invoke(main, [*asked, "--method", "sir", "--id", "1", "--json"])
    assert json.loads(by_sir.stdout)["fits"][0]["method"] == "sir"


def test_the_command_puts_models_side_by_side(other):
    ran = CliRunner().invoke(main, ["estimate", NEWBORN, "--method", "average", "--also", str(other), "--json"])
    assert ran.exit_code == 0, ran.output
    (fit,) = json.loads(ran.stdout)["fits"]
    labels = [one["label"] for one in fit["compared"]]
    assert labels == ["phenobarbital/grasela1985", "phenobarbital/other2020", "average by likelihood"]
    assert fit["exposure"]["trough"] == fit["compared"][2]["exposure"]["trough"]
    shown = CliRunner().invoke(main, ["estimate", NEWBORN, "--method", "average", "--also", str(other)])
    assert "Models side by side" in shown.output


def test_methods_stand_side_by_side_and_the_first_is_told_in_full():
    found = estimate_by_methods(ido.card("phenobarbital"), ido.read_case(NEWBORN), ["map", "prior"], curve=False)
    assert [one.label for one in found.compared] == ["map", "prior"]
    assert found.fit.method == "map"
    assert found.compared[1].parameters["CL"].value == pytest.approx(found.typical["CL"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--method", "average", "--method", "map", "--method", "sir"], "at most one other"),
        (["--also", "phenobarbital"], "--method average"),
    ],
)
def test_options_that_do_not_go_together(options, said):
    ran = CliRunner().invoke(main, ["estimate", NEWBORN, *options])
    assert ran.exit_code == 2
    assert said in ran.output


def test_models_of_different_drugs_are_refused():
    models = [ido.card("phenobarbital"), ido.card("theophylline")]
    with pytest.raises(InputError, match="one drug"):
        estimate_by_models(models, ido.read_case(NEWBORN))


def test_whom_no_model_takes_is_told_what_each_of_them_says():
    models = [ido.card(name) for name in ("vancomycin/goti2018", "vancomycin/buelga2005")]
    nobody = ido.subject(
        "x", doses=[ido.Dose(0.0, 1000.0, 1.0)], levels=[ido.Level(10.0, 12.0)], covariates={"crcl": 90.0}
    )
    reasons = []
    for model in models:
        with pytest.raises(InputError) as refused:
            ido.fit(model, nobody)
        reasons.append(refused.value.arrived)
    assert reasons[0] != reasons[1]
    with pytest.raises(InputError) as alone:
        estimate_by_models(models, nobody, curve=False)
    _, (one,) = ward_by_models(models, [nobody])
    for told in (str(alone.value), str(one.error)):
        for model, reason in zip(models, reasons, strict=True):
            assert f"{model.id}: {reason}" in told
    _, (same,) = ward_by_models([models[0], models[0]], [nobody])
    assert same.error.arrived == reasons[0]
