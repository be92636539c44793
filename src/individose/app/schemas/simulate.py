"""The JSON that `simulate` gives: quantiles of the levels of virtual patients over time."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from individose import __version__
from individose.app.actions.simulate import Simulation
from individose.app.schemas.estimate import Finite, NoticeEntry, Part, RefusedEntry
from individose.app.schemas.estimate_results import Refusal

Bands = Annotated[dict[str, tuple[Finite, ...]], Field(description="Level (mg/L) by time, by probability.")]


class SubjectEntry(Part):
    """The virtual patients that were made after one patient of a table."""

    id: str
    patients: int
    quantiles: Bands


class SimulateDocument(Part):
    """Result of `individose simulate --json`. Simulated patients, never real ones."""

    format: Literal["simulate/1"] = "simulate/1"
    program: str
    card: str
    simulated: Annotated[bool, Field(description="Always true: these are not measurements.")] = True
    patients: Annotated[int, Field(description="How many virtual patients in all.")]
    unsolved: Annotated[int, Field(description="How many of them have no levels, and are in no quantile.")] = 0
    seed: int
    residual_error: bool
    uncertainty: Annotated[
        bool, Field(description="Whether each virtual patient has constants drawn from the card's standard errors.")
    ]
    analyte: Annotated[str | None, Field(description="What the levels are of; null for the first of the card.")] = None
    time_h: tuple[Finite, ...]
    quantiles: Bands
    parameters: Annotated[
        dict[str, dict[str, Finite]], Field(description="Quantiles of the individual parameters, by probability.")
    ]
    subjects: Annotated[tuple[SubjectEntry, ...], Field(description="By patient of the table; empty for a regimen.")]
    refused: tuple[RefusedEntry, ...]
    warnings: tuple[NoticeEntry, ...]


def _solved(levels: np.ndarray) -> np.ndarray:
    return levels[np.isfinite(levels).all(axis=1)]


def simulate_document(found: Simulation, refused: tuple[Refusal, ...] = ()) -> SimulateDocument:
    """A simulation as its document; `refused` are patients of the table who could not be simulated."""
    asked = list(found.quantiles)
    return SimulateDocument(
        program=f"individose {__version__}",
        card=found.card,
        patients=len(found.levels),
        unsolved=int((~found.solved).sum()),
        seed=found.seed,
        residual_error=found.residual_error,
        uncertainty=found.uncertainty,
        analyte=found.analyte,
        time_h=tuple(float(t) for t in found.time_h),
        quantiles={f"{q:g}": tuple(band.tolist()) for q, band in found.quantiles.items()},
        parameters={
            name: {f"{q:g}": float(np.quantile(values, q)) for q in asked} for name, values in found.parameters.items()
        },
        subjects=tuple(
            SubjectEntry(
                id=id,
                patients=len(levels),
                quantiles={f"{q:g}": tuple(np.quantile(_solved(levels), q, axis=0).tolist()) for q in asked},
            )
            for id, levels in found.of_subject().items()
        ),
        refused=tuple(RefusedEntry(id=r.id, error=str(r.error), line=getattr(r, "line", None)) for r in refused),
        warnings=tuple(NoticeEntry(code=n.code, grade=n.grade, sentence=n.sentence) for n in found.notices),
    )
