"""Where the output of a linear system turns, and where it meets a level: all roots, without a grid.

Between events z = dx/dt = A x + b follows z' = A z, so the output's slope g(t) = c e^(A t) z(0) is a sum of n exponentials
(with powers of t where rates meet). For any rate r, exp(r t) g has the derivative exp(r t) (g' + r g), so that between two
roots of g lies one of g' + r g (Rolle). With r the fastest rate that combination has one exponential less, and equals the
slope from the start (A + r) z(0). One exponential has no root; each level up, the roots of the level below part the time
into pieces with at most one root each, which is then found by Newton steps kept in its bracket. The output itself, less
a threshold, is the last level.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from individose.base import InputError
from individose.kinetics.linear.composition import Prepared as LinearPrepared
from individose.kinetics.system import Prepared, State, System

Scalar = Float[Array, ""]

Index = Int[Array, ""]


class Motion(NamedTuple):
    """A system between events, written out: dx/dt = `matrix` x + rates, output = `row` x.

    `spectrum` holds the eigenvalues of -`matrix` with their multiplicities, fastest first.
    """

    matrix: Float[Array, "size size"]
    row: Float[Array, " size"]
    spectrum: Float[Array, " size"]


class Segment(NamedTuple):
    """A time without events: amounts (mg) and input rates (mg/h) at its start, seen from `begin` to `end` (h since it)."""

    motion: Motion
    amounts: Float[Array, " size"]
    rates: Float[Array, " size"] | None
    begin: Scalar
    end: Scalar


def rate_constants(system: System, q: Prepared, matrix: Array | None = None) -> Float[Array, " size"]:
    """The rates of all exponential phases (per h), dispositions before chains, equal ones as often as they occur;
    `matrix` is the system's own (`Motion`) where it is known already.

    **Raises:** `InputError` for a system that is not composed in closed form.
    """
    if not isinstance(q, LinearPrepared):
        raise InputError(
            f"the exponents of {system.name} were asked for",
            "a linear system in closed form",
            "a nonlinear system has none",
            "Use the exposure of the ODE road.",
        )
    staged = [i for i, name in enumerate(system.losses) if name]
    slopes = _matrix(system, q) if matrix is None else matrix
    return jnp.stack([*q.exponents, *(-slopes[i, i] for i in staged)])


def half_lives(system: System, q: Prepared) -> Float[Array, " size"]:
    """log 2 over each rate constant (h), longest first; those of absorption stages are among them."""
    return jnp.log(2.0) / jnp.sort(rate_constants(system, q))


def motion(system: System, q: Prepared, output: Index | int = 0) -> Motion:
    """What the system's pure functions say of its matrix: each column is the slope at 0 from a unit amount."""
    units = jnp.eye(system.size)
    seen = [jnp.stack(system.observe(q, apart(unit)))[output] for unit in units]
    matrix = _matrix(system, q)
    return Motion(matrix, jnp.stack(seen), jnp.sort(rate_constants(system, q, matrix))[::-1])


def _matrix(system: System, q: Prepared) -> Float[Array, "size size"]:
    if system.size == 1 and isinstance(q, LinearPrepared):
        return -jnp.reshape(q.nodes[0], (1, 1))

    def column(unit: Array) -> Array:
        # at 0 itself a maximum of t and 0 would have half a derivative
        begin = jnp.full((), 1e-300)
        return jax.jvp(lambda t: carried(system, q, unit, None, t), (begin,), (jnp.ones(()),))[1]

    return jax.vmap(column, out_axes=1)(jnp.eye(system.size))


def apart(amounts: Float[Array, " size"]) -> State:
    """An array as separate scalars."""
    return tuple(amounts[i] for i in range(len(amounts)))


def carried(system: System, q: Prepared, amounts: Array, rates: Array | None, t: Scalar) -> Float[Array, " size"]:
    """Amounts after `t` h, as one array."""
    return jnp.stack(system.advance(q, apart(amounts), None if rates is None else apart(rates), t))


