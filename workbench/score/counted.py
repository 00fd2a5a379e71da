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

    def rows(self, queries: slice) -> slice:
        """The pairs of some queries."""
        return slice(*np.searchsorted(self.query, [queries.start, queries.stop]))

    def ranks(self, among_distractors: Int["r P"], queries: slice, lines: Lines) -> Int["P q T"]:
        """Target ranks of some queries from those among distractors alone; settings line by line.

        In memory, the settings of a query stand together.
        """
        rows, n_targets = self.rows(queries), self.qrels.targets.shape[1]
        query, column = self.query[rows] - queries.start, self.column[rows]
        n_queries = queries.stop - queries.start
        if n_targets == 1 and len(query) == n_queries:
            return among_distractors.T[:, :, None]
        ranks = np.full((n_queries, len(lines.order), n_targets), NEVER, np.int32)
        ranks[query, :, column] = among_distractors
        if n_targets > 1:
            ranks[query, :, column] += self._other_targets(rows, queries, lines)
        return ranks.transpose(1, 0, 2)

    def _other_targets(self, rows: slice, queries: slice, lines: Lines) -> Int["r P"]:
        """How many other targets of the same query score higher, or equal and stand in an earlier column."""
        query, column = self.query[rows] - queries.start, self.column[rows]
        weights = lines.weights[self.query[rows]] if len(lines.weights) > 1 else lines.weights
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
