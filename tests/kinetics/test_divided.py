"""The divided difference of exp(-r t): against 50 digits, against other formulas, and by its laws."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import cache

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from individose.base import InputError
from individose.kinetics.linear import decay_divided, leading_decay_divided
from individose.kinetics.linear.table import reach
from tolerances import EXACT, IDENTITY

jax.config.update("jax_enable_x64", True)

DIGITS = 50
mp = mpmath.MPContext()  # of our own: its precision is nobody else's
mp.dps = DIGITS
SMALLEST = mp.mpf("1e-300")
"""Below it float64 has no relative precision left to ask for; the absolute error is compared instead."""

value = jax.jit(decay_divided)
rate_gradient = jax.jit(jax.grad(decay_divided))
time_slope = jax.jit(jax.grad(decay_divided, argnums=1))


def exact(rates: Sequence[mpmath.mpf | float], t: mpmath.mpf | float) -> mpmath.mpf:
    """D in 50 digits: the plain recurrence, with as many digits more as its subtractions can lose."""
    r, t = sorted(mp.mpf(rate) for rate in rates), mp.mpf(t)
    m = len(r)
    if t == 0:
        return mp.mpf(1 if m == 1 else 0)
    gaps = [(high - low) * t for low, high in itertools.pairwise(r) if high > low]
    lost = max(0, -int(mp.floor(mp.log10(min(gaps))))) if gaps else 0
    with mp.workdps(DIGITS + (lost + 3) * m):
        column = [mp.exp(-(rate - r[0]) * t) for rate in r]
        for n in range(1, m):
            column = [
                (column[i] - column[i + 1]) / ((r[i + n] - r[i]) * t)
                if r[i + n] > r[i]
                else mp.exp(-(r[i] - r[0]) * t) / mp.factorial(n)
                for i in range(m - n)
            ]
        return column[0] * mp.exp(-r[0] * t) * t ** (m - 1)


def exact_slope_terms(rates: Sequence[float], t: float) -> tuple[mpmath.mpf, mpmath.mpf]:
    """The two terms whose difference is dD/dt, in 50 digits."""
    r = sorted(mp.mpf(rate) for rate in rates)
    gained = exact(r[1:], t) if len(r) > 1 else mp.mpf(0)
    return gained, r[0] * exact(r, t)


def exact_bend(rates: Sequence[float], t: float) -> tuple[mpmath.mpf, mpmath.mpf]:
    """d2D/dt2 and the sum of the sizes of its terms: the rule for dD/dt, used again on both of its terms."""
    r = sorted(mp.mpf(rate) for rate in rates)
    gained, lost = exact_slope_terms(r, t)
    before, after = exact_slope_terms(r[1:], t) if len(r) > 1 else (mp.mpf(0), mp.mpf(0))
    return before - after - r[0] * (gained - lost), before + after + r[0] * (gained + lost)


def assert_exact(found: float, expected: mpmath.mpf, size: mpmath.mpf | None = None, tolerance: float = EXACT) -> None:
    """`found` within `tolerance` of `expected`, relative to `size` (by default `expected` itself)."""
    assert np.isfinite(found)
    allowed = max(mp.mpf(tolerance) * (abs(expected) if size is None else size), SMALLEST)
    error = abs(mp.mpf(float(found)) - expected)
    assert error <= allowed, f"{found} for {mp.nstr(expected, 20)}: {mp.nstr(error / abs(expected), 3)} relative"


SPREADS = {
    "equal": lambda m: [1.0] * m,
    **{f"apart by {gap:g}, relative": (lambda m, gap=gap: [1.0 + gap * i for i in range(m)]) for gap in (1e-15, 1e-12)},
    **{
        f"apart by {gap:g}": (lambda m, gap=gap: [0.1 + gap * i for i in range(m)])
        for gap in 10.0 ** np.arange(-14, 0, 2)
    },
    "geometric over eight orders": lambda m: list(np.geomspace(1e-4, 1e4, m)),
    "one fast": lambda m: [0.1] * (m - 1) + [1e7],
    "one slow": lambda m: [1e-7] + [10.0] * (m - 1),
    "two groups": lambda m: [0.1 + 1e-13 * i if i % 2 else 40.0 + 1e-9 * i for i in range(m)],
    "transit chain": lambda m: [1.3] * max(m - 2, 0) + [0.9, 0.08][: min(m, 2)],
    "fast ones close together": lambda m: [0.05] + [1e8 + i for i in range(m - 1)],
    "one zero": lambda m: [*np.linspace(0.1, 1.0, m - 1), 0.0],
    "several zeros": lambda m: [0.0] * (m - m // 2) + [0.7] * (m // 2),
    "all zero": lambda m: [0.0] * m,
}
HALF_LIVES = [0.0, 1e-9, 1e-3, 0.3, 1.0, 3.0, 10.0, 40.0, 300.0, 1000.0]


def nasty(m: int) -> tuple[np.ndarray, np.ndarray]:
    """Rates (cases, m), in shuffled order, and times (cases,): half-lives of the slowest and of the fastest stage."""
    shuffle = np.random.default_rng(m)
    cases: list[tuple[np.ndarray, float]] = []
    for pattern in SPREADS.values():
        rates = np.array(pattern(m))
        moving = rates[rates > 0.0] if np.any(rates > 0.0) else np.ones(1)
        for count, rate in itertools.product(HALF_LIVES, {float(moving.min()), float(moving.max())}):
            cases.append((shuffle.permutation(rates), count * float(np.log(2.0)) / rate))
    return np.array([rates for rates, _ in cases]), np.array([t for _, t in cases])


@cache
def evaluated(m: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The nasty cases of m with value, rate gradient and time slope."""
    rates, times = nasty(m)
    found, (by_rate, by_time) = jax.jit(jax.vmap(jax.value_and_grad(decay_divided, argnums=(0, 1))))(rates, times)
    return rates, times, np.asarray(found), np.asarray(by_rate), np.asarray(by_time)


