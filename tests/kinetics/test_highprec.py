"""All 432 concentrations of the 40-digit table: one, two and three compartments, every route, single, repeated, steady."""

import numpy as np
import pytest

import reference_data
from individose.events import Dose, Level, Subject
from individose.kinetics import compose
from kinetics.engine import solve
from tolerances import EXACT

pytestmark = pytest.mark.reference

DISPOSITION = {"1cmt": "one_compartment", "2cmt": "two_compartment", "3cmt": "three_compartment"}
NAMES = {
    "1cmt": {"KA": "ka"},
    "2cmt": {"KA": "ka", "V": "V1"},
    "3cmt": {"KA": "ka", "V": "V1", "Q": "Q2"},
}


def cases():
    """Rows by (model, route, regimen), or nothing where the table is absent."""
    if not (reference_data.FOLDER / "kinetics").exists():
        return {}
    found = {}
    for row in reference_data.rows("kinetics/closed_form_highprec.csv"):
        found.setdefault((row["MODEL"], row["ROUTE"], row["REGIMEN"]), []).append(row)
    return found


def test_the_table_is_complete():
    assert len(reference_data.rows("kinetics/closed_form_highprec.csv")) == 432
    assert sum(len(rows) for rows in cases().values()) == 432


@pytest.mark.parametrize("case", cases(), ids="-".join)
def test_closed_forms(case):
    model, route, regimen = case
    rows = cases()[case]
    written = dict(item.split("=") for item in rows[0]["PARAMS"].split(";"))
    p = {NAMES[model].get(name, name): float(value) for name, value in written.items()}
    oral = route.startswith("oral")
    if "lag" in route:
        p |= {"lag": 0.75, "F": 0.8}
    system = compose(DISPOSITION[model], ("first_order" if oral else "infusion",), p)
    duration = 2.0 if route == "infusion2h" else 0.0
    how = {"single": {}, "q12h_x5": {"interval_h": 12.0, "additional": 4}}
    how["ss_q12h"] = {"interval_h": 12.0, "additional": 9, "steady_state": 1}
    dose = Dose(0.0, float(rows[0]["DOSE"]), duration, **how[regimen])
    levels = [Level(float(row["TIME"]), float("nan"), measured=False) for row in rows]
    found = solve(system, p, Subject("a", (dose, *levels)))
    np.testing.assert_allclose(found, [float(row["CONC"]) for row in rows], rtol=EXACT)
