"""Ranks that do not depend on the processor: near ties are decided again in float64.

A matrix product in float32 adds up in an order that depends on the processor and on where a row stands, so even two
copies of one picture need not tie: a target may win or lose against its twin by chance. Here every score within
rounding error of a target's is computed again, pair by pair in float64, before anything is counted.
Left out: methods that are not linear; their scores are taken as they are.
"""

from __future__ import annotations

import numpy as np

from workbench.arrays import Float, Int
from workbench.data.benchmark import Qrels
from workbench.score.ranks import target_ranks
from workbench.score.similarities import Similarities

# Rounding error of one float32 product of unit rows: 2.4e-7 was the largest seen at widths 512 to 768.
ROUNDING = 4e-6


def certified_target_ranks(
    weights: Float[" K"] | Float["Q K"], sims: Similarities, qrels: Qrels
) -> Int["Q T"]:
    """Target ranks of sum_k w_k S_k as if every score had been computed in float64.

    Raises ArrayError and BenchmarkError as `linear_target_ranks` does.
    """
    weights = sims.weights_per_query(weights)
    qrels.check(sims.n_queries, sims.n_items)
    ranks = np.empty(qrels.targets.shape, np.int32)
    for rows in sims.query_slices(copies=4):
        some = sims.queries(rows)
        scores = some.combine(weights[rows]).astype(np.float64)
        targets = qrels.targets[rows]
        for query, weight in enumerate(weights[rows]):
            _decide_near_ties(scores[query], targets[query], weight, some, query)
        ranks[rows] = target_ranks(scores, qrels.rows(rows))
    return ranks


def _decide_near_ties(row: np.ndarray, targets: np.ndarray, weight: np.ndarray, sims, query: int) -> None:
    """Writes float64 scores into `row` (N,) for the targets and for everything near one of them."""
    targets = targets[targets >= 0]
    reach = ROUNDING * np.abs(weight).sum()
    near = np.zeros(len(row), bool)
    near[targets] = True
    for value in row[targets]:
        near |= np.abs(row - value) <= reach
    items = np.flatnonzero(near)
    row[items] = _exact_scores(weight, sims, query, items)


def _exact_scores(weight: np.ndarray, sims, query: int, items: np.ndarray) -> np.ndarray:
    """sum_k w_k S_k of one query with some items, in float64; equal rows give equal scores."""
    total = np.zeros(len(items))
    for view in sims.view_names:
        composed = sum(
            w * _unit64(sims.parts[part][query])
            for w, (part, faced) in zip(weight.astype(np.float64), sims.terms, strict=True)
            if faced == view
        )
        # einsum and not "@": BLAS adds up rows in an order that depends on their place
        total += np.einsum("nd,d->n", _unit64(sims.views[view][items]), composed)
    return total


def _unit64(rows: np.ndarray) -> np.ndarray:
    rows = rows.astype(np.float64)
    return rows / np.sqrt(np.einsum("...d,...d->...", rows, rows))[..., None]
