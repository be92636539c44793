"""Responses through dispositions of two and three compartments, with derivatives that hold where exponents meet.

Exponents that meet have no derivatives by the rates, but what is symmetric in them has: so the rule of differentiation
belongs to a response as a whole, and is made of responses again (`words`). Values are sums of divided differences over the
exponents, all of whose terms are non-negative.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import add
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.core import ShapedArray
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir
from jaxtyping import Array

from individose.kinetics.linear.modes import Three, Two
from individose.kinetics.linear.table import ascending, table_corner, table_without
from individose.kinetics.linear.words import Phases, Word, begin, coefficients, nodes, residues, varied


class Part(NamedTuple):
    """A product of transforms, by the places of its factors among the operands; nothing of it is a number.

    - `stages`: places of rates of single stages, sorted, with repetitions
    - `zeros`: how often it is integrated over time
    - `through`: words in the disposition of each place
    """

    stages: tuple[int, ...]
    zeros: int
    through: tuple[tuple[int, tuple[Word, ...]], ...]


class Operands(NamedTuple):
    phases: tuple[Phases, ...]
    stages: tuple[Array, ...]
    t: Array


Weighed = tuple[Any, Part]


def passages(parts: Sequence[Part], phases: Sequence[Phases], stages: Sequence[Array], t: Array) -> tuple[Array, ...]:
    """The responses `parts` at time `t` (h), a time before 0 being read as 0.

    **Arguments:** scalars for one patient and one time, axes being for `jax.vmap`.
    """
    dtype = jax.dtypes.canonicalize_dtype(float)
    solved = tuple(p._replace(solved=jax.lax.stop_gradient(p.solved)) for p in phases)
    flat, _ = jax.tree.flatten(Operands(solved, tuple(stages), t))
    if not parts:
        return ()
    return tuple(
        PASSAGE.bind(
            *(jnp.asarray(x, dtype) for x in flat), parts=tuple(parts), sizes=tuple(len(p.rates) for p in phases)
        )
    )


PASSAGE = Primitive("passages")
"""All responses of a composition at one time, elementwise: they share their divided differences.

Its rule of differentiation binds it again, with the responses that `words.varied` names; derivatives of every order follow.

A primitive for the reason that `divided.RESPONSE` is one: `lax.scan` drops the rule of a `custom_jvp` in second derivatives.
"""
PASSAGE.multiple_results = True


def _operands(flat: Sequence[Any], sizes: tuple[int, ...]) -> Operands:
    found: list[Phases] = []
    place = 0
    for size in sizes:
        rates, shift = tuple(flat[place : place + size]), flat[place + size]
        place += size + 1
        if size == 3:
            found.append(Phases(rates, shift, Two(*flat[place : place + 4])))
            place += 4
        else:
            x = flat[place : place + 13]
            pairs = (x[3], x[4]), (x[5], x[6]), (x[7], x[8]), (x[9], x[10]), (x[11], x[12])
            found.append(Phases(rates, shift, Three((x[0], x[1], x[2]), *pairs)))
            place += 13
    return Operands(tuple(found), tuple(flat[place:-1]), flat[-1])


def _evaluated(*flat: Array, parts: tuple[Part, ...], sizes: tuple[int, ...]) -> tuple[Array, ...]:
    operands = _operands(flat, sizes)
    t = jnp.maximum(operands.t, 0.0)
    exponents = [nodes(phases) for phases in operands.phases]
    known: dict[Any, Any] = {}

    def weights(place: int, word: Word, alone: bool) -> list[tuple[tuple[int, ...], Any]]:
        """Weights of the exponents' divided differences, by how often each exponent is a node."""
        if (place, word, alone) not in known:
            phases, count = operands.phases[place], len(exponents[place])
            single = residues(phases, word) if alone else None
            found = coefficients(phases, word) if single is None else single
            counts = [tuple(int(k == j if single else k <= j) for k in range(count)) for j in range(count)]
            known[place, word, alone] = [
                pair for pair in zip(counts, found, strict=True) if not (isinstance(pair[1], int) and pair[1] == 0)
            ]
        return known[place, word, alone]

    derived = any(len(words) > 1 for part in parts for _, words in part.through)

    def sums(through: tuple[tuple[int, tuple[Word, ...]], ...]) -> dict[Any, Any]:
        if not through:
            return {tuple((0,) * len(one) for one in exponents): 1}
        if through not in known:
            *before, (place, (*others, word)) = through
            shorter = (*before, (place, tuple(others))) if others else tuple(before)
            known[through] = _times(sums(shorter), place, weights(place, word, not derived))
        return known[through]

    weighed = [sums(part.through) for part in parts]
    tables: dict[tuple[tuple[int, ...], int], dict[Counts, None]] = {}
    for part, terms in zip(parts, weighed, strict=True):
        tables.setdefault((part.stages, part.zeros), {}).update(dict.fromkeys(terms))
    divided: dict[Any, Array] = {}
    for (stages, zeros), needed in tables.items():
        more = [operands.stages[i] for i in stages] + [jnp.zeros_like(t)] * zeros
        values = (_one_table if derived else _each)(exponents, list(needed), more, t)
        divided |= {(stages, zeros, counts): value for counts, value in zip(needed, values, strict=True)}
    found: list[Array] = []
    for part, sums_ in zip(parts, weighed, strict=True):
        terms = [weight * divided[part.stages, part.zeros, counts] for counts, weight in sums_.items()]
        found.append(reduce(add, terms) if terms else jnp.zeros_like(t))
    return tuple(found)


