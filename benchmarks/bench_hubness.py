"""N_10 and its skewness for 100,000 queries x 100,000 pictures against scikit-learn; mitigators against a plain copy.

    python benchmarks/bench_hubness.py [--quick] [--only neighbours mitigators]

Neighbours: unit rows of width 512 with hubs among them; `index.nearest`, N_10, skewness, on all queries, against
scikit-learn's brute-force NearestNeighbors on a tenth of them, multiplied: by Euclidean distance, its compiled way,
which orders unit rows as cosine does, and by cosine, as most people ask it. Both give the same neighbours (checked).

Mitigators: `fit` on a bank of scores and applying to test scores, in GB moved per second, against a plain copy of the
same arrays. A copy reads and writes; `fit` must read every score of the bank once (dual ones of two banks, Sinkhorn in
every iteration, counted once); applying reads and writes. What is fitted on rows is compared with the product of the
bank's rows and the gallery's instead. The last line holds the ratios: scikit-learn / ours, by the clock | in CPU time;
then how many times slower than a copy, per byte, a mitigator fits and applies, in CPU time. All sides run in turn, three
times; medians are divided.
"""

from __future__ import annotations

import argparse
import os
import tracemalloc
from collections.abc import Callable
from statistics import median
from time import perf_counter, process_time
from typing import NamedTuple

import numpy as np
from sklearn.neighbors import NearestNeighbors

from workbench.hubness import MITIGATORS, Bank, k_occurrence, k_skewness
from workbench.index import nearest

REPEATS, K, WIDTH = 3, 10, 512
OF_ROWS = ("invgc", "invgc_local", "centring_unit", "dissim_local")
TRANSDUCTIVE = ("dual_softmax", "sinkhorn")
NEEDS_A_GALLERY_FOR_A_BANK = ("mutual_proximity_joint",)


class Seconds(NamedTuple):
    wall: float
    cpu: float


def interleaved(sides: dict[str, Callable[[], object]]) -> dict[str, Seconds]:
    """Median seconds of every side, all run in turn."""
    times: dict[str, list[Seconds]] = {name: [] for name in sides}
    for _ in range(REPEATS):
        for name, run in sides.items():
            wall, cpu = perf_counter(), process_time()
            run()
            times[name].append(Seconds(perf_counter() - wall, process_time() - cpu))
    return {name: Seconds(*map(median, zip(*some, strict=True))) for name, some in times.items()}


