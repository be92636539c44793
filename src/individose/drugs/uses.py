"""What the equations of a card read beside constants and parameters: covariates, the dose, the time."""

from __future__ import annotations

from individose.base.errors import CardError
from individose.drugs import registers
from individose.drugs.card import CovariateUse, Parameter
from individose.drugs.document import CovariateTable, Document, read
from individose.drugs.expression import names
from individose.drugs.spelling import listing, suggestion

Uses = tuple[CovariateUse, ...]

CARRIED: dict[str, tuple[str, ...]] = {"dose": ("forward",), "time": ("forward", "linear")}
"""How what is read of the doses may run between them."""


def uses(found: Document, parameters: tuple[Parameter, ...]) -> tuple[Uses, Uses]:
    """What the equations read of the patient, and what of the doses, with how each runs between its dates.

    **Raises:** `CardError` for a row of [covariates] that nothing reads, or a way that it cannot run.
    """
    known = {**registers.covariates(), **registers.DOSED}
    used = dict.fromkeys(name for parameter in parameters for name in names(parameter.expr) if name in known)
    rows: dict[str, CovariateTable] = {}
    for name, raw in found.covariates.items():
        rows[name] = read(raw, CovariateTable, f"covariates.{name}", found.id)
        if name not in used:
            raise CardError(
                f"{found.id}: covariates.{name} is used by no equation",
                f"the equations use {listing(used)}",
                "[covariates] says how a covariate that is used runs between its dates",
                suggestion(name, used) or "Remove the row.",
            )
    found_uses = [
        CovariateUse(
            n, known[n].unit, rows[n].carry if n in rows else "forward" if n in registers.DOSED else "backward"
        )
        for n in used
    ]
    for use in found_uses:
        if use.name in CARRIED and use.carry not in CARRIED[use.name]:
            raise CardError(
                f"{found.id}: covariates.{use.name} is carried {use.carry}",
                f"{' or '.join(CARRIED[use.name])}",
                f"{use.name} is known at the doses",
                "Leave the row out, or choose one of these.",
            )
    own, dosed = ([use for use in found_uses if (use.name in registers.DOSED) is yes] for yes in (False, True))
    return tuple(own), tuple(dosed)