class Curve(NamedTuple):
    """A segment's output in pieces from one point to the next, within each of which it only rises or only falls.

    - `times_h`: size + 1 points (h since the segment's start), ascending; spare ones repeat the end.
    - `levels`: the output (mg/L) there.
    - `crossings_h`: for each piece where the output meets the threshold, the piece's end when it does not.
    """

    times_h: Float[Array, " points"]
    levels: Float[Array, " points"]
    crossings_h: Float[Array, " pieces"]


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def curve(system: System, q: Prepared, segment: Segment, threshold: Scalar | None) -> Curve:
    """Where the output turns and where it meets `threshold` (mg/L), if there is one.

    First derivatives by all arguments are exact, those of times by the implicit function theorem.
    """
    size = system.size
    ends = jnp.stack([segment.begin, jnp.maximum(segment.begin, segment.end)])
    if size == 1 and threshold is None:  # a single exponential only rises or only falls
        states = jax.vmap(lambda t: carried(system, q, segment.amounts, segment.rates, t))(ends)
        return Curve(ends, states @ segment.motion.row, ends[1:])
    levels, rows = _levels(segment, jnp.asarray(jnp.inf) if threshold is None else threshold)

    def search(points: Array, level: _Level) -> tuple[Array, tuple[Array, _Found]]:
        def derivatives(t: Scalar) -> tuple[Array, Array]:
            state = carried(system, q, level.start, level.input, t)
            found, scale = rows @ state, jnp.abs(rows) @ jnp.abs(state)
            if level.input is not None:
                running = jnp.concatenate([jnp.zeros(1), rows[:-1] @ level.input])
                found, scale = found + running, scale + jnp.abs(running)
            return found, scale

        found = jax.vmap(partial(_root, derivatives, level))(points[:-1], points[1:])
        inside = jnp.sort(jnp.where(found.met, found.root, ends[1]))[: size - 1]
        return jnp.concatenate([ends[:1], inside, ends[1:]]), (points, found)

    nothing = jnp.concatenate([ends[:1], jnp.full(size, 1.0) * ends[1]])
    _, (points, found) = jax.lax.scan(search, nothing, levels, reverse=True)
    seen = jax.tree.map(lambda x: x[0], found)
    return Curve(points[0], jnp.concatenate([seen.first[:1], seen.second]), seen.root)


@curve.defjvp
def _curve_followed(system: System, primals: Any, tangents: Any) -> tuple[Curve, Curve]:
    """The same numbers as functions of what moves them; evaluated only where a derivative is asked for."""
    found = curve(system, *primals)
    return found, jax.jvp(partial(_followed, system, found), primals, tangents)[1]


def _followed(system: System, found: Curve, q: Prepared, segment: Segment, threshold: Scalar | None) -> Curve:
    m = segment.motion
    ends = jnp.stack([segment.begin, jnp.maximum(segment.begin, segment.end)])
    stopped = jax.lax.stop_gradient(ends)
    points, count = found.times_h, len(found.times_h)

    def there(t: Scalar) -> tuple[Array, Array, Array]:
        state = carried(system, q, segment.amounts, segment.rates, t)
        change = m.matrix @ state
        change = change if segment.rates is None else change + segment.rates
        return m.row @ state, m.row @ change, m.row @ (m.matrix @ change)

    inside = points[1:-1]
    turning = inside < stopped[1]
    here = jnp.concatenate([ends[:1], jnp.where(turning, inside, ends[1]), ends[1:], found.crossings_h])
    levels, slopes, bends = jax.vmap(there)(here)
    turned = _moved(here[1 : count - 1], slopes[1 : count - 1], bends[1 : count - 1])
    times = jnp.concatenate([ends[:1], jnp.where(turning, turned, ends[1]), ends[1:]])
    met = times[1:]
    if threshold is not None:
        crossing = _moved(found.crossings_h, levels[count:] - threshold, slopes[count:])
        met = jnp.where(found.crossings_h < points[1:], crossing, met)
    return Curve(times, levels[:count], met)


def _moved(roots: Array, values: Array, slopes: Array) -> Array:
    """Roots found without derivatives, as functions of what moves the `values`."""
    stop = jax.lax.stop_gradient
    flat = slopes == 0.0
    return roots - jnp.where(flat, 0.0, (values - stop(values)) / stop(jnp.where(flat, 1.0, slopes)))


class _Level(NamedTuple):
    """What is searched at one level: e^(`rate` t) times (output of what becomes of `start` and `input`, less `offset`)."""

    start: Array
    input: Array | None
    offset: Scalar
    rate: Scalar


ROUNDING = 8 * 2.3e-16
"""Error taken for one step of arithmetic, relative to the terms that were added."""


def _levels(segment: Segment, threshold: Scalar) -> tuple[_Level, Float[Array, "orders size"]]:
    """From the output over its slope down to two exponentials; and the rows that give value and derivatives of each.

    What a deflated start holds in a compartment is exactly 0 where it is no more than rounding: the sign there decides
    which roots are looked for.
    """
    m, amounts = segment.motion, segment.amounts
    n = len(amounts)
    size = jnp.abs(m.matrix)
    running = jnp.zeros(n) if segment.rates is None else segment.rates
    start, noise = m.matrix @ amounts + running, ROUNDING * (size @ jnp.abs(amounts) + jnp.abs(running))
    starts = [amounts]
    for j in range(n - 1):
        start = jnp.where(jnp.abs(start) > 2.0 * noise, start, 0.0)
        starts.append(start)
        terms = size @ jnp.abs(start) + m.spectrum[j] * jnp.abs(start)
        noise = jnp.abs(m.matrix + m.spectrum[j] * jnp.eye(n)) @ noise + ROUNDING * terms
        start = m.matrix @ start + m.spectrum[j] * start
    inputs = None if segment.rates is None else jnp.stack([segment.rates, *([0.0 * segment.rates] * (n - 1))])
    offsets = jnp.concatenate([threshold[None], jnp.zeros(n - 1)])
    rows = [m.row]
    for _ in range(n):
        rows.append(rows[-1] @ m.matrix)
    return _Level(jnp.stack(starts), inputs, offsets, jnp.append(0.0, m.spectrum[: n - 1])), jnp.stack(rows)


