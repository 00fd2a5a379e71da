"""InvGC: pictures pushed away from what lies around them, first from other pictures, then from queries.

    g' = unit( 1/2 unit(g - rate_gallery/M sum_m (w_m - w_mean) p_m) + 1/2 unit(g - rate_query/B sum_b (w_b - w_mean) q_b) )

p_m: pictures of a gallery bank, q_b: queries of the bank, w: their inner products with g, w_mean: the mean of w over
all pictures and the whole bank. The sums are linear in g, g C - w_mean m with C the bank's second moment and m its
mean, so nothing of size N x B is needed.

    invgc_local: only the share `pool` of the bank that is nearest to g counts, w_mean = 0, divided by how many these are

Jian and Wang, InvGC: Robust Cross-Modal Retrieval by Inverse Graph Convolution (EMNLP Findings 2023,
arXiv 2310.13276). The rates are tuned there; 1 is where the released code starts. At 20 retrieval broke down on COCO.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.arrays import Float, unit
from workbench.hubness.bank import Bank
from workbench.hubness.base import MITIGATORS, MitigatorError
from workbench.index.blocks import slices


@dataclass(frozen=True, eq=False)
class FittedGallery:
    """A gallery of moved rows; queries stay as they are."""

    gallery: Float["N D"]

    def queries(self, rows: Float["Q D"]) -> Float["Q D"]:
        return rows


@MITIGATORS.register("invgc")
@dataclass(frozen=True)
class InvGC:
    """Of unit rows. A rate of 0 needs no bank of its kind. Raises BankError for a bank of scores, or of no pictures."""

    rate_gallery: float = 1.0
    rate_query: float = 1.0

    def fit(self, bank: Bank) -> FittedGallery:
        return _fit("InvGC", bank, self.rate_gallery, self.rate_query, _from_all)


@MITIGATORS.register("invgc_local")
@dataclass(frozen=True)
class InvGCLocal:
    """LocalAdj. Raises as InvGC, and MitigatorError where `pool` of a bank is less than one row."""

    rate_gallery: float = 1.0
    rate_query: float = 1.0
    pool: float = 0.01

    def fit(self, bank: Bank) -> FittedGallery:
        def from_nearest(gallery: np.ndarray, others: np.ndarray) -> np.ndarray:
            return _from_nearest(gallery, others, self.pool)

        return _fit("InvGC LocalAdj", bank, self.rate_gallery, self.rate_query, from_nearest)


def _fit(who: str, bank: Bank, rate_gallery: float, rate_query: float, around) -> FittedGallery:
    bank.need_rows(who)
    moved = np.zeros_like(bank.gallery)
    for rate, rows in ((rate_gallery, "gallery"), (rate_query, "queries")):
        away = bank.gallery
        if rate:
            others = bank.of_gallery().queries if rows == "gallery" else bank.queries
            away = away - rate * around(bank.gallery, others)
        moved += unit(away, f"{who}: gallery without its {rows} bank") / 2
    return FittedGallery(unit(moved, f"{who}: gallery"))


def _from_all(gallery: Float["N D"], others: Float["B D"]) -> Float["N D"]:
    """What lies around each row, weighed by how much closer than usual it is."""
    middle, centre = (rows.mean(axis=0, dtype=np.float64).astype(rows.dtype) for rows in (others, gallery))
    usual = centre @ middle
    return gallery @ (others.T @ others / len(others)) - usual * middle


def _from_nearest(gallery: Float["N D"], others: Float["B D"], pool: float) -> Float["N D"]:
    """What lies nearest to each row, weighed by how close it is."""
    count = int(pool * len(others))
    if not 1 <= count <= len(others):
        raise MitigatorError(
            f"InvGC LocalAdj: pool={pool} of {len(others)} rows is {count}, expected 1 to {len(others)}"
        )
    out = np.empty_like(gallery)
    for items in slices(len(gallery), len(others)):
        weights = gallery[items] @ others.T
        far = np.argpartition(weights, len(others) - count, axis=1)[:, : len(others) - count]
        np.put_along_axis(weights, far, 0, axis=1)
        out[items] = weights @ others / count
    return out
