"""A card file read strictly: what canonical units make of it, and every way in which it can be wrong."""

from __future__ import annotations

import hashlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from individose.base import CardError
from individose.drugs import typical
from individose.drugs.schema import read_card
from individose.drugs.variability import _first_failing_pivot
from tolerances import EXACT

CARD = """
id     = "examplin/doe2031"
title  = "Examplin: an invented drug"
grade  = "checked"
system = { disposition = "two_compartment", input = "infusion" }
molar_mass_g_mol = 500.0

[source]
citation   = "Doe J. An invented paper. 2031"
population = "212 adults, 1038 levels"

[domain]
weight   = { min = 40, max = 140, unit = "kg" }
crcl     = { min = 0.6, max = 9, unit = "L/h" }
dialysis = { values = [true, false] }

[covariates]
crcl = { carry = "forward" }

[constants]
q = { value = 6.5, unit = "L/h", se = 0.5 }

[parameters]
CL = { equation = "4.1 [L/h] * (crcl / 90 [mL/min])**0.7 * where(dialysis, 0.7, 1)", unit = "L/h" }
V1 = { equation = "0.52 [L/kg] * weight", unit = "L" }
Q  = { equation = "q", unit = "mL/min" }
V2 = { equation = "38.4 [L]", unit = "L" }

[variability]
CL = { cv = 0.31, convention = "omega2 = cv2" }
V1 = { cv = 0.24, convention = "omega2 = ln(1 + cv2)" }
Q  = { sd = 10, transform = "normal" }

[[covariance]]
of          = ["CL", "V1"]
correlation = 0.5

[residual]
convention   = "sd2 = a2 + b2 f2"
proportional = 0.18
additive     = { sd = 400, unit = "ug/L" }

[[targets]]
metric = "auc"
low    = 400
high   = 600
unit   = "ug.h/mL"
source = "invented"

[[targets]]
metric = "trough"
low    = 10
high   = 20
best   = 15
unit   = "umol/L"
source = "invented"

[dosing]
step_mg     = 250
intervals_h = [8, 12, 24]
source      = "invented"

# CL = 4.1 x (45/90)^0.7 x 1 = 4.1 x 0.6155722 = 2.523846; V1 = 0.52 x 70; Q = 6.5 L/h = 6500/60 mL/min
[[checks]]
given  = { weight = 70, crcl = 45, dialysis = false }
expect = { CL = 2.523846, V1 = 36.4, Q = 108.333333, V2 = 38.4 }
rtol   = 1e-6
"""


def changed(*changes: tuple[str, str]) -> str:
    text = CARD
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def test_a_card_is_read_into_canonical_units():
    card = read_card(CARD)
    assert (card.id, card.drug, card.grade, card.inputs) == ("examplin/doe2031", "examplin", "checked", ("infusion",))
    assert [(p.name, p.unit, p.stated_unit) for p in card.parameters][2] == ("Q", "L/h", "mL/min")
    assert math.isclose(card.checks[0].expect["Q"], 6.5, rel_tol=1e-6)
    assert math.isclose(card.domain["crcl"].min, 10.0, rel_tol=EXACT)
    assert math.isclose(card.domain["crcl"].max, 150.0, rel_tol=EXACT)
    assert card.domain["weight"].absurd_above == 650
    assert [(use.name, use.unit, use.carry) for use in card.covariates] == [
        ("crcl", "mL/min", "forward"),
        ("dialysis", "1", "backward"),
        ("weight", "kg", "backward"),
    ]
    assert math.isclose(card.residual.additive_mg_L, 0.4, rel_tol=EXACT)
    assert card.residual.proportional == 0.18
    auc, trough = card.targets
    assert (auc.low, auc.high, auc.unit) == (400.0, 600.0, "mg.h/L")
    assert (trough.low, trough.best, trough.high, trough.unit) == pytest.approx((5.0, 7.5, 10.0, "mg/L"))
    assert card.digest == hashlib.sha256(CARD.encode()).hexdigest()


