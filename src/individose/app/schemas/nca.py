"""The JSON that `nca` gives: every profile's parameters, each a number or null with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, Protocol

from pydantic import Field

from individose import __version__
from individose.app.actions.nca import NcaResult, PatientAnalysis
from individose.app.schemas.estimate import Figure, Finite, NoticeEntry, Part, RefusedEntry


class Refusal(Protocol):
    """Who was refused and why: by the table (with its line) or by the analysis."""

    @property
    def id(self) -> str: ...
    @property
    def error(self) -> Exception: ...


class ParameterEntry(Part):
    """A parameter: its number, or null and the reason."""

    value: Figure
    unit: Annotated[str, Field(description="UCUM.")]
    status: Literal["ok", "unavailable"]
    sentence: Annotated[str, Field(description="Why there is no number; empty where there is one.")]


class RulesEntry(Part):
    """How areas were taken and which levels make the terminal slope."""

    method: Literal["linear", "lin-up-log-down", "linlog"]
    after_last: Annotated[
        Literal["zero", "drop"], Field(description="Levels below the limit after the last quantified one.")
    ]
    terminal: Annotated[
        int | tuple[Finite, Finite] | None,
        Field(description="Number of last levels, or times (h) from and to; null for the best adjusted R2."),
    ]
    intervals: Annotated[tuple[tuple[Finite, Finite], ...], Field(description="Partial areas that were asked for, h.")]


class ProfileEntry(Part):
    """The levels after one dose of one patient, and their parameters; times are h since that dose."""

    id: str
    dose_number: Annotated[int, Field(description="Of the patient's doses, from 1.")]
    dose_time_h: Annotated[Finite, Field(description="On the patient's clock.")]
    dose_mg: Finite
    route: Literal["extravascular", "bolus", "infusion"]
    duration_h: Finite
    tau_h: Annotated[Figure, Field(description="Dosing interval at steady state; null after a single dose.")]
    time_h: tuple[Finite, ...]
    levels: Annotated[tuple[Figure, ...], Field(description="mg/L; null below the limit of quantification.")]
    parameters: dict[str, ParameterEntry]
    warnings: tuple[NoticeEntry, ...]


class NcaDocument(Part):
    """Result of `individose nca --json`."""

    format: Literal["nca/1"] = "nca/1"
    program: str
    rules: RulesEntry
    profiles: tuple[ProfileEntry, ...]
    refused: tuple[RefusedEntry, ...]
    notes: tuple[str, ...]


def nca_document(found: NcaResult, refused: Sequence[Refusal] = (), notes: Sequence[str] = ()) -> NcaDocument:
    """An analysis as its document; `refused` are patients whom the table already refused."""
    rules = found.rules
    return NcaDocument(
        program=f"individose {__version__}",
        rules=RulesEntry(
            method=rules.method, after_last=rules.after_last, terminal=rules.terminal, intervals=rules.intervals
        ),
        profiles=tuple(_profile(one) for one in found.profiles),
        refused=tuple(
            RefusedEntry(id=r.id, error=str(r.error), line=getattr(r, "line", None)) for r in (*refused, *found.refused)
        ),
        notes=tuple(notes),
    )


def _profile(one: PatientAnalysis) -> ProfileEntry:
    profile = one.analysis.profile
    samples = zip(profile.concentration_mg_L, profile.quantified, strict=True)
    return ProfileEntry(
        id=one.id,
        dose_number=one.number,
        dose_time_h=one.time_h,
        dose_mg=profile.dose_mg,
        route=profile.route,
        duration_h=profile.duration_h,
        tau_h=profile.tau_h,
        time_h=tuple(float(t) for t in profile.time_h),
        levels=tuple(float(c) if seen else None for c, seen in samples),
        parameters={
            q.name: ParameterEntry(value=q.value, unit=q.unit, status=q.status, sentence=q.sentence)
            for q in one.analysis.quantities
        },
        warnings=tuple(NoticeEntry(code=n.code, grade=n.grade, sentence=n.sentence) for n in one.notices),
    )
