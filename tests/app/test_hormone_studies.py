"""`individose hormone studies`: published series in, a posterior with its priors and checks out (series simulated here)."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import jsonschema
import numpy as np
import pytest
from click.testing import CliRunner

pytest.importorskip("numpyro")

from individose.app.actions import hormone_studies
from individose.app.actions.hormone_studies import infer, priors, read_prior, read_series
from individose.app.cli import main
from individose.app.schemas.published import json_schema
from individose.base import InputError, Notice
from individose.inference.generative import Chains, LeftOut, gamma, inverse_gamma
from tolerances import IDENTITY

TRUTH = {"d": 478.0, "k1": 0.236, "k2": 4.85, "k3": 1.24}
"""The reference program's estradiol valerate."""
DAYS = np.array([0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 12.0])


def level(t):
    d, k1, k2, k3 = TRUTH.values()
    return d * k1 * k2 * (
        np.exp(-k1 * t) / ((k1 - k2) * (k1 - k3))
        - np.exp(-k2 * t) / ((k1 - k2) * (k2 - k3))
        + np.exp(-k3 * t) / ((k1 - k3) * (k2 - k3))
    )  # fmt: skip


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """Five arms of three studies, of which one was given twice what it says."""
    path, generator = tmp_path_factory.mktemp("studies") / "series.csv", np.random.default_rng(3)
    with path.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["study", "arm", "dose", "day", "level"])
        for study, arm, dose, true in (
            ("A", "a", 5, 5),
            ("A", "b", 10, 10),
            ("B", "a", 5, 10),
            ("B", "b", 4, 4),
            ("C", "a", 5, 5),
        ):
            for t, x in zip(DAYS, true * level(DAYS) + 4.0 + 8.0 * generator.normal(size=len(DAYS)), strict=True):
                writer.writerow([study, arm, dose, t, max(float(x), 1.0)])
    return path


def test_series_of_a_table(file):
    found = read_series(file, "EV")
    assert [one.name for one in found] == ["A, a", "A, b", "B, a", "B, b", "C, a"]
    assert found[1].doses[0].amount_mg == 10.0
    assert found[0].doses[0].removed_after_h == 0.0
    assert found[0].times == tuple(DAYS)
    assert read_series(file, "patch-tw")[0].doses[0].removed_after_h == 3.5


def test_priors_in_words_and_those_of_a_product():
    assert read_prior("k1 = gamma(1, rate=5)") == ("k1", gamma(1.0, rate=5.0, unit="1/d", why="given"))
    assert read_prior("sigma=inverse_gamma(2, 20)") == ("sigma", inverse_gamma(2.0, 20.0, unit="pg/mL", why="given"))
    own = priors("EV")
    assert own["d"].numbers[0] == pytest.approx(TRUTH["d"], rel=IDENTITY)
    assert own["k1"].numbers[0] == pytest.approx(TRUTH["k1"], rel=IDENTITY)
    for wrong in ("k1", "k9=gamma(1, rate=5)", "k1=normal(1, 2)", "k1=gamma(x, rate=5)", "k1=gamma(1, rate=-5)"):
        with pytest.raises(InputError, match="a prior is"):
            read_prior(wrong)
    with pytest.raises(InputError, match="exactly one of rate and scale"):
        read_prior("k1=gamma(1, 5)")


@pytest.fixture(scope="module")
def short(file):
    """Ten draws, which are not enough."""
    given = {"k1": gamma(1.0, scale=0.2, unit="1/d", why="given")}
    how = Chains(chains=2, warm_up=10, draws=10)
    return infer(read_series(file, "EV"), "EV", model="one-curve", given=given, how=how)


def called(monkeypatch, short, *arguments):
    """The command, with what it asks of the action, which answers with the short run."""
    asked = {}
    monkeypatch.setattr(hormone_studies, "infer", lambda *_, **words: asked.update(words) or short)
    ran = CliRunner().invoke(main, ["hormone", "studies", *arguments])
    assert ran.exit_code == 0, ran.output
    return ran, asked


