"""The JSON case: one history written in many ways is one subject, and what is wrong is said with its place."""

import copy
import json
import math
import random
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import individose as ido
from individose.app.actions.cases import METRIC_UNITS, read_case_file
from individose.base import InputError, UnitError
from individose.dosing import METRICS
from tolerances import IDENTITY, printed

CASE = {
    "format": "case/1",
    "id": "a",
    "drug": "phenobarbital",
    "time_unit": "h",
    "covariates": [{"name": "weight", "value": 1.4, "unit": "kg"}, {"name": "apgar_5min", "value": 7}],
    "doses": [{"time": 0, "amount": 25, "unit": "mg"}, {"time": 12.5, "amount": 3.5, "unit": "mg"}],
    "levels": [{"time": 2, "value": 17.3, "unit": "mg/L"}],
}


FULL = CASE | {
    "card": "phenobarbital/grasela1985",
    "doses": [
        {"time": 0, "amount": 20, "unit": "mg", "duration": 0.5, "duration_unit": "h"},
        {"time": 12, "amount": 3, "unit": "mg", "every": 12, "every_unit": "h", "count": 4, "into": "central"},
        {"time": 70, "amount": 3, "unit": "mg", "every_h": 12, "duration_h": 0.5, "steady_state": True},
    ],
    "levels": [{"time": 2, "value": 17.3, "unit": "mg/L", "below_limit": False, "above_limit": True, "analyte": "x"}],
    "target": {"metric": "trough", "low": 10, "high": 20, "unit": "mg/L", "best": 15},
    "note": "none",
}


def changed(*path_and_value, base=CASE):
    """The case with one place set to a value (... removes it), as text."""
    found = copy.deepcopy(base)
    *path, key, value = path_and_value
    here = found
    for step in path:
        here = here[step]
    if value is ...:
        del here[key]
    else:
        here[key] = value
    return json.dumps(found)


def numbers(subject):
    """Kind, time and value of each event in order."""
    rows = []
    for event in subject.events:
        value = {"Dose": "amount_mg", "Level": "value_mg_L"}.get(type(event).__name__)
        rows.append((type(event).__name__, event.time_h, getattr(event, value) if value else event.values))
    return rows


def assert_same(found, expected):
    assert [(r[0], sorted(r[2]) if isinstance(r[2], dict) else None) for r in numbers(found)] == [
        (r[0], sorted(r[2]) if isinstance(r[2], dict) else None) for r in numbers(expected)
    ]
    for (_, t, value), (_, t0, value0) in zip(numbers(found), numbers(expected), strict=True):
        assert t == pytest.approx(t0, rel=IDENTITY, abs=IDENTITY)
        assert value == pytest.approx(value0, rel=IDENTITY)


def test_reads_what_is_written():
    found = ido.read_case(json.dumps(CASE))
    assert found.id == "a"
    assert [(d.time_h, d.amount_mg, d.duration_h) for d in found.doses] == [(0.0, 25.0, 0.0), (12.5, 3.5, 0.0)]
    assert [(v.time_h, v.value_mg_L, v.censoring) for v in found.levels] == [(2.0, 17.3, "none")]
    assert found.readings[0].values == {"weight": 1.4, "apgar_5min": 7.0}
    assert found.notes == ()


def test_path_and_text_give_one_case(tmp_path: Path):
    file = tmp_path / "a.json"
    file.write_text(json.dumps(CASE), encoding="utf-8-sig")
    assert read_case_file(file) == read_case_file(str(file)) == read_case_file(json.dumps(CASE))


def test_card_drug_and_target_are_kept():
    text = changed("card", "phenobarbital/grasela1985")
    assert (read_case_file(text).card, read_case_file(text).drug) == ("phenobarbital/grasela1985", "phenobarbital")
    found = read_case_file(
        changed("target", {"metric": "auc24", "low": 0.4, "high": 0.6, "unit": "g.h/L", "best": 0.5})
    )
    assert (found.target.metric, found.target.unit) == ("auc24", "mg.h/L")
    assert (found.target.low, found.target.high, found.target.best) == pytest.approx((400, 600, 500), rel=IDENTITY)


