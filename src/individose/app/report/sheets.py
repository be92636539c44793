"""A result as small tables of text, the same for every face: what is said here is said on the screen and on paper."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from individose.app.actions.estimate import CaseResult
from individose.app.report.notation import (
    ABSENT,
    given,
    headed,
    interval,
    number,
    percent,
    plain,
    unit,
    with_interval,
)
from individose.app.report.series import fold
from individose.dosing.exposure import METRICS
from individose.drugs import covariates, parameters
from individose.inference import Estimate

SHOWN_METRICS = ("trough", "average")
NAMES = {"trough": "trough", "average": "average", "auc": "AUC of one interval", "auc24": "AUC of 24 h"}
NOT_ESTIMATED = "not estimated"


@dataclass(frozen=True)
class Sheet:
    """A table: `columns` with units, `rows` of text; `words` are the columns that hold words, not numbers."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: tuple[int, ...] = (0,)


def covariate_sheet(result: CaseResult) -> Sheet:
    """Each covariate with its first value and, with their times, the later ones that differ."""
    found: dict[str, list[tuple[float, str]]] = {}
    for reading in result.subject.readings:
        for name, value in reading.values.items():
            shown = plain(value) if isinstance(value, str) else given(value)
            seen = found.setdefault(name, [])
            if not seen or seen[-1][1] != shown:
                seen.append((reading.time_h, shown))
    rows = tuple((_spelled(name), _dated(seen), _covariate_unit(name)) for name, seen in found.items())
    return Sheet("Patient", ("covariate", "value", "unit"), rows, (0, 1, 2))


def dose_sheet(result: CaseResult) -> Sheet:
    """Doses, long series folded; the compartment is named only where there are several."""
    series = fold(result.doses)
    several = len({s.doses[0].into for s in series}) > 1
    rows = tuple((s.text, s.times, *((plain(s.doses[0].into or ABSENT),) if several else ())) for s in series)
    columns = ("dose", "time (h)", *(("into",) if several else ()))
    return Sheet("Doses", columns, rows, (0, 1, 2) if several else (0, 1))


def level_sheet(result: CaseResult) -> Sheet:
    """Measured levels beside their predictions; a failed fit has no individual ones."""
    bounds = censoring(result)
    rows = tuple(
        (
            given(row.time_h),
            {"none": "", "below": "< ", "above": "> "}[bound] + given(row.observed),
            number(row.pred),
            number(row.ipred) if result.fit.status.ok else NOT_ESTIMATED,
        )
        for row, bound in zip(result.levels, bounds, strict=True)
    )
    return Sheet("Levels", ("time (h)", "measured (mg/L)", "typical patient (mg/L)", "this patient (mg/L)"), rows, ())


def parameter_sheet(result: CaseResult) -> Sheet:
    """Individual parameters beside the typical ones."""
    meanings = parameters()
    ok = result.fit.status.ok
    rows = tuple(
        (
            f"{name}, {meanings[name].meaning}" if name in meanings else name,
            number(result.typical.get(name, math.nan), 4),
            number(found.value, 4) if ok else NOT_ESTIMATED,
            _parameter_interval(found) if ok else ABSENT,
            unit(found.unit),
        )
        for name, found in result.parameters.items()
    )
    columns = ("parameter", "typical", "this patient", _interval_heading(result.parameters.values()), "unit")
    return Sheet("Parameters", columns, rows, (0, 4))


def exposure_sheet(result: CaseResult) -> Sheet:
    """Exposure at steady state of the regimen that the patient is on."""
    names = [*SHOWN_METRICS, *(m for m in METRICS if m not in SHOWN_METRICS and m == _metric(result))]
    found = {name: result.exposure[name] for name in names if name in result.exposure}
    rows = tuple((NAMES.get(name, name), number(e.value), interval(e), unit(e.unit)) for name, e in found.items())
    title = f"Regimen: {result.regimen}" if result.regimen else "Exposure"
    columns = ("exposure", "this patient", _interval_heading(found.values()), "unit")
    return Sheet(title, columns, rows, (0, 3))


