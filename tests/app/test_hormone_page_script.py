"""What the page's script makes of plans: the same doses, bands and quantities as the package, and faults that are said."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from click.testing import CliRunner

from hormone_script import run
from individose.app.actions import hormone
from individose.app.actions.hormone_page import page
from individose.app.actions.hormone_plans import read_plan
from individose.app.actions.problems import estimator, problem
from individose.app.cli import main
from individose.app.report.hormone_page import hormone_html
from tolerances import IDENTITY, PAGE, PEAK_TIME, within_standard_errors

MIX = {
    "format": "hormone/1",
    "courses": [
        {"product": "EV", "amount": 4, "unit": "mg", "start": "2024-05-01", "every": 5, "count": 6, "missed": [4],
         "moved": [{"dose": 6, "to": "2024-05-27T09:00"}], "first_amounts": [6]},
        {"product": "patch-tw", "amount": 100, "unit": "ug/d", "start": "2024-06-01T08:00", "every": 3.5,
         "steady_state": True},
    ],
    "horizon": "2024-06-30",
    "baseline": {"value": 55, "unit": "pmol/L", "sd_log": 0.5},
    "levels": [{"time": "2024-05-25T08:30", "value": 180, "unit": "pg/mL"},
               {"time": "2024-06-14", "value": 640, "unit": "pmol/L"}],
}  # fmt: skip
PLANS = {
    "mix": MIX,
    "weeks": {"format": "hormone/1", "time_unit": "wk", "courses": [
        {"product": "EEn", "amount": 0.004, "unit": "g", "start": 1, "every": 1.5, "every_unit": "wk", "until": 9}]},
    "endless": {"format": "hormone/1", "courses": [{"product": "EC", "amount": 3, "unit": "mg", "start": 0, "every": 7}]},
    "listed": {"format": "hormone/1", "courses": [{"product": "EB", "amount": 2, "unit": "mg", "times": [0, 3.5, 9]}]},
    "worn": {"format": "hormone/1", "courses": [{"product": "patch-ow", "amount": 50, "unit": "ug/d", "start": -7, "every": 7,
             "worn": 132, "worn_unit": "h", "count": 5, "missed": [2, 3]}]},
    "offset": {"format": "hormone/1", "courses": [
        {"product": "EUn", "amount": 50, "unit": "mg", "start": "2024-03-30T12:00+01:00", "every": 1, "count": 2},
        {"product": "EUn-castor", "amount": 30, "unit": "mg", "start": "2024-03-31T12:00+02:00"}]},
}  # fmt: skip


def held(html: str) -> dict:
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.S).group(1))


@pytest.fixture(scope="module")
def drawn():
    """The page of the mixed plan, unfitted: what it holds, and what it was made of."""
    found = page(read_plan(MIX), fit=False)
    html = hormone_html(found, target=(100.0, 200.0))
    return found, html, held(html)


@pytest.mark.parametrize("name", PLANS)
def test_a_document_gives_the_doses_that_the_package_gives(name, drawn):
    asked = read_plan(PLANS[name])
    again = run("rowsOf(data, plan)", data=drawn[2], plan=PLANS[name])
    written = run("documentOf(data, rows, tests, more)", data=drawn[2], **again)
    assert written["faults"] == []
    for document in (PLANS[name], written["document"]):  # the tables lose nothing
        same = [(g.dose.time_h, g.dose.amount_mg, g.dose.removed_after_h) for g in read_plan(document).plan.given()]
        first = [(g.dose.time_h, g.dose.amount_mg, g.dose.removed_after_h) for g in asked.plan.given()]
        np.testing.assert_allclose(same, first, rtol=IDENTITY, atol=IDENTITY)
    plan = run("planOf(data, document)", data=drawn[2], document=written["document"])
    expected = [
        (g.dose.time_h, g.dose.amount_mg, g.dose.removed_after_h, g.dose.steady_state > 0) for g in asked.plan.given()
    ]
    got = [(d["time_h"], d["mg"], d["worn_h"], d["steady"]) for d in plan["doses"]]
    np.testing.assert_allclose(np.array(got, float), np.array(expected, float), rtol=IDENTITY, atol=IDENTITY)
    assert [d["product"] for d in plan["doses"]] == [g.product for g in asked.plan.given()]
    assert plan["end"] == pytest.approx(asked.plan.horizon_h, rel=IDENTITY)
    values = [(one.time_h, one.value_mg_L * 1e6) for one in asked.levels]
    found = [(one["time_h"], one["value"]) for one in plan["levels"]]
    np.testing.assert_allclose(found, values, rtol=IDENTITY)


def test_the_page_stays_small_and_names_nothing_outside(drawn):
    html = drawn[1]
    assert len(html.encode()) < 1_000_000
    outside = re.sub(r'<script type="application/json".*?</script>', "", html, flags=re.S)
    assert not re.search(r"""(src|href)\s*=\s*["'](?!data:)""", outside)
    assert set(re.findall(r"https?://[^\s\"']+", outside)) <= {"http://www.w3.org/2000/svg"}
    assert "Research and education; not a medical device." in html
    assert "default-src 'none'" in html


