"""Formulas as MathML: well-formed, complete, and refused where the subset ends."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from docs.mathml import mathml
from hypothesis import given

from drugs.trees import numeric
from individose.drugs import card, card_ids, parse
from individose.drugs.render import latex

SPACE = "{http://www.w3.org/1998/Math/MathML}"


def tree(formula: str) -> ElementTree.Element:
    return ElementTree.fromstring(mathml(formula, display=True))


def shape(element: ElementTree.Element) -> str:
    """An element as it is nested: `mfrac(mi, mn)`."""
    inside = ", ".join(shape(one) for one in element)
    return element.tag.removeprefix(SPACE) + (f"({inside})" if inside else "")


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("x", "math(mi)"),
        ("a_i^2", "math(msubsup(mi, mi, mn))"),
        (r"\frac{a}{2}", "math(mfrac(mi, mn))"),
        (r"\sqrt{a + b}", "math(msqrt(mrow(mi, mo, mi)))"),
        (r"\hat\eta", "math(mover(mi, mo))"),
        (r"\sum_j x", "math(mrow(munder(mo, mi), mi))"),
        (r"\left(a\right)", "math(mrow(mo, mi, mo))"),
        (r"\begin{cases} 1 & a \\ 2 & b \end{cases}", "math(mtable(mtr(mtd(mn), mtd(mi)), mtr(mtd(mn), mtd(mi))))"),
    ],
)
def test_what_each_form_becomes(formula, expected):
    assert shape(tree(formula)) == expected


def test_text_keeps_its_spaces_and_underscores():
    assert tree(r"\text{a\_b if }").findtext(f"{SPACE}mtext") == "a_b\N{NO-BREAK SPACE}if\N{NO-BREAK SPACE}"


@given(numeric())
def test_every_equation_of_the_grammar_can_be_shown(expression):
    assert tree(latex(expression)).tag == f"{SPACE}math"


@pytest.mark.parametrize("card_id", card_ids(drafts=True))
def test_every_equation_of_every_card_can_be_shown(card_id):
    for parameter in card(card_id).parameters:
        shown = "".join(tree(latex(parse(parameter.equation))).itertext())
        for name in card(card_id).constants:
            assert (name in shown) == (name in parameter.equation)


@pytest.mark.parametrize(
    "formula", [r"\frac{a}", r"\nothing", "a_", r"\left(a", r"\begin{matrix} a \end{matrix}", "}", "a & b"]
)
def test_what_the_subset_lacks_is_refused(formula):
    with pytest.raises(ValueError, match=re.escape(repr(formula))):
        mathml(formula, display=False)
