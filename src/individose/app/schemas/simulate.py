"""The JSON that `simulate` gives: quantiles of the levels of virtual patients over time."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from individose import __version__
from individose.app.actions.simulate import Simulation
from individose.app.schemas.estimate import Finite, NoticeEntry, Part


class SimulateDocument(Part):
    """Result of `individose simulate --json`. Simulated patients, never real ones."""

    format: Literal["simulate/1"] = "simulate/1"
    program: str
    card: str
    simulated: Annotated[bool, Field(description="Always true: these are not measurements.")] = True
    patients: int
    seed: int
    residual_error: bool
    time_h: tuple[Finite, ...]
    quantiles: Annotated[dict[str, tuple[Finite, ...]], Field(description="Level (mg/L) by time, by probability.")]
    parameters: Annotated[
        dict[str, dict[str, Finite]], Field(description="Quantiles of the individual parameters, by probability.")
    ]
    warnings: tuple[NoticeEntry, ...]


def simulate_document(found: Simulation) -> SimulateDocument:
    """A simulation as its document."""
    return SimulateDocument(
        program=f"individose {__version__}",
        card=found.card,
        patients=len(found.levels),
        seed=found.seed,
        residual_error=found.residual_error,
        time_h=tuple(float(t) for t in found.time_h),
        quantiles={f"{q:g}": tuple(float(x) for x in band) for q, band in found.quantiles.items()},
        parameters={
            name: {f"{q:g}": float(np.quantile(values, q)) for q in found.quantiles}
            for name, values in found.parameters.items()
        },
        warnings=tuple(NoticeEntry(code=n.code, grade=n.grade, sentence=n.sentence) for n in found.notices),
    )
