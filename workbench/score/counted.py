"""The targets whose competitors are counted, and how counts become ranks.

    rank = 1 + distractors ahead (counted by `halfline`) + other targets ahead (few: compared here, in float64)

The rules are those of `ranks`. Left out: counting itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from workbench.arrays import Float, Int
from workbench.data.benchmark import Qrels
from workbench.score.exact import weighed
from workbench.score.lines import Lines
from workbench.score.ranks import NEVER, ranked_targets
from workbench.score.shares import equal_slices

TOGETHER = 16  # queries whose several targets are compared together


@dataclass(eq=False)
class CountedTargets:
    """R (query, target) pairs: those targets of one qrels that are ranked at all.

    similarities (R, K): each target's own, in float64. marks (R, M) are filled by counting.
    """

    qrels: Qrels
    query: Int[" R"]
    column: Int[" R"]
    similarities: Float["R K"]
    marks: Int["R M"] | None = field(default=None, repr=False)

    @cached_property
    def gone(self) -> Int["R G"]:
        """Items that are no distractors: every target of the query, and what is excluded."""
        return np.concatenate([self.qrels.targets, self.qrels.excluded], axis=1)[self.query].astype(np.int64)

    @cached_property
    def candidates(self) -> Int["R C"]:
        some = self.qrels.candidates
        return (
            np.empty((len(self.query), 0), np.int64)
            if some is None
            else np.sort(some[self.query].astype(np.int64), axis=1)
        )

    def ranks(self, among_distractors: Int["R P"], lines: Lines) -> Int["P Q T"]:
        """Target ranks from those among distractors alone, which are added to.

        In memory, the settings of a query stand together.
        """
        n_queries, n_targets = self.qrels.targets.shape
        if n_targets == 1 and len(self.query) == n_queries:
            return among_distractors.T[:, :, None]
        ranks = np.full((n_queries, len(lines.order), n_targets), NEVER, np.int32)
        for queries in equal_slices(n_queries, TOGETHER) if n_targets > 1 else ():
            rows = slice(*np.searchsorted(self.query, [queries.start, queries.stop]))
            among_distractors[rows] += self._other_targets(rows, queries, lines)
        ranks[self.query, :, self.column] = among_distractors
        return ranks.transpose(1, 0, 2)

    def _other_targets(self, rows: slice, queries: slice, lines: Lines) -> Int["r P"]:
        """How many other targets of the same query score higher, or equal and stand in an earlier column."""
        query, column = self.query[rows] - queries.start, self.column[rows]
        weights = lines.weights[:, np.argsort(lines.order)]
        weights = weights[self.query[rows]] if len(weights) > 1 else weights
        shape = (queries.stop - queries.start, self.qrels.targets.shape[1], len(lines.order))
        scores = np.full(shape, -np.inf)
        scores[query, column] = weighed(weights.transpose(1, 0, 2), self.similarities[rows].T).T
        return places(scores)[query, column]


def places(scores: np.ndarray) -> np.ndarray:
    """How many of a query's targets (axis 1) score higher than each, or equal and stand in an earlier column.

    >>> places(np.array([[0.5, 0.9, 0.5]]))
    array([[1, 0, 2]], dtype=int32)
    """
    order = np.argsort(-scores, axis=1, kind="stable")
    place = np.empty(order.shape, np.int32)
    counted = np.arange(order.shape[1], dtype=np.int32).reshape(1, -1, *[1] * (order.ndim - 2))
    np.put_along_axis(place, order, counted, axis=1)
    return place


def counted_targets(qrels: Qrels) -> tuple[Int[" R"], Int[" R"]]:
    """Query and column of every target that is ranked."""
    query, column = np.nonzero(ranked_targets(qrels))
    return query, column
