"""The checks behind `Benchmark.validate`: each raises BenchmarkError with the name of what is wrong."""

from __future__ import annotations

import numpy as np

from workbench.data.benchmark import Benchmark, BenchmarkError, Qrels, refuse_duplicates
from workbench.registry import nearest


def validate(benchmark: Benchmark) -> None:
    """Raises BenchmarkError with every wrong count, or the first wrong index, duplicate or empty text, by name."""
    for check in (_gallery, _queries, _counts, _qrels, _metrics, _references, _summaries):
        check(benchmark)


def _gallery(benchmark: Benchmark) -> None:
    gallery = benchmark.gallery
    refuse_duplicates("gallery id", gallery.ids)
    if len(gallery) < 2:
        raise BenchmarkError(f"the gallery has {len(gallery)} pictures; ranking needs at least 2")
    if gallery.images is not None and len(gallery.images) != len(gallery):
        raise BenchmarkError(f"the gallery has {len(gallery)} ids but {len(gallery.images)} images")


def _queries(benchmark: Benchmark) -> None:
    queries, ids = benchmark.queries, benchmark.gallery.ids
    if not queries:
        raise BenchmarkError("there are no queries")
    refuse_duplicates("query id", [query.id for query in queries])
    for query in queries:
        if isinstance(query.modification, str) or not query.modification:
            raise BenchmarkError(
                f"query {query.id!r}: modification is {query.modification!r}, expected a tuple of one or more texts"
            )
        if query.reference is None:
            continue
        if not 0 <= query.reference < len(ids):
            raise BenchmarkError(
                f"query {query.id!r}: reference row {query.reference} is outside the gallery of {len(ids)}"
            )
        if ids[query.reference] != query.reference_image:
            raise BenchmarkError(
                f"query {query.id!r}: reference_image is {query.reference_image!r}, "
                f"but the gallery's row {query.reference} is {ids[query.reference]!r}"
            )


def _counts(benchmark: Benchmark) -> None:
    blank = [query.id for query in benchmark.queries for text in query.modification if not text.strip()]
    expected = {"blank_texts": 0, **benchmark.card.counts}
    tags = {tag for query in benchmark.queries for tag in query.tags}
    found = {tag: len({query.tags.get(tag) for query in benchmark.queries}) for tag in tags} | {
        "queries": len(benchmark.queries),
        "gallery": len(benchmark.gallery),
        "references": len({query.reference_image for query in benchmark.queries}),
        "blank_texts": len(blank),
        **_target_counts(benchmark),
    }
    wrong = []
    for name, number in expected.items():
        if name not in found:
            raise BenchmarkError(f"card.counts: {name!r} is not counted.{nearest(name, found)}")
        if found[name] != number:
            first = f" (the first: query {blank[0]!r})" if name == "blank_texts" and blank else ""
            wrong.append(f"{name}: found {found[name]}, expected {number}{first}")
    if wrong:
        raise BenchmarkError("; ".join(wrong))


def _target_counts(benchmark: Benchmark) -> dict[str, int]:
    """How many targets the main rule labels, and how many queries have none."""
    if "default" not in benchmark.qrels:
        return {}
    labelled = benchmark.qrels["default"].targets >= 0
    return {"targets": int(labelled.sum()), "without_target": int((~labelled.any(axis=1)).sum())}


def _qrels(benchmark: Benchmark) -> None:
    if "default" not in benchmark.qrels:
        raise BenchmarkError(f"qrels: 'default' is missing; got {', '.join(benchmark.qrels) or 'none'}")
    for name, qrels in benchmark.qrels.items():
        qrels.check(len(benchmark.queries), len(benchmark.gallery), f"qrels[{name!r}]")
        _labelled_targets(benchmark, name, qrels)


def _labelled_targets(benchmark: Benchmark, name: str, qrels: Qrels) -> None:
    """The labelled target is ranked, or all targets of all queries are hidden (a test split kept by a server)."""
    label, empty = qrels.targets[:, :1], (qrels.targets < 0).all(axis=1)
    if empty.all():
        return
    # a set that knows of queries without a right answer states their number on its card, and `_counts` compares it
    allowed = empty & (benchmark.card.counts.get("without_target", 0) > 0)
    labelled = (label >= 0).any(axis=1)
    wrong = {
        "has no labelled target in column 0": ~labelled & ~allowed,
        "excludes its own labelled target": labelled & (label == qrels.excluded).any(axis=1),
    }
    if qrels.candidates is not None:
        wrong["has a labelled target that is not a candidate"] = labelled & ~(label == qrels.candidates).any(
            axis=1
        )
    for what, rows in wrong.items():
        if rows.any():
            query = benchmark.queries[int(np.flatnonzero(rows)[0])].id
            raise BenchmarkError(f"qrels[{name!r}]: query {query!r} {what}")


def _metrics(benchmark: Benchmark) -> None:
    for spec in benchmark.metrics:
        key = spec.partition(":")[0] if ":" in spec else "default"
        if key not in benchmark.qrels:
            raise BenchmarkError(
                f"metric {spec!r} asks for qrels {key!r}.{nearest(key, benchmark.qrels)} "
                f"Known: {', '.join(benchmark.qrels)}"
            )


def _references(benchmark: Benchmark) -> None:
    outside = sum(query.reference is None for query in benchmark.queries)
    if benchmark.references is not None and len(benchmark.references) != outside:
        raise BenchmarkError(
            f"references: got {len(benchmark.references)} pictures, expected {outside}, one for each query whose "
            "reference is not in the gallery"
        )


def _summaries(benchmark: Benchmark) -> None:
    tags = {tag for query in benchmark.queries for tag in query.tags}
    for summary in benchmark.summaries:
        for metric in summary.metrics:
            if metric not in benchmark.metrics:
                raise BenchmarkError(
                    f"summary {summary.name!r} asks for the metric {metric!r}."
                    f"{nearest(metric, benchmark.metrics)} Known: {', '.join(benchmark.metrics)}"
                )
        if summary.over is not None and summary.over not in tags:
            raise BenchmarkError(
                f"summary {summary.name!r} is over the tag {summary.over!r}.{nearest(summary.over, tags)} "
                f"Known: {', '.join(sorted(tags)) or 'none'}"
            )
