"""A table whose patients have one, two and three occasions: as many effects each, and every patient as alone."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

import individose as ido
from individose.app.actions.estimate import results, shrunk
from individose.app.cli import main
from tolerances import ESTIMATE, IDENTITY

HEAD = """
id = "examplin/doe2031"
title = "varies between occasions"
grade = "draft"
[source]
citation = "invented"
population = "invented"
"""

PLAIN = (
    HEAD
    + """
[parameters]
CL = { equation = "4 [L/h]", unit = "L/h" }
V = { equation = "70 [L]", unit = "L" }
[variability]
CL = [{ omega2 = 0.2 }, { omega2 = 0.05, level = "occasion" }]
V = { omega2 = 0.2 }
[residual]
convention = "sd2 = a2 + b2 f2"
proportional = 0.2
[system]
disposition = "one_compartment"
input = "bolus"
"""
)
METABOLITE = (
    PLAIN.replace("[variability]", 'CLm = { equation = "9 [L/h]", unit = "L/h" }\nVm = { equation = "30 [L]", unit = "L" }\n'
                  'fm = { equation = "0.4", unit = "1" }\n[variability]\nCLm = { omega2 = 0.1 }')
    + 'metabolite = "one_compartment"\n'
)  # fmt: skip
SATURABLE = (
    PLAIN.replace('CL = { equation = "4 [L/h]", unit = "L/h" }', 'Vmax = { equation = "200 [mg/h]", unit = "mg/h" }\n'
                  'Km = { equation = "9 [mg/L]", unit = "mg/L" }').replace("CL = [", "Vmax = [")
    + 'elimination = "michaelis_menten"\n'
)  # fmt: skip

TABLE = """ID,TIME,AMT,DV,EVID,ADDL,II,OCC
one,0,1000,.,1,3,12,1
one,20,.,12,0,0,0,1
three,0,1000,.,1,3,12,1
three,20,.,12,0,0,0,1
three,60,1000,.,1,3,12,2
three,80,.,9,0,0,0,2
three,108,1000,.,1,3,12,3
three,130,.,9,0,0,0,3
two,0,1000,.,1,3,12,7
two,20,.,16,0,0,0,7
two,60,900,.,1,3,12,8
two,80,.,7,0,0,0,8
again,0,800,.,1,1,12,1
again,10,.,10,0,0,0,1
"""
ANALYTES = ["DVID", *("central" if line.split(",")[4] == "0" else "." for line in TABLE.splitlines()[1:])]
ANALYTES[8] = "metabolite"
BY_ANALYTE = "\n".join(f"{line},{name}" for line, name in zip(TABLE.splitlines(), ANALYTES, strict=True)) + "\n"

LENGTHS = {"one": 1, "three": 3, "two": 2, "again": 1}
"""Occasions of each patient of the table."""


@pytest.mark.parametrize(
    ("text", "own"),
    [
        (PLAIN, 2),
        pytest.param(METABOLITE, 3, marks=pytest.mark.slow),
        pytest.param(SATURABLE, 2, marks=pytest.mark.slow),
    ],
    ids=["linear", "metabolite", "mm"],
)
def test_a_ward_of_unequal_occasions_equals_one_by_one(text, own, tmp_path):
    card_file, table = tmp_path / "card.toml", tmp_path / "ward.csv"
    card_file.write_text(text, encoding="utf-8")
    table.write_text(BY_ANALYTE if text is METABOLITE else TABLE, encoding="utf-8")
    behind = "--diagnostics" if text is PLAIN else "--no-diagnostics"
    done = CliRunner().invoke(main, ["estimate", str(table), "--card", str(card_file), "--all", "--json", behind])
    assert done.exit_code == 0, done.output[:500]
    document = json.loads(done.stdout)
    assert [one["id"] for one in document["fits"]] == list(LENGTHS)
    card = ido.card(card_file)
    for found, patient in zip(document["fits"], ido.read_nonmem(table), strict=True):
        alone = ido.estimate(card, patient, curve=False, behind=False)
        assert len(found["eta"]) == own + LENGTHS[patient.id]
        named = [value for name, value in zip(alone.fit.problem.effects, alone.fit.eta, strict=True) if name]
        np.testing.assert_allclose(list(found["eta"].values()), named, rtol=0, atol=ESTIMATE)
        for what in ("parameters", "exposure"):
            expected = getattr(alone, what)
            assert list(found[what]) == list(expected)
            for name, one in expected.items():
                given = [found[what][name], *found["intervals"][what][name]]
                got = [
                    np.inf if x is None else x for x in given
                ]  # some draws of a saturable system have no steady state
                np.testing.assert_allclose(got, [one.value, one.low, one.high], rtol=ESTIMATE)
        assert found["typical"] == pytest.approx(alone.typical, rel=IDENTITY)
        for row, level in zip(alone.levels, found["levels"], strict=True):
            np.testing.assert_allclose([level["pred"], level["ipred"]], [row.pred, row.ipred], rtol=ESTIMATE)


def test_shrinkage_of_an_effect_is_over_those_who_have_it(tmp_path):
    card_file, table = tmp_path / "card.toml", tmp_path / "ward.csv"
    card_file.write_text(PLAIN, encoding="utf-8")
    table.write_text(TABLE, encoding="utf-8")
    card = ido.card(card_file)
    fits = ido.fit_ward(card, ido.read_nonmem(table)).fits
    ward = ido.diagnose_ward(fits)
    assert list(ward.shrinkage) == ["CL", "V", "CL:occ1", "CL:occ2", "CL:occ3"]
    for name, omega2, count in (("CL", 0.2, 4), ("CL:occ1", 0.05, 4), ("CL:occ2", 0.05, 2)):
        etas = [fit.eta[fit.problem.effects.index(name)] for fit in fits if name in fit.problem.effects]
        assert len(etas) == count
        expected = 1.0 - np.std(etas, ddof=1) / np.sqrt(omega2)
        np.testing.assert_allclose(ward.shrinkage[name], expected, rtol=IDENTITY)
    assert np.isnan(ward.shrinkage["CL:occ3"])
    for one, fit in zip(ward.patients, fits, strict=True):
        assert one.notices == ido.diagnose(fit).notices
    assert dict(shrunk(results(card, fits)).shrinkage) == pytest.approx(dict(ward.shrinkage), nan_ok=True)
    shown = CliRunner().invoke(main, ["estimate", str(table), "--card", str(card_file)])
    assert shown.exit_code == 0
    assert "CL:occ2" in shown.stdout
