"""One setting on the real sets' shapes: from unit rows to metrics, and from a given matrix to metrics.

    python benchmarks/bench_score.py [--quick] [--only rows given]

rows: CIRCO's two splits, 220 and 800 queries x 123,403 pictures x 768, up to 14 targets a query. Against the matrix
product alone: of the whole matrix into memory that is there already, and of the same blocks by the same workers. The
memory above the rows at the peak is measured on its own. given: a similarity matrix of CIRR val's and of CIRCO val's
shape, against `torch.argsort` of the whole matrix, the order mapped to an array of picture names, names compared.

Every side runs in turn, three times; medians are compared. Compiling (once per machine) is reported on its own. The
last line holds the ratios, by the clock | in CPU time.
"""

from __future__ import annotations

import argparse
import os
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

import numpy as np
import torch
from bench_sweep import interleaved, print_seconds, ratio, usual_metrics
from threadpoolctl import threadpool_limits

from workbench.arrays import unit
from workbench.data.benchmark import Benchmark, Card, Gallery, Qrels, Query
from workbench.evaluation import method_ranks
from workbench.methods import Composed
from workbench.metrics import measure
from workbench.score import once
from workbench.score.blocks import item_blocks
from workbench.score.ranks import target_ranks
from workbench.score.shares import cores
from workbench.sweep.some import Source

WIDTH, ITEMS = 768, 123_403
RECALLS = ("recall@1", "recall@5", "recall@10", "recall@50")
MAPS = ("map@5", "map@10", "map@25", "map@50")


def unit_rows(rng: np.random.Generator, n: int, around: np.ndarray | None = None) -> np.ndarray:
    """Random unit rows; around others, half of each row is theirs."""
    rows = rng.standard_normal((n, WIDTH), np.float32)
    return unit(rows if around is None else rows + np.sqrt(WIDTH, dtype=np.float32) * around)


def benchmark(qrels: Qrels, items: int, metrics: tuple[str, ...]) -> Benchmark:
    names = tuple(f"dev-{n:07d}-img" for n in range(items))
    queries = tuple(Query(str(q), None, names[0], ("",)) for q in range(len(qrels)))
    card = Card("synthetic", "CC0-1.0", "none", "random numbers")
    return Benchmark("synthetic", "val", queries, Gallery(names), {"default": qrels}, metrics, {}, card)


