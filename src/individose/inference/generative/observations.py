"""What a generative model is held against: curves as a function of parameters, and the levels that lie on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from individose.base import InputError

Parameters = Mapping[str, Any]
Curve = Callable[[Parameters, Any], Float[Array, " samples"]]
"""(parameters in the units of their priors, one design) -> levels at its samples; pure, and equal ones share programs."""


@dataclass(frozen=True, eq=False)
class Observations:
    """Levels of several series of several studies.

    A *series* is what shares a weight and a baseline (one arm: a product and a dose); a *study* is what shares parameters in
    a hierarchical model. A *design* is one history for which a curve is worked out; series under the same dosing share
    one, up to the amount where the system is linear.

    **Arguments:**

    - `curve`, `designs`: the function, and what it takes, with a leading axis of designs.
    - `parameters`: the names that `curve` reads.
    - `design`, `sample`: for each level the design, and its place among the samples of that.
    - `amount`: what the curve is multiplied by (1, or the dose where designs hold a unit dose).
    - `value`: the levels, in `unit`; `sd` their known SDs, or None.
    - `series`: for each level its series; `series_names` for people.
    - `study`: for each series its study; `study_names`. `design_study`: for each design its study, -1 where
      several share it, which a hierarchical model refuses.
    - `time`: when each level was taken, for people and figures.

    **Raises:** `InputError` where the parts do not fit together, or a level is not finite.
    """

    curve: Curve
    designs: Any
    parameters: tuple[str, ...]
    design: np.ndarray
    sample: np.ndarray
    amount: np.ndarray
    value: np.ndarray
    unit: str
    series: np.ndarray
    series_names: tuple[str, ...]
    study: np.ndarray
    study_names: tuple[str, ...]
    design_study: np.ndarray
    time: np.ndarray
    sd: np.ndarray | None = None

    def __post_init__(self) -> None:
        lengths = {len(x) for x in (self.design, self.sample, self.amount, self.value, self.series, self.time)}
        if lengths != {len(self.value)} or len(self.value) == 0 or not np.all(np.isfinite(self.value)):
            raise InputError(
                f"the parts have lengths {sorted(lengths)}; {np.sum(np.isfinite(self.value))} levels are finite",
                "one finite level for each place",
                "every level lies on one curve and belongs to one series",
                "Leave out what was not measured.",
            )
        if self.sd is not None and not (len(self.sd) == len(self.value) and np.all(np.asarray(self.sd) > 0)):
            raise InputError(
                f"{len(self.sd)} SDs were given for {len(self.value)} levels",
                "one SD above 0 for each level, or none at all",
                "a level without error would outweigh all others",
                "Leave `sd` out to have sigma inferred.",
            )

    @property
    def n_series(self) -> int:
        return len(self.series_names)

    @property
    def n_studies(self) -> int:
        return len(self.study_names)

    def level_curves(self, p: Parameters) -> Float[Array, " levels"]:
        """The curve at every level, times its amount, for parameters that all studies share."""
        count = len(self.design_study)
        return self._at_levels({name: jnp.broadcast_to(jnp.asarray(x), (count,)) for name, x in p.items()})

    def level_curves_by_study(self, p: Parameters) -> Float[Array, " levels"]:
        """The same, where each parameter has a value for each study."""
        if np.any(self.design_study < 0):
            raise InputError(
                "a design is shared by several studies",
                "designs of one study each",
                "parameters differ from study to study",
                "Build the observations with by_study=True.",
            )
        return self._at_levels({name: jnp.asarray(x)[self.design_study] for name, x in p.items()})

    def _at_levels(self, p: Parameters) -> Float[Array, " levels"]:
        return forward(self.curve, p, self.designs)[self.design, self.sample] * self.amount

    def without(self, study: int) -> Observations:
        """All levels but those of one study, whose series are gone; studies keep their numbers."""
        return self._only(self.study[self.series] != study)

    def only(self, study: int) -> Observations:
        """The levels and series of one study; studies keep their numbers."""
        return self._only(self.study[self.series] == study)

    def _only(self, kept: np.ndarray) -> Observations:
        left, series = np.unique(self.series[kept], return_inverse=True)
        names = ("design", "sample", "amount", "value", "time")
        return replace(
            self,
            **{name: getattr(self, name)[kept] for name in names},
            sd=None if self.sd is None else np.asarray(self.sd)[kept],
            series=series,
            series_names=tuple(self.series_names[i] for i in left),
            study=self.study[left],
        )


def forward(curve: Curve, p: Parameters, designs: Any) -> Float[Array, "designs samples"]:
    """`curve` under every design, with parameters of its own (each (designs,)).

    Derivatives are carried forward with it: few parameters, many samples, and no solver to be reversed.
    """
    names = tuple(p)

    def levels(x: Any, design: Any) -> Any:
        return curve(dict(zip(names, x, strict=True)), design)

    def with_value(x: Any, design: Any) -> Any:
        found = levels(x, design)
        return found, found

    @jax.custom_vjp
    def carried(x: Any) -> Any:
        return jax.vmap(levels)(x, designs)

    def both(x: Any) -> Any:
        slope, found = jax.vmap(jax.jacfwd(with_value, has_aux=True))(x, designs)
        return found, slope

    carried.defvjp(both, lambda slope, change: (jnp.einsum("ds,dsp->dp", change, slope),))
    return carried(jnp.stack([jnp.asarray(p[name], float) for name in names], axis=-1))
