"""TinyCIR, the built-in benchmark: files -> Benchmark.

Targets are all gallery pictures that fit the edited card; the reference is excluded ("default"), kept
in ("with_reference"), or the ranking is among the query's group of six ("subset", reference excluded).
The pictures are drawn from CC0 1.0 art; see data/README.md.
"""

from __future__ import annotations

import json
from pathlib import Path

from workbench.data.benchmark import Benchmark, BenchmarkError, Card, Gallery, Qrels, Query, qrels_from_ids
from workbench.data.images import ZipImages
from workbench.paths import benchmark_root
from workbench.registry import nearest

SPLITS = {"val": 500, "test": 1000}
PICTURES = 4264
METRICS = ("hit@1", "hit@10", "map@10", "recall@1", "recall@10", "subset:recall@1")


def load(split: str, root: Path | str | None = None) -> Benchmark:
    """One split ("val" or "test") of TinyCIR.

    Raises BenchmarkError for an unknown split or files that contradict themselves, HomeError where
    the built-in world is not at hand.
    """
    if split not in SPLITS:
        raise BenchmarkError(
            f"tinycir has no split {split!r}, it has {tuple(SPLITS)}.{nearest(split, SPLITS)}"
        )
    root = benchmark_root("tinycir") if root is None else Path(root)
    pictures = read_json(root / "gallery.json")["pictures"]
    rows = read_json(root / f"{split}.json")
    ids = tuple(p["id"] for p in pictures)
    gallery = Gallery(ids, ZipImages(root / "pictures.zip", tuple(f"{i}.webp" for i in ids)))
    queries = tuple(
        Query(r["id"], gallery.row(r["reference"], r["id"]), r["reference"], (r["modification"],), r["tags"])
        for r in rows
    )
    return Benchmark(
        name="tinycir",
        split=split,
        queries=queries,
        gallery=gallery,
        qrels=judgements(gallery, queries, rows),
        metrics=METRICS,
        protocol={
            "gallery": f"all {len(ids)} pictures",
            "reference": "excluded",
            "right": "any picture that fits",
        },
        card=CARD(len(rows), len(ids)),
    )


def judgements(gallery: Gallery, queries: tuple[Query, ...], rows: list[dict]) -> dict[str, Qrels]:
    """The three rules of what is ranked and what is right."""
    targets = [r["targets"] for r in rows]
    reference = [[q.reference_image] for q in queries]
    label = [r["targets"][:1] for r in rows]
    others = [[i for i in r["subset"] if i != r["reference"]] for r in rows]
    return {
        "default": qrels_from_ids(gallery, targets, excluded=reference),
        "with_reference": qrels_from_ids(gallery, targets),
        "subset": qrels_from_ids(gallery, label, excluded=reference, candidates=others),
    }


def descriptions(root: Path | str | None = None) -> dict[str, str]:
    """Picture id -> the description of its spoken attributes (what a perfect captioner would say)."""
    root = benchmark_root("tinycir") if root is None else Path(root)
    return {p["id"]: p["description"] for p in read_json(root / "gallery.json")["pictures"]}


def attributes(root: Path | str | None = None) -> dict[str, dict[str, str]]:
    """Picture id -> its kind and every attribute, spoken and visual: what only the builder and tests may look at."""
    root = benchmark_root("tinycir") if root is None else Path(root)
    hidden = ("id", "description", "drawn")
    pictures = read_json(root / "gallery.json")["pictures"]
    return {p["id"]: {k: v for k, v in p.items() if k not in hidden} for p in pictures}


def description_benchmark(split: str, root: Path | str | None = None) -> Benchmark:
    """Description -> picture: every test or val target's description searches the whole gallery.

    A text-only task that measures the model itself: any picture with the described spoken attributes fits.
    """
    base = load(split, root)
    said = descriptions(root)
    fits: dict[str, list[str]] = {}
    for id, text in said.items():
        fits.setdefault(text, []).append(id)
    labelled = list(dict.fromkeys(base.gallery.ids[t] for t in base.qrels["default"].targets[:, 0]))
    queries = tuple(Query(f"{split}-{i}", None, i, (said[i],), {}) for i in labelled)
    targets = [[i, *(o for o in fits[said[i]] if o != i)] for i in labelled]
    return Benchmark(
        name="tinycir-descriptions",
        split=split,
        queries=queries,
        gallery=base.gallery,
        qrels={"default": qrels_from_ids(base.gallery, targets)},
        metrics=("hit@1", "hit@10", "map@10"),
        protocol={
            "gallery": f"all {len(base.gallery)} pictures",
            "right": "any picture that fits the description",
        },
        card=CARD(len(queries), len(base.gallery)),
    )


def read_json(path: Path):
    """A JSON file of the benchmark; BenchmarkError names a file that is missing or not JSON."""
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise BenchmarkError(
            f"{path} is missing; build it with: python -m workbench.data.tinycir.build"
        ) from None
    except json.JSONDecodeError as error:
        raise BenchmarkError(f"{path} is not JSON: {error}") from error


def CARD(queries: int, gallery: int) -> Card:
    """Licence, source and counts, as every benchmark states them."""
    return Card(
        name="TinyCIR",
        licence="CC0-1.0",
        citation="Drawn from Open Peeps by Pablo Stanley and Critters, Sprouts, Planets by DiceBear.",
        source="built by workbench.data.tinycir.build",
        description="Drawn critters, plants, planets and people with every attribute known.",
        counts={"queries": queries, "gallery": gallery},
    )
