"""What a drug is eliminated into, whatever the law of its elimination, and what of it is formed before it arrives.

    dM_1/dt = fm E + fp I - (CLm / Vm) M_1 - exchange,   Cm = M_1 / Vm

E is all that is eliminated of the parent (mg/h, of every pathway), I what leaves its depot or last stage; of the latter
(1 - fp) I arrives as the drug. Amounts are mg of parent, as in the closed forms: the ratio of molar masses is part of
`fm` and of the volume. Its own elimination is linear.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp

from individose.kinetics.linear.parameterisation import disposition as parameterised
from individose.kinetics.ode.model import Amounts, Scalar
from individose.kinetics.system import Parameters

COMPARTMENTS = ("metabolite", "metabolite_peripheral", "metabolite_peripheral2")
SUFFIX = "m"


@dataclass(frozen=True)
class Metabolite:
    """**Arguments:** `choice`: its parameterisation, one of `linear.parameterisation.CHOICES` (names without the suffix);
    `first_pass`: whether `fp` is given."""

    choice: tuple[str, ...]
    first_pass: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        size = len(self.choice) // 2
        return COMPARTMENTS[:size]

    @property
    def parameters(self) -> tuple[str, ...]:
        return (*(f"{name}{SUFFIX}" for name in self.choice), "fm", *(("fp",) if self.first_pass else ()))

    def concentration(self, p: Parameters, m: Amounts) -> Scalar:
        """Central amount over its volume, mg/L; `m` are its own compartments."""
        return m[0] / parameterised(self.choice, p, SUFFIX).volume

    def divided(self, p: Parameters, absorbed: Scalar) -> tuple[Scalar, Scalar]:
        """What is absorbed, as drug and as metabolite."""
        formed = p["fp"] * absorbed if self.first_pass else jnp.zeros_like(absorbed)
        return absorbed - formed, formed

    def rhs(self, p: Parameters, m: Amounts, eliminated: Scalar, formed: Scalar) -> Amounts:
        """Rates of change of its compartments; the parent's elimination, and what arrives already formed, in mg/h."""
        (k10, exchange), _ = parameterised(self.choice, p, SUFFIX)
        moved = tuple(out * m[0] - back * x for (out, back), x in zip(exchange, m[1:], strict=True))
        change = p["fm"] * eliminated + formed - k10 * m[0]
        return (change - sum(moved[1:], start=moved[0]) if moved else change, *moved)
