"""k-occurrence: how often each gallery picture is among the top k, and how lopsided that is.

Pictures that never occur count as zeros: without them skewness is not hubness. A picture searched with its own rows
must not count itself (`index.nearest(..., excluded=)`): who finds himself first is never an anti-hub. Lists of
neighbours come from `index.nearest` (rows), `index.nearest_of_scores`, `score.ranks.top_k` or anywhere else.

Radovanovic et al., Hubs in Space (JMLR 2010).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from workbench.arrays import Float, Int
from workbench.hubness.measures import k_skewness

__all__ = ["k_occurrence", "k_skewness", "random_k_occurrence", "random_k_skewness"]


def k_occurrence(neighbours: Int["Q k"], n_items: int) -> Int[" N"]:
    """N_k: in how many of the Q top-k lists each of the ``n_items`` gallery pictures is; its mean is k Q / N.

    Raises ValueError for an index outside the gallery.

    >>> k_occurrence(np.array([[0, 1], [0, 2]]), 4)
    array([2, 1, 1, 0])
    """
    if neighbours.size and not 0 <= neighbours.min() <= neighbours.max() < n_items:
        raise ValueError(
            f"neighbours run from {neighbours.min()} to {neighbours.max()}, expected 0 to {n_items - 1}"
        )
    return np.bincount(neighbours.ravel(), minlength=n_items)


def random_k_occurrence(
    n_queries: int, n_items: int, k: int, rounds: int = 100, seed: int = 0
) -> Iterator[Int[" N"]]:
    """N_k of ``rounds`` random assignments: every query draws k different pictures. What no hubness looks like."""
    rng = np.random.default_rng(seed)
    draw = _draw_again if k * k <= n_items else _draw_by_order
    for _ in range(rounds):
        yield k_occurrence(draw(rng, n_queries, n_items, k), n_items)


def random_k_skewness(n_queries: int, n_items: int, k: int, rounds: int = 100, seed: int = 0) -> Float[" R"]:
    """k-skewness of ``rounds`` random assignments."""
    return np.array([k_skewness(n_k) for n_k in random_k_occurrence(n_queries, n_items, k, rounds, seed)])


def _draw_again(rng: np.random.Generator, n_queries: int, n_items: int, k: int) -> Int["Q k"]:
    """Lists that hold a picture twice are drawn again as a whole: the others are as likely as each other."""
    drawn = rng.integers(n_items, size=(n_queries, k))
    again = np.arange(n_queries)
    while len(again):
        ordered = np.sort(drawn[again], axis=1)
        again = again[(ordered[:, 1:] == ordered[:, :-1]).any(axis=1)]
        drawn[again] = rng.integers(n_items, size=(len(again), k))
    return drawn


def _draw_by_order(rng: np.random.Generator, n_queries: int, n_items: int, k: int) -> Int["Q k"]:
    """The k first of a random order, some queries at a time."""
    step = max(1, 2**22 // n_items)
    sizes = [min(step, n_queries - start) for start in range(0, n_queries, step)]
    parts = [np.argpartition(rng.random((size, n_items)), k - 1, axis=1)[:, :k] for size in sizes]
    return np.concatenate(parts)