@pytest.mark.parametrize("m", range(1, 8))
def test_nasty_values_are_exact(m: int) -> None:
    rates, times, found, _, _ = evaluated(m)
    assert np.all(np.isfinite(found))
    assert np.all(found >= 0.0)
    for r, t, got in zip(rates, times, found, strict=True):
        assert_exact(got, exact(r, t))


@pytest.mark.parametrize("m", range(2, 8))
def test_values_are_exact_where_series_and_recurrence_meet(m: int) -> None:
    """The series is longest, and the recurrence cancels most, at a spread of `reach` in units of 1/t."""
    shuffle = np.random.default_rng(m)
    spreads = reach(m) * np.array([0.7, 0.9, 0.99, 1.0 - 1e-9, 1.0, 1.0 + 1e-9, 1.01, 1.1, 1.5, 2.0])
    shapes = [(np.arange(m) >= low) * 1.0 for low in range(1, m)] + [np.linspace(0, 1, m)]
    rates = np.array([0.2 + spread * shuffle.permutation(shape) for spread in spreads for shape in shapes])
    for r, got in zip(rates, jax.jit(jax.vmap(decay_divided, (0, None)))(rates, 1.0), strict=True):
        assert_exact(got, exact(r, 1.0))


@pytest.mark.parametrize("m", range(1, 8))
def test_nasty_rate_derivatives_are_exact(m: int) -> None:
    rates, times, _, by_rate, _ = evaluated(m)
    for r, t, got in zip(rates, times, by_rate, strict=True):
        for i in range(m):
            assert_exact(got[i], -exact([*r, r[i]], t))


@pytest.mark.parametrize("m", range(1, 8))
def test_nasty_time_derivatives_are_exact(m: int) -> None:
    """To the size of gain and loss: around the peak of D they meet, and no formula of rounded rates does better."""
    rates, times, _, _, by_time = evaluated(m)
    for r, t, got in zip(rates, times, by_time, strict=True):
        gained, lost = exact_slope_terms(r, t)
        assert_exact(got, gained - lost, gained + lost)


@pytest.mark.parametrize("m", range(1, 5))
def test_nasty_second_derivatives(m: int) -> None:
    rates, times = (cases[::7] for cases in nasty(m))
    (by_rates, mixed), (_, by_times) = jax.jit(jax.vmap(jax.hessian(decay_divided, argnums=(0, 1))))(rates, times)
    for case, (r, t) in enumerate(zip(rates, times, strict=True)):
        for i, j in itertools.product(range(m), repeat=2):
            expected = exact([*r, r[i], r[j]], t) * (2 if i == j else 1)
            assert_exact(by_rates[case, i, j], expected, tolerance=IDENTITY)
        for i in range(m):
            gained, lost = exact_slope_terms([*r, r[i]], t)
            assert_exact(mixed[case, i], lost - gained, gained + lost, IDENTITY)
        assert_exact(by_times[case], *exact_bend(r, t), tolerance=IDENTITY)


def test_a_second_derivative_of_seven_rates() -> None:
    r, t = [0.3, 0.0, 1.3, 1.3, 1.3 + 1e-9, 40.0, 1e6], 2.7
    twice = jax.jit(jax.grad(jax.grad(lambda k: decay_divided((*r[:2], k, *r[3:]), t))))
    assert_exact(twice(r[2]), 2 * exact([*r, r[2], r[2]], t), tolerance=IDENTITY)


