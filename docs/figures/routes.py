"""The linear routes of the gallery: what is given into which system."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

ONE = {"CL": 5.0, "V": 25.0}
TWO = {"CL": 5.0, "V1": 12.0, "Q": 6.0, "V2": 40.0}
THREE_RATES = {"k10": 0.5, "V1": 10.0, "k12": 1.2, "k21": 0.6, "k13": 0.2, "k31": 0.025}
THREE = {"CL": 5.0, "V1": 10.0, "Q2": 12.0, "V2": 20.0, "Q3": 2.0, "V3": 80.0}


@dataclass(frozen=True)
class Input:
    """`amount_mg` at `time_h`, over `duration_h`, into a compartment by its position (0 is NONMEM's 1)."""

    amount_mg: float = 100.0
    time_h: float = 0.0
    duration_h: float = 0.0
    into: int = 0


@dataclass(frozen=True)
class Route:
    """A picture: its title, the system, and its inputs; `shown` names the curves, `observed` the outputs of a nonlinear
    system that they are, in `unit`; `beside` changes parameters for a further curve of the first output."""

    title: str
    disposition: str
    inputs: tuple[str, ...]
    p: dict[str, float]
    given: tuple[Input, ...] = (Input(),)
    end_h: float = 24.0
    words: dict = field(default_factory=dict)
    shown: tuple[str, ...] = ("level",)
    observed: tuple[str, ...] = ()
    unit: str = "mg/L"
    beside: dict[str, float] = field(default_factory=dict)


def _patches() -> tuple[Input, ...]:
    """Three patches of 24 h each, with 6 h between them, and what is taken off with each."""
    left = float(100.0 * np.exp(-0.03 * 24.0))
    return tuple(d for k in range(3) for d in (Input(100.0, 30.0 * k), Input(-left, 30.0 * k + 24.0)))


LINEAR = {
    "bolus": Route("Bolus: one compartment", "one_compartment", ("bolus",), ONE),
    "bolus-two": Route("Bolus: two compartments", "two_compartment", ("bolus",), TWO),
    "bolus-three": Route("Bolus: three compartments", "three_compartment", ("bolus",), THREE),
    "infusion": Route(
        "Infusion over 4 h: two compartments", "two_compartment", ("infusion",), TWO, (Input(duration_h=4.0),)
    ),
    "zero-order": Route(
        "Zero order: absorbed at a constant rate for 3 h",
        "one_compartment",
        ("zero_order",),
        ONE,
        (Input(duration_h=3.0),),
    ),
    "first-order": Route(
        "First order: from a depot at ka = 1.2 per h", "one_compartment", ("first_order",), ONE | {"ka": 1.2}
    ),
    "zero-then-first": Route(
        "Zero then first order: into a depot for 4 h, from it at ka = 1.2 per h",
        "one_compartment",
        ("zero_then_first",),
        ONE | {"ka": 1.2},
        (Input(duration_h=4.0),),
    ),
    "transit": Route(
        "Transit: four equal stages at 1.5 per h, then ka = 1.2 per h",
        "one_compartment",
        ("transit",),
        ONE | {"ktr": 1.5, "ka": 1.2},
        words={"stages": 4},
    ),
    "chain": Route(
        "Chain of two: an ester released at 0.01 per h, cleaved at 0.2 per h",
        "one_compartment",
        ("chain",),
        ONE | {"k1": 0.01, "k2": 0.2},
        end_h=336.0,
        words={"stages": 2},
    ),
    "patch": Route(
        "Patch: a chain of two, worn 24 h of every 30 h",
        "one_compartment",
        ("chain",),
        ONE | {"k1": 0.03, "k2": 0.4},
        _patches(),
        120.0,
        {"stages": 2},
    ),
    "dual-first-order": Route(
        "Two depots: 40 % at once at 2 per h, 60 % after 4 h at 0.3 per h",
        "one_compartment",
        ("first_order", "first_order"),
        ONE | {"ka1": 2.0, "ka2": 0.3},
        (Input(40.0), Input(60.0, 4.0, into=1)),
    ),
    "first-and-zero-order": Route(
        "First and zero order: 40 % from a depot, 60 % at a constant rate for 8 h",
        "one_compartment",
        ("first_order", "zero_order"),
        ONE | {"ka": 1.2},
        (Input(40.0), Input(60.0, 0.0, 8.0, 1)),
    ),
    "metabolite": Route(
        "Metabolite: parent from a depot, 60 % of it turned into a metabolite",
        "one_compartment",
        ("first_order",),
        ONE | {"ka": 1.2, "CLm": 2.0, "Vm": 15.0, "fm": 0.6},
        words={"metabolite": "one_compartment"},
        shown=("parent", "metabolite"),
    ),
    "first-pass": Route(
        "First pass: 40 % of what is absorbed arrives as the metabolite",
        "one_compartment",
        ("first_order",),
        ONE | {"ka": 1.2, "CLm": 2.0, "Vm": 15.0, "fm": 0.6, "fp": 0.4},
        words={"metabolite": "one_compartment"},
        shown=("parent", "metabolite"),
    ),
}
"""Name of the file to what it shows."""
