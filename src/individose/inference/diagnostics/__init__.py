"""What stands behind a fit: residuals, standing of each level, influence, sensitivity, and a few sentences of it."""

from individose.inference.diagnostics.analysis import diagnose_together, of_ward
from individose.inference.diagnostics.records import (
    Change,
    Diagnostics,
    Effect,
    OneLevel,
    PostDose,
    WardDiagnostics,
)
from individose.inference.diagnostics.refits import AFTER_H, BEFORE_H, MINUTES, Asked

__all__ = [
    "AFTER_H",
    "BEFORE_H",
    "MINUTES",
    "Asked",
    "Change",
    "Diagnostics",
    "Effect",
    "OneLevel",
    "PostDose",
    "WardDiagnostics",
    "diagnose_together",
    "of_ward",
]
