"""Units at the border: the table against UCUM's own grammar, factors by hand, and what is refused."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest
import ucumvert
from hypothesis import given
from hypothesis import strategies as st

from individose.base import UnitError
from individose.base.units import CANONICAL, UCUM_TO_PINT, convert, factor, registry, unit
from tolerances import EXACT


@pytest.fixture(scope="module")
def ucum():
    """UCUM codes read by ucumvert, with no table of ours."""
    return ucumvert.PintUcumRegistry()


@pytest.mark.parametrize("code", UCUM_TO_PINT)
def test_the_table_is_what_ucum_says(code, ucum):
    official = ucum.from_ucum(code).to_base_units()
    ours = registry().Quantity(1.0, unit(code)).to_base_units()
    assert math.isclose(ours.magnitude, official.magnitude, rel_tol=EXACT)
    assert {str(k): v for k, v in ours.dimensionality.items()} == {
        str(k): v for k, v in official.dimensionality.items()
    }


@pytest.mark.parametrize(
    ("arrived", "wanted", "by_hand"),
    [
        ("mL/min", "L/h", 60 / 1000),
        ("d", "h", 24.0),
        ("wk", "d", 7.0),
        ("a", "d", 365.25),
        ("mo", "d", 30.4375),
        ("ug/mL", "mg/L", 1.0),
        ("ng/mL", "mg/L", 1e-3),
        ("pg/mL", "ng/L", 1.0),
        ("g/dL", "g/L", 10.0),
        ("mg/d", "mg/h", 1 / 24),
        ("[lb_av]", "kg", 0.45359237),
        ("[in_i]", "cm", 2.54),
        ("m2", "cm2", 1e4),
        ("%", "1", 0.01),
        ("/h", "1/min", 1 / 60),
        ("mL/min/{1.73_m2}", "mL/min", 1.0),
    ],
)
def test_factors_by_hand(arrived, wanted, by_hand):
    assert math.isclose(factor(arrived, wanted), by_hand, rel_tol=EXACT)


def test_equal_codes_have_the_factor_one_without_a_registry():
    script = (
        "import sys; from individose.base.units import factor; assert factor('zz', 'zz') == 1.0; "
        "print('pint' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout.strip() == "False"


MASSES = st.sampled_from(["kg", "g", "mg", "ug", "ng", "pg"])
CONCENTRATIONS = st.sampled_from(
    ["mg/L", "ug/L", "ng/L", "ug/mL", "ng/mL", "g/L", "mg/dL", "umol/L", "nmol/L", "mmol/L"]
)


@given(value=st.floats(1e-6, 1e6), arrived=MASSES, wanted=MASSES)
def test_there_and_back_is_the_same(value, arrived, wanted):
    assert math.isclose(convert(convert(value, arrived, wanted), wanted, arrived), value, rel_tol=EXACT)


@given(a=CONCENTRATIONS, b=CONCENTRATIONS, c=CONCENTRATIONS, mass=st.floats(50.0, 150000.0))
def test_a_detour_changes_nothing(a, b, c, mass):
    direct = factor(a, c, molar_mass_g_mol=mass)
    assert math.isclose(
        factor(a, b, molar_mass_g_mol=mass) * factor(b, c, molar_mass_g_mol=mass), direct, rel_tol=EXACT
    )


def test_moles_by_the_molar_mass():
    # phenobarbital, 232.235 g/mol: 100 umol/L is 23.2235 mg/L
    assert math.isclose(convert(100.0, "umol/L", "mg/L", molar_mass_g_mol=232.235), 23.2235, rel_tol=EXACT)
    assert math.isclose(convert(23.2235, "mg/L", "umol/L", molar_mass_g_mol=232.235), 100.0, rel_tol=EXACT)


@pytest.mark.parametrize("code", CANONICAL.values())
def test_canonical_units_are_in_the_table(code):
    assert code in UCUM_TO_PINT


@pytest.mark.parametrize(
    ("arrived", "wanted", "words"),
    [
        ("kg", "L", ["the dose was given in kg", "convertible to L", "dimension"]),
        ("h", "mg", ["the dose was given in h", "convertible to mg"]),
        ("umol/L", "mg/L", ["umol/L", "molar mass"]),
        ("banana", "mg", ["'banana' is not a UCUM code"]),
        ("mg", "mgs", ["'mgs' is not a UCUM code"]),
        ("", "mg", ["UCUM code"]),
        ("g/(24.h)", "mg/h", ["contains a number"]),
    ],
)
def test_what_cannot_be_converted_says_why(arrived, wanted, words):
    with pytest.raises(UnitError) as caught:
        factor(arrived, wanted, "the dose")
    assert caught.value.allowed
    assert caught.value.remedy
    assert caught.value.exit_code == 2
    for word in words:
        assert word in str(caught.value)


def test_a_molar_mass_bridges_only_moles_and_grams():
    with pytest.raises(UnitError, match="convertible to L"):
        factor("mol", "L", molar_mass_g_mol=100.0)
