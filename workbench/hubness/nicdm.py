"""NICDM, non-iterative contextual dissimilarity: distances in units of what is near for both sides.

    score' = - d / sqrt(mu_T mu_S)      d = top - s
    mu_T: the query's mean distance to its k nearest pictures;  mu_S: the picture's to its k nearest bank queries

Where CSLS subtracts means, this divides by them. mu_T changes no ranking. A mean of 1 - cosine is not one of Euclidean
distances, so rankings differ a little between the two; for the latter, score by negated distances, with top = 0.

Jegou et al., A Contextual Dissimilarity Measure for Accurate and Efficient Image Search (CVPR 2007), in the one-pass
form of Schnitzer et al., Local and Global Scaling Reduce Hubs in Space (JMLR 2012).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.arrays import Float
from workbench.hubness.bank import Bank
from workbench.hubness.base import MITIGATORS, check_whole_rows
from workbench.hubness.distances import check_distances
from workbench.hubness.largest import bank_top_mean, check_neighbours, top_mean


@MITIGATORS.register("nicdm")
@dataclass(frozen=True)
class NICDM:
    """top: the score of two rows that are the same: 1 for cosines, 100 for 100 x cosine, 0 for negated distances.

    Raises BankError where bank or gallery has fewer than k rows, MitigatorError for scores above top, or rows that
    coincide with all their k nearest.
    """

    k: int = 10
    top: float = 1.0

    def fit(self, bank: Bank) -> FittedNICDM:
        check_neighbours("NICDM", self.k, bank.n_items, "gallery", "pictures")
        near = self.top - bank_top_mean("NICDM", bank, self.k)
        check_distances("NICDM", near, self.top, "gallery row")
        return FittedNICDM(near, self.k, self.top)


@dataclass(frozen=True, eq=False)
class FittedNICDM:
    """near (N,) is mu_S. Looks at whole rows."""

    near: Float[" N"]
    k: int
    top: float

    def __call__(self, scores: Float["q n"], queries: slice, items: slice) -> Float["q n"]:
        check_whole_rows("NICDM", scores, items, len(self.near))
        mine = self.top - top_mean(scores, self.k)
        check_distances("NICDM", mine, self.top, "query", queries.start or 0)
        return (scores - self.top) / np.sqrt(mine[:, None] * self.near)
