"""Which systems of differential equations there are, composed from what a card may name. One of one's own is one more line.

`composed` is what cards use; `ODE_SYSTEMS` holds an example of each kind by name, for tests, figures and benchmarks.
"""

from __future__ import annotations

from collections.abc import Collection

from individose.base import CardError
from individose.kinetics.linear.composition import Chain
from individose.kinetics.linear.parameterisation import CHOICES, choose
from individose.kinetics.ode.model import OdeSystem
from individose.kinetics.ode.systems.disposition import DEPOT, ELIMINATING, TRANSFERS, Disposition, drug
from individose.kinetics.ode.systems.elimination import LAWS, Law
from individose.kinetics.ode.systems.friberg import friberg
from individose.kinetics.ode.systems.indirect_response import indirect_response
from individose.kinetics.ode.systems.metabolite import Metabolite
from individose.kinetics.ode.systems.savic_transit import savic_transit
from individose.kinetics.ode.systems.target_mediated import target_mediated
from individose.kinetics.ode.systems.weibull_absorption import weibull_absorption
from individose.kinetics.system import Entry

ELIMINATIONS = (*LAWS, "hill", "target_mediated")
"""What a card may say of elimination; `hill` slows every rate constant that has a C50 and an alpha."""

EFFECTS = (*(f"indirect_response_{kind}" for kind in (1, 2, 3, 4)), "friberg")
"""What may be put behind a drug."""

REMEMBERING = {"savic_transit": savic_transit, "weibull": weibull_absorption}
"""Inputs by a law of the time since each dose."""


def composed(
    disposition: str,
    chains: tuple[Chain, ...],
    entries: tuple[Entry, ...],
    given: Collection[str],
    *,
    elimination: str = "linear",
    effect: str | None = None,
    remembering: str | None = None,
    metabolite: Metabolite | None = None,
) -> OdeSystem:
    """The system of a disposition, the chains and entries of its input, an elimination, a metabolite and an effect.

    **Arguments:** `given` are the parameters that a card gives; `remembering` is a name of `REMEMBERING`.

    **Raises:** `CardError` for a word that is not registered, parameters that are not complete, or a combination that
    has no meaning.
    """
    for word, known in ((elimination, ELIMINATIONS), *(((effect, EFFECTS),) if effect else ())):
        if word not in known:
            raise CardError(
                f"the elimination or effect is '{word}'",
                f"one of {', '.join(known)}",
                "the kinetics room's register",
                "Write the card with one of these.",
            )
    # a saturable elimination may stand alone: then the linear one of the parameterisation is 0
    spared = ELIMINATING if elimination.startswith("michaelis_menten") else ()
    whole = [one for one in CHOICES.get(disposition, ()) if set(one) <= set(given)]
    choice = whole[0] if whole else choose(disposition, (*given, *spared))
    if "alpha" in choice:
        raise CardError(
            f"a {disposition} with {elimination} elimination is given by exponents",
            "clearances or rate constants",
            "only a linear disposition has exponents",
            "Give one of these sets.",
        )
    slowed = tuple(name for name in TRANSFERS if elimination == "hill" and f"C50_{name}" in given)
    alone = [name for name in TRANSFERS if (f"C50_{name}" in given) != (f"alpha_{name}" in given)]
    if alone or (elimination == "hill" and not slowed):
        raise CardError(
            f"a {disposition} with hill elimination is given {', '.join(sorted(given))}",
            "a C50 and an alpha together (C50_10 and alpha_10), for one rate constant at least",
            "each rate constant falls with the level by both",
            f"Add C50_{(alone or ['10'])[0]} and alpha_{(alone or ['10'])[0]}.",
        )
    size = 1 + list(CHOICES).index(disposition)
    law = _law("linear" if elimination in ("hill", "target_mediated") else elimination, given)
    pk = Disposition(choice, tuple(name for name in choice if name in given), size, chains, law, slowed, metabolite)
    found = _with_input(pk, elimination, entries, remembering)
    if effect is None:
        return found
    return friberg(found) if effect == "friberg" else indirect_response(int(effect[-1]), found)  # pyright: ignore[reportArgumentType]


def _with_input(pk: Disposition, elimination: str, entries: tuple[Entry, ...], remembering: str | None) -> OdeSystem:
    if remembering is None:
        return target_mediated(pk, entries) if elimination == "target_mediated" else drug(pk, entries)
    if elimination == "target_mediated" or len(pk.chains) > (remembering == "savic_transit"):
        raise CardError(
            f"the input {remembering} is combined with {elimination} elimination and {len(pk.chains)} depots",
            "one depot (ka) behind savic_transit, none behind weibull, no target-mediated elimination",
            "a remembered input is one input",
            "Use transit with whole stages, or another elimination.",
        )
    return REMEMBERING[remembering](pk)


