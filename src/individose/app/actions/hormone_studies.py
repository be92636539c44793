"""Published series of levels of a product become a posterior of its curve: priors, draws, and what they are held against.

Times are days, levels pg/mL, doses in the unit of the product's label; priors and parameters are per day. Needs numpyro.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from individose.app.actions.hormone import product_card
from individose.app.actions.series import Series, observations
from individose.base import InputError, Notice
from individose.drugs import Product, at_published, typical
from individose.drugs.spelling import listing
from individose.events import Dose
from individose.kinetics import compose

if TYPE_CHECKING:
    import numpy as np

    from individose.inference.generative import Chains, Check, LeftOut, Posterior, Prior, SeriesWeight

Model = Literal["one-curve", "weighted", "by-study"]
MODELS: tuple[Model, ...] = ("one-curve", "weighted", "by-study")

NAMES = ("d", "k1", "k2", "k3")
COLUMNS = ("study", "arm", "dose", "day", "level")
NUMBER = re.compile(r"(\w+\s*=\s*)?[\d.]+(e[+-]?\d+)?")
"""A number of a prior, perhaps by its name: `rate=5`."""

PRIOR = re.compile(r"(\w+)\s*=\s*(\w+)\(([^)]*)\)")


@dataclass(frozen=True, eq=False)
class Studies:
    """A posterior of a product's curve, its checks before and after, each series' weight, and each study left out."""

    product: Product
    model: Model
    priors: Mapping[str, Prior]
    posterior: Posterior
    before: Check
    after: Check
    weights: tuple[SeriesWeight, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def inferred(self) -> dict[str, np.ndarray]:
        """Draws of what the curve reads, and of the scatter where it is not known."""
        scatter = {"sigma": self.posterior.flat("sigma")} if "sigma" in self.posterior.draws else {}
        return {**self.posterior.parameters, **scatter}

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What must be known of the posterior, and of studies left out."""
        return (*self.posterior.notices, *(notice for one in self.left_out for notice in one.notices))


def read_series(path: str | Path, product: str) -> list[Series]:
    """Series of a CSV file with the columns study, arm, dose (in the unit of the label), day, level (pg/mL), perhaps sd.

    **Raises:** `InputError` for a file that cannot be read, a missing column or a cell that is no number.
    """
    kind = product_card(product).product
    assert kind is not None
    try:
        with Path(path).open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read", "a CSV file", remedy="Check the path.") from error
    missing = [name for name in COLUMNS if not rows or name not in rows[0]]
    if missing:
        raise InputError(
            f"{Path(path).name} has {'no row' if not rows else f'no column {listing(missing)}'}",
            f"the columns {listing(COLUMNS)}, and sd where it is known",
            "each row is one level of one arm of a study",
            "Add it.",
        )
    arms: dict[tuple[str, str, float], list[tuple[float, float, float | None]]] = {}
    for i, row in enumerate(rows):
        dose, day, level = (_number(row[name], name, i) for name in ("dose", "day", "level"))
        sd = _number(row["sd"], "sd", i) if row.get("sd") else None
        if (sd is None) != (not rows[0].get("sd")):
            raise InputError(
                f"row {i + 1} has {'no' if sd is None else 'an'} sd, and row 1 has {'one' if sd is None else 'none'}",
                "an SD for every level, or for none",
                "where they are known they take the place of sigma",
                "Give all of them, or leave the column out.",
            )
        arms.setdefault((row["study"], row["arm"], dose), []).append((day, level, sd))
    worn_d = kind.worn_h / 24.0
    return [
        Series(
            f"{study}, {arm or f'{dose:g}'}", study, (Dose(0.0, dose, removed_after_h=worn_d),),
            tuple(x[0] for x in levels), tuple(x[1] for x in levels),
            tuple(float(x[2] or 0.0) for x in levels) if all(x[2] for x in levels) else None,
        )
        for (study, arm, dose), levels in arms.items()
    ]  # fmt: skip


def _number(text: str, name: str, row: int) -> float:
    try:
        found = float(text)
    except (TypeError, ValueError):
        found = math.nan
    above = name in ("dose", "sd")
    if not math.isfinite(found) or found < 0.0 or (above and found == 0.0):
        raise InputError(
            f"row {row + 1}: {name} is '{text}'",
            f"a number {'above 0' if above else 'of 0 or more'}",
            remedy="Correct the cell.",
        )
    return found


