"""A patch that is taken off again is the same patch in Python, in a case, in a regimen's text and in a table."""

import io
import json
import math

import numpy as np
import pytest
from click.testing import CliRunner

import individose as ido
from individose.app.cli import main
from individose.base import InputError
from individose.events import Dose, Level, Reading, Subject, read_nonmem, write_nonmem
from tolerances import EXACT, IDENTITY

CARD = "theophylline/boeckmann1994"
WORN = {"time": 0, "amount": 320, "unit": "mg", "worn": 3, "worn_unit": "h"}
CASE = {
    "format": "case/1",
    "id": "patch",
    "card": CARD,
    "time_unit": "h",
    "covariates": [{"name": "weight", "value": 70.0, "unit": "kg"}],
    "doses": [WORN],
    "levels": [{"time": 5, "value": 4.5, "unit": "mg/L"}],
}


def case(**changed):
    return json.dumps(CASE | changed)


@pytest.mark.parametrize("worn", [{"worn": 3}, {"worn": 180, "worn_unit": "min"}, {"worn_h": 3}])
def test_a_case_says_how_long_a_patch_is_worn(worn):
    plain = {"time": 0, "amount": 320, "unit": "mg", "every_h": 24, "count": 3}
    found = ido.read_case(case(doses=[plain | worn]))
    assert [d.removed_after_h for d in found.doses] == [pytest.approx(3.0, rel=EXACT)] * 3


def test_a_patch_is_no_infusion():
    with pytest.raises(InputError, match=r"doses\[0\] is worn for 3 h and takes 2 h"):
        ido.read_case(case(doses=[WORN | {"duration_h": 2}]))
    dose = Dose(0.0, 320.0, duration_h=2.0, removed_after_h=3.0)
    with pytest.raises(InputError, match="taken off again after 3 h, and infused"):
        ido.fit(ido.card(CARD), Subject("a", (Reading(0.0, {"weight": 70.0}), dose)), method="prior")
    with pytest.raises(InputError, match="taken off again after -3 h"):
        ido.fit(ido.card(CARD), Subject("a", (Reading(0.0, {"weight": 70.0}), Dose(0.0, 1.0, removed_after_h=-3.0))))


def test_levels_are_those_of_a_depot_emptied_by_hand():
    """Bateman's curve up to the removal, then only elimination of what had come in by then."""
    fit = ido.fit(ido.card(CARD), ido.read_case(case(levels=[])), method="prior")
    p = {name: one.value for name, one in fit.parameters().items()}
    ka, k, V = p["ka"], p["CL"] / p["V"], p["V"]

    def level(t):
        on = min(t, 3.0)
        body = 320.0 * ka / (ka - k) * (math.exp(-k * on) - math.exp(-ka * on))
        return body * math.exp(-k * (t - on)) / V

    times = [1.0, 3.0, 4.0, 12.0]
    np.testing.assert_allclose(fit.predict(times), [level(t) for t in times], rtol=IDENTITY)


def test_the_command_line_estimates_a_patch_as_python_does(tmp_path):
    file = tmp_path / "patch.json"
    file.write_text(case())
    found = CliRunner().invoke(main, ["estimate", str(file), "--json"])
    assert found.exit_code == 0, found.output
    (shown,) = json.loads(found.output)["fits"]
    dose = Dose(0.0, 320.0, removed_after_h=3.0)
    fit = ido.fit(ido.card(CARD), Subject("patch", (Reading(0.0, {"weight": 70.0}), dose, Level(5.0, 4.5))))
    for name, one in fit.parameters().items():
        assert shown["parameters"][name] == pytest.approx(one.value, rel=IDENTITY)
    assert shown["regimen"] is None


def test_the_command_line_simulates_a_patch():
    """From one seed: the same until it is taken off at 3 h, less from then on."""
    medians = []
    for regimen in ("320 mg worn 3 h", "320 mg"):
        people = ["--card", CARD, "--covariate", "weight=70", "--patients", "50", "--seed", "1"]
        found = CliRunner().invoke(main, ["simulate", regimen, *people, "--times", "0:12:3", "--json"])
        assert found.exit_code == 0, found.output
        medians.append(json.loads(found.output)["quantiles"]["0.5"])
    worn, left = np.array(medians)
    np.testing.assert_allclose(worn[:2], left[:2], rtol=IDENTITY)
    assert np.all(worn[2:] < left[2:])


def test_a_table_has_a_column_for_it():
    dose = Dose(0.0, 100.0, interval_h=84.0, additional=5, removed_after_h=84.0)
    subject = Subject("a", (dose, Level(30.0, 1.5)))
    file = io.StringIO()
    write_nonmem([subject], file)
    header, first, *_ = file.getvalue().splitlines()
    assert dict(zip(header.split(","), first.split(","), strict=True))["WEAR"] == "84"
    (back,) = read_nonmem(io.StringIO(file.getvalue()))
    assert back.events == subject.events


def test_a_table_refuses_a_patch_that_is_infused():
    with pytest.raises(InputError, match="WEAR 3 h, RATE 10"):
        read_nonmem(io.StringIO("ID,TIME,AMT,RATE,WEAR,DV\n1,0,100,10,3,.\n"))


def test_the_unit_of_wear_is_that_of_time():
    (found,) = read_nonmem(io.StringIO("ID,TIME,AMT,WEAR,DV\n1,0,100,3.5,.\n"), units={"TIME": "d"})
    assert found.doses[0].removed_after_h == pytest.approx(84.0, rel=EXACT)
