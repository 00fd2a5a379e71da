"""Ranks of targets, by counting: nothing is sorted to evaluate.

    rank = 1 + #{ranked non-targets that score at least as high} + #{other targets that score higher; equal ones by column}

A tie with a distractor counts *against* the target, so a constant scorer comes last. Target, other targets and
excluded pictures are taken out by index, never by comparing scores. Padded, excluded and non-candidate targets get
`NEVER`, int32's maximum, so that no `rank <= k` passes by accident. Infinite scores rank as such; NaN is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from typing import NamedTuple

import numpy as np

from workbench.arrays import ArrayError, Float, Int, check_shape
from workbench.data.benchmark import Qrels
from workbench.score.similarities import Similarities

NEVER = np.iinfo(np.int32).max
BLOCK_CELLS = 2**22  # scores compared at a time
LARGE = 2**22  # scores from which on loading the compiled count pays


def target_ranks(scores: Float["Q N"], qrels: Qrels) -> Int["Q T"]:
    """The 1-based rank (int32) of every target; `NEVER` where the target is not ranked.

    Raises ArrayError for NaN or a wrong shape, BenchmarkError for an index outside the gallery.
    """
    _check_shape(scores, qrels)
    if _is_large(scores) and qrels.candidates is None:
        return _ranks_in_threads(scores, qrels)
    _check_numbers(scores)
    ranks = np.empty(qrels.targets.shape, np.int32)
    for rows in _row_slices(*scores.shape):
        ranks[rows] = _Block.of(scores[rows], qrels.rows(rows)).ranks()
    return ranks


def count_ties(scores: Float["Q N"], qrels: Qrels) -> Int["Q T"]:
    """How many ranked distractors score exactly as each target does (0 for a target that is not ranked).

    Raises as `target_ranks`.
    """
    _check(scores, qrels)
    ties = np.empty(qrels.targets.shape, np.int32)
    for rows in _row_slices(*scores.shape):
        ties[rows] = _Block.of(scores[rows], qrels.rows(rows)).ties()
    return ties


def linear_target_ranks(
    weights: Float["P K"] | Float["P Q K"], sims: Similarities, qrels: Qrels
) -> Int["P Q T"]:
    """Target ranks under each of P weightings of the K similarities, computed block by block.

    The K similarities of a block of queries are made once and weighed P times; memory stays bounded by the block.
    Raises ArrayError for weights that do not fit the terms or are not finite, BenchmarkError as `target_ranks`.
    """
    weights = _check_weights(weights, sims)
    qrels.check(sims.n_queries, sims.n_items)
    ranks = np.empty((len(weights), *qrels.targets.shape), np.int32)
    for rows in sims.query_slices(copies=len(sims.terms) + 1):
        similarities = sims.blocks(rows, slice(None))
        some = qrels.rows(rows)
        for p, weight in enumerate(weights):
            scores = np.einsum("qk,kqn->qn", weight[rows], similarities)
            ranks[p, rows] = target_ranks(scores, some)
    return ranks


def top_k(scores: Float["Q N"], k: int, qrels: Qrels | None = None) -> Int["Q k"]:
    """Rows of the k best gallery pictures, best first, as int32.

    Ties stand in the order that `target_ranks` counts: distractors by row, then targets by column. Without `qrels`
    everything is ranked and equal scores stand by row. Raises ArrayError where fewer than k pictures are ranked.
    """
    if qrels is None:
        qrels = Qrels(np.full((len(scores), 1), -1, np.int32))
    _check(scores, qrels)
    best = np.empty((len(scores), k), np.int32)
    for query, row in enumerate(scores):
        items = _ranked_items(query, len(row), qrels)
        if not 1 <= k <= len(items):
            raise ArrayError(f"k: got {k}, but query {query} ranks {len(items)} pictures")
        values = row[items]
        threshold = np.partition(values, len(values) - k)[len(values) - k]
        items = items[values >= threshold]
        targets = qrels.targets[query]
        column = {int(item): t for t, item in enumerate(targets)}
        tie = np.array([column.get(int(item), -1) for item in items])
        best[query] = items[np.lexsort((items, tie, -row[items]))[:k]]
    return best


class _Block(NamedTuple):
    """What the ranks of some queries are counted from. NaN stands where there is nothing: it compares as false."""

    pool: np.ndarray  # (q, N) or (q, C): scores of all pictures that may be ranked
    gone: np.ndarray  # (q, T + E): scores of those in the pool that are no distractors, each once
    targets: np.ndarray  # (q, T)
    visible: np.ndarray  # (q, T) bool: this target is ranked

    @classmethod
    def of(cls, scores: np.ndarray, qrels: Qrels) -> _Block:
        targets, excluded, candidates = qrels.targets, qrels.excluded, qrels.candidates
        removed = np.concatenate([targets, np.where(_isin(excluded, targets), -1, excluded)], axis=1)
        pool, visible = scores, ranked_targets(qrels)
        if candidates is not None:
            pool = _gather(scores, candidates)
            removed = np.where(_isin(removed, candidates), removed, -1)
        return cls(pool, _gather(scores, removed), _gather(scores, targets), visible)

    def in_pool(self, compare) -> np.ndarray:
        """(q, T): the pictures whose score compares so with each target's."""
        counts = np.zeros(self.targets.shape, np.int64)
        for t in range(counts.shape[1]):
            rows = np.flatnonzero(self.visible[:, t])  # most columns are mostly pads
            rows = slice(None) if len(rows) == len(counts) else rows
            counts[rows, t] = np.count_nonzero(compare(self.pool[rows], self.targets[rows, t, None]), axis=1)
        return counts

    def distractors(self, in_pool: np.ndarray, compare) -> np.ndarray:
        """(q, T): those in the pool that are ranked and no targets."""
        return in_pool - np.count_nonzero(compare(self.gone[:, None], self.targets[:, :, None]), axis=2)

    def other_targets(self) -> np.ndarray:
        """(q, T): the ranked targets that score higher than each, or equal and stand in an earlier column."""
        mine, theirs = self.targets[:, :, None], self.targets[:, None, :]
        columns = np.arange(mine.shape[1])
        above = (theirs > mine) | ((theirs == mine) & (columns[None, :] < columns[:, None]))
        return np.count_nonzero(above & self.visible[:, None, :], axis=2)

    def ranks(self, in_pool: np.ndarray | None = None) -> np.ndarray:
        """in_pool: how many pictures score at least as high, where that was counted already."""
        in_pool = self.in_pool(np.greater_equal) if in_pool is None else in_pool
        ahead = self.distractors(in_pool, np.greater_equal) + self.other_targets()
        return np.where(self.visible, 1 + ahead, NEVER)

    def ties(self) -> np.ndarray:
        return np.where(self.visible, self.distractors(self.in_pool(np.equal), np.equal), 0)


