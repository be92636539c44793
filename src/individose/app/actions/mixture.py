"""A mixture of subpopulations: every group is fitted by itself, and the levels say which one the patient belongs to.

The probability of group k is p_k L_k / sum_j p_j L_j, with p_k its share of the population and L_k the marginal likelihood of
the levels in it (Laplace's approximation): what NONMEM's $MIXTURE does for an individual.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from individose.base import Notice
from individose.drugs import Card
from individose.inference import Averaged, Fit, average

CERTAIN = 0.95
"""Probability of a group from which on the others are only a note."""


def weighed(card: Card, fits: Sequence[Fit]) -> Averaged | None:
    """The fits of all groups of a card, in their order, as one; None where none of them could be fitted."""
    if not any(fit.status.ok for fit in fits):
        return None
    return average(fits, prior=[group.probability for group in card.groups])


def most_probable(card: Card, fits: Sequence[Fit]) -> Fit:
    """The fit of the most probable group, with a notice of how probable each group is."""
    together = weighed(card, fits)
    if together is None:
        return fits[0]
    best = int(np.argmax(together.weights))
    return replace(fits[best], notices=(belongs(card, together), *fits[best].notices))


def belongs(card: Card, together: Averaged) -> Notice:
    """Which group the patient most probably belongs to."""
    order = np.argsort(-np.asarray(together.weights), kind="stable")
    pairs = [(card.groups[i], together.weights[i]) for i in order]
    shares = ", ".join(
        f"{group.name} {100 * weight:.3g} % ({100 * group.probability:.3g} % of the population)"
        for group, weight in pairs
    )
    sure = together.weights[order[0]] >= CERTAIN
    more = "" if sure else " A result for the first alone leaves the others out."
    return Notice(
        "mixture", f"Probability of each group, given the levels: {shares}.{more}", "note" if sure else "caution"
    )
