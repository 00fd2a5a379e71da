"""The k largest of each row, and their mean: what most mitigators know of a gallery picture."""

from __future__ import annotations

import numpy as np

from workbench.arrays import Float
from workbench.hubness.bank import Bank, BankError

GROUP = 32  # scores of which only the largest is looked at first; any number is exact


def top_mean(scores: Float["n B"], k: int) -> Float[" n"]:
    """Mean of the k largest of each row, added up in float64."""
    return largest(scores, k).mean(axis=1, dtype=np.float64).astype(scores.dtype)


def kth_largest(scores: Float["n B"], k: int) -> Float[" n"]:
    """The k-th largest of each row."""
    return largest(scores, k).min(axis=1)


def bank_top_mean(who: str, bank: Bank, k: int) -> Float[" N"]:
    """r_S: each gallery picture's mean score with the k bank queries that score best with it.

    Raises BankError where the bank has fewer than k queries, or a picture fewer than k that count.
    """
    check_neighbours(who, k, bank.n_queries, f"bank ({bank.label})", "queries")
    out = np.empty(bank.n_items, bank.dtype)
    for items, scores in bank.columns():
        out[items] = top_mean(scores, k)
    check_counted(who, out, bank)
    return out


def bank_mean(who: str, bank: Bank) -> Float[" N"]:
    """Each gallery picture's mean score with the bank queries that count for it.

    Raises BankError for a picture for which none counts.
    """
    out = np.empty(bank.n_items, bank.dtype)
    for items, scores in bank.columns():
        left_out = np.isneginf(scores)
        scores[left_out] = 0
        with np.errstate(invalid="ignore"):  # none that counts: named below
            out[items] = scores.sum(axis=1, dtype=np.float64) / np.count_nonzero(~left_out, axis=1)
    check_counted(who, out, bank)
    return out


def check_neighbours(who: str, k: int, n: int, where: str, what: str) -> None:
    """Raises BankError where k neighbours are asked of n."""
    if not 1 <= k <= n:
        raise BankError(f"{who}: k is {k}, but the {where} has {n} {what}")


def check_counted(who: str, statistic: np.ndarray, bank: Bank) -> None:
    """Raises BankError for a picture that has too few scores that count (-inf does not)."""
    bad = np.flatnonzero(~np.isfinite(statistic))
    if len(bad):
        raise BankError(
            f"{who}: {len(bad)} gallery pictures, row {bad[0]} the first, have too few scores that count in the "
            f"bank ({bank.label})"
        )


def largest(scores: Float["n B"], k: int) -> Float["n k"]:
    """The k largest of each row, in no order; may be a view."""
    n = scores.shape[1]
    if k == 1:
        return scores.max(axis=1, keepdims=True)
    if n >= 4 * k * GROUP:
        scores = _candidates(scores, k)
        n = scores.shape[1]
    return scores if k == n else np.partition(scores, n - k, axis=1)[:, n - k :]


def _candidates(scores: np.ndarray, k: int) -> np.ndarray:
    """The k largest of each row and some others: whole groups of GROUP, those with the k largest maxima, and the rest.

    No other group can hold one of the k largest. Members stand n / GROUP apart, so that maxima run along memory.
    """
    n_rows, n = scores.shape
    apart = n // GROUP
    maxima = scores[:, : GROUP * apart].reshape(n_rows, GROUP, apart).max(axis=1)
    groups = np.argpartition(maxima, apart - k, axis=1)[:, apart - k :]
    members = (groups[:, :, None] + apart * np.arange(GROUP)).reshape(n_rows, -1)
    return np.concatenate([np.take_along_axis(scores, members, 1), scores[:, GROUP * apart :]], axis=1)
