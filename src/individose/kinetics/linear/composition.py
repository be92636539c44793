"""Linear systems composed of blocks: chains of absorption, a disposition, and the disposition of a metabolite.

Nothing is enumerated: each block gives its impulse responses, blocks are put behind one another (`responses.behind`), and
the solution over any time is

    amount_j(t) = sum over i of  amount_i R_ij(t) + rate_i integral of R_ij

with every R_ij a sum of non-negative terms. Areas are one integral more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from individose.kinetics.linear.disposition import responses
from individose.kinetics.linear.divided import decay_divided
from individose.kinetics.linear.parameterisation import Disposition, disposition
from individose.kinetics.linear.responses import Response, Term, behind
from individose.kinetics.system import Entry, Outputs, Parameters, Rates, State, System

Scalar = Float[Array, ""]


@dataclass(frozen=True)
class Chain:
    """Stages in a row, each emptying into the next and the last into the central compartment.

    `rates` are the names of their rate constants; a chain of n equal stages repeats one name (Erlang absorption).
    """

    stages: tuple[str, ...]
    rates: tuple[str, ...]


@dataclass(frozen=True)
class Block:
    """A disposition: names of its compartments, its parameterisation, and the suffix of its parameters' names."""

    compartments: tuple[str, ...]
    choice: tuple[str, ...]
    suffix: str = ""


@dataclass(frozen=True)
class Plan:
    """What a linear system is made of. `share` names the fraction of the elimination that forms the metabolite, `first_pass`
    that of what leaves the chains which arrives as the metabolite (None: nothing does)."""

    chains: tuple[Chain, ...]
    parent: Block
    metabolite: Block | None = None
    share: str = "fm"
    first_pass: str | None = None

    @property
    def compartments(self) -> tuple[str, ...]:
        """Chains first, then the parent, then the metabolite: NONMEM's order."""
        stages = tuple(stage for chain in self.chains for stage in chain.stages)
        return (*stages, *self.parent.compartments, *(self.metabolite.compartments if self.metabolite else ()))

    @property
    def parameters(self) -> tuple[str, ...]:
        names = [name for chain in self.chains for name in chain.rates]
        for block in (self.parent, self.metabolite):
            if block is not None:
                names += [name + block.suffix for name in block.choice]
        if self.metabolite is not None:
            names += [self.share, *([self.first_pass] if self.first_pass else [])]
        return tuple(dict.fromkeys(names))

    @property
    def losses(self) -> tuple[str, ...]:
        """The rate constant of each stage, and nothing for the others."""
        rates = tuple(rate for chain in self.chains for rate in chain.rates)
        return (*rates, *([""] * (len(self.compartments) - len(rates))))

    @property
    def central(self) -> tuple[int, ...]:
        """Positions of the central compartments of parent and metabolite."""
        first = sum(len(chain.stages) for chain in self.chains)
        second = (first + len(self.parent.compartments),) if self.metabolite else ()
        return (first, *second)


class Prepared(NamedTuple):
    """The distinct nodes and weights of all responses, and the volumes of the outputs."""

    nodes: tuple[Scalar, ...]
    weights: tuple[Scalar, ...]
    volumes: tuple[Scalar, ...]


Layout = Mapping[tuple[int, int], tuple[tuple[int, tuple[int, ...]], ...]]
"""(from, to) to its terms as (place of the weight, places of the nodes): the same for all parameters of a plan."""


@lru_cache(maxsize=256)
def linear(name: str, plan: Plan, entries: tuple[Entry, ...], outputs: tuple[str, ...]) -> System:
    """The system of a plan; equal plans give the same system, so that its compiled programs are shared."""
    layout = _layout(plan)
    return System(
        name=name,
        compartments=plan.compartments,
        parameters=plan.parameters,
        entries=entries,
        outputs=outputs,
        prepare=lambda p: _prepared(plan, p)[0],
        advance=_advance(len(plan.compartments), layout),
        area=_area(plan.central, layout),
        observe=_observe(plan.central),
        losses=plan.losses,
    )


def _layout(plan: Plan) -> Layout:
    """The structure of a plan's responses, found by composing them once without numbers."""
    found: list[Layout] = []

    def compose(p: Parameters) -> Prepared:
        prepared, layout = _prepared(plan, p)
        found.append(layout)
        return prepared

    jax.eval_shape(compose, {name: jnp.ones(()) for name in plan.parameters})
    return found[0]


def _prepared(plan: Plan, p: Parameters) -> tuple[Prepared, Layout]:
    """Responses as tables of distinct numbers: a divided difference that many of them share is then worked out once."""
    found, volumes = _responses(plan, p)
    nodes: dict[int, tuple[int, Scalar]] = {}
    weights: dict[int, tuple[int, Scalar]] = {}

    def place(table: dict[int, tuple[int, Scalar]], value: Any) -> int:
        return table.setdefault(id(value), (len(table), value))[0]

    layout = {
        pair: tuple((place(weights, term.weight), tuple(place(nodes, n) for n in term.nodes)) for term in response)
        for pair, response in found.items()
    }
    prepared = Prepared(
        tuple(jnp.asarray(value) for _, value in nodes.values()),
        tuple(jnp.asarray(value, dtype=float) for _, value in weights.values()),
        volumes,
    )
    return prepared, layout


