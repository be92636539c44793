"""Makes newborn.json: what `individose estimate examples/newborn.json --json` must print, worked out independently.

    python tests/app/golden/newborn.py

50-digit arithmetic on the formulas of the publication alone: boluses in one compartment added up, the minus log
posterior minimised by Newton's method with numerical derivatives, the covariance as the inverse of its Hessian. No
module of individose is imported. The mode is NONMEM 7.4's to its printed digits (-0.166321, -0.131833). Intervals of
exposure are the limits that more and more draws tend to: exact for the average and the areas, from 4 million draws for
the trough.
"""

import json
from functools import partial
from pathlib import Path

import mpmath as mp
import numpy as np

mp.mp.dps = 50

CARD = "phenobarbital/grasela1985"
WEIGHT = mp.mpf("1.5")
DOSES = [("0", "15"), ("4", "3.8"), ("16", "3.8"), ("27.8", "3.8"), *((str(40 + 12 * i), "3.8") for i in range(8))]
LEVELS = [("2", "9.7"), ("63.5", "24.6"), ("135.5", "33.0")]
TYPICAL = {"CL": mp.mpf("0.00469555") * WEIGHT, "V": mp.mpf("0.984258") * WEIGHT}  # Apgar 9: not below 5
OMEGA2 = [mp.mpf("0.0293508"), mp.mpf("0.027906")]
SIGMA2 = mp.mpf("0.013241")
AMOUNT, EVERY = mp.mpf("3.8"), 12
NORMAL_95 = mp.sqrt(2) * mp.erfinv(mp.mpf("0.9"))


def level(t, cl, v):
    boluses = [(mp.mpf(at), mp.mpf(amount)) for at, amount in DOSES]
    return sum(amount / v * mp.exp(-cl / v * (t - at)) for at, amount in boluses if at <= t)


def individual(eta):
    return TYPICAL["CL"] * mp.exp(eta[0]), TYPICAL["V"] * mp.exp(eta[1])


def loss(*eta, seen=LEVELS):
    total = sum(e**2 / (2 * w) for e, w in zip(eta, OMEGA2, strict=True))
    for t, y in seen:
        f = level(mp.mpf(t), *individual(eta))
        total += (mp.mpf(y) - f) ** 2 / (2 * SIGMA2 * f**2) + mp.log(SIGMA2 * f**2) / 2
    return total


def hessian(eta, seen=LEVELS):
    orders = [[(2, 0), (1, 1)], [(1, 1), (0, 2)]]
    return mp.matrix([[mp.diff(partial(loss, seen=seen), tuple(eta), order) for order in row] for row in orders])


def mode(seen=LEVELS):
    eta = mp.matrix([0, 0])
    for _ in range(30):
        gradient = mp.matrix([mp.diff(partial(loss, seen=seen), tuple(eta), order) for order in ((1, 0), (0, 1))])
        eta -= mp.lu_solve(hessian(eta, seen), gradient)
    return eta


def forecasts():
    """Every level predicted from covariates alone, and from the levels before it."""
    found = []
    for number, (t, y) in enumerate(LEVELS, start=1):
        prior = level(mp.mpf(t), *TYPICAL.values())
        posterior = level(mp.mpf(t), *individual(mode(LEVELS[: number - 1])))
        found.append(
            {
                "id": "newborn 2",
                "number": number,
                "time_h": mp.mpf(t),
                "observed": mp.mpf(y),
                "prior": prior,
                "posterior": posterior,
            }
        )
    return found


WINDOW = (mp.mpf(124), mp.mpf(136))
"""Dosing interval after the last dose."""


def area(start, end, cl, v):
    """Area under the curve between two times: what each dose adds, in closed form."""
    boluses = [(mp.mpf(at), mp.mpf(amount)) for at, amount in DOSES]

    def until(t):
        return sum(amount / cl * (1 - mp.exp(-cl / v * (t - at))) for at, amount in boluses if at <= t)

    return until(end) - until(start)


def change(seen, eta, sd):
    """What another record does to the mode: effects in posterior SDs, area and trough of the window relatively."""
    other = mode(seen)
    before, after = individual(eta), individual(other)
    return {
        "effects": {name: (other[i] - eta[i]) / sd[i] for i, name in enumerate(("CL", "V"))},
        "auc": area(*WINDOW, *after) / area(*WINDOW, *before) - 1,
        "trough": level(WINDOW[1], *after) / level(WINDOW[1], *before) - 1,
        "ok": True,
    }


def percentile(t, y, points=400, width=8):
    """Share of levels below y at t over effects of the population and residual error: a grid over both effects."""
    axis = np.linspace(-width, width, points + 1)
    weights = np.exp(-(axis**2) / 2)
    weights /= weights.sum()
    eta = [float(mp.sqrt(w)) * axis for w in OMEGA2]
    cl = float(TYPICAL["CL"]) * np.exp(eta[0])[:, None]
    v = float(TYPICAL["V"]) * np.exp(eta[1])[None, :]
    f = sum(float(a) / v * np.exp(-cl / v * (t - float(at))) for at, a in DOSES if float(at) <= t)
    z = (y - f) / (float(mp.sqrt(SIGMA2)) * f)
    below = 0.5 * (1 + np.vectorize(lambda x: float(mp.erf(x / mp.sqrt(2))), otypes=[float])(z))
    return float(weights @ below @ weights)


