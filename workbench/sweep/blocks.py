"""Target ranks of many methods on one case, block by block of queries.

Linear methods that need the same similarities go together: their weights are stacked and counted in one pass
(`score.counting`; without numba, one after the other). Any other method is scored, a block of queries at a time.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from typing import NamedTuple, TypeVar

import numpy as np

from workbench.arrays import ArrayError, Int, check_finite
from workbench.data.benchmark import Benchmark, Qrels
from workbench.methods.base import LinearMethod, Method
from workbench.registry import UnknownName, nearest
from workbench.score.certified import certified_target_ranks
from workbench.score.distinct import distinct_weights
from workbench.score.ranks import target_ranks
from workbench.score.shares import cores, equal_slices, one_blas_thread_each, query_shares, side_by_side
from workbench.score.similarities import Similarities
from workbench.sweep.some import some_queries, source_of
from workbench.sweep.weights import Family, families, weights_of

SHARE = 1024  # queries counted together at most: their counters stay in a nearby cache
CELLS = 2**22  # numbers held per share of the queries: weights, counters
RANKS = 2**16  # ranks made at a time: they, and what becomes of them, stay in a nearby cache
SCORES = 2**24  # scores held per block of queries of a method that is not linear

Bias = np.ndarray | Callable[[Method], np.ndarray] | None
Made = TypeVar("Made")


class RankBlock(NamedTuple):
    """Ranks of some methods for some queries. Methods with the same weights share one row of the ranks."""

    members: np.ndarray  # (M,) which of the methods
    which: np.ndarray  # (M,) the row of each in the ranks
    queries: slice
    ranks: dict[str, Int["U q T"]]


class Asked(NamedTuple):
    """How to count."""

    certified: bool = True
    bias: Bias = None
    workers: int | None = None


def ranks(
    methods: Sequence[Method],
    case,
    bench: Benchmark | None = None,
    qrels: Sequence[str] = ("default",),
    *,
    certified: bool = True,
    bias: Bias = None,
    workers: int | None = None,
) -> dict[str, Int["P Q T"]]:
    """Target ranks (int32) of every method under each of the named qrels; arguments and errors as in `sweep`."""
    case = source_of(case, bench)
    chosen = chosen_qrels(case.benchmark, qrels)
    out = {name: np.empty((len(methods), *some.targets.shape), np.int32) for name, some in chosen.items()}

    def keep(blocks: Iterator[RankBlock]) -> None:
        for block in blocks:
            for name, values in block.ranks.items():
                out[name][block.members, block.queries] = values[block.which]

    for _ in rank_blocks(methods, case, qrels, Asked(certified, bias, workers), keep):
        pass
    return out


def rank_blocks(
    methods: Sequence[Method],
    case,
    qrels: Sequence[str],
    asked: Asked,
    then: Callable[[Iterator[RankBlock]], Made],
) -> Iterator[Made]:
    """What `then` makes of the ranks, which together hold every method and query once.

    `then` is called in the thread that counted, once for some of the methods and a share of the queries. The share's
    ranks come in blocks, made when asked for, that differ in their queries only.
    """
    chosen = chosen_qrels(case.benchmark, qrels)
    linear = [p for p, method in enumerate(methods) if isinstance(method, LinearMethod)]
    if linear and find_spec("numba") is None:
        warnings.warn(
            "numba is missing, so settings are counted one by one; for exact grids in one pass: "
            "pip install 'zscir-workbench[sweeps]'",
            stacklevel=3,
        )
    for p, method in enumerate(methods):
        if not isinstance(method, LinearMethod):
            yield then(_scored(p, method, case, chosen, asked))
    if callable(asked.bias):
        for p in linear:
            given = asked._replace(bias=asked.bias(methods[p]))
            yield from _counted(families([methods[p]], [p]), case, chosen, given, then)
        return
    together: dict[tuple, list[Family]] = {}
    for family in families([methods[p] for p in linear], linear):
        together.setdefault(family.terms, []).append(family)
    for some in together.values():
        yield from _counted(some, case, chosen, asked, then)


def _counted(
    some: list[Family],
    case,
    qrels: Mapping[str, Qrels],
    asked: Asked,
    then: Callable[[Iterator[RankBlock]], Made],
) -> Iterator[Made]:
    """Linear methods over the same terms, a share of the queries per worker; workers to spare share the gallery."""
    sims = case.similarities(some[0].terms)
    members = np.concatenate([family.members for family in some])
    bias = _checked(asked.bias, sims.n_queries, sims.n_items)
    first = _settings(weights_of(some, sims.queries(slice(0, 2), share=False)), bias is not None)
    fixed = first if first.weights.shape[1] == 1 else None  # else each query has weights of its own
    n_settings, n_targets = len(members), max(some.targets.shape[1] for some in qrels.values())
    cells = first.counters * n_targets + (0 if fixed else 4 * n_settings * len(sims.terms))
    shares = query_shares(sims.n_queries, min(SHARE, CELLS // cells))
    step = RANKS // (n_targets * (len(fixed.weights) if fixed else n_settings))
    workers = asked.workers or cores()

    def count(rows: slice) -> Made:
        mine = sims.queries(rows, share=False)
        settings = fixed or _settings(weights_of(some, mine), bias is not None)
        right = {name: one.rows(rows) for name, one in qrels.items()}
        given = asked._replace(
            bias=bias[rows] if bias is not None and bias.ndim == 2 else bias,
            workers=max(1, workers // len(shares)),
        )
        found = _count(settings, mine, right, given)
        return then(
            RankBlock(members, settings.which, slice(rows.start + q.start, rows.start + q.stop), found(q))
            for q in equal_slices(mine.n_queries, step)
        )

    with one_blas_thread_each() as alone:
        yield from side_by_side([partial(count, rows) for rows in shares], workers if alone else 1)


class Settings(NamedTuple):
    """Different weightings, as counting takes them, and which of the ranks it gives belong to each method."""

    weights: np.ndarray  # (U, Q or 1, K)
    which: np.ndarray  # (M,)
    lines: object | None

    @property
    def counters(self) -> int:
        """So many numbers at most are kept per query and target."""
        lines = self.lines
        return len(self.weights) + (0 if lines is None else int((lines.cells + 1).sum()))


def _settings(weights: np.ndarray, biased: bool) -> Settings:
    weights, which = distinct_weights(weights)
    if find_spec("numba") is None:
        return Settings(weights, which, None)
    from workbench.score.counting import lines_of

    lines = lines_of(weights, biased)
    return Settings(weights, lines.place[which], lines)


def _count(
    settings: Settings, sims: Similarities, qrels: Mapping[str, Qrels], asked: Asked
) -> Callable[[slice], dict]:
    """What gives the ranks of some of the queries."""
    if settings.lines is not None:
        from workbench.score.counting import counted

        options = {"certified": asked.certified, "bias": asked.bias, "workers": asked.workers}
        return counted(settings.lines, sims, qrels, **options).ranks
    shape = (len(settings.weights), sims.n_queries, len(sims.terms))
    each = [_count_one(one, sims, qrels, asked) for one in np.broadcast_to(settings.weights, shape)]
    stacked = {name: np.stack([ranks[name] for ranks in each]) for name in qrels}
    return lambda queries: {name: ranks[:, queries] for name, ranks in stacked.items()}


def _count_one(weights: np.ndarray, sims: Similarities, qrels: Mapping[str, Qrels], asked: Asked) -> dict:
    if asked.certified:
        return certified_target_ranks(weights, sims, qrels, bias=asked.bias)
    scores = sims.combine(weights) + (0 if asked.bias is None else asked.bias.astype(np.float32))
    return {name: target_ranks(scores, some) for name, some in qrels.items()}


def _scored(p: int, method: Method, case, qrels: Mapping[str, Qrels], asked: Asked) -> Iterator[RankBlock]:
    """A method that gives scores: in blocks of queries, unless a query's scores depend on the others asked."""
    n_queries, n_items = len(case.benchmark.queries), len(case.benchmark.gallery)
    bias = _checked(asked.bias(method) if callable(asked.bias) else asked.bias, n_queries, n_items)
    step = n_queries if getattr(method, "transductive", False) else SCORES // n_items
    for rows in equal_slices(n_queries, step):
        scores = method.score(case if step >= n_queries else some_queries(case, rows))
        if bias is not None:
            scores = scores + (bias[rows] if bias.ndim == 2 else bias)
        found = {name: target_ranks(scores, some.rows(rows))[None] for name, some in qrels.items()}
        yield RankBlock(np.array([p]), np.zeros(1, int), rows, found)


def _checked(bias: np.ndarray | None, n_queries: int, n_items: int) -> np.ndarray | None:
    if bias is None:
        return None
    bias = np.asarray(bias, np.float32)
    if bias.shape not in ((n_items,), (n_queries, n_items)):
        raise ArrayError(f"bias: got shape {bias.shape}, expected ({n_items},) or ({n_queries}, {n_items})")
    check_finite("bias", bias)
    return bias


def chosen_qrels(bench: Benchmark, names: Sequence[str]) -> dict[str, Qrels]:
    for name in names:
        if name not in bench.qrels:
            raise UnknownName(
                f"{bench.name} has no qrels {name!r}.{nearest(name, bench.qrels)} Known: {', '.join(bench.qrels)}"
            )
    return {name: bench.qrels[name] for name in names}
