"""Pure mathematics of compartments, in JAX and float64; knows no drug and no patient.

Importing this room sets JAX up (`compiled`) before anything else is imported.
"""

from individose.kinetics import compiled  # noqa: F401  # pyright: ignore[reportUnusedImport]

# isort: split

from individose.kinetics.arrange import Doses, History, Inputs, Marks, Samples, arrange
from individose.kinetics.propagate import anchor_states, areas, concentrations, prepare
from individose.kinetics.register import INPUTS, compose
from individose.kinetics.schedule import Schedule, SteadyDoses, padded
from individose.kinetics.steady import after_one_dose, area_over_interval, steady_exposure, trough_amounts
from individose.kinetics.system import Entry, Parameters, State, System

__all__ = [
    "INPUTS",
    "Doses",
    "Entry",
    "History",
    "Inputs",
    "Marks",
    "Parameters",
    "Samples",
    "Schedule",
    "State",
    "SteadyDoses",
    "System",
    "after_one_dose",
    "anchor_states",
    "area_over_interval",
    "areas",
    "arrange",
    "compose",
    "concentrations",
    "padded",
    "prepare",
    "steady_exposure",
    "trough_amounts",
]
