"""The JSON that `evaluate` gives: how well each level would have been predicted, by group, and every forecast."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from individose import __version__
from individose.app.actions.evaluate import Evaluation, Score
from individose.app.schemas.estimate import Figure, Finite, Part, RefusedEntry
from individose.app.schemas.estimate_results import Refusal


class Interval(Part):
    """A figure as a fraction, and the ends of its bootstrap interval."""

    value: Finite
    low: Annotated[Figure, Field(description="Null where there are too few patients to resample.")]
    high: Annotated[Figure, Field(description="Null where there are too few patients to resample.")]


class ScoreEntry(Part):
    """Errors of one kind of prediction over a group of levels."""

    group: Annotated[str, Field(description="Which levels: all, those after the first, or by number in the patient.")]
    prediction: Literal["a priori", "a posteriori"]
    levels: int
    patients: int
    bias: Annotated[Interval, Field(description="Mean of (predicted - measured) / measured.")]
    imprecision: Annotated[Interval, Field(description="Root mean square of (predicted - measured) / measured.")]
    within_20: Annotated[Interval, Field(description="Share of predictions within 20 % of the level.")]
    within_30: Annotated[Interval, Field(description="Share of predictions within 30 % of the level.")]


class ForecastEntry(Part):
    """One level and what was predicted before it was known, mg/L."""

    id: str
    number: Annotated[int, Field(description="Of the patient's levels, from 1.")]
    time_h: Finite
    observed: Finite
    prior: Figure
    posterior: Annotated[Figure, Field(description="From the levels before this one only; null where that fit failed.")]


class EvaluateDocument(Part):
    """Result of `individose evaluate --json`."""

    format: Literal["evaluate/1"] = "evaluate/1"
    program: str
    card: str
    method: Annotated[str, Field(description="How the earlier levels were fitted.")]
    level: Annotated[Finite, Field(description="Probability that the bootstrap intervals hold.")]
    resamples: int
    scores: tuple[ScoreEntry, ...]
    forecasts: tuple[ForecastEntry, ...]
    left_out: tuple[str, ...]
    refused: tuple[RefusedEntry, ...]
    notes: tuple[str, ...]


def evaluate_document(
    found: Evaluation, refused: tuple[Refusal, ...] = (), notes: tuple[str, ...] = ()
) -> EvaluateDocument:
    """An evaluation as its document; `refused` are patients whom the table already refused."""
    everyone = (*refused, *found.refused)
    return EvaluateDocument(
        program=f"individose {__version__}",
        card=found.card,
        method=found.method,
        level=found.level,
        resamples=found.resamples,
        scores=tuple(_score(s) for s in found.scores),
        forecasts=tuple(
            ForecastEntry(
                id=f.id, number=f.number, time_h=f.time_h, observed=f.observed, prior=f.prior, posterior=f.posterior
            )
            for f in found.forecasts
        ),
        left_out=found.left_out,
        refused=tuple(RefusedEntry(id=r.id, error=str(r.error), line=getattr(r, "line", None)) for r in everyone),
        notes=notes,
    )


def _score(score: Score) -> ScoreEntry:
    def interval(triple: tuple[float, float | None, float | None]) -> Interval:
        return Interval(value=triple[0], low=triple[1], high=triple[2])

    return ScoreEntry(
        group=score.group,
        prediction="a priori" if score.prediction == "a priori" else "a posteriori",
        levels=score.levels,
        patients=score.patients,
        bias=interval(score.bias),
        imprecision=interval(score.imprecision),
        within_20=interval(score.within_20),
        within_30=interval(score.within_30),
    )