def _responses(plan: Plan, p: Parameters) -> tuple[dict[tuple[int, int], Response], tuple[Scalar, ...]]:
    """Impulse responses between all compartments, and the volumes of the outputs."""
    parent = disposition(plan.parent.choice, p, plan.parent.suffix)
    found: dict[tuple[int, int], Response] = {}
    volumes = [parent.volume]
    centre = plan.central[0]
    for (i, j), response in responses(parent.micro).items():
        found[centre + i, centre + j] = response
    if plan.metabolite is not None:
        formed = parent.micro.k10 * p[plan.share]
        other = disposition(plan.metabolite.choice, p, plan.metabolite.suffix)
        volumes.append(other.volume)
        _follow(found, plan.central[1], formed, other, centre)
    _precede(found, plan, p)
    return found, tuple(volumes)


def _follow(found: dict[tuple[int, int], Response], at_: int, rate: Scalar, block: Disposition, centre: int) -> None:
    """Put a block behind the compartment `centre`, which loses `rate` into it."""
    inside = responses(block.micro)
    reaching = {i: response for (i, j), response in found.items() if j == centre}
    for (i, j), response in inside.items():
        found[at_ + i, at_ + j] = response
    for source, response in reaching.items():
        for (i, j), inner in inside.items():
            if i == 0:
                found[source, at_ + j] = behind(response, rate, inner)


def _precede(found: dict[tuple[int, int], Response], plan: Plan, p: Parameters) -> None:
    """Put the chains of absorption in front of the central compartment, and of the metabolite's."""
    onward = _arriving(found, plan, p)
    place = 0
    for chain in plan.chains:
        rates = [p[name] for name in chain.rates]
        for first in range(len(rates)):
            nodes: tuple[Scalar, ...] = ()
            weight: Scalar | float = 1.0
            for last in range(first, len(rates)):
                nodes = (*nodes, rates[last])
                found[place + first, place + last] = (Term(weight, nodes),)
                weight = weight * rates[last]
            for j, response in onward.items():
                found[place + first, j] = behind((Term(weight, nodes),), jnp.ones(()), response)
        place += len(rates)


def _arriving(found: dict[tuple[int, int], Response], plan: Plan, p: Parameters) -> dict[int, Response]:
    """What a unit that leaves the chains becomes in each compartment: drug, and metabolite where some is formed before."""
    if plan.first_pass is None:
        return {j: response for (i, j), response in found.items() if i == plan.central[0]}
    formed = p[plan.first_pass]
    arriving: dict[int, Response] = {}
    for centre, share in zip(plan.central, (1.0 - formed, formed), strict=True):
        for (i, j), response in found.items():
            if i == centre:
                arriving[j] = (*arriving.get(j, ()), *(Term(share * term.weight, term.nodes) for term in response))
    return arriving


class _Table:
    """Divided differences of one set of prepared numbers at one time, each worked out once."""

    def __init__(self, q: Prepared, t: Scalar) -> None:
        self.q, self.t = q, t
        self.known: dict[tuple[tuple[int, ...], int], Scalar] = {}

    def response(self, terms: tuple[tuple[int, tuple[int, ...]], ...], zeros: int) -> Scalar:
        """A response, integrated `zeros` times over time."""
        values = [self.q.weights[weight] * self._divided(nodes, zeros) for weight, nodes in terms]
        return sum(values[1:], start=values[0])

    def _divided(self, nodes: tuple[int, ...], zeros: int) -> Scalar:
        key = (tuple(sorted(nodes)), zeros)
        if key not in self.known:
            rates = (*(self.q.nodes[n] for n in key[0]), *([0.0] * zeros))
            self.known[key] = decay_divided(rates, self.t)
        return self.known[key]


def _gathered(layout: Layout, j: int, amounts: State, rates: Rates, table: _Table, zeros: int) -> Scalar:
    """What reaches compartment j from all others, integrated `zeros` times."""
    parts = [amounts[i] * table.response(terms, zeros) for (i, k), terms in layout.items() if k == j]
    if rates is not None:
        parts += [rates[i] * table.response(terms, zeros + 1) for (i, k), terms in layout.items() if k == j]
    return sum(parts[1:], start=parts[0])


def _advance(size: int, layout: Layout) -> Callable[[Prepared, State, Rates, Scalar], State]:
    def advance(q: Prepared, amounts: State, rates: Rates, t: Scalar) -> State:
        table = _Table(q, t)
        return tuple(_gathered(layout, j, amounts, rates, table, 0) for j in range(size))

    return advance


def _area(central: tuple[int, ...], layout: Layout) -> Callable[[Prepared, State, Rates, Scalar], Outputs]:
    def area(q: Prepared, amounts: State, rates: Rates, t: Scalar) -> Outputs:
        table = _Table(q, t)
        return tuple(
            _gathered(layout, j, amounts, rates, table, 1) / volume
            for j, volume in zip(central, q.volumes, strict=True)
        )

    return area


def _observe(central: tuple[int, ...]) -> Callable[[Prepared, State], Outputs]:
    def observe(q: Prepared, amounts: State) -> Outputs:
        return tuple(amounts[j] / volume for j, volume in zip(central, q.volumes, strict=True))

    return observe
