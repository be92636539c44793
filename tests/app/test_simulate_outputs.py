"""Virtual patients of a table, uncertain constants, and every form of output: all tell the same."""

from __future__ import annotations

import csv
import json
import math
import re
import sys
import xml.etree.ElementTree as ET
from statistics import NormalDist

import jsonschema
import numpy as np
import pytest
from click.testing import CliRunner

import individose as ido
from app.test_report_case import PLACED, SVG, axis, marks
from individose.app.actions import simulate as module
from individose.app.actions import uncertainty
from individose.app.cli import main
from individose.app.report.bands import quantile_figure
from individose.app.schemas.published import json_schema
from individose.base import InputError
from individose.events import Dose, read_regimen
from tolerances import EXACT, IDENTITY, within_standard_errors

CARD = ido.card("phenobarbital/grasela1985")
WHO = {"weight": 1.4, "apgar_5min": 7}
CALL = ["simulate", "--card", "phenobarbital", "--times", "0:48:12"]
BABY = ["--covariate", "weight=1.4", "--covariate", "apgar_5min=7"]
REGIMEN = "20 mg; 4 mg q12h x3 at 12"
COUNT = 8000
TABLE = """ID,TIME,AMT,DV,WT,APGR
7,0,20,.,1.4,7
7,2,.,15,1.4,7
7,12,4,.,1.4,7
8,0,25,.,2.0,4
9,0,25,.,9.0,4
"""


def simulated(**more):
    how = {"doses": read_regimen(REGIMEN), "covariates": WHO, "times_h": [0.0, 6.0, 40.0], "count": 200, "seed": 3}
    return ido.simulate(CARD, **(how | more))


def run(*arguments):
    return CliRunner().invoke(main, [*CALL, *map(str, arguments)])


def test_constants_are_drawn_with_the_value_as_mean_and_the_standard_error_as_sd():
    drawn = uncertainty.constants(CARD, np.random.default_rng(1), 100_000)
    assert set(drawn) == {"tv_cl", "tv_v", "apgar_on_v"}
    for name, values in drawn.items():
        stated = CARD.constants[name]
        assert within_standard_errors(values.mean(), stated.value, stated.se / math.sqrt(len(values)))
        # the fourth moment of a log-normal with a CV below 5 % differs from the normal's by less than 5 %
        assert within_standard_errors(values.var(), stated.se**2, 1.05 * stated.se**2 * math.sqrt(2 / len(values)))
    assert (drawn["tv_v"] > 0).all()
    assert (drawn["apgar_on_v"] < 0).any()  # without a unit: normal, and may cross 0


def test_uncertainty_widens_the_band_by_its_variance():
    at_once = {"doses": [Dose(0.0, 20.0)], "times_h": [0.0], "count": COUNT, "quantiles": [0.05, 0.95]}
    z = NormalDist().inv_cdf(0.95)
    for uncertain, extra in ((False, 0.0), (True, math.log1p((0.0268952 / 0.984258) ** 2))):
        found = simulated(**at_once, uncertainty=uncertain)
        sd = math.sqrt(0.027906 + extra)  # of ln V, and of the level just after a bolus
        low, high = (float(np.log(band[0])) for band in found.quantiles.values())
        error = math.sqrt(2 * 0.05 * 0.90 / COUNT) / NormalDist().pdf(z) * sd
        assert within_standard_errors(high - low, 2 * z * sd, error)
        variance = float(np.var(np.log(found.parameters["V"])))
        assert within_standard_errors(variance, sd**2, sd**2 * math.sqrt(2 / COUNT))
    one, other = (simulated(**at_once, uncertainty=u).parameters["V"] for u in (False, True))
    ratio = np.log(other / one)  # the same patients, so that only the constants differ
    assert within_standard_errors(float(np.var(ratio)), extra, extra * math.sqrt(2 / COUNT))


def test_uncertain_constants_pass_through_the_equations():
    who = {"weight": 2.0, "apgar_5min": 4}
    one, other = (
        simulated(covariates=who, uncertainty=u, count=COUNT, times_h=[6.0]).parameters["V"] for u in (False, True)
    )
    drawn = uncertainty.constants(CARD, np.random.default_rng([3, module.CONSTANTS, 0]), COUNT)
    expected = drawn["tv_v"] / 0.984258 * (1 + drawn["apgar_on_v"]) / 1.15892
    np.testing.assert_allclose(other / one, expected, rtol=IDENTITY)


