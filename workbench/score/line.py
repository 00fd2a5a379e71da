"""The exact rank of every target at every place of a line of weights: no grid, nothing missed between its points.

Walk from weights `start` (place 0) to weights `end` (place 1). A competitor's margin over the target changes evenly
on the way, from m0 to m1, so it overtakes or falls behind once at most, at its flip point m0 / (m0 - m1). Between two
flips nothing happens: ranks and metrics are steps, and the best stretch can be read off. A line can be one field of a
method (`alpha_text` of PDV with the others fixed) or lead from one method to another.

Everything is float64; rows that are equal tie all along the line. Left out: more than one direction at a time, and
speed, for which `sweep` has grids; the flips of all Q x N pairs that flip are kept in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from workbench.arrays import Float, Int
from workbench.data.benchmark import Qrels
from workbench.score.exact import exact_similarities, lengths
from workbench.score.ranks import NEVER, ranked_targets
from workbench.score.similarities import Similarities

TWINS = 1e-12  # similarities this close are computed again in one fixed order: equal rows must tie


class Steps(NamedTuple):
    """A number that changes at some places only: values[i] between places[i - 1] and places[i]."""

    places: Float[" F"]
    values: np.ndarray  # (F + 1,)


class Stretch(NamedTuple):
    """Part of a line, open at both ends, and what holds all along it."""

    low: float
    high: float
    value: float


class Flips(NamedTuple):
    """One target's rank at place 0, and where it changes: by +1 or -1, at the place itself (`at_once`) or behind."""

    query: int
    column: int
    first: int
    places: Float[" F"]
    changes: Int[" F"]
    at_once: np.ndarray


@dataclass(frozen=True, eq=False)
class RankCurves:
    """Target ranks along a line of weights, made by `rank_curves`."""

    flips: tuple[Flips, ...]
    shape: tuple[int, int]

    def at(self, place: float) -> Int["Q T"]:
        """The ranks at one place from 0 to 1; `NEVER` for a target that is not ranked."""
        ranks = np.full(self.shape, NEVER, np.int32)
        for one in self.flips:
            behind = (one.places < place) | ((one.places == place) & one.at_once)
            ranks[one.query, one.column] = one.first + one.changes[behind].sum()
        return ranks

    def ranks(self, query: int, column: int = 0) -> Steps:
        """One target's rank between its flips. Raises IndexError for a target that is not ranked."""
        for one in self.flips:
            if (one.query, one.column) == (query, column):
                return _steps(one.first, one.places, one.changes)
        raise IndexError(f"query {query} has no ranked target in column {column}")

    def mean(self, metric) -> Steps:
        """The mean over queries of a metric (a function of ranks (Q, T), such as `parse_metric("recall@10")`)."""
        total, places, changes = 0.0, [], []
        for some in self._by_query():
            where = np.unique(np.concatenate([np.empty(0), *(one.places for one in some)]))
            ranks = np.full((len(where) + 1, self.shape[1]), NEVER, np.int32)
            for one in some:
                steps = _steps(one.first, one.places, one.changes)
                ranks[:, one.column] = steps.values[
                    np.searchsorted(steps.places, np.append(where, np.inf), "left")
                ]
            values = metric(ranks)
            change = np.diff(values)
            total += values[0]
            places.append(where[change != 0])
            changes.append(change[change != 0])
        steps = _steps(total, np.concatenate(places), np.concatenate(changes))
        return Steps(steps.places, steps.values / self.shape[0])

    def best(self, metric) -> Stretch:
        """The stretch where the mean of a metric is highest: the longest, should several be equally high.

        Values that differ by less than 1e-12 count as equal.
        """
        places, values = self.mean(metric)
        edges = np.concatenate([[0.0], places, [1.0]])
        room = np.diff(edges) > 0
        high = room & (values >= values[room].max() - 1e-12)
        starts = np.flatnonzero(high & ~np.append(False, high[:-1]))
        stops = np.flatnonzero(high & ~np.append(high[1:], False)) + 1
        longest = np.argmax(edges[stops] - edges[starts])
        a, b = starts[longest], stops[longest]
        return Stretch(float(edges[a]), float(edges[b]), float(values[a:b].max()))

    def _by_query(self) -> Iterator[list[Flips]]:
        together: list[list[Flips]] = [[] for _ in range(self.shape[0])]
        for one in self.flips:
            together[one.query].append(one)
        return iter(together)


