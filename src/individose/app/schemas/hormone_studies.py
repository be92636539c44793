"""The JSON that `individose hormone studies` writes: priors, posterior, and what it is held against."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from individose import __version__
from individose.app.actions.hormone_studies import Studies
from individose.app.schemas.estimate import Figure, Finite, NoticeEntry, Part


class PriorResult(Part):
    """One prior: its family, its numbers by name, the unit of what it is of, and the whole as a sentence."""

    family: str
    numbers: dict[str, Finite]
    unit: str
    sentence: str


class QuantileResult(Part):
    """A parameter of the posterior: its 5, 50 and 95 % quantiles, R-hat, and how many independent draws it is worth."""

    low: Finite
    median: Finite
    high: Finite
    unit: str
    rhat: Figure
    effective: Figure


class WeightResult(Part):
    """A series: its weight, and the probability that it is a strange one."""

    series: str
    weight: Finite
    low: Finite
    high: Finite
    strange: Finite


class LeftOutResult(Part):
    """A study foretold by the others."""

    study: str
    levels: int
    log_density: Finite
    error: Annotated[Finite, Field(description="Monte Carlo standard error of the log density.")]
    pareto_k: Figure
    refitted: bool
    fit: Annotated[str, Field(description="How the posterior went that counts.")]
    worth: Finite


class HormoneStudiesDocument(Part):
    """Result of `individose hormone studies --json`. Research and education; no advice for a person."""

    format: Literal["hormone-studies/1"] = "hormone-studies/1"
    program: str
    product: str
    model: str
    status: str
    sentence: str
    divergences: int
    seconds: Finite
    priors: dict[str, PriorResult]
    posterior: dict[str, QuantileResult]
    weights: tuple[WeightResult, ...]
    covered_by_priors: Annotated[Finite, Field(description="Share of levels within their 90 % interval.")]
    covered_by_posterior: Finite
    left_out: tuple[LeftOutResult, ...]
    warnings: tuple[NoticeEntry, ...]


def studies_document(found: Studies) -> HormoneStudiesDocument:
    """What was found, as its document."""
    from individose.inference.generative.prior import NUMBERS

    posterior = found.posterior
    return HormoneStudiesDocument(
        program=f"individose {__version__}",
        product=found.product.name,
        model=found.model,
        status=posterior.status.code,
        sentence=posterior.status.sentence,
        divergences=posterior.divergences,
        seconds=posterior.seconds,
        priors={
            name: PriorResult(
                family=one.family,
                numbers=dict(zip(NUMBERS[one.family], one.numbers, strict=True)),
                unit=one.unit,
                sentence=one.sentence,
            )
            for name, one in found.priors.items()
        },
        posterior={name: _quantiles(found, name, values) for name, values in found.inferred.items()},
        weights=tuple(
            WeightResult(series=one.name, weight=one.weight, low=one.low, high=one.high, strange=one.strange)
            for one in found.weights
        ),
        covered_by_priors=found.before.coverage(0.9),
        covered_by_posterior=found.after.coverage(0.9),
        left_out=tuple(
            LeftOutResult(
                study=one.study,
                levels=one.levels,
                log_density=one.log_density,
                error=one.error,
                pareto_k=_figure(one.k),
                refitted=one.refitted,
                fit=one.fit,
                worth=one.worth,
            )
            for one in found.left_out
        ),
        warnings=tuple(NoticeEntry(code=n.code, grade=n.grade, sentence=n.sentence) for n in found.notices),
    )


def _quantiles(found: Studies, name: str, values: np.ndarray) -> QuantileResult:
    low, median, high = (float(x) for x in np.quantile(values, [0.05, 0.5, 0.95]))
    rhat, effective = (of.get(name, np.nan) for of in (found.posterior.rhat, found.posterior.effective))
    return QuantileResult(
        low=low,
        median=median,
        high=high,
        unit=found.priors[name].unit,
        rhat=_figure(rhat),
        effective=_figure(effective),
    )


def _figure(x: float) -> float | None:
    return float(x) if np.isfinite(x) else None
