"""What an elimination is multiplied by as treatment goes on: by time alone, or by exposure through a state of its own.

By the time t since the first drug of the history,

    exponential   f = 1 - inhibition (1 - exp(-kinh t))
    hyperbolic    f = 1 - inhibition (t - 1) / ((t - 1) + (T50 - 1)) for t > 1 h, 1 before

by the concentration C, which a state follows,

    inhibition    dI/dt = kinh (C - I),  I(0) = 0                    f = 1 - inhibition I / (C50_inh + I)
    inactivation  dE/dt = kenz (1 - E) - kinact C / (KI + C) E       f = E,  E(0) = 1
    induction     dE/dt = kenz (1 + induction C / (C50_ind + C) - E)  f = E,  E(0) = 1

The first two know no exposure: a patient who stops the drug does not recover in them. The hyperbolic one is the form of
voriconazole's Vmax (Friberg et al., Antimicrob Agents Chemother 56 (2012) 3032). I is the concentration in an inhibition
compartment, which lags behind C (clarithromycin: Abduljalil et al., Antimicrob Agents Chemother 53 (2009) 2892); E is the
amount of an enzyme relative to the untreated one, that turns over at kenz (1/h) and is destroyed by the drug (Mayhew et al.,
Drug Metab Dispos 28 (2000) 1031) or made faster by it (Svensson et al., Clin Pharmacol Ther 103 (2018) 674, rifampicin).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import jax.numpy as jnp

from individose.kinetics.ode.model import Amounts, Scalar
from individose.kinetics.system import Parameters

Change = Callable[[Parameters, Scalar, Amounts], Amounts]
"""(parameters, concentration in mg/L, states) -> their rates of change, per h."""


@dataclass(frozen=True)
class Factor:
    """**Arguments:** `value` (parameters, states, h since the first drug) -> the factor; whether it needs the `clock`;
    its `states`, their `start` without drug and their `change`."""

    name: str
    parameters: tuple[str, ...]
    value: Callable[[Parameters, Amounts, Scalar], Scalar]
    clock: bool = False
    states: tuple[str, ...] = ()
    start: tuple[float, ...] = ()
    change: Change | None = None


def exponential(p: Parameters, own: Amounts, t: Scalar) -> Scalar:
    """Falls at the rate kinh (1/h) to 1 - inhibition."""
    return 1.0 - p["inhibition"] * -jnp.expm1(-p["kinh"] * t)


def hyperbolic(p: Parameters, own: Amounts, t: Scalar) -> Scalar:
    """Half of the inhibition is there at T50 (h, > 1)."""
    since = jnp.maximum(t - 1.0, 0.0)
    return 1.0 - p["inhibition"] * since / (since + (p["T50"] - 1.0))


def _inhibited(p: Parameters, own: Amounts, t: Scalar) -> Scalar:
    return 1.0 - p["inhibition"] * own[0] / (p["C50_inh"] + own[0])


def _following(p: Parameters, c: Scalar, own: Amounts) -> Amounts:
    return (p["kinh"] * (c - own[0]),)


def _enzyme(p: Parameters, own: Amounts, t: Scalar) -> Scalar:
    return own[0]


def _inactivated(p: Parameters, c: Scalar, own: Amounts) -> Amounts:
    return (p["kenz"] * (1.0 - own[0]) - p["kinact"] * c / (p["KI"] + c) * own[0],)


def _induced(p: Parameters, c: Scalar, own: Amounts) -> Amounts:
    return (p["kenz"] * (1.0 + p["induction"] * c / (p["C50_ind"] + c) - own[0]),)


INHIBITED = (
    Factor("exponential", ("inhibition", "kinh"), exponential, clock=True),
    Factor("hyperbolic", ("inhibition", "T50"), hyperbolic, clock=True),
    Factor(
        "by exposure", ("inhibition", "C50_inh", "kinh"), _inhibited,
        states=("inhibition",), start=(0.0,), change=_following,
    ),
    Factor("inactivation", ("kinact", "KI", "kenz"), _enzyme, states=("enzyme",), start=(1.0,), change=_inactivated),
)  # fmt: skip
"""Ways in which an elimination falls."""

INDUCED = (
    Factor("induction", ("induction", "C50_ind", "kenz"), _enzyme, states=("enzyme",), start=(1.0,), change=_induced),
)
"""Ways in which it rises."""
