"""A plan of products and a person's levels become one bound model: the cards side by side, each dose into its own part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from individose.base import InputError
from individose.drugs import Card, Endogenous, at_published, endogenous, for_person, start, together
from individose.drugs.spelling import listing, suggestion
from individose.drugs.together import ENDOGENOUS, START
from individose.events import Dose, Level, Plan, Subject
from individose.prediction.bind import Bound, bind, relation


@dataclass(frozen=True)
class Start:
    """A level at the beginning of the plan that no dose explains, and the half-life with which it falls."""

    level_mg_L: float
    half_life_h: float


@dataclass(frozen=True)
class Body:
    """What a level holds beside the products: what the body makes by itself, and what was there at the start."""

    endogenous: Endogenous | None = None
    start: Start | None = None


NOTHING_ELSE = Body()


def published(cards: Mapping[str, Card]) -> dict[str, Card]:
    """The cards at their published point values."""
    return {name: at_published(card) for name, card in cards.items()}


def personal(cards: Mapping[str, Card]) -> dict[str, Card]:
    """The cards for one person: the variability between persons is added."""
    return {name: for_person(card) for name, card in cards.items()}


def bind_plan(
    cards: Mapping[str, Card],
    plan: Plan,
    *,
    levels: Iterable[Level] = (),
    body: Body = NOTHING_ELSE,
    also: Iterable[str] = (),
    id: str = "plan",
) -> Bound:
    """One model of all products of a plan, bound to its doses and to levels, if there are any.

    Each product has one set of parameters for the whole plan, however many doses there are. A level at the very time of a
    dose was drawn before it.

    **Arguments:** `cards` by the name of the product; `body` what is there beside the products; `also` products that are not
    given, but whose parameters the model shall hold.

    **Raises:** `InputError` for a product without a card; as `together` and `bind`.
    """
    products = tuple(dict.fromkeys((*plan.products, *also)))
    missing = [name for name in products if name not in cards]
    if missing:
        raise InputError(
            f"the plan gives {missing[0]}",
            f"products are {listing(cards)}",
            "the cards that are at hand",
            suggestion(missing[0], cards) or "Use one of these names.",
        )
    parts = [(name, cards[name]) for name in products]
    given, levels = plan.given(), tuple(levels)
    first_h = min(one.time_h for one in (*levels, *(one.dose for one in given)))
    ranked: list[tuple[float, int, Dose | Level]] = []
    if body.endogenous is not None:
        parts.append((ENDOGENOUS, endogenous(body.endogenous)))
        ranked.append((first_h, 0, Dose(first_h, 1.0, into=f"central@{ENDOGENOUS}")))
    if body.start is not None:
        parts.append((START, start(body.start.level_mg_L, body.start.half_life_h)))
        begin = given[0].dose.time_h
        ranked.append((begin, 0, Dose(begin, 1.0, into=f"central@{START}")))
    ranked += [(level.time_h, 1, level) for level in levels]
    ranked += [(one.dose.time_h, 2, _into(one.dose, one.product, cards[one.product])) for one in given]
    events = tuple(event for _, _, event in sorted(ranked, key=lambda item: item[:2]))
    return bind(together(parts), Subject(id, events))


def _into(dose: Dose, product: str, card: Card) -> Dose:
    """The dose into the first compartment of its product's part."""
    system = relation(card)[0]
    return replace(dose, into=f"{system.compartments[system.entries[0].compartment]}@{product}")