def test_metrics_of_a_target_are_those_of_advice():
    assert METRIC_UNITS == METRICS


@given(
    start=st.datetimes(datetime(1990, 1, 1), datetime(2050, 1, 1)),
    gaps=st.lists(st.integers(1, 6000), min_size=2, max_size=6),
    offsets=st.lists(st.integers(-12, 14), min_size=7, max_size=7),
    amounts=st.lists(st.floats(0.01, 1e4), min_size=7, max_size=7),
    seed=st.integers(0, 99),
)
def test_one_history_in_other_units_clocks_and_orders_is_one_subject(start, gaps, offsets, amounts, seed):
    minutes = [sum(gaps[:i]) for i in range(len(gaps) + 1)]
    dosed, drawn = minutes[:-1], minutes[1:]
    hours = json.dumps(
        CASE
        | {
            "doses": [{"time": m / 60, "amount": a, "unit": "mg"} for m, a in zip(dosed, amounts, strict=False)],
            "levels": [{"time": m / 60, "value": a, "unit": "mg/L"} for m, a in zip(drawn, amounts, strict=False)],
        }
    )

    def clock(minute, offset):
        zone = timezone(timedelta(hours=offset))
        return (start.replace(tzinfo=UTC) + timedelta(minutes=minute)).astimezone(zone).isoformat()

    doses = [
        {"time": clock(m, o), "amount": a * 1000, "unit": "ug"}
        for m, a, o in zip(dosed, amounts, offsets, strict=False)
    ]
    levels = [
        {"time": clock(m, o), "value": a * 1000, "unit": "ng/mL"}
        for m, a, o in zip(drawn, amounts, reversed(offsets), strict=False)
    ]
    random.Random(seed).shuffle(doses)
    random.Random(seed + 1).shuffle(levels)
    dated = {k: v for k, v in CASE.items() if k != "time_unit"} | {"doses": doses, "levels": levels}
    grams = [{"name": "WT", "value": 1400, "unit": "g"}, {"name": "APGR", "value": 7}]
    assert_same(ido.read_case(json.dumps(dated | {"covariates": grams})), ido.read_case(hours))


@given(count=st.integers(1, 40), every=st.integers(1, 2880), start=st.integers(0, 6000))
def test_a_repeated_dose_is_its_doses(count, every, start):
    repeated = {"time": start / 60, "amount": 5, "unit": "mg", "every": every, "every_unit": "min", "count": count}
    single = [{"time": (start + i * every) / 60, "amount": 5, "unit": "mg"} for i in range(count)]
    levels = [{"time": (start + every * count) / 60, "value": 3, "unit": "mg/L"}]
    assert_same(
        ido.read_case(json.dumps(CASE | {"doses": [repeated], "levels": levels})),
        ido.read_case(json.dumps(CASE | {"doses": single, "levels": levels})),
    )


def test_offsets_carry_times_through_the_change_to_summer_time():
    night = ["2024-03-31T00:00+01:00", "2024-03-31T06:00+02:00"]  # the clock jumps from 02:00 to 03:00
    doses = [{"time": t, "amount": 5, "unit": "mg"} for t in night]
    found = ido.read_case(
        json.dumps({k: v for k, v in CASE.items() if k != "time_unit"} | {"doses": doses, "levels": []})
    )
    assert [d.time_h for d in found.doses] == [0.0, 5.0]
    assert found.notes == ("Times are hours from 2024-03-31T00:00+01:00.",)


def test_times_without_offset_say_what_they_leave_out():
    doses = [{"time": t, "amount": 5, "unit": "mg"} for t in ("2024-03-31T00:00", "2024-03-31 06:00:00")]
    found = ido.read_case(changed("doses", doses, base={**CASE, "levels": []}))
    assert [d.time_h for d in found.doses] == [0.0, 6.0]
    assert any("summer time" in note for note in found.notes)


