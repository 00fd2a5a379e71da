"""DualIS and DualDIS (DBNorm): inverted softmax against a bank of queries and against a bank of gallery pictures.

    DualIS    score' = IS(s; query bank, beta) x IS(s; gallery bank, beta_gallery), as a logarithm: it has a `bias`
    DualDIS   the same of two DIS: a bank whose active pictures the query's best is not among gives s itself as factor

The gallery bank's pictures must not be in the gallery: with itself a picture scores 1, which drowns everything. The
released wrapper never looks at the test scores; this is the product that its parts compute when they are given them.
Where neither bank is active, that product is s x s, which lifts negative scores among the positive ones; here s is left
as it is, which ranks the same where s is positive.

Wang et al., Balance Act: Mitigating Hubness in Cross-Modal Retrieval with Query and Gallery Banks (EMNLP 2023,
arXiv 2310.11612). Its beta = 1 / 1.99 and beta_gallery = 3 weigh the gallery bank six times as much as the query bank;
on 500 COCO pairs that lost 30 points of R@1, so the defaults here are milder. Tune them on validation queries.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.arrays import Float
from workbench.hubness.bank import Bank
from workbench.hubness.base import MITIGATORS, Additive, check_whole_rows
from workbench.hubness.dis import DIS, FittedDIS
from workbench.hubness.inverted_softmax import InvertedSoftmax
from workbench.hubness.logs import log_product


@MITIGATORS.register("dual_is")
@dataclass(frozen=True)
class DualIS:
    """Raises BankError for a bank without a gallery bank."""

    beta: float = 30.0
    beta_gallery: float = 5.0

    def fit(self, bank: Bank) -> Additive:
        by_query = InvertedSoftmax(self.beta).fit(bank)
        by_gallery = InvertedSoftmax(self.beta_gallery).fit(bank.of_gallery())
        scale = self.beta + self.beta_gallery
        return Additive(
            (self.beta * by_query.bias + self.beta_gallery * by_gallery.bias) / scale, scale=scale
        )


@MITIGATORS.register("dual_dis")
@dataclass(frozen=True)
class DualDIS:
    """Raises BankError for a bank without a gallery bank, or a gallery of fewer than k pictures."""

    beta: float = 30.0
    beta_gallery: float = 5.0
    k: int = 1

    def fit(self, bank: Bank) -> FittedDualDIS:
        return FittedDualDIS(
            DIS(self.beta, self.k).fit(bank), DIS(self.beta_gallery, self.k).fit(bank.of_gallery())
        )


@dataclass(frozen=True, eq=False)
class FittedDualDIS:
    """Looks at whole rows; every row is on a scale of its own."""

    by_query: FittedDIS
    by_gallery: FittedDIS

    def __call__(self, scores: Float["q n"], queries: slice, items: slice) -> Float["q n"]:
        check_whole_rows("DualDIS", scores, items, len(self.by_query.active))
        one, other = self.by_query.activated(scores), self.by_gallery.activated(scores)
        logs = np.where(one[:, None], self.by_query.softmax(scores, queries, items), 0)
        logs += np.where(other[:, None], self.by_gallery.softmax(scores, queries, items), 0)
        out = np.where((one & other)[:, None], logs, scores)
        single = one ^ other  # one factor is a ratio, the other the score itself
        out[single] = log_product(scores[single], logs[single])
        return out
