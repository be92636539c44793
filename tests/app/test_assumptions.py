"""Censoring, the population's weight and effects held at 0: by whatever way they are asked for, and exactly."""

import json
import math

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.optimize import minimize

import individose as ido
from individose.app.actions.compare import estimate_by_models
from individose.app.cli import main
from individose.base import InputError
from individose.drugs.held import held
from individose.drugs.schema import read_card
from individose.prediction import bind
from individose.prediction.bind import covariances
from tolerances import ESTIMATE, IDENTITY

OMEGA = np.array([[0.2, 0.06], [0.06, 0.15]])
HEAD = """
id = "examplin/doe2031"
title = "correlated effects"
grade = "draft"
system = { disposition = "one_compartment", input = "bolus" }
[source]
citation = "invented"
population = "invented"
[parameters]
CL = { equation = "4 [L/h]", unit = "L/h" }
V = { equation = "70 [L]", unit = "L" }
[residual]
convention = "sd2 = a2 + b2 f2"
proportional = 0.2
"""
BOTH = (
    HEAD
    + '[variability]\nCL = { omega2 = 0.2 }\nV = { omega2 = 0.15 }\n[[covariance]]\nof = ["CL", "V"]\nomega2 = 0.06\n'
)
ONE = HEAD + "[variability]\nCL = { omega2 = 0.2 }\n"
BETWEEN = (
    HEAD + '[variability]\nCL = [{ omega2 = 0.2 }, { omega2 = 0.05, level = "occasion" }]\nV = { omega2 = 0.15 }\n'
)
TABLE = """ID,TIME,AMT,DV,EVID,CENS,OCC
a,0,1000,.,1,0,1
a,2,.,17,0,0,1
a,12,.,7,0,0,1
a,36,.,2,0,1,1
b,0,800,.,1,0,1
b,3,.,9,0,0,1
b,24,800,.,1,0,2
b,40,.,3,0,1,2
"""


def mode(patient, free, *, weight=1.0, m3=True):
    """Effects (CL, V) of the bolus model by an independent minimiser; only those in `free` are."""
    doses = [(e.time_h, e.amount_mg) for e in patient.doses]
    precision = weight * np.linalg.inv(OMEGA[np.ix_(free, free)])

    def loss(short):
        eta = np.zeros(2)
        eta[free] = short
        cl, v = 4.0 * math.exp(eta[0]), 70.0 * math.exp(eta[1])
        total = 0.5 * short @ precision @ short
        for level in patient.levels:
            f = sum(a / v * math.exp(-cl / v * (level.time_h - t)) for t, a in doses if t < level.time_h)
            z = (level.value_mg_L - f) / (0.2 * f)
            if level.censoring == "none":
                total += 0.5 * z * z + math.log(0.2 * f)
            elif m3:
                total -= math.log(0.5 * math.erfc(-z / math.sqrt(2.0)))
        return total

    found = minimize(
        loss, np.zeros(len(free)), method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-13, "maxiter": 4000}
    )
    return found.x


