"""Where a drug goes once it is given: chains of stages, one to three compartments, an elimination of any form.

    dA_s/dt = r_{s-1} A_{s-1} - r_s A_s          each stage of a chain (a depot is a chain of one)
    dA_1/dt = arriving - E - sum_i (k1i A_1 - ki1 A_i)
    dA_i/dt = k1i A_1 - ki1 A_i                  C = A_1 / V

E is the `Law`'s. Each rate constant may fall with the concentration, k / (1 + (C / C50)^alpha): propofol, whose transfer
slows as it lowers cardiac output (Yang et al., Sci Rep 9 (2019) 14143, eqs. 1, 5, 6; the paper's a_ij goes from j to i,
here k10 = A_11, k12 = A_21, k21 = A_12, k13 = A_31, k31 = A_13, and its Q0 is 1: it cannot be told from A_ij).
The pharmacokinetic half of every system here, in the parameterisations of the closed forms.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import jax.numpy as jnp

from individose.kinetics.linear.composition import Chain
from individose.kinetics.linear.parameterisation import disposition as parameterised
from individose.kinetics.ode.model import Amounts, Moment, OdeSystem, Output, Scalar
from individose.kinetics.ode.systems.elimination import LAWS, Law
from individose.kinetics.ode.systems.metabolite import Metabolite
from individose.kinetics.system import Entry, Parameters

COMPARTMENTS = ("central", "peripheral", "peripheral2")
ELIMINATING = ("CL", "k10", "k")
"""Names of a linear elimination in a parameterisation; 0 where a card gives none beside a saturable one."""

DEPOT = Chain(("depot",), ("ka",))


@dataclass(frozen=True)
class Disposition:
    """**Arguments:**

    - `choice`: the parameterisation, one of `linear.parameterisation.CHOICES` (not exponents), and `given`: those of its
      names that are parameters.
    - `size`: 1, 2 or 3 compartments. `chains`: what leads into the central one.
    - `law` of elimination. `slowed`: the rate constants (`10`, `12`, ..) with a C50 and an alpha of their own.
    - `metabolite` that is formed; its compartments come behind the drug's.
    """

    choice: tuple[str, ...]
    given: tuple[str, ...]
    size: int
    chains: tuple[Chain, ...] = ()
    law: Law = LAWS["linear"][0]
    slowed: tuple[str, ...] = ()
    metabolite: Metabolite | None = None

    @property
    def stages(self) -> int:
        return sum(len(chain.stages) for chain in self.chains)

    @property
    def names(self) -> tuple[str, ...]:
        formed = self.metabolite.names if self.metabolite else ()
        stages = (stage for chain in self.chains for stage in chain.stages)
        return (*stages, *COMPARTMENTS[: self.size], *formed, *self.law.states)

    @property
    def parameters(self) -> tuple[str, ...]:
        hill = (f"{word}_{name}" for word in ("C50", "alpha") for name in self.slowed)
        rates = (rate for chain in self.chains for rate in chain.rates)
        formed = self.metabolite.parameters if self.metabolite else ()
        return tuple(dict.fromkeys((*self.law.parameters, *self.given, *rates, *hill, *formed)))

    @property
    def losses(self) -> tuple[str, ...]:
        """The rate constant of each stage, and nothing for the others."""
        return (*(rate for chain in self.chains for rate in chain.rates), *([""] * (len(self.names) - self.stages)))

    def untreated(self, before: int = 0) -> Callable[[Parameters], Amounts] | None:
        """`OdeSystem.initial` of this disposition with `before` compartments of others in front: that of the law's states."""
        if not any(self.law.start):
            return None
        start = (*(0.0,) * (before + len(self.names) - len(self.law.states)), *self.law.start)
        return lambda p: tuple(jnp.full_like(self.volume(p), x) for x in start)

    def volume(self, p: Parameters) -> Scalar:
        """Of the central compartment, L."""
        return p["V"] if "V" in self.choice else p["V1"]

    def concentration(self, p: Parameters, x: Amounts) -> Scalar:
        """Central amount over its volume, mg/L; `x` begins with this disposition's compartments."""
        return x[self.stages] / self.volume(p)

    def outputs(self, before: int = 0) -> dict[str, Output]:
        """What is observed, where `before` compartments of others come first."""
        seen: dict[str, Output] = {"central": lambda p, x: self.concentration(p, x[before:])}
        if self.metabolite is not None:
            formed, place = self.metabolite, before + self.stages + self.size
            seen["metabolite"] = lambda p, x: formed.concentration(p, x[place : place + len(formed.names)])
        return seen

    def entering(self, p: Parameters, absorbed: Scalar) -> Amounts:
        """Where what is absorbed goes (mg, or mg/h), by compartment of this disposition."""
        nothing = jnp.zeros_like(absorbed)
        as_drug, formed = self.metabolite.divided(p, absorbed) if self.metabolite else (absorbed, nothing)
        shares = {self.stages: as_drug, self.stages + self.size: formed}
        return tuple(shares.get(i, nothing) for i in range(len(self.names)))

    def rhs(self, p: Parameters, x: Amounts, now: Moment) -> Amounts:
        """Rates of change of this disposition's compartments, which come first in `x`."""
        c = self.concentration(p, x)
        spared = {name: jnp.zeros_like(c) for name in self.choice if name not in self.given}
        (k10, exchange), _ = parameterised(self.choice, {**p, **spared})
        slopes, arriving = self._absorbed(p, x)
        last = len(self.names)
        own = x[last - len(self.law.states) : last]
        eliminated = self.law.rate(p, c, self._slowed(p, "10", k10, c) * x[self.stages], own, now)
        as_drug, formed = self.metabolite.divided(p, arriving) if self.metabolite else (arriving, None)
        change = as_drug - eliminated
        outer: list[Scalar] = []
        for i, (out, back) in enumerate(exchange, start=2):
            outward = self._slowed(p, f"1{i}", out, c) * x[self.stages]
            moved = outward - self._slowed(p, f"{i}1", back, c) * x[self.stages + i - 1]
            change = change - moved
            outer.append(moved)
        others = () if self.law.change is None else self.law.change(p, c, own)
        if self.metabolite is not None and formed is not None:
            place = self.stages + self.size
            inside = x[place : place + len(self.metabolite.names)]
            others = (*self.metabolite.rhs(p, inside, eliminated, formed), *others)
        return (*slopes, change, *outer, *others)

    def _absorbed(self, p: Parameters, x: Amounts) -> tuple[list[Scalar], Scalar]:
        """Rates of change of the stages, and what reaches the central compartment, mg/h."""
        slopes: list[Scalar] = []
        arriving = jnp.zeros_like(x[0])
        for chain in self.chains:
            coming = jnp.zeros_like(x[0])
            for rate in chain.rates:
                leaving = p[rate] * x[len(slopes)]
                slopes.append(coming - leaving)
                coming = leaving
            arriving = arriving + coming
        return slopes, arriving

    def _slowed(self, p: Parameters, name: str, rate: Scalar, c: Scalar) -> Scalar:
        return rate * slowed(c, p[f"C50_{name}"], p[f"alpha_{name}"]) if name in self.slowed else rate


