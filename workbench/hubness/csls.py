"""CSLS, cross-domain similarity local scaling: a score counts by how far it stands above what both sides usually get.

    score' = 2 s - r_T - r_S    r_T: the query's mean score with its k best pictures in the gallery
                                r_S: the picture's mean score with its k best queries in the bank

r_T is one number per query and changes no ranking; `bias` (-r_S / 2, added to s) leaves it out and ranks the same.

Conneau et al., Word Translation Without Parallel Data (ICLR 2018, arXiv 1710.04087).
"""

from __future__ import annotations

from dataclasses import dataclass

from workbench.arrays import Float
from workbench.hubness.bank import Bank
from workbench.hubness.base import MITIGATORS, check_whole_rows
from workbench.hubness.largest import bank_top_mean, check_neighbours, top_mean


@MITIGATORS.register("csls")
@dataclass(frozen=True)
class CSLS:
    """Raises BankError where bank or gallery has fewer than k rows."""

    k: int = 10

    def fit(self, bank: Bank) -> FittedCSLS:
        check_neighbours("CSLS", self.k, bank.n_items, "gallery", "pictures")
        return FittedCSLS(-bank_top_mean("CSLS", bank, self.k) / 2, self.k)


@dataclass(frozen=True, eq=False)
class FittedCSLS:
    """Looks at whole rows; `bias` does not."""

    bias: Float[" N"]
    k: int

    def __call__(self, scores: Float["q n"], queries: slice, items: slice) -> Float["q n"]:
        check_whole_rows("CSLS", scores, items, len(self.bias))
        out = scores + self.bias
        out *= 2
        out -= top_mean(scores, self.k)[:, None]
        return out
