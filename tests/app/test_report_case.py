"""An invented patient on an invented drug, and how the faces of a result are read back; holds no test itself."""

from __future__ import annotations

import io
import math
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from rich.console import Console

import tolerances
from individose.app.actions.estimate import CaseResult, Curve, LevelRow
from individose.app.report import show_case
from individose.base import Notice, Outcome, Status
from individose.dosing import Advice, Candidate, Regimen
from individose.drugs import Card, Dosing, Residual, Source, Target
from individose.events import Dose, Level, Reading, subject
from individose.inference import Estimate, Fit, Problem

SVG = "{http://www.w3.org/2000/svg}"
VOID = {"meta", "link", "br", "hr", "img", "input"}
NOT_A_NUMBER = re.compile(r"\b(nan|inf|infinity)\b", re.IGNORECASE)

# Everything below is invented: no such drug, patient or paper exists.
TARGET = Target("trough", 10.0, 20.0, "mg/L", "an invented guideline", note="Ask the invented pharmacist.")
CARD = Card(
    id="examplin/doe2031",
    drug="examplin",
    title="Examplin in invented adults",
    grade="checked",
    disposition="one_compartment",
    inputs=("bolus",),
    source=Source("Doe J. Invented J 2031;1:1-9", "20 invented adults", doi="10.0000/none"),
    domain={},
    covariates=(),
    constants={},
    parameters=(),
    effects=(),
    omega=(),
    residual=Residual("sd2 = a2 + b2 f2", 0.5, 0.12),
    targets=(TARGET,),
    dosing=Dosing(50.0, (8.0, 12.0)),
    digest="0123456789abcdef",
)
DOSES = (Dose(0.0, 600.0), *(Dose(12.0 * i, 300.0, 1.0) for i in range(1, 8)))
LEVELS = (Level(11.5, 12.4), Level(47.25, 14.9), Level(83.0, 2.0, censoring="below"))


def level_at(t: float, CL: float, V: float) -> float:
    """One compartment, every dose as a bolus: enough for a curve to look at."""
    return sum(d.amount_mg / V * math.exp(-CL / V * (t - d.time_h)) for d in DOSES if d.time_h <= t)


def make_curve() -> Curve:
    times = np.linspace(0.0, 96.0, 193)
    own, typical = (np.array([level_at(t, CL, 30.0) for t in times]) for CL in (2.0, 2.6))
    return Curve(times, own, 0.8 * own, 1.25 * own, typical)


def candidate(amount: float, below: float, within: float, above: float) -> Candidate:
    exposure = {"trough": Estimate(14.2, 10.6, 18.8, "mg/L"), "average": Estimate(17.7, 13.3, 23.6, "mg/L")}
    said = f"{amount + 7:g} mg rounded down to {amount:g} mg"
    return Candidate(Regimen(amount, 12.0), exposure, within, below, above, amount + 7, said)


def make_case(id: str = "A-17", status: Status | None = None, notices: tuple[Notice, ...] = ()) -> CaseResult:
    fit = Fit(
        problem=cast(Problem, SimpleNamespace(id=id, notices=())),
        method="map",
        eta=np.zeros(2),
        covariance=np.eye(2),
        status=status or Status(Outcome.CONVERGED),
        objective=3.21,
        notices=notices,
    )
    return CaseResult(
        card=CARD,
        subject=subject(id, doses=DOSES, levels=LEVELS, covariates=[Reading(0.0, {"weight": 71.5})]),
        fit=fit,
        parameters={"CL": Estimate(2.0, 1.512, 2.645, "L/h"), "V": Estimate(30.0, 30.0, 30.0, "L")},
        typical={"CL": 2.6, "V": 30.0},
        levels=tuple(
            LevelRow(e.time_h, e.value_mg_L, level_at(e.time_h, 2.6, 30), level_at(e.time_h, 2, 30)) for e in LEVELS
        ),
        regimen=Regimen(300.0, 12.0, 1.0),
        exposure={"trough": Estimate(8.16, 5.5, 11.9, "mg/L"), "average": Estimate(12.5, 9.45, 16.5, "mg/L")},
        target=TARGET,
        advice=Advice(
            TARGET, (candidate(400, 0.11, 0.77, 0.12), candidate(500, 0.02, 0.51, 0.47)), True, "Give 400 mg.", 4000
        ),
        curve=make_curve(),
    )


def make_failed() -> CaseResult:
    """A model that gave no finite level: not-a-numbers wherever a number could stand."""
    nan, case = math.nan, make_case(status=Status(Outcome.FAILED))
    assert case.curve is not None
    empty = np.full_like(case.curve.time_h, nan)
    said = "No dose is advised: the estimate of this patient failed."
    return replace(
        case,
        fit=replace(case.fit, objective=None),
        parameters={name: Estimate(nan, -math.inf, math.inf, found.unit) for name, found in case.parameters.items()},
        levels=tuple(replace(row, ipred=nan, pred=math.inf) for row in case.levels),
        exposure={},
        advice=Advice(TARGET, (), False, said, 0, (Notice("no-advice", said, "warning"),)),
        curve=replace(case.curve, individual=empty, low=empty, high=empty, typical=empty),
    )


class Page(HTMLParser):
    """Elements, text and attributes of a page; fails where a tag is not closed in its order."""

    def __init__(self, html: str):
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == [], "left open"

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.elements if name == tag]


def screen(result: CaseResult, width: int = 100, encoding: str = "utf-8") -> str:
    written = io.BytesIO()
    file = io.TextIOWrapper(written, encoding=encoding)
    show_case(result, Console(file=file, width=width))
    file.flush()
    return written.getvalue().decode(encoding)


def one_line(text: str) -> str:
    """The text of a screen without line breaks, frames and runs of blanks."""
    return " ".join(re.sub(r"[│┃|]", " ", text).split())


def marks(root: ET.Element, kind: str) -> list[ET.Element]:
    return [e for e in root.iter() if e.get("class") == kind]


def axis(root: ET.Element, kind: str):
    """The map from data to places that the printed ticks and their labels state (first and last decide)."""
    places = [float(e.get(f"{kind}1", "")) for e in marks(root, f"{kind}-mark")]
    values = [float((e.text or "").replace("−", "-")) for e in marks(root, f"{kind}-tick")]
    slope = (places[-1] - places[0]) / (values[-1] - values[0])
    assert places == pytest.approx([places[0] + slope * (v - values[0]) for v in values], abs=PLACED)
    return lambda value: places[0] + slope * (value - values[0])


PLACED = 3.0 * tolerances.printed("0.01")
"""Places are printed to 0.01: half of that for a mark, and as much for each of the two ticks that define the axis."""


def legend_texts(root: ET.Element) -> list[ET.Element]:
    return [text for group in marks(root, "legend") for text in group.iter(f"{SVG}text")]


HOSTILE = '<script>alert("1")</script><b>&amp;\' [red]x[/red]'
