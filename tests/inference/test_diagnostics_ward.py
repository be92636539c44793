"""Diagnostics of many: the same as one by one, shrinkage by its definition, and how often a mistimed trough is found."""

from functools import cache

import numpy as np
import pytest

import individose as ido
from individose.events import Dose, Level
from newborns import newborns
from tolerances import ESTIMATE, IDENTITY

NEWBORNS = ido.card("phenobarbital/grasela1985")
ADULTS = ido.card("theophylline/boeckmann1994")
DOSES_H = (0.0, 12.0, 24.0, 36.0)
TROUGH_H = 36.0


@cache
def ward():
    fits = ido.fit_ward(NEWBORNS, newborns()).fits
    return fits, ido.diagnose_ward(fits)


def test_a_ward_says_of_each_what_is_said_of_one():
    fits, found = ward()
    assert [one.id for one in found.patients] == [fit.id for fit in fits]
    for i in (0, 39):
        alone = ido.diagnose(ido.fit(NEWBORNS, newborns()[i]))
        for one, other in zip(found.patients[i].levels, alone.levels, strict=True):
            np.testing.assert_allclose(
                [one.percentile, one.among_others, one.without.auc, one.earlier.auc, one.later.trough],
                [other.percentile, other.among_others, other.without.auc, other.earlier.auc, other.later.trough],
                rtol=0, atol=ESTIMATE,
            )  # fmt: skip
        assert found.patients[i].notices == alone.notices


def test_a_percentile_rests_on_the_patient_alone_whoever_is_beside_them():
    """Many levels of one patient are judged by fewer draws; those of the others are not."""
    people = [
        ido.subject("few", doses=[Dose(0.0, 25.0)], levels=[Level(2.0, 24.0), Level(30.0, 12.0)],
                    covariates={"weight": 1.4, "apgar_5min": 7}),
        ido.subject("many", doses=[Dose(0.0, 25.0)], covariates={"weight": 1.4, "apgar_5min": 7},
                    levels=[Level(2.0 + 0.5 * k, 17.0 * np.exp(-0.005 * k) * (1.1 if k % 2 else 0.9)) for k in range(40)]),
    ]  # fmt: skip
    found = ido.diagnose_ward(ido.fit_ward(NEWBORNS, people).fits)
    for one, who in zip(found.patients, people, strict=True):
        alone = ido.diagnose(ido.fit(NEWBORNS, who))
        np.testing.assert_allclose(
            [level.percentile for level in one.levels],
            [level.percentile for level in alone.levels],
            rtol=0,
            atol=ESTIMATE,
        )
        assert one.notices == alone.notices


def test_shrinkage_by_its_definition():
    fits, found = ward()
    etas = np.stack([fit.eta for fit in fits])
    for i, (name, omega2) in enumerate((("CL", 0.0293508), ("V", 0.027906))):
        expected = 1.0 - np.std(etas[:, i], ddof=1) / np.sqrt(omega2)
        np.testing.assert_allclose(found.shrinkage[name], expected, rtol=IDENTITY)
        assert 0.0 < expected < 1.0
    levels = [(fit, x.value_mg_L) for fit, who in zip(fits, newborns(), strict=True) for x in who.levels]
    iwres = np.concatenate([(np.array([x.value_mg_L for x in who.levels]) / fit.fitted() - 1.0) / np.sqrt(0.013241)
                            for fit, who in zip(fits, newborns(), strict=True)])  # fmt: skip
    assert len(iwres) == len(levels) == 155
    np.testing.assert_allclose(found.residual_shrinkage, 1.0 - np.std(iwres, ddof=1), rtol=IDENTITY)
    assert np.isnan(ido.diagnose_ward(fits[:1]).residual_shrinkage)


def test_real_newborns_raise_few_sentences_and_no_false_alarm():
    _, found = ward()
    candidates = [x for one in found.patients for x in one.levels if x.post_dose is not None]
    assert len(candidates) == 28
    assert not [n for one in found.patients for n in one.notices if n.code == "mistimed-trough"]
    assert max(x.post_dose.odds for x in candidates) < 5.0
    counts = [len(one.sentences) for one in found.patients]
    assert max(counts) <= 3
    assert np.mean(counts) < 1.0
    assert sum(n.grade != "note" for one in found.patients for n in one.notices) <= 3


def simulated(count, hours_late, seed):
    """Adults with a level within an interval and a trough recorded at the next dose, drawn `hours_late` after it."""
    generator = np.random.default_rng(seed)
    place = [[e.parameter for e in ADULTS.effects].index(name) for name in ("ka", "CL", "V")]
    omega = np.array(ADULTS.omega).reshape(3, 3)
    patients = []
    for i in range(count):
        eta = generator.multivariate_normal(np.zeros(3), omega)[place]
        ka, cl, v = np.exp(np.array([0.46445, 1.01205, 3.45997]) + eta)
        levels = []
        for recorded, drawn in ((26.0, 26.0), (TROUGH_H, TROUGH_H + hours_late)):
            since = [drawn - d for d in DOSES_H if d < drawn]
            f = sum(250.0 * ka / (v * ka - cl) * (np.exp(-cl / v * t) - np.exp(-ka * t)) for t in since)
            levels.append(Level(recorded, max(f + 0.69384 * generator.standard_normal(), 0.05)))
        doses = [Dose(d, 250.0) for d in DOSES_H]
        patients.append(ido.subject(str(i), doses=doses, levels=levels, covariates={"weight": 70.0}))
    return patients


def flagged(patients):
    found = ido.diagnose_ward(ido.fit_ward(ADULTS, patients).fits)
    return [any(n.code == "mistimed-trough" for n in one.notices) for one in found.patients], found


@pytest.mark.parametrize(("hours_late", "least", "most"), [(0.0, 0.0, 0.03), (1.0, 0.8, 1.0), (1.5, 0.85, 1.0)])
def test_a_mistimed_trough_is_found_and_a_right_one_is_not(hours_late, least, most):
    flags, found = flagged(simulated(100, hours_late, seed=7))
    assert least <= np.mean(flags) <= most
    for one in found.patients:
        assert one.levels[0].post_dose is None
        assert one.levels[1].post_dose.before_h == 0.0


def test_odds_are_ratios_of_the_marginal_likelihoods_of_records_written_both_ways():
    """The mean over the four times, each an ordinary fit of a record with the level there."""
    (who,) = simulated(1, 1.0, seed=3)
    fit = ido.fit(ADULTS, who)
    written = []
    for late in (0.5, 1.0, 1.5, 2.0):
        mid, trough = who.levels
        levels = [mid, Level(trough.time_h + late, trough.value_mg_L)]
        written.append(ido.fit(ADULTS, ido.subject("b", doses=who.doses, levels=levels, covariates={"weight": 70.0})))
    odds = np.mean([np.exp(one.log_evidence - fit.log_evidence) for one in written])
    found = ido.diagnose(fit).levels[1].post_dose
    np.testing.assert_allclose(found.odds, odds, rtol=ESTIMATE)
    best = written[int(np.argmax([one.log_evidence for one in written]))]
    residual = (who.levels[1].value_mg_L - best.fitted()[1]) / 0.69384
    np.testing.assert_allclose(found.residual, residual, rtol=0, atol=10 * ESTIMATE)
