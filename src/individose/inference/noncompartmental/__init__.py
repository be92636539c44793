"""Non-compartmental analysis: exposure read off measured levels, by the conventions of the field and without a model.

numpy only: nothing here needs a compiled program. The conventions and their sources are in docs/theory/nca.md.
"""

from individose.inference.noncompartmental.areas import Area, partial_area
from individose.inference.noncompartmental.curve import Curve, curve
from individose.inference.noncompartmental.parameters import Analysis, analyse
from individose.inference.noncompartmental.profile import Profile, Route
from individose.inference.noncompartmental.quantities import Missing, Quantity
from individose.inference.noncompartmental.rules import METHODS, Method, Rules, read_terminal
from individose.inference.noncompartmental.terminal import Terminal, terminal_phase

__all__ = [
    "METHODS",
    "Analysis",
    "Area",
    "Curve",
    "Method",
    "Missing",
    "Profile",
    "Quantity",
    "Route",
    "Rules",
    "Terminal",
    "analyse",
    "curve",
    "partial_area",
    "read_terminal",
    "terminal_phase",
]
