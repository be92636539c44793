"""Levels over time of a plan of products: its curve with a band, what is read off it, and the same for one person.

Two kinds of not knowing are kept apart, and named with every result (`BASES`): how well the mean curve of published studies
is known, and how persons differ from it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from individose.app.actions.diagnose import diagnose
from individose.app.actions.problems import estimator, problem
from individose.base import InputError, Notice
from individose.base.units import factor
from individose.drugs import Card, Endogenous, card, product_cards
from individose.drugs.spelling import listing, suggestion
from individose.events import Level, Plan
from individose.inference import Fit
from individose.inference.fit import predict
from individose.prediction import Body, Bound, at, bind_plan, personal, published

Basis = Literal["mean curve", "person", "fitted"]

BASES: dict[Basis, str] = {
    "mean curve": "The band tells how well the mean curve of published studies is known; persons differ from it by more.",
    "person": "The band holds a person of whom nothing is known: the uncertainty of the mean curve, and the variability "
    "between persons that the cards assume, without the error of a blood test.",
    "fitted": "The band is that of this person, given the blood tests; how persons differ, from which it starts, is an "
    "assumption of the cards.",
}
"""What a band stands for, as it is said with it."""

EXPECTED = Endogenous(15e-6, 0.7)
"""What a body is taken to make by itself where blood tests are fitted: 15 pg/mL, within a factor of 2 for two thirds."""

DOUBTS = ("level-contradicts", "level-unusual", "influence", "effect-unusual")
"""Findings behind a person's fit that are said with it: blood tests that contradict each other, or that hardly anybody has,
one on which all rests, and a person unlike all others."""

PARTS = {"V": "the height of the curve", "k1": "the rate of release", "k": "the rate of elimination"}
"""What the parameters of a card stand for, in words."""

DRUG = "estradiol"
NOTHING = Body()


@dataclass(frozen=True)
class Curve:
    """Levels (mg/L) at `times_h`: `published` at the point values of the cards (the fitted person's for a fit), and the
    `low`, `median`, `high` of the draws of which `probability` lie between `low` and `high`; `basis` says of what."""

    plan: Plan
    cards: tuple[str, ...]
    times_h: np.ndarray
    published: np.ndarray
    low: np.ndarray
    median: np.ndarray
    high: np.ndarray
    probability: float
    basis: Basis
    notices: tuple[Notice, ...] = ()


def cards_of(plan: Plan, others: Mapping[str, Card] | None = None) -> dict[str, Card]:
    """The cards of a plan's products: built in, or `others` by the name of the product.

    **Raises:** `InputError` for a product that has none.
    """
    return {name: (others or {}).get(name) or product_card(name) for name in plan.products}


def product_card(name: str) -> Card:
    """The built-in card of a product (`EV`; in any case of letters).

    **Raises:** `InputError` for a name that is none.
    """
    known = product_cards(DRUG)
    spelled = {one.lower(): one for one in known}
    if name.lower() not in spelled:
        raise InputError(
            f"there is no product '{name}'",
            f"products are {listing(known)}",
            "the built-in cards of estradiol; `individose hormone products` lists them",
            suggestion(name, known) or "Use one of these.",
        )
    return card(known[spelled[name.lower()]])


def prior(plan: Plan, cards: Mapping[str, Card], body: Body = NOTHING, basis: Basis = "mean curve") -> Fit:
    """What is known before any blood test, as a fit: one draw of it is one curve, the same parameters at every dose."""
    chosen = personal(cards) if basis == "person" else cards
    return estimator("prior").fit(problem(bind_plan(chosen, plan, body=body)))


def point(plan: Plan, cards: Mapping[str, Card], body: Body = NOTHING) -> Bound:
    """The plan at the published point values of the cards, as other programs draw it."""
    return bind_plan(published(cards), plan, body=body)


def point_levels(bound: Bound, times_h: Sequence[float]) -> np.ndarray:
    """Levels (mg/L) of a bound plan at times (h) at its typical parameters; a time equal to a dose's is just after it."""
    found = predict(bound.relation, np.zeros(len(bound.effects)), at(bound, times_h))
    return np.asarray(found)[: len(times_h)]


def assumed(cards: Iterable[Card]) -> Notice | None:
    """How persons differ and what a blood test errs by, as the cards assume it: neither was measured in such persons."""
    said: dict[str, None] = {}
    for one in cards:
        if one.between:
            cvs = [f"{100 * math.sqrt(math.expm1(e.omega2)):.3g} % in {PARTS[e.parameter]}" for e in one.between]
            error = one.residual
            said[
                f"persons differ by {listing(cvs)} (CV), and a blood test errs by {100 * error.proportional:.3g} % and "
                f"{error.additive_mg_L * 1e6:.3g} pg/mL (SD)"
            ] = None
    if not said:
        return None
    return Notice("assumed", f"Assumed by the cards, not measured in such persons: {'; or '.join(said)}.", "note")


def curve(
    plan: Plan,
    times_h: Sequence[float] | None = None,
    *,
    cards: Mapping[str, Card] | None = None,
    body: Body = NOTHING,
    basis: Basis = "mean curve",
    probability: float = 0.9,
    fitted: Fit | None = None,
    points: int = 500,
) -> Curve:
    """The level over time, with a band of one draw of the parameters for each curve.

    **Arguments:** `times_h` (`points` of them from the first dose to the plan's horizon if not given); `fitted` draws the
    curve of a person (`fit_person`) instead of what is known before.
    """
    chosen = cards_of(plan, cards)
    asked = np.linspace(plan.start_h, plan.horizon_h, points) if times_h is None else np.asarray(times_h, dtype=float)
    times = [float(t) for t in asked]
    fit = prior(plan, chosen, body, basis) if fitted is None else fitted
    line = fit.predict(times) if fitted is not None else point_levels(point(plan, chosen, body), times)
    tails = (0.5 - probability / 2, 0.5, 0.5 + probability / 2)
    low, median, high = np.quantile(fit.curves(times), tails, axis=0)
    basis = "fitted" if fitted is not None else basis
    guess = assumed(chosen.values()) if basis != "mean curve" else None
    notices = (*fit.warnings, Notice("band", BASES[basis], "note"), *((guess,) if guess else ()))
    ids = tuple(one.id for one in chosen.values())
    return Curve(plan, ids, asked, line, low, median, high, probability, basis, notices)


def fit_person(
    plan: Plan,
    levels: Sequence[Level],
    *,
    cards: Mapping[str, Card] | None = None,
    body: Body | None = None,
    method: str = "map",
    also: Sequence[str] = (),
    id: str = "person",
) -> Fit:
    """One person's curve from their blood tests, starting from the cards and the variability between persons.

    **Arguments:** `levels` in mg/L, hours on the plan's clock; `body` an endogenous level of `EXPECTED` unless said;
    `method` as `individose.fit` (`map`, `sir`, `nuts`); `also` products of which a regimen is to be found (`options`).

    **Raises:** `InputError` where there is no level.
    """
    if not levels:
        raise InputError(
            "no blood test was given",
            "at least one level with its time",
            remedy="Ask for the curve of a person of whom nothing is known: basis 'person'.",
        )
    body = Body(EXPECTED) if body is None else body
    chosen = cards_of(plan, cards) | {name: product_card(name) for name in also if name not in plan.products}
    bound = bind_plan(personal(chosen), plan, levels=levels, body=body, also=also, id=id)
    molar = bound.card.molar_mass_g_mol
    scale = factor("mg/L", "pg/mL", molar_mass_g_mol=molar)
    said = tuple(f"{one.value_mg_L * scale:.4g} pg/mL at {one.time_h / 24.0:.4g} d" for one in bound.line.levels)
    return estimator(method).fit(replace(problem(bound), samples=said))


def findings(fit: Fit) -> tuple[Notice, ...]:
    """What is odd about a person's blood tests, the gravest first.

    A person can be bent until their curve goes through tests that no person has (a unit taken for another, a date mistyped):
    each test is therefore also held against what the others foretell, and against what persons have under this plan.
    """
    return tuple(one for one in diagnose(fit).notices if one.code in DOUBTS and one.grade != "note")
