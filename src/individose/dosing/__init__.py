"""From parameters to a decision: exposure at steady state, targets, ranked regimens."""

from individose.dosing.advice import Advice, Candidate, advise, attainment, in_doubt, percent
from individose.dosing.averaging import advise_average, average_attainment, average_steady_state, steady_between
from individose.dosing.exposure import METRICS, exact_dose, steady_state, steady_states
from individose.dosing.products import Option, Options, ProductRegimen, Wanted, options, options_in_doubt
from individose.dosing.regimen import Regimen, current_regimen

__all__ = [
    "METRICS",
    "Advice",
    "Candidate",
    "Option",
    "Options",
    "ProductRegimen",
    "Regimen",
    "Wanted",
    "advise",
    "advise_average",
    "attainment",
    "average_attainment",
    "average_steady_state",
    "current_regimen",
    "exact_dose",
    "in_doubt",
    "options",
    "options_in_doubt",
    "percent",
    "steady_between",
    "steady_state",
    "steady_states",
]
