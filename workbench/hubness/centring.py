"""Centring: the mean bank query taken out of every query, the mean picture out of every picture.

    centring        score' = (q - alpha q_mean) . (g - alpha g_mean)        rows not made unit again
    centring_unit   score' = unit(q - alpha q_mean) . unit(g - alpha g_mean)

q_mean is the bank's, g_mean the gallery's own. In the first, taking something out of the gallery changes no ranking,
and taking it out of the queries is NNN with all of the bank and the same alpha; it needs scores only, and has a
`bias`. With alpha = 1/2 it is distribution normalisation. In the second both matter, for the lengths change.

Zhou et al., Test-Time Distribution Normalization for Contrastively Learned Vision-language Models (NeurIPS 2023,
arXiv 2302.11084); Li et al., Closing the Modality Gap for Mixed Modality Search (GR-CLIP, arXiv 2507.19054).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.arrays import Float, unit
from workbench.hubness.bank import Bank
from workbench.hubness.base import MITIGATORS, check_whole_rows
from workbench.hubness.largest import bank_mean


@MITIGATORS.register("centring")
@dataclass(frozen=True)
class Centring:
    """alpha = 0 changes nothing. Means are over the pairs that count (-inf does not)."""

    alpha: float = 1.0

    def fit(self, bank: Bank) -> FittedCentring:
        return FittedCentring(self.alpha, -self.alpha * bank_mean("centring", bank))


@dataclass(frozen=True, eq=False)
class FittedCentring:
    """Looks at whole rows, for the mean picture; `bias` does not, and ranks the same."""

    alpha: float
    bias: Float[" N"]

    def __call__(self, scores: Float["q n"], queries: slice, items: slice) -> Float["q n"]:
        check_whole_rows("centring", scores, items, len(self.bias))
        counted = ~np.isneginf(scores)
        gallery_mean = np.mean(scores, axis=1, keepdims=True, where=counted, dtype=np.float64)
        both_means = self.bias.mean(dtype=np.float64)
        return scores + self.bias - (self.alpha * (gallery_mean + both_means)).astype(scores.dtype)


@MITIGATORS.register("centring_unit")
@dataclass(frozen=True)
class CentringUnit:
    """Of unit rows. Raises BankError for a bank of scores, ArrayError for a row that is its modality's mean."""

    alpha: float = 1.0

    def fit(self, bank: Bank) -> FittedCentringUnit:
        bank.need_rows("centring_unit")
        query_mean, gallery_mean = (
            rows.mean(axis=0, dtype=np.float64) for rows in (bank.queries, bank.gallery)
        )
        return FittedCentringUnit(
            _unit_without(bank.gallery, self.alpha * gallery_mean, "centred gallery"), self.alpha * query_mean
        )


@dataclass(frozen=True, eq=False)
class FittedCentringUnit:
    gallery: Float["N D"]
    taken: Float[" D"]

    def queries(self, rows: Float["Q D"]) -> Float["Q D"]:
        return _unit_without(rows, self.taken, "centred queries")


def _unit_without(rows: Float["n D"], taken: Float[" D"], name: str) -> Float["n D"]:
    """Unit rows after something was taken out; a row of which only rounding is left has no direction."""
    moved = rows - taken.astype(rows.dtype)
    nowhere = np.linalg.norm(moved, axis=1) <= 8 * np.finfo(rows.dtype).eps * np.linalg.norm(rows, axis=1)
    return unit(np.where(nowhere[:, None], 0, moved), name)
