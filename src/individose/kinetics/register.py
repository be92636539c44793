"""Which systems there are, by the words that a card uses."""

from __future__ import annotations

from individose.base import CardError
from individose.kinetics.linear.one_compartment import FIRST_ORDER, INTRAVENOUS
from individose.kinetics.system import System

SYSTEMS: dict[tuple[str, str], System] = {
    ("one_compartment", "bolus"): INTRAVENOUS,
    ("one_compartment", "infusion"): INTRAVENOUS,
    ("one_compartment", "first_order"): FIRST_ORDER,
}
"""(disposition, input) to system."""


def compose(disposition: str, inputs: tuple[str, ...]) -> System:
    """The system of a disposition and its inputs; the first input is where a plain dose goes.

    **Raises:** `CardError` when there is no such combination.
    """
    found = [SYSTEMS.get((disposition, name)) for name in inputs]
    chosen = [system for system in found if system is not None]
    if not inputs or len(chosen) != len(inputs):
        known = ", ".join(f"{d} with {i}" for d, i in SYSTEMS)
        raise CardError(
            f"the system is {disposition} with input {', '.join(inputs) or 'none'}",
            f"there are {known}",
            "the kinetics room's register",
            "Write the card with one of these.",
        )
    return max(chosen, key=lambda system: system.size)
