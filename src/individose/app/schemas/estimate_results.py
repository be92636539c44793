"""Results of `estimate` as its JSON document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from individose import __version__
from individose.app.actions.estimate import CaseResult
from individose.app.schemas.diagnosis import diagnostics_entry
from individose.app.schemas.estimate import (
    AdviceEntry,
    AverageEntry,
    CandidateEntry,
    ComparedEntry,
    EstimateDocument,
    FitEntry,
    Intervals,
    LevelPoint,
    NoticeEntry,
    RefusedEntry,
    RegimenEntry,
    SamplingEntry,
    ShrinkageEntry,
    TargetRange,
    Units,
)
from individose.app.schemas.figures import figure, figures
from individose.dosing import Advice, Candidate, Regimen
from individose.drugs import Target
from individose.events import Level
from individose.inference import Estimate, Fit
from individose.inference.diagnostics import WardDiagnostics


class Refusal(Protocol):
    """Who was refused and why: by a table (with its line) or by a card."""

    @property
    def id(self) -> str: ...
    @property
    def error(self) -> Exception: ...


def estimate_document(
    results: Sequence[CaseResult],
    refused: Sequence[Refusal] = (),
    notes: Sequence[str] = (),
    *,
    level: float = 0.9,
    ward: WardDiagnostics | None = None,
) -> EstimateDocument:
    """The document of these results, in their order; `ward` is what can only be said of many."""
    return EstimateDocument(
        program=f"individose {__version__}",
        fits=tuple(_fit(one, level) for one in results),
        refused=tuple(RefusedEntry(id=r.id, error=str(r.error), line=getattr(r, "line", None)) for r in refused),
        notes=tuple(notes),
        shrinkage=None
        if ward is None
        else ShrinkageEntry(effects=figures(ward.shrinkage), residuals=figure(ward.residual_shrinkage)),
    )


def _fit(result: CaseResult, level: float) -> FitEntry:
    fit = result.fit
    return FitEntry(
        id=fit.id,
        card=result.card.id,
        card_sha256=result.card.digest,
        method=fit.method,
        status=fit.status.code,  # pyright: ignore[reportArgumentType]
        statement=fit.status.sentence,
        objective=None if fit.objective is None else figure(fit.objective),
        eta={name: figure(value) for name, value in zip(fit.problem.effects, fit.eta, strict=True) if name},
        parameters=_values(result.parameters),
        typical={name: figure(value) for name, value in result.typical.items()},
        exposure=_values(result.exposure),
        intervals=Intervals(
            level=level, parameters=_intervals(result.parameters), exposure=_intervals(result.exposure)
        ),
        units=Units(
            parameters={name: one.unit for name, one in result.parameters.items()},
            exposure={name: one.unit for name, one in result.exposure.items()},
        ),
        levels=tuple(_levels(result)),
        regimen=_regimen(result.regimen) if result.regimen else None,
        advice=_advice(result.advice) if result.advice else None,
        compared=tuple(
            ComparedEntry(
                label=one.label,
                status=one.status,
                weight=one.weight,
                parameters=_values(one.parameters),
                exposure=_values(one.exposure),
                intervals=Intervals(
                    level=level, parameters=_intervals(one.parameters), exposure=_intervals(one.exposure)
                ),
                attainment=figures(one.attainment),
                sampling=_sampling(one.fit),
            )
            for one in result.compared
        ),
        diagnostics=None if result.diagnostics is None else diagnostics_entry(result.diagnostics),
        average=_average(result),
        sampling=_sampling(fit),
        warnings=tuple(NoticeEntry(code=n.code, grade=n.grade, sentence=n.sentence) for n in result.warnings),
    )


def _average(result: CaseResult) -> AverageEntry | None:
    found = result.average
    if found is None:
        return None
    weights = dict(zip(found.models, found.weights, strict=True))
    return AverageEntry(rule=found.rule, heaviest=result.fit.problem.model, weights=figures(weights))


def _sampling(fit: Fit | None) -> SamplingEntry | None:
    """What stands behind a fit's draws; None where it has none, and for an average."""
    if fit is None or fit.sampling is None:
        return None
    found = fit.sampling
    return SamplingEntry(
        chains=found.chains,
        draws=0 if fit.draws is None else len(fit.draws),
        effective=figures(found.effective),
        rhat=figures(found.rhat),
        divergences=found.divergences if "diverging" in found.statistics else None,
        rounds=found.rounds or None,
        proposals=found.proposals or None,
    )


def _levels(result: CaseResult) -> list[LevelPoint]:
    measured = [e for e in result.subject.events if isinstance(e, Level) and e.measured]
    return [
        LevelPoint(
            time_h=row.time_h,
            observed=row.observed,
            pred=figure(row.pred),
            ipred=figure(row.ipred),
            censoring=level.censoring,
        )
        for row, level in zip(result.levels, measured, strict=True)
    ]


def _values(estimates: Mapping[str, Estimate]) -> dict[str, float | None]:
    return {name: figure(one.value) for name, one in estimates.items()}


def _intervals(estimates: Mapping[str, Estimate]) -> dict[str, tuple[float | None, float | None]]:
    return {name: (figure(one.low), figure(one.high)) for name, one in estimates.items()}


def _regimen(one: Regimen) -> RegimenEntry:
    return RegimenEntry(amount_mg=one.amount_mg, interval_h=one.interval_h, duration_h=one.duration_h)


def _target(one: Target) -> TargetRange:
    return TargetRange(
        metric=one.metric, low=one.low, high=one.high, best=one.best, unit=one.unit, source=one.source, note=one.note
    )


def _advice(one: Advice) -> AdviceEntry:
    return AdviceEntry(
        target=_target(one.target),
        reached=one.reached,
        sentence=one.sentence,
        draws=one.draws,
        candidates=tuple(_candidate(candidate) for candidate in one.candidates),
    )


def _candidate(one: Candidate) -> CandidateEntry:
    return CandidateEntry(
        regimen=_regimen(one.regimen),
        probability=min(max(one.probability, 0.0), 1.0),  # 1 - below - above rounds to -1e-17
        below=one.below,
        above=one.above,
        exposure=_values(one.exposure),
        intervals=_intervals(one.exposure),
        exact_mg=figure(one.exact_mg),
        rounding=one.rounding,
    )
