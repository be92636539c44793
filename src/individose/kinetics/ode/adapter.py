"""A system of differential equations in the interface of the closed forms."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp

from individose.kinetics.ode.memory import names, put_together, taken_apart
from individose.kinetics.ode.model import Amounts, OdeSystem, Scalar
from individose.kinetics.ode.segment import Integrand, marches, travel
from individose.kinetics.ode.settings import DEFAULT, Reason, Settings
from individose.kinetics.schedule import Schedule
from individose.kinetics.system import Outputs, Parameters, Rates, State, System, Whole


@lru_cache(maxsize=256)
def as_system(ode: OdeSystem, settings: Settings = DEFAULT) -> System:
    """The `System` of `ode`: same events and same schedules as any other.

    Its state is longer than its compartments by what must be remembered (see `memory`). A solve that fails gives NaN:
    there is no room for a reason here, and no number may be taken for a level (`propagate.solve` has the reason).
    """

    def advance(p: Parameters, state: State, rates: Rates, t: Scalar) -> State:
        end = travel(ode, p, taken_apart(ode, state), of_compartments(ode, rates), jnp.asarray(t), settings)
        return tuple(jnp.where(end.reason == Reason.SOLVED, x, jnp.nan) for x in put_together(end.whole))

    def area(p: Parameters, state: State, rates: Rates, t: Scalar) -> Outputs:
        whole, running = taken_apart(ode, state), of_compartments(ode, rates)
        end = travel(ode, p, whole, running, jnp.asarray(t), settings, integrands=under_outputs(ode, p))
        return tuple(jnp.where(end.reason == Reason.SOLVED, x, jnp.nan) for x in end.integrals)

    def observe(p: Parameters, state: State) -> Outputs:
        return tuple(output(p, state[: ode.size]) for output in ode.outputs.values())

    hidden = len(names(ode)) - ode.size
    return System(
        name=ode.name,
        compartments=names(ode),
        parameters=ode.parameters,
        entries=ode.entered,
        outputs=tuple(ode.outputs),
        prepare=dict,
        advance=advance,
        area=area,
        observe=observe,
        losses=(*(ode.losses or ("",) * ode.size), *([""] * hidden)),
        whole=_whole(ode, settings),
        hidden=hidden,
        boluses_only=(ode.compartments.index(ode.dosed),) if ode.doses else (),
    )


def _whole(ode: OdeSystem, settings: Settings) -> Whole:
    from individose.kinetics.ode import propagate, steady  # they stand on this module
    from individose.kinetics.ode.endless import endless
    from individose.kinetics.ode.exposure import exposure

    def solved(values: Any, reason: Any) -> Any:
        # where more comes in than can be eliminated, amounts rise without end
        otherwise = jnp.where(reason == Reason.NO_STEADY_STATE, jnp.inf, jnp.nan)
        return jax.tree.map(lambda x: jnp.where(reason == Reason.SOLVED, x, otherwise), values)

    def levels(p: Parameters, schedule: Schedule) -> Any:
        found = propagate.solve(ode, p, schedule, settings)
        return solved(found.levels, found.reason)

    def areas(p: Parameters, schedule: Schedule) -> Any:
        found = propagate.solve(ode, p, schedule, settings, areas=True)
        return solved(found.areas, found.reason)

    def steady_amounts(p: Parameters, into: Any, *times: Any) -> State:
        amount, duration, interval, phase = times
        return solved(*steady.amounts_at_phase(ode, p, into, amount, duration, interval, phase, settings))

    def steady_areas(p: Parameters, into: Any, *times: Any) -> Outputs:
        amount, duration, interval = times
        return solved(*steady.area_over_interval(ode, p, into, amount, duration, interval, settings))

    def asked(schedule: Schedule) -> tuple[OdeSystem, Any]:
        """The system that shows what the first sample asks for, and when the samples are."""
        chosen = jnp.asarray(schedule.output)[0]

        def observed(own: Parameters, x: Amounts) -> Scalar:
            return sum(jnp.where(chosen == i, f(own, x), 0.0) for i, f in enumerate(ode.outputs.values()))  # pyright: ignore[reportReturnType]

        at = jnp.cumsum(jnp.asarray(schedule.span_h))[jnp.asarray(schedule.segment)] + jnp.asarray(schedule.since_h)
        return replace(ode, outputs={"chosen": observed}), at

    def course(p: Parameters, schedule: Schedule, threshold: Any) -> Any:
        seen, at = asked(schedule)
        found = exposure(seen, p, schedule, at[0], at[1], threshold, settings)
        return solved(found._replace(reason=jnp.zeros(())), found.reason)

    def without_end(p: Parameters, schedule: Schedule, threshold: Any) -> Any:
        seen, at = asked(schedule)
        *found, reason = endless(seen, p, schedule, at[0], threshold, settings)
        return solved(tuple(found), reason)

    able = marches(ode)
    marched = (lambda steps: as_system(ode, Settings(march=steps))) if able else None
    return Whole(levels, areas, course, without_end, steady_amounts, steady_areas, marched, able and settings.march > 0)


def under_outputs(ode: OdeSystem, p: Parameters) -> tuple[Integrand, ...]:
    """What is integrated for the area under every output."""

    def under(output: str) -> Integrand:
        return lambda x, _: ode.outputs[output](p, x)

    return tuple(under(output) for output in ode.outputs)


def of_compartments(ode: OdeSystem, rates: Rates) -> Amounts | None:
    """Input rates without those of what is only remembered."""
    return None if rates is None else rates[: ode.size]
