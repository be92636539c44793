"""A card and a subject become a bound model: a relation (compiled) and its data (arrays)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from individose.base import CardError, InputError, Notice
from individose.drugs import Card, CovariateUse, Effect, covariate, registers
from individose.drugs.held import held
from individose.events import Level, Reset, Subject, check_history
from individose.kinetics import System, arrange, beside, compose, padded
from individose.prediction.covariates import segment_values
from individose.prediction.derived import columns, split
from individose.prediction.dosed import with_doses_read
from individose.prediction.observations import Censoring, conventions, departures, kind, numbers, residuals
from individose.prediction.reach import Ranges, individual_ranges, typical_ranges
from individose.prediction.refusals import refuse_logarithms_of_zero, refuse_unanswered, refuse_unfollowed
from individose.prediction.relation import NOTHING, Data, Relation
from individose.prediction.timeline import OCCASION, Sizes, Timeline, by_occasion, history, sizes, walk


@dataclass(frozen=True)
class Bound:
    """One subject under one card.

    `typical` has one row for each row of the timeline, or a single one where no covariate changes; `notices` are
    what the reader of any result must know. `prior_weight` multiplies the precision of the effects: under 1 the population
    counts for less.
    """

    card: Card
    subject: Subject
    relation: Relation
    line: Timeline
    typical: np.ndarray
    notices: tuple[Notice, ...]
    censoring: Censoring = "m3"
    prior_weight: float = 1.0

    @property
    def sizes(self) -> Sizes:
        return sizes(self.line, self.relation.system, self.ranges)

    @property
    def ranges(self) -> Ranges:
        """Within what the parameters that move doses are looked for (see `reach`)."""
        return individual_ranges(self.card, typical_ranges(self.relation.parameters, self.typical))

    @property
    def effects(self) -> tuple[str, ...]:
        """Names of the random effects in their order: those by subject after their parameters, then CL:occ1 and so on.

        Effects of occasions that only fill up the arrays have no name.
        """
        subject, between = by_level(self.card)
        numbers = range(1, self.relation.occasions + 1)
        last = max(by_occasion(self.line)) + 1
        return (
            *(effect.parameter for effect in subject),
            *(f"{effect.parameter}:occ{k}" if k <= last else "" for k in numbers for effect in between),
        )

    def now(self, dose_mg: float | None = None) -> Data:
        """Only the typical parameters at the latest covariates: all that `Relation.individual` reads; under `dose_mg`, where
        the card's equations read the dose."""
        nothing: Any = None
        typical = self.typical[-1:]
        if dose_mg is not None and any(use.name == "dose" for use in self.card.dosed):
            values, _ = segment_values(self.card, self.line, extrapolate=True)
            latest = {name: v[-1:] for name, v in values.items()}
            typical = _typical(self.card, latest | {"dose": np.array([dose_mg])})
        last = np.array(by_occasion(self.line)[-1:], dtype=np.int32) if self.relation.between else None
        shapes = _shapes(self.card)
        return Data(nothing, nothing, typical, nothing, nothing, nothing, nothing, nothing, last, shapes=shapes)

    def data(self, to: Sizes | None = None) -> Data:
        """The arrays, padded to `to` (this subject's own sizes unless a ward needs larger ones)."""
        return data(self, to or self.sizes)


