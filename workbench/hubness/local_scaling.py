"""Local scaling: distances in units of the distance to the k-th nearest on both sides.

    score' = - d^2 / (sigma_T sigma_S)      d = top - s; the logarithm of the published e^(-d^2 / (sigma_T sigma_S))
    sigma_T: the query's distance to its k-th nearest picture;  sigma_S: the picture's to its k-th nearest bank query

With cosines, d = 1 - s ranks as Euclidean distances of unit rows do. sigma_T changes no ranking.

Zelnik-Manor and Perona, Self-Tuning Spectral Clustering (NeurIPS 2004), k = 7; as a cure for hubs in Schnitzer et al.,
Local and Global Scaling Reduce Hubs in Space (JMLR 2012), k = 10.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.arrays import Float
from workbench.hubness.bank import Bank
from workbench.hubness.base import MITIGATORS, check_whole_rows
from workbench.hubness.distances import check_distances
from workbench.hubness.largest import check_counted, check_neighbours, kth_largest


@MITIGATORS.register("local_scaling")
@dataclass(frozen=True)
class LocalScaling:
    """top: the score of two rows that are the same, as in NICDM. Raises as NICDM."""

    k: int = 10
    top: float = 1.0

    def fit(self, bank: Bank) -> FittedLocalScaling:
        check_neighbours("local scaling", self.k, bank.n_queries, f"bank ({bank.label})", "queries")
        check_neighbours("local scaling", self.k, bank.n_items, "gallery", "pictures")
        near = np.empty(bank.n_items, bank.dtype)
        for items, scores in bank.columns():
            near[items] = self.top - kth_largest(scores, self.k)
        check_counted("local scaling", near, bank)
        check_distances("local scaling", near, self.top, "gallery row")
        return FittedLocalScaling(near, self.k, self.top)


@dataclass(frozen=True, eq=False)
class FittedLocalScaling:
    """near (N,) is sigma_S. Looks at whole rows."""

    near: Float[" N"]
    k: int
    top: float

    def __call__(self, scores: Float["q n"], queries: slice, items: slice) -> Float["q n"]:
        check_whole_rows("local scaling", scores, items, len(self.near))
        mine = self.top - kth_largest(scores, self.k)
        check_distances("local scaling", mine, self.top, "query", queries.start or 0)
        return -((self.top - scores) ** 2) / (mine[:, None] * self.near)
