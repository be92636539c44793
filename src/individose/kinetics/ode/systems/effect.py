"""An effect behind a drug: further compartments whose rates of change depend on the drug's concentration.

Whatever the drug's own system is (closed chains, saturable elimination, a remembered absorption), the effect is put behind
it and does not act back on it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import jax.numpy as jnp

from individose.kinetics.ode.model import Amounts, Moment, OdeSystem, Output, Scalar
from individose.kinetics.system import Parameters


@dataclass(frozen=True)
class Effect:
    """**Arguments:** names of its `compartments` and `parameters`; `rhs` (parameters, concentration in mg/L, its own
    compartments) -> their rates of change; `initial` its untreated state; which of its compartments are `observed`."""

    name: str
    compartments: tuple[str, ...]
    parameters: tuple[str, ...]
    rhs: Callable[[Parameters, Scalar, Amounts], Amounts]
    initial: Callable[[Parameters], Amounts]
    observed: tuple[str, ...]


def driven(drug: OdeSystem, effect: Effect) -> OdeSystem:
    """The drug's system with the effect behind its first output."""
    size = drug.size
    concentration = drug.outputs["central"]
    before, delivered = drug.initial, drug.delivered

    def rhs(p: Parameters, x: Amounts, now: Moment) -> Amounts:
        return (*drug.rhs(p, x[:size], now), *effect.rhs(p, concentration(p, x[:size]), x[size:]))

    def initial(p: Parameters) -> Amounts:
        own = effect.initial(p)
        return (*(before(p) if before else (jnp.zeros_like(own[0]),) * size), *own)

    def both(p: Parameters, now: Moment) -> Amounts:
        assert delivered is not None
        brought = delivered(p, now)
        return (*brought, *(jnp.zeros_like(brought[0]),) * len(effect.compartments))

    return replace(
        drug,
        name=f"{drug.name}, {effect.name}",
        compartments=(*drug.compartments, *effect.compartments),
        parameters=(*drug.parameters, *effect.parameters),
        rhs=rhs,
        outputs={
            **{name: _first(size, output) for name, output in drug.outputs.items()},
            **{name: _at(size + effect.compartments.index(name)) for name in effect.observed},
        },
        responses=(*drug.responses, *effect.compartments),
        initial=initial,
        delivered=both if delivered else None,
        losses=(*drug.losses, *([""] * len(effect.compartments))) if drug.losses else (),
    )


def _first(size: int, output: Output) -> Output:
    return lambda p, x: output(p, x[:size])


def _at(place: int) -> Output:
    return lambda p, x: x[place]