def diagnostics():
    """Each level left out, drawn 15 min earlier and later; all 10 % lower and higher; how far the effects lie out."""
    eta = mode()
    covariance = hessian(eta) ** -1
    sd = [mp.sqrt(covariance[i, i]) for i in range(2)]
    quarter = mp.mpf("0.25")
    found = []
    for i, (t, y) in enumerate(LEVELS):
        f = level(mp.mpf(t), *individual(eta))
        moved = [[*LEVELS[:i], (str(mp.mpf(t) + shift), y), *LEVELS[i + 1 :]] for shift in (-quarter, quarter)]
        found.append(
            {
                "individual": (mp.mpf(y) - f) / (mp.sqrt(SIGMA2) * f),
                "percentile": percentile(float(t), float(y), points=80),
                "without": change([*LEVELS[:i], *LEVELS[i + 1 :]], eta, sd),
                "earlier": change(moved[0], eta, sd),
                "later": change(moved[1], eta, sd),
            }
        )
    scaled = [[(t, str(mp.mpf(y) * factor)) for t, y in LEVELS] for factor in (mp.mpf("0.9"), mp.mpf("1.1"))]
    effects = [
        {"name": name, "standardised": eta[i] / mp.sqrt(OMEGA2[i]), "narrowing": 1 - sd[i] / mp.sqrt(OMEGA2[i])}
        for i, name in enumerate(("CL", "V"))
    ]
    return {
        "window_h": list(WINDOW),
        "levels": found,
        "effects": effects,
        "assay": [change(seen, eta, sd) for seen in scaled],
    }


def exposure(cl, v, exp=mp.exp):
    left = exp(-cl / v * EVERY)
    area = AMOUNT / cl if exp is mp.exp else float(AMOUNT) / cl
    amount = AMOUNT if exp is mp.exp else float(AMOUNT)
    return {
        "trough": amount / v * left / (1 - left),
        "average": area / EVERY,
        "auc": area,
        "auc24": area * 24 / EVERY,
    }


def document():
    eta = mode()
    covariance = hessian(eta) ** -1
    cl, v = individual(eta)
    sd = [mp.sqrt(covariance[i, i]) for i in range(2)]
    drawn = np.random.default_rng(1).multivariate_normal(
        [float(e) for e in eta], np.array(covariance.tolist(), dtype=float), size=4_000_000
    )
    draws = exposure(*(float(TYPICAL[n]) * np.exp(drawn[:, i]) for i, n in enumerate(("CL", "V"))), exp=np.exp)
    found = exposure(cl, v)
    ends = {
        name: [value * mp.exp(-NORMAL_95 * sd[0]), value * mp.exp(NORMAL_95 * sd[0])] for name, value in found.items()
    }
    ends["trough"] = np.quantile(draws["trough"], [0.05, 0.95])
    fit = {
        "id": "newborn 2",
        "card": CARD,
        "card_sha256": "",
        "method": "map",
        "status": "converged",
        "statement": "",
        "objective": 2 * loss(*eta),
        "eta": {"CL": eta[0], "V": eta[1]},
        "parameters": {"CL": cl, "V": v},
        "typical": TYPICAL,
        "exposure": found,
        "intervals": {
            "level": 0.9,
            "parameters": {
                name: [value * mp.exp(-NORMAL_95 * s), value * mp.exp(NORMAL_95 * s)]
                for name, value, s in (("CL", cl, sd[0]), ("V", v, sd[1]))
            },
            "exposure": ends,
        },
        "units": {
            "parameters": {"CL": "L/h", "V": "L"},
            "exposure": {"trough": "mg/L", "average": "mg/L", "auc": "mg.h/L", "auc24": "mg.h/L"},
            "time": "h",
            "levels": "mg/L",
            "amount": "mg",
        },
        "levels": [
            {
                "time_h": t,
                "observed": y,
                "pred": level(mp.mpf(t), *TYPICAL.values()),
                "ipred": level(mp.mpf(t), cl, v),
                "censoring": "none",
            }
            for t, y in ((mp.mpf(t), mp.mpf(y)) for t, y in LEVELS)
        ],
        "regimen": {"amount_mg": AMOUNT, "interval_h": EVERY, "duration_h": 0},
        "advice": None,
        "compared": [],
        "average": None,
        "sampling": None,
        "warnings": [],
    }
    document = {"format": "estimate/1", "program": "", "fits": [fit], "refused": [], "notes": [], "shrinkage": None}
    return {
        "covariance": covariance.tolist(),
        "document": document,
        "forecasts": forecasts(),
        "diagnostics": diagnostics(),
    }


def plain(value):
    match value:
        case dict():
            return {name: plain(one) for name, one in value.items()}
        case list() | tuple() | np.ndarray():
            return [plain(one) for one in value]
        case mp.mpf() | np.floating():
            return float(value)
        case _:
            return value


if __name__ == "__main__":
    text = json.dumps(plain(document()), indent=2)
    Path(__file__).with_suffix(".json").write_text(text + "\n", encoding="utf-8")
