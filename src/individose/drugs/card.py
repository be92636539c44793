"""A published population model as a record: what a card file holds once it has been read and checked.

The TOML file is the paper, transcribed; `schema` turns it into this record, `dimensions` has checked its equations.
Everything here is plain data: no numerical library is imported, so that listing cards is instant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from individose.drugs.expression import Expr

CardGrade = Literal["draft", "checked", "validated"]
Carry = Literal["backward", "forward", "linear"]
Transform = Literal["log-normal", "normal", "logit-normal", "box-cox"]
Spread = Literal["patients", "mean curve"]
"""What a card's effects stand for: how patients differ, or how well the mean curve of all of them is known."""
Convention = Literal["sd = a + b f", "sd2 = a2 + b2 f2", "sd = a + b f**c", "ln y = ln f + e"]


@dataclass(frozen=True)
class Source:
    """Where the numbers come from."""

    citation: str
    population: str
    doi: str = ""
    pmid: str = ""
    software: str = ""
    note: str = ""


@dataclass(frozen=True)
class Range:
    """What the model was built on: `min` and `max` in `unit`, or the `values` of a category."""

    min: float | None = None
    max: float | None = None
    unit: str = "1"
    values: tuple[str | float | bool, ...] = ()
    source: str = ""
    absurd_below: float | None = None
    absurd_above: float | None = None


@dataclass(frozen=True)
class CovariateUse:
    """How the card uses a covariate; `carry` is how its value runs between dates (`backward` is NONMEM's rule)."""

    name: str
    unit: str
    carry: Carry = "backward"


@dataclass(frozen=True)
class Constant:
    """A fixed effect: `value` in `unit`, its standard error if published, and where it is printed."""

    value: float
    unit: str = "1"
    se: float | None = None
    source: str = ""


@dataclass(frozen=True)
class Parameter:
    """A typical value: `equation` as printed, and the same as an expression that gives numbers in `unit` (canonical).

    **Arguments:** `expr` reads covariates and other parameters (their individual values), constants are numbers in it;
    `form` is the same with the constants by name, for those who vary them; `stated_unit` is the unit that the card writes
    beside the equation; `uses` are the parameters that it reads. An `auxiliary` one is read by other equations only.
    """

    name: str
    equation: str
    unit: str
    expr: Expr
    source: str = ""
    stated_unit: str = ""
    form: Expr | None = None
    meaning: str = ""
    uses: tuple[str, ...] = ()
    auxiliary: bool = False


@dataclass(frozen=True)
class Effect:
    """A random effect on a parameter: its variance and how it enters (`log-normal`: typical value times exp(eta)).

    `stated` is the variability as the paper states it; `shape` is Box and Cox's, given for `box-cox` only.
    """

    parameter: str
    omega2: float
    transform: Transform = "log-normal"
    level: Literal["subject", "occasion"] = "subject"
    stated: str = ""
    shape: float | None = None


@dataclass(frozen=True)
class Residual:
    """SD of the residual error at a prediction f, with a additive in mg/L and b proportional (a fraction).

    A power error has the exponent c, and b for levels in mg/L; for a log-additive one (`ln y = ln f + e`) b is the SD of e.
    `nu` makes it Student-t with that many degrees of freedom, the SD then being its scale.
    """

    convention: Convention
    additive_mg_L: float = 0.0
    proportional: float = 0.0
    exponent: float = 1.0
    nu: float | None = None


@dataclass(frozen=True)
class Target:
    """A therapeutic range of an exposure metric (`trough`, `average`, `peak`, `auc`), canonical units inside.

    `population` and `matrix` (serum, whole blood) say for whom and in what; `note` must be shown with the range.
    """

    metric: str
    low: float
    high: float
    unit: str
    source: str
    best: float | None = None
    population: str = ""
    matrix: str = ""
    note: str = ""


@dataclass(frozen=True)
class Dosing:
    """What can be prescribed: the route, the intervals, the smallest step of an amount that can be dispensed.

    The caps are for regimens that are advised (maintenance); a dose beyond them is a question, not a proposal.
    """

    step_mg: float
    intervals_h: tuple[float, ...]
    duration_h: float = 0.0
    max_daily_mg_per_kg: float | None = None
    max_daily_mg: float | None = None
    source: str = ""
    route: str = ""


