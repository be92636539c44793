"""The README: its code runs as written, its numbers are what the program gives, its commands and links exist."""

from __future__ import annotations

import csv
import re
import shutil

import numpy as np
import pytest
from click.testing import CliRunner

import individose as ido
import reference_data
from documentation.code_blocks import ROOT, commands, python_blocks, run
from individose.app.cli import main

README = ROOT / "README.md"
TEXT = README.read_text(encoding="utf-8")


def test_its_code_runs_as_written_and_prints_what_it_says(monkeypatch):
    monkeypatch.chdir(ROOT)
    blocks = python_blocks(README)
    assert blocks
    assert blocks[0].printed
    assert len(blocks[0].code.strip().splitlines()) <= 14
    run(blocks)


def test_what_it_says_of_the_dose_is_so():
    fit = ido.fit(ido.card("phenobarbital"), ido.read_case(ROOT / "examples" / "newborn.json"))
    target = ido.target("phenobarbital")
    assert "drift above the target" in TEXT
    assert ido.steady_state(fit, ido.Regimen(3.8, 12.0))["trough"].low > target.high
    last = max(fit.problem.context.subject.levels, key=lambda level: level.time_h)
    assert f"{last.value_mg_L:g} mg/L, lies within it" in TEXT
    assert target.low <= last.value_mg_L <= target.high


@pytest.mark.reference
def test_the_difference_from_nonmem_is_as_stated():
    stated = float(re.search(r"greatest difference of an individual effect is (\S+?),", TEXT)[1])
    newborns = ido.read_nonmem(reference_data.path("datasets/pheno.csv"))
    with reference_data.path("map/phenobarbital/expected_phi.csv").open(newline="") as file:
        expected = np.array([[float(row["ETA(1)"]), float(row["ETA(2)"])] for row in csv.DictReader(file)])
    found = np.stack([fit.eta for fit in ido.fit_ward(ido.card("phenobarbital"), newborns).fits])
    assert f"{np.abs(found - expected).max():.1e}" == f"{stated:.1e}"


@pytest.mark.parametrize("words", commands(README), ids=lambda words: " ".join(words[:3]))
def test_its_commands_end_well(words, tmp_path, monkeypatch):
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    rows = ["ID,TIME,AMT,DV,WT,APGR", "1,0,25,.,1.4,7", "1,2,.,17.3,1.4,7", "1,12,3.5,.,1.4,7", "1,20,.,18,1.4,7"]
    (tmp_path / "ward.csv").write_text("\n".join(rows) + "\n")
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output


def test_its_links_lead_somewhere():
    links = re.findall(r"\]\(((?!https?:)[^)#]+)", TEXT)
    assert links
    assert not [link for link in links if not (ROOT / link).exists()]
