"""DisSimLocal: distances from which each side's distance to the middle of its neighbours is taken away.

    -2 score' = |q - g|^2 - |g - c|^2 - |q|^2,   so   score' = s + (|g - c|^2 - |g|^2) / 2

c: the mean of the picture's k nearest bank queries. What the query's own neighbours would take away is one number per
query and changes no ranking; it is left out. Of rows of one length this is NNN with alpha = 1, and half the squared
length of c given back: a picture amid queries that agree loses less.

Hara et al., Flattening the Density Gradient for Eliminating Spatial Centrality to Reduce Hubness (AAAI 2016), where
the neighbours come from the same set. Euclidean distances only, hence rows and their inner products.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.hubness.bank import Bank
from workbench.hubness.base import MITIGATORS, Additive
from workbench.hubness.largest import check_neighbours


@MITIGATORS.register("dissim_local")
@dataclass(frozen=True)
class DisSimLocal:
    """Raises BankError for a bank of scores, or of fewer than k queries."""

    k: int = 5

    def fit(self, bank: Bank) -> Additive:
        bank.need_rows("DisSimLocal")
        check_neighbours("DisSimLocal", self.k, bank.n_queries, f"bank ({bank.label})", "queries")
        half = (bank.queries**2).sum(axis=1) / 2
        bias = np.empty(bank.n_items, bank.dtype)
        for items, scores in bank.columns():
            scores -= half  # the larger, the nearer
            near = np.argpartition(scores, bank.n_queries - self.k, axis=1)[:, bank.n_queries - self.k :]
            middle = bank.queries[near].mean(axis=1)
            rows = bank.gallery[items]
            bias[items] = (((rows - middle) ** 2).sum(axis=1) - (rows**2).sum(axis=1)) / 2
        return Additive(bias)
