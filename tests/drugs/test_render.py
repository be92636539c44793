"""Equations for people: parentheses only where they are needed, none missing."""

from __future__ import annotations

import pytest
from hypothesis import given

from drugs.trees import numeric
from individose.drugs import parse
from individose.drugs.render import latex, source, unicode

GOTI = "4.50 [L/h] * (crcl / 120 [mL/min])**0.8 * where(dialysis, 0.7, 1)"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (GOTI, "4.50 L/h · (crcl / (120 mL/min))^0.8 · where(dialysis, 0.7, 1)"),
        ("height**2 - 1 >= 3", "height² − 1 ≥ 3"),
        ('where(sex == "female" and not age <= 2 [a], 1, 2)', "where(sex = female and not age ≤ 2 a, 1, 2)"),
        ("(2 [kg])**2", "(2 kg)²"),
        ("a**-b", "a^(−b)"),
    ],
)
def test_unicode(text, expected):
    assert unicode(parse(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a / (b + 1)", r"\frac{\text{a}}{\text{b} + 1}"),
        ("(a / b)**2", r"\left(\frac{\text{a}}{\text{b}}\right)^{2}"),
        ("0.52 [L/kg] * apgar_5min", r"0.52\,\text{L/kg} \cdot \text{apgar\_5min}"),
        ("2 [%]", r"2\,\text{\%}"),
        ("1.5e-3 * sqrt(abs(x))", r"1.5 \times 10^{-3} \cdot \sqrt{\left|\text{x}\right|}"),
        ("log(x) / log10(x)", r"\frac{\ln\left(\text{x}\right)}{\log_{10}\left(\text{x}\right)}"),
        (
            "where(x < 5, 1, 2)",
            r"\begin{cases} 1 & \text{if } \text{x} < 5 \\ 2 & \text{otherwise} \end{cases}",
        ),
    ],
)
def test_latex(text, expected):
    assert latex(parse(text)) == expected


@pytest.mark.parametrize("text", [GOTI, "(4 [L/h]) [kg]", "(a + b) [kg]", "-(2 [kg])**2", "exp(1) [1/h]"])
def test_source_with_units_parses_back(text):
    assert parse(source(parse(text))) == parse(text)


@given(numeric())
def test_latex_braces_are_balanced(tree):
    written = latex(tree)
    assert written.count("{") == written.count("}")
    assert written.count(r"\left") == written.count(r"\right")
    assert written.count(r"\begin{cases}") == written.count(r"\end{cases}")