def test_third_derivative() -> None:
    r, t = [0.4, 0.4], 3.0
    third = jax.jit(jax.grad(jax.grad(jax.grad(lambda k: decay_divided((k, 0.4), t)))))(0.4)
    assert_exact(third, -6 * exact([*r, 0.4, 0.4, 0.4], t), tolerance=IDENTITY)


@st.composite
def chains(draw: st.DrawFn, most: int = 7) -> tuple[list[float], float]:
    """Rates in groups of near neighbours, groups up to eight orders apart, some zero; up to 1000 half-lives."""
    m = draw(st.integers(1, most))
    centres = draw(st.lists(st.floats(-4.0, 4.0).map(lambda x: 10.0**x), min_size=1, max_size=m))
    gaps = st.one_of(st.just(0.0), st.floats(-15.0, -1.0).map(lambda x: 10.0**x))
    rate = st.one_of(st.just(0.0), st.builds(lambda c, g: c * (1.0 + g), st.sampled_from(centres), gaps))
    rates = draw(st.lists(rate, min_size=m, max_size=m))
    half_lives = draw(st.one_of(st.floats(0.0, 1e3), st.floats(-6.0, 3.0).map(lambda x: 10.0**x)))
    return rates, half_lives * float(np.log(2.0)) / draw(st.sampled_from([r for r in rates if r > 0.0] or [1.0]))


@given(chains())
def test_value_is_exact(chain: tuple[list[float], float]) -> None:
    rates, t = chain
    found = value(jnp.array(rates), t)
    assert found >= 0.0
    assert_exact(found, exact(rates, t))


@given(chains(most=5))
def test_derivatives_are_exact(chain: tuple[list[float], float]) -> None:
    rates, t = chain
    for rate, found in zip(rates, rate_gradient(jnp.array(rates), t), strict=True):
        assert_exact(found, -exact([*rates, rate], t))
    gained, lost = exact_slope_terms(rates, t)
    assert_exact(time_slope(jnp.array(rates), t), gained - lost, gained + lost)


@given(chains(), st.randoms(use_true_random=False))
def test_order_of_rates_does_not_matter(chain: tuple[list[float], float], random) -> None:
    rates, t = chain
    shuffled = random.sample(rates, len(rates))
    assert value(jnp.array(rates), t) == value(jnp.array(shuffled), t)


@given(chains(most=6))
def test_derivatives_add_up(chain: tuple[list[float], float]) -> None:
    """All rates raised by h multiply D by exp(-h t): minus the sum of the derivatives is t D."""
    rates, t = chain
    expected = t * value(jnp.array(rates), t)
    np.testing.assert_allclose(-jnp.sum(rate_gradient(jnp.array(rates), t)), expected, rtol=IDENTITY, atol=1e-300)


@pytest.mark.parametrize("m", range(2, 8))
def test_a_chain_is_the_exponential_of_its_matrix(m: int) -> None:
    """Opitz: unlike `exact`, the exponential of the whole matrix in 60 digits knows nothing of divided differences."""
    shuffle = np.random.default_rng(m)
    rates = shuffle.choice([0.0, 0.5, 0.5 + 1e-9, 2.0, 11.0], m)
    chain = mp.matrix(m, m)
    for stage in range(m):
        chain[stage, stage] = -mp.mpf(float(rates[stage])) * 3
        if stage:
            chain[stage, stage - 1] = mp.mpf(3)
    with mp.workdps(DIGITS + 10):
        whole = mp.expm(chain)  # of its scaling and squaring some digits are lost
    for stage, found in enumerate(leading_decay_divided(rates, 3.0)):
        assert_exact(found, whole[stage, 0])


@pytest.mark.parametrize("argument", range(4))
def test_derivatives_against_differences_in_fifty_digits(argument: int) -> None:
    rates, t, step = [0.3, 0.8, 0.8], 2.5, mp.mpf(10) ** -12

    def moved(by: mpmath.mpf) -> mpmath.mpf:
        arguments = [mp.mpf(x) for x in (*rates, t)]
        arguments[argument] += by
        return exact(arguments[:3], arguments[3])

    found = [*rate_gradient(jnp.array(rates), t), time_slope(jnp.array(rates), t)][argument]
    assert_exact(found, (moved(step) - moved(-step)) / (2 * step))


@pytest.mark.parametrize("rates", [[0.4], [0.4, 1.1], [1.1, 1.1, 0.02]])
def test_a_zero_rate_integrates(rates: list[float]) -> None:
    with mp.workdps(20):  # quad chooses its nodes by the digits asked for
        area = mp.quad(lambda s: exact(rates, s), [0, 1, 3, 7])
    assert_exact(value(jnp.array([*rates, 0.0]), 7.0), area)


