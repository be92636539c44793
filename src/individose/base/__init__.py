"""Ground floor: errors, outcomes, units. Knows no drug and imports no numerical library."""

from individose.base.errors import (
    CardError,
    DomainError,
    IndividoseError,
    InputError,
    NumericalError,
    UnitError,
)
from individose.base.outcomes import Notice, Outcome, Status

__all__ = [
    "CardError",
    "DomainError",
    "IndividoseError",
    "InputError",
    "Notice",
    "NumericalError",
    "Outcome",
    "Status",
    "UnitError",
]
