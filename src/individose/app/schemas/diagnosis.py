"""Diagnostics of a fit as part of its JSON document."""

from __future__ import annotations

from individose.app.schemas.estimate import (
    ChangeEntry,
    DiagnosticsEntry,
    EffectDiagnosis,
    LevelDiagnosis,
    PostDoseEntry,
)
from individose.app.schemas.figures import figure, figures
from individose.inference.diagnostics import Change, Diagnostics, OneLevel


def diagnostics_entry(found: Diagnostics) -> DiagnosticsEntry:
    """What stands behind one fit."""
    return DiagnosticsEntry(
        window_h=found.window_h,
        levels=tuple(_level(one) for one in found.levels),
        effects=tuple(
            EffectDiagnosis(name=one.name, standardised=figure(one.standardised), narrowing=figure(one.narrowing))
            for one in found.effects
        ),
        assay=None if found.assay is None else (_sure(found.assay[0]), _sure(found.assay[1])),
    )


def _level(one: OneLevel) -> LevelDiagnosis:
    late = one.post_dose
    return LevelDiagnosis(
        time_h=one.time_h,
        observed=one.observed,
        individual=figure(one.individual),
        percentile=figure(one.percentile),
        among_others=figure(one.among_others),
        without=_change(one.without),
        earlier=_change(one.earlier),
        later=_change(one.later),
        post_dose=None
        if late is None
        else PostDoseEntry(
            before_h=late.before_h,
            after_h=figure(late.after_h),
            odds=figure(late.odds),
            residual=figure(late.residual),
        ),
    )


def _change(one: Change | None) -> ChangeEntry | None:
    return None if one is None else _sure(one)


def _sure(one: Change) -> ChangeEntry:
    return ChangeEntry(effects=figures(one.effects), auc=figure(one.auc), trough=figure(one.trough), ok=one.ok)
