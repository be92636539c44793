"""Every family of nonlinear systems: against closed forms, laws, and its equations written down again for SciPy."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import gammaln, lambertw

from individose.kinetics import compose
from individose.kinetics.linear import decay_divided
from individose.kinetics.ode import ODE_SYSTEMS, Moment, Reason, RememberedDose, as_system
from individose.kinetics.ode.memory import taken_apart
from individose.kinetics.ode.segment import travel
from individose.kinetics.ode.systems.target_mediated import free
from kinetics.histories import labelled
from kinetics.ode_cases import BOLUSES, ONE, TIGHT, TIMES, TWO, by_scipy, closed, levels, line, scalars
from tolerances import IDENTITY, ODE

PLAUSIBLE = {
    "CL": 4.0,
    "V": 30.0,
    "V1": 20.0,
    "Q": 3.0,
    "V2": 40.0,
    "ka": 0.9,
    "Vmax": 12.0,
    "Km": 1.5,
    "inhibition": 0.6,
    "kinh": 0.02,
    "T50": 24.0,
    "C50_inh": 0.8,
    "kinact": 0.4,
    "KI": 0.7,
    "kenz": 0.03,
    "induction": 2.5,
    "C50_ind": 0.6,
    "n": 3.7,
    "MTT": 1.4,
    "Td": 2.0,
    "shape": 1.7,
    "ksyn": 0.3,
    "kdeg": 0.05,
    "kint": 0.2,
    "Kss": 0.4,
    "Kin": 9.0,
    "Kout": 0.3,
    "Imax": 0.9,
    "IC50": 0.5,
    "Smax": 3.0,
    "SC50": 0.7,
    "Circ0": 5.0,
    "MMT": 100.0,
    "feedback": 0.17,
    "slope": 0.1,
    "k10": 0.5,
    "k12": 0.4,
    "k21": 0.2,
    "k13": 0.1,
    "k31": 0.02,
    **{f"{w}_{n}": v for w, v in (("C50", 1.5), ("alpha", 2.0)) for n in ("10", "12", "21", "13", "31")},
}


def of(ode, **other):
    return {name: (other | PLAUSIBLE)[name] if name not in other else other[name] for name in ode.parameters}


@pytest.mark.parametrize("name", ODE_SYSTEMS)
def test_every_system_rests_without_drug_and_is_smooth_there(name):
    ode = ODE_SYSTEMS[name]
    p = scalars(of(ode))

    @jax.jit
    def at_rest(p, amount):
        zero = jnp.zeros(())
        start = ode.initial(p) if ode.initial else (zero,) * ode.size
        now = Moment(zero, (RememberedDose(amount, zero),) * ode.doses)
        ways = {name: jnp.asarray(1.0 + i) for i, name in enumerate(p)}

        def slope(q):
            return jax.jvp(lambda r: ode.rhs(r, start, now), (q,), (ways,))[1]

        bent = jax.jvp(slope, (p,), (ways,))
        return ode.rhs(p, start, now), bent, [output(p, start) for output in ode.outputs.values()]

    for amount in (0.0, 10.0):
        slopes, bent, seen = at_rest(p, jnp.array(amount))
        assert len(slopes) == ode.size
        assert amount or max(abs(float(x)) for x in slopes) < 1e-12
        assert all(np.all(np.isfinite(x)) for x in jax.tree.leaves((bent, seen)))
    assert as_system(ode) is as_system(ode)  # so that compiled programs are shared


def test_saturable_elimination_equals_lambert_w():
    p = {"Vmax": 12.0, "Km": 1.5, "V": 30.0}
    c0 = 400.0 / p["V"]
    times = np.array([0.0, 0.5, 3.0, 12.0, 30.0, 36.0, 48.0])
    exact = p["Km"] * lambertw(c0 / p["Km"] * np.exp((c0 - p["Vmax"] / p["V"] * times) / p["Km"])).real
    found = levels(ODE_SYSTEMS["michaelis_menten"], p, [(0.0, 400.0, 0.0, 0)], times)
    np.testing.assert_allclose(found, exact, rtol=IDENTITY)
    half = levels(ODE_SYSTEMS["michaelis_menten"], p, [(0.0, 200.0, 0.0, 0)], times)
    assert np.max(np.abs(2 * half / found - 1.0)) > 0.1  # superposition does not hold


def test_parallel_elimination_loses_nothing_and_unsaturated_it_is_linear():
    ode = ODE_SYSTEMS["parallel, two_compartment, first_order"]
    p = scalars(of(ode))

    def eliminated(x, _):
        c = x[1] / p["V1"]
        return p["CL"] * c + p["Vmax"] * c / (p["Km"] + c)

    whole = taken_apart(ode, tuple(jnp.array(x) for x in (300.0, 20.0, 0.0)))
    rates = tuple(jnp.array(x) for x in (0.0, 5.0, 0.0))
    end = jax.jit(lambda t: travel(ode, p, whole, rates, t, TIGHT, integrands=(eliminated,)))(jnp.array(15.0))
    assert float(sum(end.whole.x) + end.integrals[0]) == pytest.approx(320.0 + 75.0, rel=IDENTITY)
    linear = ODE_SYSTEMS["linear, two_compartment, first_order"]
    unsaturated = dict(TWO, CL=1.0, Vmax=3e9, Km=1e9)
    found = levels(ode, {k: unsaturated[k] for k in ode.parameters}, BOLUSES, TIMES)
    system = compose("two_compartment", ("first_order",), linear.parameters)
    np.testing.assert_allclose(found, closed(system, labelled(TWO), line(linear, BOLUSES, TIMES)), rtol=ODE)


def transit_by_hand(p, doses, times, density):
    """One-compartment level under any law of arrival: the convolution, by quadrature."""
    k = p["CL"] / p["V"]
    out = []
    for t in times:
        total = 0.0
        for time, amount, *_ in doses:
            if t > time:
                last = t - time
                parts = [0.0, *np.geomspace(last / 1e4, last, 12)]
                total += amount * sum(
                    quad(lambda s, last=last: density(s) * response(p, k, last - s), a, b, epsabs=0, epsrel=1e-11)[0]
                    for a, b in pairwise(parts)
                )
        out.append(total / p["V"])
    return np.array(out)


def response(p, k, t):
    if "ka" not in p:
        return np.exp(-k * t)
    return p["ka"] * (np.exp(-k * t) - np.exp(-p["ka"] * t)) / (p["ka"] - k)


def test_transit_absorption_with_an_integer_number_is_the_chain():
    """Doses that overlap: 4 transit compartments and the one that is dosed are five stages of Erlang's chain."""
    ode = ODE_SYSTEMS["savic_transit"]
    p = ONE | {"MTT": 9.0, "n": 4.0}
    ktr, k = 5.0 / p["MTT"], p["CL"] / p["V"]

    def one(since):
        stages = [jnp.array(ktr)] * 5
        return ktr**5 * p["ka"] * decay_divided([*stages, jnp.array(p["ka"]), jnp.array(k)], since) / p["V"]

    exact = sum(
        amount * np.array([float(one(jnp.array(t - at))) if t > at else 0.0 for t in TIMES])
        for at, amount, *_ in BOLUSES
    )
    found = levels(ode, {k: p[k] for k in ode.parameters}, BOLUSES, TIMES)
    np.testing.assert_allclose(found, exact, rtol=ODE, atol=ODE)
    real = p | {"MTT": 0.424, "n": 7.13}  # rifampicin, Wilkins et al. 2008
    found = levels(ode, {k: real[k] for k in ode.parameters}, BOLUSES, TIMES)
    rate = (real["n"] + 1) / real["MTT"]

    def density(s):
        return rate * np.exp(real["n"] * np.log(max(rate * s, 1e-300)) - rate * s - gammaln(real["n"] + 1))

    np.testing.assert_allclose(found, transit_by_hand(real, BOLUSES, TIMES, density), rtol=1e1 * ODE, atol=ODE)


