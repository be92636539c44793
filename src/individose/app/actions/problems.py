"""Where a card and a patient meet an estimator: a bound model becomes a problem, a ward becomes a few equal shapes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Unpack

from individose.app.actions.mixture import most_probable
from individose.base import InputError, NumericalError
from individose.drugs import Card
from individose.events import Subject
from individose.inference import CCN, METHODS, AbstractIndividualEstimator, Fit, Problem
from individose.prediction import Bound, Relation, Sizes, at, bind, larger
from individose.prediction.observations import Censoring, Options

SHARED = 4096
"""A ward's patients of one size get a program of their own only from this many on; fewer are padded to a larger size."""


@dataclass(frozen=True)
class Refused:
    """A patient for whom nothing could be estimated, and why."""

    id: str
    error: InputError | NumericalError


@dataclass(frozen=True)
class Ward:
    """Every patient's fit in the order given, and those refused: one failing patient never stops the others."""

    fits: tuple[Fit, ...]
    refused: tuple[Refused, ...]


def problem(bound: Bound, size: Sizes | None = None, relation: Relation | None = None) -> Problem:
    """The estimation problem of one bound subject; in a ward with arrays of the group's `size` and the `relation` of all."""
    return Problem(
        id=bound.subject.id,
        model=bound.card.id,
        likelihood=relation or bound.relation,
        data=bound.data(size),
        effects=bound.effects,
        now=bound.now(),
        at=partial(at, bound),
        samples=tuple(f"{level.value_mg_L:.4g} mg/L at {level.time_h:.4g} h" for level in bound.line.levels),
        units={p.name: p.unit for p in bound.card.parameters},
        prior_weight=bound.prior_weight,
        notices=bound.notices,
        context=bound,
    )


Method = str | AbstractIndividualEstimator
"""The name of an individual method, with its default settings, or one with settings of its own."""


def estimator(method: Method) -> AbstractIndividualEstimator:
    """The individual method of a name, or as given.

    **Raises:** `InputError` for an unknown one.
    """
    if not isinstance(method, str):
        return method
    if method not in METHODS:
        raise InputError(
            f"the method '{method}' was asked for", f"one of {', '.join(METHODS)}", "the inference room's register"
        )
    return METHODS[method]


def fit(
    card: Card,
    patient: Subject,
    method: Method = "map",
    *,
    extrapolate: bool = False,
    throw: bool = False,
    censoring: Censoring = "m3",
    prior_weight: float = 1.0,
    fixed: Sequence[str] = (),
) -> Fit:
    """Estimates one patient under one card; of a mixture, the most probable group's fit, with a notice of the others.

    **Arguments:** `method` is a name of `METHODS`, or an estimator (`CCN(archive)`); `extrapolate` accepts covariates
    outside the card's domain (the result carries the warning); `throw` raises where the status is `failed`;
    `censoring` is `m3` (a level beyond a limit counts by its probability) or `m1` (it is left out); `prior_weight`
    multiplies the precision of the effects: below 1 the population counts for less (a flattened prior); effects named in
    `fixed` are held at 0 (CL; CL:occ for those of all occasions).

    **Raises:** `InputError`, `DomainError` when the patient cannot be bound to the card; `NumericalError` with `throw`.
    """
    options: Options = {
        "extrapolate": extrapolate,
        "censoring": censoring,
        "prior_weight": prior_weight,
        "fixed": fixed,
    }
    if card.groups:
        found = most_probable(card, fit_groups(card, patient, method, **options))
    else:
        chosen = estimator(method)
        (found,) = _calibrated(chosen, [chosen.fit(problem(bind(card, patient, **options)))])
    if throw and not found.status.ok:
        from individose.base import NumericalError

        raise NumericalError(found.status.sentence, subject=patient.id)
    return found


def fit_groups(
    card: Card,
    patient: Subject,
    method: Method = "map",
    **options: Unpack[Options],
) -> tuple[Fit, ...]:
    """One patient's fit in each group of a mixture, in the order of the card. Arguments and errors as `fit`."""
    return tuple(fit(group.card, patient, method, **options) for group in card.groups)


def fit_ward(
    card: Card,
    patients: Iterable[Subject],
    method: Method = "map",
    *,
    extrapolate: bool = False,
    progress: Callable[[int], None] | None = None,
    censoring: Censoring = "m3",
    prior_weight: float = 1.0,
    fixed: Sequence[str] = (),
) -> Ward:
    """Estimates many patients under one card, in a few compiled calls.

    **Arguments:** as `fit`; `progress` is called with the number of patients just done.
    """
    options: Options = {
        "extrapolate": extrapolate,
        "censoring": censoring,
        "prior_weight": prior_weight,
        "fixed": fixed,
    }
    if card.groups:
        subjects = tuple(patients)
        wards = [fit_ward(group.card, subjects, method, **options) for group in card.groups]
        if progress is not None:
            progress(len(wards[0].fits))
        together = zip(*(ward.fits for ward in wards), strict=True)
        return Ward(tuple(most_probable(card, fits) for fits in together), wards[0].refused)
    bounds, refused = bind_all(card, patients, **options)
    chosen = estimator(method)
    fits: dict[int, Fit] = {}
    for places, problems in shared_sizes(bounds):
        for place, one in zip(places, _calibrated(chosen, chosen.fit_ward(problems)), strict=True):
            fits[place] = one
        if progress is not None:
            progress(len(places))
    return Ward(tuple(fits[i] for i in range(len(bounds))), refused)


def _calibrated(method: AbstractIndividualEstimator, fits: Sequence[Fit]) -> Sequence[Fit]:
    """With what a calibrated archive says of each."""
    if not isinstance(method, CCN):
        return fits
    from individose.app.actions.calibrated import with_calibration

    return with_calibration(method, fits)


def bind_all(
    card: Card, patients: Iterable[Subject], **options: Unpack[Options]
) -> tuple[list[Bound], tuple[Refused, ...]]:
    """Every patient bound who can be, and a refusal for each of the others."""
    bounds: list[Bound] = []
    refused: list[Refused] = []
    for patient in patients:
        try:
            bounds.append(bind(card, patient, **options))
        except InputError as error:
            refused.append(Refused(patient.id, error))
    return bounds, tuple(refused)


def shared_sizes(bounds: Sequence[Bound]) -> list[tuple[list[int], list[Problem]]]:
    """Groups of patients whose arrays are padded to one size, each with the places of its members.

    A size with fewer than `SHARED` patients joins the next larger one, since compiling costs more than padding.
    """
    by_size = defaultdict(list)
    for place, bound in enumerate(bounds):
        by_size[(bound.relation.moves, bound.relation.occasions), bound.sizes].append(place)
    groups: list[tuple[tuple[bool, int], Sizes, list[int]]] = []
    for (kind, size), places in sorted(by_size.items(), key=lambda item: (item[0][0], item[0][1][3] > 1, item[0][1])):
        if groups and groups[-1][0] == kind and len(groups[-1][2]) < SHARED:
            _, smaller, members = groups.pop()
            size, places = larger(smaller, size), members + places
        groups.append((kind, size, places))
    return [(places, _sized([bounds[i] for i in places], size)) for _, size, places in groups]


def _sized(bounds: Sequence[Bound], size: Sizes) -> list[Problem]:
    """Problems with arrays of a group's size, and the relation that serves the whole group."""
    relation = replace(bounds[0].relation, censored=any(bound.relation.censored for bound in bounds))
    if relation.moves:
        worn = any(bound.relation.worn for bound in bounds)
        relation = replace(relation, infused=size[4], slots=size[5], worn=worn)
    return [problem(bound, size, relation) for bound in bounds]
