"""Every picture's bank scores in order: where in them does a test score stand?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.arrays import Float, Int
from workbench.hubness.bank import Bank
from workbench.hubness.base import MitigatorError

BUDGET = 2 * 2**30  # bytes


@dataclass(frozen=True, eq=False)
class SortedBank:
    """scores (N, B), ascending: as large as the bank's scores themselves, for an exact rank needs them all.

    slack: scores that are no farther apart count as equal. Products of the same rows differ in their last digits with
    the block they are computed in, and a query that is in its own bank must not beat itself.
    """

    scores: Float["N B"]
    slack: float = 0.0

    @classmethod
    def of(cls, who: str, bank: Bank) -> SortedBank:
        """Raises MitigatorError where they would take more than BUDGET bytes."""
        size = bank.n_items * bank.n_queries * bank.dtype.itemsize
        if size > BUDGET:
            raise MitigatorError(
                f"{who} keeps all scores of the bank ({bank.label}): {size:,} bytes for {bank.n_items} pictures, "
                f"more than the budget of {BUDGET:,}; take fewer bank queries"
            )
        kept = np.empty((bank.n_items, bank.n_queries), bank.dtype)
        for items, scores in bank.columns():
            kept[items] = np.sort(scores, axis=1)
        if bank.scores is not None:  # compared as they are
            return cls(kept)
        width, largest = bank.queries.shape[1], np.abs(kept[np.isfinite(kept)]).max(initial=0)
        return cls(kept, float(2 * np.finfo(kept.dtype).eps * np.sqrt(width) * largest))

    def below(self, scores: Float["q n"], items: slice, side: str = "left") -> Int["q n"]:
        """How many of the picture's bank scores are smaller; with side="right", smaller or equal."""
        given = scores.T + (self.slack if side == "right" else -self.slack)
        columns = zip(self.scores[items], given.astype(scores.dtype, copy=False), strict=True)
        return np.stack([np.searchsorted(kept, column, side) for kept, column in columns], axis=1)
