"""The event sequences of NONMEM and Torsten: every row that adding up many doses confirms, and the sum where it does not."""

import math
import re

import numpy as np
import pytest

import reference_data
from individose.drugs import CovariateUse
from individose.events import Dose, Level, Reading, Reset, Subject
from individose.kinetics import compose
from kinetics.engine import showing_amounts, solve
from tolerances import IDENTITY

pytestmark = pytest.mark.reference
MODELS = {"1cpt_oral": "one_compartment", "2cpt_oral": "two_compartment"}
OF_RECORD = ("F", "lag", "duration", "rate")


def scenarios():
    if not (reference_data.FOLDER / "kinetics").exists():
        return {}
    found = {}
    for row in reference_data.rows("kinetics/event_scenarios.csv"):
        found.setdefault(row["SCEN"], []).append(row)
    return found


def number(row, name, default=0.0):
    return float(row[name]) if row[name] not in ("", None) else default


def record(row):
    """F, lag, modelled duration and rate as they stand in a record; in NONMEM's scenarios they act on the central one."""
    extra = dict(item.split("=") for item in row["EXTRA"].partition(" ")[0].split(";") if "=" in item)
    found = {"F": number(row, "F", 1.0), "lag": number(row, "LAG"), "duration": 0.0, "rate": 0.0}
    if extra.get("MODE") == "1":
        found["rate"] = float(extra["RAT2"])
    if extra.get("MODE") == "2":
        found["duration"] = float(extra["DUR2"])
    return found


def events(rows):
    for row in rows:
        time = number(row, "TIME")
        yield Reading(time, record(row))
        evid, amount, rate = int(row["EVID"]), number(row, "AMT"), number(row, "RATE")
        if evid in (3, 4):
            yield Reset(time)
        if evid in (1, 4):
            constant = rate > 0 and amount == 0
            yield Dose(
                time, amount,
                duration_h=amount / rate if rate > 0 and not constant else 0.0,
                into=f"cmt{row['CMT']}",
                interval_h=number(row, "II"),
                additional=int(number(row, "ADDL")),
                steady_state=int(number(row, "SS")),
                modelled={-1.0: "rate", -2.0: "duration"}.get(rate, "no"),
                rate_mg_h=rate if constant else 0.0,
                keeps="rate",
            )  # fmt: skip
        if evid == 0:
            yield Level(
                time, float("nan"), analyte=f"cmt{row['OBS_CMT']}" if row["OBS_CMT"] else "central", measured=False
            )


def parameters(rows):
    written = {name: float(value) for name, value in re.findall(r"([A-Z0-9]+)=([0-9.]+)", rows[0]["PARAMS"])}
    two = rows[0]["MODEL"] == "2cpt_oral"
    p = {"CL": written["CL"], "V1" if two else "V": written["V"], "ka": written["KA"]}
    if two:
        p |= {"Q": written["Q"], "V2": written["V2"]}
    on_gut = rows[0]["SCEN"].startswith("T")
    for name in OF_RECORD:
        p[f"{name}{1 if on_gut else 2}"] = lambda known, name=name: known[name]
    return p, written


def ours(rows):
    p, written = parameters(rows)
    system = showing_amounts(compose(MODELS[rows[0]["MODEL"]], ("first_order",), p))
    uses = tuple(CovariateUse(name, "1") for name in OF_RECORD)
    amounts = solve(system, p, Subject(rows[0]["SCEN"], tuple(events(rows))), uses)
    asked = [row for row in rows if int(row["EVID"]) == 0]
    scale = [1.0 if row["QUANTITY"] == "amount" else 1000.0 / written["V"] for row in asked]
    return asked, amounts * np.array(scale)


@pytest.mark.parametrize("scenario", scenarios())
def test_rows_that_the_sum_of_doses_confirms(scenario):
    asked, found = ours(scenarios()[scenario])
    for row, value in zip(asked, found, strict=True):
        if (scenario, row["TIME"], row["OBS_CMT"]) == ("T3_bolus_lag", "5.0", "1"):
            # Torsten shows the state before a dose that lagged to this very time, NONMEM (and we) the state after it
            assert (value, float(row["EXPECTED"])) == (1200.0, 0.0)
        elif row["BRUTE_FORCE_OK"] != "0":
            expected = float(row["EXPECTED"])
            assert value == pytest.approx(expected, rel=float(row["TOL_REL"]), abs=1e-9), (row["TIME"], row["OBS_CMT"])


ARTEFACTS = {name for name, rows in scenarios().items() if any(r["BRUTE_FORCE_OK"] == "0" for r in rows)}


@pytest.mark.parametrize("scenario", sorted(ARTEFACTS))
def test_where_those_programs_fail_ours_is_the_sum_of_many_doses(scenario):
    rows = scenarios()[scenario]
    assert all(row["CMT"] == "2" for row in rows if int(row["EVID"]) > 0)
    asked, found = ours(rows)
    expected = [
        1000.0 / parameters(rows)[1]["V"] * summed(rows, i) for i, row in enumerate(rows) if int(row["EVID"]) == 0
    ]
    np.testing.assert_allclose(found, expected, rtol=1e2 * IDENTITY, atol=IDENTITY)
    wrong = [
        r
        for r, x in zip(asked, expected, strict=True)
        if r["BRUTE_FORCE_OK"] == "0" and abs(float(r["EXPECTED"]) - x) > 1e-3 * abs(x)
    ]
    assert wrong, "the table calls a row an artefact that the sum of doses confirms"


def summed(rows, place):
    """The central amount at a row from single doses alone, 400 of them before each one that starts at steady state."""
    _p, written = parameters(rows)
    k = written["CL"] / written["V"]
    at = number(rows[place], "TIME")
    total, since = 0.0, 0
    for i, row in enumerate(rows[:place]):
        if int(row["EVID"]) in (3, 4) or int(number(row, "SS")) == 1:
            since = i
    for row in rows[since:place]:
        if int(row["EVID"]) not in (1, 4):
            continue
        known = record(row)
        amount, rate, interval = number(row, "AMT") * known["F"], number(row, "RATE"), number(row, "II")
        before = 400 if int(number(row, "SS")) else 0
        for turn in range(-before, int(number(row, "ADDL")) + 1):
            start = number(row, "TIME") + turn * interval + known["lag"]
            given = number(row, "TIME") + turn * interval
            if turn > 0 and given > at:
                continue
            elapsed = at - start
            if elapsed < 0:
                continue
            duration = amount / rate if rate > 0 else known["duration"]
            if duration <= 0:
                total += amount * math.exp(-k * elapsed)
            else:
                run = min(elapsed, duration)
                total += amount / duration / k * -math.expm1(-k * run) * math.exp(-k * (elapsed - run))
    return total
