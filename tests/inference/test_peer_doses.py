"""What another program worked out from its estimates: when a level falls to an aim, which dose or interval reaches one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from scipy.optimize import brentq

import individose as ido
from individose.app.actions.problems import problem
from individose.drugs.schema import read_card
from individose.events import Dose, Subject
from individose.prediction import bind
from inference.test_peer_cases import AMIKACIN, CREATININE, VANCOMYCIN, expected, read

pytestmark = pytest.mark.reference


def fitted(folder, text):
    subject = read(folder, **CREATININE)[0]
    return ido.fit(read_card(text, folder), subject), expected(folder), expected(folder, "tolerance")["1"]


def under(fit, doses, history=False):
    """The same individual under these doses, after its own history or instead of it."""
    own = fit.problem.context.subject
    kept = own.events if history else (own.events[0],)
    return replace(fit, problem=problem(bind(fit.problem.context.card, Subject("a", (*kept, *doses)))))


def allowed(text):
    """(absolute, relative) of a stated tolerance: 0.1 h, 1 abs, 1e-3."""
    number, _, kind = text.partition(" ")
    return (float(number), 0.0) if kind else (0.0, float(number))


def same(found, name, stated, tolerance):
    absolute, relative = allowed(tolerance[name])
    assert found == pytest.approx(float(stated["1"][name]), abs=absolute, rel=relative), name


def test_amikacin():
    fit, stated, tolerance = fitted("posologyr_amikacin_combined1_dosing", AMIKACIN)
    same(fit.exposure("until_below", 0.0, 200.0, threshold=2.5).value, "time_cmin_2.5", stated, tolerance)
    before = fit.predict([35.0])[0]
    each = under(fit, [Dose(34.0, 1000.0, 0.5)], history=True).predict([35.0])[0] - before
    dose = 1000.0 * (80.0 - before) / each
    same(dose, "dose_conc80", stated, tolerance)
    alone = under(fit, [Dose(0.0, dose, 0.5)])

    def trough(interval):
        return sum(alone.predict([interval * (k + 1) for k in range(12)])) - 2.5

    same(brentq(trough, 12.0, 120.0), "interval_cmin_2.5", stated, tolerance)


def test_vancomycin():
    fit, stated, tolerance = fitted("posologyr_vancomycin_dose_optim", VANCOMYCIN)
    once = under(fit, [Dose(0.0, 1500.0, 2.0)])
    same(once.exposure("until_below", 0.0, 200.0, threshold=10.0).value, "time_cmin_single", stated, tolerance)
    often = under(fit, [Dose(24.0 * k, 1500.0, 2.0) for k in range(11)])
    last = often.exposure("until_below", 240.0, 600.0, threshold=10.0).value
    same(last, "time_cmin_multi", stated, tolerance)
    running = under(fit, [Dose(24.0 * k, 1000.0, 24.0) for k in range(11)])
    dose = 1000.0 * (400.0 / 24.0) / running.predict([237.6])[0]
    same(dose, "dose_conc_multi_continuous", stated, tolerance)
    alone = under(fit, [Dose(0.0, 2000.0, 2.0)])

    def trough(interval):
        return sum(alone.predict([interval * (k + 1) for k in range(11)])) - 10.0

    # the other program goes by steps of 0.1 h: its interval is the first of them at which the trough is not above 10
    assert (
        float(stated["1"]["interval_cmin"]) - 0.1 < brentq(trough, 12.0, 120.0) <= float(stated["1"]["interval_cmin"])
    )
