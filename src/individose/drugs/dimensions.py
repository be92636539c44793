"""Dimensional analysis of an equation: units are checked and then gone.

`elaborate` turns a parsed tree into one of plain numbers. A conversion factor appears only where two units of one
dimension differ, so that an equation printed in the units of its covariates is computed with the printed numbers.
Truth (`where`'s condition, comparisons) and numbers are kept apart; labels of categories become their place in the
register's list.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from individose.base.errors import CardError, UnitError
from individose.base.units import registry, unit
from individose.drugs.conversion import Unit, pure, ratio, through_moles, ucum
from individose.drugs.evaluate import PLAIN, evaluate
from individose.drugs.expression import Binary, Call, Compare, Expr, Logic, Name, Num, Text, Unary, WithUnit, names
from individose.drugs.render import source
from individose.drugs.spelling import listing, suggestion

LIKE = "only quantities of one dimension can be added, subtracted, compared or chosen between"
UCUM = "units are codes of UCUM, https://ucum.org"
PURE = "exp, log, log10 and powers are defined for pure numbers"


@dataclass(frozen=True)
class _Scope:
    """What an equation may use, and where it stands."""

    units: Mapping[str, str]
    categories: Mapping[str, tuple[str, ...]]
    booleans: Collection[str]
    molar_masses_g_mol: Mapping[str, float]
    parameter: str


@dataclass(frozen=True)
class _Measured:
    """A unit-free tree that gives a number in `unit`, and how the card writes it."""

    expr: Expr
    unit: Unit
    written: str = field(default="", compare=False)


def elaborate(
    expr: Expr,
    units: Mapping[str, str],
    wanted: str,
    *,
    parameter: str = "the equation",
    categories: Mapping[str, tuple[str, ...]] | None = None,
    booleans: Collection[str] = (),
    molar_masses_g_mol: Mapping[str, float] | None = None,
    molar_mass_g_mol: float | None = None,
) -> Expr:
    """The same equation without units: names hold numbers in `units`, the result is a number in `wanted`.

    **Arguments:** `units` and `wanted` are UCUM codes; `categories` give the labels of each category in the
    register's order; `booleans` are names that are true or false; `molar_masses_g_mol` are the names whose moles and
    grams may be exchanged (creatinine); `molar_mass_g_mol`, the drug's own, does it for the result.

    **Raises:** `CardError` where the dimensions do not fit: what the equation yields, what is needed, and how a unit
    is written.
    """
    scope = _Scope(units, categories or {}, booleans, molar_masses_g_mol or {}, parameter)
    found = _number(expr, scope)
    target = _unit(wanted, scope)
    scale = _scale(found.unit, target, scope, found.expr)
    if scale is None and molar_mass_g_mol is not None:
        scale = through_moles(found.unit, target, molar_mass_g_mol)
    if scale is None:
        raise CardError(
            f"{parameter} yields {_shown(found.unit)}: {found.written}",
            f"it must yield {wanted}, or what can be converted to it",
            "the unit that the parameter has in registers/parameters.toml",
            _remedy(expr, found.unit, target, wanted),
        )
    return _scaled(found.expr, scale)


def _number(expr: Expr, scope: _Scope) -> _Measured:
    written = source(expr)
    match expr:
        case Num():
            return _Measured(expr, pure(), written)
        case Name(name=name):
            return _Measured(expr, _unit_of_name(name, scope), written)
        case WithUnit(operand=operand, unit=code):
            inner = _as_pure(_number(operand, scope), scope)
            return _Measured(inner, _unit(code, scope), written)
        case Unary(op="-", operand=operand):
            inside = _number(operand, scope)
            return _Measured(Unary("-", inside.expr), inside.unit, written)
        case Unary(op="+", operand=operand):
            return _number(operand, scope)
        case Binary(op="**", left=left, right=right):
            base, exponent = _number(left, scope), _as_pure(_number(right, scope), scope)
            return _power(base, exponent, written, scope)
        case Binary(op=op, left=left, right=right):
            first, second = _number(left, scope), _number(right, scope)
            if op == "*":
                return _Measured(Binary(op, first.expr, second.expr), first.unit * second.unit, written)
            if op == "/":
                return _Measured(Binary(op, first.expr, second.expr), first.unit / second.unit, written)
            alike = Binary(op, first.expr, _like(first, second, written, scope))
            apart = op == "-" and first.unit == registry().Unit("degC")  # a difference in Celsius is one in Kelvin
            return _Measured(alike, registry().Unit("K") if apart else first.unit, written)
        case Call(function="exp" | "log" | "log10" as function, arguments=(argument,)):
            inner = _as_pure(_number(argument, scope), scope)
            return _Measured(Call(function, (inner,)), pure(), written)
        case Call(function="sqrt", arguments=(argument,)):
            inside = _number(argument, scope)
            return _Measured(Call("sqrt", (inside.expr,)), inside.unit**0.5, written)
        case Call(function="abs", arguments=(argument,)):
            inside = _number(argument, scope)
            return _Measured(Call("abs", (inside.expr,)), inside.unit, written)
        case Call(function="where", arguments=(condition, yes, no)):
            chosen, other = _number(yes, scope), _number(no, scope)
            branches = (_truth(condition, scope), chosen.expr, _like(chosen, other, written, scope))
            return _Measured(Call("where", branches), chosen.unit, written)
        case Call(function="min" | "max" as function, arguments=arguments):
            first, *others = [_number(argument, scope) for argument in arguments]
            alike = (first.expr, *(_like(first, other, written, scope) for other in others))
            return _Measured(Call(function, alike), first.unit, written)
        case _:
            raise CardError(
                f"{scope.parameter} uses a condition or a label as a number: {written}",
                "a number is needed here",
                "true and false are not counted as 1 and 0",
                "Choose between two numbers with where(condition, if true, if false).",
            )


def _truth(expr: Expr, scope: _Scope) -> Expr:
    match expr:
        case Name(name=name) if name in scope.booleans:
            return Compare(">", expr, Num(0.5))
        case Unary(op="not", operand=operand):
            return Unary("not", _truth(operand, scope))
        case Logic(op=op, left=left, right=right):
            return Logic(op, _truth(left, scope), _truth(right, scope))
        case Compare(op=op, left=Name(name=name), right=Text(text=label)):
            return Compare(op, Name(name), _code(name, label, scope))
        case Compare(op=op, left=Text(text=label), right=Name(name=name)):
            return Compare(op, Name(name), _code(name, label, scope))
        case Compare(op=op, left=left, right=right):
            first, second = _number(left, scope), _number(right, scope)
            return Compare(op, first.expr, _like(first, second, source(expr), scope))
        case _:
            raise CardError(
                f"{scope.parameter} uses a number as a condition: {source(expr)}",
                f"a condition is a comparison, or one of {listing(sorted(scope.booleans))}",
                "numbers are not taken for true and false",
                "Compare it, as in age < 2 [a].",
            )


def _code(name: str, label: str, scope: _Scope) -> Num:
    labels = scope.categories.get(name)
    if labels is None:
        raise CardError(
            f"{scope.parameter} compares {name} with the label '{label}'",
            f"the categories here are {listing(sorted(scope.categories))}",
            f"{name} is not a category in registers/covariates.toml",
            "Compare it with a number, or use a category.",
        )
    if label not in labels:
        raise CardError(
            f"{scope.parameter} compares {name} with the label '{label}'",
            f"{name} is one of {listing(labels)}",
            "its values in registers/covariates.toml",
            suggestion(label, labels) or "Use one of these labels.",
        )
    return Num(float(labels.index(label)))


def _unit_of_name(name: str, scope: _Scope) -> Unit:
    if name in scope.booleans or name in scope.categories:
        condition = name if name in scope.booleans else f'{name} == "{scope.categories[name][0]}"'
        raise CardError(
            f"{scope.parameter} uses {name} as a number",
            f"{name} is {'true or false' if name in scope.booleans else 'a category'}",
            "its kind in registers/covariates.toml",
            f"Choose between two numbers with it: where({condition}, 0.7, 1).",
        )
    if name not in scope.units:
        known = sorted({*scope.units, *scope.categories, *scope.booleans})
        raise CardError(
            f"{scope.parameter} uses the name {name}, which is not known",
            f"known are {listing(known)}",
            "covariates come from registers/covariates.toml, constants from the card's [constants]",
            suggestion(name, known) or "Correct the name, register the covariate, or add it to [constants].",
        )
    return _unit(scope.units[name], scope)


def _power(base: _Measured, exponent: Expr, written: str, scope: _Scope) -> _Measured:
    scale = _scale(base.unit, pure(), scope, base.expr)
    if scale is not None:
        return _Measured(Binary("**", _scaled(base.expr, scale), exponent), pure(), written)
    if names(exponent):
        raise CardError(
            f"{scope.parameter} raises {_shown(base.unit)} to a power that is not a plain number: {written}",
            "the base must be a pure number there",
            "the dimension of the result would depend on a value",
            f"Divide the base by a reference first, as in (weight / 70 [kg])**{source(exponent)}.",
        )
    try:
        power = evaluate(exponent, {}, PLAIN)
    except (ArithmeticError, ValueError) as error:
        raise CardError(
            f"{scope.parameter} has an exponent without value: {written}",
            "an exponent must be a finite number",
            f"the arithmetic gives: {error}",
            "Correct the exponent.",
        ) from error
    return _Measured(Binary("**", base.expr, exponent), base.unit**power, written)


def _like(first: _Measured, second: _Measured, written: str, scope: _Scope) -> Expr:
    scale = _scale(second.unit, first.unit, scope, first.expr, second.expr)
    if scale is None:
        bare, other = (second, first) if second.unit == pure() else (first, second)
        raise CardError(
            f"{scope.parameter} puts {_shown(first.unit)} beside {_shown(second.unit)}: {written}",
            LIKE,
            f"{first.written} has {_shown(first.unit)}, {second.written} has {_shown(second.unit)}",
            f"Give {bare.written} its unit, [{ucum(other.unit)}]."
            if bare.unit == pure()
            else "Correct the units of its numbers.",
        )
    return _scaled(second.expr, scale)


def _as_pure(inside: _Measured, scope: _Scope) -> Expr:
    scale = _scale(inside.unit, pure(), scope, inside.expr)
    if scale is None:
        raise CardError(
            f"{scope.parameter} needs a pure number where {inside.written} is in {_shown(inside.unit)}",
            "a dimensionless value",
            PURE + "; a unit is given to a pure number only",
            f"Divide it by a reference value in [{ucum(inside.unit)}], as in weight / 70 [kg].",
        )
    return _scaled(inside.expr, scale)


def _scaled(expr: Expr, scale: float) -> Expr:
    return expr if scale == 1.0 else Binary("*", expr, Num(scale))


def _remedy(expr: Expr, found: Unit, target: Unit, wanted: str) -> str:
    """The equation as it should be, where a bare number leads a product; else the unit that is missing."""
    missing = wanted if found == pure() else ucum(target / found)
    led = _leading_number_in(missing, expr)
    if led is not None:
        return f"Give the number its unit: {source(led)}."
    return f"A factor in [{missing}] is missing: give a number of the equation its unit, as in 0.52 [L/kg] * weight."


def _leading_number_in(code: str, expr: Expr) -> Expr | None:
    match expr:
        case Num():
            return WithUnit(expr, code)
        case Binary(op="*" | "/" as op, left=left, right=right):
            led = _leading_number_in(code, left)
            return None if led is None else Binary(op, led, right)
        case _:
            return None


def _shown(found: Unit) -> str:
    return "a pure number" if found == pure() else ucum(found)


def _unit(code: str, scope: _Scope) -> Unit:
    try:
        return unit(code)
    except UnitError as error:
        raise CardError(
            f"in {scope.parameter} {error.arrived}", error.allowed, error.because or UCUM, error.remedy
        ) from error


def _scale(found: Unit, target: Unit, scope: _Scope, *exprs: Expr) -> float | None:
    """The factor from one unit to the other, exactly 1 where they are the same unit; None for another dimension.

    Where the dimensions differ by mol against g, and `exprs` speak of one substance, its molar mass makes the bridge.
    """
    if found == target:
        return 1.0
    scale = ratio(found, target)
    if scale is None:
        used = {name for expr in exprs for name in names(expr)}
        masses = {mass for name, mass in scope.molar_masses_g_mol.items() if name in used}
        return through_moles(found, target, masses.pop()) if len(masses) == 1 else None
    if math.isnan(scale):
        raise CardError(
            f"{scope.parameter} mixes {_shown(found)} with {_shown(target)}",
            "a scale with its own zero cannot be multiplied into another",
            "Celsius is shifted against Kelvin",
            "Write temperatures in Cel and their differences in K: 0.14 [L/h/K] * (body_temperature - 37.2 [Cel]).",
        )
    return scale
