"""One pass over the gallery: what stays the same for all blocks (`Plan`), and who works through them (`Worker`)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import groupby, pairwise
from typing import NamedTuple

import numpy as np

from workbench.arrays import Float, Int, unit
from workbench.data.benchmark import Qrels
from workbench.kernels import halfline
from workbench.score.counted import CountedTargets, counted_targets
from workbench.score.lines import STRAIGHT, Lines, box, in_reach
from workbench.score.shares import equal_slices
from workbench.score.similarities import Similarities

ITEMS = 4096  # items in a block at most
QUERIES = 256  # queries in a block at most: enough rows for a fast product
SIMILARITIES = 4 * 2**20  # float32 similarities of a block at most
SAMPLE = 256  # items whose mean stands for all
ULP = 2.0**-24


class Faced(NamedTuple):
    """The query parts as they face the views.

    shift: what taking off the middles takes off every similarity; nothing off a bias, which comes last.
    """

    units: Float["K Q D"]
    lengths: Float["K Q"]
    shift: Float["K Q"]


class Plan:
    """Similarities, lines and bias, as the kernel reads them. `rounding` None: float32 is taken as it is."""

    def __init__(self, sims: Similarities, lines: Lines, bias: np.ndarray | None, rounding: float | None):
        self.sims, self.lines, self.rounding = sims, lines, rounding
        self.bias = None if bias is None else np.asarray(bias, np.float32)
        self.n_terms = lines.ends.shape[3]
        self.view_of = np.full(self.n_terms, -1)
        self.view_of[: len(sims.terms)] = [sims.view_names.index(term.view) for term in sims.terms]
        self.table = self._table()

    def _table(self) -> halfline.LineTable:
        lines = in_reach(self.lines)
        size = np.abs(lines.ends)  # (Q, L, 2, K)
        reach = size[..., : len(self.sims.terms)].sum(axis=3) * ((self.rounding or 0) + ULP)
        noise = size.max(axis=2).sum(axis=2) * (2 * self.n_terms + 8) * ULP + lines.stray
        widest = 2.0 if self.bias is None else max(2.0, float(np.ptp(self.bias)))
        spare = (reach.max(axis=2) + widest * (noise + 4 * STRAIGHT * self.n_terms * size.max())).max()
        centre, axes = box(lines)
        counter, slot = _counters(lines)
        return halfline.LineTable(
            start=lines.start,
            cells=lines.cells,
            slot=slot,
            step=lines.step,
            counter=counter,
            position=_plain(lines.position),
            ends=_plain(lines.ends),
            ends32=_plain(lines.ends, np.float32),
            reach=_plain(reach, np.float32),
            noise=_plain(noise, np.float32),
            stray=_plain(lines.stray),
            weights=_plain(lines.weights),
            centre=_plain(centre, np.float32),
            axes=_plain(axes, np.float32),
            spare=float(spare),
        )

    @cached_property
    def raw_parts(self) -> list[Float["Q D"]]:
        return [at_least_float32(self.sims.parts[term.part]) for term in self.sims.terms]

    @cached_property
    def faced(self) -> Faced:
        """Raises ArrayError, as `unit`, for a row without direction."""
        queries, width = self.raw_parts[0].shape
        units = np.empty((len(self.raw_parts), queries, width), np.float32)
        lengths, shift = np.empty(units.shape[:2]), np.zeros((self.n_terms, queries))
        for k, (term, rows) in enumerate(zip(self.sims.terms, self.raw_parts, strict=True)):
            if not halfline.face(rows, self.middles[self.view_of[k]], units[k], lengths[k], shift[k]):
                units[k] = unit(rows, f"part {term.part!r}")
        return Faced(units, lengths, shift)

    @cached_property
    def middles(self) -> list[Float[" D"]]:
        """A mean row per view, which is taken off all its unit rows before they are multiplied.

        No margin changes, since a query's similarities all shrink alike (`Faced.shift`), but products of rows that share no
        large direction round about ten times less: those of a modality lie in a cone.
        """
        some = slice(None, None, -(-self.sims.n_items // SAMPLE))
        return [self.sims.unit_items(view, some).mean(axis=0) for view in self.sims.view_names]

    def unit_items(self, view: int, items: slice) -> Float["n D"]:
        """Unit rows of some items, less their view's middle. Raises ArrayError, as `unit`, for a row without direction."""
        name = self.sims.view_names[view]
        return unit_less(at_least_float32(self.sims.views[name][items]), self.middles[view], f"view {name!r}")

    def targets(self, qrels: Qrels) -> CountedTargets:
        """The ranked targets of some qrels, with their own similarities."""
        query, column = counted_targets(qrels)
        items = qrels.targets[query, column]
        similarities = np.empty((len(query), self.n_terms))
        rows = [at_least_float32(self.sims.views[view][items]) for view in self.sims.view_names]
        lengths = [halfline.lengths(some) for some in rows]
        for k, view in enumerate(self.view_of[: len(self.sims.terms)]):
            dots = halfline.dots(self.raw_parts[k], query, rows[view])
            similarities[:, k] = dots / (self.faced.lengths[k, query] * lengths[view])
        if self.rounding is None:
            similarities = similarities.astype(np.float32).astype(np.float64)
        if self.bias is not None:
            similarities[:, -1] = self.bias[items] if self.bias.ndim == 1 else self.bias[query, items]
        return CountedTargets(qrels, query, column, similarities)

    def scratch(self, n: int) -> halfline.Scratch:
        """Room for a block of n items."""
        strip = halfline.STRIP
        return halfline.Scratch(
            state=np.empty(n, np.uint8),
            item=np.empty(n + 1, np.int32),
            offset=np.empty((self.n_terms, strip), np.float32),
            widest=np.empty(strip, np.float32),
            margin=np.empty((3, strip), np.float32),
            lane=np.arange(strip).astype(np.float32) % halfline.LANES + 1,
            place=np.empty(strip, np.int32),
            tally=np.zeros(2 * (self.table.cells.max() + halfline.LANES) + 1, np.int32),
            unclear=np.empty(strip + 1, np.int32),
            known=np.empty(n, np.int64),
            exact=np.empty((n, self.n_terms)),
        )

    def ranks(self, job: CountedTargets, queries: slice) -> Int["P q T"]:
        """Target ranks of some queries from the marks, which are used up; settings line by line."""
        marks = job.marks[job.rows(queries)]
        among_distractors = np.empty((len(marks), len(self.lines.order)), np.int32)
        halfline.settle(self.table, marks, among_distractors)
        return job.ranks(among_distractors, queries, self.lines)

    def query_blocks(self, n: int, share: slice | None = None) -> list[slice]:
        """The queries, or a share of them, in blocks for n items."""
        begin, end = (0, self.sims.n_queries) if share is None else (share.start, share.stop)
        step = int(np.clip(SIMILARITIES // (self.n_terms * n), 16, QUERIES))
        return [slice(begin + some.start, begin + some.stop) for some in equal_slices(end - begin, step)]


class Worker:
    """Counts blocks of items, one after the other, in memory of its own."""

    def __init__(self, plan: Plan, jobs: list[CountedTargets]):
        self.plan, self.jobs, self.worst = plan, jobs, 0.0
        self.marks = [np.zeros((len(job.query), plan.table.slot[-1]), np.int32) for job in jobs]
        self.buffer = np.empty(0, np.float32)

    def run(self, blocks: Iterator[slice]) -> Worker:
        for items in blocks:
            self._count(items)
        return self

    def _count(self, items: slice) -> None:
        plan, sims = self.plan, self.plan.sims
        units = [plan.unit_items(view, items) for view in range(len(sims.view_names))]
        certified = plan.rounding is not None
        some = items if certified else slice(0, 0)  # raw rows are needed for float64 only
        raw = np.stack([at_least_float32(sims.views[view][some]) for view in sims.view_names])
        view_lengths = np.stack([halfline.lengths(rows) for rows in raw])
        n = len(units[0])
        scratch = plan.scratch(n)
        for queries in plan.query_blocks(n):
            block = self._similarities(queries, items, units)
            exact = halfline.Exact(
                certified,
                _plain(plan.faced.shift[:, queries]),
                np.stack([rows[queries if certified else slice(0)] for rows in plan.raw_parts]),
                _plain(plan.faced.lengths[:, queries]),
                raw,
                view_lengths,
                plan.view_of,
            )
            for job, marks in zip(self.jobs, self.marks, strict=True):
                some = job.rows(queries)
                rows = halfline.Rows(
                    job.query[some] - queries.start,
                    job.similarities[some],
                    job.gone[some],
                    job.candidates[some],
                )
                worst = halfline.count(
                    block, items.start, rows, self._table(queries), exact, scratch, marks[some]
                )
                self.worst = max(self.worst, worst)

    def _similarities(self, queries: slice, items: slice, units: list) -> Float["K q n"]:
        plan = self.plan
        q, n = queries.stop - queries.start, len(units[0])
        if self.buffer.size < plan.n_terms * q * n:
            self.buffer = np.empty(plan.n_terms * q * n, np.float32)
        block = self.buffer[: plan.n_terms * q * n].reshape(plan.n_terms, q, n)
        for view, terms in groupby(range(plan.n_terms), key=lambda k: plan.view_of[k]):
            terms = list(terms)
            if view < 0:
                bias = plan.bias[items] if plan.bias.ndim == 1 else plan.bias[queries, items]
                block[terms[0]] = bias
                continue
            some = slice(terms[0], terms[-1] + 1)
            left = plan.faced.units[some, queries].reshape(-1, units[view].shape[1])
            np.matmul(left, units[view].T, out=block[some].reshape(-1, n))
        return block

    def _table(self, queries: slice) -> halfline.LineTable:
        """The lines of these queries."""
        table = self.plan.table
        if len(table.reach) == 1:
            return table
        fixed = ("start", "cells", "slot", "step", "counter", "spare")
        return table._replace(
            **{name: values[queries] for name, values in table._asdict().items() if name not in fixed}
        )


def _counters(lines: Lines) -> tuple[Int[" P"], Int[" S"]]:
    """For each setting the counter of what changes just before it, and where each line's counters begin, and the end.

    A counter per step and one per setting without a step of its own: its line has none, or another setting is there.
    """
    step, counter, size = lines.step, np.empty(len(lines.order), np.int64), lines.cells + 1
    for line, (a, b) in enumerate(pairwise(lines.start)):
        own = np.append(True, np.diff(step[a:b]) > 0)
        counter[a:b] = np.where(own, step[a:b], lines.cells[line] + np.cumsum(~own))
        size[line] += (~own).sum()
    return counter, np.cumsum([0, *size])


def item_blocks(n: int, workers: int) -> list[slice]:
    """Equal shares of the gallery, as many as keep all workers busy to the end."""
    rounds = -(-n // (ITEMS * workers))
    step = -(-n // (rounds * workers))
    return [slice(start, min(start + step, n)) for start in range(0, n, step)]


def unit_less(rows: Float["n D"], less: Float[" D"], name: str) -> Float["n D"]:
    """Unit rows less one row, in float32. Raises ArrayError, as `unit`, for a row without direction."""
    units = np.empty(rows.shape, np.float32)
    if halfline.unit_rows(rows, less, units):
        return units
    return (unit(rows, name) - less).astype(np.float32)  # rows too long or short for the kernel's float32


def _plain(array: np.ndarray, dtype=np.float64) -> np.ndarray:
    """In one layout: a kernel is compiled anew for every other."""
    return np.ascontiguousarray(array, dtype)


def at_least_float32(rows: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(rows, np.result_type(rows.dtype, np.float32))
