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
    return table(HEADER, found) if found else NONE


def one() -> str:
    """One sample near 3 min."""
    found = stored()
    if not found:
        return NONE
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
    """Patients of another study, with the archive of this one, and how often its calibrated intervals hold for them."""
    tables = [
        f"One sample near 3 min:\n\n{_table('external.one')}",
        f"Samples near 3 and 10 min:\n\n{_table('external.two')}",
    ]
    found = []
    for part, said in (("one", "3 min"), ("two", "3 and 10 min")):
        here = stored().get("external", {}).get(part, {}).get("bands", {})
        if "archive" in here:
            for figure, name in (("peak", "peak"), ("half", "half"), ("auc", "area")):
                shares = (f"{100 * here[k][figure]:.0f} %" for k in ("cluster", "archive"))
                found.append((said, name, *shares))
    header = ("samples", "figure", "90 % intervals as the cluster has them", "calibrated on the archive's patients")
    return "\n\n".join([*tables, *([table(header, found)] if found else [])])


def truths() -> str:
    """The same estimates against other full fits."""
    header = ("full fit", "its area against levels", *NAMED.values(), "default, two samples")
    found = [
        (
            row["truth"],
            f"{row['floor']['auc']:.1f}",
            *(f"{row['one'][name]:.1f}" for name in NAMED),
            f"{row['two']:.1f}",
        )
        for row in stored().get("truths", [])
    ]
    return table(header, found) if found else NONE


NAMED = {"LM, one start": "LM", "CN, literature start": "CN", "CCN, prior rows (default)": "default, one sample"}
"""The methods that stand in the table of truths, and their heads there."""

INDEPENDENT = {
    "LM, one start": 55.1,
    "CN, literature start": 45.8,
    "CCN (threshold 5), to the letter": 51.2,
    "CCN (20 nearest), to the letter": 25.3,
    "CCN (20 nearest), log space": 11.2,
    "CCN (threshold 1), log space": 10.8,
    "Bayes over the archive's curves": 11.1,
    "archive median, no sample": 18.1,
}
"""Means of four by an independent program (numpy) on the same patients."""


def independent() -> str:
    """Another program's figures beside ours, with what these are against the other full fits."""
    both = stored().get("truths", [])
    if not both:
        return NONE
    found = []
    for name, value in INDEPENDENT.items():
        means = [row["one"][name] for row in both]
        span = f"{min(means):.1f} to {max(means):.1f}"
        found.append((name, f"{value:.1f}", f"{means[0]:.1f}", f"{means[0] - value:+.1f}".replace("-", "−"), span))
    return table(("method", "independent", "here", "difference", "here, over the five full fits"), found)


def readings() -> str:
    """The recipe to the letter, from archives whose searches end elsewhere."""
    found = []
    for row in stored().get("readings", []):
        parts = [f"{row[name][k]:.1f}" for name in INDEPENDENT if "letter" in name for k in (0, 1)]
        found.append((row["archive"], str(row["extreme"]), *parts))
    header = ("archive's least squares in", "extreme", "threshold, mean", "median", "nearest, mean", "median")
    return table(header, found) if found else NONE


def bands() -> str:
    """How often 90 % intervals hold."""
    found = []
    for part, said in (("one", "3 min"), ("two", "3 and 10 min")):
        if part not in stored():
            continue
        here, tested = stored()[part]["bands"], stored().get("nested", {}).get(part, {})
        for figure, name in (("peak", "peak"), ("half", "half"), ("auc", "area")):
            shares = (here["cluster"][figure], tested.get(figure), here["calibrated"][figure])
            found.append((said, name, *("" if x is None else f"{100 * x:.0f} %" for x in shares)))
    return table(("samples", "figure", "as the cluster has it", "calibrated, nested", "calibrated"), found)


def hill() -> str:
    """The model whose transfer falls with the level."""
    found = stored().get("hill")
    if not found:
        return NONE
    parts = [f"One sample near 3 min:\n\n{_table('hill.one')}", f"Samples near 3 and 10 min:\n\n{_table('hill.two')}"]
    said = (
        f"The archives of all 59 took {found['archives_s']:.0f} s, "
        f"the evaluation from one sample {found['one']['seconds']:.0f} s "
        "(with compilation)."
    )
    return "\n\n".join([*parts, said])


NONE = "No results are stored yet."
BLOCKS = {
    "cluster_one": one,
    "cluster_two": two,
    "cluster_external": external,
    "cluster_bands": bands,
    "cluster_truths": truths,
    "cluster_independent": independent,
    "cluster_readings": readings,
    "cluster_hill": hill,
}
"""What makes each block."""