def test_weibull_absorption_of_shape_one_is_first_order():
    ode = ODE_SYSTEMS["weibull"]
    values = {"CL": ONE["CL"], "V": ONE["V"], "Td": 1.0 / ONE["ka"], "shape": 1.0}
    p = {k: values[k] for k in ode.parameters}
    system = compose("one_compartment", ("first_order",), ("CL", "V", "ka"))
    exact = closed(system, labelled(ONE), line(ODE_SYSTEMS["linear, first_order"], BOLUSES, TIMES))
    np.testing.assert_allclose(levels(ode, p, BOLUSES, TIMES), exact, rtol=ODE, atol=ODE)
    steep = p | {"shape": 0.6, "Td": 3.0}  # its rate is infinite at the dose
    # the singularity is integrated in s = u^(1/shape), where it is none
    k = steep["CL"] / steep["V"]
    exact = [
        sum(
            amount
            * quad(lambda q, last=t - at: np.exp(-k * (last - steep["Td"] * (-np.log1p(-q)) ** (1 / 0.6))), 0, top)[0]
            for at, amount, *_ in BOLUSES
            if t > at and (top := -np.expm1(-(((t - at) / steep["Td"]) ** 0.6)))
        )
        / steep["V"]
        for t in TIMES
    ]
    np.testing.assert_allclose(levels(ode, steep, BOLUSES, TIMES), exact, rtol=1e1 * ODE, atol=ODE)


