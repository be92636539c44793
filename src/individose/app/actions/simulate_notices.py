"""What a reader of simulated patients must know: who has no levels, and which run of a clock the times belong to."""

from __future__ import annotations

import numpy as np

from individose.base import Notice
from individose.events import Reset, Subject
from individose.inference.estimate import require_solved


def last_run(template: Subject) -> tuple[Notice, ...]:
    """That the times are those of the last run of a clock that restarts: the doses before it are gone."""
    if not any(isinstance(event, Reset) and event.restarts for event in template.events):
        return ()
    said = "The clock restarts (a reset with a dose, EVID 4): the times of the levels are those after its last restart."
    return (Notice("last-run", said, "caution"),)


def unsolved(levels: np.ndarray) -> tuple[Notice, ...]:
    """Takes the levels of those away who have not one at every time, and says how many they are.

    **Raises:** `NumericalError` where that is everybody.
    """
    finite = np.isfinite(levels).all(axis=1)
    count = int((~finite).sum())
    if not count:
        return ()
    levels[~finite] = np.nan
    if count == len(levels):
        require_solved(levels)
    said = (
        f"{count} of {len(levels)} virtual patients could not be solved (their parameters are extreme, more comes in than "
        "they can eliminate, or too many doses are under way at once): they have no levels, and the quantiles are those "
        "of the others."
    )
    return (Notice("not-solved", said, "warning"),)
