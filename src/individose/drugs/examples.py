"""Worked examples: what each equation gives for a patient whom somebody has worked out by hand from the paper."""

from __future__ import annotations

import math
from collections.abc import Mapping

from individose.base.errors import CardError, IndividoseError
from individose.drugs import registers
from individose.drugs.card import Card, Check
from individose.drugs.document import CheckTable, Document, read
from individose.drugs.spelling import listing
from individose.drugs.typical import typical


def example(found: Document, position: int, scales: Mapping[str, float]) -> Check:
    """One worked example of a card file, in canonical units.

    **Raises:** `CardError` for a parameter that the card has not.
    """
    path = f"checks[{position}]"
    row = read(found.checks[position], CheckTable, path, found.id)
    unknown = [name for name in row.expect if name not in scales]
    if unknown or not row.expect or not 0.0 < row.rtol <= 0.01:
        raise CardError(
            f"{found.id}: {path} expects {listing(row.expect)} to {row.rtol}",
            f"parameters are {listing(scales)}, rtol is above 0 and at most 0.01",
            "the card's [parameters]",
            "Correct the example.",
        )
    given = {registers.quantity(name).name: value for name, value in row.given.items()}
    return Check(given, {name: value * scales[name] for name, value in row.expect.items()}, row.rtol)


def require_grounds(card: Card) -> None:
    """Hold an offered card against what its grade promises.

    **Raises:** `CardError`.
    """
    bare = [use.name for use in card.covariates if use.name not in card.domain]
    untouched = [p.name for p in card.parameters if not any(p.name in one.expect for one in card.checks)]
    missing = (
        (f"no worked example for {listing(untouched)}" if untouched else "")
        or (f"no domain for {listing(bare)}" if bare else "")
        or ("no grounds" if card.grade == "validated" and not card.grounds else "")
    )
    if missing:
        raise CardError(
            f"{card.id}: the grade is {card.grade}, but there is {missing}",
            "a checked card has a worked example for each parameter and a domain for each covariate; a validated one "
            "says on what grounds",
            "grades tell the user what stands behind the numbers",
            "Add it, or set the grade to draft.",
        )


def check(card: Card) -> None:
    """Hold a card against its worked examples.

    **Raises:** `CardError` for the first value that differs by more than its `rtol`.
    """
    for position, example in enumerate(card.checks):
        path = f"{card.id}: checks[{position}]"
        try:
            values = typical(card, example.given)
        except IndividoseError as error:
            stated = error.arrived.removeprefix(f"{card.id}: ")
            raise CardError(f"{path}: {stated}", error.allowed, error.because, error.remedy) from error
        for name, expected in example.expect.items():
            if not math.isclose(values[name], expected, rel_tol=example.rtol):
                unit = next(one.unit for one in card.parameters if one.name == name)
                raise CardError(
                    f"{path} expects {name} = {expected:.9g} {unit}, the equation gives {values[name]:.9g} {unit}",
                    f"they must agree to {example.rtol:g} (relative)",
                    "the example worked by hand from the paper",
                    "Compare equation, constants and example with the paper.",
                )
