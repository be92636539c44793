"""The JSON and the table of `evaluate`, against forecasts worked out without individose (golden/newborn.py)."""

import io
import json
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner

from individose.app.actions.cases import read_case
from individose.app.cli import main
from individose.app.schemas.published import json_schema
from individose.events import write_nonmem
from tolerances import ESTIMATE, IDENTITY

HERE = Path(__file__).parent
GOLDEN = json.loads((HERE / "golden" / "newborn.json").read_text(encoding="utf-8"))["forecasts"]


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    newborn = read_case(HERE.parents[1] / "examples" / "newborn.json")
    text = io.StringIO()
    write_nonmem([newborn], text)
    file = tmp_path_factory.mktemp("evaluate") / "newborn.csv"
    file.write_text(text.getvalue(), encoding="utf-8")
    return str(file)


@pytest.fixture(scope="module")
def document(table):
    done = CliRunner().invoke(main, ["evaluate", table, "--card", "phenobarbital", "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_document_is_valid_against_its_schema(document):
    jsonschema.Draft202012Validator(json_schema("evaluate")).validate(document)
    assert document["format"] == "evaluate/1"
    assert document["card"] == "phenobarbital/grasela1985"


def test_forecasts_are_the_golden_ones(document):
    for found, expected in zip(document["forecasts"], GOLDEN, strict=True):
        assert list(found) == list(expected)
        for key in ("number", "time_h", "observed", "prior", "posterior"):
            assert found[key] == pytest.approx(expected[key], rel=ESTIMATE), key


def test_scores_follow_from_the_golden_forecasts(document):
    for score in document["scores"]:
        if score["group"] != "all levels":
            continue
        kind = "prior" if score["prediction"] == "a priori" else "posterior"
        errors = [(f[kind] - f["observed"]) / f["observed"] for f in GOLDEN]
        assert score["levels"] == 3
        assert score["bias"]["value"] == pytest.approx(sum(errors) / 3, rel=1e3 * ESTIMATE * IDENTITY + 10 * ESTIMATE)
        assert score["within_20"]["value"] == pytest.approx(sum(abs(e) <= 0.2 for e in errors) / 3, rel=IDENTITY)


def test_the_table_shows_bias_and_shares_in_per_cent(table, document):
    done = CliRunner().invoke(main, ["evaluate", table, "--card", "phenobarbital"], env={"COLUMNS": "80"})
    assert done.exit_code == 0
    assert "…" not in done.stdout  # no figure is cut
    first = document["scores"][0]
    assert f"{100 * first['bias']['value']:+.1f}" in done.stdout
    assert f"{100 * first['within_30']['value']:.1f}" in done.stdout
    assert "90 % intervals" in " ".join(done.stdout.split())


def test_a_broken_patient_is_listed_and_the_others_are_scored(table, tmp_path):
    rows = Path(table).read_text(encoding="utf-8").splitlines()
    place = rows[0].split(",").index("ID")
    broken = []
    for row in rows[1:]:
        cells = row.split(",")
        cells[place] = "b"
        broken.append(",".join(cells))
    amount = rows[0].split(",").index("AMT")
    cells = broken[0].split(",")
    cells[amount] = "-5"
    file = tmp_path / "two.csv"
    file.write_text("\n".join([*rows, ",".join(cells), *broken[1:]]) + "\n", encoding="utf-8")
    done = CliRunner().invoke(main, ["evaluate", str(file), "--card", "phenobarbital", "--json"])
    assert done.exit_code == 3
    assert [r["id"] for r in json.loads(done.stdout)["refused"]] == ["b"]
    assert "AMT -5" in done.stderr
