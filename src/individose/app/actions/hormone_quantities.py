"""What is read off a plan's curve: average, area, peak, troughs; and what a single dose of a product comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from individose.app.actions.hormone import NOTHING, Basis, cards_of, point, prior, product_card
from individose.app.actions.problems import estimator, problem
from individose.base import InputError
from individose.drugs import Card, at_published
from individose.events import Dose, Plan, subject
from individose.inference import Estimate, Fit
from individose.inference.fit import individual_draws
from individose.prediction import Body, Bound, bind

WINDOW = {
    "average": "mg/L",
    "auc": "mg.h/L",
    "peak": "mg/L",
    "tpeak": "h",
    "minimum": "mg/L",
    "tminimum": "h",
    "trough": "mg/L",
    "highest_trough": "mg/L",
}
"""Quantities of a window, with UCUM units. `minimum` is the true trough, a little after a dose; `trough` is the lowest level
just before one, `highest_trough` the highest; times count on the clock of the plan."""


RATES = ("k1", "k2", "k")
"""Of a product's steps, one after the other: the slowest makes its half-life."""


@dataclass(frozen=True)
class Quantities:
    """Of the window `start_h`..`end_h`: at the published point values (`value`), with the interval of the draws; and
    `medians` of these, by name. `half_life_EV` (h) is that of the slowest step of a product, wherever the window lies."""

    start_h: float
    end_h: float
    found: Mapping[str, Estimate]
    medians: Mapping[str, float]
    basis: Basis


@dataclass(frozen=True)
class SingleDose:
    """One unit of a product given once: times in h, levels in mg/L, area in mg.h/L.

    `half_max_h` are the times before and after the peak at which half of it is reached; `half_life_h` is that of the slowest
    phase while a patch is worn.
    """

    product: str
    unit: str
    tpeak_h: float
    peak: float
    half_max_h: tuple[float, float]
    auc: float
    half_life_h: float


def quantities(
    plan: Plan,
    start_h: float | None = None,
    end_h: float | None = None,
    *,
    cards: Mapping[str, Card] | None = None,
    body: Body = NOTHING,
    basis: Basis = "mean curve",
    probability: float = 0.9,
    fitted: Fit | None = None,
) -> Quantities:
    """Exposure over a window of a plan, exact at the point values and at every draw.

    **Arguments:** the window is that between the last two doses if not given (the horizon ends it); `fitted` as in `curve`.

    **Raises:** `InputError` for a window that does not run forward.
    """
    begin, end = _window(plan, start_h, end_h)
    chosen = cards_of(plan, cards)
    fit = prior(plan, chosen, body, basis) if fitted is None else fitted
    exact = fitted if fitted is not None else _at_point(point(plan, chosen, body))
    times = [t for t in dict.fromkeys(one.dose.time_h for one in plan.given()) if begin <= t <= end]
    values = {name: _read(exact, name, begin, end, times)[0] for name in WINDOW if times or "trough" not in name}
    found: dict[str, Estimate] = {}
    medians: dict[str, float] = {}
    for name, value in values.items():
        draws = _read(fit, name, begin, end, times)[1:]
        low, middle, high = np.quantile(draws, [0.5 - probability / 2, 0.5, 0.5 + probability / 2])
        found[name] = Estimate(float(value), float(low), float(high), WINDOW[name], probability)
        medians[name] = float(middle)
    for product in plan.products:
        name, tails = f"half_life_{product}", [0.5 - probability / 2, 0.5, 0.5 + probability / 2]
        low, middle, high = np.quantile(_half_lives(fit, fit.sample(DRAWS), product), tails)
        value = _half_lives(exact, exact.eta[None], product)[0]
        found[name] = Estimate(float(value), float(low), float(high), "h", probability)
        medians[name] = float(middle)
    return Quantities(begin, end, found, medians, "fitted" if fitted is not None else basis)


def _window(plan: Plan, start_h: float | None, end_h: float | None) -> tuple[float, float]:
    times = sorted({one.dose.time_h for one in plan.given()})
    end = end_h if end_h is not None else times[-1] if len(times) > 1 and start_h is None else plan.horizon_h
    earlier = [t for t in times if t < end]
    begin = start_h if start_h is not None else earlier[-1] if earlier else times[0]
    if not begin < end:
        raise InputError(
            f"quantities from {begin / 24:g} to {end / 24:g} d were asked for",
            "a window that runs forward",
            "they are those of the levels between two times",
            "Give the end behind the start, or move the plan's horizon.",
        )
    return begin, end


DRAWS = 1000
"""Behind the intervals of quantities: their ends then carry a Monte Carlo error of about 3 % of their width."""


def _read(fit: Fit, name: str, begin: float, end: float, times: list[float]) -> np.ndarray:
    """One quantity (1 + draws,), the estimate first."""
    if "trough" not in name:
        return fit.exposures(name, begin, end, count=DRAWS)
    levels = np.vstack([fit.predict(times)[None], fit.curves(times, DRAWS)])
    return levels.min(axis=1) if name == "trough" else levels.max(axis=1)


def _half_lives(fit: Fit, etas: np.ndarray, product: str) -> np.ndarray:
    """Of the slowest step of a product (draws,), h."""
    found = individual_draws(fit.problem.likelihood, etas, fit.problem.now)
    rates = [np.asarray(found[name]) for rate in RATES if (name := f"{rate}@{product}") in found]
    return np.log(2.0) / np.min(rates, axis=0)


def _at_point(bound: Bound) -> Fit:
    return estimator("prior").fit(problem(bound))


LONG = 60.0
"""Half-lives after which nothing is left that a float could show."""


def single_dose(product: str, *, worn: bool = True) -> SingleDose:
    """What one unit of a product comes to: 1 mg, or a patch of 1 unit of its label.

    **Arguments:** `worn` False leaves a patch on for ever.

    **Raises:** `InputError` for an unknown product.
    """
    card = product_card(product)
    kind = card.product
    assert kind is not None
    name = kind.name
    dose = Dose(0.0, kind.mg_per_unit, removed_after_h=kind.worn_h if worn else 0.0)
    given = subject("one dose", doses=[dose])
    exact = _at_point(bind(at_published(card), given))
    half_life = exact.constants()["half_life"].value
    end = LONG * half_life
    tpeak, peak = (float(exact.exposures(what, 0.0, end, count=1)[0]) for what in ("tpeak", "peak"))
    until = float(exact.exposures("until_below", 0.0, end, peak / 2, count=1)[0])
    above = float(exact.exposures("above", 0.0, end, peak / 2, count=1)[0])
    area = float(exact.exposures("auc", 0.0, np.inf, count=1)[0])
    return SingleDose(name, kind.unit, tpeak, peak, (until - above, until), area, half_life)
