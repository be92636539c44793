"""The interactive page of a plan of products: one file that needs nothing else, and computes any other plan by itself."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
from markupsafe import Markup

from individose import __version__
from individose.app.actions.hormone import EXPECTED, assumed
from individose.app.actions.hormone_page import Crowd, HormonePage, PageBasis
from individose.app.report import cycle
from individose.app.report.figure import drawn
from individose.app.report.hormone import hormone_picture, scale
from individose.app.report.html import environment
from individose.app.report.sentences import INTENDED_USE

SCRIPTS = (
    "kernel.js",
    "time.js",
    "plan.js",
    "doses.js",
    "curves.js",
    "fit.js",
    "text.js",
    "state.js",
    "chart.js",
    "table.js",
    "results.js",
    "wire.js",
    "page.js",
)
"""In the order in which they are put together; each uses only names of the page's own scope."""

LABELS = {"mean curve": "the mean curve", "person": "a single person", "fitted": "this person"}

CYCLE_SAYS = (
    "Menstrual cycle: median and 5 to 95 % of 20 women over the 30 days around the peak of luteinising hormone, repeated "
    f"({cycle.SOURCE})."
)
FITTED_SAYS = "“This person” was fitted by the program to those that came with the page."
DRAWN_SAYS = "The program fits more closely, and finds regimens: save the plan, then individose hormone fit plan.json."


def hormone_html(
    page: HormonePage, *, unit: str = "pg/mL", target: tuple[float, float] | None = None, generated: str | None = None
) -> str:
    """A self-contained page.

    **Arguments:** `target` in `unit` is shaded at first; `generated` is when (or by whom) it was made, printed as it is.
    """
    style, script = _file("page.css"), _script()
    fitted = page.bases[0].key == "fitted"
    return (
        environment()
        .get_template("hormone/page.html.j2")
        .render(
            style=Markup(style),
            script=Markup(script),
            style_hash=_hash(style),
            script_hash=_hash(script),
            data=Markup(json.dumps(_data(page, unit, target), ensure_ascii=False).replace("<", "\\u003c")),
            figure=Markup(drawn(hormone_picture(page.curve, unit, page.asked.levels, target), "Estradiol over time")),
            bases=[{"key": one.key, "label": LABELS[one.key]} for one in page.bases],
            intended_use=INTENDED_USE,
            cycle_says=CYCLE_SAYS,
            tests_say=FITTED_SAYS if fitted else DRAWN_SAYS,
            provenance=_provenance(page, generated),
        )
    )


@lru_cache
def _file(name: str) -> str:
    return (files("individose.app.report") / "templates" / "hormone" / name).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _script() -> str:
    """All files in a scope of their own."""
    parts = (_file(name).replace('"use strict";\n', "", 1) for name in SCRIPTS)
    return '"use strict";\n(() => {\n' + "\n".join(parts) + "})();\n"


def _hash(text: str) -> str:
    """What the page's own policy allows to run: this text and no other."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _doubles(values: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(values, dtype="<f8").tobytes()).decode()


def _levels(values: np.ndarray) -> np.ndarray:
    """Parameters with the level of 1 mg in pg/mL instead of mg/L."""
    return values * np.array([1.0, 1.0, 1.0, 1e6])


def _data(page: HormonePage, unit: str, target: tuple[float, float] | None) -> dict[str, Any]:
    basis = page.bases[0]
    view: dict[str, Any] = {"unit": unit, "basis": basis.key, "probability": page.curve.probability}
    if target is not None:
        view |= {"low": f"{target[0]:.10g}", "high": f"{target[1]:.10g}"}
    document = page.asked.document.model_dump(mode="json", exclude_defaults=True)
    if "horizon" not in document and page.asked.document.horizon is not None:
        document["horizon"] = page.asked.document.horizon
    curve, error = page.curve, page.products[0].card.residual
    return {
        "count": len(page.normal),
        "molar_mass": 1e3 / scale("pmol/L") * 1e6,
        "products": [
            {
                "name": one.name,
                "title": one.title,
                "form": one.kind.form,
                "unit": one.kind.unit,
                "mg_per_unit": one.kind.mg_per_unit,
                "worn_h": one.kind.worn_h,
                "card": one.card.id,
                "published": _levels(np.array(one.published)).tolist(),
            }
            for one in page.products
        ],
        "bases": [_basis(one) for one in page.bases],
        "normal": _doubles(page.normal),
        "crowd": _crowd(page.crowd),
        "residual": {"additive": error.additive_mg_L * 1e6, "proportional": error.proportional},
        "cycle": {"median": cycle.MEDIAN, "low": cycle.LOW, "high": cycle.HIGH},
        "initial": {
            "held": {"plan": document, "view": view},
            "basis": basis.key,
            "curve": {
                "times_h": curve.times_h.tolist(),
                **{name: (getattr(curve, name) * 1e6).tolist() for name in ("published", "low", "median", "high")},
            },
        },
    }


def _crowd(crowd: Crowd) -> dict[str, Any]:
    """The persons in two bytes a number, which is as close as a draw needs."""
    return {
        "count": len(crowd.normal),
        "products": {name: _steps(np.log(_levels(values))) for name, values in crowd.draws.items()},
        "normal": _steps(crowd.normal[:, None]),
        "expected": {"baseline": EXPECTED.median_mg_L * 1e6, "sd": EXPECTED.sd_log},
    }


def _steps(values: np.ndarray) -> dict[str, Any]:
    """Numbers (draws, columns) as steps of 1/65,535 between the extremes of their column."""
    low, high = values.min(axis=0), values.max(axis=0)
    steps = np.round((values - low) / (high - low) * 65535).astype("<u2")
    found = (
        {"low": low.tolist(), "high": high.tolist()} if len(low) > 1 else {"low": float(low[0]), "high": float(high[0])}
    )
    return found | {"steps": base64.b64encode(np.ascontiguousarray(steps).tobytes()).decode()}


def _basis(one: PageBasis) -> dict[str, Any]:
    found: dict[str, Any] = {
        "key": one.key,
        "label": LABELS[one.key],
        "sentence": one.sentence,
        "draws": {name: _doubles(_levels(values)) for name, values in one.draws.items()},
    }
    if one.centre is not None:
        found["centre"] = {name: _doubles(_levels(values)) for name, values in one.centre.items()}
    if one.baseline is not None and one.centre_baseline is not None:
        found |= {"baseline": _doubles(one.baseline * 1e6), "centre_baseline": one.centre_baseline * 1e6}
    return found


def _provenance(page: HormonePage, generated: str | None) -> list[tuple[str, str]]:
    source = page.products[0].card.source
    lines = [
        (
            "Models",
            f"{source.citation.split(':')[0]}: a depot, a stage between and the blood, in a row, for each product.",
        ),
        ("Cards", ", ".join(f"{one.name} {one.card.id}" for one in page.products)),
        (
            "Band",
            f"{len(page.normal)} draws of the parameters, each of which makes one whole curve: a product has the same "
            "parameters at each of its doses, in every dose of a regimen.",
        ),
        *((("Persons", guess.sentence),) if (guess := assumed(one.card for one in page.products)) else ()),
        ("Program", f"individose {__version__}"),
    ]
    return [*lines, ("Made", generated)] if generated else lines
