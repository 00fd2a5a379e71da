"""Ranks that do not depend on the processor: near ties are decided again in float64.

A matrix product in float32 adds up in an order that depends on the processor and on where a row stands, so even two
copies of one picture need not tie: a target may win or lose against its twin by chance. Here every score within
rounding error of a target's is computed again, pair by pair in float64, before anything is counted.
Left out: methods that are not linear; their scores are taken as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec

import numpy as np

from workbench.arrays import Float
from workbench.data.benchmark import Qrels
from workbench.score.exact import exact_similarities, weighed
from workbench.score.ranks import LARGE, target_ranks
from workbench.score.similarities import Similarities

# Rounding error of one float32 product of unit rows: 2.4e-7 was the largest seen at widths 512 to 768.
ROUNDING = 4e-6


def certified_ranks(
    weights: Float[" K"] | Float["Q K"],
    sims: Similarities,
    qrels: Mapping[str, Qrels],
    bias: Float[" N"] | Float["Q N"] | None = None,
) -> dict[str, np.ndarray]:
    """`certified_target_ranks`, by the compiled pass of `once` where the case is large and numba is at hand."""
    if sims.n_queries * sims.n_items < LARGE or find_spec("numba") is None:
        return certified_target_ranks(weights, sims, qrels, bias)
    from workbench.score.once import once_ranks

    return once_ranks(weights, sims, qrels, bias)


def certified_target_ranks(
    weights: Float[" K"] | Float["Q K"],
    sims: Similarities,
    qrels: Mapping[str, Qrels],
    bias: Float[" N"] | Float["Q N"] | None = None,
) -> dict[str, np.ndarray]:
    """Target ranks (Q, T) of sum_k w_k S_k [+ bias] under each of the qrels, as if computed in float64 (`exact`).

    Weights and bias are rounded to float32 first, as everywhere. Raises ArrayError and BenchmarkError as `linear_target_ranks` does.
    """
    weights = sims.weights_per_query(weights)
    for name, some in qrels.items():
        some.check(sims.n_queries, sims.n_items, f"qrels[{name!r}]")
    ranks = {name: np.empty(some.targets.shape, np.int32) for name, some in qrels.items()}
    # qrels of one benchmark mostly share their targets: each column is looked at once
    targets = np.unique(np.concatenate([some.targets for some in qrels.values()], axis=1), axis=1)
    for rows in sims.query_slices(copies=4):
        mine = bias[rows] if bias is not None and bias.ndim == 2 else bias
        scores = _scores_with_ties_decided(weights[rows], sims.queries(rows), targets[rows], mine)
        for name, some in qrels.items():
            ranks[name][rows] = target_ranks(scores, some.rows(rows))
    return ranks


def _scores_with_ties_decided(
    weights: np.ndarray, sims: Similarities, targets: np.ndarray, bias: np.ndarray | None
) -> Float["q N"]:
    """float32 scores as float64, with the targets' and all that come near one of them computed anew."""
    bias = np.zeros(1, np.float32) if bias is None else np.asarray(bias, np.float32)
    scores = sims.combine(weights) + bias
    reach = ROUNDING * (np.abs(weights).sum(axis=1) + np.abs(bias).max())
    near = np.zeros(scores.shape, bool)
    for column in targets.T:
        rows = np.flatnonzero(column >= 0)
        some, centre = scores[rows], scores[rows, column[rows]]
        low, high = centre - reach[rows], centre + reach[rows]
        near[rows] |= (some >= low[:, None]) & (some <= high[:, None])
    queries, items = np.nonzero(near)
    scores = scores.astype(np.float64)
    exact = weighed(weights[queries], exact_similarities(sims, queries, items))
    scores[queries, items] = exact + np.broadcast_to(bias, scores.shape)[queries, items]
    return scores
