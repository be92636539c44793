"""What is said of a fit beside its numbers: records, and the few sentences that follow from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import NormalDist

from individose.base import Notice

ORDER = {"warning": 0, "caution": 1, "note": 2}

HANDFUL = 5
"""Sentences for one patient: nobody reads more."""


@dataclass(frozen=True)
class Effect:
    """A random effect: `eta`, `standardised` (its distance from the population's mean over the population's SD; the mean is 0
    unless the population is an archive's), both SDs, and `narrowing`.

    `narrowing` is 1 - posterior SD / prior SD: 0 where the levels said nothing about this effect, 1 where they said
    everything.
    """

    name: str
    eta: float
    standardised: float
    prior_sd: float
    posterior_sd: float

    @property
    def narrowing(self) -> float:
        return 1.0 - self.posterior_sd / self.prior_sd


@dataclass(frozen=True)
class Change:
    """What a changed record does to the fit.

    `effects`: change of each effect of the patient's own, in posterior SDs; `auc` and `trough`: relative change over the
    window of exposure (0.2: 20 % more), NaN where there is no window or nothing to compare; `ok`: whether the fit to the
    changed record may be used.
    """

    effects: Mapping[str, float]
    auc: float
    trough: float
    ok: bool

    @property
    def exposure(self) -> float:
        """The larger of the two changes in size; 0 where there is none."""
        return max((abs(x) for x in (self.auc, self.trough) if x == x), default=0.0)

    @property
    def shift(self) -> float:
        """The largest change of an effect, in posterior SDs."""
        return max((abs(x) for x in self.effects.values()), default=0.0)


@dataclass(frozen=True)
class PostDose:
    """How a level recorded just before a dose would fit as one drawn after it.

    `before_h`: how long before the dose it was recorded; `odds`: how many times as probable the levels are when it was
    drawn 0.5 to 2 h after the end of the dose's input; `after_h`: the most probable of these times; `residual`: the level's
    distance from its prediction there, in residual SDs.
    """

    before_h: float
    after_h: float
    odds: float
    residual: float


@dataclass(frozen=True)
class OneLevel:
    """A measured level.

    - `individual`: distance from the individual prediction in residual SDs (IWRES).
    - `percentile`: probability (0 to 1) that a patient with these covariates and doses has a lower level here, residual
      error included, no level being known; for a level beyond a limit, of lying below that limit.
    - `among_others`: the same, the patient's other levels being known.
    - `without`: what leaving the level out does; `earlier`, `later`: what drawing it 15 min earlier or later does (None
      where that is impossible); `post_dose` for one recorded just before a dose.
    """

    sample: str
    time_h: float
    observed: float
    censoring: str
    individual: float
    percentile: float
    among_others: float
    without: Change | None = None
    earlier: Change | None = None
    later: Change | None = None
    post_dose: PostDose | None = None

    @property
    def prior(self) -> float:
        """The percentile as a normal deviate: the prediction discrepancy of the level (NPD; Comets et al. 2008)."""
        return deviate(self.percentile)

    @property
    def conditional(self) -> float:
        """`among_others` as a normal deviate: a residual in whose making the level had no part."""
        return deviate(self.among_others)


@dataclass(frozen=True)
class Diagnostics:
    """What stands behind a fit, as data.

    `assay` is what 10 % less and 10 % more in every level do (None without levels); `window_h` is the window of `auc` and
    `trough`: the dosing interval after the last dose (start, end; None without doses); `domain` are the notices on
    covariates outside the card's domain; `notices` all findings, the gravest first.
    """

    id: str
    effects: tuple[Effect, ...]
    levels: tuple[OneLevel, ...]
    assay: tuple[Change, Change] | None
    window_h: tuple[float, float] | None
    domain: tuple[Notice, ...] = ()
    notices: tuple[Notice, ...] = ()

    @property
    def sentences(self) -> tuple[Notice, ...]:
        """The few that are worth a reader's time, the gravest first."""
        return self.notices[:HANDFUL]


@dataclass(frozen=True)
class WardDiagnostics:
    """Every patient's diagnostics in the order given, and what can only be said of many.

    `shrinkage` is 1 - SD(estimates) / population SD by effect: near 1 the levels say little, and plots of the estimates
    mislead (Savic & Karlsson 2009, AAPS J 11:558-569); `residual_shrinkage` is 1 - SD(IWRES). NaN under two patients.
    """

    patients: tuple[Diagnostics, ...]
    shrinkage: Mapping[str, float] = field(default_factory=dict)
    residual_shrinkage: float = float("nan")


def deviate(probability: float) -> float:
    """The normal quantile, at most 8 in size; NaN stays."""
    if probability != probability:
        return probability
    return NormalDist().inv_cdf(min(max(probability, 1e-15), 1.0 - 1e-15))


def graded(notices: list[Notice]) -> tuple[Notice, ...]:
    """The gravest first, otherwise in the order given."""
    return tuple(sorted(notices, key=lambda n: ORDER[n.grade]))