def several_targets(rng: np.random.Generator, queries: int, items: int, most: int) -> np.ndarray:
    """One to `most` targets a query, as CIRCO has them: 4.2 on average where most is 14."""
    targets = rng.permuted(np.tile(np.arange(0, items, items // 100), (queries, 1)), axis=1)[:, :most]
    number = 1 + rng.binomial(most - 1, 3.2 / (most - 1), (queries, 1))
    return np.where(np.arange(most) < number, targets, -1).astype(np.int32)


# --- from unit rows to metrics ---------------------------------------------------------------------------------------


def rows_case(queries: int, items: int) -> Source:
    rng = np.random.default_rng(queries)
    gallery = unit_rows(rng, items)
    targets = several_targets(rng, queries, items, 14)
    composed = unit_rows(rng, queries, gallery[targets[:, 0]])
    return Source({"composed": composed}, {"image": gallery}, benchmark(Qrels(targets), items, MAPS))


def rows_to_metrics(case: Source) -> dict[str, float]:
    ranks = method_ranks(case, Composed(), ["default"])
    return {name: float(values.mean()) for name, values in measure(ranks, case.benchmark.metrics).items()}


def product_in_blocks(case: Source) -> Callable[[], None]:
    """The products of `once`, in its blocks, with its workers and reused buffers, and nothing done to the results."""
    queries, gallery = case.parts["composed"], case.views["image"]
    blocks, workers = item_blocks(len(gallery), cores()), cores()

    def work(mine: list[slice]) -> None:
        buffer = np.empty(0, np.float32)
        for items in mine:
            n = items.stop - items.start
            step = min(once.QUERIES, once.CELLS // n)
            for start in range(0, len(queries), step):
                left = queries[start : start + step]
                if buffer.size < len(left) * n:
                    buffer = np.empty(len(left) * n, np.float32)
                np.matmul(left, gallery[items].T, out=buffer[: len(left) * n].reshape(-1, n))

    def run() -> None:
        with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(workers) as pool:
            list(pool.map(work, [blocks[w::workers] for w in range(workers)]))

    return run


def bench_rows(queries: int, items: int) -> dict[str, tuple]:
    case, name = rows_case(queries, items), f"{queries} x {items:,} x {WIDTH}"
    whole = np.zeros((queries, items), np.float32)

    def product() -> None:
        np.matmul(case.parts["composed"], case.views["image"].T, out=whole)

    seconds = interleaved(
        {
            "rows to metrics": lambda: rows_to_metrics(case),
            "product of the whole matrix": product,
            "product in blocks": product_in_blocks(case),
        }
    )
    print_seconds(name, seconds, 1)
    right = target_ranks(whole, case.benchmark.qrels["default"])
    print(f"  ranks that differ from those of float32 scores: {differing(case, right):.2e} of all")
    tracemalloc.start()
    rows_to_metrics(case)
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    print(f"  {peak:.0f} MiB above the rows at the peak")
    ours = seconds["rows to metrics"]
    return {
        f"{name}: rows to metrics / whole product": ratio(ours, seconds["product of the whole matrix"]),
        f"{name}: rows to metrics / product in blocks": ratio(ours, seconds["product in blocks"]),
        f"{name}: MiB above the rows": (peak,),
    }


def differing(case: Source, ranks: np.ndarray) -> float:
    return float((method_ranks(case, Composed(), ["default"])["default"] != ranks).mean())


# --- from a given matrix to metrics ----------------------------------------------------------------------------------


def bench_given(name: str, queries: int, items: int, most: int) -> dict[str, tuple]:
    rng = np.random.default_rng(items)
    scores = rng.standard_normal((queries, items), np.float32)
    if most == 1:
        label = rng.integers(0, items, (queries, 1))
        bench = benchmark(Qrels(label, (label + 1) % items), items, RECALLS)
    else:
        bench = benchmark(Qrels(several_targets(rng, queries, items, most)), items, MAPS)
    qrels = bench.qrels["default"]
    rows = np.arange(queries)[:, None]
    scores[rows, qrels.targets] += 3  # -1 raises one picture's scores: no harm
    distances = torch.from_numpy(1 - scores)

    def ours() -> list[float]:
        values = measure({"default": target_ranks(scores, qrels)}, bench.metrics)
        return [float(one.mean()) for one in values.values()]

    seconds = interleaved({"argsort and names": lambda: usual_metrics(distances, bench), "ours": ours})
    print_seconds(f"given {name}, {queries:,} x {items:,}", seconds, 1)
    got, expected = np.array(ours()), np.array(usual_metrics(distances, bench))
    print(f"  ours {got.round(4)} usual {expected.round(4)}")
    assert np.abs(got - expected).max() <= 2 / queries, "the two do not measure the same thing"
    return {f"given {name}: usual / ours": ratio(seconds["argsort and names"], seconds["ours"])}


def warm_up() -> None:
    start = perf_counter()
    rows_to_metrics(rows_case(64, 70_000))
    target_ranks(np.zeros((64, 70_000), np.float32), Qrels(np.zeros((64, 1), np.int32)))
    print(f"first call, with compiling or loading the kernel: {perf_counter() - start:.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--quick", action="store_true", help="a quarter of the pictures, or half of the queries"
    )
    parser.add_argument("--only", nargs="+", choices=["rows", "given"], default=["rows", "given"])
    given = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, width {WIDTH}")
    warm_up()
    ratios = {}
    if "rows" in given.only:
        for queries in (220, 800):
            ratios |= bench_rows(queries, ITEMS // (4 if given.quick else 1))
    if "given" in given.only:
        share = 2 if given.quick else 1
        ratios |= bench_given("cirr", 4181 // share, 2297, 1)
        ratios |= bench_given("circo", 220 // share, ITEMS, 14)
    print("; ".join(f"{name} {' | '.join(f'{v:,.2f}' for v in values)}" for name, values in ratios.items()))


if __name__ == "__main__":
    main()
