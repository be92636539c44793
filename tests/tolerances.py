"""The only place where a test's tolerance is a number; each says why it is what it is."""

IDENTITY = 1e-10
"""Two roads to one answer in float64 (relative)."""

EXACT = 1e-12
"""Closed forms against 50-digit arithmetic (relative)."""

GRADIENT = 1e-6
"""Automatic derivatives against central differences, whose own error this is (relative)."""

ODE = 1e-8
"""A closed form against an ODE solver run at 1e-12 (relative)."""

SOLVER = 1e-6
"""Levels by our own solvers at their setting for levels (1e-8 a step) against an exact formula, on a steep course."""

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

OBJECTIVE_LOWER = 1e-5
"""An objective that is lower than NONMEM's by this is lower beyond printed digits: NONMEM stopped short of it."""

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

POSTERIOR_DOSE, POSTERIOR_TIME = 0.005, 0.01
"""What 89 % of sampled curves let one choose, against another program's draws (relative): doses in the median of some twenty
patients, and a time beyond the grid of 0.1 h that it goes by."""

LAPLACE = 0.05
"""Laplace's approximation of a log marginal likelihood with three levels and two effects (absolute)."""

PAGE = 1e-9
"""The kernel of the interactive page against the package's (of the highest level): what is asked of it."""

ESTRANNAISE = 1e-9
"""Curves against those of estrannaise.js (relative, and of the maximum): as it agrees with matrix exponentials."""

PEAK_TIME = 1e-7
"""The time of a peak against one that a minimiser found: the root of its rounding (relative)."""

SUMMARY = 0.03
"""5, 50 and 95 % curves of a card's summary against those of the posterior samples, of the peak of the median curve."""

SAMPLED_SD = 0.02
"""The SD of 313 sample curves against its printed three digits (relative)."""

COVERED_LEAST, COVERED_MOST = 0.85, 0.95
"""How often a 90 % band of a person holds their true level, over some hundred simulated persons."""

TWO_METHODS = 0.1
"""Medians of a person's level by MAP and by sampling: a third of the band (relative)."""

CALIBRATION = 0.01
"""Chance that ranks which are all equally likely are refused, over all quantities of a model (fixed seeds)."""

CLUSTER_PLANE = 0.03
"""What one plane for all points leaves of a curved map: the oscillation of the toy circle is 0.01, its curvature more."""

CLUSTER_SOLVED = 1e-6
"""Points of a cluster against the manifold once each has slopes of its own (absolute)."""

MARCH = 1e-3
"""A march of fixed steps against the adaptive solver, of the largest level: eight steps between two events leave this."""