def slowed(c: Scalar, half: Scalar, steepness: Scalar) -> Scalar:
    """1 / (1 + (c / C50)^alpha); 1 where there is no drug. An infinite C50 switches the effect off."""
    there = c > 0.0
    share = jnp.where(there, c, 1.0) / half  # the power's derivative at 0 is not finite for alpha < 1
    return jnp.where(there, 1.0 / (1.0 + share**steepness), 1.0)


TRANSFERS = ("10", "12", "21", "13", "31")
"""Names of the rate constants that may be slowed."""


def described(pk: Disposition) -> str:
    """How a system of this disposition is called."""
    sizes = {1: "one_compartment", 2: "two_compartment", 3: "three_compartment"}
    by = ["+".join(chain.stages) for chain in pk.chains] or ["intravenous"]
    hill = ["transfer slowed by concentration"] if pk.slowed else []
    formed = [", ".join(("metabolite", "/".join(pk.metabolite.parameters)))] if pk.metabolite else []
    return ", ".join([sizes[pk.size], pk.law.name, *by, *hill, "/".join(pk.given), *formed])


def drug(pk: Disposition, entries: tuple[Entry, ...] = ()) -> OdeSystem:
    """The drug alone; a plain dose goes to `entries`, the first compartment where none are given."""
    return OdeSystem(
        name=described(pk),
        compartments=pk.names,
        parameters=pk.parameters,
        dosed=pk.names[0],
        rhs=pk.rhs,
        outputs=pk.outputs(),
        clock=pk.law.clock,
        entries=entries,
        losses=pk.losses,
        responses=pk.law.states,
        initial=pk.untreated(),
    )
