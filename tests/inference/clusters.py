"""Maps with a known answer as likelihoods, for the tests of clusters: the toy problems of the Cluster Newton literature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from individose.inference import Problem


class Toy(NamedTuple):
    """What estimators read of a problem's data."""

    observed: Any
    measured: Any
    precision: Any


@dataclass(frozen=True)
class Map:
    """Levels f(eta) with a residual SD of its own."""

    f: Callable[[Any], Any]
    sd: float = 0.1

    together = True
    cornered = False
    backward = None
    by_subject = 2

    @property
    def rough(self):
        return self

    def predict(self, eta, data):
        return self.f(eta)

    def individual(self, eta, data):
        return {f"x{i}": jnp.exp(eta[i])[None] for i in range(len(eta))}

    def standardised(self, f, data):
        return jnp.where(data.measured > 0, (data.observed - f) / self.sd, 0.0)

    def terms(self, f, data):
        return 0.5 * self.standardised(f, data) ** 2


def square(x):
    """Example 1 of Aoki et al. (2014): one observation of two parameters, solved on a circle; eta counts from (2.5, 2.5), the
    middle of the paper's first cloud."""
    x = x + 2.5
    return (x[0] ** 2 + x[1] ** 2 + jnp.sin(10000.0 * x[0]) * jnp.sin(10000.0 * x[1]) / 100.0)[None]


def linear(x):
    return jnp.stack([x[0] + 2.0 * x[1], x[1] - x[2]])


def curved(x):
    return jnp.exp(0.3 * x[0] + 0.2 * x[1])[None] + 0.1 * x[0] ** 2


def broken(x):
    """No number for half of the plane."""
    return jnp.where(x[0] > 0.0, jnp.nan, x[0] + x[1])[None]


def nowhere(x):
    return jnp.full(1, jnp.nan) * x[0]


def bounded(x):
    """Never above 1."""
    return (jnp.exp(x[0]) / (1.0 + jnp.exp(x[0])) + 0.0 * x[1])[None]


def constant(x):
    return 0.0 * x[:1]


def problem(f, levels, n=2, sd=0.1, omega=1.0, name="a"):
    levels = np.atleast_1d(np.asarray(levels, dtype=float))
    data = Toy(levels, np.ones(len(levels), dtype=np.int32), np.eye(n) / omega)
    effects = tuple(f"x{i}" for i in range(n))
    said = tuple(f"{y:g} mg/L" for y in levels)
    return Problem(name, "toy", Map(f, sd), data, effects, data, lambda *_: data, said)
