"""Posterior means and SDs of twenty patients each against Monolix's conditional distributions (about 10,000 draws)."""

from functools import cache

import numpy as np
import pytest

import individose as ido
import reference_data
from individose.app.actions.problems import fit_ward
from individose.drugs.schema import read_card
from tolerances import POSTERIOR_MEAN, POSTERIOR_MEAN_WORST, POSTERIOR_SD

pytestmark = pytest.mark.reference

HEAD = """
id = "case/{name}"
title = "{title}"
grade = "draft"
system = {{ disposition = "one_compartment", input = "first_order"{more} }}

[source]
citation = "Monolix 2020R1, {name}"
population = "20 simulated subjects"

[residual]
convention = "sd2 = a2 + b2 f2"
proportional = 0.05

"""

MODELS = {
    "run001": ("Oral doses", "", {"CL": "4 [L/h]", "V": "70 [L]", "ka": "1 [1/h]"}),
    "run201": (
        "Michaelis-Menten elimination after oral doses",
        ', elimination = "michaelis_menten"',
        {"Vmax": "10000 [mg/h]", "V": "70 [L]", "ka": "1 [1/h]", "Km": "2500 [mg/L]"},
    ),
}
COLUMNS = {"CL": "Cl", "V": "Vc", "ka": "Ka", "Vmax": "Vmax", "Km": "Km"}


@cache
def card(name):
    title, more, typical = MODELS[name]
    rows = [HEAD.format(name=name, title=title, more=more), "[parameters]"]
    rows += [f'{key} = {{ equation = "{x}", unit = "{x.split("[")[1][:-1]}" }}' for key, x in typical.items()]
    rows += ["", "[variability]", *(f"{key} = {{ omega2 = 0.2 }}" for key in typical)]
    return read_card("\n".join(rows), name)


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("run001", "sir"),
        pytest.param("run001", "nuts", marks=pytest.mark.slow),
        pytest.param("run201", "sir", marks=pytest.mark.slow),
        pytest.param("run201", "nuts", marks=pytest.mark.slow),
    ],
)
def test_means_and_sds_equal_monolix(name, method):
    folder = f"map/posterior_monolix_{name}"
    expected = reference_data.rows(f"{folder}/expected.csv")
    patients = ido.read_nonmem(reference_data.path(f"{folder}/data.csv"), ignore=("s2_sampling",))
    ward = fit_ward(card(name), patients, method)
    assert len(ward.fits) == len(expected) == 20
    away, ratio = [], []
    for fit, row in zip(ward.fits, expected, strict=True):
        assert fit.status.ok
        columns = [COLUMNS[effect] for effect in fit.problem.effects]
        means, sds = (np.array([float(row[f"eta_{c}_{what}"]) for c in columns]) for what in ("mean", "sd"))
        away.append(np.abs(fit.eta - means) / sds)
        ratio.append(np.abs(np.sqrt(np.diag(fit.covariance)) / sds - 1.0))
    assert np.median(away) < POSTERIOR_MEAN
    assert np.max(away) < POSTERIOR_MEAN_WORST
    assert np.median(ratio) < POSTERIOR_SD