Counts = tuple[tuple[int, ...], ...]
"""How often each exponent of each disposition is a node."""


def _repeated(exponents: Sequence[Sequence[Array]], counts: Counts) -> list[Array]:
    return [
        x
        for one, often in zip(exponents, counts, strict=True)
        for x, n in zip(one, often, strict=True)
        for _ in range(n)
    ]


def _each(exponents: Sequence[Sequence[Array]], needed: list[Counts], more: list[Array], t: Array) -> list[Array]:
    return [table_corner([*_repeated(exponents, counts), *more], t) for counts in needed]


def _one_table(exponents: Sequence[Sequence[Array]], needed: list[Counts], more: list[Array], t: Array) -> list[Array]:
    """Derivatives need many and large ones: all from the table of all nodes, which is less to compile."""
    whole = tuple(tuple(max(ns) for ns in zip(*(c[b] for c in needed), strict=True)) for b in range(len(exponents)))
    left_out: list[list[Array]] = []
    for counts in needed:
        gone = tuple(tuple(a - b for a, b in zip(x, y, strict=True)) for x, y in zip(whole, counts, strict=True))
        left_out.append(ascending(_repeated(exponents, gone)) if sum(map(sum, gone)) else [])
    found = table_without([*_repeated(exponents, whole), *more], left_out, t)
    # many sums have few such numbers: each would else be fused with, and repeat, all of them
    return list(jax.lax.optimization_barrier(found))


def _times(sums: dict[Any, Any], place: int, weights: Sequence[tuple[tuple[int, ...], Any]]) -> dict[Any, Any]:
    """Weights of divided differences, by the counts of their nodes, after one word more."""
    found: dict[Any, Any] = {}
    for counts, weight in sums.items():
        for more, c in weights:
            own = tuple(a + b for a, b in zip(counts[place], more, strict=True))
            key = (*counts[:place], own, *counts[place + 1 :])
            term = weight * c
            found[key] = found[key] + term if key in found else term
    return found


def _differentiated(
    flat: Sequence[Any], tangents: Sequence[Any], *, parts: tuple[Part, ...], sizes: tuple[int, ...]
) -> tuple[Sequence[Array], Sequence[Any]]:
    values = PASSAGE.bind(*flat, parts=parts, sizes=sizes)
    operands, moved = _operands(flat, sizes), _operands(tangents, sizes)
    changes: list[list[tuple[Any, Weighed]]] = [[] for _ in parts]  # (tangent, response)
    for found, part in zip(changes, parts, strict=True):
        for place, words in part.through:
            own = moved.phases[place]
            for by, tangent in enumerate((*own.rates, own.shift)):
                if not isinstance(tangent, ad.Zero):
                    found += [(tangent, weighed) for weighed in _by_rate(operands, part, place, words, by)]
        for place, tangent in enumerate(moved.stages):
            if not isinstance(tangent, ad.Zero) and place in part.stages:
                longer = part._replace(stages=tuple(sorted((*part.stages, place))))
                found.append((tangent, (-part.stages.count(place), longer)))
    slopes: list[Any] = [None] * len(parts)
    choices = [_slopes(operands, part) for part in parts] if not isinstance(moved.t, ad.Zero) else []
    needed = dict.fromkeys(p for found in changes for _, (_, p) in found)
    needed |= dict.fromkeys(p for candidates in choices for _, terms in candidates for _, p in terms)
    answers = dict(zip(needed, _bound(tuple(needed), flat, sizes, operands), strict=True))
    if choices:
        slopes = [_slowest(candidates, answers, operands.t) for candidates in choices]
    out: list[Any] = []
    for value, found, slope in zip(values, changes, slopes, strict=True):
        terms = [tangent * (weight * answers[p]) for tangent, (weight, p) in found]
        terms += [slope * moved.t] if slope is not None else []
        out.append(reduce(add, terms) if terms else jnp.zeros_like(value))
    return values, out