def test_variances_by_their_conventions():
    card = read_card(CARD)
    cl, v1, q = card.effects
    assert math.isclose(cl.omega2, 0.31**2, rel_tol=EXACT)
    assert math.isclose(v1.omega2, math.log(1 + 0.24**2), rel_tol=EXACT)
    assert math.isclose(q.omega2, (10 * 60 / 1000) ** 2, rel_tol=EXACT)  # an SD of 10 mL/min, in L/h
    assert (cl.stated, q.transform) == ("cv = 0.31, omega2 = cv2", "normal")
    assert math.isclose(card.omega[0][1], 0.5 * math.sqrt(cl.omega2 * v1.omega2), rel_tol=EXACT)
    assert card.omega[1][0] == card.omega[0][1]
    assert card.omega[0][2] == 0.0


def test_constants_are_numbers_in_expr_and_names_in_form():
    card = read_card(CARD)
    values = typical(card, {"weight": 70.0, "crcl": 90.0, "dialysis": True})
    assert values == pytest.approx({"CL": 4.1 * 0.7, "V1": 36.4, "Q": 6.5, "V2": 38.4}, rel=EXACT)
    assert card.parameters[2].form != card.parameters[2].expr


def test_variances_may_be_stated_as_variances():
    card = read_card(
        changed(("proportional = 0.18", "proportional_variance = 0.0324"), ("{ sd = 400,", "{ variance = 160000,"))
    )
    assert math.isclose(card.residual.proportional, 0.18, rel_tol=EXACT)
    assert math.isclose(card.residual.additive_mg_L, 0.4, rel_tol=EXACT)


