"""Model (b) on the twelve published patch series, sampled once."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numpyro")

from individose.inference.generative import Chains, Gaussian, leave_one_study_out, posterior_check, sample, weights
from individose.inference.generative.comparison import ROUGH, TRUSTED
from individose.inference.individual.posterior import AGREE
from inference.estradiol import NAMES, PATCH_MODEL, WORN_D, card_samples, patches, seen

pytestmark = [pytest.mark.slow, pytest.mark.reference]

DAYS = np.linspace(0.05, 6.0, 120)


@pytest.fixture(scope="module")
def found():
    return sample(PATCH_MODEL, seen(patches()))


def curves(p):
    """The printed patch curve of a unit dose for (draws, 4) of d, k1, k2, k3."""
    d, k1, k2, k3 = (p[:, [i]] for i in range(4))

    def single(t):
        return d * k1 * k2 * (
            np.exp(-k1 * t) / ((k1 - k2) * (k1 - k3))
            - np.exp(-k2 * t) / ((k1 - k2) * (k2 - k3))
            + np.exp(-k3 * t) / ((k1 - k3) * (k2 - k3))
        )  # fmt: skip

    gone = np.exp(-k1 * WORN_D) * single(np.maximum(DAYS - WORN_D, 0.0))
    return single(DAYS) - np.where(DAYS > WORN_D, gone, 0.0)


def ours(found):
    return np.stack([found.flat(name) for name in NAMES], axis=-1)


def test_the_chains_agree_and_none_diverges(found):
    assert (found.seen.n_series, len(found.seen.value)) == (12, 161)
    assert found.worst_rhat < AGREE, found.rhat
    assert found.divergences == 0
    assert found.least_effective > 400


def test_the_misprinted_series_is_found_without_being_told(found):
    """The table flags one series, which the model never reads: its levels are those of twice the dose."""
    told = weights(found)
    strange = {w.name: w.strange for w in told}
    odd = max(told, key=lambda w: w.strange)
    assert odd.name == "Hossain 2003b, Menorest 50, n=11"
    assert odd.strange > 0.9
    assert odd.low < 2.08 < odd.high
    assert sorted(strange.values())[-2] < 0.25
    others = [w for w in told if w is not odd]
    assert all(0.75 < w.weight < 1.33 for w in others)


def test_the_published_posterior_agrees_on_area_and_peak(found):
    """Single rates cannot be compared (the published samples are not labelled); what all images share can."""
    mine, theirs = ours(found), card_samples()
    areas = [p[:, 0] * (1.0 - np.exp(-p[:, 1] * WORN_D)) / p[:, 3] for p in (mine, theirs)]
    one, other = (np.quantile(x, [0.05, 0.5, 0.95]) for x in areas)
    assert one[0] < other[1] < one[2]
    shown = [curves(p) for p in (mine, theirs)]
    low, _middle, high = np.quantile(shown[0].max(axis=1), [0.05, 0.5, 0.95])
    assert low < np.median(shown[1].max(axis=1)) < high
    medians = [np.median(x, axis=0) for x in shown]
    apart = np.abs(medians[0] - medians[1]) / medians[1].max()
    assert apart.max() < 0.15
    assert apart[(DAYS > 0.7) & (DAYS < 3.4)].max() < 0.07


def test_replicated_levels_look_like_those_that_were_seen(found):
    check = posterior_check(found)
    assert 0.85 < check.coverage(0.9) < 0.97
    tails = check.tails()["mean"]
    assert np.all((tails > 0.01) & (tails < 0.99))


def test_weights_foretell_a_study_better_than_one_curve_for_all(found):
    """Each study left out in turn; without weights, one series at twice its dose pulls the curve and widens the scatter."""
    data, long = found.seen, Chains(warm_up=1500, draws=1500, acceptance=0.9)
    one_curve = Gaussian(PATCH_MODEL.parameters, PATCH_MODEL.sigma, PATCH_MODEL.order, PATCH_MODEL.symmetry)
    loose = leave_one_study_out(PATCH_MODEL, data, long, posterior=found, draws=2000, points=512)
    stiff = leave_one_study_out(one_curve, data, Chains(chains=2, warm_up=400, draws=500))
    assert [one.study for one in loose] == list(data.study_names)
    assert sum(one.levels for one in loose) == len(data.value)
    for one in (*loose, *stiff):
        assert one.k <= TRUSTED or one.refitted
        assert one.fit == "converged"
    assert min(one.inner for one in loose) > 5
    assert max(one.error for one in loose) < ROUGH
    assert not [notice for one in loose for notice in one.notices]
    ahead = sum(one.log_density for one in loose) - sum(one.log_density for one in stiff)
    assert ahead > 50.0
