"""DIS, dynamic inverted softmax (QB-Norm): only queries whose best picture is a hub of the bank are corrected.

    A       = pictures that are among the k best of at least one bank query
    score'  = inverted softmax, as a logarithm, for a query whose best picture is in A
            = s, unchanged, for any other query

So rows of the two kinds are on different scales: rank within a row, never within a column.

Bogolin et al., Cross Modal Retrieval with Querybank Normalisation (CVPR 2022, arXiv 2112.12777): beta = 20, k = 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.arrays import Float
from workbench.hubness.bank import Bank
from workbench.hubness.base import MITIGATORS, Additive, check_whole_rows
from workbench.hubness.inverted_softmax import InvertedSoftmax
from workbench.hubness.largest import check_neighbours
from workbench.index import nearest_of_blocks


@MITIGATORS.register("dis")
@dataclass(frozen=True)
class DIS:
    """Raises BankError where the gallery has fewer than k pictures."""

    beta: float = 20.0
    k: int = 1

    def fit(self, bank: Bank) -> FittedDIS:
        check_neighbours("DIS", self.k, bank.n_items, "gallery", "pictures")
        active = np.zeros(bank.n_items, bool)
        active[nearest_of_blocks(bank.rows(), bank.n_queries, self.k)] = True
        return FittedDIS(active, InvertedSoftmax(self.beta).fit(bank))


@dataclass(frozen=True, eq=False)
class FittedDIS:
    """`active` (N,): which pictures are in A. Looks at whole rows."""

    active: np.ndarray
    softmax: Additive

    def activated(self, scores: Float["q N"]) -> np.ndarray:
        """(q,) bool: the queries that are corrected."""
        check_whole_rows("DIS", scores, slice(0, scores.shape[1]), len(self.active))
        return self.active[scores.argmax(axis=1)]

    def __call__(self, scores: Float["q n"], queries: slice, items: slice) -> Float["q n"]:
        check_whole_rows("DIS", scores, items, len(self.active))
        return np.where(self.activated(scores)[:, None], self.softmax(scores, queries, items), scores)
