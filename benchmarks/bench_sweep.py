"""Whole grids against the usual evaluation of one setting at a time, and against the bare matrix products.

    python benchmarks/bench_sweep.py [--quick] [--only fashioniq cirr circo weimocir] [--width 512] [--large]

The usual way, from the same embeddings and on the same cores: compose and normalise the queries, one matrix product,
`torch.argsort` of the whole distance matrix, the order mapped to an array of picture names, names compared. One
setting is measured and multiplied by the number of settings. The products: the same blocks, workers and buffers as
in the sweep, with nothing done to the results. Every side runs in turn, three times; medians are compared. Compiling
the kernel (once per machine, then cached) is reported on its own. The last line holds the ratios,
by the clock | in CPU time.

--large sweeps 1,000 queries over 1,000,000 pictures on disk and reports the memory that took above its inputs.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import NamedTuple

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from workbench.data.benchmark import Benchmark, Card, Gallery, Qrels, Query
from workbench.score.similarities import Similarities
from workbench.sweep import grid, sweep

ALPHAS, BETAS = np.linspace(0, 2, 21).round(10), np.linspace(0, 1, 11).round(10)
REPEATS = 3


@dataclass(frozen=True, eq=False)
class World:
    """Embeddings with clusters, a modality gap and realistic target ranks, and a benchmark around them."""

    parts: dict
    views: dict
    bench: Benchmark

    def sims(self) -> Similarities:
        return Similarities(self.parts, self.views, [("reference_image", "image")])


def world(
    queries: int, items: int, width: int, targets: int = 1, exclude: bool = False, seed: int = 0
) -> World:
    rng = np.random.default_rng(seed)

    def noise(n: int, size: float) -> np.ndarray:
        return (rng.normal(size=(n, width)) * (size / np.sqrt(width))).astype(np.float32)

    axis = noise(2, 1.0)
    members = 200  # pictures of one cluster follow one another
    of_item = np.arange(items) // members
    cluster, own = noise(of_item[-1] + 1, 0.6)[of_item], noise(items, 0.4)
    image, caption = axis[0] + cluster + own, 3 * (axis[1] + 0.4 * (cluster + own) + noise(items, 0.8))
    reference = rng.integers(0, items, queries)
    # targets stand in the reference's cluster: their pictures differ as much as any two there
    first, room = reference // members * members, np.minimum(members, items - reference // members * members)
    step = 1 + rng.integers(0, members // 2, (queries, 1)) + 5 * np.arange(targets)
    right = first[:, None] + ((reference - first)[:, None] + step) % room[:, None]
    target = right[:, 0]
    misread = noise(queries, 0.4)

    def said(rows: np.ndarray) -> np.ndarray:
        """The cluster is put into words more often than what tells its pictures apart."""
        return axis[1] + 0.15 * cluster[rows] + 0.1 * own[rows] + misread + noise(queries, 0.2)

    parts = {
        "reference_image": image[reference],
        "reference_caption": 3 * said(reference),
        "composed_caption": 3 * said(target),
        "modification": 3 * (axis[1] + 0.1 * own[target] + noise(queries, 0.4)),
    }
    if exclude:
        right = np.where(right == reference[:, None], (right + 1) % items, right)
    excluded = reference[:, None]
    names = tuple(f"dev-{n:07d}-img" for n in range(items))
    bench = Benchmark(
        "synthetic",
        "val",
        tuple(Query(str(q), int(r), names[r], ("",)) for q, r in enumerate(reference)),
        Gallery(names),
        {"default": Qrels(right.astype(np.int32), excluded.astype(np.int32) if exclude else None)},
        ("recall@1", "recall@5", "recall@10", "recall@50")
        if targets == 1
        else ("map@5", "map@10", "map@25", "map@50"),
        {},
        Card("synthetic", "CC0-1.0", "none", "random numbers"),
    )
    return World(parts, {"image": image, "caption": caption}, bench)


# --- the usual way -------------------------------------------------------------------------------------------------


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def usual_metrics(distances: torch.Tensor, bench: Benchmark) -> list[float]:
    """Recall@K or CIRCO's mAP@K by sorting everything and comparing names."""
    qrels, names = bench.qrels["default"], np.array(bench.gallery.ids)
    order = torch.argsort(distances, dim=-1).numpy()
    ranking = names[order]
    if qrels.excluded.shape[1]:
        keep = ranking != names[qrels.excluded]
        ranking = ranking[keep].reshape(len(ranking), -1)
    if qrels.targets.shape[1] == 1:
        labels = ranking == names[qrels.targets]
        return [float(labels[:, :k].any(axis=1).mean()) for k in (1, 5, 10, 50)]
    found = np.zeros((4, len(ranking)))
    for q, row in enumerate(qrels.targets):
        targets = names[row[row >= 0]]
        labels = np.isin(ranking[q, :50], targets)
        precision = labels.cumsum() * labels / np.arange(1, 51)
        found[:, q] = [precision[:k].sum() / min(len(targets), k) for k in (5, 10, 25, 50)]
    return found.mean(axis=1).tolist()