def rank_curves(
    start: Float[" K"] | Float["Q K"], end: Float[" K"] | Float["Q K"], sims: Similarities, qrels: Qrels
) -> RankCurves:
    """Every ranked target's rank from weights `start` to weights `end`.

    >>> one = np.eye(3, dtype=np.float32)[:, :2] + np.float32(0.1)
    >>> sims = Similarities({"a": one[:1], "b": one[1:2]}, {"image": one}, [("a", "image"), ("b", "image")])
    >>> curves = rank_curves(np.array([1.0, 0.0]), np.array([0.0, 1.0]), sims, Qrels(np.array([[0]])))
    >>> curves.ranks(0).values, curves.ranks(0).places.round(3)
    (array([1, 2, 3]), array([0.283, 0.5  ]))

    Raises ArrayError for weights that do not fit the terms, BenchmarkError for qrels that do not fit the gallery.
    """
    qrels.check(sims.n_queries, sims.n_items)
    ends = [sims.weights_per_query(weights).astype(np.float64) for weights in (start, end)]
    views = {name: _unit64(sims.views[name]) for name in sims.view_names}
    parts = {name: _unit64(sims.parts[name]) for name in sims.part_names}
    ranked = ranked_targets(qrels)
    flips = []
    for query in range(sims.n_queries):
        similarities = np.stack([views[view] @ parts[part][query] for part, view in sims.terms])
        for column in np.flatnonzero(ranked[query]):
            offsets = _offsets(similarities, sims, query, int(qrels.targets[query, column]))
            margins = [weights[query] @ offsets for weights in ends]
            flips.append(_flips(query, int(column), *margins, qrels))
    return RankCurves(tuple(flips), qrels.targets.shape)


def _offsets(similarities: Float["K N"], sims: Similarities, query: int, target: int) -> Float["K N"]:
    """Similarities above the target's; exactly 0 for its twins, whatever the product's order of adding up was."""
    offsets = similarities - similarities[:, target, None]
    twins = np.flatnonzero((np.abs(offsets) < TWINS).all(axis=0))
    exact = exact_similarities(sims, np.full(len(twins), query), twins)
    offsets[:, twins] = exact - exact[:, twins == target]
    return offsets


def _flips(query: int, column: int, m0: np.ndarray, m1: np.ndarray, qrels: Qrels) -> Flips:
    """Where competitors with these margins at both ends pass one target."""
    targets = qrels.targets[query]
    counts = np.full(len(m0), qrels.candidates is None)
    if qrels.candidates is not None:
        counts[qrels.candidates[query][qrels.candidates[query] >= 0]] = True
    counts[qrels.excluded[query][qrels.excluded[query] >= 0]] = False
    counts[targets[column]] = False
    wins_ties = np.ones(
        len(m0), bool
    )  # a tie counts against the target, unless with a target of a later column
    wins_ties[targets[column + 1 :][targets[column + 1 :] >= 0]] = False
    before = (m0 > 0) | ((m0 == 0) & wins_ties)
    after = (m1 > 0) | ((m1 == 0) & wins_ties)
    moving = np.flatnonzero((before != after) & counts)
    places = m0[moving] / (m0[moving] - m1[moving])
    order = np.argsort(places, kind="stable")
    rising = after[moving][order]
    return Flips(
        query,
        column,
        1 + int(np.count_nonzero(before & counts)),
        places[order],
        np.where(rising, 1, -1),
        rising == wins_ties[moving][order],
    )


def _steps(first, places: np.ndarray, changes: np.ndarray) -> Steps:
    """Changes at the same place are one step."""
    where, which = np.unique(places, return_inverse=True)
    steps = np.zeros(len(where), changes.dtype)
    np.add.at(steps, which, changes)
    return Steps(where, np.concatenate([[first], first + np.cumsum(steps)]))


def _unit64(rows: np.ndarray) -> np.ndarray:
    return rows.astype(np.float64) / lengths(rows)[:, None]
