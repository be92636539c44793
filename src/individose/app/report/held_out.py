"""A leave-one-out evaluation on a terminal."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table

from individose.app.actions.curves import FIGURES
from individose.app.actions.leave_one_out import LeaveOneOut

NAMES = {"peak": "peak", "half": "t half", "tpeak": "t peak", "auc": "AUC"}


def show_held_out(found: LeaveOneOut, out: Console) -> None:
    """The rows as a table, and how often intervals hold."""
    times = ", ".join(f"{60 * t:g}" for t in found.times_h)
    table = Table(
        title=f"{found.patients} patients left out one at a time, samples near {times} min, {found.card}",
        box=box.SIMPLE_HEAD,
        title_justify="left",
        padding=(0, 1, 0, 0),
    )
    table.add_column("method")
    for name in (*(NAMES[f] for f in FIGURES), "mean", "SD", "interval", "vs levels"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in found.rows:
        cells = [f"{x:.1f}" for x in (*row.fitted, row.mean, row.sd)]
        mean = sum(row.measured) / len(row.measured)
        table.add_row(row.method, *cells, f"{row.low:.1f} to {row.high:.1f}", f"{mean:.1f}")
    out.print(table)
    out.print(
        "Absolute errors in % against each patient's own full fit; the last column against the levels as measured."
    )
    bands = found.bands
    for k in (0, 3):
        out.print(
            f"{100 * bands.level:.0f} % intervals of the {NAMES[FIGURES[k]]} hold in {100 * bands.plain[k]:.0f} %, "
            f"calibrated in {100 * bands.calibrated[k]:.0f} %."
        )
