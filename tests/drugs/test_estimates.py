"""Cards whose numbers are a fit of the project's own: they are at the top of a likelihood written without the package."""

from __future__ import annotations

import math

import numpy as np
import pytest

from drugs.foce import objective
from individose.drugs import card
from reference_data import rows


def table(groups, columns):
    """Columns as (patients, records), short patients filled up with their last row."""
    longest = max(len(g) for g in groups)
    filled = [[*g, *[g[-1]] * (longest - len(g))] for g in groups]
    seen = [[i < len(g) for i in range(longest)] for g in groups]
    return {c: np.array([[row[c] for row in g] for g in filled], dtype=float) for c in columns}, np.array(seen)


def grouped(records):
    found = {}
    for row in records:
        found.setdefault(row["ID"], []).append(row)
    return list(found.values())


def warfarin_data():
    groups = []
    for own in grouped(rows("datasets/warfarin_pkpd.csv")):
        dose = next(float(r["AMT"]) for r in own if r["EVID"] == "1")
        levels = [r for r in own if r["EVID"] == "0" and r["DVID"] == "1" and r["DV"] != "."]
        groups.append([{"t": r["TIME"], "y": r["DV"], "wt": r["WT"], "dose": dose} for r in levels])
    return table(groups, ("t", "y", "wt", "dose"))


def warfarin(data, seen, theta):
    def predict(etas):
        ka, lag, cl, v = (theta[n] * np.exp(etas[:, i : i + 1]) for i, n in enumerate(("ka", "lag", "CL", "V")))
        size = data["wt"] / 70.0
        k, volume = cl * size**0.75 / (v * size), v * size
        t = np.maximum(data["t"] - lag, 0.0)
        return data["dose"] / volume * ka / (ka - k) * (np.exp(-k * t) - np.exp(-ka * t))

    spread = [theta["sd_" + n] ** 2 for n in ("ka", "lag", "CL", "V")]
    return objective(predict, data["y"], seen, spread, theta["additive"], theta["proportional"])


def quinidine_data():
    columns = {
        "t": "TIME", "dose": "AMT", "ss": "SS", "ii": "II", "y": "DV", "wt": "WT", "aag": "GLYCO", "evid": "EVID",
    }  # fmt: skip
    groups = []
    for own in grouped(rows("datasets/quinidine.csv")):
        group = [{new: 0.0 if r[old] == "." else float(r[old]) for new, old in columns.items()} for r in own]
        for one, r in zip(group, own, strict=True):
            one |= {
                "crcl": r["CRCL"] == ">= 50",
                "failure": r["HEART"] == "Severe",
                "alcohol": r["ETHANOL"] == "current",
            }
        groups.append(group)
    data, there = table(groups, (*columns, "crcl", "failure", "alcohol"))
    data["dt"] = np.diff(data["t"], axis=1, prepend=data["t"][:, :1])
    return data, there & (data["evid"] == 0)


def quinidine(data, seen, theta):
    linear = theta["log_cl"] + theta["aag_on_cl"] * data["aag"] + theta["weight_on_cl"] * data["wt"]
    linear = linear + sum(theta[f"{n}_on_cl"] * data[n] for n in ("crcl", "failure", "alcohol"))
    ka, steady, every = math.exp(theta["log_ka"]), data["ss"] > 0, np.where(data["ss"] > 0, data["ii"], 1.0)

    def predict(etas):
        cl, v = np.exp(linear + etas[:, :1]), np.exp(theta["log_v"] + etas[:, 1])
        gut, central, found = np.zeros(len(v)), np.zeros(len(v)), []
        for r in range(data["t"].shape[1]):
            k, dt, dose = cl[:, r] / v, data["dt"][:, r], data["dose"][:, r] * (data["evid"][:, r] == 1)
            central = central * np.exp(-k * dt) + gut * ka / (ka - k) * (np.exp(-k * dt) - np.exp(-ka * dt))
            gut = gut * np.exp(-ka * dt)
            geometric = [1.0 / -np.expm1(-rate * every[:, r]) for rate in (k, ka)]
            central = np.where(steady[:, r], dose * ka / (ka - k) * (geometric[0] - geometric[1]), central)
            gut = np.where(steady[:, r], dose * geometric[1], gut + dose)
            found.append(central / v)
        return np.stack(found, axis=1)

    spread = [theta["sd_CL"] ** 2, theta["sd_V"] ** 2]
    return objective(predict, data["y"], seen, spread, 0.0, theta["proportional"])


def stated(card_id):
    """All estimates of a card by name: constants, spreads, residual error."""
    found = card(card_id)
    theta = {name: one.value for name, one in found.constants.items()}
    theta |= {f"sd_{e.parameter}": math.sqrt(e.omega2) for e in found.effects}
    return theta | {"additive": found.residual.additive_mg_L, "proportional": found.residual.proportional}


@pytest.mark.reference
@pytest.mark.parametrize(
    ("card_id", "data", "likelihood", "held", "printed_objective"),
    [
        ("warfarin/oreilly1968", warfarin_data, warfarin, (), 684.787),
        ("quinidine/verme1992", quinidine_data, quinidine, ("log_ka", "additive"), 782.951),
    ],
)
def test_the_estimates_are_at_the_top_of_the_likelihood(card_id, data, likelihood, held, printed_objective):
    theta = stated(card_id)
    theta |= {n: theta["tv_" + n.lower()] for n in ("ka", "lag", "CL", "V") if "tv_" + n.lower() in theta}
    free = [n for n in theta if n not in held and not n.startswith("tv_")]
    table, seen = data()
    top = likelihood(table, seen, theta)
    assert f"{top:.3f}" == f"{printed_objective:.3f}"
    for name in free:
        for factor in (0.9, 1.1):
            assert likelihood(table, seen, theta | {name: theta[name] * factor}) > top, (name, factor)
