"""A ward under several models of one drug, or under the groups of a mixture: each model fits all, each patient is weighed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Unpack

import numpy as np

from individose.app.actions.averaged import average_exposure
from individose.app.actions.compare import members_of, out_of
from individose.app.actions.estimate import CaseResult, results
from individose.app.actions.mixture import belongs
from individose.app.actions.problems import Method, Refused, Ward, fit_ward
from individose.app.actions.side_by_side import Compared
from individose.base import InputError, Notice
from individose.drugs import Card, Group
from individose.events import Subject
from individose.inference import Averaged, Fit, average
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
    """Every patient under several models of one drug, or under one mixture: what `estimate_by_models` says of each, without
    curve and advice, from few compiled calls.

    A patient whom one model refuses is averaged over the others, with a notice; whom all refuse, is refused.

    **Arguments:** `progress` is called with the number of patients just done, twice for each. **Raises:** `InputError` for
    models of different drugs.
    """
    members = members_of(models)
    wards = [fit_ward(one.card, patients, method, **options) for one in members]
    found = [{id(fit.problem.context.subject): fit for fit in ward.fits} for ward in wards]
    averages: dict[int, tuple[Averaged, list[Notice]]] = {}
    refused: list[Refused] = []
    for place, patient in enumerate(patients):
        fits = [(one, fits[id(patient)]) for one, fits in zip(members, found, strict=True) if id(patient) in fits]
        left_out = [_left_out(one, ward, patient) for one, ward in zip(members, wards, strict=True)]
        try:
            averages[place] = _averaged(fits, rule), [said for said in left_out if said is not None]
        except InputError as error:
            first = next((one.error for ward in wards for one in ward.refused if one.id == patient.id), error)
            refused.append(Refused(patient.id, error if fits else first))
    if progress is not None:
        progress(len(patients))
    rows = _described(members, averages, level, behind, progress)
    mixture = models[0] if len(models) == 1 and models[0].groups else None
    return [_over(rows[place], *averages[place], mixture, level) for place in sorted(averages)], tuple(refused)


def _averaged(fits: Sequence[tuple[Group, Fit]], rule: str) -> Averaged:
    return average([fit for _, fit in fits], rule, [one.probability for one, _ in fits])


def _left_out(member: Group, ward: Ward, patient: Subject) -> Notice | None:
    error = next((one.error for one in ward.refused if one.id == patient.id), None)
    return None if error is None else out_of(member.card, error)


def _described(
    members: Sequence[Group],
    averages: dict[int, tuple[Averaged, list[Notice]]],
    level: float,
    behind: bool,
    progress: Callable[[int], None] | None,
) -> dict[int, CaseResult]:
    """Each patient's heaviest model in full, in few calls."""
    cards = {one.card.id: one.card for one in members}
    by_model: dict[str, list[int]] = defaultdict(list)
    for place, (averaged, _) in averages.items():
        by_model[averaged.models[_heaviest(averaged)]].append(place)
    rows: dict[int, CaseResult] = {}
    for model, places in by_model.items():
        fits = [averages[place][0].fits[_heaviest(averages[place][0])] for place in places]
        some = results(cards[model], fits, level=level, behind=behind, progress=progress)
        rows |= dict(zip(places, some, strict=True))
    return rows


def _over(
    row: CaseResult, averaged: Averaged, left_out: Sequence[Notice], mixture: Card | None, level: float
) -> CaseResult:
    """One patient's row with the average's exposure."""
    exposure, said = average_exposure(averaged, row.regimen, level)
    first = (belongs(mixture, averaged),) if mixture is not None else ()
    notices = (*first, *left_out, *averaged.warnings, *said)
    labels = [group.name for group in mixture.groups] if mixture is not None else averaged.models
    known = zip(labels, averaged.fits, averaged.weights, strict=True)
    weighed = tuple(Compared(label, fit.status.code, {}, {}, weight, fit) for label, fit, weight in known)
    return replace(
        row, card=mixture or row.card, exposure=exposure, average=averaged, notices=notices, compared=weighed
    )


def _heaviest(averaged: Averaged) -> int:
    return int(np.argmax(averaged.weights))