STEPS = 120
"""Bound on the steps to a root; bisection alone needs fewer than 80, Newton's method about 8."""

EPSILON = 2.3e-16
"""Two times that are closer than this (relative) are one."""

CONVERGED = 1e-9
"""After a Newton step that is shorter than this (relative), and far shorter than the one before, the next is rounding."""

SIGNIFICANT = 1e-12
"""A derivative below this fraction of its terms has no sign."""


class _Found(NamedTuple):
    """The root of a piece, its end if it is not `met`, and the values at both ends."""

    root: Array
    met: Array
    first: Array
    second: Array


class _Search(NamedTuple):
    low: Scalar
    high: Scalar
    at: Scalar
    last: Scalar
    stepped: Array
    sign: Scalar
    guess: Scalar
    first: Scalar
    second: Scalar
    wanted: Array
    done: Array
    steps: Array


def _root(f: Callable[[Scalar], tuple[Array, Array]], level: _Level, left: Scalar, right: Scalar) -> _Found:
    """The root in (left, right] of a function whose product with e^(rate t) is monotone there.

    `f` gives value and derivatives, and the size of their terms. Newton steps, replaced by halving when they leave the
    bracket or do not shrink by half. The first two evaluations are at the ends, so that a compiled program holds the
    system once.
    """
    finest = 1e-22 * (right - left)

    def step(s: _Search) -> _Search:
        found, scale = f(s.at)
        value = found[0] - level.offset
        slope = found[1] + level.rate * value
        at_left, at_right, searching = s.steps == 0, s.steps == 1, s.steps > 1
        # just right of a point where the function is 0 it has the sign of its first derivative that is not
        seen = found.at[0].set(value)
        certain = jnp.abs(seen) > SIGNIFICANT * scale.at[0].add(jnp.where(level.offset < jnp.inf, level.offset, 0.0))
        sign = jnp.where(at_left, jnp.sign(seen[jnp.argmax(certain)]) * jnp.any(certain), s.sign)
        # what has underflowed at the end counts as beyond a root: at worst a point more, where the output is 0
        beyond = (value * sign < 0.0) | ((value == 0.0) & (sign != 0.0))
        wanted = jnp.where(at_right, beyond & (left < right), s.wanted)
        before = value * sign > 0.0
        low, high = jnp.where(searching & before, s.at, s.low), jnp.where(searching & ~before, s.at, s.high)
        newton = s.at - value / jnp.where(slope == 0.0, 1.0, slope)
        safe = (slope != 0.0) & (newton >= low) & (newton <= high) & (jnp.abs(newton - s.at) <= 0.5 * s.last)
        guess = jnp.where(at_left & (slope != 0.0) & (newton > left) & (newton < right), newton, s.guess)
        chosen = jnp.where(safe & searching, newton, 0.5 * (low + high))
        chosen = jnp.where(at_left, right, jnp.where(at_right, guess, chosen))
        moved = jnp.where(searching, jnp.abs(chosen - s.at), right - left)
        tolerance = EPSILON * jnp.abs(chosen) + finest
        settled = safe & s.stepped & (moved <= CONVERGED * jnp.abs(chosen)) & (moved <= 0.01 * s.last)
        close = searching & (
            settled | (moved <= tolerance) | (high - low <= tolerance) | ((value == 0.0) & (slope != 0.0))
        )
        first, second = jnp.where(at_left, found[0], s.first), jnp.where(at_right, found[0], s.second)
        done = close | (at_right & ~wanted)
        return _Search(
            low, high, chosen, moved, safe & searching, sign, guess, first, second, wanted, done, s.steps + 1
        )

    no, nil = jnp.zeros((), dtype=bool), jnp.zeros(())
    middle = 0.5 * (left + right)
    begin = _Search(left, right, left, right - left, no, nil, middle, nil, nil, no, no, jnp.zeros((), dtype=jnp.int32))
    end = jax.lax.while_loop(lambda s: ~s.done & (s.steps < STEPS), step, begin)
    return _Found(jnp.where(end.wanted, end.at, right), end.wanted, end.first, end.second)
