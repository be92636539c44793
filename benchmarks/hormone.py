"""Estradiol curves: ten doses at 500 points, and the band of 313 of them, beside plain numpy within the same run.

The reference program (estrannaise.js 0.4.0 under node 20, on another machine) needs 0.56 ms for the curve and 317 ms for the
band, whose every point draws a new sample for each dose; numpy, by the partial fractions of the seed, is the yardstick here.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from individose.app.actions.hormone import prior, product_card
from individose.events import Course, Plan
from individose.inference.fit import predict, predict_draws
from individose.prediction import at

DOSES, POINTS, CURVES = 10, 500, 313


def measure() -> dict[str, float]:
    plan = Plan((Course("EV", 5.0, interval_h=168.0, count=DOSES),), 168.0 * DOSES)
    fit = prior(plan, {"EV": product_card("EV")})
    times = np.linspace(0.0, plan.horizon_h, POINTS)
    data = jax.tree.map(jnp.asarray, at(fit.problem.context, times.tolist()))
    likelihood = fit.problem.likelihood
    eta, etas = jnp.asarray(fit.eta), jnp.asarray(fit.sample(CURVES))
    first, one = _timed(lambda: predict(likelihood, eta, data), 200)
    band_first, band = _timed(lambda: predict_draws(likelihood, etas, data), 30)
    values = {n: np.asarray(x)[:, -1] for n, x in jax.vmap(lambda e: likelihood.individual(e, data))(etas).items()}
    k1, k2, k, volume = (values[f"{name}@EV"] for name in ("k1", "k2", "k", "V"))
    plain = _timed(lambda: _numpy(k1, k2, k, volume, times), 5)[1]
    return {
        "curve, 10 doses x 500 points, first call (compiles), s": first,
        "curve, 10 doses x 500 points, later calls, ms (aim: under 0.1)": 1e3 * one,
        "313 curves x 500 points, first call (compiles), s": band_first,
        "313 curves x 500 points, later calls, ms (aim: under 10)": 1e3 * band,
        "313 curves x 500 points by numpy and partial fractions, ms": 1e3 * plain,
        "numpy over ours": plain / band,
    }


def _numpy(k1: Any, k2: Any, k: Any, volume: Any, times: np.ndarray) -> np.ndarray:
    """The seed's formula for every dose, summed; wrong where rates are equal."""
    total = np.zeros((len(k1), len(times)))
    a, b, c = k1[:, None], k2[:, None], k[:, None]
    for dose in range(DOSES):
        t = np.maximum(times - 168.0 * dose, 0.0)
        total += (
            5.0
            * a
            * b
            / volume[:, None]
            * (
                np.exp(-a * t) / ((a - b) * (a - c))
                - np.exp(-b * t) / ((a - b) * (b - c))
                + np.exp(-c * t) / ((a - c) * (b - c))
            )
        )
    return total


def _timed(run: Callable[[], Any], times: int) -> tuple[float, float]:
    seconds = []
    for _ in range(times + 1):
        start = time.perf_counter()
        jax.block_until_ready(run())
        seconds.append(time.perf_counter() - start)
    return seconds[0], float(np.median(seconds[1:]))
