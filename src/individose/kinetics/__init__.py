"""Pure mathematics of compartments, in JAX and float64; knows no drug and no patient.

Importing this room sets JAX up (`compiled`) before anything else is imported.
"""

from individose.kinetics import compiled  # noqa: F401  # pyright: ignore[reportUnusedImport]

# isort: split

from individose.kinetics.arrange import Doses, History, Inputs, Marks, Samples, arrange
from individose.kinetics.crossings import time_to_fall
from individose.kinetics.exposure import Exposure, exposure, window_moments
from individose.kinetics.extremes import half_lives
from individose.kinetics.linear.beside import beside
from individose.kinetics.moments import Moments, moments_to_infinity, steady_volume
from individose.kinetics.population import population
from individose.kinetics.propagate import anchor_states, areas, concentrations, prepare
from individose.kinetics.register import INPUTS, compose
from individose.kinetics.schedule import Schedule, SteadyDoses, padded
from individose.kinetics.steady import after_one_dose, area_over_interval, steady_exposure, trough_amounts
from individose.kinetics.system import Entry, Parameters, State, System

__all__ = [
    "INPUTS",
    "Doses",
    "Entry",
    "Exposure",
    "History",
    "Inputs",
    "Marks",
    "Moments",
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
    "beside",
    "compose",
    "concentrations",
    "exposure",
    "half_lives",
    "moments_to_infinity",
    "padded",
    "population",
    "prepare",
    "steady_exposure",
    "steady_volume",
    "time_to_fall",
    "trough_amounts",
    "window_moments",
]
