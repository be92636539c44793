"""Whether several chains tell of one distribution, and how many independent draws they are worth.

Rank-normalised split R-hat and bulk effective sample size of Vehtari, Gelman, Simpson, Carpenter & Bürkner (2021),
Bayesian Analysis 16:667-718; autocorrelations are cut off by Geyer's initial monotone sequence (1992).
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri


def rhat(draws: np.ndarray) -> float:
    """R-hat of one quantity: 1 where all chains agree, in the middle and in the tails.

    **Arguments:** `draws` (chains, draws). **Returns:** the larger of that of the ranks and that of the ranks of the
    distances from the median; NaN where a draw is not finite, or nothing varies.
    """
    if not _varied(draws):
        return float("nan")
    halves = _split(draws)
    return max(_between(_scores(halves)), _between(_scores(np.abs(halves - np.median(halves)))))


def bulk_size(draws: np.ndarray) -> float:
    """Effective number of draws for the bulk of one quantity, from (chains, draws); 0 where nothing varies or is finite."""
    return _size(_scores(_split(draws))) if _varied(draws) else 0.0


def _varied(draws: np.ndarray) -> bool:
    return bool(np.all(np.isfinite(draws)) and np.ptp(draws) > 0.0)


def _split(draws: np.ndarray) -> np.ndarray:
    """Each chain as two: (2 chains, draws // 2); an odd one loses its middle draw."""
    half = draws.shape[1] // 2
    return np.concatenate([draws[:, :half], draws[:, -half:]])


def _scores(draws: np.ndarray) -> np.ndarray:
    """Normal scores of the ranks of all draws together; equal draws share the mean of their ranks."""
    _, place, count = np.unique(draws, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - 0.5 * (count - 1))[place].reshape(draws.shape)
    return ndtri((rank - 0.375) / (draws.size + 0.25))


def _between(draws: np.ndarray) -> float:
    """Gelman & Rubin's ratio of the SD of all draws to that within a chain."""
    within, total = _variances(draws)
    return float(np.sqrt(total / within)) if within > 0.0 else float("inf")


def _variances(draws: np.ndarray) -> tuple[float, float]:
    """The mean variance within a chain, and the variance of all draws."""
    length = draws.shape[1]
    within = float(draws.var(axis=1, ddof=1).mean())
    return within, within * (length - 1) / length + float(draws.mean(axis=1).var(ddof=1))


def _size(draws: np.ndarray) -> float:
    """Draws divided by their integrated autocorrelation; at most draws times log10(draws), as in the paper."""
    within, total = _variances(draws)
    if not within > 0.0:
        return 0.0
    shared = _autocovariance(draws).mean(axis=0)
    # 1 at lag 0; the others lose what the chains differ by
    correlation = 1.0 - (within - shared) / total
    correlation[0] = 1.0
    pairs = correlation[: len(correlation) // 2 * 2].reshape(-1, 2).sum(axis=1)
    # the last lags have too few products to tell; Stan and ArviZ stop here too
    end = max((len(correlation) - 3) // 2, 0)
    negative = np.flatnonzero(pairs[:end] < 0.0)
    end = int(negative[0]) if len(negative) else end
    kept = np.minimum.accumulate(pairs[:end])
    time = -1.0 + 2.0 * float(kept.sum()) + max(float(correlation[2 * end]), 0.0)
    return draws.size / max(time, 1.0 / np.log10(draws.size))


def _autocovariance(draws: np.ndarray) -> np.ndarray:
    """(chains, lags) by Fourier transform, each lag divided by the whole length."""
    length = draws.shape[1]
    centred = draws - draws.mean(axis=1, keepdims=True)
    spectrum = np.fft.rfft(centred, 2 ** (2 * length - 1).bit_length(), axis=1)
    return np.fft.irfft(np.abs(spectrum) ** 2, axis=1)[:, :length] / length