def cloud(n: int, width: int, seed: int) -> np.ndarray:
    """Unit rows in a cone, so that those near its axis are hubs."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((n, width), np.float32) / np.float32(np.sqrt(width))
    rows += np.full(width, 0.7 / np.sqrt(width), np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def bench_neighbours(n: int) -> dict[str, str]:
    queries, gallery = cloud(n, WIDTH, 1), cloud(n, WIDTH, 2)
    share = n // 10

    def ours(some: np.ndarray = queries) -> tuple[np.ndarray, float]:
        lists = nearest(some, gallery, K)
        return lists, k_skewness(k_occurrence(lists, n))

    def theirs(metric: str) -> tuple[np.ndarray, float]:
        search = NearestNeighbors(n_neighbors=K, algorithm="brute", metric=metric, n_jobs=-1).fit(gallery)
        lists = search.kneighbors(queries[:share], return_distance=False)
        return lists, k_skewness(k_occurrence(lists, n))

    sides = {"ours": ours, "Euclidean": lambda: theirs("euclidean"), "cosine": lambda: theirs("cosine")}
    agree = np.mean(np.sort(ours(queries[:share])[0]) == np.sort(theirs("euclidean")[0]))
    assert agree > 0.999, f"only {agree:.2%} of the neighbours are the same"
    seconds = interleaved(sides)
    tracemalloc.start()
    skewness = ours(queries[:share])[1]
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    print(f"N_{K} and skewness, {n:,} x {n:,}, width {WIDTH}; median of {REPEATS}, in turn: seconds, CPU")
    print(f"  ours                                  {seconds['ours'].wall:9.2f}{seconds['ours'].cpu:9.2f}")
    for metric in ("Euclidean", "cosine"):
        wall, cpu = (10 * value for value in seconds[metric])
        print(f"  scikit-learn, {metric:9s} ({share:,} x 10)  {wall:9.2f}{cpu:9.2f}")
    print(
        f"  same neighbours {agree:.3%}; skewness of the tenth {skewness:.2f}; {peak:.0f} MiB above the rows"
    )
    return {
        f"scikit-learn {metric} / ours": " | ".join(
            f"{10 * other / mine:.2f}" for other, mine in zip(seconds[metric], seconds["ours"], strict=True)
        )
        for metric in ("Euclidean", "cosine")
    }


def bench_mitigators(n_items: int, n_bank: int, n_queries: int) -> dict[str, str]:
    """Scores as of unit rows: between -1 and 1."""
    gallery, bank_rows = cloud(n_items, 64, 3), cloud(n_bank, 64, 4)
    others, queries = cloud(n_bank, 64, 5), cloud(n_queries, 64, 6)
    bank_scores, scores = bank_rows @ gallery.T, queries @ gallery.T
    banks = {
        kind: Bank.from_scores(bank_scores, "made-up queries", others @ gallery.T, transductive=kind)
        for kind in (False, True)
    }
    rows = Bank(bank_rows, gallery, "made-up queries", others)
    sides: dict[str, Callable[[], object]] = {
        "copy fit": bank_scores.copy,
        "copy apply": scores.copy,
        "product fit": lambda: bank_rows @ gallery.T,
    }
    for name in MITIGATORS.names():
        if name in NEEDS_A_GALLERY_FOR_A_BANK:
            continue
        mitigator = MITIGATORS.get(name)()
        bank = rows if name in OF_ROWS else banks[name in TRANSDUCTIVE]
        sides[f"{name} fit"] = lambda mitigator=mitigator, bank=bank: mitigator.fit(bank)
        fitted = mitigator.fit(bank)
        if callable(fitted):
            everything = (scores, slice(0, n_queries), slice(0, n_items))
            sides[f"{name} apply"] = lambda fitted=fitted, given=everything: fitted(*given)
    seconds = interleaved(sides)
    moved = {"fit": bank_scores.nbytes / 1e9, "apply": 2 * scores.nbytes / 1e9}
    print(f"mitigators: bank {n_bank:,} x {n_items:,}, test {n_queries:,} x {n_items:,}, float32; CPU time")
    print(f"  {'copy':32s}{'GB/s':>8s}{2 * moved['fit'] / seconds['copy fit'].cpu:9.2f}")
    for name, (_, cpu) in seconds.items():
        kind, step = name.split()
        if kind in OF_ROWS and step == "fit":
            print(f"  {name:32s}{'products':>8s}{cpu / seconds['product fit'].cpu:9.2f}")
        elif kind not in ("copy", "product"):
            print(f"  {name:32s}{'GB/s':>8s}{moved[step] / cpu:9.2f}")
    return {
        f"{name} / {'product' if name.split()[0] in OF_ROWS and 'fit' in name else 'copy'}": _slower(
            name, seconds
        )
        for name in sides
        if not name.startswith(("copy", "product"))
    }


def _slower(name: str, seconds: dict[str, Seconds]) -> str:
    """Per byte moved: a copy of the bank's scores moves twice what fitting must read."""
    kind, step = name.split()
    if step == "apply":
        return f"{seconds[name].cpu / seconds['copy apply'].cpu:.1f}"
    if kind in OF_ROWS:
        return f"{seconds[name].cpu / seconds['product fit'].cpu:.1f}"
    return f"{2 * seconds[name].cpu / seconds['copy fit'].cpu:.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the pictures and queries")
    parser.add_argument("--only", nargs="+", choices=["neighbours", "mitigators"], help="one of the two")
    given = parser.parse_args()
    chosen = given.only or ["neighbours", "mitigators"]
    share = 10 if given.quick else 1
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    ratios: dict[str, str] = {}
    if "neighbours" in chosen:
        ratios |= bench_neighbours(100_000 // share)
    if "mitigators" in chosen:
        ratios |= bench_mitigators(100_000 // share, 1_000, 250)
    print("ratios: " + ", ".join(f"{name} {value}" for name, value in ratios.items()))


if __name__ == "__main__":
    main()
