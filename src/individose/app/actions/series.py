"""Published series of levels (one for each arm of a study) and a card or system become observations of a generative model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from individose.base import InputError
from individose.drugs import Card
from individose.events import Dose, Level, Number, Subject, subject
from individose.kinetics import System
from individose.prediction.curves import Curve, Designs, Relation, Values, as_they_are, of_card, of_system

if TYPE_CHECKING:
    from individose.inference.generative import Observations


@dataclass(frozen=True)
class Series:
    """Levels of one arm: what was given, and what was measured when.

    **Arguments:** `doses` as in any record (times and amounts in the units that the curve reads); `times` and `levels` of
    the same length; `sds` known SDs or None; `covariates` of a typical member, for a
    card that has any.
    """

    name: str
    study: str
    doses: tuple[Dose, ...]
    times: tuple[float, ...]
    levels: tuple[float, ...]
    sds: tuple[float, ...] | None = None
    covariates: tuple[tuple[str, Number], ...] = ()


def observations(
    model: Card | System,
    series: Sequence[Series],
    *,
    parameters: Sequence[str],
    unit: str,
    named: Callable[[Values], Values] = as_they_are,
    per_mg_L: float = 1.0,
    relative: Sequence[str] = (),
    by_study: bool = False,
) -> Observations:
    """Observations of `series` under a card, or a system that is given by itself.

    Series under the same dosing share one curve, also where their amounts differ by a factor and the system is linear.

    **Arguments:** `parameters`: what is inferred; `named`, `per_mg_L`, `relative`: see `prediction.curves.Curve`; `unit` of
    the levels; `by_study`: keep the curves of studies apart, as a hierarchical model needs.

    **Raises:** `InputError` for a series without levels, or as binding a card does.
    """
    from individose.inference.generative import Observations

    empty = [one.name for one in series if not one.levels or len(one.levels) != len(one.times)]
    if empty or not series:
        raise InputError(
            f"the series {', '.join(empty) or 'none'} has no levels, or not one for each time",
            "as many levels as times, at least one",
            "a series is what was measured",
            "Leave it out.",
        )
    studies = tuple(dict.fromkeys(one.study for one in series))
    system, names = _system(model, parameters, named)
    plans: dict[tuple, list[float]] = {}
    keys = []
    for one in series:
        size = one.doses[0].amount_mg if one.doses and system.linear and isinstance(model, System) else 1.0
        scaled = tuple(replace(dose, amount_mg=dose.amount_mg / size) for dose in one.doses)
        key = (one.study if by_study else "", scaled, one.covariates)
        keys.append((key, size))
        plans.setdefault(key, []).extend(one.times)
    places = {key: sorted(set(times)) for key, times in plans.items()}
    relation, designs = _designs(
        model, system, names, [_subject(key[1], key[2], times) for key, times in places.items()]
    )
    order = list(places)
    rows = [
        (order.index(key), places[key].index(t), size, x, i, t)
        for i, (one, (key, size)) in enumerate(zip(series, keys, strict=True))
        for t, x in zip(one.times, one.levels, strict=True)
    ]
    design, sample, amount, value, own, time = (np.array(column) for column in zip(*rows, strict=True))
    known = [sd for one in series if one.sds is not None for sd in one.sds]
    return Observations(
        Curve(relation, named, per_mg_L, tuple(relative)),
        designs.data,
        tuple(parameters),
        design,
        sample,
        amount,
        value,
        unit,
        own,
        tuple(one.name for one in series),
        np.array([studies.index(one.study) for one in series]),
        studies,
        np.array([studies.index(key[0]) if by_study else (0 if len(studies) == 1 else -1) for key in order]),
        time,
        np.array(known) if len(known) == len(rows) else None,
    )


def _system(
    model: Card | System, parameters: Sequence[str], named: Callable[[Values], Values]
) -> tuple[System, tuple[str, ...]]:
    if isinstance(model, System):
        given = named(dict.fromkeys(parameters, 1.0))
        missing = [name for name in model.parameters if name not in given]
        if missing:
            raise InputError(
                f"{model.name} is not given {', '.join(missing)}",
                f"all of {', '.join(model.parameters)}",
                "a system without a card has no typical values",
                "Name them among the parameters, or let `named` set them.",
            )
        return model, tuple(given)
    from individose.prediction.bind import relation

    system, structure = relation(model)
    unknown = [name for name in named(dict.fromkeys(parameters, 1.0)) if name not in structure.parameters]
    if unknown:
        raise InputError(
            f"{', '.join(unknown)} should be inferred",
            f"parameters among {', '.join(structure.parameters)}",
            f"those of the card {model.id}",
            "Name one of these, or write `named` for parameters of your own.",
        )
    return system, structure.parameters


def _designs(
    model: Card | System, system: System, names: tuple[str, ...], subjects: Sequence[Subject]
) -> tuple[Relation, Designs]:
    return of_system(system, names, subjects) if isinstance(model, System) else of_card(model, subjects)


def _subject(doses: tuple[Dose, ...], covariates: tuple[tuple[str, Number], ...], times: Sequence[float]) -> Subject:
    wanted = [Level(float(t), float("nan"), measured=False) for t in times]
    return subject("series", doses=doses, levels=wanted, covariates=dict(covariates))
