"""Percentile bootstrap intervals of means: clusters are drawn with replacement within their stratum.

All columns see the same draws, so an interval of a difference is the interval of the differences. With few clusters,
below some 20, the interval is too narrow, and without width where all values are equal; sign-flip tests stay honest.

Source: Efron, Bootstrap Methods (1979); drawing whole clusters: Davison & Hinkley, Bootstrap Methods and Their
Application (1997), section 3.8.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from workbench.arrays import ArrayError, Float, Int, check_shape
from workbench.significance.groups import Groups, as_groups

CELLS = 2**21  # numbers of resamples x clusters held at a time: 16 MiB of float64
COLUMNS = 512  # columns resampled at a time: 10,000 means of each are 40 MiB
RESAMPLES = 10_000


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


def bootstrap_intervals(
    values: Float["Q M"],
    groups: Groups | Int[" Q"] | None = None,
    level: float = 0.95,
    samples: int = RESAMPLES,
    seed: int = 0,
) -> Intervals:
    """Mean of each column with a percentile bootstrap interval at `level`.

    Raises ArrayError for NaN, shapes that do not fit, fewer than two clusters, or a level outside 0 .. 1.
    """
    groups = as_groups(groups, check_shape("values", values, "Q M")["Q"])
    if not 0 < level < 1:
        raise ArrayError(f"level: got {level}, expected a share between 0 and 1, such as 0.95")
    at = [(1 - level) / 2, (1 + level) / 2]
    columns = range(0, values.shape[1], COLUMNS)
    ends = [
        np.quantile(bootstrap_means(values[:, c : c + COLUMNS], groups, samples, seed), at, axis=0)
        for c in columns
    ]
    low, high = np.concatenate(ends, axis=1) if ends else np.empty((2, 0))
    return Intervals(groups.average(values), low, high)


def bootstrap_interval(
    values: Float[" Q"],
    groups: Groups | Int[" Q"] | None = None,
    level: float = 0.95,
    samples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Mean of one value per query with its interval. Raises ArrayError as `bootstrap_intervals`.

    >>> bootstrap_interval(np.array([1.0, 1.0, 0.0, 1.0])).mean
    0.75
    """
    ends = bootstrap_intervals(values[:, None], groups, level, samples, seed)
    return Interval(*(float(end[0]) for end in ends))


def bootstrap_means(
    values: Float["Q M"], groups: Groups, samples: int = RESAMPLES, seed: int = 0
) -> Float["samples M"]:
    """The mean of each column in each resample; differences of columns are paired, for all see the same draws."""
    sums, sizes = groups.sums(values), groups.sizes
    if groups.mean == "clusters":  # every cluster counts once
        sums, sizes = sums / sizes[:, None], np.ones(len(sizes))
    rng = np.random.default_rng(seed)
    blocks = []
    for block in block_sizes(samples, len(groups)):
        over, under = np.zeros((block, sums.shape[1])), np.zeros((block, 1))
        for stratum in groups.strata:
            times = _times_drawn(rng, block, stratum.stop - stratum.start)
            part, size = times @ sums[stratum], (times @ sizes[stratum])[:, None]
            over += part / size if groups.mean == "strata" else part
            under += 1 if groups.mean == "strata" else size
        blocks.append(over / under)
    return np.concatenate(blocks)


def block_sizes(samples: int, n_clusters: int) -> Iterator[int]:
    """`samples` in blocks of at most CELLS numbers, for clusters and for columns; how many columns there are changes
    nothing, so that a column's numbers do not depend on its neighbours."""
    if samples < 1:
        raise ArrayError(f"samples: got {samples}, expected 1 or more")
    step = max(1, CELLS // max(n_clusters, COLUMNS))
    return (min(step, samples - start) for start in range(0, samples, step))


def _times_drawn(rng: np.random.Generator, block: int, n_clusters: int) -> Float["block G"]:
    """How often each cluster is drawn in each of `block` resamples of `n_clusters` draws."""
    drawn = rng.integers(n_clusters, size=(block, n_clusters), dtype=np.int32)
    drawn += np.arange(0, block * n_clusters, n_clusters, dtype=np.int32)[:, None]
    return (
        np.bincount(drawn.reshape(-1), minlength=block * n_clusters).reshape(block, n_clusters).astype(float)
    )
