"""A table of 10,000 patients of whom three are broken: the others are done, the three are listed, the exit code says so."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

import individose as ido
from individose.app.cli import main
from individose.events import Dose, Level
from tolerances import IDENTITY

COUNT = 10_000
BROKEN = {18: ("AMT -5 mg", "above 0"), 5001: ("TIME is -1 h", "backwards"), 10_000: ("1400 kg", "looks like g")}


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Three levels of each of 10,000 simulated newborns, spread around the typical one."""
    spread = np.exp(0.2 * np.random.default_rng(4).standard_normal((COUNT, 2)))
    lines = ["ID,TIME,AMT,DV,WT,APGR"]
    for i in range(1, COUNT + 1):
        amount, weight, time = (-5 if i == 18 else 20), (1400 if i == 10_000 else 1.4), (-1 if i == 5001 else 30)
        first, second = 14.5 * spread[i - 1, 0], 12.5 * spread[i - 1, 1]
        lines += [
            f"{i},0,{amount},.,{weight},7",
            f"{i},2,.,{first:.4g},{weight},7",
            f"{i},{time},.,{second:.4g},{weight},7",
        ]
    file = tmp_path_factory.mktemp("ward") / "ward.csv"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def test_ten_thousand_patients_of_whom_three_are_broken(table):
    done = CliRunner().invoke(main, ["estimate", str(table), "--card", "phenobarbital", "--json", "--no-diagnostics"])
    assert done.exit_code == 3
    document = json.loads(done.stdout)
    assert [one["id"] for one in document["fits"]] == [str(i) for i in range(1, COUNT + 1) if i not in BROKEN]
    assert {int(one["id"]) for one in document["refused"]} == set(BROKEN)
    for one in document["refused"]:
        for beat in BROKEN[int(one["id"])]:
            assert beat in one["error"]
    assert "9997 of 10000 patients done; 3 refused" in done.stderr
    for place in (0, 4321, 9995):
        found = document["fits"][place]
        lines = [
            x.split(",") for x in table.read_text(encoding="utf-8").splitlines() if x.startswith(f"{found['id']},")
        ]
        levels = [Level(float(x[1]), float(x[3])) for x in lines[1:]]
        alone = ido.fit(
            ido.card("phenobarbital"),
            ido.subject("a", doses=[Dose(0.0, 20.0)], levels=levels, covariates={"weight": 1.4, "apgar_5min": 7}),
        )
        np.testing.assert_allclose(list(found["eta"].values()), alone.eta, rtol=0, atol=IDENTITY)
