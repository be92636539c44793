"""Many subjects in threads and chunks are the same subjects one by one."""

import numpy as np
import pytest

from individose.base import InputError
from individose.kinetics import compose, concentrations, population
from kinetics.histories import schedule
from tolerances import IDENTITY


def test_a_population_is_its_subjects_one_by_one():
    system = compose("one_compartment", ("first_order",), ("CL", "V", "ka"))
    generator = np.random.default_rng(0)
    p = {name: value * np.exp(0.3 * generator.standard_normal((1203, 1))) for name, value in
         (("CL", 4.0), ("V", 70.0), ("ka", 1.0))}  # fmt: skip
    line = schedule([(0.0, 100.0, 0.0, 0), (12.0, 50.0, 0.0, 0)], [1.0, 11.0, 13.0, 40.0], system.size)
    found = population(system, p, line, threads=2)
    assert found.shape == (1203, 4)
    np.testing.assert_allclose(found, population(system, p, line, threads=1), rtol=IDENTITY)
    for i in (0, 499, 500, 1202):
        own = {name: x[i] for name, x in p.items()}
        np.testing.assert_allclose(found[i], concentrations(system, own, line), rtol=IDENTITY)


def test_a_nonlinear_population_has_a_road_of_its_own():
    system = compose("one_compartment", ("bolus",), ("Vmax", "Km", "V"), elimination="michaelis_menten")
    with pytest.raises(InputError, match=r"ode\.population"):
        population(system, {"V": np.ones((2, 1))}, schedule([(0.0, 1.0, 0.0, 0)], [1.0], 1))
