"""Every error that individose raises on purpose, in one tree.

    IndividoseError
    ├── InputError          what the caller gave cannot be used           exit 2, HTTP 422
    │   ├── UnitError       a unit is unknown or cannot be converted
    │   └── DomainError     outside what a model was built on
    ├── CardError           a model card is wrong                         exit 2, HTTP 422
    └── NumericalError      a computation has no usable answer            exit 1, HTTP 500

A message has four beats: what arrived (with its unit), what is allowed, where that limit comes from, what to do.
Hard clinical data are not errors: they become a `Status` of the fit (see `outcomes`).
"""

from __future__ import annotations


class IndividoseError(Exception):
    """Root of the tree; `exit_code` and `http_status` tell the faces of the program how to end.

    **Arguments:** each one a sentence or a clause; empty ones are left out.

    - `arrived`: what was given, with value and unit.
    - `allowed`: what would have been accepted.
    - `because`: where the limit comes from.
    - `remedy`: what to do now.
    - `subject`: the patient, where there is one (set by the code that knows it).
    """

    exit_code = 1
    http_status = 500

    def __init__(
        self, arrived: str, allowed: str = "", because: str = "", remedy: str = "", *, subject: str | None = None
    ) -> None:
        self.arrived, self.allowed, self.because, self.remedy = arrived, allowed, because, remedy
        self.subject = subject
        super().__init__(arrived, allowed, because, remedy)

    def __str__(self) -> str:
        stated = "; ".join(part.rstrip(".") for part in (self.arrived, self.allowed) if part)
        if self.because:
            stated += f" ({self.because.rstrip('.')})"
        return f"{stated}. {self.remedy}".strip()

    def about(self, subject: str) -> IndividoseError:
        """The same error, naming the patient it concerns."""
        return type(self)(self.arrived, self.allowed, self.because, self.remedy, subject=subject)


class InputError(IndividoseError):
    """What the caller gave cannot be used."""

    exit_code = 2
    http_status = 422


class UnitError(InputError):
    """A unit is unknown, or cannot be converted to the one needed."""


class DomainError(InputError):
    """A value lies outside what the model was built on."""


class CardError(IndividoseError):
    """A model card is malformed or contradicts itself."""

    exit_code = 2
    http_status = 422


class NumericalError(IndividoseError):
    """A computation has no usable answer."""
