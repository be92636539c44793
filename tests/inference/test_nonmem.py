"""Individual effects of the 59 newborns against NONMEM's, in one batch and one by one."""

import numpy as np
import pytest

import individose as ido
import reference_data
from tolerances import ETA_NONMEM, IDENTITY, OBJECTIVE

pytestmark = pytest.mark.reference


@pytest.fixture(scope="module")
def newborns():
    return ido.read_nonmem(reference_data.path("datasets/pheno.csv"))


@pytest.fixture(scope="module")
def ward(newborns):
    return ido.fit_ward(ido.card("phenobarbital/grasela1985"), newborns)


def test_etas_equal_nonmem(ward):
    expected = reference_data.rows("map/phenobarbital/expected_phi.csv")
    assert len(ward.fits) == 59
    assert not ward.refused
    for fit, row in zip(ward.fits, expected, strict=True):
        assert float(fit.id) == float(row["ID"])
        np.testing.assert_allclose(fit.eta, [float(row["ETA(1)"]), float(row["ETA(2)"])], rtol=0, atol=ETA_NONMEM)


def test_the_sum_of_objectives_is_nonmems(ward):
    """FOCE with interaction at the conditional modes: printed objective 586.276056, from our losses and curvatures.

    NONMEM's individual objective is 2 l(eta) + log det(omega) + log det(H), H the Gauss-Newton matrix without the
    terms that the interaction adds.
    """
    card = ido.card("phenobarbital/grasela1985")
    total = 0.0
    for fit in ward.fits:
        h = _gauss_newton(fit)
        total += fit.objective + np.linalg.slogdet(np.array(card.omega))[1] + np.linalg.slogdet(h)[1]
    assert abs(total - 586.276056) < OBJECTIVE


def _gauss_newton(fit):
    """sum_j J_j J_j' / v_j + omega^-1 + the interaction term, from finite differences of the predictions alone."""
    data, likelihood, step = fit.problem.data, fit.problem.likelihood, 1e-5
    measured = np.asarray(data.measured) > 0

    def log_levels(eta):
        return np.log(np.asarray(likelihood.predict(eta, data))[measured])

    moves = step * np.eye(len(fit.eta))
    slopes = np.stack([(log_levels(fit.eta + m) - log_levels(fit.eta - m)) / (2 * step) for m in moves], axis=1)
    b2 = float(data.proportional) ** 2
    # v = b2 f2: J/f is the slope of log f; FOCE's expected curvature is (1/b2 + 2) of it squared
    return np.asarray(data.precision) + (1 / b2 + 2.0) * slopes.T @ slopes


def test_one_batch_equals_one_by_one(newborns, ward):
    card = ido.card("phenobarbital/grasela1985")
    for subject, together in zip(newborns, ward.fits, strict=True):
        alone = ido.fit(card, subject)
        np.testing.assert_allclose(alone.eta, together.eta, rtol=0, atol=IDENTITY)
        np.testing.assert_allclose(alone.covariance, together.covariance, rtol=IDENTITY)
        assert alone.status == together.status
