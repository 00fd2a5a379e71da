"""Exact blocked search: the k best gallery pictures of every query, by inner product, in bounded memory.

A block of scores is read twice at memory speed: once for the largest of each of many groups of pictures, whose k-th
largest is a bound that k pictures reach, and once for the pictures that reach it. Those few are sorted. Equal scores
stand by row, as in `score.ranks.top_k`; that a gallery's order decides such ties is the one thing it decides.

Left out: approximate search, and storage.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from workbench.arrays import ArrayError, Float, Int, check_shape
from workbench.index.blocks import slices

GROUPS = 32  # pictures per group; any number is exact
AHEAD = 2  # blocks that wait for their search


def nearest(
    queries: Float["Q D"], gallery: Float["N D"], k: int, excluded: Int["Q E"] | None = None
) -> Int["Q k"]:
    """Rows of the k gallery pictures with the largest inner products, best first, as int32.

    excluded: pictures that a query never gets, -1 pads (its reference; itself, where the gallery is searched with its
    own rows). Raises ArrayError for rows of different widths, NaN, or fewer than k pictures left for a query.
    """
    sizes = check_shape("queries", queries, "Q D")
    check_shape("gallery", gallery, "N D", D=sizes["D"])
    # in half precision most scores would tie
    queries, gallery = (z.astype(np.float32) if z.dtype == np.float16 else z for z in (queries, gallery))
    blocks = ((some, queries[some] @ gallery.T) for some in slices(len(queries), len(gallery)))
    return nearest_of_blocks(blocks, len(queries), k, excluded)


def nearest_of_scores(scores: Float["Q N"], k: int, excluded: Int["Q E"] | None = None) -> Int["Q k"]:
    """The same of scores that are there already; -inf marks a picture that is not ranked. Raises as `nearest`."""
    blocks = ((some, scores[some].copy()) for some in slices(*scores.shape))
    return nearest_of_blocks(blocks, len(scores), k, excluded)


def nearest_of_blocks(
    blocks: Iterable[tuple[slice, Float["q N"]]], n_queries: int, k: int, excluded: Int["Q E"] | None = None
) -> Int["Q k"]:
    """The same of blocks (queries, their scores) that together hold every query once; blocks are written to."""
    if k < 1:
        raise ArrayError(f"k: got {k}, expected at least 1")
    best = np.full((n_queries, k), -1, np.int32)
    waiting: deque[tuple[slice, Future]] = deque()
    with ThreadPoolExecutor(AHEAD) as pool:  # the next block is multiplied while the last ones are searched
        for queries, scores in blocks:
            if k > scores.shape[1]:
                raise ArrayError(f"k: got {k}, but the gallery has {scores.shape[1]} pictures")
            if excluded is not None:
                _check_excluded(excluded, n_queries, scores.shape[1])
                _hide(scores, excluded[queries])
            waiting.append((queries, pool.submit(_best, scores, k, queries.start or 0)))
            if len(waiting) > AHEAD:
                done, found = waiting.popleft()
                best[done] = found.result()
        for done, found in waiting:
            best[done] = found.result()
    if (best < 0).any():
        raise ArrayError(
            f"blocks: query {np.flatnonzero((best < 0).any(axis=1))[0]} of {n_queries} is in none of them"
        )
    return best


def _check_excluded(excluded: np.ndarray, n_queries: int, n_items: int) -> None:
    check_shape("excluded", excluded, "Q E", Q=n_queries)
    if excluded.size and not -1 <= excluded.min() <= excluded.max() < n_items:
        raise ArrayError(
            f"excluded: rows from {excluded.min()} to {excluded.max()}, expected -1 (none) or 0 to {n_items - 1}"
        )


def _hide(scores: np.ndarray, excluded: np.ndarray) -> None:
    rows = np.broadcast_to(np.arange(len(scores))[:, None], excluded.shape)
    scores[rows[excluded >= 0], excluded[excluded >= 0]] = -np.inf


def _best(scores: np.ndarray, k: int, first: int) -> np.ndarray:
    """(q, k) rows of the gallery, best first. `first` is the number of the block's first query, for errors."""
    n_items = scores.shape[1]
    width = n_items // GROUPS
    if width >= 2 * k:  # pictures that stand `width` apart form a group: the maximum runs along memory
        largest = scores[:, : GROUPS * width].reshape(len(scores), GROUPS, width).max(axis=1)
    else:
        largest = scores
    tail = scores[:, GROUPS * width :] if largest is not scores else scores[:, :0]
    for bad in np.flatnonzero(np.isnan(largest).any(axis=1) | np.isnan(tail).any(axis=1))[:1]:
        raise ArrayError(
            f"scores: NaN at query {first + bad}, item {np.flatnonzero(np.isnan(scores[bad]))[0]}"
        )
    bound = np.partition(largest, largest.shape[1] - k, axis=1)[:, largest.shape[1] - k]
    found = np.flatnonzero(scores >= bound[:, None])
    query, item = np.divmod(found, n_items)
    order = np.lexsort((item, -scores.ravel()[found], query))
    best = order[np.searchsorted(query, np.arange(len(scores)))[:, None] + np.arange(k)]
    for bad in np.flatnonzero(scores.ravel()[found[best[:, -1]]] == -np.inf)[:1]:
        ranked = np.count_nonzero(scores[bad] > -np.inf)
        raise ArrayError(f"k: got {k}, but query {first + bad} ranks {ranked} pictures")
    return item[best]
