"""The formats by the name that `individose schema` knows, each as a JSON Schema (draft 2020-12)."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel

from individose.app.schemas.case import CaseDocument
from individose.app.schemas.estimate import EstimateDocument
from individose.app.schemas.evaluate import EvaluateDocument
from individose.app.schemas.hormone import HormoneDocument
from individose.app.schemas.hormone_results import HormoneResultDocument
from individose.app.schemas.hormone_studies import HormoneStudiesDocument
from individose.app.schemas.nca import NcaDocument
from individose.app.schemas.simulate import SimulateDocument
from individose.base import InputError
from individose.drugs.spelling import listing, suggestion

INCOMING: dict[str, type[BaseModel]] = {"case": CaseDocument, "hormone": HormoneDocument}
"""Documents that are read."""

OUTGOING: dict[str, type[BaseModel]] = {
    "estimate": EstimateDocument,
    "evaluate": EvaluateDocument,
    "hormone-result": HormoneResultDocument,
    "hormone-studies": HormoneStudiesDocument,
    "nca": NcaDocument,
    "simulate": SimulateDocument,
}
"""Documents that are written."""

NAMES = (*INCOMING, *OUTGOING)


def json_schema(name: str = "case") -> dict[str, Any]:
    """The JSON Schema of a format.

    **Raises:** `InputError` for an unknown name.
    """
    models = INCOMING | OUTGOING
    if name not in models:
        raise InputError(
            f"the schema of '{name}' was asked for",
            f"one of {listing(models)}",
            remedy=suggestion(name, models) or "Use one of these.",
        )
    schema = models[name].model_json_schema(mode="validation" if name in INCOMING else "serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema | {"title": f"individose {name}"}


def json_text(name: str = "case") -> str:
    """The JSON Schema as it is printed and published."""
    return json.dumps(json_schema(name), indent=2, ensure_ascii=False) + "\n"