@lru_cache(maxsize=256)
def relation(card: Card) -> tuple[System, Relation]:
    """The system and relation of a card; equal structures give equal relations, so programs are shared.

    **Raises:** `CardError` for a transform that no relation carries out.
    """
    names = tuple(p.name for p in card.parameters)
    read = card.read_by_system
    system = _system(card, read)
    unread = [name for name in read if name not in (*system.parameters, *system.optional)]
    if unread:
        raise CardError(
            f"{card.id} gives {', '.join(unread)}",
            f"its system ({system.name}) reads {', '.join((*system.parameters, *system.optional))}",
            "a parameter that nothing reads would be ignored in silence",
            "Take it out of the card, or name the system that uses it.",
        )
    for use in card.covariates:
        if use.carry == "linear" and covariate(use.name).kind != "continuous":
            raise CardError(
                f"{card.id} lets {use.name} run linearly between its dates",
                "backward (NONMEM's rule) or forward",
                f"{use.name} is {', '.join(covariate(use.name).values) or 'yes or no'}, and nothing lies between",
                "Choose one of these.",
            )
    effects, between = (tuple((names.index(e.parameter), e.transform) for e in level) for level in by_level(card))
    first, *others = conventions(residuals(card, system))
    shifted = {e.parameter for e in card.effects if e.transform == "normal"}
    guarded = tuple(name for name in read if name in shifted and not registers.parameters()[name].signed)
    built = split(card)
    return system, Relation(
        system, names, effects, first, between=between, others=tuple(others), guarded=guarded,
        derived=built.derived, parts=built.names,
    )  # fmt: skip


def _system(card: Card, names: tuple[str, ...]) -> System:
    if card.parts:
        return beside(tuple((name, relation(part)[0]) for name, part in card.parts))
    return compose(
        card.disposition, card.inputs, names,
        stages=card.stages, metabolite=card.metabolite, elimination=card.elimination, effect=card.effect,
        stiff=card.stiff,
    )  # fmt: skip


def by_level(card: Card) -> tuple[tuple[Effect, ...], tuple[Effect, ...]]:
    """A card's effects by subject, and those by occasion, each in the order of its file."""
    subject = tuple(e for e in card.effects if e.level == "subject")
    return subject, tuple(e for e in card.effects if e.level == "occasion")


def bind(
    card: Card,
    subject: Subject,
    *,
    extrapolate: bool = False,
    censoring: Censoring = "m3",
    prior_weight: float = 1.0,
    fixed: Sequence[str] = (),
) -> Bound:
    """Checks a subject against a card and works out its timeline and typical values.

    **Arguments:** `censoring` says what levels beyond a limit count (see `Censoring`); `prior_weight` see `Bound`; effects
    whose names are in `fixed` are held at 0 (see `drugs.held`).

    **Raises:** `InputError` (options, history, covariates, a typical value that its transform does not have), `DomainError`
    (outside the card's domain, unless `extrapolate`), each naming the subject.
    """
    _check_options(censoring, prior_weight)
    card = held(card, fixed)
    if card.groups:
        raise InputError(
            f"{card.id} is a mixture of {len(card.groups)} groups",
            "a card of one group",
            "which group the patient belongs to is not known before the levels are",
            "Fit the card (individose.fit), which fits each group and weighs them, or take one of card.groups.",
        )
    try:
        check_history(subject)
        system, structure = relation(card)
        line = walk(with_doses_read(subject, card.dosed), system, _followed(card))
        refuse_unanswered(card, line, system)
        refuse_logarithms_of_zero(card, line, system)
        values, notices = segment_values(card, line, extrapolate=extrapolate)
    except InputError as error:
        raise error.about(subject.id) from error
    notices = (*(Notice("as-understood", note, "note") for note in subject.notes), *notices)
    beyond = sum(level.measured and level.censoring != "none" for level in line.levels)
    censored = bool(beyond) and censoring == "m3"
    if beyond and not censored:
        notices = (
            *notices,
            Notice("levels-left-out", f"{beyond} of the levels lie beyond a limit and count nothing (M1)."),
        )
    notices = (*notices, *departures(prior_weight, fixed))
    if by_level(card)[1] and not any(OCCASION in reading.values for reading in line.readings):
        said = f"{card.id} varies between occasions; the record names none, and all of it was taken as one occasion."
        notices = (*notices, Notice("one-occasion", said, "note"))
    structure = replace(structure, worn=line.worn, censored=censored, occasions=_occasions(card, line))
    typical = _typical(card, values)
    _check_fractions(card, typical, subject)
    refuse_unfollowed(card, line, system, typical_ranges(structure.parameters, typical), subject)
    bound = Bound(card, subject, structure, line, typical, notices, censoring, prior_weight)
    if structure.moves:
        *_, infused, slots = bound.sizes
        bound = replace(bound, relation=replace(structure, infused=infused, slots=slots))
    return bound


