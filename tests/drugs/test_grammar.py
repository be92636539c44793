"""The grammar against Python's own, and every way in which an equation can be wrong."""

from __future__ import annotations

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drugs.trees import NAMES, by_python, numeric
from individose.base import CardError
from individose.drugs import PLAIN, evaluate, names, parse
from individose.drugs.grammar import Binary, Call, Name, Num, Text, WithUnit
from individose.drugs.render import source

VALUES = st.fixed_dictionaries({name: st.floats(-50.0, 50.0).map(lambda x: round(x, 3)) for name in NAMES})


@given(numeric())
def test_a_rendered_tree_parses_back_to_itself(tree):
    assert parse(source(tree), NAMES) == tree


@given(numeric(), VALUES)
def test_a_parsed_tree_has_the_value_that_python_gives_its_text(tree, values):
    text = source(tree)
    expected = by_python(text, values)
    try:
        found = evaluate(parse(text), values, PLAIN)
    except (ArithmeticError, ValueError):
        assert expected is None
        return
    if expected is not None:  # a complex intermediate result of Python's may come back to the real numbers
        assert found == expected or (math.isnan(found) and math.isnan(expected))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-2**2", -4.0),
        ("2**-1", 0.5),
        ("2**3**2", 512.0),
        ("8/4/2", 1.0),
        ("8-4-2", 2.0),
        ("1 - -1", 2.0),
        ("2 + 3 * 4", 14.0),
        (".5e1 + 5.", 10.0),
        ("where(not 1 < 2 or 2 < 3 and 3 < 4, 1, 0)", 1.0),
        ("min(3, 1, 2) + max(3, 1, 2)", 4.0),
        ("log10(1000)", 3.0),
        ("\n  1 +\n  2\n", 3.0),
    ],
)
def test_precedence_worked_by_hand(text, value):
    assert evaluate(parse(text), {}, PLAIN) == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize("code", ["L/h", "mL/min/{1.73_m2}", "[iU]/L", "[in_i]", "m2", "%", "10*9/L"])
def test_a_unit_may_hold_one_level_of_brackets(code):
    assert parse(f"4.10 [{code}]") == WithUnit(Num(4.1), code)
    assert parse(f"exp(1) [ {code} ] * a") == Binary("*", WithUnit(Call("exp", (Num(1.0),)), code), Name("a"))


def test_a_unit_binds_more_tightly_than_any_operator():
    assert parse("a / 90 [mL/min]") == Binary("/", Name("a"), WithUnit(Num(90.0), "mL/min"))
    assert parse("2 [kg]**2") == Binary("**", WithUnit(Num(2.0), "kg"), Num(2.0))


def test_numbers_keep_their_printed_digits():
    parsed = parse("4.10")
    assert isinstance(parsed, Num)
    assert (parsed.value, parsed.printed) == (4.1, "4.10")


def test_labels_are_read_in_either_quotes_and_on_either_side():
    assert parse('sex == "female"') == parse("sex == 'female'")
    assert Text("none/mild") in parse('where("none/mild" != heart, 1, 2)').arguments[0].__dict__.values()


def test_names_are_listed_once_in_order():
    assert names(parse("b * a + b**c")) == ("b", "a", "c")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["ends too early"]),
        ("1 +", ["character 4", "ends too early"]),
        ("exp(1", ["ends too early"]),
        ("weight^2", ["weight>>>^<<<2", "written **"]),
        ("2 weight", [">>>w<<<eight", "written with *"]),
        ("weight = 3", [">>>=<<<", "=="]),
        ("0 < weight < 3", ["not chained"]),
        ("4 [L", [">>>[<<<", "UCUM"]),
        ("4 [L/h] [kg]", [">>>[<<<", "UCUM"]),
        ("[L/h]", [">>>[<<<", "UCUM"]),
        ("weight.real", [">>>.<<<"]),
        ("weight; 1", [">>>;<<<"]),
        ("lambda: 1", [">>>:<<<"]),
        ("weight if weight else 1", ["operator is missing"]),
        ("(1, 2)", [">>>,<<<"]),
        ("1 % 2", [">>>%<<<"]),
        ("1 // 2", ["1 />>>/<<< 2"]),
        ("'a' 'b'", ["operator is missing"]),
        ("weight\N{MULTIPLICATION SIGN}2", [">>>\N{MULTIPLICATION SIGN}<<<"]),
        ("1)", [">>>)<<<"]),
    ],
)
def test_a_syntax_error_marks_its_place(text, words, four_beats):
    with pytest.raises(CardError) as caught:
        parse(text, {"weight"}, "parameters.CL.equation")
    four_beats(caught.value, "parameters.CL.equation cannot be read", "equation.lark", *words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0.52 * wieght", [">>>wieght<<<", "Did you mean 'weight'?", "known are age, weight", "registers"]),
        ("0.52 * zzz", [">>>zzz<<<", "known are age, weight", "[constants]"]),
        ("0.52 * exp", ["exp is a function"]),
        ("sin(weight)", [">>>sin<<<(weight)", "exp, log, log10, sqrt, abs, min, max, where"]),
        ("sqr(weight)", ["Did you mean 'sqrt'?"]),
        ("weight(3)", ["no function"]),
        ("__import__(weight)", ["no function"]),
        ("exp()", ["0 argument(s)", "takes 1"]),
        ("exp(1, 2)", ["2 argument(s)", "takes 1"]),
        ("min(1)", ["takes 2 or more"]),
        ("where(1 < 2, 3)", ["takes 3", "where(condition, if true, if false)"]),
        ("weight [kg]", ["weight >>>[kg]<<<", "Remove [kg]"]),
        ('"female"', ["label"]),
        ('weight < "female"', ["label"]),
        ('"a" == "b"', ["label"]),
        ('exp("a")', ["label"]),
        ("1e999", ["1e999", "finite"]),
        ("-" * 200 + "1", ["nested"]),
        ("1+" * 1500 + "1", ["3001 characters"]),
    ],
)
def test_what_the_grammar_refuses_in_words_of_its_own(text, words, four_beats):
    with pytest.raises(CardError) as caught:
        parse(text, {"weight", "age"}, "parameters.CL.equation")
    four_beats(caught.value, "parameters.CL.equation", *words)


def test_deep_parentheses_cost_no_stack():
    assert parse("(" * 900 + "1" + ")" * 900) == Num(1.0)


@given(st.text(max_size=60))
def test_any_text_is_a_tree_or_a_card_error(text):
    with contextlib.suppress(CardError):
        parse(text, NAMES)
