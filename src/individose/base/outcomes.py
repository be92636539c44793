"""How a computation ended, and what the reader must know, as values.

A fit never raises on hard data: it carries a `Status`. A limitation that a clinician must see is a `Notice`;
it travels with the result to the screen, the JSON and the report, and is never only logged.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal


class Outcome(IntEnum):
    """Codes small enough to leave a compiled program; the order is from good to bad."""

    CONVERGED = 0
    FLAT = 1
    MULTI_MODAL = 2
    BOUND = 3
    FAILED = 4


SENTENCES = {
    Outcome.CONVERGED: "The search reached an optimum: the gradient vanishes and the curvature is positive.",
    Outcome.FLAT: "The levels say nothing about at least one parameter, which stays at its typical value.",
    Outcome.MULTI_MODAL: "Another set of parameters explains the levels nearly as well; the interval does not cover it.",
    Outcome.BOUND: "A parameter went to the edge of what is plausible (beyond 6 standard deviations of the population); "
    "check the doses, the sampling times and the units of this patient.",
    Outcome.FAILED: "The search found no optimum within its steps, or the model gave no finite level; "
    "the typical patient is reported instead. Check the doses, the sampling times and the units of this patient.",
}


@dataclass(frozen=True)
class Status:
    """`code` in lower case (`converged`, `flat`, `multi-modal`, `bound`, `failed`) and a sentence for a person."""

    outcome: Outcome
    sentence: str = ""

    def __post_init__(self) -> None:
        if not self.sentence:
            object.__setattr__(self, "sentence", SENTENCES[self.outcome])

    @property
    def code(self) -> str:
        return self.outcome.name.lower().replace("_", "-")

    @property
    def ok(self) -> bool:
        """Whether the numbers of the fit may be used."""
        return self.outcome is not Outcome.FAILED


Grade = Literal["note", "caution", "warning"]


@dataclass(frozen=True)
class Notice:
    """Something the reader of a result must know.

    **Arguments:** `code` is stable and meant for programs, `sentence` is meant for people; `grade` is `note`
    (how something was understood), `caution` (the result may be off) or `warning` (do not use without a second look).
    """

    code: str
    sentence: str
    grade: Grade = "caution"
