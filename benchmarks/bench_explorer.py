"""How soon an explorer answers when a slider is moved, measured in the kernel: weigh, rank, and write the HTML.

    python benchmarks/bench_explorer.py [--quick]

A gallery of 20,000 random pictures and rows (width 512), 500 queries, 40 results shown. *Moved*: PDV-F's beta changes;
the answer is the target's rank, the first 40 with scores and bars, and the board's HTML with thumbnails that are there
already. *Beside*: the same with SLERP as a second method. *New question*: another query, whose similarities and
thumbnails are made. The usual way, in turn with it: score everything again with `evaluate`, for the one query and for
the 500, and draw the results with matplotlib. `--quick` measures 10 moves instead of 50; the sizes stay.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from PIL import Image

from workbench.case import Case
from workbench.data.benchmark import Benchmark, Card, Gallery, Qrels, Query
from workbench.evaluation import evaluate
from workbench.methods import PDVFusion
from workbench.widgets import Explorer, Question
from workbench.widgets.live import LiveExplorer

GALLERY, QUERIES, WIDTH, SHOWN = 20_000, 500, 512, 40
PARTS = ("reference_image", "modification", "reference_caption", "composed_caption")


class Pictures:
    """Pictures of noise, made when asked for."""

    def __len__(self) -> int:
        return GALLERY

    def __getitem__(self, i: int) -> Image.Image:
        noise = np.random.default_rng(i).integers(0, 255, (12, 12, 3), dtype=np.uint8)
        return Image.fromarray(noise).resize((128, 128))


def made_up_case() -> Case:
    rng = np.random.default_rng(0)

    def rows(n: int) -> np.ndarray:
        return rng.standard_normal((n, WIDTH), dtype=np.float32)

    ids = tuple(f"p{n:05d}" for n in range(GALLERY))
    reference = rng.permutation(GALLERY)[: 3 * QUERIES].reshape(QUERIES, 3).astype(np.int32)
    queries = tuple(Query(f"q{q}", int(r), ids[r], (f"change {q}",)) for q, r in enumerate(reference[:, 0]))
    qrels = {"default": Qrels(reference[:, 1:], reference[:, :1])}
    bench = Benchmark(
        "noise",
        "val",
        queries,
        Gallery(ids, Pictures()),
        qrels,
        ("recall@10",),
        {},
        Card("noise", "", "", ""),
    )
    texts = {name: tuple(f"{name} {q}" for q in range(QUERIES)) for name in PARTS[1:]}
    return Case(
        bench,
        "noise",
        "noise",
        "noise",
        {part: rows(QUERIES) for part in PARTS},
        {"image": rows(GALLERY)},
        texts,
    )


def timed(work: Callable) -> tuple[float, float]:
    """Milliseconds on the wall, and of processor time: on a busy machine only the second one says something."""
    wall, processor = perf_counter(), process_time()
    work()
    return 1000 * (perf_counter() - wall), 1000 * (process_time() - processor)


def by_the_usual_way(case: Case, explorer: Explorer, beta: float) -> None:
    """Everything scored again, and a figure as a PNG."""
    evaluate(case, {"pdv_f": PDVFusion(beta=beta)}, ["recall@10"])
    explorer.ask(method=PDVFusion(beta=beta))
    explorer.figure().savefig(io.BytesIO(), format="png")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="10 moves instead of 50")
    moves = 10 if parser.parse_args().quick else 50
    case = made_up_case()
    explorer = Explorer(case, query=0, method=PDVFusion(), k=SHOWN)
    live, still = LiveExplorer(explorer), Explorer(case, query=0, method=PDVFusion(), k=SHOWN)
    slider = live.first.sliders.children[-1]
    one = still.desk.one(Question(query=0), PARTS)
    times: dict[str, list[tuple[float, float]]] = {}

    def note(what: str, work: Callable) -> None:
        times.setdefault(what, []).append(timed(work))

    for move in range(moves):
        beta = (move % 20 + 1) / 21
        note("moved", lambda beta=beta: setattr(slider, "value", beta))
        if move < 5:
            note("evaluate one query + figure", lambda beta=beta: by_the_usual_way(one, still, beta))
            note("evaluate all queries + figure", lambda beta=beta: by_the_usual_way(case, still, beta))
    live.second.list.value = "slerp"
    for move in range(moves):
        note(
            "moved, a second method beside", lambda move=move: setattr(slider, "value", (move % 20 + 1) / 22)
        )
    live.second.list.value = ""
    for query in range(1, moves + 1):
        note("new question", lambda query=query: setattr(live.chooser.list, "value", query))
    assert explorer.view.question == Question(query=moves) and not live.board.problem
    print(f"{GALLERY:,} gallery pictures of width {WIDTH}, {QUERIES} queries, {SHOWN} shown; milliseconds")
    print(f"{'':34}{'median':>9}{'worst':>9}{'processor, median':>19}")
    median = {what: np.median(values, axis=0) for what, values in times.items()}
    for what, values in times.items():
        print(f"{what:34}{median[what][0]:9.1f}{max(values)[0]:9.1f}{median[what][1]:19.1f}")
    usual = [
        median[f"evaluate {which} + figure"][1] / median["moved"][1] for which in ("one query", "all queries")
    ]
    wall, processor = median["moved"]
    print(
        f"moved: {wall:.1f} ms, of processor time {processor:.1f} ms (limit 50); times faster than scoring anew and "
        f"redrawing, in processor time: one query {usual[0]:.0f}, all queries {usual[1]:.0f}"
    )


if __name__ == "__main__":
    main()
