"""Ranks of targets from lists of retrieved pictures, best first: what a ranking file holds instead of scores.

Excluded pictures and non-candidates are taken out of the list first, by index, as `ranks` takes them out of scores.
Ties are settled by whoever wrote the list. Left out: reading files (`data.predictions`).
"""

from __future__ import annotations

import numpy as np

from workbench.arrays import ArrayError, Int, check_shape
from workbench.data.benchmark import Qrels
from workbench.score.ranks import NEVER

UNLISTED = NEVER - 1  # a ranked target below the end of a list that was cut off: where exactly, nobody knows


def list_ranks(lists: Int["Q L"], qrels: Qrels) -> Int["Q T"]:
    """The 1-based rank (int32) of every target; `UNLISTED` where the list ends before it, `NEVER` where it is not ranked.

    lists: rows of the gallery, best first, -1 pads at the end. A row past the gallery's end is any distractor.

    >>> qrels = Qrels(np.array([[2, 5]]), excluded=np.array([[7]]))
    >>> list_ranks(np.array([[7, 3, 2]]), qrels)
    array([[         2, 2147483646]], dtype=int32)

    Raises ArrayError where a list names a row twice, or the lists do not fit the queries.
    """
    check_shape("lists", lists, "Q L", Q=len(qrels))
    ordered = np.sort(lists, axis=1)
    twice = (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)
    if twice.any():
        query, column = np.argwhere(twice)[0]
        raise ArrayError(f"lists: query {query} lists row {ordered[query, column]} twice")
    ranked = ranked_in(lists, qrels)
    place = np.cumsum(ranked, axis=1, dtype=np.int32)
    ranks = np.full(qrels.targets.shape, NEVER, np.int32)
    for t, target in enumerate(qrels.targets.T[:, :, None]):
        visible = (target >= 0).any(axis=1) & ~(target == qrels.excluded).any(axis=1)
        if qrels.candidates is not None:
            visible &= (target == qrels.candidates).any(axis=1)
        here = (lists == target) & ranked
        at = np.where(here.any(axis=1), np.where(here, place, 0).max(axis=1, initial=0), UNLISTED)
        ranks[visible, t] = at[visible]
    return ranks


def ranked_in(lists: Int["Q L"], qrels: Qrels) -> np.ndarray:
    """(Q, L) bool: the places that are ranked at all: no pad, not excluded, a candidate where there are candidates."""
    ranked = lists >= 0
    for query, row in enumerate(lists):
        ranked[query] &= ~np.isin(row, qrels.excluded[query])
        if qrels.candidates is not None:
            ranked[query] &= np.isin(row, qrels.candidates[query])
    return ranked