def advice_sheet(result: CaseResult, most: int) -> Sheet:
    """The best `most` regimens, from best to worst; rounding is told apart (`rounding_lines`)."""
    advice = result.advice
    best = advice.candidates[:most] if advice else ()
    metric = _metric(result)
    names = [*SHOWN_METRICS, *(m for m in METRICS if m not in SHOWN_METRICS and m == metric)]
    over = any(c.regimen.duration_h for c in best)
    columns = (
        "rank",
        "dose (mg)",
        "every (h)",
        *(("over (h)",) if over else ()),
        *(headed(NAMES[name], METRICS[name]) for name in names),
        "within target (%)",
        "below (%)",
        "above (%)",
    )
    rows = tuple(
        (
            str(rank),
            given(c.regimen.amount_mg),
            given(c.regimen.interval_h),
            *((given(c.regimen.duration_h),) if over else ()),
            *(with_interval(c.exposure[name]) if name in c.exposure else ABSENT for name in names),
            percent(c.probability),
            percent(c.below),
            percent(c.above),
        )
        for rank, c in enumerate(best, 1)
    )
    return Sheet("Ranked doses", columns, rows, ())


def comparison_sheet(result: CaseResult) -> Sheet:
    """Methods or models side by side: status, the parameters that all of them have, exposure at steady state."""
    rows = result.compared
    stated = [row.parameters for row in rows if row.parameters]
    shared = [name for name in (stated[0] if stated else {}) if all(name in one for one in stated)]
    metrics = [m for m in SHOWN_METRICS if any(m in row.exposure for row in rows)]
    weighed = any(row.weight is not None for row in rows)
    alone = "group" if result.card.groups and weighed else "model" if weighed else "method"
    columns = (
        alone,
        *(("weight (%)",) if weighed else ()),
        "status",
        *(headed(name, stated[0][name].unit) for name in shared),
        *(headed(NAMES[m], METRICS[m]) for m in metrics),
    )
    shown = tuple(
        (
            row.label,
            *((percent(row.weight) if row.weight is not None else ABSENT,) if weighed else ()),
            row.status or ABSENT,
            *(with_interval(row.parameters[n]) if n in row.parameters else ABSENT for n in shared),
            *(with_interval(row.exposure[m]) if m in row.exposure else ABSENT for m in metrics),
        )
        for row in rows
    )
    return Sheet(f"{alone.capitalize()}s side by side", columns, shown, (0, 2) if weighed else (0, 1))


def attainment_sheet(result: CaseResult) -> Sheet | None:
    """How probably the present regimen and the advised one reach the target, by each method or model; None without target."""
    rows = [row for row in result.compared if row.attainment]
    regimens = tuple(dict.fromkeys(regimen for row in rows for regimen in row.attainment))
    if not regimens:
        return None
    columns = ("regimen", *(f"{row.label.rpartition('/')[2]} (%)" for row in rows))
    present = str(result.regimen) if result.regimen else ""
    shown = tuple(
        (
            f"{regimen}, as now" if regimen == present else regimen,
            *(percent(row.attainment[regimen]) if regimen in row.attainment else ABSENT for row in rows),
        )
        for regimen in regimens
    )
    return Sheet("Probability of the target", columns, shown)


def rounding_lines(result: CaseResult, most: int) -> tuple[str, ...]:
    """For each ranked regimen, how its dispensable amount came from the exact one."""
    best = result.advice.candidates[:most] if result.advice else ()
    return tuple(f"{rank}: {c.rounding}." for rank, c in enumerate(best, 1))


def censoring(result: CaseResult) -> tuple[str, ...]:
    """Whether each row of `levels` was below or above a limit, from the patient's own records."""
    recorded = [e.censoring for e in result.subject.levels]
    return tuple(recorded) if len(recorded) == len(result.levels) else ("none",) * len(result.levels)


def _metric(result: CaseResult) -> str | None:
    return result.target.metric if result.target else None


def _parameter_interval(found: Estimate) -> str:
    return interval(found, 4) if found.low != found.high else "fixed by the card"


def _interval_heading(estimates: Sequence[Estimate] | object) -> str:
    levels = {e.level for e in estimates}  # type: ignore[attr-defined]
    return f"{100 * levels.pop():.3g} % interval" if len(levels) == 1 else "interval"


def _spelled(name: str) -> str:
    register = covariates()
    return register[name].description.partition(";")[0] if name in register else plain(name).replace("_", " ")


def _covariate_unit(name: str) -> str:
    register = covariates()
    return unit(register[name].unit) if name in register else ""


def _dated(seen: list[tuple[float, str]]) -> str:
    if len(seen) == 1:
        return seen[0][1]
    return ", ".join(f"{shown} from {given(time_h)} h" for time_h, shown in seen)
