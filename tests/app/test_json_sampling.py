"""The numbers of sampling in the JSON of `estimate`: those of the fit, and what ArviZ says of the same draws."""

import json
from pathlib import Path

import arviz_stats
import jsonschema
import numpy as np
import pytest
from click.testing import CliRunner

import individose as ido
from individose.app.cli import main
from individose.app.schemas.published import json_schema
from tolerances import IDENTITY

EXAMPLE = str(Path(__file__).parents[2] / "examples" / "newborn.json")


@pytest.fixture(scope="module")
def fit():
    options = [x for name in ("nuts", "sir", "map") for x in ("--method", name)]
    done = CliRunner().invoke(main, ["estimate", EXAMPLE, "--json", "--no-diagnostics", *options])
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    jsonschema.validate(document, json_schema("estimate"))
    return document["fits"][0]


def test_nuts_says_how_its_chains_agree(fit):
    found = fit["sampling"]
    draws = ido.fit(ido.card("phenobarbital/grasela1985"), ido.read_case(EXAMPLE), "nuts").draws
    assert (found["chains"], found["draws"], found["divergences"]) == (4, len(draws), 0)
    assert found["rounds"] is found["proposals"] is None
    for i, name in enumerate(("CL", "V")):
        by_chain = draws[:, i].reshape(found["chains"], -1)
        np.testing.assert_allclose(found["rhat"][name], arviz_stats.rhat(by_chain), rtol=IDENTITY)
        np.testing.assert_allclose(found["effective"][name], arviz_stats.ess(by_chain, method="bulk"), rtol=IDENTITY)


def test_sir_says_what_its_weights_are_worth_and_map_has_none(fit):
    rows = {row["label"]: row["sampling"] for row in fit["compared"]}
    assert rows["nuts"] == fit["sampling"]
    assert rows["map"] is None
    sir = rows["sir"]
    assert (sir["chains"], sir["draws"], sir["rhat"], sir["divergences"]) == (1, 4000, {}, None)
    assert set(sir["effective"]) == {"CL", "V"}
    assert min(sir["effective"].values()) > 4000.0
    assert sir["rounds"] >= 1
    assert sir["proposals"] == 16384
