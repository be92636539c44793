"""Doses that a card and its system cannot follow, refused before anything is computed."""

from __future__ import annotations

from individose.base import InputError
from individose.drugs import Card
from individose.events import Subject
from individose.kinetics import System
from individose.kinetics.arrange import GIVEN, MODELLED_DURATION, MODELLED_RATE, RATE_GIVEN, REMOVAL
from individose.prediction.reach import MOST, Ranges, earlier
from individose.prediction.residual import LOGARITHMIC
from individose.prediction.timeline import Timeline


def refuse_unanswered(card: Card, line: Timeline, system: System) -> None:
    """Doses that ask the card for what it does not give, or that outlast what a steady state can hold."""
    names = {*card.read_by_system}
    for dose in line.doses:
        wanted = {MODELLED_DURATION: "duration", MODELLED_RATE: "rate"}.get(dose.how)
        plain = any(entry.compartment == dose.into for entry in system.entries)
        if wanted and f"{wanted}{dose.into + 1}" not in names and not (plain and wanted in names):
            raise InputError(
                f"the dose of {dose.amount_mg:g} mg at {dose.time_h:g} h has a {wanted} that the model gives",
                f"{card.id} gives no {wanted} for the compartment {system.compartments[dose.into]}",
                "NONMEM's RATE -1 and -2",
                f"State the duration of the infusion, or use a card with the parameter {wanted}.",
            )
        at_once = dose.how in (GIVEN, RATE_GIVEN) and dose.duration_h <= 0
        if dose.into in system.boluses_only and not (at_once and dose.kind < 2):
            raise InputError(
                f"the dose of {dose.amount_mg:g} mg at {dose.time_h:g} h "
                + ("is added to a steady state (SS 2)" if dose.kind == 2 else "is infused or taken off again"),
                f"doses given at once into {system.compartments[dose.into]}, and SS 1 where one is at steady state",
                f"{card.id} delivers each dose by a law of the time since it was taken",
                "Give the infusion into the central compartment (CMT), or use a card with stages.",
            )
        if dose.how == REMOVAL and not system.losses[dose.into]:
            raise InputError(
                f"a dose is taken off after {dose.duration_h:g} h",
                f"a compartment of {system.name} that only empties at one rate",
                "what is left in a patch must be known",
                "Use a card with a patch or depot.",
            )
        if dose.kind == 2 and not system.linear and any(d.kind == 1 and d.order == dose.order for d in line.doses):
            raise InputError(
                f"the dose at {dose.time_h:g} h starts at steady state and comes in by several ways, or is taken off again",
                "a dose that enters a nonlinear system by one way and stays, where it starts at steady state",
                f"{system.name} has no superposition: its parts cannot be added up",
                "Write the earlier doses out (ADDL and II, or count).",
            )


def refuse_logarithms_of_zero(card: Card, line: Timeline, system: System) -> None:
    """Levels of 0 under an error of the logarithm: their density is no number."""
    for level, sample in zip(line.levels, line.samples, strict=True):
        error = card.residuals.get(system.outputs[sample.output], card.residual)
        if level.measured and level.censoring == "none" and level.value_mg_L <= 0.0 and error.convention == LOGARITHMIC:
            raise InputError(
                f"the level at {level.time_h:g} h is {level.value_mg_L:g} mg/L",
                "a level above 0",
                f"{card.id} has a residual error of the logarithm ({LOGARITHMIC})",
                "Give it as below the assay's limit, or leave it out.",
            )


def refuse_unfollowed(card: Card, line: Timeline, system: System, typical: Ranges, subject: Subject) -> None:
    """Steady-state doses that are not over for too many intervals."""
    for dose in line.doses:
        intervals = earlier(dose, system, typical) if dose.kind else 0.0
        if intervals > MOST:
            raise InputError(
                f"the steady-state dose at {dose.time_h:g} h, given every {dose.interval_h:g} h, is not over before "
                f"{intervals * dose.interval_h:g} h have gone (its lag and the length of its input under {card.id})",
                f"{MOST} intervals at most",
                "each earlier dose that is still on its way, or still runs, is followed to its end",
                "Write the doses out (ADDL and II), or enter a constant infusion.",
                subject=subject.id,
            )
