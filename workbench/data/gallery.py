"""A benchmark whose gallery's list was not read, over a list of pictures that somebody else has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from workbench.data import published
from workbench.data.benchmark import Benchmark, BenchmarkError, Gallery, Qrels
from workbench.data.ids import plain_id, plain_rows


def with_gallery(benchmark: Benchmark, ids: Sequence[str]) -> Benchmark:
    """The benchmark over exactly these pictures, named as its annotations name them (CIRCO: without zeros in front).

    Raises BenchmarkError where a picture that the annotations name is not among them, where their number is not the
    published one, and where it depends on the list who is ranked (FashionIQ's categories).
    """
    if any(one.over is not None for one in benchmark.summaries):
        raise BenchmarkError(
            f"{benchmark.name} {benchmark.split}: its lists of pictures say who is ranked; they are missing"
        )
    expected = published(benchmark.name, benchmark.split).get("gallery", len(ids))
    if len(ids) != expected:
        raise BenchmarkError(
            f"{benchmark.name} {benchmark.split}: got {len(ids):,} pictures, the gallery has {expected:,}; numbers over "
            "another gallery are another benchmark's"
        )
    if plain_rows(benchmark.gallery.ids) is not None:
        ids = [plain_id(id) for id in ids]
    gallery = Gallery(tuple(ids))
    rows = np.array([gallery.row(id, "the annotations") for id in benchmark.gallery.ids] + [-1], np.int32)
    moved = {
        name: Qrels(
            *(None if some is None else rows[some] for some in (one.targets, one.excluded, one.candidates))
        )
        for name, one in benchmark.qrels.items()
    }
    queries = tuple(
        query if query.reference is None else replace(query, reference=int(rows[query.reference]))
        for query in benchmark.queries
    )
    return replace(benchmark, gallery=gallery, queries=queries, qrels=moved)
