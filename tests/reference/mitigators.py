"""Slow, obvious twins of the mitigators: one query, one picture, one formula at a time, in float64.

Every twin takes the bank's scores (B, N) and the test scores (Q, N), and gives the test scores after the mitigator.
"""

from __future__ import annotations

import numpy as np


def best_mean(values, k):
    """Mean of the k largest."""
    return np.mean(sorted(np.asarray(values, np.float64), reverse=True)[:k])


def each(bank, scores, formula):
    """formula(score, the bank's scores with the picture, the query's scores with the gallery) for every pair."""
    bank, scores = np.asarray(bank, np.float64), np.asarray(scores, np.float64)
    out = np.empty(scores.shape)
    for i in range(scores.shape[0]):
        for j in range(scores.shape[1]):
            out[i, j] = formula(scores[i, j], bank[:, j], scores[i])
    return out


def nnn(bank, scores, k, alpha):
    return each(bank, scores, lambda s, column, row: s - alpha * best_mean(column, k))


def csls(bank, scores, k):
    return each(bank, scores, lambda s, column, row: 2 * s - best_mean(row, k) - best_mean(column, k))
