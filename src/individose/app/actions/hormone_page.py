"""What the interactive page of a plan needs: every product with draws of its parameters, and the plan's exact curve.

The page computes any other plan by itself, from the same draws: one of them for each whole curve.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri
from scipy.stats import qmc

from individose.app.actions.hormone import (
    BASES,
    DRUG,
    Basis,
    Curve,
    cards_of,
    findings,
    fit_person,
    point,
    point_levels,
    prior,
    product_card,
)
from individose.app.actions.hormone_plans import HormonePlan
from individose.base import Notice
from individose.drugs import Card, Product, at_published, product_cards, typical
from individose.drugs.together import ENDOGENOUS
from individose.events import Course, Plan
from individose.inference import Fit
from individose.inference.fit import individual_draws, predict_draws

COUNT = 256
"""Draws of a basis. They fill the space evenly: their 5 and 95 % curves are as good as those of a thousand by chance."""

CROWD = 4096
"""Persons of whom the page takes those that explain the blood tests typed into it."""

POINTS = 320
AFTER_H = (0.0, 1.0, 3.0, 6.0, 12.0, 24.0)
"""Times of the curve that comes with the page: evenly, and after each dose or removal, where a level turns fastest."""


@dataclass(frozen=True)
class PageProduct:
    """A product and its published point values: k1, k2, k (per h) and the level (mg/L) that 1 mg stands for (1 / V)."""

    name: str
    title: str
    kind: Product
    card: Card
    published: tuple[float, float, float, float]


@dataclass(frozen=True)
class PageBasis:
    """What a band stands for, with draws (`COUNT`, 4) of k1, k2, k, 1/V by product.

    A fitted person has a curve of their own (`centre`), and a baseline (mg/L), which is drawn with the rest.
    """

    key: Basis
    sentence: str
    draws: Mapping[str, np.ndarray]
    centre: Mapping[str, np.ndarray] | None = None
    baseline: np.ndarray | None = None
    centre_baseline: float | None = None


@dataclass(frozen=True)
class Crowd:
    """Persons whom the cards expect, among whom the page looks for one who explains blood tests.

    **Arguments:** `draws` (`CROWD`, 4) as those of a basis, and `normal` (`CROWD`,) for what the body makes by itself.
    """

    draws: Mapping[str, np.ndarray]
    normal: np.ndarray


@dataclass(frozen=True)
class HormonePage:
    """The plan, its curve under the first basis, and everything of which the page makes others.

    `normal` (`COUNT`,) draws what the body makes by itself where the plan says how well that is known.
    """

    asked: HormonePlan
    products: tuple[PageProduct, ...]
    bases: tuple[PageBasis, ...]
    normal: np.ndarray
    crowd: Crowd
    curve: Curve
    notices: tuple[Notice, ...] = ()


def page(asked: HormonePlan, *, probability: float = 0.9, fit: bool = True, method: str = "map") -> HormonePage:
    """The page of a plan.

    **Arguments:** `fit` also fits the plan's blood tests, where there are any, and begins with that person's band.
    """
    names = tuple(sorted(product_cards(DRUG)))
    products = tuple(_product(name) for name in names)
    cards = {one.name: one.card for one in products}
    everything = Plan(tuple(Course(name, 1.0) for name in names), 24.0)
    drawn: dict[Basis, tuple[Fit, np.ndarray]] = {}
    for key in ("mean curve", "person"):
        known = prior(everything, cards, basis=key)
        drawn[key] = (known, _effects(known, key))
    normal = _even(1, 100 * len(BASES))[:, 0]
    person = drawn["person"][0]
    crowd = Crowd(
        _parameters(person, _effects(person, "person", CROWD), names), _even(1, 100 * len(BASES) + 1, CROWD)[:, 0]
    )
    bases = [PageBasis(key, BASES[key], _parameters(known, etas, names)) for key, (known, etas) in drawn.items()]
    times = _times(asked)
    if fit and asked.levels:
        body = asked.body if asked.body.endogenous or asked.body.start else None
        own = fit_person(asked.plan, asked.levels, body=body, method=method, id=asked.id)
        etas = _effects(own, "fitted")
        bases.insert(0, _fitted(own, etas, asked.plan.products, drawn["person"][0], bases[1]))
        line, curves = own.predict(times), _curves(own, etas, times)
        return HormonePage(
            asked,
            products,
            tuple(bases),
            normal,
            crowd,
            _curve(asked, times, line, curves, probability, "fitted"),
            (*own.warnings, *findings(own)),
        )
    known = prior(asked.plan, cards_of(asked.plan), asked.body)
    everyone, etas = drawn["mean curve"]
    place = {name: i for i, name in enumerate(everyone.problem.effects)}
    sd = asked.body.endogenous.sd_log if asked.body.endogenous else 0.0
    columns = [etas[:, place[name]] if name in place else -sd * normal for name in known.problem.effects]
    line = point_levels(point(asked.plan, cards_of(asked.plan), asked.body), times)
    curves = _curves(known, np.stack(columns, axis=1), times)
    return HormonePage(
        asked, products, tuple(bases), normal, crowd, _curve(asked, times, line, curves, probability, "mean curve")
    )


def _product(name: str) -> PageProduct:
    card = product_card(name)
    assert card.product is not None
    values = typical(at_published(card), {})
    return PageProduct(
        name, card.title.split(":")[0], card.product, card, (values["k1"], values["k2"], values["k"], 1.0 / values["V"])
    )


def _even(size: int, seed: int, count: int = COUNT) -> np.ndarray:
    """Standard normal draws (count, size) that fill the space evenly (Sobol, scrambled), in an order by chance."""
    generator = np.random.default_rng(seed)
    points = qmc.Sobol(size, scramble=True, rng=generator).random(count)
    return generator.permutation(ndtri(np.clip(points, 1e-12, 1.0 - 1e-12)))


def _effects(fit: Fit, key: Basis, count: int = COUNT) -> np.ndarray:
    """Draws of a fit's effects (count, effects): evenly from a normal posterior, or those that it was sampled with.

    The few effects of each product are even together; between products the order by chance keeps them independent.
    """
    if fit.draws is not None:
        return fit.sample(count)
    parts = [name.partition("@")[2] for name in fit.problem.effects]
    seed = 100 * list(BASES).index(key)
    z = np.empty((count, len(parts)))
    for i, part in enumerate(dict.fromkeys(parts)):
        own = [place for place, name in enumerate(parts) if name == part]
        z[:, own] = _even(len(own), seed + i, count)
    return fit.eta + z @ np.linalg.cholesky(fit.covariance).T


def _parameters(fit: Fit, etas: np.ndarray, names: Sequence[str]) -> dict[str, np.ndarray]:
    found = individual_draws(fit.problem.likelihood, etas, fit.problem.now)
    columns = {name: [np.asarray(found[f"{what}@{name}"]) for what in ("k1", "k2", "k", "V")] for name in names}
    return {name: np.stack([k1, k2, k, 1.0 / volume], axis=1) for name, (k1, k2, k, volume) in columns.items()}


def _fitted(fit: Fit, etas: np.ndarray, names: Sequence[str], everyone: Fit, person: PageBasis) -> PageBasis:
    """A person's products as they were fitted; of the others, `person` tells as much as the levels do: nothing more."""
    points = np.vstack([fit.eta, etas])
    unknown = _parameters(everyone, np.zeros((1, len(everyone.eta))), tuple(person.draws))
    others = {name: np.vstack([unknown[name], values]) for name, values in person.draws.items()}
    by_name = others | _parameters(fit, points, names)
    volume = individual_draws(fit.problem.likelihood, points, fit.problem.now).get(f"V@{ENDOGENOUS}")
    level = None if volume is None else 1.0 / np.asarray(volume)
    return PageBasis(
        "fitted",
        BASES["fitted"],
        {name: values[1:] for name, values in by_name.items()},
        {name: values[:1] for name, values in by_name.items()},
        None if level is None else level[1:],
        None if level is None else float(level[0]),
    )


