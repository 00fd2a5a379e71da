"""Slow, obvious twins of the hubness measures: every pair of pictures, every place, one at a time."""

from __future__ import annotations

import math


def robinhood(n_k):
    mean = sum(n_k) / len(n_k)
    return sum(n - mean for n in n_k if n > mean) / sum(n_k)


def gini(n_k):
    return sum(abs(a - b) for a in n_k for b in n_k) / (2 * len(n_k) * sum(n_k))


def atkinson(n_k, epsilon):
    mean = sum(n_k) / len(n_k)
    if epsilon == 1:
        return 1 - math.prod(n ** (1 / len(n_k)) for n in n_k) / mean
    return 1 - (sum(n ** (1 - epsilon) for n in n_k) / len(n_k)) ** (1 / (1 - epsilon)) / mean


def skewness(n_k):
    mean = sum(n_k) / len(n_k)
    moment = {p: sum((n - mean) ** p for n in n_k) / len(n_k) for p in (2, 3)}
    return moment[3] / moment[2] ** 1.5 if moment[2] else 0.0


def hub_occurrence(n_k, threshold):
    """One place after the other: does it go to a hub?"""
    places = [n for n in n_k for _ in range(n)]
    return sum(n >= threshold for n in places) / len(places)


def top_share(n_k, share):
    most = math.ceil(share * len(n_k))
    return sum(sorted(n_k)[-most:]) / sum(n_k)