@pytest.mark.parametrize("name", ["savic_transit", "weibull"])
def test_nothing_is_lost_on_the_way_through_the_gut(name):
    ode = ODE_SYSTEMS[name]
    p = scalars(of(ode))
    state = tuple(jnp.array(100.0 if n == ode.dosed else 0.0) for n in as_system(ode).compartments)

    def eliminated(x, _):
        return p["CL"] * x[-1] / p["V"]

    @jax.jit
    def run(span):
        return travel(ode, p, taken_apart(ode, state), None, span, TIGHT, integrands=(eliminated,))

    for span in (0.7, 2.0):
        end = run(jnp.array(span))
        assert int(end.reason) == Reason.SOLVED
        assert float(sum(end.whole.x) + end.integrals[0]) == pytest.approx(100.0, rel=ODE)
        assert 1.0 < float(end.whole.x[0]) < 99.0


def test_free_drug_solves_the_binding_equation_wherever_drug_or_target_is_in_excess():
    for total in (1e-9, 1e-3, 1.0, 1e3):
        for target in (0.0, 1e-6, 1.0, 1e4):
            c = float(free(jnp.array(total), jnp.array(target), jnp.array(0.4)))
            assert 0.0 < c <= total
            assert c + target * c / (0.4 + c) == pytest.approx(total, rel=IDENTITY)


def test_target_mediated_without_a_target_is_linear_and_with_one_equals_scipy():
    ode = ODE_SYSTEMS["target_mediated"]
    free_of_target = TWO | {"ksyn": 0.0, "kdeg": 0.1, "kint": 0.2, "Kss": 0.4}
    found = levels(ode, {k: free_of_target[k] for k in ode.parameters}, BOLUSES, TIMES)
    linear = ODE_SYSTEMS["linear, two_compartment"]
    system = compose("two_compartment", ("bolus",), linear.parameters)
    p = labelled({k: TWO[k] for k in linear.parameters})
    np.testing.assert_allclose(found, closed(system, p, line(linear, BOLUSES, TIMES)), rtol=ODE)
    p = of(ode)

    def rhs(t, y):
        total, target = y[0] / p["V1"], y[2]
        b = total - target - p["Kss"]
        c = 0.5 * (b + np.sqrt(b * b + 4 * p["Kss"] * total))
        bound = target * c / (p["Kss"] + c)
        out = p["Q"] * (c - y[1] / p["V2"])
        return [
            -p["CL"] * c - out - p["kint"] * bound * p["V1"],
            out,
            p["ksyn"] - p["kdeg"] * target - (p["kint"] - p["kdeg"]) * bound,
        ]

    states = by_scipy(rhs, [0.0, 0.0, p["ksyn"] / p["kdeg"]], BOLUSES, TIMES)
    for output, expected in ((1, states[:, 0] / p["V1"]), (2, states[:, 2])):
        np.testing.assert_allclose(levels(ode, p, BOLUSES, TIMES, output=output), expected, rtol=ODE)


@pytest.mark.parametrize("kind", [1, 2, 3, 4])
def test_indirect_response(kind):
    ode = ODE_SYSTEMS[f"indirect_response {kind}"]
    p = of(ode)
    rest = levels(ode, p, [], TIMES, output=1)
    np.testing.assert_allclose(rest, p["Kin"] / p["Kout"], rtol=IDENTITY)

    def rhs(t, y):
        c = y[0] / p["V"]
        inhibits, makes = kind in (1, 2), kind in (1, 3)
        effect = 1 - p["Imax"] * c / (p["IC50"] + c) if inhibits else 1 + p["Smax"] * c / (p["SC50"] + c)
        change = p["Kin"] * effect - p["Kout"] * y[1] if makes else p["Kin"] - p["Kout"] * effect * y[1]
        return [-p["CL"] * c, change]

    states = by_scipy(rhs, [0.0, p["Kin"] / p["Kout"]], BOLUSES, TIMES)
    found = levels(ode, p, BOLUSES, TIMES, output=1)
    np.testing.assert_allclose(found, states[:, 1], rtol=ODE)
    assert (found[2] < rest[0]) == (kind in (1, 4))


