"""Ranks of targets at one setting, for little more than one matrix product per view, in bounded memory.

    compose the queries -> blocks of items go to workers; each: one product per view -> count who is ahead
    scores within rounding error of a target's are decided in float64 (`exact`) -> ranks

The gallery's rows are taken as they lie: what they lack to length 1 is a factor per item. The order of blocks changes
nothing: only whole numbers are added. Needs numba; without it `certified` gives the same ranks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from workbench.arrays import Float, Int, unit
from workbench.data.benchmark import Qrels
from workbench.kernels import ahead as kernel
from workbench.kernels import halfline
from workbench.score.blocks import at_least_float32
from workbench.score.counted import counted_targets, places
from workbench.score.counting import ULP, share_out, usual_rounding, worst_rounding
from workbench.score.exact import weighed
from workbench.score.ranks import NEVER
from workbench.score.shares import cores
from workbench.score.similarities import Similarities

CELLS = 4 * 2**20  # products of a block at most
QUERIES = 1024  # queries in a block at most
ROOM = 2**16  # near pairs of a block that are listed at first


def once_ranks(
    weights: Float[" K"] | Float["Q K"],
    sims: Similarities,
    qrels: Mapping[str, Qrels],
    bias: Float[" N"] | Float["Q N"] | None = None,
    *,
    workers: int | None = None,
) -> dict[str, Int["Q T"]]:
    """Target ranks (Q, T) of sum_k w_k S_k [+ bias] under each of the qrels, as if computed in float64 (`exact`).

    workers: threads; by default one per core. Memory above the rows: some 20 MiB per worker.
    Raises ArrayError and BenchmarkError as `linear_target_ranks` does, ArrayError for a row without direction.
    """
    weights = sims.weights_per_query(weights)
    for name, some in qrels.items():
        some.check(sims.n_queries, sims.n_items, f"qrels[{name!r}]")
    bias = None if bias is None else np.ascontiguousarray(bias, np.float32)
    width = sims.parts[sims.terms[0].part].shape[1]
    for rounding in (usual_rounding(width), worst_rounding(width)):
        setting = Setting(sims, weights, bias, rounding)
        jobs = {name: Job.of(setting, some) for name, some in qrels.items()}
        worst = _count(setting, list(jobs.values()), workers or cores())
        if (worst <= setting.reach / 2).all():
            break
    return {name: job.ranks() for name, job in jobs.items()}


class Setting:
    """One weighting: composed queries by view, exact scores of single pairs, and how far float32 may be off (Q)."""

    def __init__(self, sims: Similarities, weights: np.ndarray, bias: np.ndarray | None, rounding: float):
        self.sims, self.weights, self.bias = sims, weights, bias
        self.raw = {part: at_least_float32(sims.parts[part]) for part in sims.part_names}
        self.lengths = {part: halfline.lengths(rows) for part, rows in self.raw.items()}
        self.composed = [sims.composed(weights, view) for view in sims.view_names]
        largest = 0.0 if bias is None else float(np.abs(bias).max(initial=0))
        spare = (len(sims.terms) + 10) * ULP  # composing, dividing by lengths, adding up views
        self.reach = np.abs(weights).sum(axis=1) * (rounding + spare) + 4 * ULP * largest

    def exact(self, queries: Int[" p"], items: Int[" p"]) -> Float[" p"]:
        """Scores of some pairs in float64: the formula of `exact`, compiled."""
        similarities, rows = np.empty((len(self.sims.terms), len(queries))), {}
        for view in self.sims.view_names:
            rows[view] = at_least_float32(self.sims.views[view][items])
        lengths = {view: halfline.lengths(some) for view, some in rows.items()}
        for k, (part, view) in enumerate(self.sims.terms):
            dots = halfline.dots(self.raw[part], queries, rows[view])
            similarities[k] = dots / (self.lengths[part][queries] * lengths[view])
        scores = weighed(self.weights[queries], similarities)
        if self.bias is not None:
            scores = scores + (self.bias[items] if self.bias.ndim == 1 else self.bias[queries, items])
        return scores

    def scale(self, view: str, rows: np.ndarray) -> Float[" n"]:
        """One over the rows' lengths. Raises ArrayError, as `unit`, for a row without direction."""
        scale = np.empty(len(rows), np.float32)
        kernel.inverse_lengths(rows, scale)
        if not (np.isfinite(scale) & (scale > 0)).all():
            unit(rows, f"view {view!r}")
        return scale

    def bias_of(self, queries: slice, items: slice) -> Float["q n"]:
        if self.bias is None:
            return np.empty((0, 0), np.float32)
        return np.ascontiguousarray(
            self.bias[None, items] if self.bias.ndim == 1 else self.bias[queries, items]
        )


