"""One picture for each route: the level over time of one dose, or of what the route is for."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from docs.figures.nonlinear_routes import NONLINEAR
from docs.figures.routes import LINEAR, Route
from individose.app.report.scale import Scale, level_scale, tick_texts, time_scale
from individose.app.report.svg import BLUE, FAINT, GREY, INK, VERMILLION, drawing, element, label, polyline, width_of
from individose.events import Dose, Level, Subject
from individose.kinetics import System, after_one_dose, arrange, compose, concentrations
from individose.prediction.timeline import history, sizes, walk

ROUTES = LINEAR | NONLINEAR
"""Name of the file to what it shows."""

WIDTH, HEIGHT, LEFT, TOP, RIGHT, FLOOR, SIZE = 620.0, 300.0, 58.0, 48.0, 18.0, 46.0, 13.0
POINTS = 241


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
    if route.beside:
        plans.append((names[0], route.p | route.beside))
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