def test_myelosuppression():
    ode = ODE_SYSTEMS["friberg"]
    p = of(ode, MMT=100.0, slope=0.9)
    times = np.array([0.0, 24.0, 120.0, 240.0, 400.0, 800.0, 2000.0])
    np.testing.assert_allclose(levels(ode, p, [], times, output=1), p["Circ0"], rtol=IDENTITY)
    ktr = 4.0 / p["MMT"]

    def rhs(t, y):
        drug, prol, one, two, three, circ = y
        made = ktr * prol * ((1 - p["slope"] * drug / p["V"]) * (p["Circ0"] / circ) ** p["feedback"] - 1)
        return [-p["CL"] / p["V"] * drug, made, *(ktr * d for d in (prol - one, one - two, two - three, three - circ))]

    doses = [(0.0, 300.0, 0.0, 0), (480.0, 200.0, 3.0, 0)]
    states = by_scipy(rhs, [0.0, *[p["Circ0"]] * 5], doses, times, method="Radau", rtol=1e-10, atol=1e-12)
    found = levels(ode, p, doses, times, output=1)
    np.testing.assert_allclose(found, states[:, -1], rtol=1e1 * ODE)
    assert found.min() < 0.8 * p["Circ0"]
    single = levels(ode, p, doses[:1], np.linspace(0, 2000, 40), output=1)
    assert single.max() > 1.01 * p["Circ0"]  # the rebound
    assert abs(single[-1] / p["Circ0"] - 1) < 0.05


@pytest.mark.parametrize("law", ["exponential", "hyperbolic"])
def test_auto_inhibition_counts_from_the_first_dose(law):
    ode = ODE_SYSTEMS["auto_inhibition" if law == "exponential" else "auto_inhibition, hyperbolic"]
    p = of(ode)
    first = 5.0
    doses = [(first + t, a, d, 0) for t, a, d, _ in BOLUSES]

    def rhs(t, y):
        c, since = y[0] / p["V"], max(t - first, 0.0)
        if law == "exponential":
            left = 1 - p["inhibition"] * (1 - np.exp(-p["kinh"] * since))
        else:
            later = max(since - 1, 0.0)
            left = 1 - p["inhibition"] * later / (later + p["T50"] - 1)
        return [-p["CL"] * c - left * p["Vmax"] * c / (p["Km"] + c)]

    times = TIMES + first
    expected = by_scipy(rhs, [0.0], doses, times)[:, 0] / p["V"]
    np.testing.assert_allclose(levels(ode, p, doses, times), expected, rtol=1e1 * ODE, atol=ODE)


def test_transfer_slowed_by_concentration():
    """Switched off it is the linear three-compartment model; on, it equals eqs. 5 and 6 in the paper's own indices."""
    ode = ODE_SYSTEMS["hill_rates"]
    doses = [(0.0, 200.0, 0.15, 0), (1.0, 50.0, 0.0, 0)]
    times = np.array([0.0, 0.1, 0.15, 0.5, 1.0, 2.0, 8.0, 24.0])
    p = of(ode)
    off = p | {name: np.inf for name in p if name.startswith("C50")}
    names = ("V1", "k10", "k12", "k21", "k13", "k31")
    system = compose("three_compartment", ("bolus",), names)
    exact = closed(system, labelled({k: p[k] for k in names}), line(ode, doses, times))
    np.testing.assert_allclose(levels(ode, off, doses, times), exact, rtol=ODE, atol=ODE)

    def a(i, j, c, constant):
        half, steep = p["C50_10"], p["alpha_10"]
        return constant * half**steep / (half**steep + c**steep)

    def rhs(t, y):
        c = y[0] / p["V1"]
        a11, a21, a12 = a(1, 1, c, p["k10"]), a(2, 1, c, p["k12"]), a(1, 2, c, p["k21"])
        a31, a13 = a(3, 1, c, p["k13"]), a(1, 3, c, p["k31"])
        return [
            -(a11 + a21 + a31) * y[0] + a12 * y[1] + a13 * y[2],
            a21 * y[0] - a12 * y[1],
            a31 * y[0] - a13 * y[2],
        ]

    on = levels(ode, p, doses, times)
    np.testing.assert_allclose(on, by_scipy(rhs, [0.0] * 3, doses, times)[:, 0] / p["V1"], rtol=ODE, atol=ODE)
    assert np.max(np.abs(on[1:] / exact[1:] - 1)) > 0.1
