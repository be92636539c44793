"""A dose repeated at a fixed interval."""

from __future__ import annotations

from dataclasses import dataclass

from individose.base import InputError
from individose.events import Subject, expand_doses


@dataclass(frozen=True)
class Regimen:
    """`amount_mg` every `interval_h`, each over `duration_h` (0: bolus, or all at once into a depot)."""

    amount_mg: float
    interval_h: float
    duration_h: float = 0.0

    def __post_init__(self) -> None:
        if not (self.amount_mg > 0 and 0 <= self.duration_h <= self.interval_h and self.interval_h > 0):
            raise InputError(
                f"a regimen of {self.amount_mg:g} mg every {self.interval_h:g} h over {self.duration_h:g} h",
                "an amount and an interval above 0, and a duration of at most the interval",
                "a regimen repeats without overlapping itself",
                "Correct the regimen.",
            )

    @property
    def daily_mg(self) -> float:
        return self.amount_mg * 24.0 / self.interval_h

    def __str__(self) -> str:
        over = f" over {self.duration_h:g} h" if self.duration_h else ""
        return f"{self.amount_mg:g} mg every {self.interval_h:g} h{over}"


def current_regimen(subject: Subject) -> Regimen | None:
    """The regimen a patient is on: the one that the last record prescribes (ADDL and II, or a steady state), or the last dose
    at the last interval where the last three doses are alike (amounts within 1 %, intervals within a quarter).

    None when there is no such pattern, and where the last dose is a patch that is taken off: then nothing is assumed.
    """
    if subject.doses and subject.doses[-1].removed_after_h > 0:
        return None
    planned = subject.doses[-1] if subject.doses else None
    if planned is not None and planned.additional > 0 and planned.interval_h > planned.duration_h:
        return Regimen(planned.amount_mg, planned.interval_h, planned.duration_h)
    doses = expand_doses(subject)
    if doses and doses[-1].steady_state and doses[-1].interval_h > doses[-1].duration_h:
        return Regimen(doses[-1].amount_mg, doses[-1].interval_h, doses[-1].duration_h)
    if len(doses) < 3:
        return None
    first, before, last = doses[-3:]
    interval, earlier = last.time_h - before.time_h, before.time_h - first.time_h
    alike = abs(last.amount_mg - before.amount_mg) <= 0.01 * before.amount_mg and last.duration_h == before.duration_h
    regular = interval > 0 and abs(interval - earlier) <= 0.25 * interval
    if not (alike and regular) or last.amount_mg <= 0 or last.duration_h > interval or last.into != before.into:
        return None
    return Regimen(last.amount_mg, interval, last.duration_h)
