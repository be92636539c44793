"""The only place where a test's tolerance is a number; each says why it is what it is."""

IDENTITY = 1e-10
"""Two roads to one answer in float64 (relative)."""

EXACT = 1e-12
"""Closed forms against 50-digit arithmetic (relative)."""

GRADIENT = 1e-6
"""Automatic derivatives against central differences, whose own error this is (relative)."""

ODE = 1e-8
"""A closed form against an ODE solver run at 1e-12 (relative)."""

ENDLESS = 1e-8
"""Exposure without end through a solver at 1e-8 in many stretches, cut where 1e-9 of the drug is left (relative)."""

LINEAR_COVARIATE = 2e-4
"""What following a linear covariate by pieces costs, at half-lives of some hours (docs/theory/events.md; relative)."""

ETA_NONMEM = 2e-5
"""Individual effects against NONMEM's printed ones: its optimiser stops at about this distance (absolute)."""

ESTIMATE = 1e-6
"""Individual effects against an independent optimiser run to the end (absolute)."""


OBJECTIVE_NONMEM = 1e-4
"""A patient's objective against that at NONMEM's effects: eight printed digits leave this (absolute)."""

ETA_DIFFERS = 1e-3
"""Individual effects against NONMEM's where the objective has no lower point: how far its optimiser stops off (absolute)."""

ETA_MEDIAN = 1e-5
"""The same, in the median over patients (absolute)."""

PREDICTION_NONMEM = 1e-6
"""Predictions at NONMEM's effects against its table: the error of its own integrator (relative)."""

QUADRATURE = 1e-6
"""An integral over all levels by 400 points (relative)."""

CENSORED_CURVATURE = 1e-5
"""A second difference at a step of 1e-4: rounding leaves this (relative)."""

OBJECTIVE = 1e-3
"""NONMEM's objective summed over 59 patients: six printed digits of five parameters leave this (absolute)."""


def printed(text: str) -> float:
    """Half a unit in the last printed digit of a number, as an absolute tolerance (with room for a tie)."""
    mantissa, _, exponent = text.lower().partition("e")
    decimals = len(mantissa.partition(".")[2])
    return 0.5000001 * 10.0 ** (-decimals + int(exponent or 0))


def within_standard_errors(found: float, expected: float, standard_error: float, count: float = 4.0) -> bool:
    """Whether a Monte Carlo figure lies within `count` of its own standard errors of what is expected."""
    return abs(found - expected) <= count * standard_error


POSTERIOR_MEAN, POSTERIOR_SD = 0.03, 0.05
"""Sampled posteriors against a grid or another sampler: means in SDs of the posterior, and SDs (relative)."""

POSTERIOR_MEAN_WORST = 0.25
"""The worst of some sixty posterior means against another program's sampled ones, in SDs of the posterior."""

LAPLACE = 0.05
"""Laplace's approximation of a log marginal likelihood with three levels and two effects (absolute)."""
