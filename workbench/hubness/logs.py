"""Exponentials kept as their logarithms: at 100 x cosine, e^(20 s) is larger than any float."""

from __future__ import annotations

import numpy as np

from workbench.arrays import Float
from workbench.hubness.bank import Bank
from workbench.hubness.largest import check_counted


def log_sum_exp(values: np.ndarray, axis: int) -> np.ndarray:
    """log of the sum of e^values along an axis, in float64; -inf where all are. `values` is overwritten."""
    top = values.max(axis=axis, keepdims=True)
    top[np.isneginf(top)] = 0
    np.exp(np.subtract(values, top, out=values), out=values)
    with np.errstate(divide="ignore"):  # log 0 is what a row of -inf should give
        return np.log(values.sum(axis=axis, dtype=np.float64)) + top.squeeze(axis)


def bank_log_sum(who: str, bank: Bank, beta: float) -> Float[" N"]:
    """log sum_b e^(beta B_bj) for each gallery picture j, in the bank's float type.

    Raises BankError for a picture with no score that counts.
    """
    out = np.empty(bank.n_items, bank.dtype)
    for items, scores in bank.columns():
        out[items] = log_sum_exp(np.multiply(scores, beta, out=scores), axis=1)
    check_counted(who, out, bank)
    return out


def log_product(scores: Float["q N"], logs: Float["q N"]) -> Float["q N"]:
    """What orders each row as scores x e^logs does, whatever the size: its sign and logarithm, on the row's own scale.

    Positive products become log(product) + c >= 1, negative ones -(log|product| + c) <= -1, zero stays zero.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.log(np.abs(scores)) + logs  # log 0, where the product is 0: set below
    low = np.min(size, axis=1, keepdims=True, where=np.isfinite(size), initial=np.inf)
    low[np.isposinf(low)] = 0
    size[scores == 0] = 0
    out = np.where(scores == 0, 0, np.sign(scores) * (size - low + 1))
    return np.where(np.isneginf(scores), -np.inf, out).astype(scores.dtype, copy=False)
