"""A model card as plain JSON values; imports no schema library."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from individose.drugs import Card


def card_document(card: Card) -> dict[str, Any]:
    """All that a card says; equations as printed, without their trees, numbers in the units beside them."""
    known = asdict(card)
    for parameter in known["parameters"]:
        del parameter["expr"]
    return {"format": "card/1"} | known