@pytest.mark.parametrize("duration", [{"duration_h": 0.5}, {"duration": 30, "duration_unit": "min"}, {"duration": 0.5}])
def test_an_infusion_has_a_duration_in_any_of_its_forms(duration):
    dose = {"time": 0, "amount": 100, "unit": "mg"} | duration
    assert ido.read_case(changed("doses", [dose])).doses[0].duration_h == pytest.approx(0.5, rel=IDENTITY)


def test_covariates_are_dated_and_merged():
    readings = [
        {"name": "weight", "value": 1.6, "unit": "kg", "time": 48},
        {"name": "weight", "value": 1.4, "unit": "kg"},
        {"name": "apgar_5min", "value": 7},
        {"name": "sex", "value": "F"},
        {"name": "dialysis", "value": False},
    ]
    found = ido.read_case(changed("covariates", readings))
    first, second = found.readings
    assert first.values == {"weight": 1.4, "apgar_5min": 7.0, "sex": "female", "dialysis": 0.0}
    assert (second.time_h, second.values) == (48.0, {"weight": 1.6})


def test_a_level_beyond_a_limit_is_censored():
    found = ido.read_case(changed("levels", 0, "below_limit", True))
    assert (found.levels[0].censoring, found.levels[0].value_mg_L) == ("below", 17.3)
    assert ido.read_case(changed("levels", 0, "above_limit", True)).levels[0].censoring == "above"


def test_a_level_at_the_time_of_a_dose_is_a_trough_and_a_note_says_so():
    repeated = {"time": 12.1, "amount": 3.5, "unit": "mg", "every": 11.9, "count": 7}
    third = 12.1 + 2 * 11.9
    case = CASE | {"doses": [CASE["doses"][0], repeated], "levels": [{"time": third, "value": 9.9, "unit": "mg/L"}]}
    found = ido.read_case(json.dumps(case))
    kinds = [type(e).__name__ for e in found.events if math.isclose(e.time_h, third)]
    assert kinds == ["Level", "Dose"]
    assert any("just before the dose" in note for note in found.notes)


def test_a_trough_at_the_first_dose_of_a_steady_state_is_that_of_the_steady_state():
    dose = {"time": 0, "amount": 3.5, "unit": "mg", "every": 12, "steady_state": True}
    levels = [{"time": 0, "value": 30, "unit": "mg/L"}, {"time": 6, "value": 32, "unit": "mg/L"}]
    patient = ido.read_case(json.dumps(CASE | {"doses": [dose], "levels": levels}))
    fit = ido.fit(ido.card("phenobarbital/grasela1985"), patient, "prior")
    clearance, volume = 0.00469555 * 1.4, 0.984258 * 1.4
    left = math.exp(-clearance / volume * 12)
    trough = 3.5 / volume * left / (1 - left)
    later = 3.5 / volume / (1 - left) * math.exp(-clearance / volume * 6)
    assert list(fit.typical_fitted()) == pytest.approx([trough, later], rel=IDENTITY)


def test_molar_units_go_through_the_molar_mass_of_the_card(tmp_path: Path):
    built_in = Path(ido.__file__).parent / "drugs" / "cards" / "phenobarbital" / "grasela1985.toml"
    text = built_in.read_text(encoding="utf-8")
    if "molar_mass_g_mol" not in text:
        text = "molar_mass_g_mol = 232.24\n" + text
    card = tmp_path / "grasela1985.toml"
    card.write_text(text, encoding="utf-8")
    mass = ido.card(card).molar_mass_g_mol
    assert mass == pytest.approx(232.239, abs=printed("232.24"))  # C12H12N2O3: 144.132 + 12.096 + 28.014 + 47.997
    molar = changed("levels", 0, {"time": 2, "value": 100, "unit": "umol/L"})
    assert read_case_file(molar, str(card)).subject.levels[0].value_mg_L == pytest.approx(mass / 10, rel=IDENTITY)


