"""Virtual patients: their levels are those of the formula, their variability is the card's, and they say what they are."""

import csv
import json
import math
from dataclasses import replace

import jsonschema
import numpy as np
import pytest
from click.testing import CliRunner

import individose as ido
from individose.app.cli import main
from individose.app.schemas.published import json_schema
from individose.base import InputError, UnitError
from individose.events import Dose, read_regimen
from tolerances import IDENTITY, within_standard_errors

CARD = ido.card("phenobarbital/grasela1985")
WHO = {"weight": 1.4, "apgar_5min": 7}
COUNT = 4000


@pytest.fixture(scope="module")
def simulated():
    doses = read_regimen("20 mg; 4 mg q12h x3 at 12")
    return ido.simulate(CARD, doses=doses, covariates=WHO, times_h=[0.0, 6.0, 40.0], count=COUNT, seed=3)


def test_every_level_is_the_sum_of_its_boluses(simulated):
    cl, v = simulated.parameters["CL"], simulated.parameters["V"]
    given = [(0.0, 20.0), (12.0, 4.0), (24.0, 4.0), (36.0, 4.0)]
    for column, t in enumerate((0.0, 6.0, 40.0)):
        expected = sum(amount / v * np.exp(-cl / v * (t - at)) for at, amount in given if at <= t)
        np.testing.assert_allclose(simulated.levels[:, column], expected, rtol=IDENTITY)


def test_variability_is_the_cards(simulated):
    for name, typical, omega2 in (("CL", 0.00469555 * 1.4, 0.0293508), ("V", 0.984258 * 1.4, 0.027906)):
        eta = np.log(simulated.parameters[name] / typical)
        assert within_standard_errors(float(np.mean(eta)), 0.0, math.sqrt(omega2 / COUNT))
        assert within_standard_errors(float(np.var(eta)), omega2, omega2 * math.sqrt(2 / COUNT))


def test_residual_error_is_the_cards():
    how = {"doses": [Dose(0.0, 20.0)], "covariates": WHO, "times_h": [1.0], "count": COUNT, "seed": 5}
    clean, noisy = (ido.simulate(CARD, **how, residual_error=r).levels[:, 0] for r in (False, True))
    error = noisy / clean - 1
    assert within_standard_errors(float(np.var(error)), 0.013241, 0.013241 * math.sqrt(2 / COUNT))


def test_the_same_seed_gives_the_same_patients(simulated):
    doses = read_regimen("20 mg; 4 mg q12h x3 at 12")
    how = {"doses": doses, "covariates": WHO, "times_h": [0.0, 6.0, 40.0], "count": COUNT}
    np.testing.assert_array_equal(ido.simulate(CARD, **how, seed=3).levels, simulated.levels)
    assert not np.array_equal(ido.simulate(CARD, **how, seed=4).levels, simulated.levels)


def test_the_document_is_valid_and_says_that_it_is_simulated(tmp_path):
    file = tmp_path / "levels.csv"
    done = CliRunner().invoke(
        main,
        ["simulate", "20 mg; 4 mg q12h x3 at 12", "--card", "phenobarbital", "--covariate", "weight=1400 g",
         "--covariate", "apgar_5min=7", "--times", "0:48:12", "--patients", "200", "--json", "--csv", str(file)],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    jsonschema.Draft202012Validator(json_schema("simulate")).validate(document)
    assert document["simulated"] is True
    assert document["time_h"] == [0, 12, 24, 36, 48]
    # a level just at a dose is the one after it; the typical patient's is dose / V
    assert document["quantiles"]["0.5"][0] == pytest.approx(20 / (0.984258 * 1.4), rel=0.05)
    assert any("not real data" in w["sentence"] for w in document["warnings"])
    rows = list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))
    assert len(rows) == 200 * 5
    assert {r["SIMULATED"] for r in rows} == {"1"}


@pytest.mark.parametrize(
    ("text", "doses"),
    [
        ("500 mg q12h over 1 h x6", [(12.0 * k, 500.0, 1.0) for k in range(6)]),
        ("1 g", [(0.0, 1000.0, 0.0)]),
        ("250000 ug every 1 d x2 at 30 min", [(0.5, 250.0, 0.0), (24.5, 250.0, 0.0)]),
        ("10 mg q6h x2; 20 mg q12h x2", [(0.0, 10.0, 0.0), (6.0, 10.0, 0.0), (12.0, 20.0, 0.0), (24.0, 20.0, 0.0)]),
    ],
)
def test_regimens_are_read_as_they_are_spoken(text, doses):
    found = read_regimen(text)
    assert [(d.time_h, pytest.approx(d.amount_mg), d.duration_h) for d in found] == doses


def test_a_patch_is_worn():
    found = read_regimen("100 mg worn 84 h q84h x6; 50 mg worn 3.5 d")
    assert [(d.time_h, d.amount_mg, d.removed_after_h) for d in found[:6]] == [
        (84.0 * k, 100.0, 84.0) for k in range(6)
    ]
    assert (found[6].time_h, found[6].amount_mg, found[6].removed_after_h) == (504.0, 50.0, 84.0)


@pytest.mark.parametrize(
    ("text", "beat"),
    [
        ("5 mg worn 0 h", "worn for 0 h"),
        ("5 mg worn 4 h over 2 h", "infused over 2 h"),
        ("", "cannot be read"),
        ("five mg", "cannot be read"),
        ("5 mg x3", "without an interval"),
        ("0 mg", "0 mg 1 times"),
        ("20 mg; 4 mg q12h x3", "does not say when it starts"),
        ("20 mg q12h q24h", "twice"),
    ],
)
def test_a_regimen_that_cannot_be_given_is_refused(text, beat):
    with pytest.raises(InputError, match=beat):
        read_regimen(text)


def test_an_amount_in_mol_needs_a_molar_mass():
    with pytest.raises(UnitError, match="molar"):
        read_regimen("5 mmol")
    assert read_regimen("5 mmol", 232.24)[0].amount_mg == pytest.approx(1161.2)


@pytest.mark.parametrize(
    ("arguments", "beat"),
    [
        (["20 mg"], "--card"),
        (["20 mg", "--card", "phenobarbital"], "weight is missing"),
        (["20 mg", "--card", "phenobarbital", "--covariate", "weight=heavy"], "a number in kg"),
        (["20 mg", "--card", "phenobarbital", "--covariate", "weight=1.4 L"], "convertible to kg"),
        (["20 mg", "--card", "phenobarbital", "--covariate", "weight=1.4", "--covariate", "apgar_5min=7",
          "--times", "later"], "START:END:STEP"),
    ],
)  # fmt: skip
def test_a_call_that_cannot_be_answered_ends_with_code_2_and_a_sentence(arguments, beat):
    done = CliRunner().invoke(main, ["simulate", *arguments])
    assert done.exit_code == 2
    assert beat in done.stderr
    assert "Traceback" not in done.output


def test_a_clock_that_restarts_is_said():
    """Levels are asked for on one clock: that of the last run."""
    runs = (Dose(0.0, 100.0), ido.Reset(0.0, restarts=True), Dose(0.0, 50.0))
    person = ido.subject("a", doses=[], covariates=WHO)
    both, last = (
        ido.simulate(
            CARD, patient=replace(person, events=(*person.events, *events)), times_h=[2.0, 8.0], count=20, seed=3
        )
        for events in (runs, runs[2:])
    )
    np.testing.assert_allclose(both.levels, last.levels, rtol=IDENTITY)
    assert "last-run" in {n.code for n in both.notices}
    assert "last-run" not in {n.code for n in last.notices}
