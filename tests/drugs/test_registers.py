"""The registers as gates: one name for each thing, each alias for one name, every unit real."""

from __future__ import annotations

import tomllib
from collections import Counter
from importlib.resources import files

import pytest

from individose.base import InputError
from individose.base.units import factor, unit
from individose.drugs import covariate, covariates, parameters
from individose.drugs.grammar import FUNCTIONS, WORDS
from individose.drugs.registers import dispositions, effects, eliminations, inputs, metabolites
from reference_data import rows

CONTINUOUS = [c for c in covariates().values() if c.kind == "continuous"]
MEASURABLE = [c for c in CONTINUOUS if c.low is not None or c.high is not None]


def test_names_and_aliases_mean_one_covariate_each():
    words = Counter(
        word.lower() for c in covariates().values() for word in {c.name.lower(), *map(str.lower, c.aliases)}
    )
    assert [word for word, count in words.items() if count > 1] == []


def test_names_are_used_once_across_the_registers():
    names = [*covariates(), *parameters(), *FUNCTIONS, *WORDS]
    assert len(names) == len(set(names))
    assert all(name.isidentifier() and name.isascii() for name in names)


@pytest.mark.parametrize("entry", CONTINUOUS, ids=lambda c: c.name)
def test_a_continuous_covariate_has_a_unit_limits_and_their_source(entry):
    unit(entry.unit)
    assert entry.low is not None
    assert entry.high is not None
    assert entry.low < entry.high
    assert entry.source
    assert entry.description
    assert entry.values == ()


@pytest.mark.parametrize("entry", [c for c in covariates().values() if c.kind != "continuous"], ids=lambda c: c.name)
def test_a_category_has_labels_and_a_boolean_none(entry):
    assert (len(set(entry.values)) >= 2) == (entry.kind == "category")
    assert len(set(entry.values)) == len(entry.values)
    assert set(entry.value_aliases.values()) <= set(entry.values)
    assert entry.low is None
    assert entry.high is None
    assert entry.description


@pytest.mark.parametrize("meaning", parameters().values(), ids=lambda p: p.name)
def test_a_parameter_is_in_canonical_units(meaning):
    """h, mg, L and products of them: the factor to the same product written out is exactly 1."""
    canonical = {"h", "1/h", "L", "L/h", "mg/h", "mg/L", "mg/L/h", "L/mg", "10*9/L", "1/L", "1"}
    assert meaning.unit in canonical
    assert meaning.meaning


def test_systems_name_registered_parameters_only():
    used = {
        name
        for parts in (dispositions(), inputs(), eliminations(), effects())
        for part in parts.values()
        for group in (*part.parameterisations, part.optional, part.spares)
        for name in group
    }
    numbers = ("F", "lag", "duration", "rate", "ka", "k")
    numbered = {n for n in parameters() if n[-1].isdigit() and n.rstrip("123456789") in numbers}
    formed = {
        name for one in metabolites().values() for group in (*one.parameterisations, one.optional) for name in group
    }
    assert used <= set(parameters())
    assert set(parameters()) == used | numbered | formed


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("WT", "weight"),
        ("wgt", "weight"),
        ("BW", "weight"),
        ("APGR", "apgar_5min"),
        ("CLCR", "crcl"),
        ("GLYCO", "alpha1_acid_glycoprotein"),
        ("HT", "height"),
    ],
)
def test_aliases_of_the_field(alias, name):
    assert covariate(alias).name == name


def test_an_unknown_covariate(four_beats):
    with pytest.raises(InputError) as caught:
        covariate("wieght")
    four_beats(caught.value, "wieght", "Did you mean 'weight'?", "covariates.toml")


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("weight", 70, 70.0),
        ("sex", "female", 0.0),
        ("sex", "Male", 1.0),
        ("sex", "F", 0.0),
        ("heart_failure", "No/Mild", 0.0),
        ("heart_failure", "Severe", 2.0),
        ("dialysis", True, 1.0),
        ("dialysis", False, 0.0),
    ],
)
def test_codes(name, value, code):
    assert covariate(name).code(value) == code


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("sex", 1, ["female or male"]),
        ("sex", "femal", ["Did you mean 'female'?"]),
        ("weight", "70", ["a number in kg"]),
        ("weight", True, ["a number in kg"]),
        ("dialysis", 0.5, ["true or false"]),
        ("dialysis", "yes", ["true or false"]),
    ],
)
def test_a_value_of_another_kind_is_refused(name, value, words, four_beats):
    with pytest.raises(InputError) as caught:
        covariate(name).code(value)
    four_beats(caught.value, name, repr(value), *words)


@pytest.mark.parametrize("entry", MEASURABLE, ids=lambda c: c.name)
def test_what_no_human_being_exceeds_is_refused(entry, four_beats):
    for value in (entry.low, entry.high, (entry.low + entry.high) / 2):
        entry.check(value)
    for value in (entry.low - 1.0, entry.high * 1.01, float("nan"), float("inf")):
        with pytest.raises(InputError) as caught:
            entry.check(value)
        four_beats(caught.value, entry.name, f"{entry.high:g} {entry.unit}".removesuffix(" 1"))


def test_limits_catch_a_wrong_unit_of_weight():
    """A newborn's 3500 g taken for kg."""
    with pytest.raises(InputError):
        covariate("weight").check(3500.0)


def test_creatinine_by_its_molar_mass():
    """1 mg/dL is 88.4 umol/L (the laboratory's conversion, printed to one decimal)."""
    entry = covariate("serum_creatinine")
    assert factor("mg/dL", entry.unit, molar_mass_g_mol=entry.molar_mass_g_mol) == pytest.approx(88.4, abs=0.05)


@pytest.mark.parametrize("file", ["covariates.toml", "parameters.toml", "systems.toml"])
def test_the_registers_are_package_data(file):
    assert tomllib.loads(files("individose.drugs").joinpath("registers", file).read_text(encoding="utf-8"))


@pytest.mark.reference
@pytest.mark.parametrize(
    ("file", "columns"),
    [
        ("datasets/quinidine.csv", ["AGE", "WT", "RACE", "HEART", "ETHANOL", "GLYCO"]),
        ("datasets/pheno.csv", ["WT", "APGR"]),
        ("datasets/remifentanil.csv", ["AGE", "SEX", "HT", "WT", "BSA", "LBM"]),
    ],
)
def test_real_patients_are_within_the_limits_and_labels(file, columns):
    table = rows(file)
    for column in columns:
        entry = covariate(column)
        for row in table:
            if row[column] not in ("", "."):
                entry.check(float(row[column]) if entry.kind == "continuous" else row[column])
