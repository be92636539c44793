"""Methods and models side by side: on the screen, in JSON and on the page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import individose as ido
from individose.app.actions.compare import estimate_by_methods, estimate_by_models
from individose.app.cli.group import main
from individose.app.report.html import case_html
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
    assert {n.sentence.split(":")[0] for n in averaged.warnings if n.code == "as-understood"} <= set(
        averaged.average.models
    )


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
        (["--method", "average", "--method", "map"], "stands alone"),
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
