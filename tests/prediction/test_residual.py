"""Residual errors as distributions: each integrates to one, and its expected curvature is what `information` says."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from individose.drugs import Residual
from individose.kinetics import compose
from individose.prediction.observations import conventions, numbers
from individose.prediction.relation import ABOVE, BELOW, LEVEL, Data, Relation, moved
from tolerances import CENSORED_CURVATURE, EXACT, GRADIENT, QUADRATURE

ERRORS = (
    Residual("sd = a + b f", 0.4, 0.2),
    Residual("sd2 = a2 + b2 f2", 0.4, 0.2),
    Residual("sd2 = a2 + b2 f2", 0.7, 0.0),
    Residual("sd = a + b f**c", 0.1, 0.3, 0.6),
    Residual("ln y = ln f + e", 0.0, 0.3),
)
ROBUST = tuple(Residual(e.convention, e.additive_mg_L, e.proportional, e.exponent, 4.0) for e in ERRORS)
SYSTEM = compose("one_compartment", ("bolus",))


def model(error, observed, measured=LEVEL):
    """A relation of this error, and data of many levels."""
    observed = np.atleast_1d(np.asarray(observed, dtype=float))
    nothing = np.zeros(0)
    data = Data(
        None,
        None,
        nothing,
        observed,
        np.full(observed.shape, measured, dtype=np.int32),
        precision=nothing,
        **numbers([error], [0] * len(observed)),
    )
    return Relation(SYSTEM, (), (), conventions([error])[0], censored=measured != LEVEL), data


def density(error, y, f):
    """The density of the level (of its logarithm for a log-additive error) by scipy."""
    a, b, c = error.additive_mg_L, error.proportional, error.exponent
    place, spread = {
        "sd = a + b f": (f, a + b * f),
        "sd2 = a2 + b2 f2": (f, np.hypot(a, b * f)),
        "sd = a + b f**c": (f, a + b * f**c),
        "ln y = ln f + e": (np.log(f), b),
    }[error.convention]
    value = np.log(y) if error.convention == "ln y = ln f + e" else y
    law = stats.norm if error.nu is None else stats.t(error.nu)
    return law, (value - place) / spread, spread


@pytest.mark.parametrize("error", ERRORS + ROBUST, ids=lambda e: f"{e.convention} nu {e.nu}")
@settings(max_examples=8)
@given(f=st.floats(0.05, 200.0), z=st.floats(-6.0, 6.0))
def test_terms_are_the_log_density(error, f, z):
    relation, data = model(error, [1.0])
    y = float(relation.measured(np.array([f]), np.array([z]), data)[0])
    if error.convention == "ln y = ln f + e" or y > 0:
        relation, data = model(error, [y])
        law, at, spread = density(error, y, f)
        found = -float(relation.terms(np.array([f]), data)[0]) - 0.5 * np.log(2 * np.pi)
        np.testing.assert_allclose(at, z, rtol=0, atol=1e3 * EXACT)
        np.testing.assert_allclose(found, law.logpdf(at) - np.log(spread), rtol=GRADIENT)


@pytest.mark.parametrize("error", ERRORS + ROBUST, ids=lambda e: f"{e.convention} nu {e.nu}")
@pytest.mark.parametrize("f", [0.3, 8.0])
def test_density_and_curvature_integrate(error, f):
    """Over all levels: the density to 1, the second difference of minus its logarithm in f to `information`."""
    z, weight = np.polynomial.legendre.leggauss(400)
    u = z * np.pi / 2  # residuals tan(u), so that the tails of Student's t are reached
    residual, jacobian = np.tan(u), weight * (np.pi / 2) / np.cos(u) ** 2
    relation, data = model(error, np.ones(len(z)))
    levels = np.asarray(relation.measured(np.full(len(z), f), residual, data))
    logarithmic = error.convention == "ln y = ln f + e"
    with np.errstate(divide="ignore"):
        kept = np.isfinite(levels) & (np.isfinite(np.log(levels)) if logarithmic else True) & (np.abs(residual) < 600)
    kept &= (np.log(np.maximum(levels, 1e-11)) > -25) if logarithmic else True
    relation, data = model(error, np.where(kept, levels, 1.0))

    def summed(at):
        return relation.terms(jax.numpy.full(len(z), at), data)

    bend = jax.jvp(lambda x: jax.jvp(summed, (x,), (1.0,))[1], (f,), (1.0,))[1]
    spread = np.sqrt(np.asarray(relation.variance(np.full(len(z), f), data)))
    mass = np.where(kept, np.exp(-np.asarray(summed(f))) / np.sqrt(2 * np.pi) * spread * jacobian, 0.0)
    np.testing.assert_allclose(mass.sum(), 1.0, rtol=QUADRATURE)
    expected = float(relation.information(np.array([f]), model(error, [1.0])[1])[0])
    np.testing.assert_allclose((mass * np.where(kept, bend, 0.0)).sum(), expected, rtol=10 * QUADRATURE)


@pytest.mark.parametrize(
    "error", [*ERRORS[:1], *ERRORS[3:], *ROBUST[:1], *ROBUST[4:]], ids=lambda e: f"{e.convention} {e.nu}"
)
@pytest.mark.parametrize("side", [BELOW, ABOVE])
@settings(max_examples=8)
@given(f=st.floats(0.1, 50.0), limit=st.floats(0.1, 50.0))
def test_beyond_a_limit_counts_the_probability(error, side, f, limit):
    relation, data = model(error, [limit], side)
    law, at, _ = density(error, limit, f)
    expected = law.logcdf(at) if side == BELOW else law.logsf(at)
    if expected > -600:
        np.testing.assert_allclose(-float(relation.terms(np.array([f]), data)[0]), expected, rtol=GRADIENT, atol=1e-12)


@pytest.mark.parametrize("nu", [None, 3.0, 40.0])
def test_curvature_beyond_a_limit_at_a_constant_spread(nu):
    """With an additive error the second difference itself, where it is positive."""
    error = Residual("sd2 = a2 + b2 f2", 0.7, 0.0, nu=nu)
    relation, data = model(error, [2.0], BELOW)
    for f in (0.5, 1.9, 2.0, 2.6, 4.0):
        h = 1e-4
        values = [float(relation.terms(np.array([x]), data)[0]) for x in (f - h, f, f + h)]
        second = (values[0] - 2 * values[1] + values[2]) / h**2
        found = float(relation.information(np.array([f]), data)[0])
        np.testing.assert_allclose(found, max(second, 0.0), rtol=CENSORED_CURVATURE, atol=CENSORED_CURVATURE)


def test_student_nears_the_normal():
    normal, student = (Residual("sd = a + b f", 0.4, 0.2, nu=nu) for nu in (None, 1e7))
    f = np.array([3.0])
    for name in ("terms", "information"):
        first, second = (float(getattr(r, name)(f, d)[0]) for r, d in (model(e, [4.0]) for e in (normal, student)))
        np.testing.assert_allclose(first, second, rtol=GRADIENT)


def test_each_analyte_has_its_own_error():
    errors = (Residual("sd2 = a2 + b2 f2", 0.0, 0.2), Residual("ln y = ln f + e", 0.0, 0.4))
    known = conventions(errors)
    relation = Relation(SYSTEM, (), (), known[0], others=known[1:])
    nothing, kinds = np.zeros(0), np.full(2, LEVEL, dtype=np.int32)
    data = Data(None, None, nothing, np.array([3.0, 3.0]), kinds, precision=nothing, **numbers(errors, [0, 1]))
    f = np.array([2.5, 2.5])
    apart = [float(r.terms(f[:1], d)[0]) for r, d in (model(e, [3.0]) for e in errors)]
    np.testing.assert_allclose(np.asarray(relation.terms(f, data)), apart, rtol=EXACT)


@settings(max_examples=20)
@given(typical=st.floats(0.02, 0.98), eta=st.floats(-3.0, 3.0))
def test_transforms(typical, eta):
    logit = float(moved("logit-normal", typical, eta))
    np.testing.assert_allclose(np.log(logit / (1 - logit)), np.log(typical / (1 - typical)) + eta, rtol=0, atol=1e-9)
    np.testing.assert_allclose(float(moved("normal", typical, eta)), typical + eta, rtol=EXACT)
    np.testing.assert_allclose(float(moved("log-normal", typical, eta)), typical * np.exp(eta), rtol=EXACT)
    boxed = float(moved("box-cox", typical, eta, 0.5))
    np.testing.assert_allclose(boxed, typical * np.exp((np.exp(0.5 * eta) - 1) / 0.5), rtol=1e3 * EXACT)
    np.testing.assert_allclose(float(moved("box-cox", typical, eta, 1e-9)), typical * np.exp(eta), rtol=GRADIENT)
