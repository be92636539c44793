"""What stands behind an estimate, as tables: each level, and each parameter that was estimated."""

from __future__ import annotations

import math
from collections.abc import Sequence

from individose.app.actions.estimate import CaseResult
from individose.app.report.notation import ABSENT, given, number, plain
from individose.app.report.sheets import Sheet
from individose.inference.diagnostics import Change, Diagnostics, OneLevel

SHOWN = 40
"""Levels in the table: those that stand out most, where there are more."""


def behind_sheets(result: CaseResult) -> tuple[Sheet, ...]:
    """The tables of levels and of parameters; none where nothing was diagnosed or no level was used."""
    found = result.diagnostics
    if found is None or not found.levels:
        return ()
    return (_levels(found), _effects(found))


def behind_lines(result: CaseResult) -> tuple[str, ...]:
    """How to read the tables."""
    found = result.diagnostics
    if found is None or not found.levels:
        return ()
    window = ""
    if found.window_h is not None:
        window = f" from {given(found.window_h[0])} to {given(found.window_h[1])} h"
    shown = len(_chosen(found.levels))
    left = f" The {shown} of {len(found.levels)} levels that stand out most." if shown < len(found.levels) else ""
    return (
        "Residual: the level less this patient's prediction, in SDs of the residual error. Percentile: the share of patients "
        "like this one (same covariates and doses, no level known) who would have a lower level, residual error included. "
        f"Changes are of the area under the curve{window}: without the level, and had it been drawn 15 min earlier or "
        f"later.{left}",
        "Standardised effect: how many SDs of the population this patient lies from the typical one. Known better: by how "
        "much the levels narrowed the population's interval (0 % where they said nothing).",
        *_assay(found),
    )


def _assay(found: Diagnostics) -> tuple[str, ...]:
    if found.assay is None:
        return ()
    low, high = found.assay
    return (f"All levels 10 % lower: area {_change(low)}. All levels 10 % higher: area {_change(high)}.",)


def _levels(found: Diagnostics) -> Sheet:
    rows = tuple(
        (
            given(level.time_h),
            {"none": "", "below": "< ", "above": "> "}[level.censoring] + given(level.observed),
            number(level.individual, 2),
            _percentile(level.percentile),
            _change(level.without),
            _change(level.earlier),
            _change(level.later),
        )
        for level in _chosen(found.levels)
    )
    columns = (
        "time (h)",
        "measured (mg/L)",
        "residual (SD)",
        "percentile (%)",
        "AUC without it",
        "AUC 15 min earlier",
        "AUC 15 min later",
    )
    return Sheet("Each level", columns, rows, ())


def _chosen(levels: Sequence[OneLevel]) -> tuple[OneLevel, ...]:
    """All levels in order of time, or the `SHOWN` with the largest residuals or the rarest percentiles."""
    if len(levels) <= SHOWN:
        return tuple(levels)

    def out(level: OneLevel) -> float:
        return max((abs(x) for x in (level.individual, level.prior) if math.isfinite(x)), default=math.inf)

    kept = sorted(range(len(levels)), key=lambda i: -out(levels[i]))[:SHOWN]
    return tuple(levels[i] for i in sorted(kept))


def _effects(found: Diagnostics) -> Sheet:
    rows = tuple(
        (plain(effect.name), number(effect.standardised, 2), f"{100.0 * max(effect.narrowing, 0.0):.0f} %")
        for effect in found.effects
    )
    return Sheet("Each effect", ("effect", "standardised (SD)", "known better"), rows)


def _percentile(probability: float) -> str:
    if not math.isfinite(probability):
        return ABSENT
    if 0.001 <= probability <= 0.999:
        return number(100.0 * probability, 3 if 0.01 <= probability <= 0.99 else 2)
    return "< 0.1" if probability < 0.5 else "> 99.9"


def _change(change: Change | None) -> str:
    if change is None or not change.ok or not math.isfinite(change.auc):
        return ABSENT
    shown = f"{100.0 * change.auc:+.1f} %".replace("-", "−")
    return {"+0.0 %": "0.0 %", "−0.0 %": "0.0 %"}.get(shown, shown)
