"""Cards made of cards: at their published point values, for one person, and several of them side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from individose.base.errors import CardError
from individose.drugs.card import Card, Effect, Parameter, Residual, Source
from individose.drugs.expression import Num, renamed

ENDOGENOUS, START = "endogenous", "start"
"""Names of the parts that no product is: what the body makes by itself, and what was there at the beginning."""


def at_published(card: Card) -> Card:
    """The card at the paper's point values: the curve that other programs draw. The card itself where it has none."""
    point = {one.name: one for one in card.published}
    return replace(card, parameters=tuple(point.get(one.name, one) for one in card.parameters))


def for_person(card: Card) -> Card:
    """The card for one person: how well the mean curve is known, and how persons differ from it, taken together.

    Both are normal on the scale of the effects, and independent: their covariances add up.

    **Raises:** `CardError` for a card of a mean curve that does not say how persons differ.
    """
    if card.spread == "patients":
        return card
    if not card.between:
        raise CardError(
            f"{card.id} tells how well the mean curve is known, and not how persons differ from it",
            "a card with [between]",
            "a person's own curve lies elsewhere than the mean of many",
            "Add [between] to the card.",
        )
    more = {effect.parameter: effect.omega2 for effect in card.between}
    effects = tuple(replace(e, omega2=e.omega2 + more.get(e.parameter, 0.0)) for e in card.effects)
    omega = tuple(
        tuple(value + (more.get(card.effects[i].parameter, 0.0) if i == j else 0.0) for j, value in enumerate(row))
        for i, row in enumerate(card.omega)
    )
    # a parameter whose mean is known through others only has no effect of its own yet
    known = {effect.parameter for effect in card.effects}
    own = tuple(effect for effect in card.between if effect.parameter not in known)
    alone = tuple(tuple(e.omega2 if i == j else 0.0 for j in range(len(own))) for i, e in enumerate(own))
    return replace(card, effects=effects + own, omega=_beside([omega, alone]), spread="patients", between=())


@dataclass(frozen=True)
class Endogenous:
    """What the body makes by itself: a constant level, log-normal around `median_mg_L` with `sd_log` (0: known)."""

    median_mg_L: float
    sd_log: float = 0.0


def endogenous(level: Endogenous) -> Card:
    """A part whose level stays: 1 mg in a volume of 1/level that nothing leaves."""
    return _constant(ENDOGENOUS, level.median_mg_L, 0.0, level.sd_log)


def start(level_mg_L: float, half_life_h: float) -> Card:
    """A part whose level falls from the beginning on, with a half-life that is stated."""
    return _constant(START, level_mg_L, math.log(2.0) / half_life_h, 0.0)


def _constant(name: str, level_mg_L: float, rate: float, sd_log: float) -> Card:
    def said(parameter: str, value: float, unit: str) -> Parameter:
        return Parameter(parameter, f"{value:.17g}", unit, Num(value), "", unit, Num(value))

    return Card(
        id=name,
        drug=name,
        title="A level that no product gives",
        grade="checked",
        disposition="one_compartment",
        inputs=("bolus",),
        source=Source("", ""),
        domain={},
        covariates=(),
        constants={},
        parameters=(said("k", rate, "1/h"), said("V", 1.0 / level_mg_L, "L")),
        effects=(Effect("V", sd_log**2, stated=f"sd = {sd_log:g}"),) if sd_log > 0.0 else (),
        omega=((sd_log**2,),) if sd_log > 0.0 else (),
        residual=Residual("sd2 = a2 + b2 f2", 0.0, 0.0),
    )


def together(parts: Sequence[tuple[str, Card]]) -> Card:
    """Several cards in one body: their levels add up, and their effects are independent of one another.

    Parameters are called after their part (`k1@EV`). The residual error is that of the first.

    **Raises:** `CardError` for no card at all, two of one name, or one that cannot be added to others: with covariates,
    effects by occasion, a lag or a bioavailability, several analytes, or no closed form.
    """
    names = [name for name, _ in parts]
    if not parts or len(set(names)) < len(names):
        raise CardError(
            f"{', '.join(names) or 'no card'} are to be put side by side", "at least one card, each of its own name"
        )
    for _, card in parts:
        _refuse_alone(card)
    cards = [card for _, card in parts]
    first = cards[0]
    parameters = tuple(_of_part(parameter, name, card) for name, card in parts for parameter in card.parameters)
    effects = tuple(replace(e, parameter=f"{e.parameter}@{name}") for name, card in parts for e in card.effects)
    return replace(
        first,
        id=" + ".join(card.id for card in cards),
        title="Several products in one person" if len(parts) > 1 else first.title,
        disposition="",
        inputs=(),
        stages=0,
        parameters=parameters,
        effects=effects,
        omega=_beside([card.omega for card in cards]),
        published=(),
        between=(),
        checks=(),
        product=None,
        parts=tuple(parts),
    )


def _of_part(parameter: Parameter, part: str, card: Card) -> Parameter:
    """A parameter under the name of its part, as are those that its equation reads."""
    names = {one.name: f"{one.name}@{part}" for one in card.parameters}
    return replace(
        parameter,
        name=names[parameter.name],
        expr=renamed(parameter.expr, names),
        form=None if parameter.form is None else renamed(parameter.form, names),
        uses=tuple(names[one] for one in parameter.uses),
    )


def _refuse_alone(card: Card) -> None:
    inner = [p.name for p in card.parameters if p.name.rstrip("0123456789") in ("F", "lag", "duration", "rate")]
    why = (
        ("it has covariates" if card.covariates else "")
        or ("it has effects by occasion" if any(e.level == "occasion" for e in card.effects) else "")
        or (f"it has {', '.join(inner)}" if inner else "")
        or ("it has several analytes" if card.metabolite or card.effect else "")
        or ("it is nonlinear" if card.elimination != "linear" else "")
    )
    if why:
        raise CardError(
            f"{card.id} is to be put beside other cards, and {why}",
            "linear cards of one analyte, with constant parameters and no lag or bioavailability",
            "only levels of such cards are added up",
            "Use it alone.",
        )


def _beside(blocks: Sequence[tuple[tuple[float, ...], ...]]) -> tuple[tuple[float, ...], ...]:
    size = sum(len(block) for block in blocks)
    rows: list[tuple[float, ...]] = []
    for block in blocks:
        before = len(rows)
        rows += [(*[0.0] * before, *row, *[0.0] * (size - before - len(block))) for row in block]
    return tuple(rows)
