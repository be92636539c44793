"""The divided-difference table of a decaying exponential: values only, accurate however the nodes lie.

With `y = (rates - slowest) t`, sorted, the entry of the nodes i..j is

    T[i, j] = (-1)**(j - i) * exp(-y)[y_i, .., y_j] > 0

and two roads lead to it (McCurdy, Ng & Parlett 1984):

- **near**, nodes within `reach(m)`: the power series of exp about the largest node y_j. All z_i = y_j - y_i are >= 0,
  so are all terms, and nothing cancels. Synthetic division of the truncated series by (z - z_i), one node after
  another, gives all entries of a column at one multiply-add per entry and power.
- **far**: the recurrence T[i, j] = (T[i, j-1] - T[i+1, j]) / (y_j - y_i), whose subtraction is harmless there.

Derivatives never pass through this module: `divided` gives them by an exact rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import factorial

import jax.numpy as jnp
from jaxtyping import Array


@lru_cache
def comparators(count: int) -> tuple[tuple[int, int], ...]:
    """Batcher's odd-even merge sort for `count` items: pairs to be put in ascending order, one after another."""
    pairs: list[tuple[int, int]] = []

    def merge(low: int, length: int, step: int) -> None:
        double = 2 * step
        if double < length:
            merge(low, length, double)
            merge(low + step, length, double)
            pairs.extend((at, at + step) for at in range(low + step, low + length - step, double))
        else:
            pairs.append((low, low + step))

    def sort(low: int, length: int) -> None:
        if length > 1:
            sort(low, length // 2)
            sort(low + length // 2, length // 2)
            merge(low, length, 1)

    sort(0, 1 << (count - 1).bit_length())  # for the next power of two, as if padded by +inf at the end
    return tuple((low, high) for low, high in pairs if high < count)


def ascending(rates: Sequence[Array]) -> list[Array]:
    """The same scalars, sorted; a fixed network, because `jnp.sort` under `vmap` is slow on a CPU."""
    ordered = list(rates)
    for low, high in comparators(len(ordered)):
        ordered[low], ordered[high] = jnp.minimum(ordered[low], ordered[high]), jnp.maximum(ordered[low], ordered[high])
    return ordered


def reach(count: int) -> float:
    """Spread up to which the series is used: it grows with the order, as does what the recurrence cancels."""
    return max(1.0, count / 2)


def powers_needed(spread: float, eps: float) -> int:
    """The k after which spread**k / k! stays below `eps`: the length of the series of exp on [0, spread]."""
    power, term = 0, 1.0
    while term >= eps or power < spread:
        power += 1
        term *= spread / power
    return power - 1


def series_column(offsets: Sequence[Array], powers: int) -> list[Array]:
    """exp[0, z_1], exp[0, z_1, z_2], ..: divided differences of exp over 0 and the leading `offsets`.

    **Arguments:** `offsets` are scalars in [0, reach]; `powers` is the length of the series.
    """
    order = len(offsets)
    found: list[Array] = []
    for power in range(powers + order - 1, -1, -1):
        above: list[Array | float] = [1.0 / factorial(power + 1), *found]  # (exp z - 1) / z, then each quotient
        extended = [lower + z * own for lower, z, own in zip(above, offsets, found, strict=False)]
        if len(found) < order:  # a quotient starts one power below the polynomial that it divides
            extended.append(jnp.full_like(offsets[0], above[len(found)]))
        found = extended
    return found


def table_corner(rates: Sequence[Array], t: Array) -> Array:
    """D(r_1, .., r_m; t), see `divided.decay_divided`; elementwise; rates in any order, t >= 0."""
    count = len(rates)
    if count <= 2:
        return _short(rates, t)
    ordered = ascending(rates)
    # exp(-slowest t) in two halves: alone it can underflow where its product with t**(m-1) does not
    half = jnp.exp(-0.5 * ordered[0] * t)
    return (_columns(ordered, t)[0, count - 1] * t ** (count - 1) * half) * half


def table_without(rates: Sequence[Array], left_out: Sequence[Sequence[Array]], t: Array) -> list[Array]:
    """D over the `rates` without those of each of `left_out`, which are among them and ascend: all from one table.

    (s + x) / [(s + s_k) .. (s + s_m)] = 1 / [(s + s_k+1) .. (s + s_m)] + (x - s_k) / [(s + s_k) .. (s + s_m)] takes a rate x
    out, with the rates s in ascending order. The i-th smallest of some of them is no less than s_i, so no term is negative.
    """
    count = len(rates)
    ordered = ascending(rates)
    table = _columns(ordered, t)
    half = jnp.exp(-0.5 * ordered[0] * t)
    last = [table[k, count - 1] * t ** (count - 1 - k) * half for k in range(count)]
    found: list[Array] = []
    for some in left_out:
        sums: list[Array | int] = [1]  # weights of the last entries, from the first on
        for x in some:
            longer: list[Array | int] = [0, *sums]
            for k, weight in enumerate(sums):
                longer[k] = longer[k] + weight * (x - ordered[k])
            sums = longer
        # where nothing is left the sum ends in a constant: a pulse at 0, which is over
        terms = [weight * last[k] for k, weight in enumerate(sums[:count])]
        found.append(sum(terms[1:], start=terms[0]) * half)
    return found


def _columns(ordered: Sequence[Array], t: Array) -> dict[tuple[int, int], Array]:
    """The table T of ascending rates."""
    count, slowest = len(ordered), ordered[0]
    y = [(rate - slowest) * t for rate in ordered]
    near_limit = reach(count)
    powers = powers_needed(near_limit, float(jnp.finfo(t.dtype).eps))

    table: dict[tuple[int, int], Array] = {(0, 0): jnp.ones_like(t)}
    for j in range(1, count):
        decay = jnp.exp(-y[j])
        table[j, j] = decay
        spreads = [y[j] - y[i] for i in range(j - 1, -1, -1)]
        # a node out of reach is drawn in: the series stays finite, and its entry is not used
        near = series_column([jnp.minimum(spread, near_limit) for spread in spreads], powers)
        for i, spread, entry in zip(range(j - 1, -1, -1), spreads, near, strict=True):
            far = spread > near_limit
            recurred = (table[i, j - 1] - table[i + 1, j]) / jnp.where(far, spread, 1.0)
            table[i, j] = jnp.where(far, recurred, entry * decay)

    return table


def _short(rates: Sequence[Array], t: Array) -> Array:
    """D of one or two rates, from exponentials of the rates themselves: those of a program's many D are then shared.

    With h = exp(-r t / 2), two rates far apart give (h_1 - h_2)(h_1 + h_2) / |r_1 - r_2|, and near ones t h^2 times the
    series of (1 - exp(-x)) / x at x = |r_1 - r_2| t, h that of the slower.
    """
    halves = [jnp.exp(-0.5 * rate * t) for rate in rates]
    if len(rates) == 1:
        return halves[0] * halves[0]
    first, second = halves
    gap = jnp.abs(rates[0] - rates[1])
    x = gap * t
    near = x < SHORT_REACH
    slower, faster = jnp.maximum(first, second), jnp.minimum(first, second)
    inside = jnp.minimum(x, SHORT_REACH)
    series = jnp.full_like(x, 1.0 / factorial(SHORT_POWERS + 1))
    for power in range(SHORT_POWERS - 1, -1, -1):
        series = 1.0 / factorial(power + 1) - inside * series
    far = (slower - faster) * (slower + faster) / jnp.where(near, 1.0, gap)
    return jnp.where(near, (series * t * slower) * slower, far)


SHORT_REACH = 1.0
"""Spread up to which two rates count as near."""

SHORT_POWERS = 17
"""Length of their series: 1 / 18! is under the rounding."""