@pytest.fixture
def files(tmp_path):
    for name, text in (("both.toml", BOTH), ("between.toml", BETWEEN), ("ward.csv", TABLE)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def asked(files, card, *options):
    done = CliRunner().invoke(
        main, ["estimate", str(files / "ward.csv"), "--card", str(files / card), "--json", "--no-diagnostics", *options]
    )
    assert done.exit_code == 0, done.output[-500:]
    return json.loads(done.stdout)["fits"]


@pytest.mark.parametrize(
    ("options", "free", "how", "code"),
    [
        (["--censoring", "m1"], [0, 1], {"m3": False}, "levels-left-out"),
        (["--censoring", "m3"], [0, 1], {}, None),
        (["--prior-weight", "0.25"], [0, 1], {"weight": 0.25}, "prior-weighted"),
        (["--fix", "V"], [0], {}, "effects-fixed"),
        (["--fix", "CL", "--prior-weight", "3", "--censoring", "m1"], [1], {"weight": 3.0, "m3": False}, "effects-fixed"),
    ],
)  # fmt: skip
def test_each_option_equals_an_independent_minimiser(options, free, how, code, files):
    for found, patient in zip(asked(files, "both.toml", *options), ido.read_nonmem(files / "ward.csv"), strict=True):
        assert list(found["eta"]) == [("CL", "V")[i] for i in free]
        np.testing.assert_allclose(list(found["eta"].values()), mode(patient, free, **how), rtol=0, atol=ESTIMATE)
        assert code is None or code in [n["code"] for n in found["warnings"]]
        if "--fix" in options:
            kept = next(name for name in ("CL", "V") if name not in found["eta"])
            assert found["parameters"][kept] == found["typical"][kept]


def test_a_held_effect_is_a_card_without_it(files):
    patient = ido.read_nonmem(files / "ward.csv")[0]
    both, one = read_card(BOTH), read_card(ONE)
    assert held(both, ["V"]).effects == one.effects
    assert held(both, ["V"]).omega == one.omega
    assert held(both, []) is both
    for method in ("map", "sir"):
        here, there = ido.fit(both, patient, method, fixed=["V"]), ido.fit(one, patient, method)
        np.testing.assert_array_equal(here.eta, there.eta)
        np.testing.assert_array_equal(here.covariance, there.covariance)
        assert (here.objective, here.log_evidence) == (there.objective, there.log_evidence)
    (notice,) = [n for n in here.warnings if n.code == "effects-fixed"]
    assert "random effect on V" in notice.sentence


def test_occasions_are_held_together_or_not_at_all(files):
    found = asked(files, "between.toml", "--fix", "CL:occ")
    plain = read_card(
        BETWEEN.replace('CL = [{ omega2 = 0.2 }, { omega2 = 0.05, level = "occasion" }]', "CL = { omega2 = 0.2 }")
    )
    for one, patient in zip(found, ido.read_nonmem(files / "ward.csv"), strict=True):
        np.testing.assert_allclose(list(one["eta"].values()), ido.fit(plain, patient).eta, rtol=0, atol=IDENTITY)
    bound = bind(read_card(BETWEEN), ido.read_nonmem(files / "ward.csv")[1], fixed=["CL"])
    assert bound.effects == ("V", "CL:occ1", "CL:occ2", "", "")
    np.testing.assert_array_equal(covariances(bound.card)[1], [[0.05]])


def test_comparisons_and_averages_take_the_options(files):
    patient = ido.read_nonmem(files / "ward.csv")[0]
    both = read_card(BOTH)
    expected = mode(patient, [0], weight=0.5)
    found = estimate_by_models([both], patient, fixed=["V"], prior_weight=0.5, curve=False, behind=False)
    np.testing.assert_allclose(found.fit.eta, expected, rtol=0, atol=ESTIMATE)
    found = ido.estimate(both, patient, fixed=["V"], prior_weight=0.5, curve=False, behind=False)
    np.testing.assert_allclose(found.fit.eta, expected, rtol=0, atol=ESTIMATE)


def test_a_mixture_holds_an_effect_in_every_group(files):
    patient = ido.read_nonmem(files / "ward.csv")[0]
    groups = "".join(
        f'[[groups]]\nname = "{name}"\nprobability = {share}\nconstants = {{ cl = {{ value = {cl}, unit = "L/h" }} }}\n'
        for name, share, cl in (("slow", 0.4, 2), ("fast", 0.6, 4))
    )
    grouped = BOTH.replace("[parameters]", f"{groups}[parameters]").replace('"4 [L/h]"', '"cl"')
    card = read_card(grouped)
    found = ido.estimate(card, patient, fixed=["V"], curve=False, behind=False)
    assert [fit.problem.effects for fit in found.average.fits] == [("CL",), ("CL",)]
    np.testing.assert_allclose(found.average.fits[1].eta, mode(patient, [0]), rtol=0, atol=ESTIMATE)
    ward = ido.fit_ward(card, [patient], fixed=["V"])
    np.testing.assert_array_equal(ward.fits[0].problem.effects, ("CL",))


def test_forecasts_of_a_held_effect_are_those_of_a_card_without_it(files):
    patients = ido.read_nonmem(files / "ward.csv")
    here = ido.evaluate(read_card(BOTH), patients, fixed=["V"], censoring="m1", resamples=100)
    there = ido.evaluate(read_card(ONE), patients, censoring="m1", resamples=100)
    assert here.forecasts == there.forecasts
    done = CliRunner().invoke(
        main,
        ["evaluate", str(files / "ward.csv"), "--card", str(files / "both.toml"), "--json", "--fix", "V",
         "--censoring", "m1"],
    )  # fmt: skip
    document = json.loads(done.stdout)
    assert any("random effect on V" in note for note in document["notes"])
    assert [x["posterior"] for x in document["forecasts"]] == [x.posterior for x in there.forecasts]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--fix", "ka"], "one of CL, V"),
        (["--fix", "CL", "--fix", "V"], "at least one effect"),
        (["--prior-weight", "0"], "range"),
        (["--censoring", "m4"], "m3"),
    ],
)
def test_what_cannot_be_asked_is_refused(options, said, files):
    done = CliRunner().invoke(
        main, ["estimate", str(files / "ward.csv"), "--id", "a", "--card", str(files / "both.toml"), *options]
    )
    assert done.exit_code == 2
    assert said in done.output
    with pytest.raises(InputError, match="'V2' is to be held"):
        held(read_card(BOTH), ["V2"])