def _check_options(censoring: str, prior_weight: float) -> None:
    if censoring not in ("m3", "m1"):
        raise InputError(
            f"censoring is '{censoring}'",
            "m3 (a level beyond a limit counts by its probability) or m1 (it is left out)",
            "Beal 2001, J Pharmacokinet Pharmacodyn 28:481-504",
        )
    if not 0.0 < prior_weight < float("inf"):
        raise InputError(
            f"the prior weight is {prior_weight:g}",
            "a number above 0; 1 is the population as published",
            "it multiplies the precision of the effects",
            "0.2 leaves a fifth of the population's weight.",
        )


def _check_fractions(card: Card, typical: np.ndarray, subject: Subject) -> None:
    """A logit-normal effect needs a typical value between 0 and 1."""
    for column, parameter in enumerate(card.parameters):
        logit = any(e.parameter == parameter.name and e.transform == "logit-normal" for e in card.effects)
        if logit and not np.all((typical[:, column] > 0.0) & (typical[:, column] < 1.0)):
            raise InputError(
                f"the typical {parameter.name} is {typical[-1, column]:g}",
                "a logit-normal parameter lies between 0 and 1",
                f"the equations of {card.id} at this patient's covariates",
                "Check the covariates.",
                subject=subject.id,
            )


def _followed(card: Card) -> tuple[CovariateUse, ...]:
    """The readings whose changes start a new piece of time."""
    own = (*card.covariates, *card.dosed)
    return (*own, CovariateUse(OCCASION, "1")) if by_level(card)[1] else own


def _occasions(card: Card, line: Timeline) -> int:
    """How many occasions the effects hold: the patient's, padded to a few sizes; 0 where no effect needs one."""
    if not by_level(card)[1]:
        return 0
    count = max(by_occasion(line)) + 1
    return 1 if count == 1 else padded(count)


def at(bound: Bound, times_h: Sequence[float], analyte: str | None = None) -> Data:
    """The arrays of the same history sampled at other times; see `resampled`."""
    return resampled(bound, times_h, analyte).data()


def resampled(bound: Bound, times_h: Sequence[float], analyte: str | None = None) -> Bound:
    """The same history, sampled at `times_h` (in any order; same clock as the doses) instead of at its levels, of an
    analyte (the system's first output unless one is named).

    A time equal to a dose's is taken just after it, as in NONMEM's table of a dose record.
    """
    history = tuple(e for e in bound.subject.events if not isinstance(e, Level))
    analyte = _analyte(bound.relation.system, analyte)
    asked = tuple(Level(float(t), float("nan"), analyte=analyte, measured=False) for t in times_h)
    merged = _merge(history, asked)
    asked_of = with_doses_read(replace(bound.subject, events=merged), bound.card.dosed)
    line = walk(asked_of, bound.relation.system, _followed(bound.card))
    place = {id(level): i for i, level in enumerate(line.levels)}
    order = [place[id(level)] for level in asked]
    line.samples, line.levels = [line.samples[i] for i in order], list(asked)
    again = replace(bound, line=line)
    if len(bound.typical) > 1:
        values, _ = segment_values(bound.card, line, extrapolate=True)
        again = replace(again, typical=_typical(bound.card, values))
    return again


def _analyte(system: System, named: str | None) -> str:
    if named is not None and named not in system.outputs:
        raise InputError(
            f"the analyte '{named}' was asked for",
            f"one of {', '.join(system.outputs)}",
            f"what can be observed of {system.name}",
            "Name one of these, or leave it out for the first.",
        )
    return named or system.outputs[0]


