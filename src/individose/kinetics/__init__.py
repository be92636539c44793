"""Pure mathematics of compartments, in JAX and float64; knows no drug and no patient.

Importing this room sets JAX up (`compiled`) before anything else is imported.
"""

from individose.kinetics import compiled  # noqa: F401  # pyright: ignore[reportUnusedImport]

# isort: split

from individose.kinetics.propagate import anchor_states, areas, concentrations
from individose.kinetics.register import SYSTEMS, compose
from individose.kinetics.schedule import Schedule, SteadyDoses, padded
from individose.kinetics.steady import after_one_dose, area_over_interval, trough_amounts
from individose.kinetics.system import Parameters, State, System

__all__ = [
    "SYSTEMS",
    "Parameters",
    "Schedule",
    "State",
    "SteadyDoses",
    "System",
    "after_one_dose",
    "anchor_states",
    "area_over_interval",
    "areas",
    "compose",
    "concentrations",
    "padded",
    "trough_amounts",
]
