"""Which systems there are, by the words that a card uses: dispositions x inputs x parameterisations, composed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from functools import lru_cache

from individose.base import CardError
from individose.kinetics.linear.composition import Block, Chain, Plan, linear
from individose.kinetics.linear.parameterisation import CHOICES, choose
from individose.kinetics.system import Entry, System

INPUTS = {
    "bolus": "into the central compartment at once",
    "infusion": "into the central compartment over a stated time",
    "first_order": "from a depot at ka (several: ka1, ka2, ..)",
    "zero_order": "into the central compartment over a time that the model gives (duration)",
    "zero_then_first": "into a depot over a time that the model gives, and from it at ka",
    "transit": "through n equal stages at ktr, and on at ka where that is given (Erlang)",
    "chain": "through n stages at rates k1, .., kn (an ester that is released, then cleaved)",
    "savic_transit": "through n stages in the mean time MTT, n any number, and on at ka where that is given",
    "weibull": "by a Weibull law of the time since the dose (Td, shape)",
}
"""Inputs that a card may name, beside the numbers of stages of a transit or a chain."""

EXTRAVASCULAR = ("first_order", "zero_order", "zero_then_first", "transit", "chain")
REMEMBERED = ("savic_transit", "weibull")
"""Inputs by a law of the time since the dose: they need differential equations."""

FIRST_PASS = "fp"
"""The parameter that makes part of what is absorbed arrive as the metabolite."""

PERIPHERAL: dict[str, tuple[str, ...]] = {
    "one_compartment": (),
    "two_compartment": ("peripheral",),
    "three_compartment": ("peripheral", "peripheral2"),
}


def compose(
    disposition: str,
    inputs: tuple[str, ...],
    parameters: Collection[str] = (),
    *,
    stages: int = 0,
    metabolite: str | None = None,
    elimination: str = "linear",
    effect: str | None = None,
    stiff: bool = False,
) -> System:
    """The system of a disposition and its inputs, in the parameterisation that `parameters` name.

    **Arguments:** `parameters` are the names that a card gives (the first parameterisation of each disposition if
    empty); `stages` of a transit or chain; `metabolite` is the disposition of what the parent is eliminated into, with
    parameters that end in `m` (CLm, Vm), the fraction `fm`, and perhaps `fp`, the fraction of what a depot or the last stage
    delivers that has already become the metabolite (first pass); `elimination` and `effect` are words of
    `kinetics.ode.register`. What is linear is solved in closed form, everything else as differential equations: by an
    explicit method, or by an implicit one if `stiff` (processes of very different speed).

    **Raises:** `CardError` for a word that is not registered, or parameters that are not complete.
    """
    return _compose(
        disposition, tuple(inputs), tuple(sorted(parameters)), stages, metabolite, elimination, effect, stiff
    )


@lru_cache(maxsize=256)
def _compose(
    disposition: str,
    inputs: tuple[str, ...],
    names: tuple[str, ...],
    stages: int,
    metabolite: str | None,
    elimination: str,
    effect: str | None,
    stiff: bool,
) -> System:
    unknown = [name for name in inputs if name not in INPUTS]
    if unknown or not inputs:
        raise CardError(
            f"the input is '{', '.join(unknown) or 'none'}'",
            f"one of {', '.join(INPUTS)}",
            "the kinetics room's register",
            "Write the card with one of these.",
        )
    if disposition not in CHOICES:
        choose(disposition, names)
    given = names or CHOICES[disposition][0]
    if FIRST_PASS in given:
        _refuse_no_first_pass(inputs, metabolite)
    if elimination != "linear" or effect is not None or set(inputs) & set(REMEMBERED):
        return _nonlinear(disposition, inputs, given, stages, metabolite, elimination, effect, stiff)
    if stiff:
        raise CardError(
            f"a {disposition} with {' + '.join(inputs)} is said to be stiff",
            "a system of differential equations",
            "a linear system is solved in closed form, by no method of steps",
            "Leave stiff out.",
        )
    parent = Block(("central", *PERIPHERAL[disposition]), choose(disposition, given))
    formed = None
    if metabolite is not None:
        inside = ("metabolite", *(f"metabolite_{n}" for n in PERIPHERAL[metabolite]))
        formed = Block(inside, choose(metabolite, given, "m"), "m")
    chains, entries = _inputs(inputs, given, stages)
    plan = Plan(tuple(chains), parent, formed, first_pass=FIRST_PASS if FIRST_PASS in given else None)
    centre = plan.central[0]
    placed = tuple(dict.fromkeys(Entry(centre if e.compartment < 0 else e.compartment, e.modelled) for e in entries))
    outputs = ("central",) if formed is None else ("central", "metabolite")
    written = " + ".join(inputs) + (f", {stages} stages" if stages else "")
    name = f"{disposition}, {written}" + (f", metabolite {metabolite}" if metabolite else "")
    return linear(name, plan, placed, outputs)


def _refuse_no_first_pass(inputs: tuple[str, ...], metabolite: str | None) -> None:
    absorbed = [name for name in inputs if name not in ("bolus", "infusion")]
    if metabolite is None or not absorbed or "zero_order" in absorbed:
        raise CardError(
            f"{FIRST_PASS} is given for the input {' + '.join(inputs)}"
            + ("" if metabolite else " of a system without a metabolite"),
            "a metabolite, and an input through a depot or stages",
            f"{FIRST_PASS} divides what leaves the depot or the last stage between drug and metabolite",
            'Write input = "zero_then_first" or "first_order" with metabolite = "one_compartment", or leave it out.',
        )


def _nonlinear(
    disposition: str,
    inputs: tuple[str, ...],
    given: tuple[str, ...],
    stages: int,
    metabolite: str | None,
    elimination: str,
    effect: str | None,
    stiff: bool,
) -> System:
    """The same words as differential equations."""
    from individose.kinetics.ode import as_system  # the solvers are loaded where a card needs them
    from individose.kinetics.ode.register import composed
    from individose.kinetics.ode.systems.metabolite import Metabolite

    remembering = [name for name in inputs if name in REMEMBERED]
    others = tuple(name for name in inputs if name in EXTRAVASCULAR)
    if len(remembering) > 1 or (remembering and others):
        raise CardError(
            f"{' + '.join(inputs)} with {elimination} elimination is asked for",
            "one remembered input (savic_transit, weibull) alone",
            "the kinetics room's register",
            "Write the card with one of these.",
        )
    formed = None if metabolite is None else Metabolite(choose(metabolite, given, "m"), FIRST_PASS in given)
    if remembering:
        behind = (Chain(("depot",), ("ka",)),) if remembering[0] == "savic_transit" and "ka" in given else ()
        one = composed(
            disposition, behind, (), given,
            elimination=elimination, effect=effect, remembering=remembering[0], metabolite=formed,
        )  # fmt: skip
        return as_system(replace(one, stiff=stiff))
    chains, entries = _inputs(inputs, given, stages)
    centre = sum(len(chain.stages) for chain in chains)
    placed = tuple(dict.fromkeys(Entry(centre if e.compartment < 0 else e.compartment, e.modelled) for e in entries))
    one = composed(disposition, tuple(chains), placed, given, elimination=elimination, effect=effect, metabolite=formed)
    return as_system(replace(one, stiff=stiff))


def _inputs(inputs: tuple[str, ...], given: Collection[str], stages: int) -> tuple[list[Chain], list[Entry]]:
    """Chains of stages, and the entries of a plain dose (compartment -1 is the central one)."""
    chains: list[Chain] = []
    entries: list[Entry] = []
    outside = [name for name in inputs if name in EXTRAVASCULAR]
    twice = [name for name in ("transit", "chain") if outside.count(name) > 1]
    if twice or ("transit" in outside and "chain" in outside):
        raise CardError(
            f"the input is {' + '.join(inputs)}",
            "one transit or one chain",
            "the rates of two would have the same names",
            "Simulate them by two cards and add the levels up, or use depots (first_order) for one of them.",
        )
    depots = sum(name in ("first_order", "zero_then_first") for name in inputs)
    place = 0
    for name in outside or ["bolus"]:
        if name in ("bolus", "zero_order"):
            entries.append(Entry(-1, "duration" if name == "zero_order" and "rate" not in given else _modelled(name)))
            continue
        number = len(chains) + 1
        chain = _chain(name, number, depots, given, stages)
        chains.append(chain)
        entries.append(Entry(place, _way(name, given)))
        place += len(chain.stages)
    return chains, entries


def _modelled(name: str):
    return "rate" if name == "zero_order" else "no"


def _way(name: str, given: Collection[str]):
    if name != "zero_then_first":
        return "no"
    return "rate" if "rate" in given else "duration"


def _chain(name: str, number: int, depots: int, given: Collection[str], stages: int) -> Chain:
    if name in ("first_order", "zero_then_first"):
        rate = "ka" if depots == 1 else f"ka{number}"
        return Chain(("depot" if depots == 1 else f"depot{number}",), (rate,))
    if stages < 1:
        raise CardError(
            f"the input is {name} with {stages} stages",
            "at least 1 stage",
            remedy='As in system = { disposition = "one_compartment", input = "transit", stages = 3 }.',
        )
    labels = tuple(f"stage{i + 1}" for i in range(stages))
    if name == "chain":
        return Chain(labels, tuple(f"k{i + 1}" for i in range(stages)))
    if "ka" in given:
        return Chain((*labels, "depot"), (*(["ktr"] * stages), "ka"))
    return Chain(labels, ("ktr",) * stages)