def _bound(parts: tuple[Part, ...], flat: Sequence[Any], sizes: tuple[int, ...], operands: Operands) -> Sequence[Array]:
    return PASSAGE.bind(*flat, parts=parts, sizes=sizes) if parts else ()


def _by_rate(operands: Operands, part: Part, place: int, words: tuple[Word, ...], by: int) -> Iterable[Weighed]:
    found: dict[Part, Any] = {}
    for i, word in enumerate(words):
        for weight, product in varied(operands.phases[place], word, by):
            one = _with(part, place, (*words[:i], *product, *words[i + 1 :]))
            found[one] = found[one] + weight if one in found else weight
    return [(weight, one) for one, weight in found.items()]


def _with(part: Part, place: int, words: tuple[Word, ...]) -> Part:
    through = dict(part.through) | {place: tuple(sorted(words))}
    return part._replace(through=tuple((p, w) for p, w in sorted(through.items()) if w))


def _slopes(operands: Operands, part: Part) -> list[tuple[Any, list[Weighed]]]:
    """The derivative by the time in several ways, each with a rate: exact all of them, accurate that of the slowest rate."""
    if part.zeros:
        return [(0.0, [(1, part._replace(zeros=part.zeros - 1))])]
    found: list[tuple[Any, list[Weighed]]] = []
    for place, words in part.through:
        terms: list[Weighed] = []
        first, *others = words
        alone = not others and len(part.through) == 1 and not part.stages
        terms.append((1, _with(part, place, ((first[0], first[1], first[2] + 1), *others))))
        jump = 0 if alone else begin(operands.phases[place], first)
        if not (isinstance(jump, int) and jump == 0):
            terms.append((jump, _with(part, place, tuple(others))))
        found.append((nodes(operands.phases[place])[-1], terms))
    for place in dict.fromkeys(part.stages):
        rate = operands.stages[place]
        fewer = list(part.stages)
        fewer.remove(place)
        shorter = part._replace(stages=tuple(fewer))
        # what is left may begin with a jump from 0, which the product with the stage smooths
        found.append((rate, [(1, shorter), (-rate, part)]))
    return found


def _slowest(candidates: list[tuple[Any, list[Weighed]]], answers: dict[Part, Array], t: Array) -> Array:
    slowest, slope = None, jnp.zeros_like(t)
    for rate, terms in candidates:
        values = [weight * answers[p] for weight, p in terms]
        value = reduce(add, values)
        if slowest is None:
            slowest, slope = rate, value
        else:
            slower = rate < slowest
            slowest, slope = jnp.where(slower, rate, slowest), jnp.where(slower, value, slope)
    return slope


def _batched(
    flat: Sequence[Array], axes: Sequence[int | None], *, parts: tuple[Part, ...], sizes: tuple[int, ...]
) -> tuple[Sequence[Array], Sequence[int]]:
    in_front = [x if axis is None else jnp.moveaxis(x, axis, 0) for x, axis in zip(flat, axes, strict=True)]
    shape = next(x.shape for x, axis in zip(in_front, axes, strict=True) if axis is not None)
    found = PASSAGE.bind(*(jnp.broadcast_to(x, shape) for x in in_front), parts=parts, sizes=sizes)
    return found, [0] * len(parts)


_compiled = jax.jit(_evaluated, static_argnames=("parts", "sizes"))
PASSAGE.def_impl(_compiled)
PASSAGE.def_abstract_eval(lambda *flat, parts, sizes: [ShapedArray(flat[-1].shape, flat[-1].dtype)] * len(parts))
mlir.register_lowering(PASSAGE, mlir.lower_fun(_compiled, multiple_results=True))
ad.primitive_jvps[PASSAGE] = _differentiated
batching.primitive_batchers[PASSAGE] = _batched
