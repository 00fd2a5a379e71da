"""Ranks of targets at every setting of a linear method, in one pass over the gallery.

    blocks of items go to workers; each: unit rows -> one matrix product per view -> the half-line kernel
    marks of all blocks are added up -> running sums along the lines -> ranks

Memory stays at a few blocks per worker plus one counter per row and setting. The order of blocks changes nothing:
only whole numbers are added. Left out: finding lines (`lines`), the kernel (`halfline`), metrics (`sweep`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from workbench.arrays import Float
from workbench.data.benchmark import Qrels
from workbench.score.blocks import Plan, Worker, item_blocks
from workbench.score.counted import CountedTargets
from workbench.score.lines import Lines, find_lines
from workbench.score.shares import cores, one_blas_thread_each, side_by_side
from workbench.score.similarities import Similarities

ULP = 2.0**-24  # half a unit in the last place of float32


def usual_rounding(width: int) -> float:
    """A bound on float32 similarities' errors if these add up like a random walk.

    About three times the largest seen at widths 512 and 768; checked wherever a pair is computed again.
    """
    return (0.5 * np.sqrt(width) + 4) * ULP


def worst_rounding(width: int) -> float:
    """The bound that no order of adding up can exceed."""
    return (width + 16) * ULP


class Counted(NamedTuple):
    """Counters that are full."""

    plan: Plan
    jobs: dict[str, CountedTargets]

    def ranks(self, queries: slice) -> dict[str, np.ndarray]:
        """Target ranks (P, q, T) of some queries, once; settings line by line."""
        return {name: self.plan.ranks(job, queries) for name, job in self.jobs.items()}


def counted(
    lines: Lines,
    sims: Similarities,
    qrels: Mapping[str, Qrels],
    *,
    certified: bool = True,
    bias: Float[" N"] | Float["Q N"] | None = None,
    workers: int | None = None,
) -> Counted:
    """Counts the competitors ahead of every target at the settings that stand on some lines. Needs numba.

    certified: as if all scores were computed in float64 (`exact`). Where a rounding error comes near the usual
    bound, everything is counted again with the worst one. Otherwise float32 similarities are taken as they are.
    bias: added to every score as it is. workers: threads; by default one per core.
    """
    width = sims.parts[sims.terms[0].part].shape[1]
    for rounding in (usual_rounding(width), worst_rounding(width)) if certified else (None,):
        plan = Plan(sims, lines, bias, rounding)
        jobs = {name: plan.targets(some) for name, some in qrels.items()}
        worst = _count(plan, list(jobs.values()), workers or cores())
        if rounding is None or worst <= rounding / 2:
            break
    return Counted(plan, jobs)


def lines_of(weights: Float["P K"] | Float["P Q K"], biased: bool = False) -> Lines:
    """The lines in weight space that settings stand on. A bias is one more term, of weight 1."""
    weights = np.asarray(weights, np.float32)
    weights = weights[:, None, :] if weights.ndim == 2 else weights
    ones = np.ones((*weights.shape[:2], 1), np.float32)
    return find_lines(np.concatenate([weights, ones], axis=2) if biased else weights)


def _count(plan: Plan, jobs: list[CountedTargets], workers: int) -> float:
    """Fills the jobs' counters; returns the largest rounding error that was seen."""
    done = share_out(plan.sims.n_items, lambda: Worker(plan, jobs), workers)
    for i, job in enumerate(jobs):
        job.marks = done[0].marks[i]
        for worker in done[1:]:
            job.marks += worker.marks[i]  # in place: fresh memory costs more than the sum
    return max(worker.worst for worker in done)


def share_out(n_items: int, make: Callable[[], object], workers: int) -> list:
    """Workers that have worked through all blocks of items among them, each in a thread of its own."""
    with one_blas_thread_each() as alone:
        workers = workers if alone else 1
        blocks = iter(item_blocks(n_items, workers))  # `next` on a list's iterator is safe among threads
        return side_by_side([lambda: make().run(blocks)] * workers, workers)
