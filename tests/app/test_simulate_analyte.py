"""Virtual patients of a drug with a metabolite: either is simulated, in the same patients."""

import csv
import json

import numpy as np
import pytest
from click.testing import CliRunner

import individose as ido
from individose.app.cli import main
from individose.base import InputError
from individose.drugs.schema import read_card
from individose.events import Dose
from tolerances import IDENTITY

TEXT = """
id = "test/metabolite"
title = "A drug and what becomes of it"
grade = "draft"
system = { disposition = "one_compartment", input = "bolus", metabolite = "one_compartment" }

[source]
citation = "made for a test"
population = "simulated"

[constants]
one = { value = 1.0 }

[parameters]
CL  = { equation = "5 [L/h] * one", unit = "L/h" }
V   = { equation = "30 [L] * one", unit = "L" }
CLm = { equation = "2 [L/h] * one", unit = "L/h" }
Vm  = { equation = "9 [L] * one", unit = "L" }
fm  = { equation = "0.6 * one", unit = "1" }

[variability]
CL  = { omega2 = 0.1 }
CLm = { omega2 = 0.2 }

[residual]
convention = "sd2 = a2 + b2 f2"
proportional = 0.1

[residual.metabolite]
convention = "sd2 = a2 + b2 f2"
proportional = 0.4
"""
TIMES = (0.5, 2.0, 6.0, 12.0, 30.0)


@pytest.fixture(scope="module")
def card():
    return read_card(TEXT, "test")


def test_both_are_of_the_same_patients(card):
    asked = {"doses": [Dose(0.0, 100.0)], "times_h": TIMES, "count": 7, "seed": 3}
    drug, other = ido.simulate(card, **asked), ido.simulate(card, analyte="metabolite", **asked)
    assert (drug.analyte, other.analyte) == (None, "metabolite")
    t = np.array(TIMES)
    for i in range(7):
        cl, clm = drug.parameters["CL"][i], drug.parameters["CLm"][i]
        assert clm == other.parameters["CLm"][i]
        k, km = cl / 30.0, clm / 9.0
        np.testing.assert_allclose(drug.levels[i], 100.0 / 30.0 * np.exp(-k * t), rtol=IDENTITY)
        by_hand = 0.6 * k * 100.0 / 9.0 * (np.exp(-k * t) - np.exp(-km * t)) / (km - k)
        np.testing.assert_allclose(other.levels[i], by_hand, rtol=1e-11)


def test_each_has_its_own_residual_error(card):
    asked = {"doses": [Dose(0.0, 100.0)], "times_h": (4.0,), "count": 4000, "seed": 3}
    for analyte, sd in ((None, 0.1), ("metabolite", 0.4)):
        exact = ido.simulate(card, analyte=analyte, **asked).levels
        measured = ido.simulate(card, analyte=analyte, residual_error=True, **asked).levels
        assert np.std(measured / exact) == pytest.approx(sd, rel=0.05)


def test_an_unknown_analyte_is_refused(card):
    with pytest.raises(InputError, match="the analyte 'glucuronide' was asked for"):
        ido.simulate(card, doses=[Dose(0.0, 100.0)], times_h=TIMES, analyte="glucuronide")


def test_the_table_and_the_json_say_which(tmp_path):
    file, table, figure = tmp_path / "card.toml", tmp_path / "levels.csv", tmp_path / "levels.svg"
    file.write_text(TEXT, encoding="utf-8")
    call = [
        "simulate",
        "100 mg",
        "--card",
        str(file),
        "--times",
        "0:12:6",
        "--patients",
        "5",
        "--analyte",
        "metabolite",
    ]
    done = CliRunner().invoke(main, [*call, "--json", "--csv", str(table), "--svg", str(figure)])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["analyte"] == "metabolite"
    assert {row["ANALYTE"] for row in csv.DictReader(table.read_text(encoding="utf-8").splitlines())} == {"metabolite"}
    assert "Simulated levels of metabolite over time" in figure.read_text(encoding="utf-8")
