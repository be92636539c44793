"""Results on a terminal: one patient in full, or a ward at a glance. Reads well without colour and in plain ASCII."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from individose.app.actions.estimate import CaseResult
from individose.app.actions.problems import Refused
from individose.app.report import sentences
from individose.app.report.behind import behind_sheets
from individose.app.report.notation import ABSENT, headed, number, percent, plain
from individose.app.report.picture import picture
from individose.app.report.plot import plot
from individose.app.report.sheets import (
    Sheet,
    advice_sheet,
    attainment_sheet,
    comparison_sheet,
    dose_sheet,
    exposure_sheet,
    level_sheet,
    parameter_sheet,
    rounding_lines,
)
from individose.base import Notice
from individose.inference.diagnostics import WardDiagnostics

MOST = 5
"""Ranked regimens on the screen."""

PLOT_WIDTH = 100
NARROW, MANY = 110, 6
"""On a console with fewer columns, tables of more than `MANY` have units and intervals on a line of their own."""

PLAIN_HEAD = box.Box("    \n    \n -- \n    \n    \n    \n    \n    \n", ascii=True)
STYLES = {"warning": "bold red", "caution": "bold yellow", "note": ""}
SPELLED = str.maketrans({"×": "x", "–": "-", "·": ".", "²": "^2", "−": "-", "\N{REPLACEMENT CHARACTER}": "?"})
"""What stands for the signs that ASCII does not have; letters that it lacks are printed as '?'."""


def show_case(result: CaseResult, console: Console) -> None:
    """One patient: what was given, the estimate, the curve, the exposure, the doses, and the warnings last."""
    say = Speaker(console)
    notices = sentences.graded(result)
    say.text(f"Patient {plain(result.subject.id)}", "bold")
    say.text(f"{result.card.id} ({result.card.grade}): {result.card.title}")
    say.text(sentences.INTENDED_USE, "bold")
    say.gap()
    say.text(sentences.status_line(result), "" if result.fit.status.ok else "bold red")
    if notices:
        say.text(f"{sentences.counted(notices)}: read the end of this page.", STYLES[notices[0].grade])
    for sheet in (dose_sheet(result), level_sheet(result), parameter_sheet(result)):
        say.table(sheet)
    _curve(result, say, console)
    _exposure(result, say)
    if result.compared:
        say.table(comparison_sheet(result))
        reached = attainment_sheet(result)
        if reached is not None:
            say.table(reached)
    for sheet in behind_sheets(result):
        say.table(sheet)
    _advice(result, say)
    _notices(notices, say, console)


def show_ward(
    rows: Sequence[CaseResult], refused: Sequence[Refused], console: Console, together: WardDiagnostics | None = None
) -> None:
    """Many patients of one card, one line each, and below them those who were refused, with the reason; `together` is what
    can only be said of many."""
    say = Speaker(console)
    if rows:
        for one in {row.card.id: row.card for row in rows}.values():
            say.text(f"{one.id} ({one.grade}): {one.title}", "bold")
        say.text(sentences.INTENDED_USE, "bold")
        over = "groups of the mixture" if rows[0].card.groups else "models"
        if rows[0].average is not None:
            say.text(f"Exposure is that over all {over} by weight; parameters are those of the heaviest.")
        say.table(ward_sheet(rows))
        if together is not None:
            say.gap()
            say.text(sentences.shrinkage_line(together))
    serious = [(row, n) for row in rows for n in sentences.graded(row) if n.grade == "warning"]
    for row, notice in serious:
        say.text(f"WARNING patient {plain(row.subject.id)}: {plain(notice.sentence)}", STYLES["warning"])
    if refused:
        say.gap()
        say.text(f"Refused: {len(refused)} of {len(rows) + len(refused)} patients", STYLES["warning"])
        for one in refused:
            say.text(f"{plain(one.id)}: {plain(str(one.error))}", indent=2)


def ward_sheet(rows: Sequence[CaseResult]) -> Sheet:
    """One line for each patient: status, parameters (over several models, those that all have), exposure at steady state."""
    weighed = any(row.compared for row in rows)
    parameters = {name: found.unit for row in rows for name, found in row.parameters.items()}
    if weighed:
        parameters = {name: code for name, code in parameters.items() if all(name in row.parameters for row in rows)}
    metrics = {m: row.exposure[m].unit for row in rows for m in ("trough", "average") if m in row.exposure}
    grouped = any(row.card.groups for row in rows)
    columns = (
        "patient",
        *(("group" if grouped else "model", "weight (%)") if weighed else ()),
        "status",
        "levels",
        *(headed(name, code) for name, code in parameters.items()),
        *(headed(name, code) for name, code in metrics.items()),
        "notices",
    )
    shown = tuple(_ward_row(row, tuple(parameters), tuple(metrics), weighed) for row in rows)
    return Sheet("Ward", columns, shown, (0, 1, 3) if weighed else (0, 1))


def _ward_row(row: CaseResult, parameters: Sequence[str], metrics: Sequence[str], weighed: bool) -> tuple[str, ...]:
    values = [row.parameters.get(name) for name in parameters]
    exposed = [row.exposure.get(name) for name in metrics]
    shown = row.fit.status.ok
    return (
        plain(row.subject.id),
        *(_weighed(row) if weighed else ()),
        row.fit.status.code,
        str(len(row.levels)),
        *(number(v.value, 4) if v and shown else ABSENT for v in values),
        *(number(v.value) if v and shown else ABSENT for v in exposed),
        sentences.counted(sentences.graded(row)) or ABSENT,
    )


def _weighed(row: CaseResult) -> tuple[str, ...]:
    """The model or group that weighs most, and its weight."""
    if not row.compared:
        return ABSENT, ABSENT
    heaviest = max(row.compared, key=lambda one: one.weight or 0.0)
    return heaviest.label.rpartition("/")[2], percent(heaviest.weight or 0.0)


class Speaker:
    """Prints text and tables, in ASCII where the console can do no more; never reads markup in what it is given."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.ascii_only = console.options.ascii_only

    def spelled(self, text: str) -> str:
        return text.translate(SPELLED).encode("ascii", "replace").decode() if self.ascii_only else text

    def text(self, said: str, style: str = "", indent: int = 0) -> None:
        line = Text(self.spelled(said), style=style)
        self.console.print(Padding(line, (0, 0, 0, indent)) if indent else line, soft_wrap=False)

    def gap(self) -> None:
        self.console.print()

    def heading(self, said: str) -> None:
        self.gap()
        self.text(said, "bold")

    def table(self, sheet: Sheet, title: str | None = None) -> None:
        """A table under its title, or under another one; an empty `title` leaves it out."""
        if title != "":
            self.heading(title or sheet.title)
        if not sheet.rows:
            self.text("none")
            return
        lines = PLAIN_HEAD if self.ascii_only else box.SIMPLE_HEAD
        table = Table(box=lines, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
        stacked = self.console.width < NARROW and len(sheet.columns) > MANY
        for i, column in enumerate(sheet.columns):
            heading = Text(self.spelled(_stacked(column) if stacked else column))
            justify = "left" if i in sheet.words else "right"
            table.add_column(heading, justify=justify, overflow="fold", min_width=_longest(sheet, i))
        for row in sheet.rows:
            table.add_row(*(Text(self.spelled(_stacked(cell) if stacked else cell)) for cell in row))
        self.console.print(table)


UNBROKEN = 12
"""Words of a column up to this length are not broken over two lines."""


def _longest(sheet: Sheet, column: int) -> int | None:
    """Width of the longest word of a column of words."""
    if column not in sheet.words:
        return None
    words = (word for row in (sheet.columns, *sheet.rows) for word in row[column].split())
    return min(max((len(word) for word in words), default=1), UNBROKEN)


def _stacked(cell: str) -> str:
    """What stands in brackets, a unit or an interval, under the rest."""
    return cell.replace(" (", "\n(")


def _curve(result: CaseResult, say: Speaker, console: Console) -> None:
    seen = picture(result)
    say.heading("Level over time")
    if seen is None:
        say.text(sentences.curve_line(result))
    else:
        console.print(plot(seen, min(console.width, PLOT_WIDTH), say.ascii_only), soft_wrap=False)


def _exposure(result: CaseResult, say: Speaker) -> None:
    if result.exposure:
        say.table(exposure_sheet(result), f"Exposure at steady state of {result.regimen}" if result.regimen else None)
    else:
        say.heading("Exposure at steady state")
        say.text(sentences.exposure_line(result))


def _advice(result: CaseResult, say: Speaker) -> None:
    shown = min(MOST, len(result.advice.candidates)) if result.advice else 0
    say.heading("Ranked doses")
    if result.target:
        say.text(plain(sentences.target_line(result.target)))
    say.text(sentences.advice_line(result, shown))
    if shown:
        say.gap()
        say.table(advice_sheet(result, MOST), "")
        say.gap()
        say.text("Rounding to what can be dispensed, by rank")
        for line in rounding_lines(result, MOST):
            say.text(line)


def _notices(notices: Sequence[Notice], say: Speaker, console: Console) -> None:
    if not notices:
        return
    say.heading(f"To know before use: {sentences.counted(tuple(notices))}")
    for notice in notices:
        said = Text(say.spelled(plain(notice.sentence)))
        panel = Panel(
            said,
            title=Text(notice.grade.upper()),
            title_align="left",
            border_style=STYLES[notice.grade],
            box=box.ASCII if say.ascii_only else box.HEAVY if notice.grade == "warning" else box.SQUARE,
        )
        console.print(panel)
