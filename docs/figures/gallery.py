"""One picture for each route: the level over time of one dose, or of what the route is for."""

from __future__ import annotations

from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
import numpy as np

from individose.app.report.scale import Scale, level_scale, tick_texts, time_scale
from individose.app.report.svg import BLUE, FAINT, GREY, INK, VERMILLION, drawing, element, label, polyline, width_of
from individose.kinetics import after_one_dose, compose

ONE = {"CL": 5.0, "V": 25.0}
TWO = {"CL": 5.0, "V1": 12.0, "Q": 6.0, "V2": 40.0}
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
    """A picture: its title, the system, and its inputs; `shown` are the outputs that are drawn."""

    title: str
    disposition: str
    inputs: tuple[str, ...]
    p: dict[str, float]
    given: tuple[Input, ...] = (Input(),)
    end_h: float = 24.0
    words: dict = field(default_factory=dict)
    shown: tuple[str, ...] = ("level",)


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
}
"""Name of the file to what it shows."""


def levels(route: Route) -> tuple[np.ndarray, np.ndarray]:
    """Times (h) and levels (mg/L; outputs, times), by adding up the inputs."""
    system = compose(route.disposition, route.inputs, route.p, **route.words)
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


def picture(name: str) -> str:
    """The picture of a route as SVG."""
    route = ROUTES[name]
    t, found = levels(route)
    x, unit, hours = time_scale(0.0, route.end_h, LEFT, WIDTH - RIGHT)
    y = level_scale(float(found.max()), HEIGHT - FLOOR, TOP)
    drawn = [label(route.title, LEFT, 22.0, SIZE + 2, font_weight="bold"), *_axes(x, y, unit)]
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
    said = f"{route.title}. Highest level {peak:.3g} mg/L after {t[found[0].argmax()]:.3g} h."
    return drawing(f"route-{name}", route.title, said, WIDTH, HEIGHT, *drawn)


def _axes(x: Scale, y: Scale, unit: str) -> list[str]:
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
    drawn.append(label("mg/L", x.start - 7, y.end - 14, SIZE, text_anchor="end", fill=GREY))
    drawn.append(label(f"time ({unit})", 0.5 * (x.start + x.end), HEIGHT - 6, SIZE, text_anchor="middle", fill=GREY))
    return drawn
