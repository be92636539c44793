"""Several linear systems in one body, side by side: none feeds another, and what is observed is the sum of their levels.

By superposition this is exact for one drug that is given as several products (esters, patches), each with a release of its
own. The whole is again a linear system, so that steady states, areas and extremes hold for it as for any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache, reduce
from itertools import chain
from typing import Any

import jax
import jax.numpy as jnp

from individose.base import InputError
from individose.kinetics.linear.composition import Prepared
from individose.kinetics.system import Outputs, Parameters, Rates, Scalar, State, System

Part = tuple[str, System]
"""A name, and the system whose compartments and parameters carry it: `k1` of the part EV is `k1@EV`."""


def at(name: str, part: str) -> str:
    """What a parameter or compartment of a part is called in the whole."""
    return f"{name}@{part}"


@lru_cache(maxsize=256)
def beside(parts: tuple[Part, ...]) -> System:
    """The system of several parts. A plain dose goes where the first part says; others name their compartment.

    **Raises:** `InputError` for a part without closed form.
    """
    systems = [system for _, system in parts]
    crooked = [system.name for system in systems if not system.linear]
    if crooked or not systems:
        raise InputError(
            f"{crooked[0] if crooked else 'nothing'} was put beside others",
            "linear systems, at least one",
            "levels of nonlinear systems do not add up",
            "Simulate it alone.",
        )
    split = _Bookkeeping(systems)
    return System(
        name=" beside ".join(f"{name}: {system.name}" for name, system in parts),
        compartments=tuple(at(c, name) for name, system in parts for c in system.compartments),
        parameters=tuple(at(p, name) for name, system in parts for p in system.parameters),
        entries=systems[0].entries,
        outputs=systems[0].outputs[:1],
        prepare=lambda p: split.joined([system.prepare(_own(p, name, system)) for name, system in parts]),
        advance=lambda q, amounts, rates, t: _advance(split, q, amounts, rates, t),
        area=lambda q, amounts, rates, t: _area(split, q, amounts, rates, t),
        observe=lambda q, amounts: _observe(split, q, amounts),
        losses=tuple(at(loss, name) if loss else "" for name, system in parts for loss in _losses(system)),
    )


def _losses(system: System) -> tuple[str, ...]:
    return (*system.losses, *([""] * (system.size - len(system.losses))))


def _own(p: Parameters, part: str, system: System) -> Mapping[str, Scalar]:
    return {name: p[at(name, part)] for name in system.parameters}


class _Bookkeeping:
    """Where each part's numbers lie among those of the whole."""

    def __init__(self, systems: Sequence[System]) -> None:
        self.systems = tuple(systems)
        shapes: list[Any] = [
            jax.eval_shape(system.prepare, {name: jnp.ones(()) for name in system.parameters}) for system in systems
        ]
        self.lengths = tuple(tuple(len(field) for field in shape) for shape in shapes)

    def joined(self, parts: Sequence[Prepared]) -> Prepared:
        fields: list[Any] = [tuple(chain.from_iterable(field)) for field in zip(*parts, strict=True)]
        return Prepared(*fields)

    def parts(self, q: Prepared) -> list[Prepared]:
        found: list[Prepared] = []
        begin = [0] * len(q)
        for lengths in self.lengths:
            own: list[Any] = [field[b : b + n] for field, b, n in zip(q, begin, lengths, strict=True)]
            found.append(Prepared(*own))
            begin = [b + n for b, n in zip(begin, lengths, strict=True)]
        return found

    def states(self, amounts: State) -> list[State]:
        found: list[State] = []
        begin = 0
        for system in self.systems:
            found.append(amounts[begin : begin + system.size])
            begin += system.size
        return found


def _each(split: _Bookkeeping, q: Prepared, amounts: State, rates: Rates) -> Any:
    inputs: Sequence[Rates] = [None] * len(split.systems) if rates is None else split.states(rates)
    return zip(split.systems, split.parts(q), split.states(amounts), inputs, strict=True)


def _advance(split: _Bookkeeping, q: Prepared, amounts: State, rates: Rates, t: Scalar) -> State:
    return tuple(
        x for system, own, state, run in _each(split, q, amounts, rates) for x in system.advance(own, state, run, t)
    )


def _area(split: _Bookkeeping, q: Prepared, amounts: State, rates: Rates, t: Scalar) -> Outputs:
    return _sum(system.area(own, state, run, t)[0] for system, own, state, run in _each(split, q, amounts, rates))


def _observe(split: _Bookkeeping, q: Prepared, amounts: State) -> Outputs:
    return _sum(system.observe(own, state)[0] for system, own, state, _ in _each(split, q, amounts, None))


def _sum(levels: Any) -> Outputs:
    return (reduce(lambda a, b: a + b, levels),)
