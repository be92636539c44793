"""The functions that a card's equations may call, over numpy arrays: one value for each segment."""

from __future__ import annotations

import numpy as np

from individose.drugs import Operations

NUMPY = Operations(
    exp=np.exp,
    log=np.log,
    log10=np.log10,
    sqrt=np.sqrt,
    abs=np.abs,
    minimum=np.minimum,
    maximum=np.maximum,
    where=np.where,
    power=np.power,
    logical_and=np.logical_and,
    logical_or=np.logical_or,
    logical_not=np.logical_not,
)