def test_effects_by_subject_and_by_occasion():
    card = read_card(
        changed(
            (
                'CL = { cv = 0.31, convention = "omega2 = cv2" }',
                'CL = [{ omega2 = 0.1 }, { omega2 = 0.03, level = "occasion" }]',
            )
        )
    )
    assert [(e.parameter, e.level, e.omega2) for e in card.effects][:2] == [
        ("CL", "subject", 0.1),
        ("CL", "occasion", 0.03),
    ]
    assert card.omega[0][2] > 0.0
    assert card.omega[1][2] == 0.0


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        # the file
        ('id     = "examplin/doe2031"', "id = ", ["is not TOML", "line 2"]),
        ('id     = "examplin/doe2031"', 'id = "examplin"', ["id is 'examplin'", "<drug>/<author><year>"]),
        ("title  =", "titel  =", ["unknown key 'titel'", "Did you mean 'title'?"]),
        ('title  = "Examplin: an invented drug"', "", ["the key 'title' is missing"]),
        ('grade  = "checked"', 'grade = "proven"', ["grade", "proven"]),
        ("[covariates]\n", "[covarates]\n", ["covarates", "Did you mean 'covariates'?"]),
        ("step_mg     = 250", "step_mg = nan", ["dosing.step_mg is nan", "finite"]),
        ('unit = "kg" }', 'unti = "kg" }', ["domain.weight", "'unti'", "Did you mean 'unit'?"]),
        ("rtol   = 1e-6", 'rtol = "1e-6"', ["checks[0].rtol", "float"]),
        ('V2 = { equation = "38.4 [L]", unit = "L" }', 'V2 = "38.4 [L]"', ["parameters.V2", "must be a table"]),
        # the system and its parameters
        ("two_compartment", "two_compartments", ["system.disposition", "Did you mean 'two_compartment'?"]),
        ('"infusion"', '"infussion"', ["system.input", "Did you mean 'infusion'?"]),
        ('"infusion"', '["infusion", "first_order"]', ["first_order needs ka", "Add an equation for ka"]),
        ('V2 = { equation = "38.4 [L]", unit = "L" }', "", ["two_compartment needs CL, V1, Q, V2", "equation for V2"]),
        ("V2 = {", "V9 = {", ["parameters.V9", "not a registered parameter", "Did you mean"]),
        ("[variability]", 'ka = { equation = "1 [1/h]", unit = "1/h" }\n[variability]', ["parameters.ka", "no place"]),
        # equations
        ("0.52 [L/kg] * weight", "0.52 * weight", ["parameters.V1.equation yields kg", "0.52 [L/kg] * weight"]),
        ("0.52 [L/kg] * weight", "0.52 [L/kg] * wieght", ["parameters.V1.equation", "Did you mean 'weight'?"]),
        ("0.52 [L/kg] * weight", "tan(0.52) [L/kg] * weight", ["parameters.V1.equation", "tan()"]),
        ("0.52 [L/kg] * weight", "0.52 [L/kg] weight", ["parameters.V1.equation", ">>>w<<<"]),
        ("0.52 [L/kg] * weight", "0.52 [L/kgg] * weight", ["parameters.V1.equation", "L/kgg", "UCUM"]),
        ('"38.4 [L]", unit = "L"', '"38.4 [L]", unit = "L/h"', ["parameters.V2.unit", "L/h"]),
        ('"38.4 [L]", unit = "L"', '"38.4 [L]", unit = "litre"', ["litre", "UCUM"]),
        # constants
        ("q = { value", "exp = { value", ["constants.exp", "name of its own"]),
        ("q = { value", "weight = { value", ["constants.weight", "name of its own"]),
        # domain and covariates
        ("weight   = { min", "wait   = { min", ["domain.wait", "not a registered covariate", "Did you mean 'weight'?"]),
        ('min = 40, max = 140, unit = "kg"', 'min = 140, max = 40, unit = "kg"', ["domain.weight", "min <= max"]),
        ('min = 40, max = 140, unit = "kg"', 'min = 40, max = 140, unit = "cm"', ["domain.weight", "cm"]),
        ('min = 40, max = 140, unit = "kg"', 'min = 40000, max = 140000, unit = "kg"', ["0.2 to 650 kg"]),
        ("values = [true, false]", 'values = ["yes"]', ["dialysis was given as 'yes'"]),
        ("crcl = { carry", "age = { carry", ["covariates.age", "used by no equation"]),
        ('carry = "forward"', 'carry = "sideways"', ["covariates.crcl.carry", "sideways"]),
        ('weight   = { min = 40, max = 140, unit = "kg" }', "", ["no domain for weight"]),
        # variability
        ('CL = { cv = 0.31, convention = "omega2 = cv2" }', "CL = { omega2 = -0.1 }", ["omega2 = -0.1", "must be > 0"]),
        ('CL = { cv = 0.31, convention = "omega2 = cv2" }', "CL = { cv = 0.31 }", ["without a convention", "ln(1 + cv2)"]),
        ('CL = { cv = 0.31, convention = "omega2 = cv2" }', "CL = { }", ["states none", "one of omega2, cv, sd"]),
        ('CL = { cv = 0.31, convention', "CL = { cv = 0.31, sd = 0.3, convention", ["states cv, sd"]),
        ('CL = { cv = 0.31, convention', "V3 = { cv = 0.31, convention", ["variability.V3", "equation"]),
        ("sd = 10, transform", 'cv = 0.1, convention = "omega2 = cv2", transform', ["CV for the transform normal"]),
        ('transform = "normal"', 'transform = "box-cox"', ["box-cox", "shape"]),
        ("Q  = { sd = 10,", "Q  = { sd = 10, shape = 0.4,", ["normal", "shape"]),
        ("Q  = { sd = 10, transform", "Q  = [{ sd = 1 }, { sd = 2 }]\nV2 = { sd = 10, transform", ["two effects"]),
        ("correlation = 0.5", "correlation = 1.0", ["covariance", "positive definite"]),
        ("correlation = 0.5", "omega2 = 0.9", ["covariance", "positive definite"]),
        ("correlation = 0.5", "correlation = 0.5\nomega2 = 0.1", ["covariance[0]", "both"]),
        ("correlation = 0.5", "", ["covariance[0]", "neither"]),
        ('["CL", "V1"]', '["CL", "V2"]', ["covariance[0]", "V2", "[variability]"]),
        ('["CL", "V1"]', '["CL", "CL"]', ["covariance[0]", "two different"]),
        # residual
        ("proportional = 0.18", "proportional = -0.18", ["residual", "must be > 0"]),
        ("proportional = 0.18", "proportional = 0.18\nproportional_variance = 0.03", ["states both"]),
        ('"sd2 = a2 + b2 f2"', '"combined"', ["residual.convention", "combined"]),
        ('{ sd = 400, unit = "ug/L" }', '{ sd = 400, unit = "ug" }', ["residual.additive", "ug"]),
        # targets, dosing, checks
        ("high   = 600", "high   = 300", ["targets[0]", "low < high"]),
        ("best   = 15", "best   = 25", ["targets[1]", "best"]),
        ('"ug.h/mL"', '"ug/mL"', ["targets[0]", "mg.h/L"]),
        ('metric = "auc"', 'metric = "area"', ["targets[0].metric", "area"]),
        ("step_mg     = 250", "step_mg     = 0", ["dosing", "step"]),
        ("intervals_h = [8, 12, 24]", "intervals_h = []", ["dosing", "intervals"]),
        ("CL = 2.523846", "CL = 2.523946", ["checks[0] expects CL = 2.523946", "2.52384", "1e-06"]),
        ("CL = 2.523846", "V = 2.523846", ["checks[0] expects", "parameters are CL, V1, Q, V2"]),
        ("CL = 2.523846, ", "", ["no worked example for CL"]),
        ("given  = { weight = 70", "given  = { wait = 70", ["wait is not registered"]),
        ("given  = { weight = 70, ", "given  = { ", ["checks[0]: weight is missing", "Give weight in kg"]),
        ("dialysis = false }", 'dialysis = "no" }', ["checks[0]: dialysis was given as 'no'"]),
        ('grade  = "checked"', 'grade = "validated"', ["no grounds"]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_path(old, new, words, four_beats):
    with pytest.raises(CardError) as caught:
        read_card(changed((old, new)), "examplin/doe2031.toml")
    four_beats(caught.value, "examplin", *words)


def test_a_draft_may_lack_examples_and_disagree_with_them():
    draft = changed(('grade  = "checked"', 'grade = "draft"'), ("CL = 2.523846", "CL = 9"))
    assert read_card(draft).grade == "draft"


def test_a_molar_unit_needs_the_molar_mass(four_beats):
    with pytest.raises(CardError) as caught:
        read_card(changed(("molar_mass_g_mol = 500.0\n", "")))
    four_beats(caught.value, "targets[1]", "umol/L", "molar mass")


def test_no_residual_error_is_refused(four_beats):
    with pytest.raises(CardError) as caught:
        read_card(changed(("proportional = 0.18\n", ""), ('additive     = { sd = 400, unit = "ug/L" }', "")))
    four_beats(caught.value, "states no error")


def test_an_equation_without_value_is_named(four_beats):
    card = read_card(changed(("crcl / 90 [mL/min]", "90 [mL/min] / crcl"), ('grade  = "checked"', 'grade = "draft"')))
    with pytest.raises(CardError) as caught:
        typical(card, {"weight": 70.0, "crcl": 0.0, "dialysis": False})
    four_beats(caught.value, "CL = ", "crcl 0", "division by zero")


@given(
    st.integers(1, 4).flatmap(
        lambda n: st.lists(st.lists(st.floats(-2.0, 2.0), min_size=n, max_size=n), min_size=n, max_size=n)
    ),
    st.floats(0.01, 1.0),
    st.data(),
)
def test_positive_definite_is_what_it_says(factors, ridge, data):
    """A A' + r I is positive definite by construction; with a direction whose square is negative it is not."""
    size = len(factors)
    matrix = [
        [sum(a * b for a, b in zip(factors[i], factors[j], strict=True)) + ridge * (i == j) for j in range(size)]
        for i in range(size)
    ]
    assert _first_failing_pivot(matrix) is None
    spoilt = data.draw(st.integers(0, size - 1))
    along = [row[:] for row in matrix]
    along[spoilt][spoilt] = -ridge  # e' M e < 0 for this axis
    assert _first_failing_pivot(along) is not None
    if size > 1:
        other = (spoilt + 1) % size
        beyond = 1.01 * math.sqrt(matrix[spoilt][spoilt] * matrix[other][other])  # a correlation of 1.01
        matrix[spoilt][other] = matrix[other][spoilt] = beyond
        assert _first_failing_pivot(matrix) is not None
