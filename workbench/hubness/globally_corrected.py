"""Globally corrected: a picture is ranked by how the query stands among all queries that might want it.

    place of i for j = number of bank queries that score higher with j than i does; fewer is better, ties by s

score' is the picture's place from the bottom of this order: what matters is the ranking, rows are not comparable.

Dinu, Lazaridou and Baroni, Improving Zero-shot Learning by Mitigating the Hubness Problem (ICLR 2015 workshop,
arXiv 1412.6568).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.arrays import Float
from workbench.hubness.bank import Bank
from workbench.hubness.base import MITIGATORS, check_whole_rows
from workbench.hubness.sorted_bank import SortedBank


@MITIGATORS.register("globally_corrected")
@dataclass(frozen=True)
class GloballyCorrected:
    """Keeps all scores of the bank. Raises MitigatorError where these are too many."""

    def fit(self, bank: Bank) -> FittedGloballyCorrected:
        return FittedGloballyCorrected(SortedBank.of("globally corrected", bank))


@dataclass(frozen=True, eq=False)
class FittedGloballyCorrected:
    """Looks at whole rows."""

    bank: SortedBank

    def __call__(self, scores: Float["q n"], queries: slice, items: slice) -> Float["q n"]:
        check_whole_rows("globally corrected", scores, items, len(self.bank.scores))
        beaten = self.bank.below(scores, items, side="right")
        out = np.empty_like(scores)
        for place, score, count in zip(out, scores, beaten, strict=True):
            order = np.lexsort((score, count))
            higher = (np.diff(score[order]) != 0) | (np.diff(count[order]) != 0)
            place[order] = np.concatenate([[0], np.cumsum(higher)])
        return np.where(np.isneginf(scores), scores, out)