def band_of(data, times_h, **view):
    state = run("freshState(data, data.initial.held).view", data=data)
    return run(
        "(() => { const { document } = documentIn(data, freshState(data, data.initial.held)); "
        "const plan = planOf(data, document); "
        "const basis = data.bases.find((one) => one.key === view.basis), own = centre(data, basis, plan); "
        "return { own: times.map(own.level), ...bandOf(draws(data, basis, plan), times, view.probability) }; })()",
        data=data, view=state | view, times=list(map(float, times_h)),
    )  # fmt: skip


def test_the_band_of_the_page_is_that_of_the_package_for_the_same_draws(drawn):
    found, _, data = drawn
    curve = found.curve
    band = band_of(data, curve.times_h)
    assert len(found.normal) == 256
    for name, key in (("own", "published"), ("low", "low"), ("median", "median"), ("high", "high")):
        expected = getattr(curve, key) * 1e6
        np.testing.assert_allclose(band[name], expected, rtol=0.0, atol=PAGE * expected.max(), err_msg=name)


@pytest.mark.parametrize("basis", ["mean curve", "person"])
def test_its_even_draws_stand_for_a_thousand(basis, drawn):
    """How many of 2,000 draws by chance lie below the 5, 50 and 95 % curves of the 256 even ones."""
    data, asked, times = drawn[2], read_plan(PLANS["endless"]), np.linspace(12.0, 24.0 * 28, 30)
    many = hormone.prior(asked.plan, hormone.cards_of(asked.plan), basis=basis).curves(times, 2000)
    data = data | {"initial": {"held": {"plan": PLANS["endless"], "view": {}}}}
    band = band_of(data, times, basis=basis)
    for name, wanted in (("low", 0.05), ("median", 0.5), ("high", 0.95)):
        below = (many < np.array(band[name]) * 1e-6).mean(axis=0)
        error = np.sqrt(wanted * (1 - wanted) * (1 / len(many) + 1 / 1000))
        assert all(within_standard_errors(one, wanted, error) for one in below), (name, below)