def _curves(fit: Fit, etas: np.ndarray, times_h: Sequence[float]) -> np.ndarray:
    found = predict_draws(fit.problem.likelihood, etas, fit.problem.at(list(times_h)))
    return np.asarray(found)[:, : len(times_h)]


def _curve(
    asked: HormonePlan, times: Sequence[float], line: np.ndarray, curves: np.ndarray, probability: float, basis: Basis
) -> Curve:
    low, median, high = np.quantile(curves, (0.5 - probability / 2, 0.5, 0.5 + probability / 2), axis=0)
    ids = tuple(product_card(name).id for name in asked.plan.products)
    return Curve(asked.plan, ids, np.asarray(times), line, low, median, high, probability, basis)


def _times(asked: HormonePlan) -> list[float]:
    plan, given = asked.plan, [one.dose for one in asked.plan.given()]
    seen = [one.time_h for one in asked.levels]
    begin, end = min([plan.start_h, *seen]), max([plan.horizon_h, *seen])
    events = {t for one in given for t in (one.time_h, one.time_h + one.removed_after_h) if begin <= t <= end}
    dense = {t + s for t in events for s in AFTER_H if t + s <= end} if len(events) <= 120 else set[float]()
    return sorted({float(t) for t in np.linspace(begin, end, POINTS)} | dense)
