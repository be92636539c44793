"""The estradiol chain, its patch data, and priors of its parameters, for the tests of generative models (days, pg/mL)."""

from __future__ import annotations

import numpy as np

import reference_data
from individose.app.actions.series import Series, observations
from individose.events import Dose
from individose.inference.generative import Symmetry, Weighted, gamma, inverse_gamma
from individose.kinetics import compose

CHAIN = compose("one_compartment", ("chain",), ("k", "V", "k1", "k2"), stages=2)
NAMES = ("d", "k1", "k2", "k3")
SYMMETRY = Symmetry("d", ("k1", "k2", "k3"))
WORN_D = 3.5


def page(p):
    """The page's names: the engine's hours are days here, and V = 1 / d, so that levels are pg/mL."""
    return {"k1": p["k1"], "k2": p["k2"], "k": p["k3"], "V": 1.0 / p["d"]}


def patches():
    """The twelve series; what the table says of one of them is not read."""
    table: dict[tuple, list] = {}
    for row in reference_data.rows("estradiol/patch_data.csv"):
        product = row["ester"].partition("(")[2].rstrip(")")
        key = (row["series"], row["study"].partition(" (")[0], product, float(row["dose_mcg_per_day"]), row["n"])
        table.setdefault(key, []).append((float(row["day"]), float(row["e2_pg_ml"])))
    return [
        Series(
            f"{study}, {product} {mcg:g}, n={n}",
            study,
            (Dose(0.0, mcg, removed_after_h=WORN_D),),
            *(tuple(column) for column in zip(*levels, strict=True)),
        )
        for (_, study, product, mcg, n), levels in table.items()
    ]


def seen(series, system=CHAIN, **words):
    return observations(system, series, parameters=NAMES, unit="pg/mL", named=page, **words)


PATCH = {
    "d": gamma(2.0, scale=10.0, unit="pg/mL per ug/d", why="an amount in the patch, of unknown unit"),
    "k1": gamma(1.0, scale=0.2, unit="1/d", why="a patch empties over days"),
    "k2": gamma(2.0, scale=4.0, unit="1/d", why="the skin is crossed within hours"),
    "k3": gamma(2.0, scale=2.0, unit="1/d", why="estradiol is eliminated within hours"),
}
PATCH_MODEL = Weighted(
    PATCH,
    baseline=gamma(2.0, scale=4.0, unit="pg/mL", why="women after the menopause"),
    sigma=inverse_gamma(2.0, 20.0, unit="pg/mL", why="the page's"),
    order=("k1", "k3", "k2"),
    symmetry=Symmetry("d", ("k1", "k2", "k3"), removed=True),
)


def card_samples(model="patch tw"):
    """The published posterior: (samples, 4) of d, k1, k2, k3."""
    rows = [r for r in reference_data.rows("estradiol/parameters.csv") if r["model"] == model and r["set"] == "mcmc"]
    return np.array([[float(r[c]) for c in ("d", "k1_per_day", "k2_per_day", "k3_per_day")] for r in rows])