def test_the_window_and_its_quantities_are_those_of_the_package(drawn):
    asked, data = read_plan(PLANS["weeks"]), drawn[2]
    view = run("freshState(data, { plan }).view", data=data, plan=PLANS["weeks"])
    got = run(
        "(() => { const { document } = documentIn(data, freshState(data, { plan })); "
        "const seen = resultOf(data, document, view, null); return [seen.window, seen.quantities]; })()",
        data=data, view=view, plan=PLANS["weeks"],
    )  # fmt: skip
    begin, end = sorted({one.dose.time_h for one in asked.plan.given()})[-2:]
    assert got[0] == pytest.approx([begin, end], rel=IDENTITY)
    fit = estimator("prior").fit(problem(hormone.point(asked.plan, hormone.cards_of(asked.plan))))
    for name in ("average", "auc", "peak", "minimum", "tpeak"):
        by = 1.0 if name == "tpeak" else 1e-6 * (24.0 if name == "auc" else 1.0)
        expected = fit.exposures(name, begin, end, count=1)[0]
        assert got[1][name]["value"] * by == pytest.approx(expected, rel=PEAK_TIME if by == 1.0 else IDENTITY), name
        assert got[1][name]["low"] <= got[1][name]["median"] <= got[1][name]["high"]


@pytest.mark.parametrize(
    ("row", "field", "said"),
    [
        ({"product": "EX"}, "product", "there are EB"),
        ({"amount": "-3"}, "amount", "an amount above 0 in mg"),
        ({"amount": "5,0"}, "amount", "with a point for decimals"),
        ({"when": "1.5.2024"}, "when", "2024-05-01"),
        ({"when": "2024-02-30"}, "when", "2024-05-01"),
        ({"when": ""}, "when", "is empty"),
        ({"when": "0, 7"}, "when", "leave it out"),
        ({"every": "", "count": "4"}, "every", "without an interval"),
        ({"count": "2.5"}, "count", "whole number"),
        ({"when": "2024-05-10", "until": "2024-05-01"}, "until", "the first dose is at 2024-05-10"),
        ({"missed": "12"}, "missed", "there are 10"),
        ({"missed": "3", "moved": "3 to 20"}, "moved", "one or the other"),
        ({"moved": "3 on 20"}, "moved", "4 to 30.5"),
        ({"worn": "3"}, "worn", "only a patch"),
        ({"steady": True, "first": "8"}, "steady", "one interval earlier"),
    ],
)
def test_a_fault_is_said_at_its_field(row, field, said, drawn):
    rows = [{"product": "EV", "amount": "5", "when": "0", "every": "7", "count": "10"} | row]
    found = run(
        "(() => { const { faults } = documentOf(data, rows.map((row) => ({ ...EMPTY, ...row })), [], {}); "
        "return faults.map((one) => [one.message, one.place]); })()",
        data=drawn[2], rows=rows,
    )  # fmt: skip
    assert len(found) == 1
    assert said in found[0][0]
    assert found[0][1]["row"] == 0
    assert found[0][1]["field"] == field


def test_days_and_dates_do_not_mix_and_become_each_other(drawn):
    mixed = {**PLANS["listed"], "courses": [{"product": "EB", "amount": 2, "unit": "mg", "times": [0, "2024-05-01"]}]}
    assert "several kinds" in run(
        "(() => { try { planOf(data, plan); return ''; } catch (fault) { return fault.message; } })()",
        data=drawn[2], plan=mixed,
    )  # fmt: skip
    there_and_back = run(
        "(() => { const state = freshState(data, { plan }), zero = readTime('2024-05-01').h; "
        "const dated = converted(state, zero, true); "
        "return [dated.rows, converted(dated, zero, false).rows, state.rows]; })()",
        data=drawn[2], plan=PLANS["worn"],
    )  # fmt: skip
    assert there_and_back[0][0]["when"] == "2024-04-24"
    assert there_and_back[1] == there_and_back[2]