def usual_pdv(some: World, image: float = 1.4, text: float = 1.2, beta: float = 0.7) -> list[float]:
    """One setting of PDV-F."""
    v, t, c = (
        unit(some.parts[name]) for name in ("reference_image", "reference_caption", "composed_caption")
    )
    query = (1 - beta) * (v + image * (c - t)) + beta * (t + text * (c - t))
    query = torch.nn.functional.normalize(torch.from_numpy(query), dim=-1)
    gallery = torch.nn.functional.normalize(torch.from_numpy(some.views["image"]), dim=-1)
    return usual_metrics(1 - query @ gallery.T, some.bench)


def usual_weimocir_products(some: World, alpha: float = 0.8) -> tuple[torch.Tensor, torch.Tensor]:
    """What WeiMoCIR computes once per alpha."""
    mixed = [
        unit((1 - alpha) * some.parts[name] + alpha * some.parts["modification"])
        for name in ("reference_image", "reference_caption")
    ]
    return tuple(
        torch.from_numpy(query) @ torch.from_numpy(unit(some.views[view])).T
        for query, view in zip(mixed, ("image", "caption"), strict=True)
    )


# --- the bare products ---------------------------------------------------------------------------------------------


def products(some: World, terms: list[tuple[str, str]]) -> Callable[[], None]:
    """The matrix products of a sweep: same blocks, workers and reused buffers, from rows that are unit already."""
    from workbench.score.blocks import Plan, item_blocks
    from workbench.score.lines import find_lines
    from workbench.score.shares import cores, query_shares
    from workbench.sweep.blocks import SHARE

    sims = Similarities(some.parts, some.views, terms)
    plan = Plan(sims, find_lines(np.ones((1, 1, len(terms)), np.float32)), None, None)
    left = {view: [k for k, term in enumerate(sims.terms) if term.view == view] for view in sims.view_names}

    def work(share: slice) -> None:
        buffer = np.empty(0, np.float32)
        for items in item_blocks(sims.n_items, 1):
            n = items.stop - items.start
            for queries in plan.query_blocks(n, share):
                for view, terms_of_view in left.items():
                    rows = plan.faced.units[terms_of_view, queries].reshape(-1, plan.faced.units.shape[2])
                    if buffer.size < len(rows) * n:
                        buffer = np.empty(len(rows) * n, np.float32)
                    np.matmul(
                        rows, sims.unit_views[view][items].T, out=buffer[: len(rows) * n].reshape(-1, n)
                    )

    def run() -> None:
        with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(cores()) as pool:
            list(pool.map(work, query_shares(sims.n_queries, SHARE)))

    plan.faced, sims.unit_views  # noqa: B018 (made beforehand)
    return run


# --- side by side --------------------------------------------------------------------------------------------------


class Seconds(NamedTuple):
    """Of one side: by the clock, and of all its threads together. On a busy machine the second travels better."""

    wall: float
    cpu: float


def interleaved(sides: dict[str, Callable[[], object]]) -> dict[str, Seconds]:
    """Median seconds of each side, all sides in turn."""
    times: dict[str, list[Seconds]] = {name: [] for name in sides}
    for _ in range(REPEATS):
        for name, work in sides.items():
            wall, cpu = perf_counter(), process_time()
            work()
            times[name].append(Seconds(perf_counter() - wall, process_time() - cpu))
    return {name: Seconds(*map(median, zip(*some, strict=True))) for name, some in times.items()}


def ratio(top: dict[Seconds, float] | Seconds, bottom: Seconds) -> tuple[float, float]:
    """By the clock and in CPU time; `top` may be several sides, each so many times."""
    top = top if isinstance(top, dict) else {top: 1}
    return tuple(
        sum(n * getattr(side, clock) for side, n in top.items()) / getattr(bottom, clock)
        for clock in Seconds._fields
    )


def each(worlds: list[World], work: Callable[[World], object]) -> Callable[[], list]:
    return lambda: [work(some) for some in worlds]


def bench_pdv(name: str, worlds: list[World]) -> dict[str, tuple]:
    settings = grid("pdv_f", alpha_image=ALPHAS, alpha_text=ALPHAS, beta=BETAS)
    terms = list(settings[0].terms)
    bare = [products(some, terms) for some in worlds]
    seconds = interleaved(
        {
            "usual, one setting": each(worlds, usual_pdv),
            "plain": each(worlds, lambda some: sweep(settings, some.sims(), some.bench, certified=False)),
            "certified": each(worlds, lambda some: sweep(settings, some.sims(), some.bench)),
            "products": lambda: [run() for run in bare],
        }
    )
    check(worlds[0])
    print_seconds(name, seconds, len(settings))
    usual = {seconds["usual, one setting"]: len(settings)}
    return {
        f"{name}: usual x {len(settings):,} / grid": ratio(usual, seconds["plain"]),
        f"{name}: usual x {len(settings):,} / certified grid": ratio(usual, seconds["certified"]),
        f"{name}: grid / products": ratio(seconds["plain"], seconds["products"]),
        f"{name}: certified / plain": ratio(seconds["certified"], seconds["plain"]),
    }


