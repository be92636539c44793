"""A table of 10,000 patients of whom three are broken: the others are done, the three are listed, the exit code says so."""

import csv
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


def test_the_table_of_estimates_holds_what_json_holds(tmp_path):
    ward = tmp_path / "ward.csv"
    ward.write_text(
        "ID,TIME,AMT,DV,WT,APGR\na,0,25,.,1.4,7\na,12,3.5,.,1.4,7\na,24,3.5,.,1.4,7\na,30,.,18,1.4,7\n"
        "b,0,-5,.,1.4,7\nb,2,.,14,1.4,7\nc,0,25,.,1.4,7\nc,2,.,17,1.4,7\n",
        encoding="utf-8",
    )
    file = tmp_path / "estimates.csv"
    asked = ["estimate", str(ward), "--card", "phenobarbital", "--csv", str(file)]
    fits = {one["id"]: one for one in json.loads(CliRunner().invoke(main, [*asked, "--json"]).stdout)["fits"]}
    with file.open(encoding="utf-8", newline="") as text:
        rows = {row["ID"]: row for row in csv.DictReader(text)}
    assert list(rows) == ["a", "c", "b"]
    for name in ("a", "c"):
        assert float(rows[name]["CL (L/h)"]) == fits[name]["parameters"]["CL"]
        assert float(rows[name]["eta V"]) == fits[name]["eta"]["V"]
        low, high = fits[name]["intervals"]["parameters"]["V"]
        assert (float(rows[name]["V low (L)"]), float(rows[name]["V high (L)"])) == (low, high)
        assert rows[name]["status"] == fits[name]["status"]
    assert float(rows["a"]["trough (mg/L)"]) == fits["a"]["exposure"]["trough"]
    assert rows["c"]["trough (mg/L)"] == ""  # one dose is no regimen
    assert rows["b"]["status"] == "refused"
    assert "AMT -5 mg" in rows["b"]["notices"]
    nowhere = CliRunner().invoke(main, [*asked[:-1], str(tmp_path / "no" / "x.csv")])
    assert nowhere.exit_code == 2
    assert "cannot be written" in nowhere.stderr
