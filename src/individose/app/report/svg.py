"""The few SVG elements that the figures are made of, as text; everything that comes from outside is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from individose.app.report.notation import plain

FONT = "Arial, Helvetica, 'Liberation Sans', sans-serif"
GLYPH = 0.52
"""Mean width of a character of `FONT` over its size; places are kept free by it."""

INK = "#1a1a1a"
GREY = "#595959"
FAINT = "#d9d9d9"
BLUE = "#0072b2"
VERMILLION = "#d55e00"
GREEN = "#007a5a"
SAND = "#f0c75e"
"""After Okabe and Ito: told apart by people who do not see all colours, and of different greys on paper."""


def element(tag: str, *children: str, **attributes: str | float | None) -> str:
    """An element with its children (SVG text); an underscore in an attribute's name is written as a hyphen."""
    written = "".join(
        f' {name.strip("_").replace("_", "-")}="{escape(attribute(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    return f"<{tag}{written}>{''.join(children)}</{tag}>" if children else f"<{tag}{written}/>"


def attribute(value: str | float) -> str:
    """An attribute's value; places to a hundredth."""
    return value if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")


def words(said: str) -> str:
    """Text content, escaped."""
    return escape(plain(said), quote=False)


def label(said: str, x: float, y: float, size: float, **attributes: str | float | None) -> str:
    """A line of text; `text_anchor` as in SVG."""
    return element("text", words(said), x=x, y=y, font_size=size, **{"fill": INK, **attributes})


def titled(said: str) -> str:
    """A tooltip, and what a screen reader says."""
    return element("title", words(said))


def polyline(points: Sequence[tuple[float, float]]) -> str:
    """Path data through points."""
    return "M" + "L".join(f"{attribute(x)} {attribute(y)}" for x, y in points)


def width_of(said: str, size: float) -> float:
    """About how wide a line of text is."""
    return GLYPH * size * len(said)


def drawing(name: str, title: str, description: str, width: float, height: float, *children: str) -> str:
    """A whole figure, `name` its id, with title and description for those who do not see it."""
    return element(
        "svg",
        element("title", words(title), id=f"{name}-title"),
        element("desc", words(description), id=f"{name}-desc"),
        element("rect", width=width, height=height, fill="#ffffff"),
        *children,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {attribute(width)} {attribute(height)}",
        id=name,
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
        font_family=FONT,
    )
