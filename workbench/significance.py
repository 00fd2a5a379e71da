"""How sure is a mean, and is a difference more than luck? Bootstrap intervals and a paired permutation test.

Queries that share a reference image succeed and fail together, so whole clusters are resampled; without clusters
every query stands alone. Everything is seeded. Left out: correction for many comparisons, which is the reader's.

Sources: Efron, Bootstrap Methods (1979) for percentile intervals; Phipson & Smyth, Permutation P-values Should Never
Be Zero (2010) for (b + 1) / (B + 1).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from workbench.arrays import ArrayError, Float, Int, check_finite, check_shape

_BLOCK = 500  # resamples held at a time


class Intervals(NamedTuple):
    """Means and the ends of their intervals, one per column."""

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


class Interval(NamedTuple):
    """A mean and the ends of its interval."""

    mean: float
    low: float
    high: float


class PairedTest(NamedTuple):
    """Mean difference, its interval, and the two-sided p of "it could as well be the other way round"."""

    difference: float
    low: float
    high: float
    p: float


def bootstrap_intervals(
    values: Float["Q M"],
    clusters: Int[" Q"] | None = None,
    level: float = 0.95,
    samples: int = 2000,
    seed: int = 0,
) -> Intervals:
    """Mean of each column with a percentile bootstrap interval; clusters are drawn with replacement.

    All columns see the same draws. Raises ArrayError for NaN, shapes that do not fit, or fewer than two clusters.
    """
    sums, sizes = _by_cluster(values, clusters)
    rng = np.random.default_rng(seed)
    means = []
    for block in _block_sizes(samples):
        times = rng.multinomial(len(sizes), np.full(len(sizes), 1 / len(sizes)), size=block).astype(
            np.float64
        )
        means.append((times @ sums) / (times @ sizes)[:, None])
    low, high = np.quantile(np.concatenate(means), [(1 - level) / 2, (1 + level) / 2], axis=0)
    return Intervals(values.mean(axis=0), low, high)


def permutation_p(
    differences: Float["Q M"], clusters: Int[" Q"] | None = None, samples: int = 9999, seed: int = 0
) -> Float[" M"]:
    """Two-sided p per column of paired differences, by flipping the sign of whole clusters at random.

    p = (b + 1) / (B + 1), with b of B flips giving a mean at least as far from 0: never 0, and 1 where all are equal.
    Raises ArrayError as `bootstrap_intervals`.
    """
    sums, _ = _by_cluster(differences, clusters)
    observed = np.abs(sums.sum(axis=0))
    rng = np.random.default_rng(seed)
    as_far = np.zeros(sums.shape[1], np.int64)
    for block in _block_sizes(samples):
        signs = rng.choice(np.array([-1.0, 1.0]), size=(block, len(sums)))
        # the slack keeps flips that are equal but for rounding on the cautious side
        as_far += (np.abs(signs @ sums) >= observed - 1e-9 * (1 + observed)).sum(axis=0)
    return (as_far + 1) / (samples + 1)


def bootstrap_interval(
    values: Float[" Q"],
    clusters: Int[" Q"] | None = None,
    level: float = 0.95,
    samples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Mean of one value per query with its interval.

    >>> bootstrap_interval(np.array([1.0, 1.0, 0.0, 1.0])).mean
    0.75
    """
    return Interval(
        *(float(end[0]) for end in bootstrap_intervals(values[:, None], clusters, level, samples, seed))
    )


def paired_test(
    values: Float[" Q"],
    others: Float[" Q"],
    clusters: Int[" Q"] | None = None,
    level: float = 0.95,
    samples: int = 9999,
    seed: int = 0,
) -> PairedTest:
    """Is `values` better than `others` on the same queries? Positive where it is.

    >>> paired_test(np.ones(8), np.zeros(8)).difference
    1.0
    """
    check_shape("others", others, "Q", Q=len(values))
    difference = np.asarray(values - others, np.float64)
    interval = bootstrap_interval(difference, clusters, level, seed=seed)
    return PairedTest(*interval, float(permutation_p(difference[:, None], clusters, samples, seed)[0]))


def _by_cluster(values: np.ndarray, clusters: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Sums (G, M) and sizes (G,) of the clusters."""
    n_queries = check_shape("values", values, "Q M")["Q"]
    check_finite("values", values)
    if clusters is None:
        clusters = np.arange(n_queries)
    check_shape("clusters", clusters, "Q", Q=n_queries)
    names, cluster = np.unique(clusters, return_inverse=True)
    if len(names) < 2:
        raise ArrayError(f"clusters: got {len(names)}, resampling needs at least 2")
    sums = np.zeros((len(names), values.shape[1]))
    np.add.at(sums, cluster, values)
    return sums, np.bincount(cluster).astype(np.float64)


def _block_sizes(samples: int) -> Iterator[int]:
    if samples < 1:
        raise ArrayError(f"samples: got {samples}, expected 1 or more")
    return (min(_BLOCK, samples - start) for start in range(0, samples, _BLOCK))
