"""Ranks that do not depend on the processor: near ties are decided again in float64.

A matrix product in float32 adds up in an order that depends on the processor and on where a row stands, so even two
copies of one picture need not tie: a target may win or lose against its twin by chance. Here every score within
rounding error of a target's is computed again, pair by pair in float64, before anything is counted.
Left out: methods that are not linear; their scores are taken as they are.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from workbench.arrays import Float
from workbench.data.benchmark import Qrels
from workbench.score.ranks import target_ranks
from workbench.score.similarities import Similarities

# Rounding error of one float32 product of unit rows: 2.4e-7 was the largest seen at widths 512 to 768.
ROUNDING = 4e-6
PAIR_CELLS = 2**22  # float64 numbers gathered at a time


def certified_target_ranks(
    weights: Float[" K"] | Float["Q K"], sims: Similarities, qrels: Mapping[str, Qrels]
) -> dict[str, np.ndarray]:
    """Target ranks (Q, T) of sum_k w_k S_k under each of the qrels, as if all scores were computed in float64.

    Raises ArrayError and BenchmarkError as `linear_target_ranks` does.
    """
    weights = sims.weights_per_query(weights)
    for name, some in qrels.items():
        some.check(sims.n_queries, sims.n_items, f"qrels[{name!r}]")
    ranks = {name: np.empty(some.targets.shape, np.int32) for name, some in qrels.items()}
    # qrels of one benchmark mostly share their targets: each column is looked at once
    targets = np.unique(np.concatenate([some.targets for some in qrels.values()], axis=1), axis=1)
    for rows in sims.query_slices(copies=4):
        scores = _scores_with_ties_decided(weights[rows], sims.queries(rows), targets[rows])
        for name, some in qrels.items():
            ranks[name][rows] = target_ranks(scores, some.rows(rows))
    return ranks


def _scores_with_ties_decided(weights: np.ndarray, sims: Similarities, targets: np.ndarray) -> Float["q N"]:
    """float32 scores as float64, with the targets' and all that come near one of them computed anew."""
    scores = sims.combine(weights)
    reach = ROUNDING * np.abs(weights).sum(axis=1)
    near = np.zeros(scores.shape, bool)
    for column in targets.T:
        rows = np.flatnonzero(column >= 0)
        some, centre = scores[rows], scores[rows, column[rows]]
        low, high = centre - reach[rows], centre + reach[rows]
        near[rows] |= (some >= low[:, None]) & (some <= high[:, None])
    queries, items = np.nonzero(near)
    scores = scores.astype(np.float64)
    scores[queries, items] = _exact_scores(weights, sims, queries, items)
    return scores


def _exact_scores(
    weights: np.ndarray, sims: Similarities, queries: np.ndarray, items: np.ndarray
) -> np.ndarray:
    """sum_k w_k S_k of some (query, item) pairs in float64; equal rows give equal scores."""
    scores = np.zeros(len(queries))
    for view in sims.view_names:
        composed = sum(
            weights[:, k, None].astype(np.float64) * _unit64(sims.parts[term.part])
            for k, term in enumerate(sims.terms)
            if term.view == view
        )
        step = max(1, PAIR_CELLS // composed.shape[1])
        for pairs in (slice(start, start + step) for start in range(0, len(queries), step)):
            gallery = _unit64(sims.views[view][items[pairs]])
            # einsum and not "@": BLAS adds up rows in an order that depends on their place
            scores[pairs] += np.einsum("pd,pd->p", composed[queries[pairs]], gallery)
    return scores


def _unit64(rows: np.ndarray) -> np.ndarray:
    rows = rows.astype(np.float64)
    return rows / np.sqrt(np.einsum("...d,...d->...", rows, rows))[..., None]
