"""Posteriors written out by hand in numpy, on grids and by simulation: what the samplers are held against."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.stats import binom, chisquare

import individose as ido
from individose.app.actions.problems import problem
from individose.drugs.schema import read_card
from individose.events import Dose, Level, Subject
from individose.prediction import bind

NEWBORN = ido.card("phenobarbital/grasela1985")
TYPICAL = np.array([0.00469555 * 1.4, 0.984258 * 1.4])
OMEGA2 = np.array([0.0293508, 0.027906])
SIGMA2 = 0.013241
DOSES = ((0.0, 25.0), (12.0, 3.5), (24.0, 3.5), (36.0, 3.5))

ORAL_TEXT = """
id = "case/oral"
title = "One compartment after an oral dose, all parameters log-normal"
grade = "draft"
system = { disposition = "one_compartment", input = "first_order" }

[source]
citation = "Invented for a test"
population = "none"

[parameters]
CL = { equation = "4 [L/h]", unit = "L/h" }
V  = { equation = "70 [L]", unit = "L" }
ka = { equation = "1 [1/h]", unit = "1/h" }

[variability]
CL = { omega2 = 0.1 }
V  = { omega2 = 0.06 }
ka = { omega2 = 0.2 }

[residual]
convention = "sd2 = a2 + b2 f2"
proportional = 0.15
"""


@cache
def oral_card():
    return read_card(ORAL_TEXT, "oral")


def newborn(levels, doses=DOSES, name="a"):
    return ido.subject(
        name,
        doses=[Dose(*d) for d in doses],
        levels=[Level(t, y) for t, y in levels],
        covariates={"weight": 1.4, "apgar_5min": 7},
    )


def bolus_levels(cl, v, times, doses=DOSES):
    """(..., times): superposition of single exponentials; a level at the time of a dose is before it."""
    cl, v = np.asarray(cl)[..., None], np.asarray(v)[..., None]
    times = np.asarray(times)
    parts = [np.where(times > at, a / v * np.exp(-cl / v * np.maximum(times - at, 0)), 0) for at, a in doses]
    return np.sum(parts, axis=0)


def oral_levels(cl, v, ka, times, dose=1000.0):
    cl, v, ka = (np.asarray(x)[..., None] for x in (cl, v, ka))
    k = cl / v
    return dose * ka / (v * (ka - k)) * (np.exp(-k * np.asarray(times)) - np.exp(-ka * np.asarray(times)))


def grid_moments(levels, points=321, width=6.0):
    """Mean and SD of both effects of a newborn, and log of the probability of the levels, by the midpoint rule.

    The grid covers `width` population SDs on each side; the integrand is smooth and gone at its ends.
    """
    steps = [np.linspace(-width, width, points) * np.sqrt(o) for o in OMEGA2]
    cl, v = np.meshgrid(*steps, indexing="ij")
    times, observed = np.array(levels).T
    f = bolus_levels(TYPICAL[0] * np.exp(cl), TYPICAL[1] * np.exp(v), times)
    terms = 0.5 * ((observed - f) ** 2 / (SIGMA2 * f**2) + np.log(SIGMA2 * f**2)).sum(axis=-1)
    log_prior = -0.5 * (cl**2 / OMEGA2[0] + v**2 / OMEGA2[1]) - 0.5 * np.log(4 * np.pi**2 * OMEGA2.prod())
    log_density = log_prior - terms
    top = log_density.max()
    weight = np.exp(log_density - top)
    area = np.prod([x[1] - x[0] for x in steps])
    marginal = top + np.log(weight.sum() * area)
    weight /= weight.sum()
    means = np.array([(weight * x).sum() for x in (cl, v)])
    sds = np.array([np.sqrt((weight * (x - m) ** 2).sum()) for x, m in zip((cl, v), means, strict=True)])
    return means, sds, marginal


def newborns_at_random(count, generator):
    """(true effects (count, 2), problems) of newborns drawn from the model itself, one shape for all."""
    etas = generator.standard_normal((count, 2)) * np.sqrt(OMEGA2)
    times = np.array([2.0, 20.0, 47.0])
    f = bolus_levels(*(TYPICAL * np.exp(etas)).T, times)
    y = f * (1 + np.sqrt(SIGMA2) * generator.standard_normal(f.shape))
    subjects = [newborn(list(zip(times, row, strict=True)), name=str(i)) for i, row in enumerate(y)]
    return etas, [problem(bind(NEWBORN, one)) for one in subjects]


def orals_at_random(count, generator):
    """The same for a single oral dose with two levels: three effects, seen poorly."""
    etas = generator.standard_normal((count, 3)) * np.sqrt([0.1, 0.06, 0.2])
    times = np.array([1.0, 8.0])
    f = oral_levels(*(np.array([4.0, 70.0, 1.0]) * np.exp(etas)).T, times)
    y = f * (1 + 0.15 * generator.standard_normal(f.shape))
    subjects = [
        Subject(str(i), (Dose(0.0, 1000.0), *(Level(t, v) for t, v in zip(times, row, strict=True))))
        for i, row in enumerate(y)
    ]
    return etas, [problem(bind(oral_card(), one)) for one in subjects]


RANDOM = {"newborns": newborns_at_random, "oral": orals_at_random}


def calibration(etas, fits, bins=10, thinned=99):
    """P value of the ranks of the true effects among independent draws, and how many 90 % intervals hold the truth.

    Talts, Betancourt, Simpson, Vehtari & Gelman (2018), arXiv 1804.06788: the ranks are uniform where draws are from
    the posterior. **Returns:** (p of each effect, share of covered of each effect).
    """
    ps, covered = [], []
    for i in range(etas.shape[1]):
        draws = np.array([fit.sample(thinned, seed=7)[:, i] for fit in fits])
        ranks = (draws < etas[:, i, None]).sum(axis=1)
        counts = np.histogram(ranks, bins=bins, range=(0, thinned + 1))[0]
        ps.append(chisquare(counts).pvalue)
        ends = np.array([[fit.effect_quantiles(q)[i] for q in (0.05, 0.95)] for fit in fits])
        covered.append(np.mean((ends[:, 0] <= etas[:, i]) & (etas[:, i] <= ends[:, 1])))
    return np.array(ps), np.array(covered)


def coverage_is_possible(share, count, level=0.9, chance=1e-4):
    """Whether so many covered of `count` are within chance of `level` (binomial, both sides)."""
    low, high = binom.ppf([chance / 2, 1 - chance / 2], count, level)
    return low <= round(share * count) <= high
