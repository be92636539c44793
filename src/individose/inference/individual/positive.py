"""Small positive definite systems, written out so that a ward is no loop over LAPACK; NaN where a matrix is not one."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from individose.inference.problem import Eta

Matrix = Float[Array, "effects effects"]

WRITTEN_OUT = 8
"""Effects up to which a linear system is written out; its program grows as their third power."""


def solve(matrix: Matrix, vector: Eta) -> Eta:
    """Cholesky solution of a positive definite system; a small one is written out, so that a ward is no loop over LAPACK."""
    if len(vector) > WRITTEN_OUT:
        return jax.scipy.linalg.cho_solve((jnp.linalg.cholesky(matrix), True), vector)
    lower = _cholesky(matrix)
    n = matrix.shape[0]
    forward: list[Array] = []
    for i in range(n):
        known = sum((lower[i][j] * forward[j] for j in range(i)), start=jnp.zeros(()))
        forward.append((vector[i] - known) / lower[i][i])
    back: list[Array] = [jnp.zeros(())] * n
    for i in reversed(range(n)):
        known = sum((lower[j][i] * back[j] for j in range(i + 1, n)), start=jnp.zeros(()))
        back[i] = (forward[i] - known) / lower[i][i]
    return jnp.stack(back)


def _cholesky(matrix: Matrix) -> list[list[Array]]:
    n = matrix.shape[0]
    lower: list[list[Array]] = [[jnp.zeros(())] * n for _ in range(n)]
    for j in range(n):
        for i in range(j, n):
            rest = matrix[i, j] - sum((lower[i][k] * lower[j][k] for k in range(j)), start=jnp.zeros(()))
            lower[i][j] = jnp.sqrt(rest) if i == j else rest / lower[j][j]
    return lower


def inverse(matrix: Matrix) -> Matrix:
    """Inverse of a small positive definite matrix; NaN when it is not one."""
    return jax.vmap(lambda e: solve(matrix, e), out_axes=1)(jnp.eye(matrix.shape[0]))