@dataclass(eq=False)
class Job:
    """The targets of one qrels that are ranked at all: R (query, column) pairs, and who is ahead of them so far."""

    qrels: Qrels
    query: Int[" R"]
    column: Int[" R"]
    score: Float[" R"]
    low: Float[" R"]
    high: Float[" R"]
    gone: Int["Q G"]
    candidates: Int["Q C"]
    ahead: Int[" R"] = field(repr=False)

    @classmethod
    def of(cls, setting: Setting, qrels: Qrels) -> Job:
        query, column = counted_targets(qrels)
        score = setting.exact(query, qrels.targets[query, column])
        reach = setting.reach[query]
        low, high = (np.float32(score - reach), np.float32(score + reach))
        gone = np.concatenate([qrels.targets, qrels.excluded], axis=1).astype(np.int64)
        some = np.empty((len(qrels), 0)) if qrels.candidates is None else np.sort(qrels.candidates, axis=1)
        # rounded to float32 outwards
        low, high = np.nextafter(low, np.float32(-np.inf)), np.nextafter(high, np.float32(np.inf))
        return cls(
            qrels,
            query,
            column,
            score,
            low,
            high,
            gone,
            some.astype(np.int64),
            np.zeros(len(query), np.int64),
        )

    def rows(self, queries: slice) -> slice:
        """Which pairs are of these queries."""
        return slice(*np.searchsorted(self.query, [queries.start, queries.stop]))

    def asked(self, queries: slice) -> kernel.Asked:
        rows = self.rows(queries)
        query = self.query[rows] - queries.start
        return kernel.Asked(
            query, self.low[rows], self.high[rows], self.gone[queries], self.candidates[queries]
        )

    def ranks(self) -> Int["Q T"]:
        ranks = np.full(self.qrels.targets.shape, NEVER, np.int32)
        scores = np.full(ranks.shape, -np.inf)
        scores[self.query, self.column] = self.score
        ranks[self.query, self.column] = 1 + self.ahead + places(scores)[self.query, self.column]
        return ranks


class Worker:
    """Counts blocks of items, one after the other, in memory of its own."""

    def __init__(self, setting: Setting, jobs: list[Job]):
        self.setting, self.jobs = setting, jobs
        self.ahead = [np.zeros(len(job.query), np.int64) for job in jobs]
        self.worst = np.zeros(len(setting.reach))
        self.buffer = np.empty(0, np.float32)
        self.room = _room(ROOM)

    def run(self, blocks: Iterator[slice]) -> Worker:
        for items in blocks:
            self._count(items)
        return self

    def _count(self, items: slice) -> None:
        setting, sims = self.setting, self.setting.sims
        views = [np.ascontiguousarray(sims.views[view][items], np.float32) for view in sims.view_names]
        scale = np.stack(
            [setting.scale(view, rows) for view, rows in zip(sims.view_names, views, strict=True)]
        )
        n = items.stop - items.start
        values, places = np.empty(n, np.float32), np.empty(n, np.int64)
        for queries in _slices(sims.n_queries, min(QUERIES, max(16, CELLS // (n * len(views))))):
            products = self._products(queries, views)
            bias = setting.bias_of(queries, items)
            for job, ahead in zip(self.jobs, self.ahead, strict=True):
                before, asked = ahead[job.rows(queries)], job.asked(queries)
                counted, close = before, len(self.room.row) + 1
                while close > len(self.room.row):
                    self.room = self.room if counted is before else _room(2 * close)
                    counted = before.copy()
                    close = kernel.count(
                        products, scale, bias, items.start, asked, values, places, self.room, counted
                    )
                before[:] = counted
                self._decide(job, queries, close, before)

    def _decide(self, job: Job, queries: slice, close: int, ahead: np.ndarray) -> None:
        """Adds the near pairs that are ahead in float64; sees how far float32 was off."""
        if close == 0:
            return
        row, item, score = (column[:close] for column in self.room)
        rows = row + job.rows(queries).start
        exact = self.setting.exact(job.query[rows], item)
        np.add.at(ahead, row, exact >= job.score[rows])
        np.maximum.at(self.worst, job.query[rows], np.abs(exact - score))

    def _products(self, queries: slice, views: list[np.ndarray]) -> Float["V q n"]:
        q, n = queries.stop - queries.start, len(views[0])
        if self.buffer.size < len(views) * q * n:
            self.buffer = np.empty(len(views) * q * n, np.float32)
        block = self.buffer[: len(views) * q * n].reshape(len(views), q, n)
        for composed, rows, out in zip(self.setting.composed, views, block, strict=True):
            np.matmul(composed[queries], rows.T, out=out)
        return block


def _count(setting: Setting, jobs: list[Job], workers: int) -> Float[" Q"]:
    """Fills the jobs' counts; returns the largest rounding error that was seen, by query."""
    done = share_out(setting.sims.n_items, lambda: Worker(setting, jobs), workers)
    for i, job in enumerate(jobs):
        job.ahead = sum(worker.ahead[i] for worker in done)
    return np.max([worker.worst for worker in done], axis=0)


def _slices(n: int, step: int) -> Iterator[slice]:
    return (slice(start, min(start + step, n)) for start in range(0, n, step))


def _room(pairs: int) -> kernel.Near:
    return kernel.Near(np.empty(pairs, np.int64), np.empty(pairs, np.int64), np.empty(pairs, np.float32))
