"""Mutual proximity: how likely it is, for both sides, to be farther apart than these two are.

    mutual_proximity           score' = log P(D_T > d) + log P(D_S > d)      both distributions taken as normal
    mutual_proximity_empiric   score' = P(D_T > d) x P(D_S > d)              both as they are

D_T: distances of the query to the gallery's pictures; D_S: of the picture to the bank's queries. A normal distribution
is known by mean and standard deviation, so scores do as well as distances: larger d is smaller s.

Schnitzer et al., Local and Global Scaling Reduce Hubs in Space (JMLR 2012). There the two sides are one set, and the
empiric form counts the objects that are farther from both, for which both must know the same objects; across a bank
of queries they do not, and the two sides are taken as independent, as the normal form does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.arrays import Float
from workbench.hubness.bank import Bank
from workbench.hubness.base import MITIGATORS, MitigatorError, check_whole_rows
from workbench.hubness.nearest import check_neighbours, largest


@MITIGATORS.register("mutual_proximity")
@dataclass(frozen=True)
class MutualProximity:
    """k: means and deviations of the k nearest only; 0 takes all.

    Raises BankError where bank or gallery has fewer than k rows, MitigatorError where all of a row's scores are equal.
    """

    k: int = 0

    def fit(self, bank: Bank) -> FittedMutualProximity:
        if self.k:
            check_neighbours("mutual proximity", self.k, bank.n_items, "gallery", "pictures")
            check_neighbours("mutual proximity", self.k, bank.n_queries, f"bank ({bank.label})", "queries")
        mean, spread = np.empty(bank.n_items, bank.dtype), np.empty(bank.n_items, bank.dtype)
        for items, scores in bank.columns():
            mean[items], spread[items] = _moments(scores, self.k, "gallery row", items.start)
        return FittedMutualProximity(mean, spread, self.k)


@dataclass(frozen=True, eq=False)
class FittedMutualProximity:
    """mean and spread (N,) of each picture's scores in the bank. Looks at whole rows."""

    mean: Float[" N"]
    spread: Float[" N"]
    k: int

    def __call__(self, scores: Float["q n"], queries: slice, items: slice) -> Float["q n"]:
        from scipy.special import log_ndtr

        check_whole_rows("mutual proximity", scores, items, len(self.mean))
        mean, spread = _moments(scores, self.k, "query", queries.start or 0)
        by_query = log_ndtr((scores - mean[:, None]) / spread[:, None])
        return by_query + log_ndtr((scores - self.mean) / self.spread)


def _moments(scores: np.ndarray, k: int, what: str, first: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (population form) of each row's k largest scores that count."""
    some = largest(scores, k) if k else scores
    counted = ~np.isneginf(some)
    mean = np.mean(some, axis=1, dtype=np.float64, where=counted)
    spread = np.std(some, axis=1, dtype=np.float64, where=counted)
    bad = np.flatnonzero(~(spread > 0))
    if len(bad):
        raise MitigatorError(
            f"mutual proximity: the scores of {what} {first + bad[0]} are all equal, so they have no spread"
        )
    return mean.astype(scores.dtype), spread.astype(scores.dtype)