def ranked_targets(qrels: Qrels) -> np.ndarray:
    """(Q, T) bool: the targets that are ranked at all: no pad, not excluded, and among the candidates."""
    visible = (qrels.targets >= 0) & ~_isin(qrels.targets, qrels.excluded)
    return visible if qrels.candidates is None else visible & _isin(qrels.targets, qrels.candidates)


def _isin(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Row by row: which of `some` stand among the `others` of the same row."""
    return (some[:, :, None] == others[:, None, :]).any(axis=2)


def _gather(scores: np.ndarray, items: np.ndarray) -> np.ndarray:
    """Row by row: the scores of some items, NaN for a pad."""
    return np.where(items >= 0, np.take_along_axis(scores, np.maximum(items, 0), axis=1), np.nan)


def _ranked_items(query: int, n_items: int, qrels: Qrels) -> np.ndarray:
    ranked = np.full(n_items, qrels.candidates is None)
    if qrels.candidates is not None:
        ranked[qrels.candidates[query][qrels.candidates[query] >= 0]] = True
    ranked[qrels.excluded[query][qrels.excluded[query] >= 0]] = False
    return np.flatnonzero(ranked)


def _row_slices(n_queries: int, n_items: int) -> Iterator[slice]:
    step = max(1, BLOCK_CELLS // max(1, n_items))
    return (slice(start, start + step) for start in range(0, n_queries, step))


def _is_large(scores: np.ndarray) -> bool:
    """Whether loading the compiled count (a second, once) pays, and it can be had."""
    plain = scores.dtype.char in "fd" and scores.flags.c_contiguous
    return plain and scores.size >= LARGE and find_spec("numba") is not None


def _ranks_in_threads(scores: np.ndarray, qrels: Qrels) -> np.ndarray:
    """Target ranks of a whole matrix by the compiled count, a share of the queries per core."""
    from workbench.kernels.ahead import at_least
    from workbench.score.shares import cores, equal_slices, side_by_side

    block = _Block.of(scores, qrels)
    query, column = np.nonzero(block.visible)
    threshold, counts = block.targets[query, column], np.empty(len(query), np.int64)

    def count(rows: slice) -> bool:
        some = slice(*np.searchsorted(query, [rows.start, rows.stop]))
        return at_least(scores[rows], query[some] - rows.start, threshold[some], counts[some])

    shares = list(equal_slices(len(scores), -(-len(scores) // cores())))
    if not all(side_by_side([partial(count, rows) for rows in shares], len(shares))):
        _check_numbers(scores)
    in_pool = np.zeros(block.targets.shape, np.int64)
    in_pool[query, column] = counts
    return block.ranks(in_pool).astype(np.int32)


def _check(scores: np.ndarray, qrels: Qrels) -> None:
    _check_shape(scores, qrels)
    _check_numbers(scores)


def _check_shape(scores: np.ndarray, qrels: Qrels) -> None:
    sizes = check_shape("scores", scores, "Q N")
    if scores.dtype.kind != "f":
        raise ArrayError(f"scores: got {scores.dtype}, expected floats")
    qrels.check(sizes["Q"], sizes["N"])
    if sizes["N"] < 2:
        raise ArrayError(f"scores: got a gallery of {sizes['N']}, ranking needs at least 2 pictures")


def _check_numbers(scores: np.ndarray) -> None:
    for rows in _row_slices(*scores.shape):
        bad = np.isnan(scores[rows])
        if bad.any():
            query, item = np.argwhere(bad)[0]
            raise ArrayError(f"scores: NaN at query {rows.start + query}, item {item}")


def _check_weights(weights: np.ndarray, sims: Similarities) -> np.ndarray:
    weights = np.asarray(weights, np.float32)
    shape = (sims.n_queries, len(sims.terms))
    if weights.ndim == 2:
        weights = weights[:, None, :]
    if weights.ndim != 3 or weights.shape[2] != shape[1] or weights.shape[1] not in (1, shape[0]):
        raise ArrayError(
            f"weights: got shape {weights.shape}, expected (P, {shape[1]}) or (P, {shape[0]}, {shape[1]})"
        )
    if not np.isfinite(weights).all():
        raise ArrayError("weights: some are NaN or infinite")
    return np.broadcast_to(weights, (len(weights), *shape))