DOSES = CASE["doses"]
BAD = {
    "unknown key": (changed("doses", 1, "ammount", 3), "doses[1].ammount is not known", "Did you mean 'amount'?"),
    "unknown key at the top": (changed("dose", []), "dose is not known", "Did you mean 'doses'?"),
    "no unit": (changed("doses", 1, "unit", ...), "doses[1].unit is missing", 'Add "unit"'),
    "no unit of a covariate": (changed("covariates", 0, "unit", ...), "covariates[0]: unit is missing", "guesses"),
    "unit of something else": (changed("doses", 0, "unit", "mL"), "doses[0].amount was given in mL", "mg"),
    "unit that is none": (changed("levels", 0, "unit", "mgs/L"), "levels[0].value: the unit 'mgs/L'", "UCUM"),
    "molar without molar mass": (changed("doses", 0, "unit", "mmol"), "doses[0].amount was given in mmol", "molar mass"),
    "covariate in another dimension": (changed("covariates", 0, "unit", "L"), "covariates[0]: weight", "kg"),
    "covariate of no human being": (changed("covariates", 0, "unit", "g"), "covariates[0]: weight is 0.0014 kg", "0.2"),
    "unknown covariate": (changed("covariates", 0, "name", "wieght"), "covariates[0]: the covariate wieght", "'weight'"),
    "covariate twice": (changed("covariates", [CASE["covariates"][0]] * 2), "covariates[1] gives weight", "one value"),
    "negative amount": (changed("doses", 0, "amount", -3), "doses[0].amount is -3", "above 0"),
    "amount as text": (changed("doses", 0, "amount", "25"), 'doses[0].amount is "25"', "without quotes"),
    "amount is true": (changed("doses", 0, "amount", True), "doses[0].amount is true", "a number"),
    "infinite amount": (changed("doses", 0, "amount", 1).replace('"amount": 1,', '"amount": 1e999,'), "Infinity", "finite"),
    "level of 0": (changed("levels", 0, "value", 0), "levels[0].value is 0", "below_limit"),
    "level before any dose": (changed("levels", 0, "time", -1), "levels[0].time is -1.0", "before it"),
    "level at the first dose": (changed("levels", 0, "time", 0), "levels[0].time is 0.0", "drawn before it"),
    "both limits": (
        changed("levels", 0, CASE["levels"][0] | {"below_limit": True, "above_limit": True}), "levels[0] has", "one of"
    ),
    "mixed times": (changed("doses", 0, "time", "2024-05-01T08:00"), "doses[1].time a number", "one kind"),
    "mixed offsets": (
        changed("doses", [DOSES[0] | {"time": "2024-05-01T08:00"}, DOSES[1] | {"time": "2024-05-02T08:00Z"}],
                base={**CASE, "levels": []}),
        "doses[1].time a date-time with offset", "one kind",
    ),
    "date of another country": (changed("doses", 0, "time", "1.5.2024"), 'doses[0].time is "1.5.2024"', "ISO 8601"),
    "date without hour": (changed("doses", 0, "time", "2024-05-01"), 'doses[0].time is "2024-05-01"', "hour"),
    "no such date": (changed("doses", 0, "time", "2024-02-30T08:00"), 'doses[0].time is "2024-02-30T08:00"', "ISO 8601"),
    "time without unit": (changed("time_unit", ...), "time_unit is missing", '"time_unit": "h"'),
    "time unit of something else": (changed("time_unit", "mg"), "time_unit was given in mg", "h"),
    "time is true": (changed("doses", 0, "time", True), "doses[0].time is true", "a number or a text"),
    "repeated without count": (changed("doses", 0, "every", 12), "doses[0].every is given", "count"),
    "repeated without interval": (changed("doses", 0, "count", 12), "doses[0].every is missing", "every"),
    "repeated a half time": (changed("doses", 0, DOSES[0] | {"every": 12, "count": 1.5}), "doses[0].count is 1.5", "whole"),
    "overlapping": (changed("doses", 0, DOSES[0] | {"every": 1, "count": 2, "duration": 2}), "doses[0] takes 2 h", "ends"),
    "two durations": (changed("doses", 0, DOSES[0] | {"duration": 1, "duration_h": 1}), "doses[0].duration is 1", "one"),
    "unit of no duration": (changed("doses", 0, "duration_unit", "h"), 'doses[0].duration_unit is "h"', "Add"),
    "no doses": (changed("doses", []), "doses is []", "at least 1"),
    "dose is a number": (changed("doses", [3]), "doses[0] is 3", "an object"),
    "doses is an object": (changed("doses", {}), "doses is {}", "a list"),
    "id is a number": (changed("id", 7), "id is 7", "a text"),
    "later version": (changed("format", "case/2"), 'format is "case/2"', "case/1"),
    "no version": (changed("format", ...), "format is missing", "format"),
    "card is no id": (changed("card", "../secret.toml"), 'card is "../secret.toml"', "<drug>/<author><year>"),
    "card of another drug": (changed("card", "vancomycin/goti2018"), 'drug is "phenobarbital"', "Correct one"),
    "target of no metric": (
        changed("target", {"metric": "peek", "low": 1, "high": 2, "unit": "mg/L"}), "target.metric", "'trough'"
    ),
    "target downwards": (
        changed("target", {"metric": "auc", "low": 3, "high": 2, "unit": "mg.h/L"}), "target is 3 to 2", "below high"
    ),
    "target of another unit": (
        changed("target", {"metric": "auc", "low": 1, "high": 2, "unit": "mg/L"}), "target.low was given in mg/L", "mg.h/L"
    ),
    "empty": ("", "the case is empty", "JSON"),
    "blank": (" \n", "the case is empty", "JSON"),
    "not JSON": ("{'id': 3}", "the case is not JSON", "line 1, column 2"),
    "a list": ("[1]", "the case holds a list", "a JSON object"),
    "NaN": (changed("doses", 0, "amount", 1).replace('"amount": 1,', '"amount": NaN,'), "NaN", "finite"),
    "key twice": ('{"id": "a", "id": "b"}', 'the key "id" is given twice', "once"),
    "no file": ("no/such/file.json", "cannot be read", "path"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "arrived", "remedy"), BAD.values(), ids=BAD)
