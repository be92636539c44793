"""All parameters of one profile, each a number or a reason, and what a reader must know beside them."""

from __future__ import annotations

from dataclasses import dataclass

from individose.base import Notice
from individose.inference.noncompartmental.areas import partial_area
from individose.inference.noncompartmental.curve import ORIGINS, Curve, curve
from individose.inference.noncompartmental.profile import Profile
from individose.inference.noncompartmental.quantities import NOTHING, Missing, Quantity, Value, quantity
from individose.inference.noncompartmental.rules import Rules
from individose.inference.noncompartmental.single_dose import last_levels, to_infinity, to_last
from individose.inference.noncompartmental.steady_state import over_interval
from individose.inference.noncompartmental.terminal import Terminal, terminal_phase

EXTRAPOLATED_MOST, R2_LEAST, SPAN_LEAST = 20.0, 0.9, 2.0
"""Percent, r2 and half-lives beyond which PKNCA's defaults (max.aucinf.pext, min.hl.r.squared, min.span.ratio) set a
result aside; here it is kept and said."""


@dataclass(frozen=True, eq=False)
class Analysis:
    """The parameters of `profile` under `rules`, in a fixed order; `terminal` says why where there is no slope."""

    profile: Profile
    rules: Rules
    curve: Curve | None
    terminal: Terminal | Missing
    quantities: tuple[Quantity, ...]
    notices: tuple[Notice, ...]

    def __getitem__(self, name: str) -> Quantity:
        """The parameter of a name, as in `analysis["auc_last"]`.

        **Raises:** `KeyError`.
        """
        for one in self.quantities:
            if one.name == name:
                return one
        raise KeyError(name)


def analyse(profile: Profile, rules: Rules | None = None) -> Analysis:
    """The non-compartmental analysis of one profile.

    It never raises on hard data: a parameter that they do not give has no value and a sentence. Parameters that make no
    sense for the route, or only at steady state, are left out.
    """
    rules = rules or Rules()
    points = curve(profile, rules.after_last)
    line = terminal_phase(profile, rules.terminal)
    found = [*_observed(profile, points), *_slope(points, line), *_areas(profile, points, rules, line)]
    return Analysis(profile, rules, points, line, tuple(found), _notices(points, line, found))


def _observed(profile: Profile, points: Curve | None) -> list[Quantity]:
    t, c = profile.time_h, profile.concentration_mg_L
    peak = profile.peak
    within = "" if profile.tau_h is None else f" within {profile.tau_h:g} h"
    none = Missing(f"No level after the dose was quantified{within}.")
    found = [
        quantity("cmax", "mg/L", none if peak is None else float(c[peak])),
        quantity("tmax", "h", none if peak is None else float(t[peak])),
        quantity("clast", "mg/L", NOTHING if points is None else float(points.concentration_mg_L[points.last])),
        quantity("tlast", "h", NOTHING if points is None else float(points.time_h[points.last])),
    ]
    if profile.route == "bolus":
        found.append(quantity("c0", "mg/L", NOTHING if points is None else float(points.concentration_mg_L[0])))
    elif not profile.vascular and profile.tau_h is None and not profile.carry_over:
        found.append(quantity("tlag", "h", NOTHING if points is None else _lag(points)))
    return found


def _lag(points: Curve) -> float:
    """Time of the last point before the first level above 0; 0 where the first is above it."""
    first = int((points.concentration_mg_L > 0.0).argmax())
    return float(points.time_h[max(first - 1, 0)])


def _slope(points: Curve | None, line: Terminal | Missing) -> list[Quantity]:
    def of(name: str, unit: str, read: str) -> Quantity:
        return quantity(name, unit, line if isinstance(line, Missing) else float(getattr(line, read)))

    span: Value = line if isinstance(line, Missing) else (line.end_h - line.start_h) / line.half_life_h
    return [
        of("lambda_z", "/h", "lambda_z"),
        of("half_life", "h", "half_life_h"),
        of("lambda_z_points", "1", "points"),
        of("lambda_z_start", "h", "start_h"),
        of("lambda_z_end", "h", "end_h"),
        quantity("lambda_z_span", "1", span),
        of("r2", "1", "r2"),
        of("r2_adjusted", "1", "r2_adjusted"),
        quantity("clast_pred", "mg/L", last_levels(points, line)[1][2]),
    ]


def _areas(profile: Profile, points: Curve | None, rules: Rules, line: Terminal | Missing) -> list[Quantity]:
    last = to_last(points, rules.method)
    every = partial_area(points, rules.method, 0.0, 0.0 if points is None else float(points.time_h[-1]))
    found = [
        quantity("auc_last", "mg.h/L", last if isinstance(last, Missing) else last.auc),
        quantity("auc_all", "mg.h/L", every if isinstance(every, Missing) else every.auc),
        quantity("aumc_last", "mg.h2/L", last if isinstance(last, Missing) else last.aumc),
    ]
    if profile.tau_h is None:
        found += to_infinity(profile, points, rules.method, line)
    else:
        found += over_interval(profile, points, rules.method, line)
    for start_h, end_h in rules.intervals:
        area = partial_area(points, rules.method, start_h, end_h, line)
        value = area if isinstance(area, Missing) else area.auc
        found.append(quantity(f"auc_{start_h:g}_{end_h:g}", "mg.h/L", value))
    return found


def _notices(points: Curve | None, line: Terminal | Missing, found: list[Quantity]) -> tuple[Notice, ...]:
    notices: list[Notice] = []
    if points is not None and points.origin != "observed":
        notices.append(Notice("level-at-dose", ORIGINS[points.origin], "note"))
    if points is not None and points.zeroed + points.dropped:
        said = f"Of the levels below the limit, {points.zeroed} became 0 and {points.dropped} were left out."
        notices.append(Notice("below-limit", said, "note"))
    if isinstance(line, Terminal):
        if line.r2 < R2_LEAST:
            said = f"The terminal line fits loosely: r2 is {line.r2:.3f}, below {R2_LEAST:g}."
            notices.append(Notice("loose-terminal-line", said))
        span = (line.end_h - line.start_h) / line.half_life_h
        if span < SPAN_LEAST:
            said = f"The terminal levels span {span:.1f} half-lives, fewer than {SPAN_LEAST:g}."
            notices.append(Notice("short-terminal-line", said))
    for one in found:
        most = one.name in ("auc_extrapolated", "auc_tau_extrapolated") and (one.value or 0.0) > EXTRAPOLATED_MOST
        if most and one.value is not None:
            said = f"{one.value:.0f} % of the area is extrapolated, more than {EXTRAPOLATED_MOST:g} %."
            notices.append(Notice("much-extrapolated", said))
    return tuple(notices)
