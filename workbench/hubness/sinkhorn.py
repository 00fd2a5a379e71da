"""Sinkhorn: rows and columns of e^(beta S) made to sum to one in turn, so that every picture is handed out equally.

    score' = beta s + u + v      u: one number per test query, v: one per picture, found by the iteration

Transductive by nature: it shares the gallery out among the test queries themselves. On sets where each picture belongs
to one query that rule is part of the answer; where a picture may answer many queries or none, it is wrong. u changes
no ranking, so v / beta is a `bias`. Where a picture goes to one query alone, score' is about 0, the small difference
of large numbers: these are in float64 whatever the scores are in.

Cuturi, Sinkhorn Distances (NeurIPS 2013, arXiv 1306.0895), with uniform marginals; against hubs in Pan et al., Hubness
Reduction with Dual Bank Sinkhorn Normalization (ACM MM 2025, arXiv 2508.02538), whose banks are left out here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.arrays import Float, check_finite
from workbench.hubness.bank import Bank
from workbench.hubness.base import MITIGATORS, MitigatorError, check_positive
from workbench.hubness.logs import log_sum_exp


@MITIGATORS.register("sinkhorn")
@dataclass(frozen=True)
class Sinkhorn:
    """Rows first, columns last in every iteration. Raises BankError unless the bank is labelled transductive."""

    beta: float = 100.0
    iterations: int = 10

    def fit(self, bank: Bank) -> FittedSinkhorn:
        check_positive("Sinkhorn", beta=self.beta, iterations=self.iterations)
        bank.need_transductive("Sinkhorn", instead="inverted_softmax")
        by_query, by_item = np.zeros(bank.n_queries), np.zeros(bank.n_items)
        for _ in range(self.iterations):
            column = np.full(bank.n_items, -np.inf)
            for queries, given in bank.rows():
                scores = given.astype(np.float64)
                scores *= self.beta
                scores += by_item
                by_query[queries] = -log_sum_exp(scores.copy(), axis=1)
                scores += by_query[queries, None]
                column = np.logaddexp(column, log_sum_exp(scores, axis=0))
            by_item -= column
            check_finite(f"Sinkhorn's number per picture (bank: {bank.label})", by_item)
        return FittedSinkhorn(self.beta, by_query, by_item, (by_item / self.beta).astype(bank.dtype))


@dataclass(frozen=True, eq=False)
class FittedSinkhorn:
    """by_query (Q,) and by_item (N,) are u and v; bias is v / beta, which ranks the same."""

    beta: float
    by_query: Float[" Q"]
    by_item: Float[" N"]
    bias: Float[" N"]

    def __call__(self, scores: Float["q n"], queries: slice, items: slice) -> Float["q n"]:
        mine = self.by_query[queries]
        if len(mine) != len(scores):
            raise MitigatorError(
                f"Sinkhorn was fitted on {len(self.by_query)} test queries; got {len(scores)} rows for {queries}"
            )
        out = scores.astype(np.float64)
        out *= self.beta
        out += mine[:, None]
        out += self.by_item[items]
        return out.astype(scores.dtype)
