"""A drug eliminated by binding to its target, with binding at quasi-steady state.

With L the total drug in the central compartment (free and bound, mg/L), R the total target, C free drug:

    C     = ((L - R - Kss) + sqrt((L - R - Kss)^2 + 4 Kss L)) / 2
    V1 dL/dt = input + ka A_d - CL C - Q C + Q A_2/V2 - V1 kint R C / (Kss + C)
    dR/dt = ksyn - kdeg R - (kint - kdeg) R C / (Kss + C),   R(0) = ksyn / kdeg

R and Kss are concentrations in the drug's unit: mg/L of drug that the target can bind. Source: Gibiansky et al., J
Pharmacokinet Pharmacodyn 35 (2008) 573.
"""

from __future__ import annotations

import jax.numpy as jnp

from individose.kinetics.ode.model import Amounts, Moment, OdeSystem, Scalar
from individose.kinetics.ode.systems.disposition import Disposition, described
from individose.kinetics.system import Entry, Parameters


def free(total: Scalar, target: Scalar, kss: Scalar) -> Scalar:
    """Free drug; the form that does not cancel, whichever of drug and target is in excess."""
    excess = total - target - kss
    root = jnp.sqrt(excess**2 + 4.0 * kss * total + 1e-100)  # differentiable without drug and target
    short = excess < 0.0
    large = jnp.where(short, 1.0, 0.5 * (excess + root))
    return jnp.where(short, 2.0 * kss * total / jnp.where(short, root - excess, 1.0), large)


def target_mediated(pk: Disposition, entries: tuple[Entry, ...] = (), *, stiff: bool = False) -> OdeSystem:
    """**Arguments:** `pk` with linear elimination; `entries` as in `disposition.drug`; `stiff` where the target turns
    over much faster than the drug."""
    centre = pk.stages

    def concentration(p: Parameters, x: Amounts) -> Scalar:
        return free(x[centre] / pk.volume(p), x[-1], p["Kss"])

    def rhs(p: Parameters, x: Amounts, now: Moment) -> Amounts:
        volume, target = pk.volume(p), x[-1]
        c = concentration(p, x)
        bound = target * c / (p["Kss"] + c)
        unbound = (*x[:centre], c * volume, *x[centre + 1 : -1])
        slopes = list(pk.rhs(p, unbound, now))
        slopes[centre] = slopes[centre] - p["kint"] * bound * volume
        return (*slopes, p["ksyn"] - p["kdeg"] * target - (p["kint"] - p["kdeg"]) * bound)

    def initial(p: Parameters) -> Amounts:
        base = p["ksyn"] / p["kdeg"]
        return (*(jnp.zeros_like(base),) * len(pk.names), base)

    return OdeSystem(
        name=f"{described(pk)}, target_mediated (quasi-steady state)",
        compartments=(*pk.names, "target"),
        parameters=(*pk.parameters, "ksyn", "kdeg", "kint", "Kss"),
        dosed=pk.names[0],
        rhs=rhs,
        outputs={
            "central": concentration,
            **{name: output for name, output in pk.outputs().items() if name != "central"},
            "total": lambda p, x: x[centre] / pk.volume(p),
            "target": lambda p, x: x[-1],
        },
        responses=("target",),
        initial=initial,
        stiff=stiff,
        entries=entries,
        losses=(*pk.losses, ""),
    )
