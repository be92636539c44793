"""Exposure to infinity after a single dose, and what follows from it: residence time, clearance, volumes."""

from __future__ import annotations

from individose.inference.noncompartmental.areas import Area, partial_area
from individose.inference.noncompartmental.curve import Curve
from individose.inference.noncompartmental.profile import Profile
from individose.inference.noncompartmental.quantities import NOTHING, Missing, Quantity, Value, given, quantity
from individose.inference.noncompartmental.rules import Method
from individose.inference.noncompartmental.terminal import Terminal

CARRIED = Missing("Earlier doses contribute to these levels; at steady state, say the dosing interval (--tau).")


def to_infinity(profile: Profile, points: Curve | None, method: Method, line: Terminal | Missing) -> list[Quantity]:
    """Areas to infinity from the observed last level and (`_pred`) from the one on the terminal line.

    AUCinf = AUClast + C / lambda_z; AUMCinf = AUMClast + tlast C / lambda_z + C / lambda_z^2; MRT = AUMCinf / AUCinf, less
    half the duration of an infusion; CL = dose / AUCinf; Vz = CL / lambda_z; Vss = MRT CL.
    """
    area = CARRIED if profile.carry_over else to_last(points, method)
    auc_last: Value = area if isinstance(area, Missing) else area.auc
    aumc_last: Value = area if isinstance(area, Missing) else area.aumc
    rate: Value = line if isinstance(line, Missing) else line.lambda_z
    half_input_h = profile.duration_h / 2.0
    found = [quantity("mrt_last", "h", given(lambda m, a: m / a - half_input_h, aumc_last, auc_last))]
    for suffix, t, c in last_levels(points, line):
        auc = given(lambda a, c, k: a + c / k, auc_last, c, rate)
        aumc = given(lambda m, t, c, k: m + t * c / k + c / k**2, aumc_last, t, c, rate)
        mrt = given(lambda m, a: m / a - half_input_h, aumc, auc)
        clearance = given(lambda a: profile.dose_mg / a, auc)
        found += [
            quantity(f"auc_inf{suffix}", "mg.h/L", auc),
            quantity(f"auc_extrapolated{suffix}", "%", _rest(auc_last, auc)),
            quantity(f"aumc_inf{suffix}", "mg.h2/L", aumc),
            quantity(f"aumc_extrapolated{suffix}", "%", _rest(aumc_last, aumc)),
            quantity(f"mrt{suffix}", "h", mrt),
            *dispositions(profile, clearance, rate, mrt, suffix),
        ]
        if points is not None and points.origin in ("back-extrapolated", "first level"):
            back = partial_area(points, method, 0.0, float(points.time_h[1]))
            before: Value = back if isinstance(back, Missing) else back.auc
            share = given(lambda b, a: 100.0 * b / a, before, auc)
            found.append(quantity(f"auc_back_extrapolated{suffix}", "%", share))
    return found


def to_last(points: Curve | None, method: Method) -> Area | Missing:
    """Area from the dose to the last quantified level."""
    return partial_area(points, method, 0.0, 0.0 if points is None else float(points.time_h[points.last]))


def last_levels(points: Curve | None, line: Terminal | Missing) -> tuple[tuple[str, Value, Value], ...]:
    """Suffix, time and value of the last quantified level: as observed, and as the terminal line has it."""
    if points is None:
        return ("", NOTHING, NOTHING), ("_pred", NOTHING, NOTHING)
    t_last, c_last = float(points.time_h[points.last]), float(points.concentration_mg_L[points.last])
    predicted: Value = line if isinstance(line, Missing) else line.at(t_last)
    return ("", t_last, c_last), ("_pred", t_last, predicted)


def dispositions(profile: Profile, clearance: Value, rate: Value, mrt: Value, suffix: str = "") -> list[Quantity]:
    """Clearance and volumes: CL, Vz and Vss after an intravenous dose, CL/F and Vz/F after any other."""
    per = "" if profile.vascular else "_f"
    found = [
        quantity(f"cl{per}{suffix}", "L/h", clearance),
        quantity(f"vz{per}{suffix}", "L", given(lambda cl, k: cl / k, clearance, rate)),
    ]
    if profile.vascular:
        found.append(quantity(f"vss{suffix}", "L", given(lambda cl, h: cl * h, clearance, mrt)))
    return found


def _rest(part: Value, whole: Value) -> Value:
    return given(lambda a, b: 100.0 * (b - a) / b, part, whole)