def test_uncertainty_without_standard_errors_is_refused():
    card = ido.card("theophylline/boeckmann1994")
    with pytest.raises(InputError, match="states no standard error"):
        ido.simulate(card, doses=[Dose(0.0, 300.0)], covariates={"weight": 70.0}, times_h=[1.0], uncertainty=True)


@pytest.mark.parametrize("more", [{}, {"residual_error": True}, {"uncertainty": True, "residual_error": True}])
def test_neither_chunks_nor_a_second_run_change_a_result(monkeypatch, more):
    first = simulated(**more)
    np.testing.assert_array_equal(simulated(**more).levels, first.levels)
    told = []
    monkeypatch.setattr(module, "CHUNK", 64)
    chunked = simulated(**more, progress=told.append)
    assert told == [64, 64, 64, 8]
    np.testing.assert_allclose(chunked.levels, first.levels, rtol=EXACT)
    for name, values in first.parameters.items():
        np.testing.assert_allclose(chunked.parameters[name], values, rtol=EXACT)
    fewer = simulated(**more, count=100)
    np.testing.assert_allclose(fewer.levels, first.levels[:100], rtol=EXACT)


def test_csv_json_and_figure_agree(tmp_path):
    table, figure = tmp_path / "levels.csv", tmp_path / "levels.svg"
    done = run(REGIMEN, *BABY, "--patients", 101, "--quantiles", "50,10,90", "--json", "--csv", table, "--svg", figure)
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    jsonschema.Draft202012Validator(json_schema("simulate")).validate(document)
    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    levels = np.array([float(r["DV"]) for r in rows]).reshape(101, 5)
    assert [float(r["TIME"]) for r in rows[:5]] == document["time_h"]
    assert list(document["quantiles"]) == ["0.1", "0.5", "0.9"]
    for q, band in document["quantiles"].items():
        np.testing.assert_array_equal(np.quantile(levels, float(q), axis=0), band)
    root = ET.fromstring(figure.read_text(encoding="utf-8"))
    x, y = axis(root, "x"), axis(root, "y")
    (median,), (band,) = marks(root, "median"), marks(root, "band")
    times, drawn = document["time_h"], document["quantiles"]
    for path, t, level in (
        (median, times, drawn["0.5"]),
        (band, times + times[::-1], drawn["0.9"] + drawn["0.1"][::-1]),
    ):
        places = [float(n) for n in re.findall(r"[\d.]+", path.get("d", ""))]
        assert places[0::2] == pytest.approx([x(v) for v in t], abs=PLACED)
        assert places[1::2] == pytest.approx([y(v) for v in level], abs=PLACED)
    assert band.findtext(f"{SVG}title") == "10 to 90 %"
    assert len(marks(root, "dose")) == 4


def test_the_figure_says_that_it_is_simulated():
    found = simulated(uncertainty=True)
    root = ET.fromstring(quantile_figure(found, 360.0))
    assert "Simulated" in (root.findtext(f"{SVG}title") or "")
    assert "not measured" in (root.findtext(f"{SVG}desc") or "")
    assert any("simulated, 200 virtual patients" in "".join(e.itertext()) for e in root.iter(f"{SVG}text"))
    assert len(marks(root, "band")) == 2


def test_parquet_holds_what_csv_holds(tmp_path):
    pytest.importorskip("pyarrow", reason="pyarrow (individose[tables]) is not installed")
    from pyarrow import parquet

    table, file = tmp_path / "levels.csv", tmp_path / "levels.parquet"
    done = run(REGIMEN, *BABY, "--patients", 20, "--csv", table, "--parquet", file)
    assert done.exit_code == 0, done.output
    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    columns = parquet.read_table(file).to_pydict()
    assert list(columns) == list(rows[0])
    for name, values in columns.items():
        assert [float(r[name]) for r in rows] == values


