"""One patient's result as one page that needs nothing else: for a screen, and for paper (A4)."""

from __future__ import annotations

from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from individose.app.actions.estimate import CaseResult
from individose.app.report import sentences, sheets
from individose.app.report.attainment import attainment_figure
from individose.app.report.behind import behind_lines, behind_sheets
from individose.app.report.figure import level_figure
from individose.app.report.notation import plain

MOST = 8
"""Ranked regimens on the page."""

WIDE, NARROW = 760.0, 360.0
"""Figures are drawn twice, so that their text stays legible on a telephone; the page shows the one that fits."""


def case_html(result: CaseResult, *, generated: str | None = None) -> str:
    """A self-contained page; `generated` is when (or by whom) it was made, in the caller's words, printed as it is."""
    return environment().get_template("case.html.j2").render(_content(result, generated))


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The templates of this room; everything put into them is escaped."""
    found = Environment(
        loader=PackageLoader("individose.app.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals["nbsp"] = "\N{NO-BREAK SPACE}"
    return found


def _content(result: CaseResult, generated: str | None) -> dict[str, object]:
    notices = sentences.graded(result)
    shown = min(MOST, len(result.advice.candidates)) if result.advice else 0
    return {
        "id": plain(result.subject.id),
        "card": result.card,
        "generated": plain(generated) if generated else "",
        "intended_use": sentences.INTENDED_USE,
        "notices": notices,
        "counted": sentences.counted(notices),
        "status": sentences.status_line(result),
        "code": result.fit.status.code,
        "covariates": sheets.covariate_sheet(result),
        "doses": sheets.dose_sheet(result),
        "levels": sheets.level_sheet(result),
        "parameters": sheets.parameter_sheet(result),
        "exposure": sheets.exposure_sheet(result) if result.exposure else None,
        "behind": behind_sheets(result),
        "behind_lines": behind_lines(result),
        "compared": sheets.comparison_sheet(result) if result.compared else None,
        "reached": sheets.attainment_sheet(result),
        "exposure_line": sentences.exposure_line(result),
        "target_line": plain(sentences.target_line(result.target)) if result.target else "",
        "advice": sheets.advice_sheet(result, MOST) if shown else None,
        "advice_line": sentences.advice_line(result, shown),
        "rounding": sheets.rounding_lines(result, MOST),
        "curve_line": sentences.curve_line(result),
        "curve": [
            Markup(level_figure(result, WIDE, 400.0, "levels-wide")),
            Markup(level_figure(result, NARROW, 330.0, "levels-narrow")),
        ],
        "attainment": [
            Markup(attainment_figure(result, MOST, WIDE, "attainment-wide")),
            Markup(attainment_figure(result, MOST, NARROW, "attainment-narrow")),
        ],
        "provenance": sentences.provenance(result),
    }
