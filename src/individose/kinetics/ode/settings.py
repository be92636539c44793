"""How precisely a system is solved, and how a solve can end."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from individose.base import InputError


class Reason(IntEnum):
    """Why a solve stopped; small enough to leave a compiled program."""

    SOLVED = 0
    MAX_STEPS = 1
    STEP_TOO_SMALL = 2
    NOT_FINITE = 3
    NO_STEADY_STATE = 4
    NO_END = 5


SENTENCES = {
    Reason.SOLVED: "The equations were solved within the tolerance.",
    Reason.MAX_STEPS: "The solver took its greatest number of steps and did not reach the end; "
    "the parameters may be extreme, or the system needs an implicit method.",
    Reason.STEP_TOO_SMALL: "The tolerance cannot be met with any step that still moves the clock.",
    Reason.NOT_FINITE: "The equations gave no finite rate of change.",
    Reason.NO_STEADY_STATE: "No steady state was found: more drug comes in than can be eliminated, or none exists.",
    Reason.NO_END: "The level does not fall to nothing: what lies under it has no end.",
}


@dataclass(frozen=True)
class Settings:
    """Tolerances of one solve.

    **Arguments:** the error of each step stays below `rtol` times the compartment plus `atol` times the drug in all
    compartments at the last event (for a response: times its own value there); `max_steps` counts the steps between
    two records.

    **Raises:** `InputError` when one is not positive.
    """

    rtol: float = 1e-8
    atol: float = 1e-10
    max_steps: int = 10_000
    march: int = 0

    def __post_init__(self) -> None:
        if not (self.rtol > 0 and self.atol >= 0 and self.max_steps > 0 and self.march >= 0):
            raise InputError(
                f"rtol is {self.rtol:g}, atol is {self.atol:g}, max_steps is {self.max_steps}, march is {self.march}",
                "rtol and max_steps are above 0, atol and march are 0 or above",
                "an adaptive solver compares its error with them",
                "Leave them out to have 1e-8, 1e-10 and 10 000.",
            )


DEFAULT = Settings()
"""The precise solver."""