def test_parquet_without_pyarrow_is_refused_with_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    done = run(REGIMEN, *BABY, "--parquet", tmp_path / "levels.parquet")
    assert done.exit_code == 2
    assert "individose[tables]" in done.stderr


def test_every_patient_of_a_table_has_virtual_ones_with_their_doses_and_covariates(tmp_path):
    source, table = tmp_path / "ward.csv", tmp_path / "levels.csv"
    source.write_text(TABLE, encoding="utf-8")
    done = run("--data", source, "--patients", 30, "--csv", table, "--json")
    assert done.exit_code == 3  # the third baby is too heavy for the card, the others are done
    document = json.loads(done.stdout)
    jsonschema.Draft202012Validator(json_schema("simulate")).validate(document)
    assert [one["id"] for one in document["refused"]] == ["9"]
    assert [(one["id"], one["patients"]) for one in document["subjects"]] == [("7", 30), ("8", 30)]
    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    assert len(rows) == document["patients"] * 5 == 300
    for one in document["subjects"]:
        levels = np.array([float(r["DV"]) for r in rows if r["SUBJECT"] == one["id"]]).reshape(30, 5)
        np.testing.assert_array_equal(np.quantile(levels, 0.5, axis=0), one["quantiles"]["0.5"])
    alone = ido.simulate(
        CARD, doses=read_regimen("20 mg; 4 mg at 12"), covariates=WHO, times_h=document["time_h"], count=30
    )
    seven = np.array([float(r["DV"]) for r in rows if r["SUBJECT"] == "7"]).reshape(30, 5)
    np.testing.assert_allclose(seven, alone.levels, rtol=EXACT)
    eight = np.array([float(r["DV"]) for r in rows if r["SUBJECT"] == "8"]).reshape(30, 5)
    assert np.corrcoef(seven[:, 0], eight[:, 0])[0, 1] < 0.8  # other patients, not the same ones again
    typical = 25 / (0.984258 * 2.0 * 1.15892)
    assert within_standard_errors(float(np.log(eight[:, 0] / typical).mean()), 0.0, math.sqrt(0.027906 / 30))


def test_a_regimen_may_be_json(tmp_path):
    file = tmp_path / "regimen.json"
    doses = [
        {"time": 0, "amount": 20000, "unit": "ug"},
        {"time": 12, "amount": 4, "unit": "mg", "every_h": 12, "count": 3},
    ]
    case = {"format": "case/1", "id": "a", "time_unit": "h", "doses": doses,
            "covariates": [{"name": "weight", "value": 1.4, "unit": "kg"}, {"name": "apgar_5min", "value": 7}]}  # fmt: skip
    said = json.loads(run(REGIMEN, *BABY, "--json").stdout)
    file.write_text(json.dumps(doses), encoding="utf-8")
    assert json.loads(run("--regimen", file, *BABY, "--json").stdout)["quantiles"] == said["quantiles"]
    file.write_text(json.dumps(case), encoding="utf-8")
    assert json.loads(run("--regimen", file, "--json").stdout)["quantiles"] == said["quantiles"]
    doses[1]["amount"] = -4
    file.write_text(json.dumps(doses), encoding="utf-8")
    done = run("--regimen", file, *BABY)
    assert done.exit_code == 2
    assert "doses[1].amount" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "beat"),
    [
        ([], "one of them"),
        ([REGIMEN, "--data", "ward.csv"], "one of them"),
        (["--data", "ward.csv", "--covariate", "weight=1.4"], "a table has its own"),
        ([REGIMEN, *BABY, "--unit", "DV=ng/mL"], "are for --data"),
        ([REGIMEN, *BABY, "--quantiles", "5,100"], "probabilities between 0 and 1"),
        ([REGIMEN, *BABY, "--quantiles", "five"], "numbers with commas"),
        (["--regimen", "nowhere.json"], "cannot be read"),
        ([REGIMEN, *BABY, "--occasions", "24"], "does not vary between occasions"),
    ],
)
def test_a_call_that_cannot_be_answered_ends_with_code_2_and_a_sentence(arguments, beat):
    done = run(*arguments)
    assert done.exit_code == 2
    assert beat in " ".join(done.stderr.replace("│", " ").split())
    assert "Traceback" not in done.output
