"""From a patient's doses and a few measured concentrations to an individual exposure and a dose that reaches the target.

Research and education; not a medical device. Names are loaded on first use, so that importing the package, asking for
help or listing cards starts no numerical library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from individose.app.actions.cases import read_case
    from individose.app.actions.compare import estimate_by_methods, estimate_by_models
    from individose.app.actions.diagnose import diagnose, diagnose_ward
    from individose.app.actions.estimate import estimate
    from individose.app.actions.evaluate import evaluate
    from individose.app.actions.problems import fit, fit_ward
    from individose.app.actions.simulate import simulate
    from individose.dosing import Regimen, advise, advise_average, attainment, exact_dose, steady_state
    from individose.drugs import Card, Target, card, card_ids, target
    from individose.events import Dose, Level, Reading, Reset, Subject, read_nonmem, scan_nonmem, subject, write_nonmem
    from individose.inference import Averaged, Estimate, Fit, average

__version__ = "0.1.0"

_HOMES = {
    "individose.app.actions.cases": ("read_case",),
    "individose.app.actions.compare": ("estimate_by_methods", "estimate_by_models"),
    "individose.app.actions.diagnose": ("diagnose", "diagnose_ward"),
    "individose.app.actions.estimate": ("estimate",),
    "individose.app.actions.evaluate": ("evaluate",),
    "individose.app.actions.problems": ("fit", "fit_ward"),
    "individose.app.actions.simulate": ("simulate",),
    "individose.dosing": ("Regimen", "advise", "advise_average", "attainment", "exact_dose", "steady_state"),
    "individose.drugs": ("Card", "Target", "card", "card_ids", "target"),
    "individose.events": (
        "Dose",
        "Level",
        "Reading",
        "Reset",
        "Subject",
        "read_nonmem",
        "scan_nonmem",
        "subject",
        "write_nonmem",
    ),
    "individose.inference": ("Averaged", "Estimate", "Fit", "average"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Averaged",
    "Card",
    "Dose",
    "Estimate",
    "Fit",
    "Level",
    "Reading",
    "Regimen",
    "Reset",
    "Subject",
    "Target",
    "advise",
    "advise_average",
    "attainment",
    "average",
    "card",
    "card_ids",
    "diagnose",
    "diagnose_ward",
    "estimate",
    "estimate_by_methods",
    "estimate_by_models",
    "evaluate",
    "exact_dose",
    "fit",
    "fit_ward",
    "read_case",
    "read_nonmem",
    "scan_nonmem",
    "simulate",
    "steady_state",
    "subject",
    "target",
    "write_nonmem",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'individose' has no attribute '{name}'")
    found = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
