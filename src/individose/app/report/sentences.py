"""What is said in words about a result, the same on every face."""

from __future__ import annotations

import math

from individose import __version__
from individose.app.actions.estimate import CaseResult
from individose.app.report.notation import ABSENT, given, number, plain, unit
from individose.base import Notice, Outcome
from individose.drugs import Residual, Target
from individose.events import Reset
from individose.inference.diagnostics import WardDiagnostics

INTENDED_USE = "Research and education; not a medical device."
GRADES = ("warning", "caution", "note")
"""From the gravest on."""

METHODS = {
    "map": "MAP: the most probable parameters given the levels and the population, with a normal approximation around them",
    "sir": "SIR: draws of the posterior, by sampling around the most probable parameters and resampling by weight",
    "nuts": "NUTS: draws of the posterior by Hamiltonian Monte Carlo, several chains",
    "lm": "LM: least squares of the levels from the typical patient; no population",
    "cn": "CN: Cluster Newton, points of the population moved onto the parameters that explain the levels",
    "cgn": "CGN: Cluster Gauss-Newton, points moved onto the levels while each keeps its own draw of the population",
    "ccn": "CCN: Constrained Cluster Newton, the same from an archive of earlier patients",
    "prior": "prior: the population with this patient's covariates; no level is used",
}
CONVENTIONS = {
    "sd = a + b f": "SD = a + b f",
    "sd2 = a2 + b2 f2": "SD² = a² + b² f²",
    "sd = a + b f**c": "SD = a + b f^c",
    "ln y = ln f + e": "ln y = ln f + e, SD of e = b",
}


def graded(result: CaseResult) -> tuple[Notice, ...]:
    """All warnings, the gravest first, each once; a failed or edge status is never without one."""
    notices = list(result.warnings)
    status = result.fit.status
    if status.outcome is not Outcome.CONVERGED and not any(n.code == f"fit-{status.code}" for n in notices):
        grade = "caution" if status.outcome in (Outcome.FLAT, Outcome.MULTI_MODAL) else "warning"
        notices.append(Notice(f"fit-{status.code}", status.sentence, grade))
    if result.card.grade == "draft":
        said = f"The card {result.card.id} is a draft: its numbers have not been checked against anything."
        notices.append(Notice("card-draft", said, "warning"))
    return tuple(sorted(dict.fromkeys(notices), key=lambda n: GRADES.index(n.grade)))


def counted(notices: tuple[Notice, ...]) -> str:
    """As in '1 warning, 2 cautions'."""
    numbers = [(grade, sum(n.grade == grade for n in notices)) for grade in GRADES]
    return ", ".join(f"{count} {grade}{'s' if count > 1 else ''}" for grade, count in numbers if count)


def status_line(result: CaseResult) -> str:
    """The status of the fit and what it means; of an average, that of its heaviest model."""
    status = result.fit.status
    line = f"{status.code.capitalize()}. {status.sentence}"
    if result.average is None:
        return line
    count = len(result.average.fits)
    if result.card.groups:
        return (
            f"Mixture of {count} groups. Parameters are those of the most probable one, "
            f"{_most_probable(result)}; curve, exposure and doses are over all groups. {line}"
        )
    if count == 1:
        return f"One model, {result.card.id}: there is nothing to average. {line}"
    return (
        f"Average over {count} models ({result.average.rule}). Parameters are those of the heaviest, {result.card.id}; "
        f"curve, exposure and doses are the average's. {line}"
    )


def _most_probable(result: CaseResult) -> str:
    model = result.fit.problem.model
    return next((group.name for group in result.card.groups if group.card.id == model), model)


def shrinkage_line(ward: WardDiagnostics) -> str:
    """How far the estimates of a ward, and its residuals, lie closer together than the card lets expect."""
    shown = [
        f"{name} {_share(value)}" for name, value in (*ward.shrinkage.items(), ("residuals", ward.residual_shrinkage))
    ]
    return (
        f"Shrinkage: {', '.join(shown)}. Near 100 % the levels say little about an effect, and the estimates stay near the "
        "typical patient."
    )


