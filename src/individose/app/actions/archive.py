"""Building, extending, writing and reading an archive of earlier patients: a small JSON file that a reader can follow."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from individose.app.actions.problems import Refused, bind_all, shared_sizes
from individose.base import InputError
from individose.drugs import Card
from individose.events import Subject
from individose.inference import Archive, Problem
from individose.inference.cluster.aim import Aim, aim
from individose.inference.cluster.archive import Calibration, Population, archived, population
from individose.inference.individual.estimator import stack

FORM = "individose archive/1"


@dataclass(frozen=True)
class Built:
    """An archive, and who could not be in it."""

    archive: Archive
    refused: tuple[Refused, ...]


def build(card: Card, patients: Iterable[Subject], *, extrapolate: bool = False) -> Built:
    """Fits every patient of a table and the population of them all, from all that was measured.

    **Raises:** `InputError` where no patient is left.
    """
    bounds, refused = bind_all(card, patients, extrapolate=extrapolate)
    if not bounds:
        raise InputError(
            "no patient of the table can be archived",
            "at least one with doses and levels",
            "an archive is made of earlier patients",
            str(refused[0].error) if refused else "Check the table.",
        )
    problems = together(bounds)
    found = fitted(problems)
    prior = np.linalg.inv(np.asarray(problems[0].data.precision))
    return Built(archived(card.id, problems[0].effects, [p.id for p in problems], found, prior), refused)


def together(bounds: Sequence[Any]) -> list[Problem]:
    """The problems of all, padded to one size, in their order.

    **Raises:** `InputError` where their effects differ (occasions).
    """
    groups = shared_sizes(bounds)
    if len(groups) != 1:
        raise InputError(
            "the patients have effects by occasion or doses of different kinds",
            "patients of one structure",
            "an archive holds one set of effects for each",
            "Leave those out that differ.",
        )
    places, problems = groups[0]
    return [problems[places.index(i)] for i in range(len(bounds))]


def fitted(problems: Sequence[Problem]) -> Population:
    """The population of problems of one size."""
    likelihood = problems[0].likelihood.rough
    data, aims = stacked(problems)
    prior = np.linalg.inv(np.asarray(problems[0].data.precision))
    return jax.device_get(population(likelihood, data, aims, prior, np.ones(len(problems))))


def stacked(problems: Sequence[Problem]) -> tuple[Any, Aim]:
    """Data and aims of problems of one size, with a leading axis."""
    data = [p.data for p in problems]
    aims = [jax.device_get(aim(p.likelihood, p.data)) for p in problems]
    return stack(data, len(data)), stack(aims, len(aims))


def added(archive: Archive, card: Card, patient: Subject, *, extrapolate: bool = False) -> Archive:
    """The archive with one more patient, who is fitted under the population of the others."""
    from individose.inference.cluster.damped import Damping, settled
    from individose.inference.cluster.space import Space

    bounds, refused = bind_all(card, [patient], extrapolate=extrapolate)
    if refused:
        raise refused[0].error
    (problem,) = together(bounds)
    n = len(archive.effects)
    root = np.linalg.cholesky(archive.covariance)
    space = Space(archive.mean, root, np.full(n, -np.inf), np.full(n, np.inf))
    aimed = aim(problem.likelihood, problem.data)
    found = jax.device_get(settled(problem.likelihood, Damping(prior=True), problem.data, space, aimed, np.zeros(n)))
    covariance = root @ np.linalg.inv(found.matrix + np.eye(n)) @ root.T
    return archive.with_patient(problem.id, np.asarray(found.eta), covariance)


def write(archive: Archive, path: Path | str) -> None:
    """Writes an archive; numbers with as many digits as they need to be read back the same."""
    document = {
        "form": FORM,
        "card": archive.card,
        "effects": list(archive.effects),
        "patients": {id: [float(x) for x in row] for id, row in zip(archive.ids, archive.etas, strict=True)},
        "prior": archive.prior.tolist(),
        "within": archive.within.tolist(),
        "calibration": None if archive.calibration is None else asdict(archive.calibration),
    }
    Path(path).write_text(_readable(document), encoding="utf-8")


def _readable(document: dict[str, Any]) -> str:
    """JSON with one line for each patient and each row of a matrix."""
    parts: list[str] = []
    for name, value in document.items():
        if name == "patients":
            rows = ",\n".join(f"    {json.dumps(id)}: {json.dumps(row)}" for id, row in value.items())
            parts.append(f'  "patients": {{\n{rows}\n  }}')
        elif name in ("prior", "within"):
            rows = ",\n".join(f"    {json.dumps(row)}" for row in value)
            parts.append(f'  "{name}": [\n{rows}\n  ]')
        else:
            parts.append(f'  "{name}": {json.dumps(value)}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def read(path: Path | str) -> Archive:
    """Reads an archive.

    **Raises:** `InputError` for a file that is none.
    """
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
        if document["form"] != FORM:
            raise ValueError(document["form"])
        patients = document["patients"]
        return Archive(
            document["card"],
            tuple(document["effects"]),
            tuple(patients),
            np.array(list(patients.values()), dtype=float).reshape(len(patients), -1),
            np.array(document["prior"], dtype=float),
            np.array(document["within"], dtype=float),
            _calibration(document.get("calibration")),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} is not read as an archive ({type(error).__name__})",
            f"a JSON file of the form '{FORM}'",
            "what `individose archive build` writes",
            "Build it anew.",
        ) from error


def _calibration(found: dict[str, Any] | None) -> Calibration | None:
    if found is None:
        return None
    widen = {name: float(x) for name, x in found["widen"].items()}
    samples = tuple(float(x) for x in found["samples_h"])
    return Calibration(float(found["level"]), samples, float(found["horizon_h"]), int(found["patients"]), widen)
