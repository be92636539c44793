"""A system of differential equations in the interface of the closed forms."""

from __future__ import annotations

from functools import lru_cache

import jax.numpy as jnp

from individose.kinetics.ode.memory import names, put_together, taken_apart
from individose.kinetics.ode.model import Amounts, OdeSystem, Scalar
from individose.kinetics.ode.segment import Integrand, travel
from individose.kinetics.ode.settings import DEFAULT, Reason, Settings
from individose.kinetics.system import Outputs, Parameters, Rates, State, System


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

    return System(
        name=ode.name,
        compartments=names(ode),
        parameters=ode.parameters,
        entries=(ode.entry,),
        outputs=tuple(ode.outputs),
        prepare=dict,
        advance=advance,
        area=area,
        observe=observe,
        linear=False,
    )


def under_outputs(ode: OdeSystem, p: Parameters) -> tuple[Integrand, ...]:
    """What is integrated for the area under every output."""

    def under(output: str) -> Integrand:
        return lambda x, _: ode.outputs[output](p, x)

    return tuple(under(output) for output in ode.outputs)


def of_compartments(ode: OdeSystem, rates: Rates) -> Amounts | None:
    """Input rates without those of what is only remembered."""
    return None if rates is None else rates[: ode.size]
