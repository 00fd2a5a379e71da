"""Mutual proximity: how likely it is, for both sides, to be farther apart than these two are.

    score' = log P(D_T > d) + log P(D_S > d)      the logarithm of the published product

D_T: the query's distances to the gallery's pictures; D_S: the picture's to the bank's queries; both taken as normal
and independent. Mean and standard deviation are all that counts, so scores do as well as distances: a larger d is a
smaller s. Without the normal distribution: `mutual_proximity_empiric`.

Schnitzer et al., Local and Global Scaling Reduce Hubs in Space (JMLR 2012), MP Gauss.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.arrays import Float
from workbench.hubness.bank import Bank
from workbench.hubness.base import MITIGATORS, MitigatorError, check_whole_rows
from workbench.hubness.largest import check_neighbours, largest


@MITIGATORS.register("mutual_proximity")
@dataclass(frozen=True)
class MutualProximity:
    """k: means and deviations of the k nearest only; 0 takes all.

    Raises BankError where bank or gallery has fewer than k rows, MitigatorError where all of a row's scores are equal.
    """

    k: int = 0

    def fit(self, bank: Bank) -> FittedMutualProximity:
        if self.k:
            check_neighbours("mutual proximity", self.k, bank.n_items, "gallery", "pictures")
            check_neighbours("mutual proximity", self.k, bank.n_queries, f"bank ({bank.label})", "queries")
        mean, spread = np.empty(bank.n_items, bank.dtype), np.empty(bank.n_items, bank.dtype)
        for items, scores in bank.columns():
            mean[items], spread[items] = _moments(scores, self.k, "gallery row", items.start)
        return FittedMutualProximity(mean, spread, self.k)


@dataclass(frozen=True, eq=False)
class FittedMutualProximity:
    """mean and spread (N,) of each picture's scores in the bank. Looks at whole rows."""

    mean: Float[" N"]
    spread: Float[" N"]
    k: int

    def __call__(self, scores: Float["q n"], queries: slice, items: slice) -> Float["q n"]:
        check_whole_rows("mutual proximity", scores, items, len(self.mean))
        mean, spread = _moments(scores, self.k, "query", queries.start or 0)
        out = _log_normal((scores - mean[:, None]) / spread[:, None])
        out += _log_normal((scores - self.mean) / self.spread)
        return out


def _log_normal(values: np.ndarray) -> np.ndarray:
    """log P(Z < z) of a standard normal Z; by the slower way only where the probability itself would be too small."""
    from scipy.special import log_ndtr, ndtr

    far = values < -5
    tail = log_ndtr(values[far])
    with np.errstate(divide="ignore"):
        out = np.log(ndtr(values), out=values)
    out[far] = tail
    return out


def _moments(scores: np.ndarray, k: int, what: str, first: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (population form) of each row's k largest scores that count."""
    some = largest(scores, k) if k else scores
    left_out = np.isneginf(some)
    count = some.shape[1] - np.count_nonzero(left_out, axis=1)
    some = np.where(left_out, 0, some) if left_out.any() else some
    with np.errstate(divide="ignore", invalid="ignore"):  # no score that counts: named below
        mean = (some.sum(axis=1, dtype=np.float64) / count).astype(scores.dtype)
        away = some - mean[:, None]
        away[left_out] = 0
        spread = np.sqrt(np.square(away, out=away).sum(axis=1, dtype=np.float64) / count).astype(scores.dtype)
    bad = np.flatnonzero(~(spread > 4 * np.finfo(spread.dtype).eps * np.abs(mean)))  # no more than rounding
    if len(bad):
        raise MitigatorError(
            f"mutual proximity: the scores of {what} {first + bad[0]} are all equal, so they have no spread"
        )
    return mean, spread
