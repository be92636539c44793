"""What a person takes over time: products, each repeated in its own way, with the doses that were missed or moved.

A plan is written once and expanded to single doses up to a horizon. Times are hours on one clock, amounts mg.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from individose.base.errors import InputError
from individose.events.records import Dose

MOST = 10_000
"""Doses of one plan; more would be a slip."""

LATEST = 4
"""Intervals that a patch may be worn where a steady state is asked for: those worn at once are added up one by one."""


@dataclass(frozen=True)
class Course:
    """One product, given once or repeated.

    **Arguments:**

    - `product`: the name of what is given; `amount_mg` of each dose.
    - `start_h`: when the first dose is given; `interval_h` between doses (0: a single one).
    - `count` of doses in all, or `until_h` after which none is given; neither: up to the plan's horizon.
    - `worn_h`: > 0 for a patch that is taken off after this time.
    - `steady`: the same dose had been given at this interval for so long that nothing changed any more.
    - `first_mg`: amounts of the first doses where they differ (loading doses).
    - `missed`: numbers of the doses (from 1) that were not given; `moved_h`: by number, when a dose was given instead.
    """

    product: str
    amount_mg: float
    start_h: float = 0.0
    interval_h: float = 0.0
    count: int | None = None
    until_h: float | None = None
    worn_h: float = 0.0
    steady: bool = False
    first_mg: tuple[float, ...] = ()
    missed: frozenset[int] = frozenset()
    moved_h: Mapping[int, float] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        _check(self)

    def __hash__(self) -> int:
        return hash((self.product, self.amount_mg, self.start_h, self.interval_h))


@dataclass(frozen=True)
class Given:
    """One dose of a plan: its course (by position), its number there (from 1), and the dose itself."""

    course: int
    number: int
    product: str
    dose: Dose


@dataclass(frozen=True)
class Plan:
    """Courses in any order, up to `horizon_h`."""

    courses: tuple[Course, ...]
    horizon_h: float

    def __post_init__(self) -> None:
        if not self.courses or not math.isfinite(self.horizon_h):
            raise InputError(
                f"a plan has {len(self.courses)} courses up to {self.horizon_h} h",
                "at least one course, and a horizon that is a number",
                remedy="Say what is given, and until when.",
            )

    @property
    def products(self) -> tuple[str, ...]:
        """The products in the order in which they are named."""
        return tuple(dict.fromkeys(course.product for course in self.courses))

    @property
    def start_h(self) -> float:
        """The time of the first dose."""
        return min(one.dose.time_h for one in self.given())

    def given(self) -> tuple[Given, ...]:
        """Every dose up to the horizon, in order of time; the steady state of a course is part of its first dose.

        **Raises:** `InputError` for more than `MOST` doses, or none.
        """
        found: list[Given] = []
        for place, course in enumerate(self.courses):
            found += _given(place, course, self.horizon_h)
            if len(found) > MOST:
                raise InputError(
                    f"the plan has more than {MOST} doses up to {self.horizon_h:g} h",
                    f"at most {MOST}",
                    "more would be a slip of the interval or the horizon",
                    "Correct the interval, or end the plan earlier.",
                )
        if not found:
            raise InputError(
                f"no dose is given up to {self.horizon_h:g} h",
                "at least one dose",
                "the plan's courses and what was missed of them",
                "Move the horizon behind the first dose.",
            )
        return tuple(sorted(found, key=lambda one: one.dose.time_h))


def _given(place: int, course: Course, horizon_h: float) -> list[Given]:
    end_h = horizon_h if course.until_h is None else min(course.until_h, horizon_h)
    last = course.count if course.count is not None else 1 if course.interval_h <= 0 else None
    if last is None:
        last = max(0, math.floor((end_h - course.start_h) / course.interval_h * (1 + 1e-12) + 1e-9) + 1)
    found: list[Given] = []
    carries = course.steady
    for number in range(1, min(last, MOST + 1) + 1):
        time_h = course.start_h + (number - 1) * course.interval_h
        amount = course.first_mg[number - 1] if number <= len(course.first_mg) else course.amount_mg
        given = number not in course.missed
        time_h = course.moved_h.get(number, time_h)
        if not given or time_h > end_h * (1 + 1e-12) + 1e-9:
            continue
        dose = Dose(time_h, amount, removed_after_h=course.worn_h)
        if carries:
            dose = replace(dose, steady_state=2, interval_h=course.interval_h)
            carries = False
        found.append(Given(place, number, course.product, dose))
    return found


def _check(course: Course) -> None:
    what = f"{course.product} {course.amount_mg:g} mg"
    numbers = (course.amount_mg, course.start_h, course.interval_h, course.worn_h, *course.first_mg)
    if not all(math.isfinite(x) for x in numbers) or min(course.amount_mg, *course.first_mg, course.amount_mg) <= 0:
        raise InputError(
            f"{what} is to be given", "amounts above 0 and times that are numbers", remedy="Correct the amount."
        )
    repeated = course.count not in (None, 1) or course.until_h is not None or course.steady
    if course.interval_h < 0 or (repeated and course.interval_h <= 0) or course.worn_h < 0:
        raise InputError(
            f"{what} is repeated every {course.interval_h:g} h, worn {course.worn_h:g} h",
            "an interval above 0 wherever it repeats, and a wearing time of 0 or more",
            remedy="Say how often, as in every 7 d.",
        )
    if course.count is not None and not 1 <= course.count <= MOST:
        raise InputError(f"{what} is given {course.count} times", f"1 to {MOST} times", remedy="Correct the count.")
    if course.steady and course.worn_h > LATEST * course.interval_h:
        raise InputError(
            f"{what} is worn {course.worn_h:g} h and renewed every {course.interval_h:g} h at steady state",
            f"worn at most {LATEST} intervals",
            "patches that are worn at once are added up one by one",
            "Write the doses out (count), or wear it for a shorter time.",
        )
    odd = [n for n in (*course.missed, *course.moved_h) if n < 1 or (course.count is not None and n > course.count)]
    if odd or set(course.missed) & set(course.moved_h):
        raise InputError(
            f"dose {(odd or sorted(set(course.missed) & set(course.moved_h)))[0]} of {what} was missed or moved",
            "doses are counted from 1, and each was missed or moved, not both",
            remedy="Count the doses of this course.",
        )
    if course.steady and (1 in course.missed or 1 in course.moved_h or course.first_mg):
        raise InputError(
            f"the first dose of {what} at steady state was missed, moved or differs",
            "the first dose of a course at steady state, as it had been given",
            "the steady state is that of the doses before it",
            "Begin the course one interval earlier.",
        )
