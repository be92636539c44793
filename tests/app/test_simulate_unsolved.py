"""Virtual patients who have no level: more comes in than they can eliminate, or the solver cannot follow them."""

import csv
import json
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from click.testing import CliRunner

import individose as ido
from individose.app.cli import main
from individose.base import NumericalError
from individose.drugs.schema import read_card
from individose.events import Dose

TEXT = """
id = "test/saturable"
title = "Michaelis-Menten elimination"
grade = "draft"
system = { disposition = "one_compartment", input = "bolus", elimination = "michaelis_menten" }

[source]
citation = "made for a test"
population = "simulated"

[constants]
one = { value = 1.0 }

[parameters]
Vmax = { equation = "20 [mg/h] * one", unit = "mg/h" }
Km   = { equation = "4 [mg/L] * one", unit = "mg/L" }
V    = { equation = "30 [L] * one", unit = "L" }

[variability]
Vmax = { omega2 = 0.2 }

[residual]
convention = "sd2 = a2 + b2 f2"
proportional = 0.1
"""
STEADY = [Dose(0.0, 300.0, interval_h=24.0, steady_state=1)]
"""At most 24 Vmax can be eliminated in an interval."""


@pytest.fixture(scope="module")
def card():
    return read_card(TEXT, "test")


@pytest.mark.parametrize("residual_error", [False, True])
def test_who_has_no_steady_state_is_counted_and_in_no_quantile(card, residual_error):
    found = ido.simulate(card, doses=STEADY, times_h=(1.0, 23.0), count=200, residual_error=residual_error)
    none = 24.0 * found.parameters["Vmax"] <= 300.0
    assert 5 < none.sum() < 100
    np.testing.assert_array_equal(found.solved, ~none)
    assert np.isnan(found.levels[none]).all()
    np.testing.assert_array_equal(found.quantiles[0.5], np.median(found.levels[~none], axis=0))
    assert np.isfinite(list(found.quantiles.values())).all()
    (notice,) = [n for n in found.notices if n.code == "not-solved"]
    assert notice.grade == "warning"
    assert notice.sentence.startswith(f"{none.sum()} of 200 virtual patients could not be solved")


def test_nobody_with_a_level_is_an_error(card):
    with pytest.raises(NumericalError, match="values could not be computed"):
        ido.simulate(card, doses=[Dose(0.0, 3e5, interval_h=24.0, steady_state=1)], times_h=(1.0,), count=20)


def test_every_output_says_so_and_none_holds_a_nan(tmp_path):
    file, table, figure = tmp_path / "card.toml", tmp_path / "levels.csv", tmp_path / "levels.svg"
    file.write_text(TEXT, encoding="utf-8")
    regimen = tmp_path / "regimen.json"
    regimen.write_text(json.dumps([{"time": 0, "amount": 300, "unit": "mg", "every_h": 24, "steady_state": True}]))
    call = ["simulate", "--regimen", str(regimen), "--card", str(file), "--times", "0:24:12", "--patients", "60"]
    done = CliRunner().invoke(main, [*call, "--json", "--csv", str(table), "--svg", str(figure)])
    assert done.exit_code == 3, done.output
    found = json.loads(done.stdout)
    assert 0 < found["unsolved"] < 60
    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    assert sum(row["DV"] == "" for row in rows) == 3 * found["unsolved"]
    assert len(rows) == 180
    drawn = figure.read_text(encoding="utf-8")
    ET.fromstring(drawn)
    assert "nan" not in drawn
    assert f"{60 - found['unsolved']} virtual patients" in drawn
    shown = CliRunner().invoke(main, call)
    assert shown.exit_code == 3
    assert "nan" not in shown.output
    assert "could not be solved" in shown.output.replace("\n", " ")
