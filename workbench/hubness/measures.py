"""How unevenly the places in top-k lists are shared out: one number each, from N_k with its zeros.

N_k (N,) counts in how many of Q lists a gallery picture stands, so it sums to k Q. Every measure depends on k, Q and N
as well as on hubness: with fewer than N places, some pictures must go without. Read a value beside the one that
random lists give (`report.hubness_report`), never alone. No measure says whether hubs are *right*: a picture that
many queries ask for is found often, too.

All raise ValueError where no list holds anything. Feldbauer et al., scikit-hubness (JOSS 2020), for the collection;
there, hub_occurrence divides by the size of the gallery where it means the number of queries.
"""

from __future__ import annotations

import math

import numpy as np

from workbench.arrays import Float, Int


def k_skewness(n_k: Int[" N"]) -> float:
    """Third standardised moment of N_k (population form); 0 where every picture occurs equally often.

    No unit; at most (N - 2) / sqrt(N - 1). It does not say how many hubs there are: one extreme picture is enough.
    """
    _total(n_k)
    deviation = np.asarray(n_k, np.float64) - np.mean(n_k)
    spread = np.sqrt(np.mean(deviation**2))
    return float(np.mean(deviation**3) / spread**3) if spread else 0.0


def truncated_third_moment(n_k: Int[" N"]) -> float:
    """Third raw moment of a standard normal cut off where N_k = 0 lies; scikit-hubness' `k_skewness_truncnorm`.

    No unit, 0 or more. It is no skewness and does not look at N_k beyond its mean and standard deviation (N - 1 form).
    """
    _total(n_k)
    spread = np.std(n_k, ddof=1) if len(n_k) > 1 else 0.0
    if not spread:
        return 0.0
    cut = float(np.mean(n_k) / spread)
    density = math.exp(-(cut**2) / 2) / math.sqrt(2 * math.pi)
    return (cut**2 + 2) * density / (1 - math.erfc(cut / math.sqrt(2)) / 2)


def robinhood(n_k: Int[" N"]) -> float:
    """Share of all places that would have to change hands for every picture to have as many; 0 to 1.

    It does not say whom they are taken from: one large hub or many small ones.

    >>> robinhood(np.array([4, 0, 0, 0]))
    0.75
    """
    return float(np.abs(n_k - np.mean(n_k)).sum() / 2 / _total(n_k))


def gini(n_k: Int[" N"]) -> float:
    """Mean difference between two pictures' N_k, divided by twice its mean; 0 (equal) to 1 - 1/N (one has all).

    It does not tell a few large hubs from many anti-hubs.

    >>> gini(np.array([4, 0, 0, 0]))
    0.75
    """
    ordered = np.sort(n_k)
    rank = np.arange(1, len(ordered) + 1)
    return float((2 * rank - len(ordered) - 1) @ ordered / (len(ordered) * _total(n_k)))


def atkinson(n_k: Int[" N"], epsilon: float | int = 0.5) -> float:
    """1 - (mean of N_k^(1 - epsilon))^(1 / (1 - epsilon)) / mean of N_k; 0 to 1, mostly about the lower end.

    A larger epsilon cares more for anti-hubs; at 1 it is the geometric mean, so a single one gives 1. It does not say
    how large the hubs are. Raises ValueError for an epsilon that is not above 0.

    >>> atkinson(np.array([4, 0, 0, 0]))
    0.75
    """
    if not epsilon > 0:
        raise ValueError(f"epsilon is {epsilon}, expected more than 0")
    mean = _total(n_k) / len(n_k)
    if epsilon >= 1 and np.min(n_k) == 0:
        return 1.0
    if epsilon == 1:
        return float(1 - np.exp(np.mean(np.log(n_k))) / mean)
    return float(1 - np.mean(np.asarray(n_k, np.float64) ** (1 - epsilon)) ** (1 / (1 - epsilon)) / mean)


def antihub_occurrence(n_k: Int[" N"]) -> float:
    """Share of the *gallery* that is in no list (N_k = 0); 0 to 1.

    It does not say that these pictures are hard to find: with fewer than N places, some must go without.

    >>> antihub_occurrence(np.array([4, 0, 0, 0]))
    0.75
    """
    _total(n_k)
    return float(np.mean(np.asarray(n_k) == 0))


def hub_occurrence(n_k: Int[" N"], threshold: float | int) -> float:
    """Share of all *places* that go to hubs, pictures with N_k >= threshold; 0 to 1.

    Two thresholds are in use: twice the mean, 2 k Q / N (this package's hub), and 2 k (scikit-hubness). They are the
    same where Q = N. It does not say how many hubs share those places.

    >>> hub_occurrence(np.array([4, 2, 1, 1]), threshold=4)
    0.5
    """
    counts = np.asarray(n_k)
    return float(counts[counts >= threshold].sum() / _total(n_k))


def groupie_ratio(n_k: Int[" N"]) -> float:
    """Share of all places that go to the one largest hub; above 0, at most 1 / k.

    It does not say anything about the others.
    """
    return float(np.max(n_k) / _total(n_k))


def max_hub(n_k: Int[" N"]) -> float:
    """The largest N_k: in how many lists the largest hub stands; queries, at most Q.

    It does not compare between sets: it grows with k, and with Q.
    """
    _total(n_k)
    return float(np.max(n_k))


def top_share(n_k: Int[" N"], share: float = 0.01) -> float:
    """Share of all places that go to the most frequent 1 % of pictures (their number rounded up); 0 to 1.

    It does not see hubness below that hundredth. Raises ValueError for a share outside 0 to 1.

    >>> top_share(np.array([4, 2, 1, 1]), share=0.5)
    0.75
    """
    if not 0 < share <= 1:
        raise ValueError(f"share is {share}, expected above 0 and at most 1")
    most = int(np.ceil(share * len(n_k)))
    return float(np.partition(n_k, len(n_k) - most)[len(n_k) - most :].sum() / _total(n_k))


def lorenz_curve(n_k: Int[" N"]) -> tuple[Float[" M"], Float[" M"]]:
    """Share of pictures, the least frequent first, and the share of all places that they have together (M = N + 1).

    On the diagonal all have the same; half the Gini coefficient lies between, up to 1/N. It does not say which
    pictures they are.

    >>> lorenz_curve(np.array([3, 0, 1]))[1].tolist()
    [0.0, 0.0, 0.25, 1.0]
    """
    held = np.concatenate([[0], np.cumsum(np.sort(n_k))]) / _total(n_k)
    return np.arange(len(held)) / (len(held) - 1), held


def hubs(n_k: Int[" N"], threshold: float | int | None = None) -> Int[" H"]:
    """Rows of the gallery with N_k >= threshold, twice the mean unless given; the largest first, equal ones by row."""
    _total(n_k)
    least = 2 * np.mean(n_k) if threshold is None else threshold
    order = np.argsort(-np.asarray(n_k), kind="stable")
    return order[np.asarray(n_k)[order] >= least]


def antihubs(n_k: Int[" N"]) -> Int[" A"]:
    """Rows of the gallery that are in no list."""
    _total(n_k)
    return np.flatnonzero(np.asarray(n_k) == 0)


def _total(n_k: np.ndarray) -> int:
    total = int(np.sum(n_k))
    if total <= 0:
        raise ValueError(f"N_k of {len(n_k)} pictures: no list holds any of them")
    return total
