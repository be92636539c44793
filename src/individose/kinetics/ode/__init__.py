"""Systems of differential equations, in the interface of the closed forms; see docs/theory/ode.md.

Explicit solving needs nothing beyond JAX; stiff systems need diffrax (the extra `ode`), which is imported when one is solved.
"""

from individose.kinetics.ode.adapter import as_system
from individose.kinetics.ode.exposure import Exposure, exposure, segment_exposure, steady_exposure
from individose.kinetics.ode.model import Moment, OdeSystem, RememberedDose
from individose.kinetics.ode.population import population
from individose.kinetics.ode.propagate import Levels, solve, states_at_anchors
from individose.kinetics.ode.register import ODE_SYSTEMS
from individose.kinetics.ode.settings import DEFAULT, SENTENCES, Reason, Settings
from individose.kinetics.ode.steady import (
    Steady,
    amounts_at_phase,
    area_over_interval,
    constant_infusion,
    trough_amounts,
)

__all__ = [
    "DEFAULT",
    "ODE_SYSTEMS",
    "SENTENCES",
    "Exposure",
    "Levels",
    "Moment",
    "OdeSystem",
    "Reason",
    "RememberedDose",
    "Settings",
    "Steady",
    "amounts_at_phase",
    "area_over_interval",
    "as_system",
    "constant_infusion",
    "exposure",
    "population",
    "segment_exposure",
    "solve",
    "states_at_anchors",
    "steady_exposure",
    "trough_amounts",
]
