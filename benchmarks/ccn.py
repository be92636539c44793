"""Constrained Cluster Newton: all 59 leave-one-out fits, one new patient, and time against points and cores.

Patients are simulated under the paper's protocol (propofol, three compartments, about 8.6 min of infusion, one sample
at 3 min), so that the figures can be measured anywhere. A fit is 500 points, 10 iterations, curves to 100 min with
peak, half and area.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import jax
import numpy as np

import individose as ido
from individose.app.actions.archive import together
from individose.app.actions.curves import courses, read_off
from individose.app.actions.held_out import sparse, stack_all
from individose.app.actions.problems import bind_all
from individose.events import Dose, Level, Subject
from individose.inference import CCN, Archive
from individose.inference.cluster.estimators import begin
from individose.inference.cluster.move import moved_ward

PATIENTS, HORIZON_H, SAMPLE_H = 59, 100 / 60, 0.05
POINTS = (100, 1000, 10_000, 100_000)
AIMS = {"linear": 10, "hill": 100}
"""Milliseconds a patient on two cores that were aimed at."""


def measure() -> dict[str, float]:
    rows: dict[str, float] = {}
    for name, aim in AIMS.items():
        ward = Ward("propofol/yang2019" + ("hill" if name == "hill" else ""))
        for cores in _counts(os.cpu_count() or 1):
            first, later = _timed(lambda w=ward, c=cores: w.run(500, c), 5 if name == "linear" else 3)
            said = f"{name}, 59 patients, 500 points, {cores} core{'s' if cores > 1 else ''}"
            rows[f"{said}: first call, s"] = first
            rows[f"{said}: later calls, ms a patient" + (f" (aim: at most {aim})" if cores == 2 else "")] = (
                1e3 * later / PATIENTS
            )
        first, later = _timed(ward.alone, 9)
        rows[f"{name}, one new patient from archive to figures: first call, s"] = first
        rows[f"{name}, one new patient from archive to figures: later calls, ms (aim: under 50)"] = 1e3 * later
        for points in POINTS:
            rows[f"{name}, one patient, {points} points, later calls, ms"] = (
                1e3 * _timed(lambda w=ward, p=points: w.alone(p), 3)[1]
            )
    return rows


def _counts(most: int) -> list[int]:
    """1, 2, 4, .. and all."""
    return sorted({*(2**k for k in range(most.bit_length()) if 2**k <= most), most})


class Ward:
    """Simulated patients, each with the archive of the others."""

    def __init__(self, card: str) -> None:
        generator = np.random.default_rng(0)
        self.card = ido.card(card)
        patients = [_patient(k, generator) for k in range(PATIENTS)]
        self.problems = [sparse(p, (SAMPLE_H,)) for p in together(bind_all(self.card, patients)[0])]
        n = self.problems[0].n_effects
        prior = np.linalg.inv(np.asarray(self.problems[0].data.precision))
        etas = generator.standard_normal((PATIENTS, n)) * 0.4
        ids = tuple(p.id for p in self.problems)
        self.archives = [
            Archive(self.card.id, self.problems[0].effects, ids[:j] + ids[j + 1 :], np.delete(etas, j, 0), prior, prior)
            for j in range(PATIENTS)
        ]
        self.likelihood = self.problems[0].likelihood.rough
        self.course = courses(self.problems, HORIZON_H)
        self.one = courses(self.problems[:1], HORIZON_H)

    def run(self, points: int, cores: int) -> Any:
        """All patients' figures, dealt out to threads."""
        parts = [p for p in np.array_split(np.arange(PATIENTS), cores) if len(p)]
        size = max(len(p) for p in parts)
        parts = [np.append(p, [p[-1]] * (size - len(p))).astype(int) for p in parts]
        if cores == 1:
            return [self._part(parts[0], points)]
        with ThreadPoolExecutor(cores) as pool:
            return list(pool.map(lambda rows: self._part(rows, points), parts))

    def _part(self, rows: np.ndarray, points: int) -> Any:
        begun = [begin(CCN(self.archives[j], points=points), self.problems[j]) for j in rows]
        data = stack_all([self.problems[j].data for j in rows])
        found = moved_ward(
            self.likelihood,
            begun[0].how,
            data,
            stack_all([b.space for b in begun]),
            stack_all([b.cluster for b in begun]),
        )
        course = jax.tree.map(lambda x: np.asarray(x)[rows], self.course)
        return jax.block_until_ready(read_off(self.likelihood, found.eta, *course))

    def alone(self, points: int = 500) -> Any:
        """One new patient by the estimator itself, then the figures of every point."""
        fit = CCN(self.archives[0], points=points).fit(self.problems[0])
        assert fit.draws is not None
        return jax.block_until_ready(read_off(self.likelihood, fit.draws[None], *self.one))


def _patient(number: int, generator: np.random.Generator) -> Subject:
    weight = float(generator.uniform(60.0, 110.0))
    duration = float(generator.uniform(6.0, 10.0)) / 60
    level = Level(SAMPLE_H, float(generator.uniform(6.0, 14.0)))
    dose = Dose(0.0, 30.0 * weight * duration, duration_h=duration)
    made = ido.subject(f"s{number}", doses=[dose], levels=[level], covariates={"age": 50, "weight": weight})
    return replace(made)


def _timed(run: Callable[[], Any], times: int) -> tuple[float, float]:
    """Seconds of the first call, and the median of the later ones."""
    seconds = []
    for _ in range(times + 1):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return seconds[0], float(np.median(seconds[1:]))
