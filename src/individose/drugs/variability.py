"""Random effects and residual error of a card: from what a paper states to variances.

Two conventions of CV are in use for a log-normal parameter, omega2 = cv2 and omega2 = ln(1 + cv2); at 82 % they are
0.67 and 0.51. A card must say which; none is assumed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

from individose.base.errors import CardError
from individose.base.units import factor
from individose.drugs.card import Effect, Parameter, Residual
from individose.drugs.document import CovarianceTable, Document, EffectTable, ResidualTable, SystemTable, read
from individose.drugs.spelling import listing, suggestion

CONVENTIONS = '"omega2 = cv2" or "omega2 = ln(1 + cv2)"'


def effects(
    document: Document, scales: dict[str, float], table: Literal["variability", "between"] = "variability"
) -> tuple[Effect, ...]:
    """The random effects of a table, in the order of the file.

    **Arguments:** `scales` holds for each parameter the factor from its stated to its canonical unit.

    **Raises:** `CardError` for a parameter without equation, a variability stated in no way or in two, a CV without
    convention, or a variance that is not positive.
    """
    found: list[Effect] = []
    for name, rows in getattr(document, table).items():
        path = f"{table}.{name}"
        if name not in scales:
            raise CardError(
                f"{document.id}: {path} is given",
                f"parameters with an equation are {listing(scales)}",
                "the card's [parameters]",
                suggestion(name, scales) or f"Add an equation for {name}, or remove its variability.",
            )
        for row in rows if isinstance(rows, list) else [rows]:
            found.append(
                _effect(name, read(row, EffectTable, path, document.id), scales[name], f"{document.id}: {path}")
            )
    seen = [(effect.parameter, effect.level) for effect in found]
    for name, level in seen:
        if seen.count((name, level)) > 1:
            raise CardError(
                f"{document.id}: {table}.{name} has two effects of the level {level}",
                "one effect for each parameter and level",
                "two would not be told apart",
                "Merge them, or give one of them level = 'occasion'.",
            )
    return tuple(found)


def _effect(name: str, row: EffectTable, scale: float, where: str) -> Effect:
    stated = [(key, value) for key in ("omega2", "cv", "sd") if (value := getattr(row, key)) is not None]
    if len(stated) != 1:
        raise CardError(
            f"{where} states {listing(key for key, _ in stated)}",
            "one of omega2, cv, sd",
            "each of them alone gives the variance",
            "Write what the paper prints, once.",
        )
    key, value = stated[0]
    if not value > 0.0:
        raise CardError(
            f"{where} has {key} = {value:g}",
            f"{key} must be > 0",
            "it is a variance or its root",
            "Leave the parameter out of [variability] if it does not vary.",
        )
    if (key == "cv") != (row.convention is not None):
        raise CardError(
            f"{where} has {'cv without a convention' if key == 'cv' else f'{key} with a convention of CV'}",
            f"cv comes with convention = {CONVENTIONS}, and nothing else does",
            "both are in use, and differ by a third at a CV of 82 %",
            "Look up in the paper how its CV was computed; NONMEM papers mostly print 100 sqrt(omega2).",
        )
    if key == "cv" and row.transform != "log-normal":
        raise CardError(
            f"{where} states a CV for the transform {row.transform}",
            "a CV is read for log-normal effects",
            "its conventions are relations of the log-normal distribution",
            "State omega2 or sd.",
        )
    if (row.transform == "box-cox") != (row.shape is not None):
        raise CardError(
            f"{where} has transform {row.transform} and shape {row.shape}",
            "shape is given for box-cox, and for nothing else",
            "it is the transform's parameter",
            "Add or remove the shape.",
        )
    if row.shape == 0.0:
        raise CardError(
            f"{where} has shape 0",
            "a shape other than 0",
            "at 0 Box and Cox's transform is the log-normal one",
            'Write transform = "log-normal".',
        )
    omega2 = {"omega2": value, "sd": value**2}.get(key)
    if omega2 is None:
        omega2 = value**2 if row.convention == "omega2 = cv2" else math.log1p(value**2)
    if row.transform == "normal":
        omega2 *= scale**2  # an additive effect is in the parameter's own unit
    said = f"{key} = {value!r}" + (f", {row.convention}" if row.convention else "")
    return Effect(name, omega2, row.transform, row.level, said, row.shape)


def omega(document: Document, found: tuple[Effect, ...], scales: dict[str, float]) -> tuple[tuple[float, ...], ...]:
    """The full covariance of the effects, in their order.

    **Raises:** `CardError` for a covariance of something that does not vary, or a matrix that is not positive definite.
    """
    matrix = [[effect.omega2 if i == j else 0.0 for j in range(len(found))] for i, effect in enumerate(found)]
    places = {(effect.parameter, effect.level): i for i, effect in enumerate(found)}
    for position, raw in enumerate(document.covariance):
        path = f"covariance[{position}]"
        row = read(raw, CovarianceTable, path, document.id)
        missing = [name for name in row.of if (name, row.level) not in places]
        if missing or row.of[0] == row.of[1]:
            raise CardError(
                f"{document.id}: {path} is of {row.of[0]} and {row.of[1]} (level {row.level})",
                f"two of {listing(name for name, level in places if level == row.level)}",
                "the card's [variability] of that level",
                "Name two different parameters that vary.",
            )
        if (row.omega2 is None) == (row.correlation is None):
            raise CardError(
                f"{document.id}: {path} states {'neither' if row.omega2 is None else 'both'} omega2 and correlation",
                "one of the two",
                "each of them alone gives the covariance",
                "Write what the paper prints, once.",
            )
        i, j = (places[name, row.level] for name in row.of)
        if row.omega2 is not None:
            units = [scales[name] for name, k in zip(row.of, (i, j), strict=True) if found[k].transform == "normal"]
            value = row.omega2 * math.prod(units)
        else:
            value = (row.correlation or 0.0) * math.sqrt(found[i].omega2 * found[j].omega2)
        matrix[i][j] = matrix[j][i] = value
    failing = _first_failing_pivot(matrix)
    if failing is not None:
        raise CardError(
            f"{document.id}: covariance: the covariances of {found[failing].parameter} make omega indefinite",
            "omega must be positive definite",
            "it is the covariance of a distribution; a correlation lies between -1 and 1",
            "Check the covariances against the paper: correlation or covariance, SD or variance.",
        )
    return tuple(tuple(row) for row in matrix)


def _first_failing_pivot(matrix: list[list[float]]) -> int | None:
    """Row at which Cholesky's factorisation meets a pivot that is not positive; None for a positive definite matrix."""
    lower = [[0.0] * len(matrix) for _ in matrix]
    for i, row in enumerate(matrix):
        for j in range(i + 1):
            rest = row[j] - sum(lower[i][k] * lower[j][k] for k in range(j))
            if i == j and rest <= 1e-12 * row[i]:
                return i
            lower[i][j] = math.sqrt(rest) if i == j else rest / lower[j][j]
    return None


