"""What the three generative models share: priors on the parameters, an order against symmetry, an error."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist

from individose.base import InputError
from individose.inference.generative.distributions import Ascending, distribution
from individose.inference.generative.observations import Observations
from individose.inference.generative.prior import Prior


@dataclass(frozen=True)
class Symmetry:
    """Which parameters are the scale and the rates of a chain whose rates may change places (`kinetics.symmetry`).

    **Arguments:** `rates` in the order of the chain, the elimination last; `removed` where doses are taken off again
    (a patch).
    """

    scale: str
    rates: tuple[str, ...]
    removed: bool = False


class AbstractGenerative(abc.ABC):
    """A generative model: a numpyro program over observations, and its priors as data."""

    symmetry: Symmetry | None
    order: tuple[str, ...]

    @property
    @abc.abstractmethod
    def priors(self) -> Mapping[str, Prior]:
        """Every prior by the name of what it is of, for a report."""

    @abc.abstractmethod
    def program(self, seen: Observations, values: Any) -> None:
        """The numpyro program; `values` are the levels, or None where they are to be drawn."""


def checked(parameters: Mapping[str, Prior], order: tuple[str, ...], symmetry: Symmetry | None, name: str) -> None:
    """Refuses settings that contradict one another.

    **Raises:** `InputError`.
    """
    known = set(parameters)
    twice = len(set(order)) != len(order)
    strange = [x for x in order if x not in known]
    if strange or twice or len(order) == 1:
        raise InputError(
            f"{name} is told the order {' < '.join(order)}",
            f"two or more of {', '.join(parameters)}, each once",
            "an order is one of parameters that have priors",
            'Write order=("k1", "k3", "k2") for k1 < k3 < k2.',
        )
    if symmetry is not None and not {symmetry.scale, *symmetry.rates} <= known:
        raise InputError(
            f"{name} has the symmetry of {', '.join((symmetry.scale, *symmetry.rates))}",
            f"names among {', '.join(parameters)}",
            "a symmetry is one of parameters that have priors",
            "Name the scale and the rates as the priors do.",
        )
    units = {parameters[x].unit for x in order}
    if len(units) > 1:
        raise InputError(
            f"{' < '.join(order)} have the units {', '.join(sorted(units))}",
            "one unit",
            "an order compares numbers",
            "Give their priors in one unit.",
        )


def drawn(name: str, of: dist.Distribution, values: Any = None) -> Any:
    """A site of the program (numpyro leaves its type open)."""
    return numpyro.sample(name, of, obs=values)


def sampled(parameters: Mapping[str, Prior], order: tuple[str, ...], symmetry: Symmetry | None) -> dict[str, Any]:
    """Sites for all parameters: those of `order` together and rising, with the scale of their chain where it is known; the
    others by themselves."""
    scale = symmetry.scale if symmetry and symmetry.rates[-1] in order and symmetry.scale not in order else None
    together = (*order, *((scale,) if scale else ()))
    found: dict[str, Any] = {
        name: drawn(name, distribution(prior)) for name, prior in parameters.items() if name not in together
    }
    if order:
        last = order.index(symmetry.rates[-1]) if symmetry and scale else 0
        each = [distribution(parameters[name]) for name in order]
        of_scale = distribution(parameters[scale]) if scale else None
        rising = drawn("rising", Ascending(each, of_scale, last))
        found |= {name: numpyro.deterministic(name, rising[..., i]) for i, name in enumerate(together)}
    return found


def scatter(sigma: Prior | None, seen: Observations) -> Any:
    """The SD of every level: the known ones, or one sigma for all.

    **Raises:** `InputError` where neither is there.
    """
    if seen.sd is not None:
        return jnp.asarray(seen.sd)
    if sigma is None:
        raise InputError(
            "neither the observations nor the model say anything of the error",
            "known SDs, or a prior of sigma",
            "levels scatter around their curve",
            "Give the model sigma=inverse_gamma(2, 20, unit=...).",
        )
    return drawn("sigma", distribution(sigma))


def levels(middle: Any, sd: Any, values: Any) -> None:
    """The levels around their curve, which is kept under the name `curve`; one that is not finite is impossible."""
    finite = jnp.isfinite(middle)
    middle = numpyro.deterministic("curve", jnp.where(finite, middle, 0.0))
    numpyro.factor("finite", jnp.where(jnp.all(finite), 0.0, -jnp.inf))
    drawn("level", dist.Normal(middle, sd), values)