@pytest.mark.parametrize(
    "plan",
    [
        None, 3, [], {}, {"format": "hormone/1"}, {"format": "hormone/2", "courses": []},
        {"format": "hormone/1", "courses": [None]},
        {"format": "hormone/1", "courses": [{"product": 7}]},
        {"format": "hormone/1", "courses": [{"product": "EV", "amount": "x", "unit": "mg", "start": 0}]},
        {"format": "hormone/1", "courses": [{"product": "EV", "amount": 5, "unit": "IU", "start": 0}]},
        {"format": "hormone/1", "courses": [{"product": "EV", "amount": 5, "unit": "mg", "start": 0, "missed": 3}]},
        {"format": "hormone/1", "courses": [], "levels": [{"time": 1, "value": 2, "unit": "mL"}]},
    ],
)  # fmt: skip
def test_a_link_that_holds_anything_else_is_a_fault(plan, drawn):
    found = run(
        "(() => { try { const made = documentIn(data, freshState(data, { plan })); return made.faults[0].message; } "
        "catch (fault) { return fault instanceof Fault ? fault.message : 'ERROR ' + fault; } })()",
        data=drawn[2], plan=plan,
    )  # fmt: skip
    assert found
    assert not found.startswith("ERROR")


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("EV\t5\t0\t7\t10\nEEn\t4\t70\t10\t3", [("EV", "5", "0", "7", "10"), ("EEn", "4", "70", "10", "3")]),
        ("dose;product;start;every\r\n2,5;ev;2024-05-01;7\r\n", [("EV", "2.5", "2024-05-01", "7", "")]),
        ('product,amount,when\nEB,2 mg,0\nEB,2 mg,3\n"EB",2 mg,7\nEB,3 mg,9',
         [("EB", "2", "0, 3, 7", "", ""), ("EB", "3", "9", "", "")]),
    ],
)  # fmt: skip
def test_tables_of_a_spreadsheet(text, rows, drawn):
    found = run("tableOf(data, text)", data=drawn[2], text=text)["rows"]
    assert [tuple(row[name] for name in ("product", "amount", "when", "every", "count")) for row in found] == rows


def test_blood_tests_of_a_spreadsheet_and_regimens_as_csv(drawn):
    found = run("tableOf(data, text)", data=drawn[2], text="date,E2 (pmol/L)\n2024-05-01,640\n2024-06-01,<40")["tests"]
    assert found[0] == {"when": "2024-05-01", "level": "640", "unit": "pmol/L", "limit": ""}
    assert (found[1]["level"], found[1]["limit"]) == ("40", "below")
    again = run("(() => { const { rows } = rowsOf(data, plan); return [rows, tableOf(data, regimenCsv(rows)).rows]; })()",
                data=drawn[2], plan=PLANS["mix"])  # fmt: skip
    assert again[0] == again[1]


def test_a_fitted_person_comes_with_a_band_of_their_own(tmp_path):
    plan = {**PLANS["endless"], "levels": [{"time": 35.0, "value": 150.0, "unit": "pg/mL"}]}
    asked = read_plan(plan)
    found = page(asked)
    data = held(hormone_html(found))
    assert [one["key"] for one in data["bases"]] == ["fitted", "mean curve", "person"]
    band = band_of(data, found.curve.times_h)
    for name, key in (("own", "published"), ("low", "low"), ("high", "high")):
        expected = getattr(found.curve, key) * 1e6
        np.testing.assert_allclose(band[name], expected, rtol=0.0, atol=PAGE * expected.max(), err_msg=name)
    wide = band_of(data, [24.0 * 35], basis="person")
    narrow = band_of(data, [24.0 * 35])
    assert narrow["high"][0] - narrow["low"][0] < 0.7 * (wide["high"][0] - wide["low"][0])


def test_the_command_writes_the_page(tmp_path):
    file = tmp_path / "mine.html"
    found = CliRunner().invoke(
        main, ["hormone", "page", "EV 5 mg every 7 d x4", "--html", str(file), "--want", "100:200"]
    )
    assert found.exit_code == 0, found.output
    data = held(file.read_text(encoding="utf-8"))
    assert data["initial"]["held"]["view"]["low"] == "100"
    assert data["initial"]["held"]["plan"]["courses"][0]["product"] == "EV"
    refused = CliRunner().invoke(main, ["hormone", "page", "EV 5 mg", "--html", str(tmp_path / "no" / "mine.html")])
    assert refused.exit_code == 2
    assert "cannot be written" in refused.output
