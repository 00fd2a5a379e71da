"""k-occurrence: how often each gallery picture is among the top k, and how lopsided that is.

Pictures that never occur count as zeros: without them skewness is not hubness. Left out for now: the
other measures, and every cure.

Radovanovic et al., Hubs in Space (JMLR 2010).
"""

from __future__ import annotations

import numpy as np

from workbench.arrays import Float, Int


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


def k_skewness(n_k: Int[" N"]) -> float:
    """Third standardised moment of N_k (population form); 0 where every picture occurs equally often."""
    deviation = np.asarray(n_k, np.float64) - np.mean(n_k)
    spread = np.sqrt(np.mean(deviation**2))
    return float(np.mean(deviation**3) / spread**3) if spread else 0.0


def random_k_skewness(n_queries: int, n_items: int, k: int, rounds: int = 100, seed: int = 0) -> Float[" R"]:
    """k-skewness of ``rounds`` random assignments: every query draws k different pictures. What no hubness looks like."""
    rng = np.random.default_rng(seed)
    lists = (np.argpartition(rng.random((n_queries, n_items)), k, axis=1)[:, :k] for _ in range(rounds))
    return np.array([k_skewness(k_occurrence(drawn, n_items)) for drawn in lists])
