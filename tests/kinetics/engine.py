"""Levels of a subject in a system at given parameters, through the whole road: walk, arrange, propagate."""

from dataclasses import replace
from functools import lru_cache, partial

import jax
import numpy as np

from individose.events import Subject
from individose.kinetics import arrange
from individose.prediction import Data, Relation
from individose.prediction.reach import typical_ranges
from individose.prediction.timeline import history, sizes, walk


@partial(jax.jit, static_argnums=0)
def predicted(relation, data):
    return relation.predict(np.zeros(0), data)


@partial(jax.jit, static_argnums=0)
def _area(relation, data):
    return relation.area(np.zeros(0), data)


@lru_cache
def showing_amounts(system):
    """The same system with the amount of every compartment as an output."""
    return replace(system, outputs=system.compartments, observe=lambda q, amounts: amounts)


def bound(system, p, subject: Subject, covariates=()):
    """(relation, data): parameters may be functions of the covariates of a record, a dict to a number."""
    line = walk(subject, system, covariates)
    names = tuple(p)
    rows = []
    for end in line.ends:
        known = line.readings[min(end, len(line.readings) - 1)].values if line.readings else {}
        rows.append([float(value(known)) if callable(value) else float(value) for value in p.values()])
    to = sizes(line, system, typical_ranges(names, np.array(rows)))
    relation = Relation(system, names, (), "sd2 = a2 + b2 f2", infused=to[4], slots=to[5], worn=line.worn)
    past = history(line, system, to)
    schedule = None if relation.moves else arrange(np, past, None, infused=to[4], steady=to[5])
    nothing = np.zeros(to[2])
    rows += [rows[-1]] * (to[3] - len(rows))
    data = Data(schedule, past if relation.moves else None, np.array(rows), nothing, nothing.astype(np.int32),
                np.float64(0.0), np.float64(0.1), np.zeros((0, 0)))  # fmt: skip
    return relation, data, len(line.levels)


def solve(system, p, subject: Subject, covariates=()):
    """Levels at every level of the subject's record, measured or not."""
    relation, data, count = bound(system, p, subject, covariates)
    return np.asarray(predicted(relation, data))[:count]


def areas(system, p, subject: Subject):
    """Areas under the curve up to every level of the subject's record."""
    relation, data, count = bound(system, p, subject)
    return np.asarray(_area(relation, data))[:count]
