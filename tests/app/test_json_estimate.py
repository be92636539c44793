"""The JSON of `estimate` against numbers worked out without individose: golden/newborn.py, and NONMEM's own."""

import copy
import json
import math
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from click.testing import CliRunner

import reference_data
from individose.app.cli import main
from individose.app.schemas.published import json_schema
from tolerances import ESTIMATE, ETA_NONMEM, IDENTITY, printed, within_standard_errors

HERE = Path(__file__).parent
EXAMPLE = str(HERE.parents[1] / "examples" / "newborn.json")
GOLDEN = json.loads((HERE / "golden" / "newborn.json").read_text(encoding="utf-8"))
EXPECTED = GOLDEN["document"]["fits"][0]
DRAWS = 2000
"""Draws behind an interval of exposure."""

DOSE_LIMIT_PER_KG, STEP, WEIGHT = 10.0, 0.5, 1.5


@pytest.fixture(scope="module")
def document():
    done = CliRunner().invoke(main, ["estimate", EXAMPLE, "--json"])
    assert done.exit_code == 0, done.output
    assert done.stderr == ""
    return json.loads(done.stdout)


def shape(value):
    """The structure of a document: keys, lengths of lists, and kinds of values, but not the words of sentences."""
    if isinstance(value, dict):
        return {key: shape(one) for key, one in value.items()}
    if isinstance(value, list):
        return [shape(one) for one in value]
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


def test_structure_is_exactly_the_golden_one(document):
    found = copy.deepcopy(document)
    found["fits"][0]["advice"] = None  # see the tests of advice
    del found["fits"][0]["diagnostics"]  # see their test
    assert shape(found) == shape(GOLDEN["document"])
    assert list(found["fits"][0]) == list(EXPECTED)


def same(found, expected):
    """Numbers within the tolerance of an estimate, through all that is expected."""
    if isinstance(expected, dict):
        for key, value in expected.items():
            same(found[key], value)
    elif isinstance(expected, list):
        for one, value in zip(found, expected, strict=True):
            same(one, value)
    elif isinstance(expected, bool | str):
        assert found == expected
    else:
        assert found == pytest.approx(expected, abs=ESTIMATE)


def test_diagnostics_are_those_of_searches_on_the_changed_records(document):
    found, expected = document["fits"][0]["diagnostics"], copy.deepcopy(GOLDEN["diagnostics"])
    for level, one in zip(found["levels"], expected["levels"], strict=True):
        drawn, exact = level["percentile"], one.pop("percentile")
        # a share among 256 points of a Latin hypercube is nearer to the truth than one among 256 draws
        assert within_standard_errors(drawn, exact, math.sqrt(exact * (1 - exact) / 256))
    same(found, expected)


def test_document_is_valid_against_its_schema(document):
    jsonschema.Draft202012Validator(json_schema("estimate")).validate(document)


def test_words_for_programs_are_the_golden_ones(document):
    (fit,) = document["fits"]
    for key in ("id", "card", "method", "status", "units", "warnings"):
        assert fit[key] == EXPECTED[key], key
    assert document["format"] == "estimate/1"


def test_golden_mode_is_nonmems():
    nonmem = {"CL": "-0.166321", "V": "-0.131833"}  # NONMEM 7.4, FOCE-I, ID 2: ETA(1), ETA(2)
    for name, eta in nonmem.items():
        assert EXPECTED["eta"][name] == pytest.approx(float(eta), abs=printed(eta) + ESTIMATE)


def test_mode_and_what_follows_from_it(document):
    (fit,) = copy.deepcopy(document["fits"])
    assert fit["eta"] == pytest.approx(EXPECTED["eta"], abs=ESTIMATE)
    for key in ("parameters", "typical", "exposure"):
        assert fit[key] == pytest.approx(EXPECTED[key], rel=ESTIMATE), key
    assert fit["objective"] == pytest.approx(EXPECTED["objective"], abs=ESTIMATE)
    for found, expected in zip(fit["levels"], EXPECTED["levels"], strict=True):
        assert found.pop("censoring") == expected["censoring"]
        assert found == pytest.approx({k: v for k, v in expected.items() if k != "censoring"}, rel=ESTIMATE)
    assert fit["regimen"] == pytest.approx(EXPECTED["regimen"], rel=IDENTITY)


def test_intervals_of_parameters_are_those_of_the_curvature(document):
    found, expected = document["fits"][0]["intervals"], EXPECTED["intervals"]
    assert found["level"] == expected["level"]
    for name, ends in expected["parameters"].items():
        assert found["parameters"][name] == pytest.approx(ends, rel=ESTIMATE), name