def test_the_command_tells_priors_posterior_and_checks(file, short, tmp_path, monkeypatch):
    table = tmp_path / "draws.csv"
    ran, asked = called(
        monkeypatch, short, str(file), "--product", "EV", "--model", "one-curve", "--draws", "10", "--chains", "2",
        "--prior", "k1=gamma(1, scale=0.2)", "--csv", str(table),
    )  # fmt: skip
    assert asked["given"] == {"k1": short.priors["k1"]}
    assert asked["how"] == Chains(chains=2, warm_up=10, draws=10)
    assert (asked["model"], asked["leave_out"]) == ("one-curve", False)
    assert "k1: gamma(shape 1, rate 5), mean 0.2 1/d" in ran.output
    assert "Levels within their 90 % interval: by the priors" in ran.output
    assert "sigma" in ran.output
    with table.open() as drawn:
        rows = list(csv.DictReader(drawn))
    assert len(rows) == 20
    assert all(float(row["k1"]) < float(row["k3"]) < float(row["k2"]) for row in rows)


def test_the_command_writes_json_and_says_what_failed(file, short, monkeypatch):
    rough = Notice("left-out-rough", "The log density of B is rough.", "caution")
    left = LeftOut("B", -40.0, 0.4, float("nan"), True, 6.0, 20, 30.0, 16, "converged", (rough,))
    ran, asked = called(
        monkeypatch, replace(short, left_out=(left,)), str(file), "--product", "EV", "--json", "--leave-out"
    )
    assert asked["leave_out"]
    document = json.loads(ran.stdout)
    jsonschema.Draft202012Validator(json_schema("hormone-studies")).validate(document)
    assert document["priors"]["k1"]["unit"] == "1/d"
    assert document["priors"]["sigma"]["numbers"] == {"shape": 2.0, "scale": 20.0}
    assert set(document["posterior"]) == {"d", "k1", "k2", "k3", "sigma"}
    assert document["left_out"][0]["pareto_k"] is None
    assert {one["code"] for one in document["warnings"]} >= {"nuts-effective", "left-out-rough"}


@pytest.mark.parametrize(
    ("text", "said"), [("", "no row"), ("study,arm,dose,day\nA,a,5,1\n", "no column level"),
                       ("study,arm,dose,day,level\nA,a,5,one,20\n", "row 1: day is 'one'"),
                       ("study,arm,dose,day,level\nA,a,5,1,20\nA,a,-5,2,20\n", "row 2: dose is '-5'; a number above 0"),
                       ("study,arm,dose,day,level\nA,a,5,1,nan\n", "row 1: level is 'nan'"),
                       ("study,arm,dose,day,level\nA,a,5,-1,3\n", "row 1: day is '-1'; a number of 0 or more"),
                       ("study,arm,dose,day,level,sd\nA,a,5,1,9,2\nA,a,5,2,9,\n", "row 2 has no sd, and row 1 has one")]
)  # fmt: skip
def test_a_wrong_table_is_said(text, said, tmp_path):
    file = tmp_path / "wrong.csv"
    file.write_text(text, encoding="utf-8")
    ran = CliRunner().invoke(main, ["hormone", "studies", str(file), "--product", "EV"])
    assert ran.exit_code == 2
    assert said in ran.output


@pytest.mark.slow
def test_weights_and_studies_left_out(file):
    found = infer(read_series(file, "EV"), "EV", leave_out=True)
    assert found.posterior.status.ok
    odd = max(found.weights, key=lambda one: one.strange)
    assert odd.name == "B, a"
    assert odd.low < 2.0 < odd.high
    assert found.after.coverage(0.9) > 0.8
    assert [one.study for one in found.left_out] == ["A", "B", "C"]
    for name in ("d", "k1"):
        low, high = np.quantile(found.posterior.flat(name), [0.005, 0.995])
        assert low < TRUTH[name] < high


@pytest.mark.slow
def test_studies_with_parameters_of_their_own(file):
    found = infer(read_series(file, "EV"), "EV", model="by-study", how=Chains(warm_up=600, draws=600))
    assert "spread of d" in found.priors
    assert found.posterior.flat("d_by_study").shape == (2400, 3)
    assert found.posterior.status.ok