def read_prior(text: str) -> tuple[str, Prior]:
    """A prior in words: `k1=gamma(1, rate=5)`, `sigma=inverse_gamma(2, 20)`.

    **Raises:** `InputError`.
    """
    from individose.inference.generative.prior import NUMBERS, Prior, gamma

    found = PRIOR.fullmatch(text.strip())
    units = {"d": "pg/mL per unit", "k1": "1/d", "k2": "1/d", "k3": "1/d", "baseline": "pg/mL", "sigma": "pg/mL"}
    written = [] if found is None else [part.strip() for part in found[3].split(",") if part.strip()]
    if found is None or found[1] not in units or found[2] not in NUMBERS or not all(map(NUMBER.fullmatch, written)):
        raise InputError(
            f"a prior is '{text}'",
            f"NAME=FAMILY(numbers), a name among {listing(units)} and a family among {listing(NUMBERS)}",
            remedy="As in k1=gamma(1, rate=5) or sigma=inverse_gamma(2, 20).",
        )
    name, family = found[1], found[2]
    words = {key.strip(): float(x) for key, sign, x in (part.partition("=") for part in written) if sign}
    numbers = tuple(float(part) for part in written if "=" not in part)
    if family == "gamma":
        shape = numbers[0] if numbers else float("nan")
        return name, gamma(shape, unit=units[name], rate=words.get("rate"), scale=words.get("scale"), why="given")
    return name, Prior(family, (*numbers, *words.values()), units[name], "given")  # pyright: ignore[reportArgumentType]


def priors(product: str) -> dict[str, Prior]:
    """Wide priors around the published point values of a product, of a baseline and of the scatter."""
    from individose.inference.generative import gamma, inverse_gamma, log_normal

    card = product_card(product)
    kind, values = card.product, typical(at_published(card), {})
    assert kind is not None
    rates = {"k1": values["k1"], "k2": values["k2"], "k3": values["k"]}
    scale = kind.mg_per_unit / values["V"] * 1e6
    found = {"d": log_normal(float(f"{scale:.3g}"), 1.0, unit="pg/mL per unit", why="published, within a factor of 5")}
    found |= {
        name: log_normal(float(f"{24 * rate:.3g}"), 1.0, unit="1/d", why="published, within a factor of 5")
        for name, rate in rates.items()
    }
    found["baseline"] = gamma(2.0, scale=4.0, unit="pg/mL", why="women after the menopause")
    return found | {"sigma": inverse_gamma(2.0, 20.0, unit="pg/mL", why="small values suppressed")}


def infer(
    series: Sequence[Series],
    product: str,
    *,
    model: Model = "weighted",
    given: Mapping[str, Prior] | None = None,
    how: Chains | None = None,
    leave_out: bool = False,
) -> Studies:
    """The posterior of a product's curve from published series of single doses.

    **Arguments:** `model` is one curve for all, one with weights and baselines of the series (`weighted`), or parameters of
    each study (`by-study`); `given` priors take the place of those of `priors`; `leave_out` also foretells each study by
    the others.
    """
    from individose.inference import generative as g

    card = product_card(product)
    kind = card.product
    assert kind is not None
    p = {**priors(product), **(given or {})}
    curve = {name: p[name] for name in NAMES}
    order = tuple(sorted(("k1", "k2", "k3"), key=lambda name: float(curve[name].distribution.median())))
    symmetry = g.Symmetry("d", ("k1", "k2", "k3"), removed=kind.worn_h > 0)
    built: Any
    if model == "one-curve":
        built = g.Gaussian(curve, p["sigma"], order, symmetry)
    elif model == "weighted":
        built = g.Weighted(curve, p["baseline"], p["sigma"], order=order, symmetry=symmetry)
    else:
        spread = {
            name: g.log_normal(0.25, 0.7, unit="1", why="studies differ by 10 to 70 per cent") for name in ("d", "k1")
        }
        built = g.Hierarchical(curve, spread, p["sigma"], baseline=p["baseline"], order=order, symmetry=symmetry)
    chain = compose("one_compartment", ("chain",), ("k", "V", "k1", "k2"), stages=2)
    seen = observations(
        chain, series, parameters=NAMES, unit="pg/mL", named=_of_chain, by_study=model == "by-study"
    )  # fmt: skip
    found = g.sample(built, seen, how)
    return Studies(
        kind,
        model,
        built.priors,
        found,
        g.prior_check(built, seen),
        g.posterior_check(found),
        g.weights(found) if model == "weighted" else (),
        g.leave_one_study_out(built, seen, how, posterior=found) if leave_out else (),
    )


def _of_chain(p: Any) -> Any:
    """The chain's own names; its hours are days here, and V = 1 / d, so that levels are pg/mL."""
    return {"k1": p["k1"], "k2": p["k2"], "k": p["k3"], "V": 1.0 / p["d"]}