def test_intervals_of_exposure_are_within_their_sampling_error(document):
    found, expected = document["fits"][0]["intervals"]["exposure"], EXPECTED["intervals"]["exposure"]
    for name, ends in expected.items():
        width = math.log(ends[1] / ends[0])
        for end, limit in zip(found[name], ends, strict=True):
            # a quantile q of n draws: SE = sqrt(q (1 - q) / n) / density; for a normal of this width at 5 %
            error = math.sqrt(0.05 * 0.95 / DRAWS) / (0.10314 / (width / (2 * 1.64485)))
            assert within_standard_errors(math.log(end), math.log(limit), error), name


@pytest.fixture(scope="module")
def posterior():
    eta = [EXPECTED["eta"][name] for name in ("CL", "V")]
    drawn = np.random.default_rng(3).multivariate_normal(eta, GOLDEN["covariance"], size=400_000)
    return tuple(EXPECTED["typical"][name] * np.exp(drawn[:, i]) for i, name in enumerate(("CL", "V")))


def trough(amount, every, clearance, volume):
    left = np.exp(-clearance / volume * every)
    return amount / volume * left / (1 - left)


def test_advice_gives_the_probabilities_of_the_posterior(document, posterior):
    advice = document["fits"][0]["advice"]
    low, high = advice["target"]["low"], advice["target"]["high"]
    assert advice["candidates"]
    for one in advice["candidates"]:
        amount, every = one["regimen"]["amount_mg"], one["regimen"]["interval_h"]
        values = trough(amount, every, *posterior)
        shares = {
            "probability": np.mean((values >= low) & (values <= high)),
            "below": np.mean(values < low),
            "above": np.mean(values > high),
        }
        for key, share in shares.items():
            error = math.sqrt(max(share * (1 - share), 1 / advice["draws"]) / advice["draws"])
            assert within_standard_errors(one[key], share, error), (one["regimen"], key)
        mode = (EXPECTED["parameters"]["CL"], EXPECTED["parameters"]["V"])
        assert one["exposure"]["trough"] == pytest.approx(trough(amount, every, *mode), rel=ESTIMATE)
        assert one["exposure"]["auc24"] == pytest.approx(amount * 24 / every / mode[0], rel=ESTIMATE)


def test_advice_holds_only_what_can_be_given_and_begins_with_the_best(document):
    candidates = document["fits"][0]["advice"]["candidates"]
    for one in candidates:
        amount, every = one["regimen"]["amount_mg"], one["regimen"]["interval_h"]
        assert amount / STEP == pytest.approx(round(amount / STEP), rel=IDENTITY)
        assert amount * 24 / every <= DOSE_LIMIT_PER_KG * WEIGHT
    shares = [round(one["probability"], 2) for one in candidates]
    assert shares == sorted(shares, reverse=True)


def test_the_same_call_prints_the_same_document(document):
    assert json.loads(CliRunner().invoke(main, ["estimate", EXAMPLE, "--json"]).stdout) == document


def test_prior_is_the_typical_patient(document):
    done = CliRunner().invoke(main, ["estimate", EXAMPLE, "--json", "--method", "prior"])
    (fit,) = json.loads(done.stdout)["fits"]
    assert fit["method"] == "prior"
    assert fit["parameters"] == pytest.approx(EXPECTED["typical"], rel=IDENTITY)
    assert [one["ipred"] for one in fit["levels"]] == [one["pred"] for one in fit["levels"]]
    assert fit["objective"] is None


@pytest.mark.reference
def test_a_whole_ward_agrees_with_nonmem():
    data = reference_data.path("datasets/pheno.csv")
    done = CliRunner().invoke(main, ["estimate", str(data), "--card", "phenobarbital", "--json"])
    assert done.exit_code == 0
    document = json.loads(done.stdout)
    jsonschema.Draft202012Validator(json_schema("estimate")).validate(document)
    expected = reference_data.rows("map/phenobarbital/expected_phi.csv")
    assert [fit["id"] for fit in document["fits"]] == [row["ID"].removesuffix(".0") for row in expected]
    predicted = {
        (r["ID"].removesuffix(".0"), float(r["TIME"])): r
        for r in reference_data.rows("map/phenobarbital/expected_tab.csv")
    }
    for fit, row in zip(document["fits"], expected, strict=True):
        for name, column in (("CL", "ETA(1)"), ("V", "ETA(2)")):
            assert fit["eta"][name] == pytest.approx(float(row[column]), abs=ETA_NONMEM), fit["id"]
        assert fit["advice"] is None
        for level in fit["levels"]:
            table = predicted[fit["id"], level["time_h"]]
            # the fixed effects are printed to six digits, which moves a prediction by up to 1e-6 of itself
            rounding = printed(table["PRED"]) + ESTIMATE * level["pred"]
            assert level["pred"] == pytest.approx(float(table["PRED"]), abs=rounding)
            tolerance = printed(table["IPRED"]) + 2 * ETA_NONMEM * level["ipred"]
            assert level["ipred"] == pytest.approx(float(table["IPRED"]), abs=tolerance)