def _merge(history: tuple, asked: tuple[Level, ...]) -> tuple:
    """Events and wanted times in order of time; a wanted time comes after all that happens at that time.

    Where the clock restarts, the wanted times belong to its last run.
    """
    restarts = [i for i, e in enumerate(history) if isinstance(e, Reset) and e.restarts]
    before, last = (history[: restarts[-1]], history[restarts[-1] :]) if restarts else ((), history)
    tagged = [(e.time_h, 0, i, e) for i, e in enumerate(last)]
    tagged += [(e.time_h, 1, i, e) for i, e in enumerate(asked)]
    return (*before, *(item[3] for item in sorted(tagged, key=lambda item: item[:3])))


def typical_draws(bound: Bound, constants: Mapping[str, np.ndarray]) -> np.ndarray:
    """Typical parameters for many values of the card's constants.

    **Arguments:** `constants` by name (draws,); those left out keep the card's value.

    **Returns:** (draws, pieces, columns of `Data.typical`), with as many pieces as `Bound.typical` has.
    """
    card = bound.card
    values, _ = segment_values(card, bound.line, extrapolate=True)
    known = {name: np.array([one.value]) for name, one in card.constants.items()} | dict(constants)
    draws = max((len(v) for v in constants.values()), default=1)
    given = {**values, **{name: v[:, None] for name, v in known.items()}}
    return columns(card, given, (draws, len(bound.typical)), by_form=True)


def _typical(card: Card, values: dict[str, np.ndarray]) -> np.ndarray:
    segments = max((len(v) for v in values.values()), default=1)
    return columns(card, values, (segments,))


def data(bound: Bound, to: Sizes) -> Data:
    """The arrays of a bound model, padded to sizes at least its own."""
    _, _, samples, pieces, infused, slots = to
    line, card = bound.line, bound.card
    typical = np.concatenate([bound.typical, np.repeat(bound.typical[-1:], pieces - len(bound.typical), axis=0)])
    past = history(line, bound.relation.system, to)
    moves = bound.relation.moves
    more = samples - len(line.levels)
    measured = [kind(level, bound.censoring) for level in line.levels]
    observed = [level.value_mg_L if level.measured else 1.0 for level in line.levels]
    outputs = [row.output for row in line.samples] + [0] * more
    return Data(
        None if moves else arrange(np, past, None, infused=infused, steady=slots),
        past if moves else None,
        typical,
        np.array(observed + [1.0] * more),
        np.array(measured + [NOTHING] * more, dtype=np.int32),
        precision=bound.prior_weight * precision(card, bound.relation.occasions),
        occasion=_by_piece(line, pieces) if bound.relation.between else None,
        shapes=_shapes(card),
        **numbers(residuals(card, bound.relation.system), outputs),
    )


def _shapes(card: Card) -> np.ndarray | None:
    """Box and Cox's shape of each effect, by subject and by occasion; None where no effect has one."""
    shapes = [effect.shape for level in by_level(card) for effect in level]
    return np.array([shape or 0.0 for shape in shapes]) if any(shapes) else None


def _by_piece(line: Timeline, pieces: int) -> np.ndarray:
    """The occasion of each piece, padded with the last."""
    found = by_occasion(line)
    return np.array(found + found[-1:] * (pieces - len(found)), dtype=np.int32)


@lru_cache(maxsize=256)
def precision(card: Card, occasions: int = 0) -> np.ndarray:
    """Inverse of the covariance of the effects of one patient: those by subject, then those of each occasion in turn."""
    subject, between = covariances(card)
    n, m = len(subject), len(between)
    found = np.zeros((n + occasions * m, n + occasions * m))
    found[:n, :n] = np.linalg.inv(subject)
    for k in range(occasions if m else 0):
        here = slice(n + k * m, n + (k + 1) * m)
        found[here, here] = np.linalg.inv(between)
    return found


def covariances(card: Card) -> tuple[np.ndarray, np.ndarray]:
    """Covariance of a card's effects by subject, and of those by occasion; the two are independent."""
    full = np.array(card.omega, dtype=np.float64).reshape(len(card.effects), len(card.effects))
    places = [[i for i, e in enumerate(card.effects) if e.level == level] for level in ("subject", "occasion")]
    subject, between = (full[np.ix_(rows, rows)] for rows in places)
    return subject, between
