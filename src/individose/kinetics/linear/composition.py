"""Linear systems composed of blocks: chains of absorption, a disposition, and the disposition of a metabolite.

Nothing is enumerated: each block gives its impulse responses, blocks are put behind one another (`responses.behind`), and
the solution over any time is

    amount_j(t) = sum over i of  amount_i R_ij(t) + rate_i integral of R_ij

with every R_ij a sum of non-negative terms. Areas are one integral more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from individose.kinetics.linear.disposition import exponents, responses
from individose.kinetics.linear.divided import decay_divided
from individose.kinetics.linear.parameterisation import Disposition, disposition
from individose.kinetics.linear.passage import Part, passages
from individose.kinetics.linear.responses import Response, Term, behind
from individose.kinetics.linear.words import Phases
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
    """What all responses are made of: weights, rates of single stages, dispositions of several compartments; and the
    exponents of all dispositions (per h, fastest first in each), and the volumes of the outputs."""

    nodes: tuple[Scalar, ...]
    weights: tuple[Scalar, ...]
    phases: tuple[Phases, ...]
    exponents: tuple[Scalar, ...]
    volumes: tuple[Scalar, ...]


class Placed(NamedTuple):
    """A term of a response as the place of its weight, and places of what it passes through."""

    weight: int
    part: Part


Layout = Mapping[tuple[int, int], tuple[Placed, ...]]
"""(from, to) to the terms of the response: the same for all parameters of a plan."""


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
    composed = _responses(plan, p)
    nodes: dict[int, tuple[int, Scalar]] = {}
    weights: dict[int, tuple[int, Scalar]] = {}
    crossed: dict[int, tuple[int, Phases]] = {}

    def place(table: dict[int, tuple[int, Any]], value: Any) -> int:
        return table.setdefault(id(value), (len(table), value))[0]

    def placed(term: Term) -> Placed:
        stages = tuple(sorted(place(nodes, node) for node in term.nodes))
        through = tuple(sorted((place(crossed, c.phases), (c.word,)) for c in term.crossed))
        return Placed(place(weights, term.weight), Part(stages, 0, through))

    layout = {pair: tuple(placed(term) for term in response) for pair, response in composed.responses.items()}
    prepared = Prepared(
        tuple(jnp.asarray(value) for _, value in nodes.values()),
        tuple(jnp.asarray(value, dtype=float) for _, value in weights.values()),
        tuple(phases for _, phases in crossed.values()),
        composed.exponents,
        composed.volumes,
    )
    return prepared, layout


class _Composed(NamedTuple):
    """Impulse responses between all compartments, the exponents of the dispositions, and the volumes of the outputs."""

    responses: dict[tuple[int, int], Response]
    exponents: tuple[Scalar, ...]
    volumes: tuple[Scalar, ...]


def _responses(plan: Plan, p: Parameters) -> _Composed:
    parent = disposition(plan.parent.choice, p, plan.parent.suffix)
    found: dict[tuple[int, int], Response] = {}
    volumes, phases = [parent.volume], [*exponents(parent.micro)]
    centre = plan.central[0]
    for (i, j), response in responses(parent.micro).items():
        found[centre + i, centre + j] = response
    if plan.metabolite is not None:
        formed = parent.micro.k10 * p[plan.share]
        other = disposition(plan.metabolite.choice, p, plan.metabolite.suffix)
        volumes.append(other.volume)
        phases += exponents(other.micro)
        _follow(found, plan.central[1], formed, other, centre)
    _precede(found, plan, p)
    return _Composed(found, tuple(phases), tuple(volumes))


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
                arriving[j] = (*arriving.get(j, ()), *(term._replace(weight=share * term.weight) for term in response))
    return arriving


def _values(q: Prepared, layout: Layout, pairs: Sequence[tuple[int, int]], t: Scalar, zeros: int) -> list[Scalar]:
    """The responses `pairs`, integrated `zeros` times over time: what they share is worked out once."""
    terms = [[(one.weight, one.part._replace(zeros=zeros)) for one in layout[pair]] for pair in pairs]
    unlike = list(dict.fromkeys(part for some in terms for _, part in some))
    through = [part for part in unlike if part.through]
    found = dict(zip(through, passages(through, q.phases, q.nodes, t), strict=True))
    for part in unlike:
        if not part.through:
            found[part] = decay_divided((*(q.nodes[n] for n in part.stages), *([0.0] * zeros)), t)
    values = [[q.weights[weight] * found[part] for weight, part in some] for some in terms]
    return [sum(some[1:], start=some[0]) for some in values]


def _gathered(
    layout: Layout, reached: Sequence[int], q: Prepared, amounts: State, rates: Rates, t: Scalar, zeros: int
) -> list[Scalar]:
    """What comes to each of the compartments `reached` from all others, integrated `zeros` times."""
    pairs = [pair for pair in layout if pair[1] in reached]
    found: dict[int, list[Scalar]] = {j: [] for j in reached}
    for given, more in ((amounts, 0), (rates, 1)):
        if given is not None:
            for (i, j), value in zip(pairs, _values(q, layout, pairs, t, zeros + more), strict=True):
                found[j].append(given[i] * value)
    return [sum(parts[1:], start=parts[0]) for parts in found.values()]


def _advance(size: int, layout: Layout) -> Callable[[Prepared, State, Rates, Scalar], State]:
    def advance(q: Prepared, amounts: State, rates: Rates, t: Scalar) -> State:
        return tuple(_gathered(layout, range(size), q, amounts, rates, t, 0))

    return advance


def _area(central: tuple[int, ...], layout: Layout) -> Callable[[Prepared, State, Rates, Scalar], Outputs]:
    def area(q: Prepared, amounts: State, rates: Rates, t: Scalar) -> Outputs:
        found = _gathered(layout, central, q, amounts, rates, t, 1)
        return tuple(x / volume for x, volume in zip(found, q.volumes, strict=True))

    return area


def _observe(central: tuple[int, ...]) -> Callable[[Prepared, State], Outputs]:
    def observe(q: Prepared, amounts: State) -> Outputs:
        return tuple(amounts[j] / volume for j, volume in zip(central, q.volumes, strict=True))

    return observe
