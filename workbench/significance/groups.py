"""Which queries hang together, and over what the mean is taken: the ground of every interval and test.

A cluster is drawn or flipped as a whole; a stratum (FashionIQ's category) keeps its own clusters. A cluster that
reaches into several strata counts as one per stratum.

The mean is the benchmark's own: over queries; over clusters (the mean of cluster means: i-CIR's macro mAP over
instances); or over strata (the mean of stratum means: FashionIQ's average over categories). Each is a weighted sum
over queries, and the weights add up to 1.
"""

from __future__ import annotations

import numpy as np

from workbench.arrays import ArrayError, Float, Int, check_finite, check_shape
from workbench.registry import UnknownName, nearest

MEANS = ("queries", "clusters", "strata")


class Groups:
    """Clusters and strata of Q queries.

    cluster: Int["Q"], 0 .. G - 1, numbered so that each stratum's clusters follow one another.
    strata: the clusters of each stratum, as slices.  weights: Float["Q"], weights @ values is the mean.

    >>> halves = Groups(clusters=np.array([0, 0, 1, 2, 3]), strata=np.array([0, 0, 0, 1, 1]), mean="strata")
    >>> halves.average(np.array([[1.0], [1.0], [1.0], [0.0], [1.0]]))
    array([0.75])

    Raises ArrayError for shapes that do not fit or a stratum with fewer than two clusters (nothing could be
    resampled), UnknownName for an unknown mean.
    """

    def __init__(self, clusters: Int[" Q"], strata: Int[" Q"] | None = None, mean: str = "queries"):
        if mean not in MEANS:
            raise UnknownName(
                f"no mean is taken over {mean!r}.{nearest(mean, MEANS)} Known: {', '.join(MEANS)}"
            )
        n_queries = check_shape("clusters", clusters, "Q")["Q"]
        strata = np.zeros(n_queries, np.int64) if strata is None else strata
        check_shape("strata", strata, "Q", Q=n_queries)
        pairs, cluster = np.unique(np.stack([strata, clusters]), axis=1, return_inverse=True)
        names, starts, counts = np.unique(pairs[0], return_index=True, return_counts=True)
        _refuse_lonely(names, counts)
        self.mean = mean
        self.cluster = cluster.reshape(-1)
        self.sizes = np.bincount(self.cluster).astype(np.float64)
        self.strata = tuple(slice(a, a + n) for a, n in zip(starts.tolist(), counts.tolist(), strict=True))
        self.weights = self._weights()

    def __len__(self) -> int:
        """How many clusters there are."""
        return len(self.sizes)

    def sums(self, values: Float["Q M"]) -> Float["G M"]:
        """Column sums within each cluster. Raises ArrayError for NaN or another number of queries."""
        check_shape("values", values, "Q M", Q=len(self.cluster))
        check_finite("values", values)
        columns = [np.bincount(self.cluster, column, len(self)) for column in np.asarray(values, float).T]
        return np.stack(columns, axis=1) if columns else np.zeros((len(self), 0))

    def average(self, values: Float["Q M"]) -> Float[" M"]:
        """The mean of each column (plainly summed where it is over queries, so that 3 of 4 is 0.75 to the last digit)."""
        return values.mean(axis=0) if self.mean == "queries" else self.weights @ values

    def _weights(self) -> Float[" Q"]:
        if self.mean == "queries":
            share = np.ones(len(self.cluster))
        elif self.mean == "clusters":
            share = 1 / self.sizes[self.cluster]
        else:
            of_stratum = np.concatenate([np.full(s.stop - s.start, self.sizes[s].sum()) for s in self.strata])
            share = 1 / of_stratum[self.cluster]
        return share / share.sum()


def as_groups(groups: Groups | np.ndarray | None, n_queries: int) -> Groups:
    """`groups` as Groups: nothing means that each query stands alone, an array numbers the clusters.

    Raises ArrayError where they are not of `n_queries` queries, and as Groups does.
    """
    if not isinstance(groups, Groups):
        clusters = np.arange(n_queries) if groups is None else groups
        check_shape("clusters", clusters, "Q", Q=n_queries)
        return Groups(clusters)
    if len(groups.cluster) != n_queries:
        raise ArrayError(f"groups: got {len(groups.cluster)} queries, expected {n_queries}")
    return groups


def _refuse_lonely(names: np.ndarray, counts: np.ndarray) -> None:
    if len(counts) == 0 or counts.min() < 2:
        where = "" if len(counts) < 2 else f" in stratum {names[np.argmin(counts)]}"
        got = 0 if len(counts) == 0 else counts.min()
        raise ArrayError(f"clusters: got {got}{where}, resampling needs at least 2")
