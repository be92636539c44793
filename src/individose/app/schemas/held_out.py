"""A leave-one-out evaluation as JSON."""

from __future__ import annotations

import json
from typing import Any

from individose.app.actions.curves import FIGURES
from individose.app.actions.leave_one_out import LeaveOneOut, Row


def held_out_document(found: LeaveOneOut) -> str:
    """The rows and bands; errors in per cent, times in h. No patient is named."""
    return json.dumps(as_data(found), indent=2)


def as_data(found: LeaveOneOut) -> dict[str, Any]:
    """The same as plain data."""
    bands = found.bands
    return {
        "schema": "leave-one-out/1",
        "card": found.card,
        "patients": found.patients,
        "samples_h": list(found.times_h),
        "horizon_h": found.horizon_h,
        "rows": [_row(row) for row in found.rows],
        "bands": {
            "level": bands.level,
            "cluster": dict(zip(FIGURES, bands.plain, strict=True)),
            "calibrated": dict(zip(FIGURES, bands.calibrated, strict=True)),
            "factor": dict(zip(FIGURES, bands.factor, strict=True)),
        },
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "method": row.method,
        "against_full_fit": dict(zip(FIGURES, row.fitted, strict=True)),
        "mean": row.mean,
        "sd": row.sd,
        "interval": [row.low, row.high],
        "against_levels": dict(zip(FIGURES, row.measured, strict=True)),
    }
