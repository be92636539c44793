"""The JSON that `estimate` gives: every patient's parameters and exposure, and who was refused and why.

Units are in the document (`units`): canonical ones, h, mg, L and mg/L. What is not a finite number is null.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Finite = Annotated[float, Field(allow_inf_nan=False)]
Figure = Annotated[Finite | None, Field(description="A finite number, or null where there is none.")]
Interval = Annotated[tuple[Figure, Figure], Field(description="Lower and upper end.")]
Figures = dict[str, Figure]


class Part(BaseModel):
    """Settings of every part."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NoticeEntry(Part):
    """Something the reader must know."""

    code: Annotated[str, Field(description="Stable, for programs.")]
    grade: Literal["note", "caution", "warning"]
    sentence: Annotated[str, Field(description="For people.")]


class Intervals(Part):
    """Intervals that hold `level` of the probability, under the names of the values."""

    level: Finite
    parameters: dict[str, Interval]
    exposure: dict[str, Interval]


class Units(Part):
    """UCUM units of the numbers."""

    parameters: dict[str, str]
    exposure: dict[str, str]
    time: Literal["h"] = "h"
    levels: Literal["mg/L"] = "mg/L"
    amount: Literal["mg"] = "mg"


class LevelPoint(Part):
    """A measured level beside its predictions, mg/L."""

    time_h: Finite
    observed: Finite
    pred: Annotated[Figure, Field(description="For the typical patient with these covariates and doses.")]
    ipred: Annotated[Figure, Field(description="For this patient.")]
    censoring: Annotated[
        Literal["none", "below", "above"],
        Field(description="Whether `observed` is a limit that the level lies beyond."),
    ]


class RegimenEntry(Part):
    """A dose repeated at a fixed interval."""

    amount_mg: Finite
    interval_h: Finite
    duration_h: Finite


class TargetRange(Part):
    """The exposure aimed at."""

    metric: str
    low: Finite
    high: Finite
    best: Annotated[Figure, Field(description="What to aim at; null for the middle of the range.")]
    unit: str
    source: str
    note: str


class CandidateEntry(Part):
    """One regimen as it would act in this patient at steady state."""

    regimen: RegimenEntry
    probability: Annotated[Finite, Field(ge=0, le=1, description="That the exposure lies within the target.")]
    below: Annotated[Finite, Field(ge=0, le=1, description="That it lies below it.")]
    above: Annotated[Finite, Field(ge=0, le=1, description="That it lies above it.")]
    exposure: Figures
    intervals: dict[str, Interval]
    exact_mg: Annotated[Figure, Field(description="The amount that would meet the aim exactly, before rounding.")]
    rounding: str


class AdviceEntry(Part):
    """Regimens from best to worst."""

    target: TargetRange
    reached: Annotated[bool, Field(description="Whether the best one reaches the target more likely than not.")]
    sentence: str
    draws: Annotated[int, Field(description="Draws of the posterior behind the probabilities.")]
    candidates: tuple[CandidateEntry, ...]


class SamplingEntry(Part):
    """What stands behind draws from the posterior."""

    chains: Annotated[int, Field(description="Markov chains of equal length; 1 for independent draws.")]
    draws: Annotated[int, Field(description="Draws kept in all; 0 where they were not good enough to be used.")]
    effective: Annotated[Figures, Field(description="By effect, how many independent draws they are worth.")]
    rhat: Annotated[Figures, Field(description="By effect, 1 where the chains agree; empty where there is but one.")]
    divergences: Annotated[
        int | None, Field(description="Draws whose trajectory diverged; null for a method without trajectories.")
    ]
    rounds: Annotated[int | None, Field(description="How often importance sampling tried a proposal; else null.")]
    proposals: Annotated[int | None, Field(description="Draws of each of its proposals; else null.")]


class ComparedEntry(Part):
    """The same patient by another method, or under another model."""

    label: Annotated[str, Field(description="Name of the method, id of the card, or the rule of the average.")]
    status: Annotated[str, Field(description="Empty for an average.")]
    weight: Annotated[Figure, Field(description="In the average; null outside of one.")]
    parameters: Figures
    exposure: Figures
    intervals: Intervals
    attainment: Annotated[
        Figures, Field(description="Probability of the target by regimen: the present one, and the best advised.")
    ]
    sampling: Annotated[SamplingEntry | None, Field(description="Of a method that samples; null for others.")] = None


class AverageEntry(Part):
    """An average over models, or over the groups of a mixture."""

    rule: Annotated[str, Field(description="How they are weighed: likelihood, selection or mean.")]
    heaviest: Annotated[str, Field(description="The model that `method`, `status`, `parameters` and `levels` are of.")]
    weights: Annotated[Figures, Field(description="By model; they add up to 1.")]