@dataclass(frozen=True)
class Product:
    """How a dose is written and given.

    **Arguments:** `name` by which a regimen calls it; `form` whether it stays (an injection) or is taken off (a patch);
    `unit` of what its label states: an amount, or for a patch the release per time. A patch's amount (mg) is its label times
    `worn_h`, the time for which it is made: what it would release meanwhile at the labelled rate.
    """

    name: str
    form: Literal["injection", "patch"]
    unit: str
    mg_per_unit: float
    worn_h: float = 0.0


@dataclass(frozen=True)
class Check:
    """An example worked by hand: covariates in, typical values out, to `rtol`."""

    given: Mapping[str, float | str | bool]
    expect: Mapping[str, float]
    rtol: float = 1e-4


@dataclass(frozen=True)
class Group:
    """A subpopulation of a mixture: its share of the population, and the card of its members."""

    name: str
    probability: float
    card: Card
    source: str = ""


@dataclass(frozen=True)
class Card:
    """One published model. `effects` are in the order of `omega`'s rows; `omega` is the full covariance. `residual` is
    that of every analyte that has none of its own in `residuals`.

    `dosed` is what its equations read of the doses: `dose` (mg), `time` (h).

    `groups` are the subpopulations of a mixture (none otherwise); everything else is then that of the most frequent one.
    `spread` says what the effects stand for. Where it is the mean curve, `between` are the effects by which patients differ
    from it besides, and `published` the paper's own point values, where the parameters are the centre of a posterior.
    `parts` are the cards that this one puts side by side (`together`), by name.

    `grounds` says what its grade rests on: which program agrees, how closely; `digest` is the SHA-256 of its file.
    """

    id: str
    drug: str
    title: str
    grade: CardGrade
    disposition: str
    inputs: tuple[str, ...]
    source: Source
    domain: Mapping[str, Range]
    covariates: tuple[CovariateUse, ...]
    constants: Mapping[str, Constant]
    parameters: tuple[Parameter, ...]
    effects: tuple[Effect, ...]
    omega: tuple[tuple[float, ...], ...]
    residual: Residual
    targets: tuple[Target, ...] = ()
    dosing: Dosing | None = None
    checks: tuple[Check, ...] = ()
    revisions: tuple[str, ...] = ()
    molar_mass_g_mol: float | None = None
    grounds: str = ""
    stages: int = 0
    metabolite: str | None = None
    elimination: str = "linear"
    effect: str | None = None
    stiff: bool = False
    residuals: Mapping[str, Residual] = field(default_factory=dict)
    groups: tuple[Group, ...] = ()
    spread: Spread = "patients"
    between: tuple[Effect, ...] = ()
    published: tuple[Parameter, ...] = ()
    product: Product | None = None
    parts: tuple[tuple[str, Card], ...] = ()
    dosed: tuple[CovariateUse, ...] = ()
    digest: str = field(default="", compare=False)

    @property
    def read_by_system(self) -> tuple[str, ...]:
        """Names of the parameters that its system reads."""
        return tuple(one.name for one in self.parameters if not one.auxiliary)

    @property
    def system(self) -> str:
        """What the system is made of, for people."""
        if self.parts:
            return " beside ".join(f"{name} ({card.system})" for name, card in self.parts)
        ways = [word for word in self.inputs if word not in ("bolus", "infusion")]
        alone = [word for word in self.inputs if word not in ways]
        inputs = " or ".join([*([" and ".join(ways)] if ways else []), *alone])
        inputs += f" of {self.stages} stages" if self.stages else ""
        words = [self.disposition, f"input {inputs}"]
        words += [f"elimination {self.elimination}"] if self.elimination != "linear" else []
        words += [f"metabolite {self.metabolite}"] if self.metabolite else []
        words += [f"effect {self.effect}"] if self.effect else []
        return ", ".join([*words, *(["solved by an implicit method"] if self.stiff else [])])

    def __hash__(self) -> int:
        return hash(self.id)  # its mappings have no hash of their own
