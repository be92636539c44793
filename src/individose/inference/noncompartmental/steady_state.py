"""Exposure over one dosing interval at steady state, and what follows from it."""

from __future__ import annotations

import math

import numpy as np

from individose.inference.noncompartmental.areas import between, logarithmic, partial_area
from individose.inference.noncompartmental.curve import Curve
from individose.inference.noncompartmental.profile import Profile
from individose.inference.noncompartmental.quantities import NOTHING, Missing, Quantity, Value, given, quantity, ratio
from individose.inference.noncompartmental.rules import Method
from individose.inference.noncompartmental.single_dose import dispositions, last_levels, to_last
from individose.inference.noncompartmental.terminal import Terminal


def over_interval(profile: Profile, points: Curve | None, method: Method, line: Terminal | Missing) -> list[Quantity]:
    """AUCtau and the parameters that rest on it (Phoenix' names and formulas for steady state).

    Cavg = AUCtau / tau; fluctuation = 100 (Cmax - Cmin) / Cavg; swing = (Cmax - Cmin) / Cmin, both also with the level at
    tau in the place of Cmin; accumulation = 1 / (1 - exp(-lambda_z tau)); CL = dose / AUCtau; Vz = CL / lambda_z;
    MRT = (AUMCtau + tau (AUCinf - AUCtau)) / AUCtau, less half the duration of an infusion; Vss = MRT CL.
    """
    tau_h = profile.tau_h or math.nan
    rate: Value = line if isinstance(line, Missing) else line.lambda_z
    whole = partial_area(points, method, 0.0, tau_h, line)
    auc: Value = whole if isinstance(whole, Missing) else whole.auc
    aumc: Value = whole if isinstance(whole, Missing) else whole.aumc
    c_average = given(lambda a: a / tau_h, auc)
    t_min, c_min = lowest(profile)
    c_tau = level_at(points, method, tau_h, line)
    c_max: Value = c_min if profile.peak is None else float(profile.concentration_mg_L[profile.peak])
    observed = partial_area(points, method, 0.0, 0.0 if points is None else min(tau_h, float(points.time_h[-1])))
    seen: Value = observed if isinstance(observed, Missing) else observed.auc
    return [
        quantity("auc_tau", "mg.h/L", auc),
        quantity("auc_tau_extrapolated", "%", given(lambda a, b: 100.0 * (b - a) / b, seen, auc)),
        quantity("aumc_tau", "mg.h2/L", aumc),
        quantity("c_average", "mg/L", c_average),
        quantity("cmin", "mg/L", c_min),
        quantity("tmin", "h", t_min),
        quantity("ctau", "mg/L", c_tau),
        quantity("fluctuation", "%", given(lambda hi, lo, mean: 100.0 * (hi - lo) / mean, c_max, c_min, c_average)),
        quantity("fluctuation_tau", "%", given(lambda hi, lo, mean: 100.0 * (hi - lo) / mean, c_max, c_tau, c_average)),
        quantity("swing", "1", ratio(given(lambda hi, lo: hi - lo, c_max, c_min), c_min, "The lowest level")),
        quantity("swing_tau", "1", ratio(given(lambda hi, lo: hi - lo, c_max, c_tau), c_tau, "The level at tau")),
        quantity("accumulation", "1", given(lambda k: -1.0 / math.expm1(-k * tau_h), rate)),
        *_residence(profile, points, method, line, auc, aumc),
    ]


def _residence(
    profile: Profile, points: Curve | None, method: Method, line: Terminal | Missing, auc: Value, aumc: Value
) -> list[Quantity]:
    tau_h, half_input_h = profile.tau_h or math.nan, profile.duration_h / 2.0
    last = to_last(points, method)
    auc_last: Value = last if isinstance(last, Missing) else last.auc
    rate: Value = line if isinstance(line, Missing) else line.lambda_z
    clearance = given(lambda a: profile.dose_mg / a, auc)
    times: list[Value] = []
    for _, _, c in last_levels(points, line):
        infinite = given(lambda a, c, k: a + c / k, auc_last, c, rate)
        times.append(given(lambda m, i, a: (m + tau_h * (i - a)) / a - half_input_h, aumc, infinite, auc))
    found = [
        *dispositions(profile, clearance, rate, times[0]),
        quantity("mrt", "h", times[0]),
        quantity("mrt_pred", "h", times[1]),
    ]
    if profile.vascular:
        found.append(quantity("vss_pred", "L", given(lambda cl, h: cl * h, clearance, times[1])))
    return found


def lowest(profile: Profile) -> tuple[Value, Value]:
    """Time and value of the first lowest level of the interval, a level below the limit counting as 0."""
    t, c = profile.time_h, np.where(profile.quantified, profile.concentration_mg_L, 0.0)
    within = profile.considered
    if profile.route == "bolus":
        within &= profile.quantified | (t > 0.0)
        if profile.predose_mg_L is not None:
            t, c, within = np.append(0.0, t), np.append(profile.predose_mg_L, c), np.append(True, within)
    if not within.any():
        missing = Missing(f"No level was measured within {profile.tau_h:g} h.")
        return missing, missing
    t, c = t[within], c[within]
    return float(t[np.argmin(c)]), float(c.min())


def level_at(points: Curve | None, method: Method, t_h: float, line: Terminal | Missing) -> Value:
    """The level at `t_h`: measured, interpolated as areas are, or beyond the last on the terminal line."""
    if points is None:
        return NOTHING
    t, c = points.time_h, points.concentration_mg_L
    if t_h < t[0]:
        return Missing(f"The level before {t[0]:g} h is not known.")
    if t_h > t[-1]:
        return 0.0 if c[-1] == 0.0 else line if isinstance(line, Missing) else line.at(t_h)
    if len(t) == 1:
        return float(c[0])
    k = min(int(np.searchsorted(t, t_h, side="right")) - 1, len(t) - 2)
    t1, c1, t2, c2, curved = (x[k : k + 1] for x in (t[:-1], c[:-1], t[1:], c[1:], logarithmic(t, c, method)))
    return float(between(np.array([t_h]), t1, c1, t2, c2, curved)[0])
