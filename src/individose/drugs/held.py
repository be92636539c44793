"""A card with some of its random effects held at 0: what fixed priors of effects leave of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from individose.base import InputError
from individose.drugs.card import Card

OCCASION = ":occ"
"""What follows a parameter's name where its effects by occasion are meant."""


def held(card: Card, names: Sequence[str]) -> Card:
    """The card without the effects of these names, exactly as if its file did not have them.

    **Arguments:** `names` as a fit prints its effects: `CL` is the patient's own effect on CL, `CL:occ` that of all
    occasions.
    What is left of a covariance is that of the other effects by themselves.

    **Raises:** `InputError` for a name that is no effect of the card, or where no effect is left.
    """
    if not names:
        return card
    known = effects(card)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise InputError(
            f"the effect '{unknown[0]}' is to be held at 0",
            f"one of {', '.join(known)}",
            f"the [variability] of {card.id}",
            "Name one of these; CL:occ stands for the effects on CL of all occasions.",
        )
    kept = [i for i, name in enumerate(known) if name not in names]
    if not kept:
        raise InputError(
            f"all effects of {card.id} ({', '.join(known)}) are to be held at 0",
            "at least one effect is left to be estimated",
            "without any, the levels have nothing to say",
            'Leave one out, or take the typical patient (the method "prior").',
        )
    return replace(
        card,
        effects=tuple(card.effects[i] for i in kept),
        omega=tuple(tuple(card.omega[i][j] for j in kept) for i in kept),
        groups=tuple(replace(group, card=held(group.card, names)) for group in card.groups),
    )


def effects(card: Card) -> tuple[str, ...]:
    """Names of a card's effects in its order, as `held` takes them."""
    return tuple(e.parameter + (OCCASION if e.level == "occasion" else "") for e in card.effects)
