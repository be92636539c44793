"""From a history to a schedule: every event put at the time at which it acts, in NONMEM's order.

The same lines run with numpy on the host, where nothing depends on the parameters, and with JAX inside a compiled program,
where a lag, a bioavailability, a modelled rate or a modelled duration moves the events (and differentiates through).

Rules (NONMEM): at one time records act in their order; a dose that lagged acts before the records of its new time; RATE > 0
keeps its rate when F changes the amount, so that the duration follows; a modelled duration keeps its duration; a
steady-state dose acts at its record, where the earlier doses of its series have lagged like itself; a reset, and a dose
that sets a steady state, cancel what was still to come.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from individose.kinetics.schedule import Array, Schedule, SteadyDoses

GIVEN, RATE_GIVEN, MODELLED_DURATION, MODELLED_RATE, REMOVAL = 0, 1, 2, 3, 4
"""How long an input runs: as stated; at a stated rate; for a duration, or at a rate, that the parameters give.

A removal takes off, after the time stated as its duration, what is then left of the dose in its compartment: by linearity
a negative dose that lags by that time, so that patches may overlap.
"""


class Doses(NamedTuple):
    """Single doses (ADDL written out), times in h on a line that never goes back; `order` places records of one time.

    `cut_h` is the time of the next reset, where the dose ends at the latest; `piece` the parameters' row of its record;
    `kind` and `interval_h` are NONMEM's SS and II. An amount of 0 is padding.
    """

    time_h: Float[Array, " doses"]
    order: Float[Array, " doses"]
    cut_h: Float[Array, " doses"]
    amount_mg: Float[Array, " doses"]
    duration_h: Float[Array, " doses"]
    how: Int[Array, " doses"]
    into: Int[Array, " doses"]
    kind: Int[Array, " doses"]
    interval_h: Float[Array, " doses"]
    piece: Int[Array, " doses"]


class Marks(NamedTuple):
    """Times at which the parameters change (`piece`: their row from there on) or compartments are emptied (`keep` 0)."""

    time_h: Float[Array, " marks"]
    order: Float[Array, " marks"]
    piece: Int[Array, " marks"]
    keep: Float[Array, "marks compartments"]


class Samples(NamedTuple):
    """Times at which a level is wanted; `seen` as in `Schedule`."""

    time_h: Float[Array, " samples"]
    order: Float[Array, " samples"]
    output: Int[Array, " samples"]
    sampled: Bool[Array, " samples"]
    seen: Int[Array, " samples"] | None = None


class History(NamedTuple):
    """Everything that happened to one patient, before any parameter is known."""

    doses: Doses
    marks: Marks
    samples: Samples


class Inputs(NamedTuple):
    """What the parameters say of each dose: fraction that arrives, lag (h), modelled duration (h) and rate (mg/h), and the
    rate (per h) at which it leaves its compartment."""

    bioavailable: Any
    lag_h: Any
    duration_h: Any
    rate_mg_h: Any
    leaving: Any


def arrange(
    xp: Any, history: History, inputs: Inputs | None, *, infused: bool, steady: int, delayed: bool = False
) -> Schedule:
    """The schedule of a history.

    **Arguments:** `xp` is `numpy` or `jax.numpy`; `inputs` None when the parameters say nothing of the doses. Static:
    `infused` and `delayed` (whether anything is infused, may lag), `steady` (0 when nothing starts at steady state, or
    else how many earlier doses of a series are followed). Where more than these are still on their way or still run in, the
    steady state is NaN: no number is taken for it.
    """
    doses, marks, samples = history
    arrive, order, amount, duration = _acting(xp, doses, inputs, delayed)
    # one that arrives just when a reset comes has its place before it, and is lost there
    alive = (doses.amount_mg > 0) & (arrive <= doses.cut_h)
    ends = xp.minimum(arrive + duration, doses.cut_h)
    runs = alive & (duration > 0)
    zeros = xp.zeros_like(arrive)
    rate = xp.where(runs, amount / xp.where(duration > 0, duration, 1.0), 0.0)
    times, orders = [marks.time_h, arrive], [marks.order, order]
    amounts = [xp.zeros_like(marks.time_h), xp.where(alive & (duration <= 0), amount, 0.0)]
    intos = [xp.zeros_like(marks.piece), doses.into]
    pieces = [marks.piece, xp.zeros_like(doses.into)]
    infusions = [(arrive, ends, rate, doses.into)] if infused else []
    if infused:
        times.append(xp.where(runs, ends, arrive))
        orders.append(zeros - 1.0)
        amounts.append(zeros)
        intos.append(doses.into)
        pieces.append(xp.zeros_like(doses.into))
    series = _series(xp, doses, amount, duration, arrive, delayed, steady) if steady else None
    if series is not None:
        into = xp.concatenate([doses.into] * steady)
        nothing = xp.zeros_like(series.bolus)
        if delayed:
            # one that arrives just when the steady state is set comes after that, or it would be lost
            late = series.start > xp.concatenate([doses.time_h] * steady)
            times.append(series.start)
            orders.append(xp.where(late, -0.5, xp.concatenate([doses.order] * steady) - 0.2))
            amounts.append(series.bolus)
            intos.append(into)
            pieces.append(xp.zeros_like(into))
        if infused:
            times.append(series.end)
            orders.append(nothing - 1.0)
            amounts.append(nothing)
            intos.append(into)
            pieces.append(xp.zeros_like(into))
            infusions.append((series.start, series.end, series.rate, into))
        times.append(doses.time_h)
        orders.append(doses.order - 0.25)
        amounts.append(zeros)
        intos.append(doses.into)
        pieces.append(xp.zeros_like(doses.into))
    time, sequence = xp.concatenate(times), xp.concatenate(orders)
    sorted_ = xp.lexsort((sequence, time))
    at = time[sorted_]
    compartments = marks.keep.shape[1]
    keep = xp.concatenate([marks.keep, xp.ones((len(time) - len(marks.time_h), compartments))])[sorted_]
    span = xp.concatenate([xp.zeros(1), at[1:] - at[:-1]])
    # a reset of everything may jump to another clock: nothing is carried over that span
    span = xp.where(xp.max(keep, axis=1) < 0.5, 0.0, span)
    return Schedule(
        span_h=span,
        keep=keep,
        amount_mg=xp.concatenate(amounts)[sorted_],
        into=xp.concatenate(intos)[sorted_],
        rate_mg_h=_running(xp, at, infusions, compartments) if infusions else None,
        piece=_running_piece(xp, xp.concatenate(pieces)[sorted_]),
        **_samples(xp, samples, at, sequence[sorted_]),
        steady=_steady(xp, doses, series, sorted_, len(time)) if series is not None else None,
    )


def _acting(xp: Any, doses: Doses, inputs: Inputs | None, delayed: bool) -> tuple[Any, Any, Any, Any]:
    """Arrival, order, amount and duration of each dose."""
    if inputs is None:
        return doses.time_h, doses.order, doses.amount_mg, doses.duration_h
    removed = doses.how == REMOVAL
    left = xp.where(removed, -xp.exp(-inputs.leaving * doses.duration_h), 1.0)
    amount = doses.amount_mg * inputs.bioavailable * left
    safe_rate = xp.where(inputs.rate_mg_h > 0, inputs.rate_mg_h, 1.0)
    duration = xp.where(doses.how == RATE_GIVEN, doses.duration_h * inputs.bioavailable, doses.duration_h)
    duration = xp.where(doses.how == MODELLED_DURATION, inputs.duration_h, duration)
    duration = xp.where(doses.how == MODELLED_RATE, amount / safe_rate, duration)
    duration = xp.where(removed, 0.0, duration)
    lag = inputs.lag_h + xp.where(removed, doses.duration_h, 0.0)
    if not delayed:
        return doses.time_h, doses.order, amount, duration
    return doses.time_h + lag, xp.where(lag > 0, -0.5, doses.order), amount, duration


class _Series(NamedTuple):
    """The earlier doses of steady-state series that are not yet done (start, end, bolus and rate, dose after dose for each
    turn), and what sets the amounts at each record."""

    start: Any
    end: Any
    bolus: Any
    rate: Any
    phase_h: Any
    amount_mg: Any
    duration_h: Any


def _series(xp: Any, doses: Doses, amount: Any, duration: Any, arrive: Any, delayed: bool, count: int) -> _Series:
    """Dose k of a series was given k intervals before its record and arrives as late as the others.

    One that arrives after the record is still to come, unless a reset or a new steady state comes first; one that arrived
    before it may still run in.
    """
    wanted = doses.kind > 0
    interval = xp.where(doses.interval_h > 0, doses.interval_h, 1.0)
    lag = arrive - doses.time_h if delayed else xp.zeros_like(arrive)
    whole = xp.floor(lag / interval)
    k = xp.arange(1, count + 1)[:, None]
    came = arrive - k * interval
    pending = wanted & (k <= whole)
    start = xp.where(pending, came, doses.time_h)
    end = xp.where(wanted & (duration > 0), xp.minimum(came + duration, doses.cut_h), start)
    end = xp.maximum(end, start)
    bolus = xp.where(pending & (duration <= 0) & (came <= doses.cut_h), amount, 0.0)
    rate = xp.where(end > start, amount / xp.where(duration > 0, duration, 1.0), 0.0)
    unfollowed = (whole > count) | (lag + duration > (count + 1) * interval)
    unfollowed = unfollowed & wanted & ((doses.cut_h > doses.time_h) | (duration <= 0))
    phase = xp.maximum((whole + 1.0) * interval - lag, 0.0)
    start, end, bolus, rate = (x.ravel() for x in xp.broadcast_arrays(start, end, bolus, rate))
    return _Series(start, end, bolus, rate, phase, xp.where(unfollowed, xp.nan, amount), duration)


def _steady(xp: Any, doses: Doses, series: _Series, sorted_: Any, count: int) -> SteadyDoses:
    place = xp.argsort(sorted_)[count - len(doses.time_h) :]
    return SteadyDoses(
        anchor=place,
        kind=doses.kind,
        into=doses.into,
        amount_mg=series.amount_mg,
        duration_h=series.duration_h,
        interval_h=doses.interval_h,
        phase_h=series.phase_h,
        piece=doses.piece,
    )


def _running(xp: Any, at: Any, infusions: list[tuple[Any, Any, Any, Any]], compartments: int) -> Any:
    """Input rates by segment and compartment, summed over the infusions that run there."""
    start, end, rate, into = (xp.concatenate([i[n] for i in infusions]) for n in range(4))
    on = (start[None, :] <= at[:, None]) & (at[:, None] < end[None, :])
    by_compartment = [
        xp.sum(xp.where(on & (into == c)[None, :], rate[None, :], 0.0), axis=1) for c in range(compartments)
    ]
    return xp.stack(by_compartment, axis=1)


def _running_piece(xp: Any, piece: Any) -> Any:
    """The parameters' row of every segment: rows only grow along the line."""
    if xp is np:
        return np.maximum.accumulate(piece)
    import jax

    return jax.lax.cummax(piece)


def _samples(xp: Any, samples: Samples, at: Any, order: Any) -> dict[str, Any]:
    """A sample lies in the last segment whose anchor comes before it, in time or in order."""
    earlier = at[None, :] < samples.time_h[:, None]
    tied = (at[None, :] == samples.time_h[:, None]) & (order[None, :] < samples.order[:, None])
    segment = xp.maximum(xp.sum(earlier | tied, axis=1) - 1, 0)
    since = xp.maximum(samples.time_h - at[segment], 0.0)
    return {
        "segment": segment,
        "since_h": since,
        "output": samples.output,
        "sampled": samples.sampled,
        "seen": samples.seen,
    }
