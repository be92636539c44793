"""Linear systems a second time, from their description alone: a matrix of rates, and its exponential in many digits.

Nothing here uses the library: what leaves what at which rate is written down as arrows, and solved without a formula.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import mpmath
import numpy as np
from scipy.integrate import solve_ivp

mp = mpmath.MPContext()
mp.dps = 50


@dataclass(frozen=True)
class Case:
    """The words of a composition, and parameters for it."""

    disposition: str
    inputs: tuple[str, ...]
    p: dict[str, float]
    stages: int = 0
    metabolite: str | None = None

    @property
    def words(self):
        return {"stages": self.stages, "metabolite": self.metabolite}

    def __str__(self):
        with_ka = "+ka" if "transit" in self.inputs and "ka" in self.p else ""
        formed = f", {self.metabolite}" + (" first pass" if "fp" in self.p else "") if self.metabolite else ""
        return f"{self.disposition}, {'+'.join(self.inputs)}{self.stages or ''}{with_ka}{formed}"


def rates(p, suffix=""):
    """(k10, V, [(k12, k21), ..]) of a disposition, by the textbook."""
    v = {name.removesuffix(suffix) if suffix else name: x for name, x in p.items() if name.endswith(suffix)}
    volume = v["V"] if "V" in v else v["V1"]
    out = v["CL"] / volume if "CL" in v else v["k"] if "k" in v else v["k10"]
    if "k12" in v:
        return out, volume, [(v["k12"], v["k21"])] + ([(v["k13"], v["k31"])] if "k13" in v else [])
    flows = [("Q", "V2")] if "Q" in v else [("Q2", "V2"), ("Q3", "V3")] if "Q2" in v else []
    return out, volume, [(v[q] / volume, v[q] / v[w]) for q, w in flows]


def arrows(case):
    """[(from, to, rate)], `to` None for what leaves the body; and the positions and volumes of what is observed."""
    chains, p = [], case.p
    dual = sum(name in ("first_order", "zero_then_first") for name in case.inputs) > 1
    for number, name in enumerate((n for n in case.inputs if n in STAGED), start=1):
        if name in ("first_order", "zero_then_first"):
            chains.append([p[f"ka{number}"] if dual else p["ka"]])
        elif name == "chain":
            chains.append([p[f"k{i + 1}"] for i in range(case.stages)])
        else:
            chains.append([p["ktr"]] * case.stages + ([p["ka"]] if "ka" in p else []))
    centre = sum(len(chain) for chain in chains)
    found, place = [], 0
    for chain in chains:
        for i, rate in enumerate(chain):
            found.append((place, centre if i == len(chain) - 1 else place + 1, rate))
            place += 1
    out, volume, exchange = rates(p)
    for i, (away, back) in enumerate(exchange, start=1):
        found += [(centre, centre + i, away), (centre + i, centre, back)]
    if case.metabolite is None:
        return [*found, (centre, None, out)], [(centre, volume)]
    formed = centre + len(exchange) + 1
    share = p.get("fp", 0.0)  # of what is absorbed, the part that arrives as the metabolite
    absorbed = [(a, rate) for a, b, rate in found if b == centre and a < centre] if share else []
    found = [(a, b, rate * (1 - share) if (a, rate) in absorbed and b == centre else rate) for a, b, rate in found]
    found += [(a, formed, share * rate) for a, rate in absorbed]
    found += [(centre, formed, p["fm"] * out), (centre, None, (1 - p["fm"]) * out)]
    own = {name: x for name, x in p.items() if name.endswith("m") and name != "fm"}
    out, other, exchange = rates(own, "m")
    for i, (away, back) in enumerate(exchange, start=1):
        found += [(formed, formed + i, away), (formed + i, formed, back)]
    return [*found, (formed, None, out)], [(centre, volume), (formed, other)]


STAGED = ("first_order", "zero_then_first", "chain", "transit")


def matrix(found, context=np):
    """K of dx/dt = K x, as an array of floats or a matrix of many digits."""
    size = 1 + max(max(a, -1 if b is None else b) for a, b, _ in found)
    k = np.zeros((size, size)) if context is np else context.zeros(size)
    for source, target, rate in found:
        k[source, source] -= rate
        if target is not None:
            k[target, source] += rate
    return k


def propagators(k, t):
    """(exp(K t), its integral, the integral of that) in 50 digits: K^-1 (exp(K t) - 1), and the same again."""
    with mp.workdps(90):
        size = k.rows
        one = mp.eye(size)
        first = mp.expm(k * mp.mpf(t))
        inverse = mp.inverse(k)
        second = inverse * (first - one)
        third = inverse * (second - one * mp.mpf(t))
    return first, second, third


def floats(m):
    return np.array([[float(m[i, j]) for j in range(m.cols)] for i in range(m.rows)])


def by_ode(found, observed, doses, times):
    """Levels (times, outputs) by an ODE solver, restarted at every event; doses are (time, amount, duration, into)."""
    k = matrix(found)
    edges = sorted({0.0, *times, *(d[0] for d in doses), *(d[0] + d[2] for d in doses)})
    state, levels = np.zeros(len(k)), {}
    for start, end in pairwise([*edges, None]):
        for time, amount, duration, into in doses:
            state[into] += amount if duration == 0 and time == start else 0.0
        levels[start] = [state[place] / volume for place, volume in observed]
        if end is not None:
            rate = np.zeros(len(k))
            for time, amount, duration, into in doses:
                if duration > 0 and time <= start and end <= time + duration + 1e-9:
                    rate[into] += amount / duration
            run = solve_ivp(lambda _, y, r=rate: k @ y + r, (start, end), state, "DOP853", rtol=1e-11, atol=1e-12)
            state = run.y[:, -1]
    return np.array([levels[t] for t in times])
