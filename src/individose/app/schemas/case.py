"""The JSON case, `case/1`: one patient's doses, levels and covariates as a program or a person writes them.

What arrives is checked for form here; `app.actions.cases` turns it into domain records.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

FORMAT = "case/1"
"""The version that this program reads."""

Number = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Zero = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Unit = Annotated[str, Field(min_length=1, description="UCUM code, as in mg, ug/mL, umol/L, kg, wk.")]
Time = Annotated[
    Number | str,
    Field(
        description="When: a number in the document's `time_unit`, or a date-time as in 2024-05-01T08:30 or "
        "2024-05-01T08:30:00+02:00. All times of a document are of one kind: numbers, date-times without offset, or "
        "date-times with offset."
    ),
]


class Part(BaseModel):
    """Settings of every part: nothing unknown is accepted, and text is never taken for a number."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class CovariateEntry(Part):
    """One reading of a covariate."""

    name: Annotated[
        str, Field(min_length=1, description="Name or alias of a registered covariate, as in weight or WT.")
    ]
    value: Annotated[
        bool | Number | str,
        Field(
            description="A number in `unit`, a label such as female, or true or false: as the covariate is registered."
        ),
    ]
    unit: Annotated[
        Unit | None, Field(description="UCUM code of a number; left out where the covariate has no unit.")
    ] = None
    time: Annotated[
        Time | None, Field(description="When it was read; left out for what holds from the start (see `Time`).")
    ] = None


class DoseEntry(Part):
    """One dose, or a dose repeated at a fixed interval."""

    time: Time
    amount: Annotated[Positive, Field(description="Amount of each dose, above 0, in `unit`.")]
    unit: Unit
    duration: Annotated[
        Zero | None,
        Field(description="Length of the infusion in `duration_unit`; left out for a bolus or an oral dose."),
    ] = None
    duration_unit: Annotated[
        Unit | None, Field(description="UCUM code of `duration`; the document's `time_unit` if left out.")
    ] = None
    duration_h: Annotated[Zero | None, Field(description="Length of the infusion in hours, instead of `duration`.")] = (
        None
    )
    worn: Annotated[
        Positive | None,
        Field(
            description="How long a patch is worn, in `worn_unit`, before it is taken off with what it still holds; left "
            "out for what is not taken off."
        ),
    ] = None
    worn_unit: Annotated[
        Unit | None, Field(description="UCUM code of `worn`; the document's `time_unit` if left out.")
    ] = None
    worn_h: Annotated[Positive | None, Field(description="Hours that a patch is worn, instead of `worn`.")] = None
    every: Annotated[Positive | None, Field(description="Time between two doses in `every_unit`.")] = None
    every_unit: Annotated[
        Unit | None, Field(description="UCUM code of `every`; the document's `time_unit` if left out.")
    ] = None
    every_h: Annotated[Positive | None, Field(description="Hours between two doses, instead of `every`.")] = None
    count: Annotated[
        int | None,
        Field(ge=1, le=10_000, description="How many doses in all, the one at `time` being the first; needs `every`."),
    ] = None
    steady_state: Annotated[
        bool,
        Field(description="The same dose had been given at this interval for so long that nothing changed any more."),
    ] = False
    into: Annotated[
        str | None,
        Field(min_length=1, description="Compartment of the model that it enters; left out for the card's own."),
    ] = None


class LevelEntry(Part):
    """One measured concentration."""

    time: Time
    value: Annotated[
        Positive,
        Field(
            description="Measured concentration in `unit`, above 0; where the laboratory reports less (or more) than a "
            "limit, that limit with below_limit (or above_limit) true."
        ),
    ]
    unit: Unit
    below_limit: Annotated[bool, Field(description="The laboratory reported less than `value`.")] = False
    above_limit: Annotated[bool, Field(description="The laboratory reported more than `value`.")] = False
    analyte: Annotated[
        str | None, Field(min_length=1, description="What was measured, for a model with several analytes.")
    ] = None


class TargetEntry(Part):
    """The exposure to aim for, instead of the card's."""

    metric: Annotated[
        Literal["trough", "average", "auc", "auc24"],
        Field(
            description="Exposure at steady state: level just before a dose, average, area over an interval or over 24 h."
        ),
    ]
    low: Positive
    high: Positive
    unit: Unit
    best: Annotated[Positive | None, Field(description="What to aim at; the middle of the range if left out.")] = None


class CaseDocument(Part):
    """One patient: doses, levels and covariates, with explicit UCUM units."""

    format: Annotated[Literal["case/1"], Field(description="Version of this format.")]
    id: Annotated[str, Field(min_length=1, description="The patient's identifier, best a pseudonym.")]
    drug: Annotated[str | None, Field(min_length=1, description="The drug that was given, as in phenobarbital.")] = None
    card: Annotated[
        str | None,
        Field(pattern=r"^[\w-]+/[\w-]+$", description="Id of a model card, as in phenobarbital/grasela1985."),
    ] = None
    time_unit: Annotated[
        Unit | None, Field(description="UCUM code of all times that are numbers, and of intervals without a unit.")
    ] = None
    occasions: Annotated[
        tuple[Time, ...],
        Field(
            strict=False,
            description="When each further occasion begins, ascending; the first begins with the first dose. A dose at such "
            "a time belongs to the new occasion, a level to the old one. Read by cards that vary between occasions.",
        ),
    ] = ()
    covariates: Annotated[tuple[CovariateEntry, ...], Field(strict=False, description="Readings, in any order.")] = ()
    doses: Annotated[tuple[DoseEntry, ...], Field(strict=False, min_length=1, description="Doses, in any order.")]
    levels: Annotated[
        tuple[LevelEntry, ...],
        Field(
            strict=False,
            description="Measured levels, in any order. A level at the very time of a dose was drawn before it.",
        ),
    ] = ()
    target: TargetEntry | None = None
    note: Annotated[str | None, Field(description="Anything, such as the source; it is not read.")] = None
