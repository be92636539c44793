"""The shape of the code: files stay small, and the README's commands are those that CI runs."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LONGEST = 400
"""Lines of a source file; split by concept before."""


def test_no_source_file_is_long():
    long = {
        str(f.relative_to(ROOT)): n
        for f in (ROOT / "src").rglob("*.py")
        if (n := len(f.read_text().splitlines())) > LONGEST
    }
    assert long == {}


def test_no_file_is_named_for_nothing():
    vague = {"utils", "helpers", "misc", "common", "tools"}
    assert [f.name for f in (ROOT / "src").rglob("*.py") if f.stem in vague] == []


def test_ci_runs_the_commands_of_the_readme():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    for command in ("make demo", "make test"):
        assert command in readme
        assert command in ci
