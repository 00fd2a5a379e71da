"""Slow, obvious twins of the mitigators: one query, one picture, one formula at a time, in float64.

Twins of mitigators of scores take the bank's scores (B, N) and the test scores (Q, N); those of mitigators of rows take
rows. All give the test scores afterwards.
"""

from __future__ import annotations

import math

import numpy as np


def best_mean(values, k):
    """Mean of the k largest."""
    return math.fsum(sorted(values, reverse=True)[:k]) / k


def each(bank, scores, formula):
    """formula(score, the bank's scores with the picture, the query's scores with the gallery) for every pair."""
    bank, scores = np.asarray(bank, np.float64), np.asarray(scores, np.float64)
    out = np.empty(scores.shape)
    for i in range(scores.shape[0]):
        for j in range(scores.shape[1]):
            out[i, j] = formula(scores[i, j], bank[:, j].tolist(), scores[i].tolist())
    return out


def nnn(bank, scores, k, alpha):
    return each(bank, scores, lambda s, column, row: s - alpha * best_mean(column, k))


def csls(bank, scores, k):
    return each(bank, scores, lambda s, column, row: 2 * s - best_mean(row, k) - best_mean(column, k))


def inverted_softmax(bank, scores, beta):
    """The ratio as it is published, not its logarithm."""
    return each(
        bank,
        scores,
        lambda s, column, row: math.exp(beta * s) / math.fsum(math.exp(beta * b) for b in column),
    )


def active_pictures(bank, k):
    """Pictures among the k best of any bank query."""
    return {j for row in np.asarray(bank) for j in sorted(range(len(row)), key=lambda j: -row[j])[:k]}


def dis(bank, scores, beta, k):
    active = active_pictures(bank, k)
    ratios = inverted_softmax(bank, scores, beta)
    return np.array(
        [ratios[i] if int(np.argmax(row)) in active else row for i, row in enumerate(np.asarray(scores))]
    )


def dual_is(bank, gallery_bank, scores, beta, beta_gallery):
    return inverted_softmax(bank, scores, beta) * inverted_softmax(gallery_bank, scores, beta_gallery)


def dual_dis(bank, gallery_bank, scores, beta, beta_gallery, k):
    """The product of both, but the score itself where both leave it as it is: its square would lose the sign."""
    one, other = dis(bank, scores, beta, k), dis(gallery_bank, scores, beta_gallery, k)
    left = (one == scores).all(axis=1) & (other == scores).all(axis=1)
    return np.where(left[:, None], scores, one * other)


def dual_softmax(scores, temperature):
    ratios = inverted_softmax(scores, scores, temperature)
    return scores * ratios


def sinkhorn(scores, beta, iterations):
    """The matrix itself, rows and columns made to sum to one in turn."""
    matrix = np.exp(beta * np.asarray(scores, np.float64))
    for _ in range(iterations):
        matrix = np.array([row / math.fsum(row) for row in matrix])
        matrix = np.array([column / math.fsum(column) for column in matrix.T]).T
    return matrix


def nicdm(bank, scores, k, top):
    def formula(s, column, row):
        mine, theirs = top - best_mean(row, k), top - best_mean(column, k)
        return -(top - s) / math.sqrt(mine * theirs)

    return each(bank, scores, formula)


def local_scaling(bank, scores, k, top):
    def formula(s, column, row):
        mine, theirs = (top - sorted(values, reverse=True)[k - 1] for values in (row, column))
        return math.exp(-((top - s) ** 2) / (mine * theirs))

    return each(bank, scores, formula)


def dissim_local(bank_queries, gallery, queries, k):
    """The published dissimilarity with both sides' neighbours, negated: ranks the same as without the query's."""

    def square(vector):
        return vector @ vector

    def taken(row, others):
        nearest = sorted(others, key=lambda other: square(row - other))[:k]
        return square(row - np.mean(nearest, axis=0))

    return np.array(
        [[taken(q, gallery) + taken(g, bank_queries) - square(q - g) for g in gallery] for q in queries]
    )


def globally_corrected(bank, scores):
    """Place from the bottom: by the number of bank queries that score higher, then by the score."""
    counts = each(bank, scores, lambda s, column, row: sum(b > s for b in column))
    out = np.empty(counts.shape)
    for i, row in enumerate(np.asarray(scores)):
        keys = [(-counts[i, j], row[j]) for j in range(len(row))]
        out[i] = [sorted(set(keys)).index(key) for key in keys]
    return out


def mutual_proximity_empiric(bank, scores):
    def formula(s, column, row):
        return sum(r < s for r in row) / len(row) * sum(b < s for b in column) / len(column)

    return each(bank, scores, formula)


def mutual_proximity_joint(gallery_scores, scores):
    """gallery_scores (N, N): the gallery with itself, in the place of a bank."""

    def formula(s, column, row):
        return sum(r < s and b < s for r, b in zip(row, column, strict=True)) / len(row)

    return each(gallery_scores, scores, formula)


def above(value, values):
    """Share of a normal distribution with these values' mean and deviation that lies below a value."""
    return 0.5 * math.erfc(-(value - np.mean(values)) / np.std(values) / math.sqrt(2))


def mutual_proximity(bank, scores, k):
    def formula(s, column, row):
        near = sorted(row, reverse=True)[: k or len(row)]
        theirs = sorted(column, reverse=True)[: k or len(column)]
        return above(s, near) * above(s, theirs)

    return each(bank, scores, formula)


def centring(bank_queries, gallery, queries, alpha):
    """From rows, though the mitigator needs scores only."""
    moved = [q - alpha * np.mean(bank_queries, axis=0) for q in queries]
    items = [g - alpha * np.mean(gallery, axis=0) for g in gallery]
    return np.array([[q @ g for g in items] for q in moved])


def centring_unit(bank_queries, gallery, queries, alpha):
    moved = [q - alpha * np.mean(bank_queries, axis=0) for q in queries]
    items = [g - alpha * np.mean(gallery, axis=0) for g in gallery]
    return np.array([[q @ g / math.sqrt(q @ q) / math.sqrt(g @ g) for g in items] for q in moved])


def _unit(row):
    return row / math.sqrt(row @ row)


def invgc(bank, gallery, queries, rate_gallery, rate_query, gallery_bank, pool=None):
    """`pool` given: LocalAdj."""

    def pushed(g, others, rate):
        weights = np.array([g @ other for other in others])
        if pool is None:
            usual = np.mean([[h @ other for other in others] for h in gallery])
            return g - rate / len(others) * sum((w - usual) * o for w, o in zip(weights, others, strict=True))
        count = int(pool * len(others))
        nearest = np.argsort(-weights)[:count]
        return g - rate / count * sum(weights[m] * others[m] for m in nearest)

    items = [
        _unit(_unit(pushed(g, gallery_bank, rate_gallery)) / 2 + _unit(pushed(g, bank, rate_query)) / 2)
        for g in gallery
    ]
    return np.array([[q @ g for g in items] for q in queries])
