"""The tables of the page on Constrained Cluster Newton, from its stored results."""

from __future__ import annotations

from docs.figures.cluster import PRINTED, rows, stored
from docs.generate.cards import table

HEADER = ("method", "peak", "half", "area", "mean of four", "SD", "90 % interval", "against levels")


def _table(part: str) -> str:
    found = []
    for row in rows(part):
        errors, levels = row["against_full_fit"], row["against_levels"]
        low, high = row["interval"]
        found.append(
            (
                row["method"],
                *(f"{errors[k]:.1f}" for k in ("peak", "half", "auc")),
                f"{row['mean']:.1f}",
                f"{row['sd']:.1f}",
                f"{low:.1f} to {high:.1f}",
                f"{sum(levels.values()) / len(levels):.1f}",
            )
        )
    return table(HEADER, found) if found else "No results are stored yet."


def one() -> str:
    """One sample near 3 min."""
    found = stored()
    if not found:
        return "No results are stored yet."
    said = (
        f"Measured {found['date']} on {found['patients']} volunteers. The time of the peak is 0 % wrong in all rows: "
        "it is the end of the infusion."
    )
    paper = "; ".join(f"{name}: {value:.1f}" for name, value in PRINTED.items())
    return f"{said} The paper's means of four: {paper}.\n\n{_table('one')}"


def two() -> str:
    """Samples near 3 and 10 min."""
    return _table("two")


def external() -> str:
    """Patients of another study, with the archive of this one."""
    return (
        f"One sample near 3 min:\n\n{_table('external.one')}\n\nSamples near 3 and 10 min:\n\n{_table('external.two')}"
    )


def bands() -> str:
    """How often 90 % intervals hold."""
    found = []
    for part, said in (("one", "3 min"), ("two", "3 and 10 min")):
        if part not in stored():
            continue
        here = stored()[part]["bands"]
        for figure, name in (("peak", "peak"), ("half", "half"), ("auc", "area")):
            plain, calibrated = (f"{100 * here[k][figure]:.0f} %" for k in ("cluster", "calibrated"))
            found.append((said, name, plain, calibrated))
    return table(("samples", "figure", "as the cluster has it", "calibrated"), found)


BLOCKS = {"cluster_one": one, "cluster_two": two, "cluster_external": external, "cluster_bands": bands}
"""What makes each block."""
