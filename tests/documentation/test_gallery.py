"""The gallery shows every route that a card can name, and its lines are what the pictures were drawn from."""

import re
import tomllib
from pathlib import Path

import pytest
from docs.figures.gallery import ROUTES, levels

from individose.kinetics import INPUTS, compose
from individose.kinetics.ode.register import EFFECTS, ELIMINATIONS

PAGE = (Path(__file__).parents[2] / "docs" / "gallery.md").read_text(encoding="utf-8")
SECTION = re.compile(r"^## .+\n\n`(system = .+)`\n\n!\[.+\]\(figures/gallery/(.+)\.svg\)$", re.MULTILINE)
SHOWN = {name: tomllib.loads(line)["system"] for line, name in SECTION.findall(PAGE)}


def test_every_route_has_a_picture():
    words = [route.words for route in ROUTES.values()]
    assert {name for route in ROUTES.values() for name in route.inputs} == set(INPUTS)
    assert {w["elimination"] for w in words if "elimination" in w} == set(ELIMINATIONS) - NOT_DRAWN
    assert {w["effect"] for w in words if "effect" in w} == set(EFFECTS)
    assert PAGE.count("## ") == len(SHOWN) == len(ROUTES)


NOT_DRAWN = {"linear", "michaelis_menten_induced"}
"""Linear elimination is what is drawn where none is named; the other is the induction drawn, of Vmax in the place of CL."""


@pytest.mark.parametrize("name", ROUTES)
def test_the_line_on_the_page_is_the_system_drawn(name):
    route, line = ROUTES[name], dict(SHOWN[name])
    inputs = line.pop("input")
    shown = compose(line.pop("disposition"), (inputs,) if isinstance(inputs, str) else tuple(inputs), route.p, **line)
    assert shown is compose(route.disposition, route.inputs, route.p, **route.words)


@pytest.mark.parametrize(("name", "higher"), [("inhibited", 0), ("inactivated", 0), ("induced", 1), ("parallel", 1)])
def test_two_curves_lie_as_their_names_say(name, higher):
    """The last levels: inhibited above, induced below, and a second way out below a single one."""
    _, found = levels(ROUTES[name])
    assert found[higher, -1] > 1.5 * found[1 - higher, -1] > 0.0
