"""Dimensional analysis: what is refused, where factors appear, and that units never change a value."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from individose.base import CardError
from individose.drugs import PLAIN, elaborate, evaluate, parse
from individose.drugs.render import source
from tolerances import EXACT

UNITS = {
    "weight": "kg",
    "crcl": "mL/min",
    "age": "a",
    "pma": "wk",
    "height": "cm",
    "creatinine": "umol/L",
    "temperature": "Cel",
    "hill": "1",
    "tv_cl": "L/h/kg",
}


def unit_free(text, wanted, **more):
    return elaborate(
        parse(text),
        UNITS,
        wanted,
        parameter="parameters.CL.equation",
        categories={"sex": ("female", "male")},
        booleans={"dialysis"},
        molar_masses_g_mol={"creatinine": 113.12},
        **more,
    )


@pytest.mark.parametrize(
    ("text", "wanted", "expected"),
    [
        ("4.1 [L/h] * (crcl / 90 [mL/min])**0.7", "L/h", "4.1 * (crcl / 90)**0.7"),
        ("tv_cl * weight", "L/h", "tv_cl * weight"),
        ("0.52 [L/kg] * weight", "L", "0.52 * weight"),
        ("exp(1.01205) [L/h]", "L/h", "exp(1.01205)"),
        ("pma**3.33 / ((55.4 [wk])**3.33 + pma**3.33)", "1", "pma**3.33 / (55.4**3.33 + pma**3.33)"),
        ("sqrt(height * weight / 3600 [cm.kg/m4])", "m2", "sqrt(height * weight / 3600)"),
        ("0.14 [L/h/K] * (temperature - 37.2 [Cel])", "L/h", "0.14 * (temperature - 37.2)"),
        ("where(age > 65 [a], 1.07, 0.74) [L/kg] * weight", "L", "where(age > 65, 1.07, 0.74) * weight"),
    ],
)
def test_numbers_in_the_units_of_the_covariates_stay_as_printed(text, wanted, expected):
    assert source(unit_free(text, wanted)) == expected


@pytest.mark.parametrize(
    ("text", "wanted", "expected"),
    [
        ("2 [L/h] + 0.5 * crcl", "L/h", "2 + 0.5 * crcl * 0.06"),
        ("0.49 * crcl", "L/h", "0.49 * crcl * 0.06"),
        ("max(0 [a], age - 18 [mo])", "a", "max(0, age - 18 * 0.08333333333333333)"),
        ("exp(crcl / 5.4 [L/h])", "1", "exp(crcl / 5.4 * 0.06)"),
        ("50 [%]", "1", "50 * 0.01"),
        ("3 [mL/min/kg] * weight", "L/h", "3 * weight * 0.06"),
        ("where(crcl < 6 [L/h], 1, 2)", "1", "where(crcl < 6 * 16.666666666666668, 1, 2)"),
    ],
)
def test_a_factor_appears_only_where_units_differ(text, wanted, expected):
    assert source(unit_free(text, wanted)) == expected


def test_labels_become_their_place_and_booleans_a_comparison():
    assert source(unit_free('where(sex == "male", 2, 1)', "1")) == "where(sex == 1.0, 2, 1)"
    assert source(unit_free('where("female" != sex and not dialysis, 2, 1)', "1")) == (
        "where(sex != 0.0 and not dialysis > 0.5, 2, 1)"
    )


SYSTEMS = [
    # the same equation, written with the numbers of two unit systems
    (
        "4.1 [L/h] * (crcl / 90 [mL/min])**0.7 * exp(-weight / 70 [kg])",
        "(4100 / 60) [mL/min] * (crcl / 5.4 [L/h])**0.7 * exp(-weight / 70000 [g])",
    ),
    ("2 [L/h] + 0.5 * crcl", "(48 [L/d]) + 0.5 * crcl"),
    ("1 [L/h] * max(age, 2 [a], pma)", "(24) [L/d] * max(pma, 24 [mo], age) / 1 [a] * 1 [a]"),
    ("3 [L/h] * (creatinine / 100 [umol/L])**-0.5", "3 [L/h] * (creatinine / 1.1312 [mg/dL])**-0.5"),
    ("where(creatinine < 100 [umol/L], 1, 2) [L/h]", "where(creatinine / 1.1312 [mg/dL] < 1, 1, 2) [L/h]"),
    ("0.1 [L/h/kg] * weight", "100 [mL/h/kg] * weight"),
    ("sqrt(weight / 1 [kg]) [L/h]", "sqrt(weight / 1000 [g]) [L/h]"),
]


@pytest.mark.parametrize(("one", "other"), SYSTEMS)
@given(
    weight=st.floats(0.5, 200.0),
    crcl=st.floats(1.0, 300.0),
    age=st.floats(0.1, 100.0),
    creatinine=st.floats(10.0, 99.0) | st.floats(101.0, 900.0),
)
def test_an_equation_in_two_unit_systems_gives_one_number(one, other, weight, crcl, age, creatinine):
    values = {"weight": weight, "crcl": crcl, "age": age, "pma": 40.0, "creatinine": creatinine}
    wanted = "L.a/h" if "age" in one else "L/h"
    first, second = (evaluate(unit_free(text, wanted), values, PLAIN) for text in (one, other))
    assert math.isclose(first, second, rel_tol=EXACT)


@given(weight=st.floats(0.5, 200.0))
def test_a_result_is_converted_to_the_unit_wanted(weight):
    # 1 L/h = 1000 mL / 60 min, by hand
    in_litres = evaluate(unit_free("0.1 [L/h/kg] * weight", "L/h"), {"weight": weight}, PLAIN)
    in_millilitres = evaluate(unit_free("0.1 [L/h/kg] * weight", "mL/min"), {"weight": weight}, PLAIN)
    assert math.isclose(in_millilitres, in_litres * 1000.0 / 60.0, rel_tol=EXACT)


def test_a_molar_result_becomes_grams_by_the_molar_mass_of_the_drug():
    tree = unit_free("3 [umol/L]", "mg/L", molar_mass_g_mol=454.4)
    assert math.isclose(evaluate(tree, {}, PLAIN), 3 * 454.4 / 1000, rel_tol=EXACT)
    with pytest.raises(CardError, match="yields umol/L"):
        unit_free("3 [umol/L]", "mg/L")


@pytest.mark.parametrize(
    ("text", "wanted", "words"),
    [
        ("0.52 * weight", "L", ["yields kg: 0.52 * weight", "must yield L", "0.52 [L/kg] * weight."]),
        ("6.5", "L/h", ["yields a pure number", "6.5 [L/h]"]),
        ("weight", "L", ["yields kg", "[L/kg]"]),
        ("exp(weight)", "1", ["pure number", "weight is in kg"]),
        ("log(crcl)", "1", ["crcl is in mL/min"]),
        ("2**weight", "1", ["weight is in kg"]),
        ("weight**hill", "1", ["raises kg", "(weight / 70 [kg])**hill"]),
        ("weight**(1 / 0)", "1", ["exponent without value"]),
        ("weight + age", "kg", ["kg beside a:", "one dimension"]),
        ("age - 18", "a", ["a beside a pure number", "Give 18 its unit, [a]"]),
        ("where(age < 2, 1, 2)", "1", ["Give 2 its unit, [a]"]),
        ("where(age < 2 [a], weight, age)", "kg", ["kg beside a:"]),
        ("min(weight, 3)", "kg", ["[kg]"]),
        ("(weight * 2) [kg]", "kg", ["pure number", "weight * 2 is in kg"]),
        ("where(weight, 1, 2)", "1", ["number as a condition", "age < 2 [a]"]),
        ("where(dialysis + 1 > 0, 1, 2)", "1", ["dialysis as a number", "where(dialysis, 0.7, 1)"]),
        ("0.7**dialysis", "1", ["dialysis as a number"]),
        ("sex * 2", "1", ["sex as a number", 'where(sex == "female", 0.7, 1)']),
        ("(age > 2 [a]) * 3", "1", ["condition or a label as a number", "where("]),
        ('where(sex == "femal", 1, 2)', "1", ["sex is one of female, male", "Did you mean 'female'?"]),
        ('where(weight == "female", 1, 2)', "1", ["weight with the label", "not a category"]),
        ("4 [banana]", "L", ["banana", "UCUM"]),
        ("temperature + 2 [K]", "K", ["mixes", "Celsius"]),
        ("nothing * 2", "1", ["nothing", "known are age"]),
    ],
)
def test_a_mismatch_says_what_is_there_what_is_needed_and_what_to_write(text, wanted, words, four_beats):
    with pytest.raises(CardError) as caught:
        unit_free(text, wanted)
    four_beats(caught.value, "parameters.CL.equation", *words)


def test_an_elaborated_tree_needs_all_its_names(four_beats):
    with pytest.raises(CardError) as caught:
        evaluate(unit_free("tv_cl * weight", "L/h"), {"weight": 3.0}, PLAIN)
    four_beats(caught.value, "tv_cl", "Give tv_cl")


def test_a_tree_with_units_is_not_evaluated(four_beats):
    with pytest.raises(CardError) as caught:
        evaluate(parse("2 [kg]"), {}, PLAIN)
    four_beats(caught.value, "Elaborate")
