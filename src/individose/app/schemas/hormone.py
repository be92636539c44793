"""The JSON plan, `hormone/1`: what a person takes over time, and their blood tests, as a program or a person writes them.

What arrives is checked for form here; `app.actions.hormone_plans` turns it into domain records.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from individose.app.schemas.case import Number, Part, Positive, Unit, Zero

When = Annotated[
    Number | str,
    Field(
        description="When: a number in the document's `time_unit`, or a date (2024-05-01, taken as noon) or date-time "
        "(2024-05-01T08:30). All times of a document are of one kind."
    ),
]


class MovedEntry(Part):
    """A dose that was given at another time than planned."""

    dose: Annotated[int, Field(ge=1, description="Its number in this course, from 1.")]
    to: When


class CourseEntry(Part):
    """One product, given once, at stated times, or at a fixed interval."""

    product: Annotated[str, Field(min_length=1, description="Name of a product, as in EV, EEn or patch-tw.")]
    amount: Annotated[Positive, Field(description="Amount of each dose in `unit`.")]
    unit: Annotated[Unit, Field(description="UCUM code: mg, or ug/d for a patch (the release that its label states).")]
    start: Annotated[When | None, Field(description="When the first dose is given.")] = None
    times: Annotated[
        tuple[When, ...], Field(strict=False, description="When each dose is given, instead of `start` and `every`.")
    ] = ()
    every: Annotated[Positive | None, Field(description="Time between two doses in `every_unit`.")] = None
    every_unit: Annotated[Unit, Field(description="UCUM code of `every`.")] = "d"
    count: Annotated[int | None, Field(ge=1, le=10_000, description="How many doses in all.")] = None
    until: Annotated[When | None, Field(description="No dose is given after this; the horizon if left out.")] = None
    worn: Annotated[Positive | None, Field(description="How long a patch stays on; its own time if left out.")] = None
    worn_unit: Annotated[Unit, Field(description="UCUM code of `worn`.")] = "d"
    steady_state: Annotated[
        bool, Field(description="The same dose had been given at this interval until nothing changed any more.")
    ] = False
    first_amounts: Annotated[
        tuple[Positive, ...], Field(strict=False, description="Amounts of the first doses where they differ.")
    ] = ()
    missed: Annotated[tuple[int, ...], Field(strict=False, description="Numbers of doses (from 1) not given.")] = ()
    moved: Annotated[tuple[MovedEntry, ...], Field(strict=False, description="Doses given at another time.")] = ()


class TestEntry(Part):
    """One blood test."""

    __test__ = False  # not a class of tests

    time: When
    value: Annotated[Positive, Field(description="Level in `unit`, or the limit that was not reached or exceeded.")]
    unit: Annotated[Unit, Field(description="UCUM code: pg/mL, pmol/L or another of mass or amount per volume.")]
    below_limit: Annotated[bool, Field(description="The laboratory reported less than `value`.")] = False
    above_limit: Annotated[bool, Field(description="The laboratory reported more than `value`.")] = False


class BaselineEntry(Part):
    """What the body makes by itself: a constant level."""

    value: Annotated[Positive, Field(description="Its median in `unit`.")]
    unit: Unit
    sd_log: Annotated[Zero, Field(description="SD of its logarithm, before any blood test; 0 where it is known.")] = 0.0


class StartEntry(Part):
    """A level at the first dose that no dose of the plan explains."""

    value: Annotated[Positive, Field(description="The level in `unit`.")]
    unit: Unit
    half_life: Annotated[Positive, Field(description="With which it falls, in `half_life_unit`.")]
    half_life_unit: Unit = "d"


class HormoneDocument(Part):
    """A plan of products over time, with blood tests where there are any."""

    format: Annotated[Literal["hormone/1"], Field(description="Version of this format.")]
    id: Annotated[str, Field(min_length=1, description="A name for the plan or the person.")] = "plan"
    time_unit: Annotated[Unit, Field(description="UCUM code of all times that are numbers.")] = "d"
    courses: Annotated[tuple[CourseEntry, ...], Field(strict=False, min_length=1, description="In any order.")]
    horizon: Annotated[
        When | None, Field(description="The end of the plan; one interval after the last dose if left out.")
    ] = None
    levels: Annotated[tuple[TestEntry, ...], Field(strict=False, description="Blood tests, in any order.")] = ()
    baseline: BaselineEntry | None = None
    start_level: StartEntry | None = None
    note: Annotated[str | None, Field(description="Anything, such as the source; it is not read.")] = None
