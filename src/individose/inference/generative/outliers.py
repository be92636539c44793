"""Which series are not what they say, by the model itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from individose.inference.generative.posterior import Posterior
from individose.inference.generative.weighted import Weighted


@dataclass(frozen=True)
class SeriesWeight:
    """One series: its weight (median, 5 % and 95 %), and the probability that it is a strange one."""

    name: str
    weight: float
    low: float
    high: float
    strange: float


def weights(posterior: Posterior) -> tuple[SeriesWeight, ...]:
    """Every series of a posterior of model (b), in its order."""
    model = posterior.model
    assert isinstance(model, Weighted), "weights belong to the model with random weights"
    drawn = posterior.flat("weight")
    low, middle, high = np.quantile(drawn, [0.05, 0.5, 0.95], axis=0)
    chance = model.astray_given(posterior.flat("log_weight"), posterior.flat("spread"), posterior.flat("strange"))
    strange = np.asarray(chance).mean(axis=0)
    return tuple(
        SeriesWeight(name, float(m), float(a), float(b), float(s))
        for name, m, a, b, s in zip(posterior.seen.series_names, middle, low, high, strange, strict=True)
    )
