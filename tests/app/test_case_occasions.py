"""Occasions of a JSON case: the same patient as a table with OCC, and what cannot be an occasion."""

import json

import jsonschema
import numpy as np
import pytest
from click.testing import CliRunner

import individose as ido
from individose.app.cli import main
from individose.app.schemas.published import json_schema
from individose.base import InputError
from individose.drugs.schema import read_card
from individose.events import Dose, Level, Reading
from tolerances import IDENTITY

TEXT = """
id = "examplin/doe2031"
title = "varies between occasions"
grade = "draft"
system = { disposition = "one_compartment", input = "bolus" }
[source]
citation = "invented"
population = "invented"
[parameters]
CL = { equation = "4 [L/h]", unit = "L/h" }
V = { equation = "70 [L]", unit = "L" }
[variability]
CL = [{ omega2 = 0.2 }, { omega2 = 0.05, level = "occasion" }]
V = { omega2 = 0.2 }
[residual]
convention = "sd2 = a2 + b2 f2"
proportional = 0.2
"""
CARD = read_card(TEXT)
TABLE = """ID,TIME,AMT,DV,EVID,ADDL,II,OCC
a,0,1000,.,1,3,12,1
a,20,.,12,0,0,0,1
a,60,.,6,0,0,0,1
a,60,1000,.,1,3,12,2
a,80,.,9,0,0,0,2
a,108,.,.,2,0,0,2
a,108,1000,.,1,3,12,3
a,130,.,8,0,0,0,3
"""


def case(**changed):
    doses = [{"time": t, "amount": 1000, "unit": "mg", "every": 12, "count": 4} for t in (0, 60, 108)]
    levels = [{"time": t, "value": y, "unit": "mg/L"} for t, y in ((20, 12), (60, 6), (80, 9), (130, 8))]
    made = {"format": "case/1", "id": "a", "time_unit": "h", "doses": doses, "levels": levels, "occasions": [60, 108]}
    return json.dumps(made | changed)


def test_a_case_is_the_table_with_the_same_occasions(tmp_path):
    (tmp_path / "ward.csv").write_text(TABLE, encoding="utf-8")
    table = ido.fit(CARD, ido.read_nonmem(tmp_path / "ward.csv")[0])
    fit = ido.fit(CARD, ido.read_case(case()))
    assert fit.problem.effects[:5] == ("CL", "V", "CL:occ1", "CL:occ2", "CL:occ3")
    np.testing.assert_allclose(fit.eta, table.eta, rtol=0, atol=IDENTITY)
    times_h = [20.0, 59.9, 80.0, 107.0, 130.0, 140.0]
    np.testing.assert_allclose(fit.predict(times_h), table.predict(times_h), rtol=IDENTITY)
    assert "one-occasion" not in [n.code for n in fit.warnings]


def test_where_an_occasion_begins_the_level_is_the_old_ones_and_the_dose_the_new_ones():
    events = ido.read_case(case()).events
    place = [i for i, e in enumerate(events) if e.time_h == 60.0]
    kinds = [type(events[i]) for i in place]
    assert kinds == [Level, Reading, Reading, Dose]
    assert [events[i].values for i in place[1:3]] == [{"occasion": 1}, {"occasion": 2}]


def test_times_of_any_kind():
    day = "2031-05-0{}T08:00"
    doses = [{"time": day.format(d), "amount": 1000, "unit": "mg"} for d in (1, 3)]
    levels = [{"time": "2031-05-03T20:00", "value": 9, "unit": "mg/L"}]
    found = ido.read_case(case(doses=doses, levels=levels, occasions=[day.format(3)]))
    assert [e.time_h for e in found.events if isinstance(e, Reading)] == [48.0, 48.0]


def test_a_case_without_occasions_says_that_all_was_one(tmp_path):
    fit = ido.fit(CARD, ido.read_case(case(occasions=[])))
    (notice,) = [n for n in fit.warnings if n.code == "one-occasion"]
    assert "taken as one occasion" in notice.sentence
    assert fit.problem.effects == ("CL", "V", "CL:occ1")
    (tmp_path / "card.toml").write_text(TEXT, encoding="utf-8")
    (tmp_path / "case.json").write_text(case(), encoding="utf-8")
    arguments = ["estimate", str(tmp_path / "case.json"), "--card", str(tmp_path / "card.toml"), "--json"]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    assert "CL:occ3" in json.loads(done.stdout)["fits"][0]["eta"]


def test_a_card_without_occasions_takes_no_notice_of_them():
    plain = read_card(
        TEXT.replace('CL = [{ omega2 = 0.2 }, { omega2 = 0.05, level = "occasion" }]', "CL = { omega2 = 0.2 }")
    )
    with_them, without = (ido.fit(plain, ido.read_case(case(**x))) for x in ({}, {"occasions": []}))
    np.testing.assert_array_equal(with_them.eta, without.eta)
    assert with_them.warnings == without.warnings


@pytest.mark.parametrize(
    ("occasions", "said"),
    [
        ([0], "occasions[0] is 0, which is not after the first dose"),
        ([108, 60], "occasions[1] is 60, which is not after occasions[0] (108)"),
        (["2031-05-01T08:00"], "all times of a document are of one kind"),
        ([True], "occasions"),
    ],
)
def test_what_cannot_begin_an_occasion_is_refused(occasions, said):
    with pytest.raises(InputError) as caught:
        ido.read_case(case(occasions=occasions))
    assert said in str(caught.value)


def test_the_schema_knows_them():
    jsonschema.validate(json.loads(case()), json_schema("case"))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(json.loads(case(occasions=60)), json_schema("case"))
