"""Parts of pages that are made by running something, between `<!-- begin NAME -->` and `<!-- end NAME -->`."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path

from click.testing import CliRunner

import individose as ido
from docs.figures.make import slug
from docs.figures.patients import newborns, quinidine_men
from docs.generate import cluster
from docs.generate.cards import table
from individose.app.actions.evaluate import Evaluation, Score
from individose.app.cli import main
from individose.drugs import covariates, parameters
from individose.drugs.library import summaries

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results"
NBSP = "&nbsp;"
BLOCK = re.compile(r"(<!-- begin (\w+) -->\n).*?(<!-- end \2 -->)", re.DOTALL)


def filled(text: str) -> str:
    """A page with each of its blocks made anew.

    **Raises:** `KeyError` for a block that nothing makes.
    """
    return BLOCK.sub(lambda found: f"{found[1]}{BLOCKS[found[2]]().strip()}\n{found[3]}", text)


def pages() -> list[Path]:
    """Every page that has a block."""
    found = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [page for page in found if BLOCK.search(page.read_text(encoding="utf-8"))]


def demo() -> str:
    """What `make demo` prints, from the parameters on, with the best three regimens."""
    done = CliRunner().invoke(main, ["estimate", str(ROOT / "examples" / "newborn.json")], env={"COLUMNS": "110"})
    assert done.exit_code == 0, done.output
    sections = dict(
        zip(SECTIONS, re.split(rf"^(?:{'|'.join(SECTIONS)})", done.output, flags=re.MULTILINE)[1:], strict=True)
    )
    kept = [_section(name, sections[name]) for name in ("Parameters", "Exposure at steady state", "Ranked doses")]
    return "```text\n" + "\n\n".join(kept) + "\n```"


SECTIONS = (
    "Doses", "Levels", "Parameters", "Level over time", "Exposure at steady state", "Each level", "Each effect",
    "Ranked doses", "Rounding",
)  # fmt: skip
"""The headings of the terminal's report, in its order."""


def _section(name: str, body: str) -> str:
    lines = [line.rstrip() for line in (name + body).strip().splitlines()]
    if name == "Ranked doses":  # its table only
        start = next(i for i, line in enumerate(lines) if line.startswith("rank"))
        lines = [name, *lines[start : start + 5]]
    return "\n".join(lines)


@lru_cache(maxsize=1)
def _evaluation() -> Evaluation:
    return ido.evaluate(ido.card("phenobarbital/grasela1985"), newborns())


def evaluation() -> str:
    """Every score of the newborns' evaluation."""
    return _scores(_evaluation().scores)


def evaluation_short() -> str:
    """The levels after the first, before which something was known."""
    return _scores([s for s in _evaluation().scores if s.group == "levels after the first"])


@lru_cache(maxsize=1)
def _quinidine() -> Evaluation:
    return ido.evaluate(ido.card("quinidine/verme1992"), quinidine_men())


def evaluation_quinidine() -> str:
    """Every score of the evaluation on the men with quinidine."""
    return _scores(_quinidine().scores)


def _scores(scores: tuple[Score, ...] | list[Score]) -> str:
    header = ("levels", "n", "predicted", "bias", "imprecision", "within 20 %", "within 30 %")
    rows = []
    for s in scores:
        figures = (_percent(x) for x in (s.bias, s.imprecision, s.within_20, s.within_30))
        first = s.prediction == "a priori"  # a group's second row needs no name again
        said = s.prediction.replace(" ", NBSP)
        rows.append((s.group if first else "", str(s.levels) if first else "", said, *figures))
    return table(header, rows)


def _percent(figure: tuple[float, float | None, float | None]) -> str:
    if figure[1] is None:
        return f"{100 * figure[0]:.1f} %<br>(not given)".replace("-", "−").replace(" ", NBSP)
    value, low, high = (f"{100 * x:.1f}".replace("-0.0", "0.0").replace("-", "−") for x in figure)
    return f"{value} %<br>({low} to {high})".replace(" ", NBSP)


def benchmarks() -> str:
    """The stored results of `make bench`; says so where there are none."""
    parts = []
    for file in sorted(RESULTS.glob("*.json")):
        found = json.loads(file.read_text(encoding="utf-8"))
        on = ", ".join(f"{value} {name}" if name == "cores" else str(value) for name, value in found["machine"].items())
        rows = [
            (what, f"{value:.4g}" if isinstance(value, float) else str(value))
            for what, value in found["figures"].items()
        ]
        parts += [
            f"### {file.stem.capitalize()}",
            f"Measured {found['date']} on {on}.",
            table(("figure", "value"), rows),
        ]
    return "\n\n".join(parts) or "No results are stored yet; `make bench` measures them."


def cards(folder: str = "") -> str:
    """The list of cards; `folder` leads from the page to theirs."""
    rows = [(f"[{s.id}]({folder}{slug(s.id)}.md)", s.grade, s.population, s.title) for s in summaries(drafts=True)]
    return table(("card", "grade", "population", "model"), rows)


def covariate_register() -> str:
    """The names, units and aliases of covariates."""
    rows = []
    for c in covariates().values():
        unit = ", ".join(c.values) if c.values else {"boolean": "yes or no"}.get(c.kind, c.unit)
        rows.append((f"`{c.name}`", unit, c.description, ", ".join(c.aliases)))
    return table(("name", "unit or labels", "meaning", "column names understood"), rows)


def parameter_register() -> str:
    """The names and units of parameters."""
    return table(("name", "unit", "meaning"), [(f"`{p.name}`", p.unit, p.meaning) for p in parameters().values()])


BLOCKS = {
    "demo": demo,
    "evaluation": evaluation,
    "evaluation_short": evaluation_short,
    "evaluation_quinidine": evaluation_quinidine,
    "benchmarks": benchmarks,
    "cards": cards,
    "cards_index": lambda: cards("cards/"),
    "covariates": covariate_register,
    "parameters": parameter_register,
    **cluster.BLOCKS,
}
"""What makes each block."""
