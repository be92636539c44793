"""One picture for each route: the level over time of one dose, or of what the route is for."""

from __future__ import annotations

from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
import numpy as np

from individose.app.report.scale import Scale, level_scale, tick_texts, time_scale
from individose.app.report.svg import BLUE, FAINT, GREY, INK, VERMILLION, drawing, element, label, polyline, width_of
from individose.events import Dose, Level, Subject
from individose.kinetics import System, after_one_dose, arrange, compose, concentrations
from individose.prediction.timeline import history, sizes, walk

ONE = {"CL": 5.0, "V": 25.0}
TWO = {"CL": 5.0, "V1": 12.0, "Q": 6.0, "V2": 40.0}
THREE_RATES = {"k10": 0.5, "V1": 10.0, "k12": 1.2, "k21": 0.6, "k13": 0.2, "k31": 0.025}
THREE = {"CL": 5.0, "V1": 10.0, "Q2": 12.0, "V2": 20.0, "Q3": 2.0, "V3": 80.0}
WIDTH, HEIGHT, LEFT, TOP, RIGHT, FLOOR, SIZE = 620.0, 300.0, 58.0, 48.0, 18.0, 46.0, 13.0
POINTS = 241


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
    system that they are, in `unit`."""

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


def _patches() -> tuple[Input, ...]:
    """Three patches of 24 h each, with 6 h between them, and what is taken off with each."""
    left = float(100.0 * np.exp(-0.03 * 24.0))
    return tuple(d for k in range(3) for d in (Input(100.0, 30.0 * k), Input(-left, 30.0 * k + 24.0)))


ROUTES = {
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
    "michaelis-menten": Route(
        "Saturable elimination: Vmax = 20 mg/h, Km = 4 mg/L; 600 mg, then 300 mg",
        "one_compartment",
        ("bolus",),
        {"Vmax": 20.0, "Km": 4.0, "V": 30.0},
        (Input(600.0), Input(300.0, 48.0)),
        96.0,
        {"elimination": "michaelis_menten"},
    ),
    "auto-inhibition": Route(
        "Auto-inhibition: Vmax falls by 70 % in the first days (T50 = 24 h)",
        "one_compartment",
        ("first_order",),
        {"Vmax": 20.0, "Km": 4.0, "V": 30.0, "CL": 0.5, "ka": 1.2, "inhibition": 0.7, "T50": 24.0},
        tuple(Input(100.0, 12.0 * k) for k in range(12)),
        144.0,
        {"elimination": "michaelis_menten_inhibited"},
    ),
    "savic-transit": Route(
        "Transit with n = 6.3 stages in a mean time of 3 h, then ka = 1.2 per h",
        "one_compartment",
        ("savic_transit",),
        ONE | {"ka": 1.2, "MTT": 3.0, "n": 6.3},
    ),
    "weibull": Route(
        "Weibull absorption: 63 % in 4 h, shape 2.5",
        "one_compartment",
        ("weibull",),
        ONE | {"Td": 4.0, "shape": 2.5},
    ),
    "hill": Route(
        "Transfer that slows as the level rises (Hill type, C50 = 1.5 mg/L)",
        "three_compartment",
        ("infusion",),
        {
            **THREE_RATES,
            **{f"C50_{n}": 1.5 for n in ("10", "12", "21", "13", "31")},
            **{f"alpha_{n}": 2.0 for n in ("10", "12", "21", "13", "31")},
        },
        (Input(duration_h=1.0),),
        12.0,
        {"elimination": "hill"},
        shown=("slowed", "not slowed"),
    ),
    "target-mediated": Route(
        "Target-mediated: free drug falls fastest where the target can bind it all",
        "two_compartment",
        ("bolus",),
        {"CL": 0.01, "V1": 3.0, "Q": 0.02, "V2": 2.5, "ksyn": 0.06, "kdeg": 0.02, "kint": 0.04, "Kss": 0.1},
        (Input(25.0), Input(25.0, 336.0)),
        672.0,
        {"elimination": "target_mediated"},
        shown=("free", "total"),
        observed=("central", "total"),
    ),
    "indirect-response": Route(
        "Indirect response: its making is inhibited by up to 90 % (100 at rest)",
        "one_compartment",
        ("first_order",),
        ONE | {"ka": 1.2, "Kin": 20.0, "Kout": 0.2, "Imax": 0.9, "IC50": 0.4},
        end_h=72.0,
        words={"effect": "indirect_response_1"},
        observed=("response",),
        unit="own unit",
    ),
    "friberg": Route(
        "Myelosuppression: circulating cells after three weekly doses, with rebound",
        "one_compartment",
        ("infusion",),
        ONE | {"Circ0": 5.0, "MMT": 96.0, "feedback": 0.17, "slope": 0.5},
        tuple(Input(100.0, 168.0 * k, 1.0) for k in range(3)),
        1344.0,
        {"effect": "friberg"},
        observed=("circulating",),
        unit="10⁹/L",
    ),
}
"""Name of the file to what it shows."""


def levels(route: Route) -> tuple[np.ndarray, np.ndarray]:
    """Times (h) and levels (outputs, times): of a linear system by adding up the inputs."""
    system = compose(route.disposition, route.inputs, route.p, **route.words)
    if not system.linear:
        return _solved(route, system)
    q = system.prepare({name: jnp.asarray(route.p[name]) for name in system.parameters})
    nothing = tuple(jnp.zeros(()) for _ in range(system.size))
    edges = [d.time_h for d in route.given] + [d.time_h + d.duration_h for d in route.given]
    t = np.unique(np.concatenate([np.linspace(0.0, route.end_h, POINTS), edges]))
    found = np.zeros((len(system.outputs), len(t)))
    for given in route.given:

        def observed(since, given=given):
            dose = (jnp.int32(given.into), jnp.asarray(given.amount_mg), jnp.asarray(given.duration_h))
            return jnp.stack(system.observe(q, after_one_dose(system, q, nothing, *dose, since)))

        since = t - given.time_h
        found += np.where(since >= 0, np.asarray(jax.vmap(observed)(jnp.asarray(np.maximum(since, 0.0)))).T, 0.0)
    return t, found


def _solved(route: Route, system: System) -> tuple[np.ndarray, np.ndarray]:
    """Times (h) and levels (outputs, times) of a nonlinear system, dose after dose."""
    t = np.linspace(0.0, route.end_h, POINTS)
    doses = [Dose(d.time_h, d.amount_mg, duration_h=d.duration_h) for d in route.given]
    names = route.observed or system.outputs[:1]
    plans = [(name, route.p) for name in names]
    if "hill" in route.words.values():
        plans.append((names[0], route.p | {n: 1e9 for n in route.p if n.startswith("C50")}))
    found = []
    for name, p in plans:
        asked = [Level(float(at), 1.0, analyte=name, measured=False) for at in t]
        line = walk(Subject("gallery", tuple(sorted((*doses, *asked), key=lambda e: e.time_h))), system)
        to = sizes(line, system, tuple(p))
        schedule = arrange(np, history(line, system, to), None, infused=to[4], steady=0)
        rows = {key: jnp.asarray([value]) for key, value in p.items()}
        found.append(np.asarray(concentrations(system, rows, schedule))[: len(t)])
    return t, np.stack(found)


def picture(name: str) -> str:
    """The picture of a route as SVG."""
    route = ROUTES[name]
    t, found = levels(route)
    x, unit, hours = time_scale(0.0, route.end_h, LEFT, WIDTH - RIGHT)
    y = level_scale(float(found.max()), HEIGHT - FLOOR, TOP)
    drawn = [label(route.title, LEFT, 22.0, SIZE + 2, font_weight="bold"), *_axes(x, y, unit, route.unit)]
    place = WIDTH - RIGHT
    for level, colour, dashes, said in zip(found, (BLUE, VERMILLION), (None, "7 4"), route.shown, strict=False):
        points = [(x.place(a / hours), y.place(b)) for a, b in zip(t, level, strict=True)]
        drawn.append(
            element("path", d=polyline(points), fill="none", stroke=colour, stroke_width=2.2, stroke_dasharray=dashes)
        )
        if len(route.shown) > 1:
            drawn.append(label(said, place, TOP - 8.0, SIZE, text_anchor="end", fill=colour))
            place -= width_of(said, SIZE) + 22.0
    peak = found[0].max()
    said = f"{route.title}. Highest value {peak:.3g} {route.unit} after {t[found[0].argmax()]:.3g} h."
    return drawing(f"route-{name}", route.title, said, WIDTH, HEIGHT, *drawn)


def _axes(x: Scale, y: Scale, unit: str, unit_of_level: str) -> list[str]:
    drawn = []
    for tick, text in zip(y.ticks, tick_texts(y), strict=True):
        up = y.place(tick)
        drawn.append(element("line", x1=x.start, x2=x.end, y1=up, y2=up, stroke=FAINT))
        drawn.append(label(text, x.start - 7, up + 0.35 * SIZE, SIZE, text_anchor="end"))
    for tick, text in zip(x.ticks, tick_texts(x), strict=True):
        at = x.place(tick)
        drawn.append(element("line", x1=at, x2=at, y1=y.start, y2=y.start + 5, stroke=INK))
        drawn.append(label(text, at, y.start + 8 + SIZE, SIZE, text_anchor="middle"))
    drawn.append(element("line", x1=x.start, x2=x.end, y1=y.start, y2=y.start, stroke=INK))
    drawn.append(label(unit_of_level, x.start - 7, y.end - 14, SIZE, text_anchor="end", fill=GREY))
    drawn.append(label(f"time ({unit})", 0.5 * (x.start + x.end), HEIGHT - 6, SIZE, text_anchor="middle", fill=GREY))
    return drawn