def residual(document: Document) -> tuple[Residual, dict[str, Residual]]:
    """The residual error of a card, and those of single analytes that have their own: `[residual.metabolite]`.

    SDs are in mg/L where additive, fractions where proportional, on the log scale where log-additive.

    **Raises:** `CardError` for an error stated twice, not at all, in numbers that its convention does not have, or not
    positive, and for a card of which one analyte is Student-t and another normal; `UnitError` for its unit.
    """
    own = {name: row for name, row in document.residual.items() if isinstance(row, dict) and name not in ROWS}
    common = {name: value for name, value in document.residual.items() if name not in own}
    first = _residual(document, common, "residual")
    found = {name: _residual(document, row, f"residual.{name}") for name, row in own.items()}
    if len({one.nu is None for one in (first, *found.values())}) > 1:
        raise CardError(
            f"{document.id}: residual errors are Student-t for one analyte and normal for another",
            "all of a card are of one kind",
            "they are computed side by side",
            "Give each its nu; a large one (100) is nearly normal.",
        )
    return first, found


ROWS = ("additive", "power")
"""Keys of a residual error that are tables themselves, not analytes."""

STATES = {
    "sd = a + b f": ("proportional", "additive"),
    "sd2 = a2 + b2 f2": ("proportional", "additive"),
    "sd = a + b f**c": ("power", "additive"),
    "ln y = ln f + e": ("log",),
}
"""What each convention is stated in."""

