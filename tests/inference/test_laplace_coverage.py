"""How often the 90 % intervals of MAP's normal approximation hold the truth, as docs/theory/map.md reports it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from individose.inference import METHODS
from inference.posteriors import RANDOM, calibration

PAGE = Path(__file__).resolve().parents[2] / "docs" / "theory" / "map.md"
COUNT = 1000
NAMES = {"newborns": ("CL", "V"), "oral": ("CL", "V", "ka")}


@pytest.mark.parametrize("case", list(RANDOM))
def test_coverage_is_as_reported(case):
    etas, problems = RANDOM[case](COUNT, np.random.default_rng(2026))
    _, covered = calibration(etas, METHODS["map"].fit_ward(problems))
    (row,) = re.findall(rf"^\| {case} \|.*$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    told = [float(x) for x in re.findall(r"(\d+\.\d) %", row)]
    assert told == [round(100.0 * float(x), 1) for x in covered], dict(zip(NAMES[case], covered, strict=True))
