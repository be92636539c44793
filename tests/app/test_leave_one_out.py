"""Leave-one-out: nothing leaks from who is left out, intervals calibrate, archives survive their file; the paper's data."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

import individose as ido
import reference_data
from individose.app.actions.archive import added, build, read, write
from individose.app.actions.bands import bands, quantile
from individose.app.actions.calibrated import intervals
from individose.app.actions.curves import FIGURES, measured
from individose.app.actions.held_out import full_fits
from individose.app.actions.leave_one_out import DEFAULT, calibrated, errors, hold, leave_one_out
from individose.app.cli import main
from individose.base import InputError
from individose.events import Dose, Level, Subject
from individose.inference import CCN
from inference.posteriors import oral_card, oral_levels
from tolerances import IDENTITY

TIMES = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)


def oral(name, eta, noise):
    levels = oral_levels(*(np.array([4.0, 70.0, 1.0]) * np.exp(eta)), TIMES) * np.exp(noise)
    return Subject(name, (Dose(0.0, 1000.0), *(Level(t, float(y)) for t, y in zip(TIMES, levels, strict=True))))


@pytest.fixture(scope="module")
def ward():
    generator = np.random.default_rng(3)
    etas = generator.standard_normal((8, 3)) * np.sqrt([0.1, 0.06, 0.2])
    return [oral(f"s{i}", eta, 0.1 * generator.standard_normal(len(TIMES))) for i, eta in enumerate(etas)]


@pytest.fixture(scope="module")
def held(ward):
    return hold(oral_card(), ward, horizon_h=24.0)


def test_other_samples_of_who_is_left_out_change_nothing(ward, held):
    first = ward[2]
    moved = tuple(
        replace(e, value_mg_L=3.0 * e.value_mg_L) if isinstance(e, Level) and e.time_h != 2.0 else e
        for e in first.events
    )
    other = hold(oral_card(), [*ward[:2], replace(first, events=moved), *ward[3:]], horizon_h=24.0)
    only = [DEFAULT, "MAP, population of the archive", "Bayes over the archive's curves", "covariate model, no sample"]
    before, after = (leave_one_out(one, (2.0,), only=only) for one in (held, other))
    np.testing.assert_allclose(held.archives[2].etas, other.archives[2].etas, rtol=0, atol=0)
    np.testing.assert_allclose(before.figures[2], after.figures[2], rtol=0, atol=0)
    assert np.abs(held.truth[2] / other.truth[2] - 1).max() > 0.5  # they do change what he is held against
    # and everybody else's archive
    assert np.abs(held.archives[0].etas - other.archives[0].etas).max() > 0.01


def test_errors_shrink_with_a_sample(held):
    found = leave_one_out(held, (2.0,), only=[DEFAULT, "archive median, no sample"])
    mean = {row.method: row.mean for row in found.rows}
    assert mean[DEFAULT] < mean["archive median, no sample"]


def test_a_patient_in_his_own_archive_is_refused(ward):
    with pytest.raises(InputError, match="own archive"):
        hold(oral_card(), ward, horizon_h=24.0, known=np.ones((8, 8)))
    with pytest.raises(InputError, match="at least 4"):
        hold(oral_card(), ward[:3], horizon_h=24.0)


def test_figures_of_levels_by_hand():
    rows = [(1.0, 4.0), (2.0, 8.0), (4.0, 6.0), (6.0, 2.0)]
    subject = Subject("a", (Dose(0.0, 1.0), *(Level(t, y) for t, y in rows)))
    # half of 8 lies between 6 at 4 h and 2 at 6 h; trapezoids 2 + 6 + 14 + half of the way to (5, 4): 5
    np.testing.assert_allclose(measured(subject, 5.0), [8.0, 5.0, 2.0, 27.0], rtol=IDENTITY)


def test_calibrated_bands_cover_what_they_say_whatever_the_clusters_claim():
    """Clusters three times too narrow, and three times too wide."""
    generator = np.random.default_rng(1)
    truth = np.exp(generator.standard_normal((300, 1)))
    for factor in (1 / 3, 3.0):
        points = np.exp(factor * generator.standard_normal((300, 200, 1)))
        found = bands(points, truth, 0.9)
        assert abs(found.plain[0] - 0.9) > 0.05
        assert abs(found.calibrated[0] - 0.9) < 4 * np.sqrt(0.09 / 300)
        assert (found.factor[0] > 0) == (factor < 1)


def test_a_patients_own_score_is_not_in_his_band():
    generator = np.random.default_rng(2)
    truth = np.exp(generator.standard_normal((9, 2)))
    points = np.exp(0.5 * generator.standard_normal((9, 100, 2)))
    other = truth.copy()
    other[4] *= 50.0
    before, after = (bands(points, one, 0.8) for one in (truth, other))
    np.testing.assert_allclose(after.high[4], before.high[4], rtol=0, atol=0)
    assert (np.delete(after.high, 4, 0) > np.delete(before.high, 4, 0)).any()


def test_too_few_patients_give_the_widest_band():
    assert quantile(np.array([0.1, 0.5, 0.3]), 0.9) == 0.5


@pytest.fixture(scope="module")
def archive(ward):
    return build(oral_card(), ward).archive


def test_an_archive_survives_its_file_and_takes_one_more(archive, tmp_path):
    write(archive, tmp_path / "a.json")
    again = read(tmp_path / "a.json")
    np.testing.assert_allclose(again.etas, archive.etas, rtol=0, atol=0)
    assert again.ids == archive.ids
    new = oral("new", np.array([0.2, -0.1, 0.1]), np.zeros(len(TIMES)))
    more = added(again, oral_card(), new)
    assert more.ids == (*archive.ids, "new")
    fit = ido.fit(oral_card(), new, ido_method(more))
    assert fit.status.code == "converged"
    assert "uncalibrated" in {n.code for n in fit.notices}
    assert "uncalibrated" not in {n.code for n in ido.fit(oral_card(), new, "ccn").notices}
    (tmp_path / "b.json").write_text("{}")
    with pytest.raises(InputError, match="archive"):
        read(tmp_path / "b.json")


def test_a_calibrated_archive_says_its_intervals(archive, held, tmp_path):
    """Of a new patient, from the file alone; one of whom other samples are known is told so."""
    known = calibrated(held, archive, (2.0,))
    write(known, tmp_path / "a.json")
    again = read(tmp_path / "a.json")
    assert again.calibration == known.calibration
    assert again.calibration is not None
    assert again.calibration.patients == 8
    new = oral("new", np.array([0.2, -0.1, 0.1]), np.zeros(len(TIMES)))
    one = replace(new, events=tuple(e for e in new.events if not isinstance(e, Level) or e.time_h == 2.0))
    fit, otherwise = (ido.fit(oral_card(), patient, ido_method(again)) for patient in (one, new))
    said = {n.code: n.sentence for n in fit.notices}
    assert "8 archived patients sampled near 2 h" in said["calibrated"]
    assert "calibrated-otherwise" in {n.code for n in otherwise.notices}
    # the ends of the cluster's own interval, moved by that many widths
    own = intervals(fit, replace(again.calibration, widen=dict.fromkeys(again.calibration.widen, 0.0)))
    moved = intervals(fit, again.calibration)
    for name, more in again.calibration.widen.items():
        width = np.log(own[name].high / own[name].low)
        np.testing.assert_allclose(np.log(moved[name].high / own[name].high), more * width, rtol=0, atol=IDENTITY)
        assert f"{moved[name].low:.3g} to {moved[name].high:.3g}" in said["calibrated"]
    # eight patients and a new one: each is as likely the farthest out, so that no interval can promise 90 %
    assert "So few patients vouch for 89 % only." in said["calibrated"]
    assert "cluster's own" in said["calibrated"]
    # nothing of what was tried holds for a level that no parameters explain
    odd = replace(one, events=tuple(replace(e, value_mg_L=5e3) if isinstance(e, Level) else e for e in one.events))
    bound = ido.fit(oral_card(), odd, ido_method(again))
    assert bound.status.code == "bound"
    assert not {"calibrated", "calibrated-otherwise"} & {n.code for n in bound.notices}
    failed = replace(fit, draws=np.full_like(fit.draws, np.nan))
    assert intervals(failed, again.calibration) == {}


def test_a_sample_at_the_dose_leaves_the_population_and_one_before_it_is_refused(held):
    method = ido_method(held.archives[0])
    fit = ido.fit(oral_card(), Subject("early", (Dose(0.0, 1000.0), Level(0.0, 0.3))), method)
    assert fit.status.code == "flat"
    assert "Check the times of doses and samples." in fit.status.sentence
    assert np.isfinite(fit.draws).all()
    with pytest.raises(InputError, match="before any dose"):
        ido.fit(oral_card(), Subject("earlier", (Level(-1.0, 0.3), Dose(0.0, 1000.0))), method)


def ido_method(archive):
    return CCN(archive)


def test_the_command_line_builds_uses_and_judges_an_archive(ward, tmp_path, monkeypatch):
    from individose.events import write_nonmem

    monkeypatch.chdir(tmp_path)
    write_nonmem(ward, tmp_path / "ward.csv")
    card = tmp_path / "oral.toml"
    from inference.posteriors import ORAL_TEXT

    card.write_text(ORAL_TEXT)
    done = CliRunner().invoke(main, ["archive", "build", "ward.csv", "--card", str(card), "--out", "a.json"])
    assert done.exit_code == 0, done.output
    assert "8 patients" in done.output
    words = ["archive", "build", "ward.csv", "--card", str(card), "--out", "a.json", "--sample", "2"]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    words = ["estimate", "ward.csv", "--card", str(card), "--method", "ccn", "--archive", "a.json", "--id", "s1"]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    assert "calibrated on 8" in " ".join(done.output.split())
    wrong = CliRunner().invoke(main, ["estimate", "ward.csv", "--card", str(card), "--archive", "a.json"])
    assert wrong.exit_code == 2


@pytest.mark.reference
@pytest.mark.slow
def test_the_bars_on_the_data_of_the_paper():
    from individose.events import scan_nonmem

    table = reference_data.path("datasets/propofol_dyck1992.csv")
    units = {"TIME": "min", "RATE": "mg/min"}
    patients = scan_nonmem(str(table), units=units, ignore=["STUDY", "M1F2", "A1V2", "OPIOID", "HT"]).subjects
    everyone = hold(ido.card("propofol/yang2019"), patients, horizon_h=100 / 60)
    assert everyone.all.count == 59
    one = leave_one_out(everyone, (3 / 60,))
    mean = {row.method: row.mean for row in one.rows}
    assert mean[DEFAULT] <= 11.5
    two = leave_one_out(everyone, (3 / 60, 10 / 60), only=[DEFAULT])
    assert two.rows[0].mean <= 7.5
    assert min(mean["LM, one start"], mean["CN, literature start"]) > 2 * mean[DEFAULT]
    covered = {
        (samples, name): found.bands.plain[FIGURES.index(name)]
        for samples, found in ((1, one), (2, two))
        for name in ("peak", "auc")
    }
    # the raw band of the peak from two samples falls short of 85 % by a patient; the calibrated ones do not (below)
    assert covered.pop((2, "peak")) == pytest.approx(50 / 59)
    assert all(0.85 <= share <= 0.95 for share in covered.values()), covered
    # the rows of the reference; its two without an archive need another full fit, its nearest to the letter another archive
    printed = {
        "CCN (threshold 5), to the letter": 51.2,
        "CCN (20 nearest), log space": 11.2,
        "CCN (threshold 1), log space": 10.8,
        "archive median, no sample": 18.1,
        "Bayes over the archive's curves": 11.1,
    }
    for name, value in printed.items():
        assert abs(mean[name] - value) <= 3.0, name
    other = full_fits(everyone.all, np.zeros(6))
    truth = everyone.figures(other[:, None])[:, 0]
    for name, value in (("LM, one start", 55.1), ("CN, literature start", 45.8)):
        assert abs(errors(one.found[name], truth).mean() - value) <= 3.0, name


@pytest.mark.reference
def test_the_stored_results_meet_the_bars():
    from documentation.code_blocks import ROOT

    stored = json.loads((ROOT / "docs" / "results" / "cluster-newton.json").read_text())
    mean = [next(r["mean"] for r in stored[k]["rows"] if r["method"] == DEFAULT) for k in ("one", "two")]
    assert mean[0] <= 11.5
    assert mean[1] <= 7.5
    # among patients who gave no score and were in nobody's archive
    assert all(0.85 <= stored["nested"][k][name] <= 0.95 for k in ("one", "two") for name in ("peak", "auc"))
