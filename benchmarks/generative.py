"""Twelve patch series, 161 levels, model (b), 4 chains of 1,000 draws by NUTS: in closed form, and by differential equations.

The levels are the published ones where they lie beside the checkout, or else drawn from the model at the same times. The
road of differential equations is timed over fewer draws and compared by effective draws a second.
"""

from __future__ import annotations

import csv
import os
import time
from pathlib import Path
from typing import Any

os.environ["INDIVIDOSE_CACHE"] = ""

import numpy as np

from individose.app.actions.series import Series, observations
from individose.events import Dose
from individose.inference.generative import Chains, Symmetry, Weighted, gamma, inverse_gamma, sample, weights
from individose.kinetics import System, compose
from individose.kinetics.linear.composition import Chain
from individose.kinetics.ode import Settings, as_system
from individose.kinetics.ode.register import composed
from individose.kinetics.system import Entry

TABLE = Path(__file__).resolve().parents[2] / "shared" / "reference" / "estradiol" / "patch_data.csv"
NAMES = ("d", "k1", "k2", "k3")
WORN_D = 3.5
ODE_DRAWS = 25
"""Draws (and as many of warm-up) of each chain by differential equations."""
SHORT = Chains(warm_up=ODE_DRAWS, draws=ODE_DRAWS, doublings=5)
MODEL = Weighted(
    {
        "d": gamma(2.0, scale=10.0, unit="pg/mL per ug/d"),
        "k1": gamma(1.0, scale=0.2, unit="1/d"),
        "k2": gamma(2.0, scale=4.0, unit="1/d"),
        "k3": gamma(2.0, scale=2.0, unit="1/d"),
    },
    baseline=gamma(2.0, scale=4.0, unit="pg/mL"),
    sigma=inverse_gamma(2.0, 20.0, unit="pg/mL"),
    order=("k1", "k3", "k2"),
    symmetry=Symmetry("d", ("k1", "k2", "k3"), removed=True),
)


def measure() -> dict[str, float]:
    closed = compose("one_compartment", ("chain",), ("k", "V", "k1", "k2"), stages=2)
    stages = (Chain(("stage1", "stage2"), ("k1", "k2")),)
    ode = as_system(
        composed("one_compartment", stages, (Entry(0),), ("k", "V", "k1", "k2")), Settings(rtol=1e-6, atol=1e-8)
    )
    rows: dict[str, float] = {}
    for name, system, how in (
        ("closed form", closed, Chains()),
        ("closed form, as short as the other road", closed, SHORT),
        ("differential equations", ode, SHORT),
    ):
        start, worked = time.perf_counter(), time.process_time()
        found = sample(MODEL, _seen(system), how)
        whole, worked = time.perf_counter() - start, time.process_time() - worked
        steps = int(found.steps.max(axis=0).sum())
        rows |= {
            f"{name}: 4 x {how.draws} draws with compilation, s": whole,
            f"{name}: of that on the processor, all cores together, s": worked,
            f"{name}: steps of the longest chain, kept draws": float(steps),
            f"{name}: fewest effective draws": found.least_effective,
            f"{name}: effective draws a second, compilation and warm-up included": found.effective_per_second,
        }
        if how.draws > ODE_DRAWS:
            odd = max(weights(found), key=lambda one: one.strange)
            rows |= {
                f"{name}: worst R-hat": found.worst_rhat,
                f"{name}: divergences": float(found.divergences),
                f"{name}: weight of the strangest series": odd.weight,
                f"{name}: probability that it is strange": odd.strange,
            }
    short, long = (
        rows[f"{n}: 4 x {ODE_DRAWS} draws with compilation, s"]
        for n in ("closed form, as short as the other road", "differential equations")
    )
    return rows | {"differential equations over closed form, same draws, time": long / short}


def _seen(system: System) -> Any:
    series = [
        Series(name, study, (Dose(0.0, mcg, removed_after_h=WORN_D),), times, levels)
        for name, study, mcg, times, levels in (published_series() if TABLE.exists() else _drawn())
    ]
    return observations(
        system, series, parameters=NAMES, unit="pg/mL",
        named=page,
    )  # fmt: skip


def page(p: Any) -> Any:
    return {"k1": p["k1"], "k2": p["k2"], "k": p["k3"], "V": 1.0 / p["d"]}


def published_series() -> list[tuple]:
    table: dict[tuple, list] = {}
    with TABLE.open(newline="") as file:
        for row in csv.DictReader(file):
            key = (row["series"], row["study"], float(row["dose_mcg_per_day"]))
            table.setdefault(key, []).append((float(row["day"]), float(row["e2_pg_ml"])))
    return [
        (number, study, mcg, *(tuple(column) for column in zip(*levels, strict=True)))
        for (number, study, mcg), levels in table.items()
    ]


def _drawn() -> list[tuple]:
    generator = np.random.default_rng(1)
    times = (0.17, 0.33, 0.5, 0.67, 0.92, 1.42, 1.92, 2.5, 3.0, 3.5, 3.67, 3.83, 4.0)
    t = np.array(times)

    def single(t: np.ndarray) -> np.ndarray:
        d, k1, k2, k3 = 13.5, 0.33, 11.0, 3.9
        return (d * k1 * k2) * (
            np.exp(-k1 * t) / ((k1 - k2) * (k1 - k3))
            - np.exp(-k2 * t) / ((k1 - k2) * (k2 - k3))
            + np.exp(-k3 * t) / ((k1 - k3) * (k2 - k3))
        )

    unit = single(t) - np.where(t > WORN_D, np.exp(-0.33 * WORN_D) * single(np.maximum(t - WORN_D, 0.0)), 0.0)
    found = []
    for i, mcg in enumerate((100, 25, 37.5, 50, 100, 50, 50, 50, 50, 100, 25, 50)):
        weight = 2.1 if i == 7 else float(np.exp(0.05 * generator.normal()))
        levels = 4.0 + weight * mcg * unit + 5.0 * generator.normal(size=len(t))
        found.append((str(i + 1), f"study {i // 4}", float(mcg), times, tuple(levels)))
    return found