def _share(value: float) -> str:
    return f"{100.0 * value:.0f} %".replace("-", "−") if math.isfinite(value) else ABSENT


def target_line(target: Target) -> str:
    """The target with its whereabouts and the note that must go with it."""
    for_whom = ", ".join(part for part in (target.matrix, target.population) if part)
    best = f", best {given(target.best)} {unit(target.unit)}" if target.best is not None else ""
    line = f"Target: {target.metric} of {given(target.low)} to {given(target.high)} {unit(target.unit)}{best}"
    line += f" ({for_whom})." if for_whom else "."
    return " ".join(part for part in (line, target.note, f"Source: {target.source}." if target.source else "") if part)


def exposure_line(result: CaseResult) -> str:
    """Why there is no table of exposure; empty where there is one."""
    if not result.fit.status.ok:
        return "No exposure is given: the estimate failed."
    if result.regimen is None:
        return "The doses show no regular regimen, so no exposure at steady state is given."
    return "" if result.exposure else "No exposure was worked out."


def advice_line(result: CaseResult, shown: int) -> str:
    """What the advice says, or why there is none; `shown` regimens are printed below it."""
    if result.advice is None:
        why = "the card has no target" if result.target is None else "it was not asked for, or the card has no dosing"
        return f"No dose is advised: {why}."
    said = result.advice.sentence
    if not result.advice.candidates:
        return said
    count = len(result.advice.candidates)
    which = (
        f"The best {shown} of {count} regimens"
        if count > shown
        else f"All {count} regimens"
        if count > 1
        else "The only regimen"
    )
    return f"{said} {which} compared, at steady state; probabilities from {result.advice.draws} draws."


def curve_line(result: CaseResult) -> str:
    """Why no curve is drawn; empty where one is."""
    if any(isinstance(e, Reset) and e.restarts for e in result.subject.events):
        return "No curve is drawn: the clock of this history starts again."
    return "" if result.curve is not None and len(result.curve.time_h) else "No curve was worked out."


def residual_line(residual: Residual) -> str:
    """The residual model with its numbers."""
    shape = CONVENTIONS[residual.convention]
    a = f"a = {number(residual.additive_mg_L, 4)} mg/L, " if residual.convention != "ln y = ln f + e" else ""
    more = f", c = {number(residual.exponent, 4)}" if residual.convention == "sd = a + b f**c" else ""
    more += f", Student-t with {residual.nu:g} degrees of freedom" if residual.nu is not None else ""
    return f"{shape}, {a}b = {number(residual.proportional, 4)}{more}, f the prediction"


def provenance(result: CaseResult) -> tuple[tuple[str, str], ...]:
    """How the result was computed, as pairs of what and which."""
    card, fit = result.card, result.fit
    source = card.source
    where = " ".join(part for part in (source.citation, source.doi and f"doi:{source.doi}") if part)
    pairs = (
        ("Card", f"{card.id}: {card.title}"),
        ("Source", f"{where}. {source.population}." if source.population else where),
        ("Grade", f"{card.grade}. {card.grounds}".strip()),
        ("Digest of the card", card.digest[:12]),
        ("Method", METHODS.get(fit.method, fit.method)),
        ("Status", f"{fit.status.code}, {fit.steps} steps" if fit.steps else fit.status.code),
        ("Objective", number(fit.objective, 6) if fit.objective is not None else ""),
        ("Residual error", residual_line(card.residual)),
        ("Doses that can be given", card.dosing.source if card.dosing else ""),
        ("Units", "time in h, amounts in mg, levels in mg/L, unless a heading says otherwise"),
        ("Program", f"individose {__version__}"),
    )
    return tuple((what, plain(which)) for what, which in pairs if which)