def test_what_is_wrong_is_said_with_its_place(text, arrived, remedy):
    with pytest.raises(InputError) as caught:
        ido.read_case(text)
    assert arrived in str(caught.value)
    assert remedy in str(caught.value)
    assert "pydantic" not in str(caught.value)
    assert "input_value" not in str(caught.value)
    assert caught.value.__cause__ is None


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["time", "unit", "x"]), inner, max_size=3)
    ),
    max_leaves=4,
)


def places(value, way=()):
    """Every place of a document."""
    for key, one in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*way, key)
        yield from places(one, (*way, key))


@given(place=st.sampled_from(list(places(FULL))), value=ANYTHING)
def test_whatever_stands_anywhere_is_read_or_refused_in_one_sentence(place, value):
    text = changed(*place, value, base=FULL)
    try:
        ido.read_case(text)
        return
    except InputError as error:
        said = error
    assert said.arrived
    assert str(said).encode()


def test_text_that_no_screen_can_show_is_refused_in_words_that_it_can():
    for text in (changed("id", "\ud800"), changed("\ud800", 1)):
        with pytest.raises(InputError) as caught:
            ido.read_case(text)
        assert "d800" in str(caught.value).encode().decode()


def test_a_wrong_unit_is_a_unit_error():
    with pytest.raises(UnitError):
        ido.read_case(changed("doses", 0, "unit", "mL"))


def test_several_faults_are_counted():
    with pytest.raises(InputError, match=r"2 more are wrong"):
        ido.read_case(changed("levels", 0, {}))
