"""The faces of a result: on a terminal, as a page, as figures. Pure but for printing; nothing is computed here."""

from individose.app.report.attainment import attainment_figure
from individose.app.report.figure import level_figure
from individose.app.report.html import case_html
from individose.app.report.terminal import show_case, show_ward

__all__ = ["attainment_figure", "case_html", "level_figure", "show_case", "show_ward"]
