"""Inverted softmax: not "which picture for this query" but "which query for this picture", asked of a bank.

    score' = log( e^(beta s) / sum_b e^(beta B_b) ) = beta s - log sum_b e^(beta B_b)

B_b are the picture's scores with the bank's queries. Published as the ratio; here its logarithm, which ranks the same
and cannot overflow. It adds one number per picture to beta s, so it has a `bias`. beta belongs to the scale of the
scores: 20 for cosines is 0.2 for logits of 100 x cosine.

Smith et al., Offline Bilingual Word Vectors (ICLR 2017, arXiv 1702.03859); beta = 30 as MUSE has it, 20 in QB-Norm.
"""

from __future__ import annotations

from dataclasses import dataclass

from workbench.hubness.bank import Bank
from workbench.hubness.base import MITIGATORS, Additive, check_positive
from workbench.hubness.logs import bank_log_sum


@MITIGATORS.register("inverted_softmax")
@dataclass(frozen=True)
class InvertedSoftmax:
    """A small beta comes close to subtracting the picture's mean, a large one its best score in the bank.

    Raises MitigatorError for a beta that is not above 0.
    """

    beta: float = 30.0

    def fit(self, bank: Bank) -> Additive:
        check_positive("inverted softmax", beta=self.beta)
        return Additive(-bank_log_sum("inverted softmax", bank, self.beta) / self.beta, scale=self.beta)
