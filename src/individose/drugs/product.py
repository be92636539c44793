"""What a card says beside its model: how its product is dosed, and how far its effects are those of patients."""

from __future__ import annotations

from individose.base.errors import CardError
from individose.base.units import factor
from individose.drugs.card import Effect, Parameter, Product
from individose.drugs.document import Document, ProductTable, read
from individose.drugs.spelling import listing
from individose.drugs.variability import effects


def product(document: Document) -> Product | None:
    """How a dose is written, or None where a card does not say.

    **Raises:** `CardError` for a patch without the time that it is worn, `UnitError` for a unit that gives no amount.
    """
    if document.product is None:
        return None
    row = read(document.product, ProductTable, "product", document.id)
    where = f"{document.id}: product"
    patch = row.form == "patch"
    if patch != (row.worn is not None) or (row.worn is not None and not row.worn > 0.0):
        raise CardError(
            f"{where} is of the form {row.form}, with worn = {row.worn}",
            "a patch has a time above 0 that it is worn, an injection none",
            "a patch's amount is its labelled release over that time",
            "Correct the form, or the time.",
        )
    worn_h = 0.0 if row.worn is None else row.worn * factor(row.worn_unit, "h", f"{where}.worn")
    per_unit = factor(row.unit, "mg/h", where) * worn_h if patch else factor(row.unit, "mg", where)
    return Product(row.name, row.form, row.unit, per_unit, worn_h)


def between(document: Document, random: tuple[Effect, ...], scales: dict[str, float]) -> tuple[Effect, ...]:
    """The effects by which patients differ from a mean curve.

    **Raises:** `CardError` where the effects are those of patients already, or cannot be added to those of the mean.
    """
    found = effects(document, scales, "between")
    if found and document.spread == "patients":
        raise CardError(
            f"{document.id}: [between] is given, and spread is {document.spread}",
            'spread = "mean curve"',
            "only then do the effects of [variability] leave room for how patients differ",
            "Say what the effects stand for, or put the variability of patients into [variability].",
        )
    shifted = {effect.parameter for effect in random if effect.transform == "normal"}
    odd = [e for e in found if e.parameter in shifted or e.transform != "log-normal" or e.level != "subject"]
    if odd:
        raise CardError(
            f"{document.id}: [between] has {listing(effect.parameter for effect in odd)}",
            "log-normal effects by subject, on parameters that [variability] moves by their logarithm or not at all",
            "their variances are added to those of [variability]",
            "State them so, or leave these parameters out here.",
        )
    return found


def published(
    document: Document, parameters: tuple[Parameter, ...], found: tuple[Parameter, ...]
) -> tuple[Parameter, ...]:
    """The paper's own point values of what the system reads, in the order of the parameters; none where a card has none.

    **Raises:** `CardError` where some parameters are left out.
    """
    by_name = {one.name: one for one in found}
    names = [parameter.name for parameter in parameters if not parameter.auxiliary]
    if by_name and sorted(by_name) != sorted(names):
        raise CardError(
            f"{document.id}: [published] gives {listing(by_name)}",
            f"all of {listing(names)}, or none",
            "they are one curve",
            "Complete the table.",
        )
    return tuple(by_name[name] for name in names if by_name)
