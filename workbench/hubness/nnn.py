"""NNN, nearest neighbour normalisation: a picture that the bank's queries score highly loses what they gave it.

    score' = s - alpha r_S      r_S: the picture's mean score with the k bank queries that score best with it

With alpha = 1/2 it ranks as CSLS does; with k = all of the bank and alpha = 1 it is centring the queries.

Chowdhury et al., Nearest Neighbor Normalization Improves Multimodal Retrieval (EMNLP 2024, arXiv 2410.24114). Its
README uses k = 128, alpha = 0.75; the default here is what was steadiest on small banks, in both directions.
"""

from __future__ import annotations

from dataclasses import dataclass

from workbench.hubness.bank import Bank
from workbench.hubness.base import MITIGATORS, Additive
from workbench.hubness.largest import bank_top_mean


@MITIGATORS.register("nnn")
@dataclass(frozen=True)
class NNN:
    """alpha = 0 changes nothing. Raises BankError where the bank has fewer than k queries."""

    k: int = 16
    alpha: float = 0.5

    def fit(self, bank: Bank) -> Additive:
        return Additive(-self.alpha * bank_top_mean("NNN", bank, self.k))
