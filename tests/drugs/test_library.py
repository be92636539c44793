"""Listing is light, names are resolved in one way, and a wrong name says what there is."""

from __future__ import annotations

import subprocess
import sys

import pytest

from individose.base import CardError, InputError
from individose.drugs import card, card_ids, library, summaries, target
from individose.drugs.library import Summary

HEAVY = ("lark", "pint", "ucumvert", "msgspec", "jax", "numpy")


def test_listing_loads_nothing_heavy_and_takes_no_time():
    script = (
        "import sys, time; began = time.process_time(); import individose.drugs as drugs; drugs.summaries(); "
        f"print(time.process_time() - began, [name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    seconds, _, heavy = done.stdout.strip().partition(" ")
    assert heavy == "[]"
    assert float(seconds) < 0.5  # about 0.1 s of CPU; loading one of these alone takes longer


def test_a_card_by_id_by_drug_and_by_path(tmp_path):
    found = card("phenobarbital/grasela1985")
    copy = tmp_path / "mine.toml"
    copy.write_text(library._file(found.id).read_text(encoding="utf-8"), encoding="utf-8")
    assert card("phenobarbital") is found
    assert card(copy) == card(str(copy)) == found


def test_an_edited_file_is_read_again(tmp_path):
    copy = tmp_path / "mine.toml"
    text = library._file("phenobarbital/grasela1985").read_text(encoding="utf-8")
    copy.write_text(text, encoding="utf-8")
    first = card(copy)
    copy.write_text(text.replace("0.027906", "0.03"), encoding="utf-8")
    assert card(copy).omega[1][1] == 0.03
    assert card(copy).digest != first.digest


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("phenobarbitone", ["phenobarbitone", "Did you mean 'phenobarbital'?", "theophylline/boeckmann1994"]),
        ("phenobarbital/grasela1984", ["Did you mean 'phenobarbital/grasela1985'?"]),
        ("", ["there is no card"]),
        ("nowhere/file.toml", ["nowhere/file.toml", "cannot be read"]),
    ],
)
def test_a_name_that_is_no_card(name, words, four_beats):
    with pytest.raises(InputError) as caught:
        card(name)
    four_beats(caught.value, *words)


@pytest.fixture
def shelf(monkeypatch):
    """Four cards of three drugs: two offered ones, one with a draft beside it, one draft alone."""
    grades = {
        "aa/x2031": "checked",
        "aa/y2032": "validated",
        "bb/x2031": "checked",
        "bb/z2033": "draft",
        "cc/x": "draft",
    }
    found = tuple(Summary(i, i[:2], i, grade, "", "") for i, grade in grades.items())
    monkeypatch.setattr(library, "_all", lambda: found)
    return found


def test_drafts_are_listed_only_on_request(shelf):
    assert card_ids() == ("aa/x2031", "aa/y2032", "bb/x2031")
    assert card_ids("bb") == ("bb/x2031",)
    assert card_ids("bb", drafts=True) == ("bb/x2031", "bb/z2033")
    assert len(summaries(drafts=True)) == len(shelf)


def test_a_drug_with_two_offered_cards_is_not_decided(shelf, four_beats):
    with pytest.raises(InputError) as caught:
        card("aa")
    four_beats(caught.value, "aa has 2 cards", "aa/x2031, aa/y2032")


def test_a_draft_needs_its_full_id(shelf, four_beats):
    with pytest.raises(InputError) as caught:
        card("cc")
    four_beats(caught.value, "no card 'cc'", "full id: cc/x")


def test_targets():
    assert target("phenobarbital").metric == "trough"
    assert (target("phenobarbital", "average").low, target("phenobarbital", "average").high) == (15.0, 40.0)


def test_a_target_that_the_card_has_not(four_beats):
    with pytest.raises(InputError) as caught:
        target("phenobarbital", "auc")
    four_beats(caught.value, "no target for auc", "trough, average")


def test_a_file_that_is_not_text(tmp_path, four_beats):
    path = tmp_path / "x.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(CardError) as caught:
        card(path)
    four_beats(caught.value, "UTF-8")


def test_a_head_without_title_is_named(tmp_path, four_beats):
    path = tmp_path / "x2031.toml"
    path.write_text('id = "a/x2031"\n[domain]\n')
    with pytest.raises(CardError) as caught:
        library._summary(path)
    four_beats(caught.value, "x2031", "title")
