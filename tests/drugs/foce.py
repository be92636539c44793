"""First-order conditional estimation with interaction in plain numpy, sharing nothing with the package: twice the minus
log likelihood of a population, for levels given as a function of all patients' effects at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Predict = Callable[[np.ndarray], np.ndarray]
"""(patients, effects) to levels (patients, records)."""

STEP, SEARCH = 1e-5, 60


def objective(predict: Predict, observed: np.ndarray, seen: np.ndarray, variances, additive: float, share: float):
    """-2 log likelihood; `observed` and `seen` (0 or 1) are (patients, records), SD^2 = additive^2 + share^2 f^2."""
    omega = np.asarray(variances)
    etas = np.zeros((len(observed), len(omega)))

    def levels(at):
        return np.where(seen > 0, predict(at), 1.0)  # a level of 0 before the first dose has no relative error

    def twice_loss(at):
        f = levels(at)
        v = additive**2 + share**2 * f**2
        data = np.where(seen > 0, (observed - f) ** 2 / v + np.log(2 * np.pi * v), 0.0)
        return data.sum(axis=1) + (at**2 / omega + np.log(2 * np.pi * omega)).sum(axis=1)

    def slopes(at):
        moves = STEP * np.eye(len(omega))
        f = levels(at)
        j = np.stack([(levels(at + m) - levels(at - m)) / (2 * STEP) for m in moves], axis=-1)
        v = additive**2 + share**2 * f**2
        dv = 2 * share**2 * f
        information = np.where(seen > 0, 1 / v + 0.5 * dv**2 / v**2, 0.0)
        error = observed - f
        force = np.where(seen > 0, -error / v + 0.5 * dv / v - 0.5 * error**2 * dv / v**2, 0.0)
        h = np.einsum("pri,pr,prj->pij", j, information, j) + np.diag(1 / omega)
        return np.einsum("pri,pr->pi", j, force) + at / omega, h

    best = twice_loss(etas)
    for _ in range(SEARCH):
        g, h = slopes(etas)
        step = np.linalg.solve(h, g[..., None])[..., 0]
        for share_of_step in (1.0, 0.3, 0.1, 0.01):
            tried = etas - share_of_step * step
            value = twice_loss(tried)
            better = value < best
            etas, best = np.where(better[:, None], tried, etas), np.where(better, value, best)
            step = np.where(better[:, None], 0.0, step)
    _, h = slopes(etas)
    return float((best + np.linalg.slogdet(h)[1] - len(omega) * np.log(2 * np.pi)).sum())