WORDS = {
    "proportional": "proportional or proportional_variance",
    "additive": "additive",
    "power": "power",
    "log": "log_sd or log_variance",
}


def _residual(document: Document, raw: dict[str, Any], path: str) -> Residual:
    row = read(raw, ResidualTable, path, document.id)
    where = f"{document.id}: {path}"
    kinds = {
        "proportional": (row.proportional, row.proportional_variance),
        "additive": (row.additive,),
        "power": (row.power,),
        "log": (row.log_sd, row.log_variance),
    }
    given = [kind for kind, values in kinds.items() if any(value is not None for value in values)]
    allowed = STATES[row.convention]
    if alien := [kind for kind in given if kind not in allowed]:
        raise CardError(
            f'{where}: "{row.convention}" comes with {listing(alien)}',
            f"it is stated in {listing(WORDS[kind] for kind in allowed)}",
            "the convention says which numbers there are",
            "Choose the convention of the paper.",
        )
    if not given or (row.convention == "sd = a + b f**c" and row.power is None):
        raise CardError(
            f"{where} states no error" if not given else f"{where} has no power",
            " or ".join(WORDS[kind] for kind in allowed),
            "without residual error a level would be taken for exact",
            "Write what the paper prints.",
        )
    if row.nu is not None and not row.nu > 2.0:
        raise CardError(
            f"{where}: nu = {row.nu:g}",
            "nu > 2",
            "Student's t has no variance otherwise",
            "4 is usual for levels that may be mistimed.",
        )
    additive, proportional, exponent = 0.0, 0.0, 1.0
    if row.additive is not None:
        here = f"{where}.additive"
        scale = factor(row.additive.unit, "mg/L", here, document.molar_mass_g_mol)
        additive = scale * _sd(row.additive.sd, row.additive.variance, here, "sd")
    if row.power is not None:
        _sd(row.power.coefficient, None, f"{where}.power", "coefficient")
        _sd(row.power.exponent, None, f"{where}.power", "exponent")
        scale = factor(row.power.unit, "mg/L", f"{where}.power", document.molar_mass_g_mol)
        exponent = row.power.exponent
        proportional = row.power.coefficient * scale ** (1.0 - exponent)
    elif "log" in given:
        proportional = _sd(row.log_sd, row.log_variance, where, "log_sd", "log_variance")
    elif "proportional" in given:
        proportional = _sd(row.proportional, row.proportional_variance, where, "proportional")
    return Residual(row.convention, additive, proportional, exponent, row.nu)


def _sd(sd: float | None, variance: float | None, where: str, key: str, name: str = "") -> float:
    name = name or ("variance" if key == "sd" else f"{key}_variance")
    if sd is not None and variance is not None:
        raise CardError(
            f"{where} states both {key} and {name}", "one of the two", "one is the root of the other", "Remove one."
        )
    for label, value in ((key, sd), (name, variance)):
        if value is not None and not value > 0.0:
            raise CardError(
                f"{where}: {label} = {value:g}",
                f"{label} must be > 0",
                "it is an SD or a variance",
                "Leave out a zero.",
            )
    return sd if sd is not None else math.sqrt(variance or 0.0)


def check_logits(card_id: str, random: tuple[Effect, ...], parameters: tuple[Parameter, ...]) -> None:
    """Only a fraction has a logit.

    **Raises:** `CardError`.
    """
    units = {parameter.name: parameter.unit for parameter in parameters}
    for effect in random:
        if effect.transform == "logit-normal" and units[effect.parameter] != "1":
            raise CardError(
                f"{card_id}: the effect on {effect.parameter} ({units[effect.parameter]}) is logit-normal",
                "a fraction (F, fm)",
                "a logit is that of a number between 0 and 1",
                'Write transform = "log-normal", or let the effect act on a fraction.',
            )


def check_analytes(card_id: str, system: SystemTable, errors: Mapping[str, Residual]) -> None:
    """Only what the system is observed as has a residual error.

    **Raises:** `CardError`.
    """
    known = ("central", "metabolite") if system.metabolite else ("central",)
    for name in errors:
        if name not in known:
            raise CardError(
                f"{card_id}: residual.{name} is given",
                f"the system is observed as {listing(known)}",
                "what is not observed has no residual error",
                suggestion(name, known) or "Remove it.",
            )
