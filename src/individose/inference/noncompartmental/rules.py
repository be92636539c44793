"""The choices that a non-compartmental analysis leaves open, as one record that travels with the result."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from individose.base import InputError

Method = Literal["linear", "lin-up-log-down", "linlog"]
METHODS: tuple[str, ...] = get_args(Method)

FEWEST = 3
"""Levels that a terminal slope needs (Phoenix WinNonlin, PKNCA)."""


@dataclass(frozen=True)
class Rules:
    """How areas are taken and which levels make the terminal slope.

    **Arguments:**

    - `method`: `linear` trapezoids; `lin-up-log-down`, logarithmic where the level falls; `linlog`, logarithmic after
      the peak.
    - `after_last`: levels below the limit after the last quantified one are `zero` (they end AUCall) or `drop`.
    - `terminal`: None for the best adjusted R2, a number of last levels, or the times (h since the dose) from and to
      which levels are used, both included.
    - `intervals`: times (h since the dose) between which partial areas are wanted.
    """

    method: Method = "lin-up-log-down"
    after_last: Literal["zero", "drop"] = "zero"
    terminal: int | tuple[float, float] | None = None
    intervals: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise InputError(
                f"the method '{self.method}' was asked for",
                f"one of {', '.join(METHODS)}",
                "docs/theory/nca.md",
                "Choose one of them.",
            )
        if isinstance(self.terminal, int) and self.terminal < FEWEST:
            raise InputError(
                f"a terminal slope from {self.terminal} levels was asked for",
                f"{FEWEST} levels or more",
                "through two points every line fits",
                "Give a larger number, or leave it out for the best adjusted R2.",
            )
        spans = (*self.intervals, *([self.terminal] if isinstance(self.terminal, tuple) else []))
        for start_h, end_h in spans:
            if not (0.0 <= start_h < end_h and math.isfinite(end_h)):
                raise InputError(
                    f"the time from {start_h:g} h to {end_h:g} h was asked for",
                    "it starts at 0 h or later and ends after its start",
                    "times count from the dose",
                    "Correct START:END.",
                )


def read_terminal(text: str) -> int | tuple[float, float]:
    """`4` as the number of last levels, `6:24` as times (h) from and to.

    **Raises:** `InputError` for anything else.
    """
    try:
        return read_span(text) if ":" in text else int(text)
    except ValueError:
        raise InputError(
            f"the levels of the terminal slope were given as '{text}'",
            "a number of last levels, or START:END in h since the dose",
            remedy="As in 4, or 6:24.",
        ) from None


def read_span(text: str) -> tuple[float, float]:
    """`0:24` as times (h) from and to.

    **Raises:** `InputError` for anything else.
    """
    try:
        start_h, end_h = (float(part) for part in text.split(":"))
    except ValueError:
        raise InputError(
            f"a time was given as '{text}'", "START:END in h since the dose", remedy="As in 0:24."
        ) from None
    return start_h, end_h
