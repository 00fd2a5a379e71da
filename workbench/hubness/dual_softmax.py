"""Dual softmax: each score weighted by how much of its picture this query gets among all test queries.

    score' = s x e^(temperature s) / sum over the test queries of e^(temperature S)

Transductive by nature: it needs all test queries at once, so it cannot answer one query alone, and on sets where every
picture belongs to one query it profits from that rule. With another bank it would be inverted softmax. The product
is given by its sign and logarithm, which order each row the same and cannot overflow.

Cheng et al., Improving Video-Text Retrieval by Multi-Stream Corpus Alignment and Dual Softmax Loss (arXiv 2109.04290).
"""

from __future__ import annotations

from dataclasses import dataclass

from workbench.arrays import Float
from workbench.hubness.bank import Bank
from workbench.hubness.base import MITIGATORS, check_positive, check_whole_rows
from workbench.hubness.logs import bank_log_sum, log_product


@MITIGATORS.register("dual_softmax")
@dataclass(frozen=True)
class DualSoftmax:
    """temperature multiplies, as a logit scale does. Raises BankError unless the bank is labelled transductive."""

    temperature: float = 100.0

    def fit(self, bank: Bank) -> FittedDualSoftmax:
        check_positive("dual softmax", temperature=self.temperature)
        bank.need_transductive("dual softmax", instead="inverted_softmax")
        return FittedDualSoftmax(self.temperature, bank_log_sum("dual softmax", bank, self.temperature))


@dataclass(frozen=True, eq=False)
class FittedDualSoftmax:
    """Looks at whole rows; every row is on a scale of its own."""

    temperature: float
    log_sum: Float[" N"]

    def __call__(self, scores: Float["q n"], queries: slice, items: slice) -> Float["q n"]:
        check_whole_rows("dual softmax", scores, items, len(self.log_sum))
        return log_product(scores, self.temperature * scores - self.log_sum)