class ChangeEntry(Part):
    """What a changed record does to the fit."""

    effects: Annotated[Figures, Field(description="Change of each effect, in SDs of the posterior.")]
    auc: Annotated[Figure, Field(description="Relative change of the area over `window_h`; null without one.")]
    trough: Annotated[Figure, Field(description="Relative change of the trough at the end of `window_h`.")]
    ok: Annotated[bool, Field(description="Whether the fit to the changed record may be used.")]


class PostDoseEntry(Part):
    """How a level recorded just before a dose would fit as one drawn after it."""

    before_h: Finite
    after_h: Figure
    odds: Annotated[Figure, Field(description="How many times as probable the levels are then.")]
    residual: Figure


class LevelDiagnosis(Part):
    """What stands behind one level."""

    time_h: Finite
    observed: Finite
    individual: Annotated[Figure, Field(description="Individual weighted residual (IWRES), SDs of the residual error.")]
    percentile: Annotated[
        Figure,
        Field(description="Share of patients with the same covariates and doses who have a lower level, 0 to 1."),
    ]
    among_others: Annotated[Figure, Field(description="The same, the patient's other levels being known.")]
    without: Annotated[ChangeEntry | None, Field(description="The level left out.")]
    earlier: Annotated[ChangeEntry | None, Field(description="Drawn 15 min earlier; null where that is impossible.")]
    later: Annotated[ChangeEntry | None, Field(description="Drawn 15 min later.")]
    post_dose: PostDoseEntry | None


class EffectDiagnosis(Part):
    """What stands behind one effect."""

    name: str
    standardised: Annotated[Figure, Field(description="Effect over the population's SD.")]
    narrowing: Annotated[Figure, Field(description="1 - posterior SD / prior SD.")]


class DiagnosticsEntry(Part):
    """What stands behind an estimate; what is worth a reader's time is among `warnings` already."""

    window_h: Annotated[
        tuple[Finite, Finite] | None, Field(description="Dosing interval of `auc` and `trough`; null without doses.")
    ]
    levels: tuple[LevelDiagnosis, ...]
    effects: tuple[EffectDiagnosis, ...]
    assay: Annotated[
        tuple[ChangeEntry, ChangeEntry] | None, Field(description="All levels 10 % lower, and 10 % higher.")
    ]


class FitEntry(Part):
    """One patient's estimate."""

    id: str
    card: Annotated[str, Field(description="Id of the model card.")]
    card_sha256: Annotated[str, Field(description="Digest of the card's file.")]
    method: str
    status: Literal["converged", "flat", "multi-modal", "bound", "failed"]
    statement: Annotated[str, Field(description="The status as a sentence.")]
    objective: Annotated[Figure, Field(description="Twice the minus log posterior, constants left out.")]
    eta: Annotated[Figures, Field(description="Random effect on each varying parameter.")]
    parameters: Annotated[Figures, Field(description="Individual parameters at the latest covariates.")]
    typical: Annotated[Figures, Field(description="The same of the typical patient with these covariates.")]
    exposure: Annotated[
        Figures, Field(description="At steady state of `regimen`; empty where there is no regimen or the fit failed.")
    ]
    intervals: Intervals
    units: Units
    levels: tuple[LevelPoint, ...]
    regimen: Annotated[RegimenEntry | None, Field(description="The one the patient is on; null where doses show none.")]
    advice: Annotated[AdviceEntry | None, Field(description="For a single patient whose card has target and dosing.")]
    compared: Annotated[
        tuple[ComparedEntry, ...], Field(description="Several methods or models side by side; empty for one.")
    ] = ()
    diagnostics: Annotated[
        DiagnosticsEntry | None, Field(description="Residuals, percentiles, influence; null where none were asked for.")
    ] = None
    average: Annotated[
        AverageEntry | None,
        Field(
            description="Of an average over models or groups, whose `exposure` and `advice` are given; otherwise null."
        ),
    ] = None
    sampling: Annotated[
        SamplingEntry | None, Field(description="Of a method that samples (sir, nuts); null for others.")
    ] = None
    warnings: tuple[NoticeEntry, ...]


class RefusedEntry(Part):
    """A patient for whom nothing was estimated."""

    id: str
    error: Annotated[str, Field(description="Why, and what to do.")]
    line: Annotated[int | None, Field(description="Line of the table; null where the reason is no single line.")]


class ShrinkageEntry(Part):
    """How far a ward's estimates lie closer together than the card lets expect: 1 - SD / population SD."""

    effects: Figures
    residuals: Annotated[Figure, Field(description="1 - SD of the individual weighted residuals.")]


class EstimateDocument(Part):
    """Estimates in the order of the input, those refused, and how the input was understood."""

    format: Literal["estimate/1"] = "estimate/1"
    program: Annotated[str, Field(description="Name and version of the program.")]
    fits: tuple[FitEntry, ...]
    refused: Annotated[
        tuple[RefusedEntry, ...],
        Field(description="First those who could not be read, then those outside of the card."),
    ]
    notes: tuple[str, ...]
    shrinkage: Annotated[ShrinkageEntry | None, Field(description="Of several patients; null for one.")] = None
