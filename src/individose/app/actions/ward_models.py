"""A ward under several models of one drug, or under the groups of a mixture: each model fits all, each patient is weighed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Unpack

import numpy as np

from individose.app.actions.averaged import average_exposure
from individose.app.actions.compare import by_all, members_of, out_of
from individose.app.actions.estimate import CaseResult, results
from individose.app.actions.mixture import belongs
from individose.app.actions.problems import Method, Refused, fit_ward
from individose.app.actions.side_by_side import Compared
from individose.base import InputError
from individose.drugs import Card, Group
from individose.events import Subject
from individose.inference import Averaged, average
from individose.prediction.observations import Options


def ward_by_models(
    models: Sequence[Card],
    patients: Sequence[Subject],
    method: Method = "map",
    rule: str = "likelihood",
    *,
    level: float = 0.9,
    behind: bool = True,
    progress: Callable[[int], None] | None = None,
    **options: Unpack[Options],
) -> tuple[list[CaseResult], tuple[Refused, ...]]:
    """Every patient under several models of one drug, or under one mixture: what `estimate_by_models` (`estimate_by_groups`)
    says of each, without curve and advice, from few compiled calls.

    A patient whom one model refuses is averaged over the others, with a notice; whom all refuse, is refused.

    **Arguments:** `progress` is called with the number of patients just done, twice for each. **Raises:** `InputError` for
    models of different drugs.
    """
    members = members_of(models)
    mixture = models[0] if len(models) == 1 and models[0].groups else None
    by_member: list[dict[int, CaseResult]] = []
    errors: list[dict[str, InputError]] = []
    for one in members:
        ward = fit_ward(one.card, patients, method, **options)
        rows = results(one.card, ward.fits, level=level, behind=behind) if ward.fits else []
        by_member.append({id(row.subject): row for row in rows})
        errors.append({refused.id: refused.error for refused in ward.refused})  # pyright: ignore[reportArgumentType]
        if progress is not None:
            progress(2 * len(patients) // len(members))
    found: list[CaseResult] = []
    refused: list[Refused] = []
    for patient in patients:
        rows = [
            (one, known[id(patient)]) for one, known in zip(members, by_member, strict=True) if id(patient) in known
        ]
        said = [(one, known[patient.id]) for one, known in zip(members, errors, strict=True) if patient.id in known]
        try:
            found.append(_together(rows, said, rule, mixture, level))
        except InputError as error:
            refused.append(Refused(patient.id, error))
    return found, tuple(refused)


def _together(
    rows: Sequence[tuple[Group, CaseResult]],
    refused: Sequence[tuple[Group, InputError]],
    rule: str,
    mixture: Card | None,
    level: float,
) -> CaseResult:
    """One patient's result over the models that take them.

    **Raises:** `InputError` where none does, or none could be fitted (of a mixture, the failed fit is told instead).
    """
    if not rows:
        raise by_all([(one.card, error) for one, error in refused])
    fits = [row.fit for _, row in rows]
    if mixture is not None and not any(fit.status.ok for fit in fits):
        return replace(rows[0][1], card=mixture)
    averaged = average(fits, rule, [one.probability for one, _ in rows])
    row = rows[int(np.argmax(averaged.weights))][1]
    exposure, disagree = average_exposure(averaged, row.regimen, level)
    return replace(
        row,
        card=mixture or row.card,
        exposure=exposure,
        average=averaged,
        compared=_compared(rows, averaged, exposure, mixture),
        notices=(
            *((belongs(mixture, averaged),) if mixture is not None else ()),
            *(out_of(one.card, error) for one, error in refused),
            *averaged.warnings,
            *disagree,
        ),
    )


def _compared(
    rows: Sequence[tuple[Group, CaseResult]], averaged: Averaged, exposure: dict, mixture: Card | None
) -> tuple[Compared, ...]:
    """Each model's own parameters and exposure, and the average's."""
    labels = [one.name if mixture is not None else one.card.id for one, _ in rows]
    each = zip(labels, rows, averaged.weights, strict=True)
    return (
        *(
            Compared(label, row.fit.status.code, row.parameters, row.exposure, weight, row.fit)
            for label, (_, row), weight in each
        ),
        Compared(f"average by {averaged.rule}", "", {}, exposure),
    )
