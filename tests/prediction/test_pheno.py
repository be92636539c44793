"""Predictions of all 59 newborns against NONMEM's own table: every row, doses and levels, to its printed digits."""

from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest

import individose as ido
import reference_data
from individose.events import Dose, Level, Reading, Subject
from tolerances import printed

pytestmark = pytest.mark.reference

THETA_DIGITS = 0.5e-8 / 0.00469555 + 0.5e-6 / 0.984258
"""Relative: half a unit in the last printed digit of CL and of V."""


@pytest.fixture(scope="module")
def table():
    rows = reference_data.rows("map/phenobarbital/expected_tab.csv")
    etas = reference_data.rows("map/phenobarbital/expected_phi.csv")
    by_id = defaultdict(list)
    for row in rows:
        by_id[float(row["ID"])].append(row)
    return by_id, {float(row["ID"]): [float(row["ETA(1)"]), float(row["ETA(2)"])] for row in etas}


def every_row(rows):
    """A newborn of whom each record, dose or level, is followed by a wanted prediction (NONMEM's table row)."""
    events = []
    for row in rows:
        time = float(row["TIME"])
        events.append(Reading(time, {"weight": float(row["WGT"]), "apgar_5min": float(row["APGR"])}))
        if float(row["AMT"]) > 0:
            events.append(Dose(time, float(row["AMT"])))
        events.append(Level(time, float("nan"), measured=False))
    return Subject(rows[0]["ID"], tuple(events))


def test_pred_and_ipred_of_every_row(table):
    by_id, etas = table
    card = ido.card("phenobarbital/grasela1985")
    assert len(by_id) == 59
    for id, rows in by_id.items():
        fit = ido.fit(card, every_row(rows), method="prior")
        individual = replace(fit, eta=np.array(etas[id])).fitted()
        for row, pred, ipred in zip(rows, fit.typical_fitted(), individual, strict=True):
            # the printed digits of the level, and what the six printed digits of theta and eta leave open
            assert abs(pred - float(row["PRED"])) <= printed(row["PRED"]) + THETA_DIGITS * pred, (id, row)
            assert abs(ipred - float(row["IPRED"])) <= printed(row["IPRED"]) + 2 * THETA_DIGITS * ipred, (id, row)