def check(some: World) -> None:
    """Both sides measure the same thing: means of one setting agree up to the ties of an unstable sort."""
    one = grid("pdv_f", alpha_image=1.4, alpha_text=1.2, beta=0.7)
    ours = sweep(one, some.sims(), some.bench)["value"].to_numpy()
    theirs = np.array(usual_pdv(some))
    print(f"  one setting, ours {ours.round(4)} usual {theirs.round(4)}")
    assert np.abs(ours - theirs).max() <= 2 / len(some.bench.queries), (ours, theirs)


def bench_weimocir(some: World) -> dict[str, tuple]:
    settings = grid("weimocir", alpha=np.linspace(0, 1, 21), beta=np.linspace(0, 1, 21))
    image, caption = usual_weimocir_products(some)
    seconds = interleaved(
        {
            "usual, one alpha": lambda: usual_weimocir_products(some),
            "usual, one beta": lambda: usual_metrics(1 - (0.9 * image + 0.1 * caption), some.bench),
            "plain": lambda: sweep(settings, some.sims(), some.bench, certified=False),
            "certified": lambda: sweep(settings, some.sims(), some.bench),
        }
    )
    print_seconds("weimocir", seconds, len(settings))
    usual = {seconds["usual, one alpha"]: 21, seconds["usual, one beta"]: 441}
    return {
        "weimocir: usual x 441 / grid": ratio(usual, seconds["plain"]),
        "weimocir: usual x 441 / certified grid": ratio(usual, seconds["certified"]),
    }


def bench_large(width: int, items: int) -> dict[str, tuple]:
    """Memory above the inputs of a sweep over a gallery on disk."""
    settings = grid("pdv_f", alpha_image=ALPHAS, alpha_text=ALPHAS, beta=BETAS)
    small = world(1000, 20_000, width)
    with tempfile.TemporaryDirectory() as folder:
        gallery = np.lib.format.open_memmap(
            Path(folder) / "image.npy", "w+", np.float32, shape=(items, width)
        )
        for start in range(0, items, 20_000):
            step = min(20_000, items - start)
            gallery[start : start + step] = world(1, step, width, seed=start).views["image"]
        sims = Similarities(small.parts, {"image": gallery}, settings[0].terms)
        bench = Benchmark(
            **{**vars(small.bench), "gallery": Gallery(tuple(f"{n}" for n in range(items)))},
        )
        tracemalloc.start()
        start = perf_counter()
        sweep(settings, sims, bench)
        seconds, peak = perf_counter() - start, tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    print(
        f"large: 1,000 x {items:,}, certified: {seconds:.1f} s, {peak / 2**20:.0f} MiB above the inputs at the peak"
    )
    return {"large: MiB above the inputs": (peak / 2**20,)}


def print_seconds(name: str, seconds: dict[str, Seconds], settings: int) -> None:
    print(f"{name}: {settings:,} settings; median of {REPEATS}, in turn{'seconds':>9}{'CPU':>9}")
    for side, (wall, cpu) in seconds.items():
        print(f"  {side:46s}{wall:9.3f}{cpu:9.3f}", flush=True)


def warm_up(width: int) -> None:
    """Compiles the kernel where no cache holds it, and says what that took."""
    start = perf_counter()
    tiny = world(8, 64, width)
    for certified in (False, True):
        sweep(grid("pdv_f", beta=[0.0, 1.0]), tiny.sims(), tiny.bench, certified=certified)
    print(f"first call, with compiling or loading the kernel: {perf_counter() - start:.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="an eighth of the pictures and queries")
    parser.add_argument(
        "--only", nargs="+", choices=["fashioniq", "cirr", "circo", "weimocir"], help="some of the shapes"
    )
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--large", action="store_true", help="only: memory at 1,000 x 1,000,000")
    given = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, width {given.width}")
    warm_up(given.width)
    share = 8 if given.quick else 1
    if given.large:
        ratios = bench_large(given.width, 1_000_000 // share)
    else:
        ratios = {}
        only = given.only or ["fashioniq", "cirr", "circo", "weimocir"]
        shapes = [(2017, 3817), (2038, 6346), (1961, 5373)]
        if "fashioniq" in only:
            worlds = [world(q // share, n // share, given.width, seed=q) for q, n in shapes]
            ratios |= bench_pdv("fashioniq", worlds)
        if "cirr" in only:
            ratios |= bench_pdv("cirr", [world(4181 // share, 2297 // share, given.width, exclude=True)])
        if "circo" in only:
            ratios |= bench_pdv("circo", [world(220 // share, 123_403 // share, given.width, targets=5)])
        if "weimocir" in only:
            ratios |= bench_weimocir(world(2038 // share, 6346 // share, given.width))
    print("; ".join(f"{name} {' | '.join(f'{v:,.2f}' for v in values)}" for name, values in ratios.items()))


if __name__ == "__main__":
    main()
