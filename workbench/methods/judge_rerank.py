"""Judge rerank: the best `depth` pictures of any method, sorted again by what a judge said of each.

    among the best `depth` of the base's ranking: higher verdict first, equal verdicts as the base has them
    below: as the base has them

In the manner of SQUARE's second stage (a marked grid, one look, one order; arXiv 2509.26330), of SETR's second stage
(yes or no for each; arXiv 2509.26012) and of verify-and-compare (count what holds, then promote the first yes; see
`imagescope`). Depth, prompts and grid sizes of the first two are not confirmed: hence the other name and no default.
Left out: asking the judge; its verdicts come with the case (`case.verdicts`), and a picture without one is an error.

The whole ranking is sorted again, once: among a subset's pictures (CIRR) the order is what became of them there, where
ImageScope's released code sorts the subset by itself. Pictures that may not be ranked (`Qrels.excluded`) take no place
among the best. A picture is among the best `depth` only if no more than `depth` score as high as it: ties at the border
are left alone. Not linear.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from workbench.arrays import Float, Int
from workbench.methods.base import METHODS, MethodError, check_least, parse_method
from workbench.registry import nearest
from workbench.score.similarities import Term


@METHODS.register("judge_rerank")
@dataclass(frozen=True)
class JudgeRerank:
    """`base` is a method's label, `judge` names one of the case's tables of verdicts. depth = 0 is the base."""

    base: str
    judge: str
    depth: int

    def __post_init__(self):
        check_least(self, depth=0)

    @property
    def terms(self) -> tuple[Term, ...]:
        return parse_method(self.base).terms

    def score(self, case) -> Float["Q N"]:
        return rerank(parse_method(self.base).score(case), case, self.judge, self.depth)


@METHODS.register("verify_compare")
@dataclass(frozen=True)
class VerifyCompare(JudgeRerank):
    """Then the first of the best `compared` to which a second judge says yes (a verdict above 0) moves to the top."""

    compare: str
    compared: int

    def __post_init__(self):
        check_least(self, depth=0, compared=0)

    def score(self, case) -> Float["Q N"]:
        return promote(super().score(case), case, self.compare, self.compared)


def rerank(scores: Float["Q N"], case, judge: str, depth: int) -> Float["Q N"]:
    """Scores that rank the best `depth` by verdict, then by score. What is equal in both stays equal."""

    def resort(row: np.ndarray, items: np.ndarray, verdict: Callable[[int], float]) -> None:
        pairs = np.array([[verdict(item), row[item]] for item in items])
        _, level = np.unique(pairs, axis=0, return_inverse=True)  # sorted by verdict, then by score
        row[items] = row[items].max() + 1 + level.ravel()

    return _edited(scores, case, judge, depth, resort)


def promote(scores: Float["Q N"], case, judge: str, depth: int) -> Float["Q N"]:
    """Scores with the first of the best `depth` whose verdict is above 0 on top. Nothing below it is asked about."""

    def first_yes(row: np.ndarray, items: np.ndarray, verdict: Callable[[int], float]) -> None:
        top = row[items].max()
        for value in -np.unique(-row[items]):  # best first; equal scores stand together
            yes = [item for item in items[row[items] == value] if verdict(item) > 0]
            if yes:
                row[yes] = top + 1
                return

    return _edited(scores, case, judge, depth, first_yes)


def _edited(scores: Float["Q N"], case, judge: str, depth: int, edit: Callable) -> Float["Q N"]:
    """A copy in which `edit` has changed the scores of each query's best `depth`."""
    if judge not in case.verdicts:
        raise MethodError(
            f"this case has no verdicts {judge!r}.{nearest(judge, case.verdicts)} "
            f"It has: {', '.join(case.verdicts) or 'none'}; give them as "
            f"build_case(verdicts={{{judge!r}: Verdicts.read(file)}}), or --with verdicts.{judge}=FILE"
        )
    table, bench = case.verdicts[judge], case.benchmark
    excluded = bench.qrels["default"].excluded
    edited = scores.copy()
    for q, query in enumerate(bench.queries):
        items = best(scores[q], depth, excluded[q][excluded[q] >= 0])
        if len(items):
            edit(edited[q], items, lambda item, query=query: table.of(query.id, bench.gallery.ids[item]))
    return edited


def best(row: Float[" N"], depth: int, excluded: Int[" E"]) -> Int[" n"]:
    """The rows of the best `depth` pictures that are ranked; fewer where ties reach over the border."""
    row = row.copy()
    row[excluded] = -np.inf
    n_ranked = len(row) - len(excluded)
    if depth >= n_ranked:
        return np.flatnonzero(row > -np.inf)
    if depth < 1:
        return np.empty(0, np.int64)
    border = np.partition(row, len(row) - depth)[len(row) - depth]
    inside = row >= border
    return np.flatnonzero(inside if np.count_nonzero(inside) == depth else row > border)