@pytest.mark.parametrize("m", [1, 2, 3, 5])
def test_a_batch_is_a_loop(m: int) -> None:
    rates, times = (cases[::11] for cases in nasty(m))
    batch = jax.jit(jax.vmap(jax.value_and_grad(decay_divided, argnums=(0, 1))))(rates, times)
    one = jax.jit(jax.value_and_grad(decay_divided, argnums=(0, 1)))
    for case, (r, t) in enumerate(zip(rates, times, strict=True)):
        for found, expected in zip(jax.tree.leaves(one(r, t)), jax.tree.leaves(batch), strict=True):
            np.testing.assert_allclose(found, expected[case], rtol=IDENTITY, atol=1e-300)


def test_modes_of_differentiation_agree() -> None:
    rates, t, direction = jnp.array([0.3, 0.0, 0.3]), 1.7, jnp.array([1.0, -2.0, 0.5])
    forward, reverse = (jax.jit(mode(decay_divided))(rates, t) for mode in (jax.jacfwd, jax.jacrev))
    np.testing.assert_allclose(forward, reverse, rtol=IDENTITY)
    _, along = jax.jit(lambda *tangents: jax.jvp(decay_divided, (rates, t), tangents))(direction, 0.3)
    np.testing.assert_allclose(along, forward @ direction + 0.3 * time_slope(rates, t), rtol=IDENTITY)
    twice = [jax.jacfwd(jax.jacrev(decay_divided)), jax.jacrev(jax.jacfwd(decay_divided))]
    np.testing.assert_allclose(*(jax.jit(mode)(rates, t) for mode in twice), rtol=IDENTITY)


def test_a_curvature_through_a_scan_keeps_the_rule() -> None:
    """JAX's scan drops the rule of a `custom_jvp` here; its own derivative of the table has lost seven digits."""
    rates, t = (1.0, 0.1, 0.0), 277.0

    def scanned(ka: jax.Array, t: jax.Array) -> jax.Array:
        return jax.lax.scan(lambda total, _: (total + decay_divided((ka, *rates[1:]), t), None), 0.0, length=2)[0]

    _, mixed = jax.jit(lambda ka, t: jax.jvp(lambda s: jax.grad(scanned)(ka, s), (t,), (1.0,)))(rates[0], t)
    gained, lost = exact_slope_terms([*rates, rates[0]], t)
    assert_exact(mixed, -2 * (gained - lost))


def test_separate_scalars_equal_an_array_and_constants_are_free() -> None:
    t = 1.7
    assert decay_divided((0.3, 0.0, 0.9), t) == decay_divided(jnp.array([0.3, 0.0, 0.9]), t)
    whole = jax.grad(decay_divided)(jnp.array([0.3, 0.0, 0.9]), t)
    np.testing.assert_allclose(jax.grad(lambda k: decay_divided((k, 0.0, 0.9), t))(0.3), whole[0], rtol=IDENTITY)


def test_new_numbers_do_not_trace_again() -> None:
    traced = 0

    def counted(rates: jax.Array, t: jax.Array) -> jax.Array:
        nonlocal traced
        traced += 1
        return decay_divided(rates, t)

    compiled = jax.jit(jax.grad(counted))
    for rates in ([1.0, 1.0, 0.0], [1.0, 2.0, 3.0], [1e8, 1e-3, 0.0]):
        compiled(np.array(rates), np.float64(rates[1]))
    assert traced == 1


def test_no_early_underflow() -> None:
    """exp(-r t) alone is below the smallest float64 here; its product with t**6 is not."""
    rates, t = [1e-3] * 7, 7.2e5
    assert_exact(value(jnp.array(rates), t), exact(rates, t))


def test_a_time_before_zero_is_read_as_zero() -> None:
    rates = jnp.array([1.0, 2.0, 1e8])
    assert value(rates, -5.0) == value(rates, 0.0) == 0.0
    assert value(rates[:1], -5.0) == 1.0
    assert np.all(np.isfinite(rate_gradient(rates, -5.0)))


def test_no_nan_in_an_unused_branch() -> None:
    with jax.debug_nans(True), jax.debug_infs(True):
        for rates in ([0.5, 0.5, 0.5], [0.0, 0.0], [1e-12, 1e12, 1e12]):
            rate_gradient(jnp.array(rates), 4.0)


@pytest.mark.parametrize(("rates", "t"), [(np.ones((2, 2)), 1.0), (np.ones(0), 1.0), (np.ones(2), np.ones(3))])
def test_other_shapes_are_refused(rates: np.ndarray, t: float | np.ndarray) -> None:
    with pytest.raises(InputError, match="shape"):
        decay_divided(rates, t)