def _law(word: str, given: Collection[str]) -> Law:
    whole = [law for law in LAWS[word] if set(law.parameters) <= set(given)]
    if whole:
        return max(whole, key=lambda law: len(law.parameters))
    raise CardError(
        f"elimination {word} is given {', '.join(sorted(given))}",
        f"it needs {' or '.join(', '.join(law.parameters) for law in LAWS[word])}",
        "the law's own parameters",
        "Add an equation for each.",
    )


def _example(
    size: int = 1,
    *,
    depot: bool = False,
    elimination: str = "linear",
    clearance: bool = True,
    effect: str | None = None,
    remembering: str | None = None,
    own: tuple[str, ...] = (),
) -> OdeSystem:
    """A system in clearances and volumes, dosed into its depot where it has one."""
    words = list(CHOICES)[size - 1]
    names = CHOICES[words][0]
    given = (*(names if clearance else names[1:]), *own, *(("ka",) if depot else ()))
    # the first compartment, be it a depot or the central one
    return composed(
        words, (DEPOT,) if depot else (), (Entry(0),), given,
        elimination=elimination, effect=effect, remembering=remembering,
    )  # fmt: skip


SATURABLE = ("Vmax", "Km")
HILL = (*(f"{word}_{name}" for word in ("C50", "alpha") for name in TRANSFERS),)
TARGET = ("ksyn", "kdeg", "kint", "Kss")

ODE_SYSTEMS: dict[str, OdeSystem] = {
    "linear": _example(),
    "linear, first_order": _example(depot=True),
    "linear, two_compartment": _example(2),
    "linear, two_compartment, first_order": _example(2, depot=True),
    **{
        ", ".join([name, *(["two_compartment"] if size == 2 else []), *(["first_order"] if depot else [])]): _example(
            size, depot=depot, elimination="michaelis_menten", clearance=name == "parallel", own=SATURABLE
        )
        for name in ("michaelis_menten", "parallel")
        for size in (1, 2)
        for depot in (False, True)
    },
    "hill_rates": composed(
        "three_compartment", (), (Entry(0),), (*CHOICES["three_compartment"][1], *HILL), elimination="hill"
    ),
    "auto_inhibition": _example(elimination="michaelis_menten_inhibited", own=(*SATURABLE, "inhibition", "kinh")),
    "auto_inhibition, hyperbolic": _example(
        elimination="michaelis_menten_inhibited", own=(*SATURABLE, "inhibition", "T50")
    ),
    "auto_inhibition, voriconazole": _example(
        2, depot=True, elimination="michaelis_menten_inhibited", own=(*SATURABLE, "inhibition", "T50")
    ),
    "auto_inhibition, clearance": _example(elimination="inhibited", own=("inhibition", "kinh")),
    "auto_inhibition, by exposure": _example(elimination="inhibited", own=("inhibition", "C50_inh", "kinh")),
    "auto_inhibition, inactivation": _example(
        elimination="michaelis_menten_inhibited", own=(*SATURABLE, "kinact", "KI", "kenz")
    ),
    "auto_induction": _example(2, depot=True, elimination="induced", own=("induction", "C50_ind", "kenz")),
    "savic_transit": _example(depot=True, remembering="savic_transit", own=("MTT", "n")),
    "savic_transit, two_compartment": _example(2, depot=True, remembering="savic_transit", own=("MTT", "n")),
    "weibull": _example(remembering="weibull", own=("Td", "shape")),
    "weibull, two_compartment": _example(2, remembering="weibull", own=("Td", "shape")),
    "target_mediated": _example(2, elimination="target_mediated", own=TARGET),
    "target_mediated, first_order": _example(2, depot=True, elimination="target_mediated", own=TARGET),
    **{
        f"indirect_response {kind}": _example(
            effect=f"indirect_response_{kind}",
            own=("Kin", "Kout", *(("Imax", "IC50") if kind in (1, 2) else ("Smax", "SC50"))),
        )
        for kind in (1, 2, 3, 4)
    },
    "friberg": _example(effect="friberg", own=("Circ0", "MMT", "feedback", "slope")),
    "friberg, two_compartment": _example(2, effect="friberg", own=("Circ0", "MMT", "feedback", "slope")),
}
"""Name to system: elimination or effect first, then where the drug goes and how it comes in."""
