"""Several methods, or several models, side by side for one patient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Unpack

from individose.app.actions.averaged import average_exposure, averaged_case
from individose.app.actions.estimate import CaseResult, describe
from individose.app.actions.mixture import belongs, weighed
from individose.app.actions.problems import Method, fit_groups
from individose.app.actions.problems import fit as fit_one
from individose.app.actions.side_by_side import Asked, Compared, asked, average_row, row, unknown
from individose.base import InputError, Notice
from individose.drugs import Card, Group, Target, card, card_ids
from individose.events import Subject
from individose.inference import Fit, average
from individose.prediction.observations import Options


def estimate_by_methods(
    model: Card,
    patient: Subject,
    methods: Sequence[Method],
    *,
    target: Target | None = None,
    curve: bool = True,
    level: float = 0.9,
    behind: bool = True,
    **options: Unpack[Options],
) -> CaseResult:
    """One patient by several methods: the first in full, all of them side by side.

    Of a mixture, exposure, curve, advice and each method's row are over its groups.

    **Arguments:** `options` as for `fit`. **Raises:** as `fit`.
    """
    if model.groups:
        first = estimate_by_groups(
            model, patient, methods[0], target=target, curve=curve, level=level, behind=behind, **options
        )
        if len(methods) == 1:
            return first
        about = asked(first.regimen, first.target, first.advice, level)
        rows = [_over_groups(model, fit_groups(model, patient, method, **options), about) for method in methods]
        return replace(first, compared=tuple(rows), notices=(*first.notices, *unknown(rows)))
    fits = [fit_one(model, patient, method, **options) for method in methods]
    first = describe(model, fits[0], target, curve=curve, level=level, behind=behind)
    if len(fits) == 1:
        return first
    about = asked(first.regimen, first.target, first.advice, level)
    rows = tuple(row(fit, fit.method, about) for fit in fits)
    return replace(first, compared=rows, notices=(*first.notices, *unknown(rows)))


def estimate_by_groups(
    mixture: Card,
    patient: Subject,
    method: Method = "map",
    *,
    target: Target | None = None,
    curve: bool = True,
    level: float = 0.9,
    behind: bool = True,
    **options: Unpack[Options],
) -> CaseResult:
    """One patient under a mixture: the most probable group in full, exposure, curve and advice over all of its groups.

    **Raises:** as `fit`.
    """
    fits = fit_groups(mixture, patient, method, **options)
    averaged = weighed(mixture, fits)
    if averaged is None:
        failed = describe(mixture.groups[0].card, fits[0], target, curve=curve, level=level, behind=behind)
        return replace(failed, card=mixture)
    cards = [group.card for group in mixture.groups]
    found = averaged_case(
        cards, averaged, patient, target, curve=curve, level=level, behind=behind, said=(belongs(mixture, averaged),)
    )
    rows = [replace(one, label=group.name) for group, one in zip(mixture.groups, found.compared, strict=False)]
    return replace(found, card=mixture, compared=(*rows, *found.compared[len(rows) :]))


def _over_groups(mixture: Card, fits: Sequence[Fit], about: Asked) -> Compared:
    """One method's row of a mixture: over its groups, with the parameters of the most probable one."""
    averaged = weighed(mixture, fits)
    if averaged is None:
        return row(fits[0], fits[0].method, about)
    exposure, _ = average_exposure(averaged, about.regimen, about.level)
    heaviest = max(zip(averaged.weights, fits, strict=True), key=lambda pair: pair[0])[1]
    over = average_row(averaged, heaviest.method, exposure, about)
    return replace(over, status=heaviest.status.code, parameters=heaviest.parameters(about.level), fit=heaviest)


def models_of(drug: str) -> tuple[Card, ...]:
    """All cards of a drug that are offered."""
    return tuple(card(one) for one in card_ids(drug))


def members_of(models: Sequence[Card]) -> tuple[Group, ...]:
    """The cards that are fitted, each with its share: models of one drug, a mixture as its groups.

    **Raises:** `InputError` for models of different drugs.
    """
    drugs = sorted({model.drug for model in models})
    if len(drugs) != 1:
        raise InputError(
            f"models of {', '.join(drugs) or 'no drug'} were to be averaged",
            "models of one drug",
            "an average is over what may be true of one drug",
            "Name cards of the drug that was given.",
        )
    return tuple(group for model in models for group in (model.groups or (Group("", 1.0, model),)))


def estimate_by_models(
    models: Sequence[Card],
    patient: Subject,
    method: Method = "map",
    rule: str = "likelihood",
    *,
    target: Target | None = None,
    curve: bool = True,
    level: float = 0.9,
    behind: bool = True,
    **options: Unpack[Options],
) -> CaseResult:
    """One patient under several models of one drug, weighed by `rule` (see `inference.averaging`): the heaviest in full,
    with the average's exposure, curve and advice, and all of them side by side.

    A model that the patient lies outside of is left out, and the result says so.

    **Raises:** `InputError` for models of different drugs, or when no model is left.
    """
    members = members_of(models)
    fits, left_out = _fitted([one.card for one in members], patient, method, **options)
    share = {one.card.id: one.probability for one in members}
    averaged = average(fits, rule, [share[fit.problem.model] for fit in fits])
    cards = [one.card for one in members]
    return averaged_case(cards, averaged, patient, target, curve=curve, level=level, behind=behind, said=left_out)


def _fitted(
    models: Sequence[Card], patient: Subject, method: Method, **options: Unpack[Options]
) -> tuple[list[Fit], list[Notice]]:
    fits: list[Fit] = []
    refused: list[tuple[Card, InputError]] = []
    left_out: list[Notice] = []
    for model in models:
        try:
            fits.append(fit_one(model, patient, method, **options))
        except InputError as error:
            refused.append((model, error))
            left_out.append(out_of(model, error))
    if not fits:
        raise by_all(refused)
    return fits, left_out


def out_of(model: Card, error: Exception) -> Notice:
    """That a model was left out of an average, and why."""
    return Notice("model-left-out", f"{model.id} was left out: {error}", "caution")


def by_all(refused: Sequence[tuple[Card, InputError]]) -> InputError:
    """Why no model takes a patient: what all say, or what each says."""
    (_, first), *others = refused
    if all(str(error) == str(first) for _, error in others):
        return first
    each = "; ".join(f"{model.id}: {'; '.join(filter(None, (e.arrived, e.allowed)))}" for model, e in refused)
    kinds = {type(e) for _, e in refused}
    remedies = " ".join(dict.fromkeys(e.remedy for _, e in refused if e.remedy))
    kind = kinds.pop() if len(kinds) == 1 else InputError
    return kind(f"no model takes this patient ({each})", remedy=remedies, subject=first.subject)
