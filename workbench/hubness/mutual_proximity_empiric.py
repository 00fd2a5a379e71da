"""Mutual proximity from the distances as they are, instead of normal distributions.

    mutual_proximity_empiric   score' = P(D_T > d) x P(D_S > d)
        D_T: the query's distances to the gallery; D_S: the picture's to the bank's queries; taken as independent

    mutual_proximity_joint     score' = share of the gallery's pictures o that are farther than d from both
        the published form, which must know how far o is from the picture: only where the bank *is* the gallery

Schnitzer et al., Local and Global Scaling Reduce Hubs in Space (JMLR 2012).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.arrays import Float
from workbench.hubness.bank import Bank, BankError
from workbench.hubness.base import MITIGATORS, check_whole_rows
from workbench.hubness.sorted_bank import SortedBank


@MITIGATORS.register("mutual_proximity_empiric")
@dataclass(frozen=True)
class MutualProximityEmpiric:
    """Keeps all scores of the bank. Raises MitigatorError where these are too many."""

    def fit(self, bank: Bank) -> FittedEmpiric:
        return FittedEmpiric(SortedBank.of("mutual proximity", bank))


@dataclass(frozen=True, eq=False)
class FittedEmpiric:
    """Looks at whole rows."""

    bank: SortedBank

    def __call__(self, scores: Float["q n"], queries: slice, items: slice) -> Float["q n"]:
        n_items, n_queries = self.bank.scores.shape
        check_whole_rows("mutual proximity", scores, items, n_items)
        farther = np.stack([np.searchsorted(np.sort(row), row) for row in scores]) / n_items
        farther *= self.bank.below(scores, items) / n_queries
        return np.where(np.isneginf(scores), -np.inf, farther).astype(scores.dtype)


@MITIGATORS.register("mutual_proximity_joint")
@dataclass(frozen=True)
class MutualProximityJoint:
    """Of one set: bank query o is gallery picture o. Raises BankError for a bank of another size.

    A bank of nearest neighbours only has -inf elsewhere: what neither side knows is not counted, what one side does
    not know counts as farther from it, and nothing counts for a pair farther apart than all that the picture knows.
    """

    def fit(self, bank: Bank) -> FittedJoint:
        if bank.n_queries != bank.n_items:
            raise BankError(
                f"joint mutual proximity: the bank ({bank.label}) must be the gallery's own {bank.n_items} pictures"
            )
        return FittedJoint(bank.block(slice(None), slice(None)))


@dataclass(frozen=True, eq=False)
class FittedJoint:
    """others (N, N): the gallery's scores with itself. N steps per pair, so for small galleries. Looks at whole rows."""

    others: Float["N N"]

    def __call__(self, scores: Float["q n"], queries: slice, items: slice) -> Float["q n"]:
        check_whole_rows("joint mutual proximity", scores, items, len(self.others))
        known = ~np.isneginf(self.others)
        least = np.min(self.others, axis=0, where=known, initial=np.inf)
        out = np.empty_like(scores)
        for joint, row in zip(out, scores, strict=True):
            farther = (row[:, None] < row) & (self.others < row) & (known | ~np.isneginf(row)[:, None])
            joint[:] = np.where(row > least, farther.mean(axis=0), 0)
        return np.where(np.isneginf(scores), -np.inf, out)
