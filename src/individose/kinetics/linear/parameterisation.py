"""The ways in which papers give a disposition, and their exact conversion to rate constants and the central volume.

    clearances   CL, V1, Q, V2, ..         k10 = CL/V1, k12 = Q/V1, k21 = Q/V2
    rates        k10, k12, k21, .., V1
    exponents    C(t) / dose = A exp(-alpha t) + B exp(-beta t) + ..   (A in 1/L)

Source for the exponents: Gibaldi & Perrier, Pharmacokinetics (1982), ch. 2; written so that no difference cancels.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from individose.base import CardError
from individose.kinetics.linear.disposition import Micro, exponents, shares
from individose.kinetics.system import Parameters

Scalar = Float[Array, ""]


class Disposition(NamedTuple):
    """Rate constants (per h) and the volume (L) of the central compartment."""

    micro: Micro
    volume: Scalar


CHOICES: dict[str, tuple[tuple[str, ...], ...]] = {
    "one_compartment": (("CL", "V"), ("k", "V"), ("A", "alpha")),
    "two_compartment": (
        ("CL", "V1", "Q", "V2"),
        ("CL", "V1", "k12", "k21"),
        ("k10", "V1", "k12", "k21"),
        ("A", "alpha", "B", "beta"),
    ),
    "three_compartment": (
        ("CL", "V1", "Q2", "V2", "Q3", "V3"),
        ("k10", "V1", "k12", "k21", "k13", "k31"),
        ("A", "alpha", "B", "beta", "C", "gamma"),
    ),
}
"""Disposition to the sets of parameters that give it."""


def choose(disposition: str, names: Collection[str], suffix: str = "") -> tuple[str, ...]:
    """The parameterisation of a disposition whose names are all given (a metabolite's carry a suffix).

    **Raises:** `CardError` for an unknown disposition, or when no set is complete.
    """
    if disposition not in CHOICES:
        raise CardError(
            f"the disposition is '{disposition}'", f"one of {', '.join(CHOICES)}", "the kinetics room's register"
        )
    for choice in CHOICES[disposition]:
        if all(name + suffix in names for name in choice):
            return choice
    sets = "; or ".join(", ".join(name + suffix for name in choice) for choice in CHOICES[disposition])
    raise CardError(
        f"a {disposition} is given {', '.join(names) or 'nothing'}",
        f"it needs {sets}",
        "a disposition needs one of these sets whole",
        "Give one of them.",
    )


def disposition(choice: tuple[str, ...], p: Parameters, suffix: str = "") -> Disposition:
    """Rate constants and volume from one of `CHOICES`."""
    v = {name: p[name + suffix] for name in choice}
    if "alpha" in v:
        return from_exponents(
            tuple(v[n] for n in ("A", "B", "C") if n in v), tuple(v[n] for n in ("alpha", "beta", "gamma") if n in v)
        )
    volume = v["V"] if "V" in v else v["V1"]
    k10 = v["CL"] / volume if "CL" in v else v["k10"] if "k10" in v else v["k"]
    pairs: list[tuple[Scalar, Scalar]] = []
    for flow, out, back, other in (("Q", "k12", "k21", "V2"), ("Q2", "k12", "k21", "V2"), ("Q3", "k13", "k31", "V3")):
        if flow in v:
            pairs.append((v[flow] / volume, v[flow] / v[other]))
        elif out in v and flow != "Q":
            pairs.append((v[out], v[back]))
    return Disposition(Micro(k10, tuple(pairs)), volume)


def from_exponents(coefficients: tuple[Scalar, ...], rates: tuple[Scalar, ...]) -> Disposition:
    """From C(t)/dose = sum of coefficient exp(-rate t); coefficients in 1/L, rates in 1/h, fastest first, all > 0."""
    total = sum(coefficients[1:], start=coefficients[0])
    if len(rates) == 1:
        return Disposition(Micro(rates[0]), 1.0 / total)
    if len(rates) == 2:
        (a, b), (fast, slow) = coefficients, rates
        back = (a * slow + b * fast) / total
        out = a * b * (fast - slow) ** 2 / (total**2 * back)
        return Disposition(Micro(fast * slow / back, ((out, back),)), 1.0 / total)
    (a, b, c), (x, y, z) = coefficients, rates
    half = 0.5 * (a * (y + z) + b * (x + z) + c * (x + y)) / total
    product = (a * y * z + b * x * z + c * x * y) / total
    # the return rates are the two zeros of the numerator; the smaller one from their product
    faster = half + jnp.sqrt(jnp.maximum(half**2 - product, 0.0))
    slower = product / faster

    def onward(back: Scalar, other: Scalar) -> Scalar:
        return (x - back) * (y - back) * (z - back) / (back * (back - other))

    exchange = ((onward(faster, slower), faster), (onward(slower, faster), slower))
    return Disposition(Micro(x * y * z / product, exchange), 1.0 / total)


def to_exponents(found: Disposition) -> tuple[tuple[Scalar, ...], tuple[Scalar, ...]]:
    """Coefficients (1/L) and rates (1/h), fastest first: the inverse of `from_exponents`."""
    return tuple(share / found.volume for share in shares(found.micro)), exponents(found.micro)
